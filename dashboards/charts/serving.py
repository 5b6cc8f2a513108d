"""What is served: tokens by class over time, the use of the pools, and the time to first token against its promise."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.models.renderers import DataRenderer
from bokeh.plotting import figure

from dashboards.bins import Floats, stepped
from dashboards.chart import Chart, Key, Table, num
from dashboards.charts.power import b_name
from dashboards.source import Source
from dashboards.theme import CYCLE, number_axis, plot
from twin.core.units import amount

# A queue that nobody serves waits this long or longer: it has no place on an axis.
NEVER_S = 1e8
DASHES = ("solid", "6 3", "2 2", "8 3 2 3")
NEEDED = ("pool_token_rate", "pool_utilization", "pool_ttft")


def build(s: Source) -> Chart | None:
    """The chart; None where the run serves nothing."""
    found = s.summary.get("serving")
    if found is None or not s.has(*NEEDED):
        return None
    names = [row["class"] for row in found["classes"]]
    colours = {name: CYCLE[i % len(CYCLE)] for i, name in enumerate(names)}
    tokens = _tokens(s, names)
    factor, unit = _unit(max(float(part.max()) for part in tokens.values()))
    late = {row["class"] for row in found["streams"] if not row.get("kept", True)}
    joule = found["joule_per_token"]
    return Chart(
        "serving",
        "Tokens served, use of the pools, time to first token",
        f"{amount(found['tokens_s'])} tokens/s on average"
        + (f", {amount(joule)} J a token at the racks' input, idle included" if joule is not None else "")
        + (f". ▲ Broken: {', '.join(sorted(late))}." if late else ". Every promise is kept."),
        [
            _stacked(s, {name: part * factor for name, part in tokens.items()}, colours, unit),
            _used(s),
            _waits(s, names, colours),
        ],
        Table(
            (
                b_name(s), *(f"{name} tokens/s" for name in names), "Use %",
                *(f"{name} first token p99 s" for name in names),
            ),
            [
                [at, *(num(v, 0) for v in line[: len(names)]), *(num(v, 2) for v in line[len(names) :])]
                for at, *line in zip(
                    s.rows.names(), *(s.rows.mean(part) for part in tokens.values()),
                    s.rows.mean(100.0 * s.of("pool_utilization").mean(axis=1)),
                    *(s.rows.high(part) for part in _longest(s, names).values()), strict=True,
                )
            ],
        ),
        keys=[Key(f"▲ {name}" if name in late else name, colours[name]) for name in reversed(names)],
        note="Use is that of what each pool can do at its present mix, mean of the pools in bold, each of them thin. "
        "Time to first token is p99 of the interval, the longest of the pools of a class.",
    )  # fmt: skip


def _tokens(s: Source, names: list[str]) -> dict[str, Floats]:
    """Tokens/s of each class over time, all pools together."""
    rate = np.nan_to_num(s.of("pool_token_rate"))  # (time, pool, class)
    classes = s.labels("workload")
    return {name: rate[:, :, classes.index(name)].sum(axis=1) for name in names}


def _longest(s: Source, names: list[str]) -> dict[str, Floats]:
    """p99 of the time to first token of each class in s, the longest of its pools; NaN where nobody serves it."""
    ttft, classes = s.of("pool_ttft")[..., -1], s.labels("workload")
    found = {}
    for name in names:
        longest = np.fmax.reduce(ttft[:, :, classes.index(name)], axis=1)
        found[name] = np.where((longest > 0) & (longest < NEVER_S), longest, np.nan)
    return found


def _unit(most: float) -> tuple[float, str]:
    for size, unit in ((1e6, "million tokens/s"), (1e3, "thousand tokens/s")):
        if most >= size:
            return 1.0 / size, unit
    return 1.0, "tokens/s"


def _tips(s: Source, tips: list[tuple[str, str]], hit: list[DataRenderer]) -> HoverTool:
    when = "@x{%F %H:%M}" if s.bins.unit == "hour" else "@x{%F}"
    return HoverTool(renderers=hit, mode="vline", tooltips=[(s.bins.unit, when), *tips], formatters={"@x": "datetime"})


def _stacked(s: Source, parts: dict[str, Floats], colours: dict[str, str], unit: str) -> figure:
    b = s.bins
    p = number_axis(plot(260, unit, x_range=s.x_range))
    base = np.zeros(len(b) + 1)
    data = {"x": b.centre_ms}
    for i, (name, part) in enumerate(parts.items()):
        data[f"p{i}"] = b.mean(part)
        top = base + stepped(data[f"p{i}"])
        p.varea_step(b.edges_ms, base, top, step_mode="after", fill_color=colours[name])
        base = top
    data["total"] = base[:-1]
    line = p.line("x", "total", source=ColumnDataSource(data), line_alpha=0)
    tips = [("together", f"@total{{0,0.000}} {unit}")]
    tips += [(name, f"@p{i}{{0,0.000}}") for i, name in reversed(list(enumerate(parts)))]
    p.add_tools(_tips(s, tips, [line]))
    p.y_range.update(start=0)
    return p


def _used(s: Source) -> figure:
    """Use of every pool, and their mean."""
    b, used, pools = s.bins, 100.0 * s.of("pool_utilization"), s.labels("pool")
    p = number_axis(plot(170, "used, %", x_range=s.x_range), "0")
    means = b.mean(used)
    for column in means.T:
        p.step(b.edges_ms, stepped(column), mode="after", line_color=CYCLE[0], line_width=1, line_alpha=0.7)
    p.step(b.edges_ms, stepped(means.mean(axis=1)), mode="after", line_color=CYCLE[2], line_width=2.5)
    data = {"x": b.centre_ms, "y": means.mean(axis=1)} | {f"p{i}": means[:, i] for i in range(len(pools))}
    points = p.line("x", "y", source=ColumnDataSource(data), line_alpha=0)
    tips = [("mean of the pools", "@y{0.0} %"), *((name, f"@p{i}{{0.0}} %") for i, name in enumerate(pools))]
    p.add_tools(_tips(s, tips, [points]))
    p.y_range.update(start=0)
    return p


def _waits(s: Source, names: list[str], colours: dict[str, str]) -> figure:
    """p99 of the time to first token of each class, the longest of its pools, on a logarithmic axis."""
    b = s.bins
    p = number_axis(plot(220, "first token p99, s", x_range=s.x_range, y_axis_type="log"), "0,0.[000]")
    data = {"x": b.centre_ms}
    for i, (name, longest) in enumerate(_longest(s, names).items()):
        data[f"p{i}"] = b.high(longest)
        p.step(b.edges_ms, stepped(data[f"p{i}"]), mode="after", line_color=colours[name], line_width=2,
               line_dash=DASHES[i // len(CYCLE) % len(DASHES)])  # fmt: skip
    # The hover needs a line that is everywhere.
    level = np.nan_to_num(np.fmax.reduce([data[f"p{i}"] for i in range(len(names))]), nan=1.0)
    line = p.line("x", "y", source=ColumnDataSource(data | {"y": level}), line_alpha=0)
    p.add_tools(_tips(s, [(name, f"@p{i}{{0.000}} s") for i, name in enumerate(names)], [line]))
    return p
