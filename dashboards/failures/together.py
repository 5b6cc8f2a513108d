"""A loss of power in one picture: where power comes from, what is stored, what is served, how warm it gets.

Strips stand one above the other on one axis of time, each with its own unit and at most as many lines as have names.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from dashboards.chart import Chart, Table, num, power
from dashboards.failures.axis import TimeAxis, svg
from dashboards.failures.lines import Line, strip
from twin.analysis.fail import Failure
from twin.core.units import MW

TALL, GAP, HEAD = 132.0, 14.0, 20.0
Strip = tuple[str, str, list[Line]]  # its title, its unit, its lines


def together(failure: Failure, axis: TimeAxis, instants: Sequence[float], note: str) -> Chart:
    """The chart of a failure that the power path follows."""
    shown = _strips(failure)
    finding = _finding(failure)
    title = "Loss of power, all in one"
    height = len(shown) * (HEAD + TALL + GAP)
    drawn = [axis.ground(height)]
    for n, (name, unit, lines) in enumerate(shown):
        top = n * (HEAD + TALL + GAP)
        drawn.append(
            f'<g class="strip" transform="translate(0 {top:.1f})"><text class="strong" x="0" y="{HEAD - 4:.1f}">'
            f'{escape(name)}</text><g transform="translate(0 {HEAD:.1f})">'
            f"{strip(lines, axis, unit, instants, TALL, (0.0, 100.0) if unit == '%' else None)}</g></g>"
        )
    rows = [
        (f"{line.name}, {unit}", *(num(float(x), 2) for x in _before_least_most_end(failure, line)))
        for _, unit, lines in shown for line in lines
    ]  # fmt: skip
    head = ("What", "Before", "Least", "Most", "End")
    picture = svg("".join(drawn), height + 24.0, f"{title}. {finding}")
    return Chart("together", title, finding, [picture], Table(head, rows), note=note.strip())


def _strips(failure: Failure) -> list[Strip]:
    series, t = failure.series, failure.times_s - failure.at_s
    found: list[Strip] = [(
        "Where power comes from", "MW",
        [Line("grid", t, series["site_power"] / MW), Line("generators", t, series["generation_power"] / MW),
         Line("batteries, below 0 as they charge", t, series["storage_power"] / MW)],
    )]  # fmt: skip
    if np.isfinite(series["soc_least"]).all():
        found.append((
            "State of charge", "%",
            [Line("all batteries, by energy", t, 100.0 * series["soc_mean"]),
             Line("the lowest of them", t, 100.0 * series["soc_least"])],
        ))  # fmt: skip
    served = [Line("racks with power", t, 100.0 * (1.0 - series["racks_dark"] / _racks(failure)))]
    if "tokens" in series:
        before = max(1e-9, float(series["tokens"][max(0, _first(failure) - 10) : _first(failure)].mean()))
        served.insert(0, Line("tokens/s", t, 100.0 * series["tokens"] / before))
    found.append(("What is served, of before", "%", served))
    warm = (
        ("hottest rack", "hall_rack_temperature_maximum"),
        ("coolant to racks", "hall_liquid_supply_temperature_maximum"),
        ("air at racks", "hall_rack_inlet_temperature"),
        ("facility water", "fws_supply_temperature"),
    )  # fmt: skip
    lines = [line for name, key in warm if (line := _rises_most(failure, name, key)) is not None]
    return [*found, ("Where it gets warmest", "degC", lines)]


def _first(failure: Failure) -> int:
    """Index of the first step after the beginning."""
    return int(np.searchsorted(failure.times_s, failure.at_s, side="right"))


def _racks(failure: Failure) -> int:
    return max(1, sum(int(row["racks"]) for row in failure.groups))


def _rises_most(failure: Failure, name: str, key: str) -> Line | None:
    """Of all halls or loops the one that rises most; equal ones: the first."""
    values, n = failure.series[key], _first(failure)
    known = np.flatnonzero(np.isfinite(values).all(axis=0))
    if not len(known):
        return None
    rise = np.round(values[n:, known].max(axis=0) - values[n - 1, known], 3)
    k = int(known[int(np.argmax(rise))])
    labels = failure.prepared.plan.labels
    where = labels.loop[k] if key.startswith("fws") else labels.hall[k]
    return Line(f"{name}, {where}", failure.times_s - failure.at_s, values[:, k])


def _before_least_most_end(failure: Failure, line: Line) -> tuple[float, float, float, float]:
    v, n = line.values, _first(failure)
    return float(v[n - 1]), float(np.nanmin(v[n:])), float(np.nanmax(v[n:])), float(v[-1])


def _finding(failure: Failure) -> str:
    series, n = failure.series, _first(failure)
    words = [f"from the grid {power(float(series['site_power'][n - 1]) / MW)} before"]
    if series["generation_power"].max() > 0.0:
        words.append(f"generators up to {power(float(series['generation_power'].max()) / MW)}")
    if np.isfinite(series["soc_least"]).all():
        words.append(f"lowest state of charge {100.0 * float(series['soc_least'].min()):.0f} %")
    dark = int(series["racks_dark"].max())
    words.append(f"{dark:,} racks without power" if dark else "no rack without power")
    said = "; ".join(words)
    return f"{said[0].upper()}{said[1:]}."


__all__ = ["together"]
