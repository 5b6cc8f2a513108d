"""A map as plain text for a terminal: one grid a question, loads downward, outdoor temperatures across."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.analysis.map_answers import Answers
from twin.core.units import MW

Floats = NDArray[np.float64]
# Columns of a grid that fit a terminal of 120.
MOST_COLUMNS = 14
LACKING = "!"


def render_map(ds: xr.Dataset, hall: str | None = None) -> str:
    """Site level and the tightest hall of each point, or one hall; the last line ends in a line feed."""
    a = Answers(ds)
    blocks = [_head(a, hall)]
    if hall is None:
        blocks += [
            _grid(a, "Power at the meter, MW", a.of("site_power", 1.0 / MW), "{:.1f}", low=None),
            _grid(a, "PUE of the instant", a.pue, "{:.3f}", low=None),
        ]
        blocks += [_least(a, kind) for kind in ("cooling", "power")] + [_tightest(a)]
    else:
        h = a.halls.index(hall)
        blocks.append(_grid(a, "Hall power, MW", a.of("hall_power", 1.0 / MW)[:, :, h], "{:.2f}", low=None))
        blocks += [_least(a, kind, h) for kind in ("cooling", "power")] + [_limits(a, h)]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"


def _head(a: Answers, hall: str | None) -> list[str]:
    about = a.ds.attrs
    which = f", hall {hall}" if hall else ""
    energised = int(np.isfinite(a.headroom_mw("cooling")[0, 0]).sum())
    shares = f"; values are P50 of the samples ({about['values']})" if a.banded else ""
    return [
        f"{about['site']}: steady state over load and outdoor temperature{which}; simulated",
        f"{energised} of {len(a.halls)} halls energised at {about['instant']}, contract {a.contract_mw:g} MW; "
        f"{about['weather']}: {about['humidity']}{shares}",
        f"Rows: load, share of what is energised. Columns: outdoor dry bulb, degC. {LACKING} marks what is below zero.",
    ]


def _columns(a: Answers) -> NDArray[np.int64]:
    """Outdoor temperatures that are shown: all, or as many as fit, both ends among them."""
    n = len(a.outdoor)
    return np.unique(np.linspace(0, n - 1, min(n, MOST_COLUMNS)).round().astype(np.int64))


def _grid(a: Answers, title: str, values: Floats, form: str, *, low: float | None = 0.0) -> list[str]:
    shown = _columns(a)
    rows = [["load", *(f"{a.outdoor[i]:g}" for i in shown)]]
    for x, line in zip(a.load, values, strict=True):
        rows.append([f"{x:g}", *(_cell(line[i], form, low) for i in shown)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    left = len(a.outdoor) - len(shown)
    return [f"{title}{f' ({left} columns left out)' if left else ''}", *(f"  {line}" for line in text)]


def _cell(value: float, form: str, low: float | None) -> str:
    if not np.isfinite(value):
        return "-"
    return form.format(value) + (LACKING if low is not None and value < low else "")


def _least(a: Answers, kind: str, h: int | None = None) -> list[str]:
    room = a.headroom_mw(kind)
    if h is not None:
        return _grid(a, f"{kind.capitalize()} headroom, MW of IT", room[:, :, h], "{:.2f}")
    least = np.min(np.where(np.isfinite(room), room, np.inf), axis=2)
    return _grid(a, f"Least {kind} headroom of a hall, MW of IT", np.where(np.isinf(least), np.nan, least), "{:.2f}")


def _tightest(a: Answers) -> list[str]:
    """Which hall and limit that is, per outdoor temperature at the largest load, and how far the load may go."""
    found = []
    for kind in ("cooling", "power"):
        tight, names, room, up_to = a.tightest(kind), a.bindings(kind), a.headroom_mw(kind), a.largest_load(kind)
        lines: list[str] = []
        for t in _columns(a):
            h = int(tight[-1, t])
            if h < 0:
                continue
            reach = "a hall lacks some at every load"
            if up_to[t] is not None:
                reach = f"every hall has some up to load {up_to[t]:g}"
            said = f"{a.halls[h]}, {room[-1, t, h]:.2f} MW, {names[-1][t][h]}; {reach}"
            lines.append(f"{a.outdoor[t]:>7g} degC  {said}")
        found += [f"Tightest in {kind} at load {a.load[-1]:g}", *_folded(lines), ""]
    return found[:-1]


def _folded(lines: list[str]) -> list[str]:
    """Neighbours that say the same as one line, with the first and the last temperature."""
    groups: list[list[str]] = []
    for line in lines:
        at, said = line.split(" degC  ", 1)
        if groups and groups[-1][2] == said:
            groups[-1][1] = at
        else:
            groups.append([at, at, said])
    return [
        f"  {f'{first.strip()} to {last.strip()}' if first != last else first.strip()} degC: {said}"
        for first, last, said in groups
    ]


def _limits(a: Answers, h: int) -> list[str]:
    """The limits of a hall with the points that each binds."""
    found = ["What binds"]
    for kind in ("cooling", "power"):
        names = a.bindings(kind)
        counts: dict[str, int] = {}
        for row in names:
            for cell in row:
                counts[cell[h]] = counts.get(cell[h], 0) + 1
        total = sum(counts.values())
        parts = [f"{name} ({count} of {total} points)" for name, count in sorted(counts.items(), key=lambda i: -i[1])]
        found.append(f"  {kind}: {', '.join(parts)}")
    return found


__all__ = ["render_map"]
