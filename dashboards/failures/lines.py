"""Temperatures and power over the course of a failure, as lines named at their ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import floor, log10

import numpy as np
from numpy.typing import NDArray

from dashboards.failures.axis import LEFT, PLOT, TimeAxis, svg
from dashboards.failures.course import mark
from dashboards.theme import BLUE, BROWN, GREEN, ORANGE, PURPLE, SKY

Floats = NDArray[np.float64]
# Those that are named; vermilion is kept for trips. Dashes tell them apart without colour.
STYLES = ((BLUE, ""), (ORANGE, "7 3"), (GREEN, "2 3"), (PURPLE, "9 3 2 3"), (SKY, "5 2"), (BROWN, "1 2"))
NAMED = len(STYLES)
HEIGHT, TOP, LABEL = 230.0, 10.0, 15.0
LETTERS = 36


@dataclass(frozen=True)
class Line:
    """``values`` (n) at ``times_s`` (n); unnamed lines are drawn pale, behind. ``events`` (s, event) are marked."""

    name: str
    times_s: Floats
    values: Floats
    named: bool = True
    events: Sequence[tuple[float, str]] = field(default_factory=tuple)


def lines(shown: Sequence[Line], axis: TimeAxis, unit: str, faults_s: Sequence[float], told: str) -> str:
    """The picture; dashed uprights stand where something breaks or is mended."""
    return svg(axis.ground(HEIGHT) + strip(shown, axis, unit, faults_s, HEIGHT), HEIGHT + 24.0, told)


def strip(
    shown: Sequence[Line], axis: TimeAxis, unit: str, faults_s: Sequence[float], height: float,
    span: tuple[float, float] | None = None,
) -> str:  # fmt: skip
    """The same without its ground, so that several can stand one above the other on one axis of time.

    ``span`` are values that are shown at least.
    """
    known = [line.values[np.isfinite(line.values)] for line in shown] + ([np.array(span)] if span else [])
    low, high = min(v.min() for v in known if len(v)), max(v.max() for v in known if len(v))
    ticks = nice(float(low), float(high), 5 if height >= HEIGHT else 3)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    def y(value: float) -> float:
        return float(TOP + (high - value) / (high - low) * (height - 2 * TOP))

    drawn = []
    for tick in ticks:
        drawn.append(
            f'<line class="grid-line" x1="{LEFT:.1f}" x2="{LEFT + PLOT:.1f}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
            f'<text class="tick" x="{LEFT - 8:.1f}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    drawn.append(f'<text class="soft" x="{LEFT - 48:.1f}" y="{TOP + 4:.1f}" text-anchor="end">{escape(unit)}</text>')
    for s in faults_s:
        if axis.first_s <= s <= axis.last_s:
            drawn.append(f'<path class="upright" d="M{axis.x(s):.1f} 0v{height:.1f}"/>')
    drawn += [_path(line, axis, y, 'class="pale"') for line in shown if not line.named]
    named = [line for line in shown if line.named]
    for line, (colour, dashes) in zip(named, STYLES, strict=False):
        drawn.append(_path(line, axis, y, f'class="line" stroke="{colour}" stroke-dasharray="{dashes}"'))
    for line in named:
        for s, event in line.events:
            drawn.append(mark(axis.x(s), y(float(np.interp(s, line.times_s, line.values))), event))
    drawn += _labels(named, [y(_end(line)) for line in named], height)
    return "".join(drawn)


def _end(line: Line) -> float:
    return float(line.values[np.isfinite(line.values)][-1])


def _path(line: Line, axis: TimeAxis, y: Callable[[float], float], style: str) -> str:
    """A polyline; what moves it by less than a pixel is left out, but the point before a jump stays."""
    points: list[str] = []
    last, kept = (-1e9, -1e9), -1
    pairs = [(axis.x(float(t)), y(float(v))) for t, v in zip(line.times_s, line.values, strict=True) if np.isfinite(v)]
    for n, (px, py) in enumerate(pairs):
        if n == len(pairs) - 1 or abs(px - last[0]) >= 1.0 or abs(py - last[1]) >= 1.0:
            if kept < n - 1 and abs(py - pairs[n - 1][1]) >= 1.0:
                points.append("{:.1f} {:.1f}".format(*pairs[n - 1]))
            points.append(f"{px:.1f} {py:.1f}")
            last, kept = (px, py), n
    return f'<path {style} d="M{"L".join(points)}"><title>{escape(line.name)}</title></path>'


def _labels(named: Sequence[Line], ends: Sequence[float], height: float) -> list[str]:
    """Names at the ends of the lines, moved apart where they would lie on each other."""
    order = sorted(range(len(named)), key=lambda n: ends[n])
    places = [ends[n] for n in order]
    for n in range(1, len(places)):
        places[n] = max(places[n], places[n - 1] + LABEL)
    over = max(0.0, places[-1] - (height - 4.0)) if places else 0.0
    for n in reversed(range(len(places))):
        limit = places[n + 1] - LABEL if n + 1 < len(places) else height - 4.0
        places[n] = min(places[n], limit) if over else places[n]
    made = []
    for place, n in zip(places, order, strict=True):
        name = named[n].name
        cut = name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
        x, (colour, dashes) = LEFT + PLOT, STYLES[n]
        made.append(
            f'<path class="line" stroke="{colour}" stroke-dasharray="{dashes}" '
            f'd="M{x:.1f} {ends[n]:.1f}L{x + 8:.1f} {place:.1f}h12"/>'
            f'<text x="{x + 24:.1f}" y="{place + 4:.1f}">{escape(cut)}<title>{escape(name)}</title></text>'
        )
    return made


def nice(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from just below ``low`` to just above ``high``, about so many."""
    span = max(high - low, 1e-3 * max(abs(high), 1.0))
    raw = span / about
    size = 10.0 ** floor(log10(raw))
    step = next(m * size for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * size >= raw * (1.0 - 1e-9))
    first, last = floor(low / step), -floor(-high / step)
    return [round(n * step, 10) for n in range(int(first), max(int(last), int(first) + 1) + 1)]


__all__ = ["NAMED", "Line", "lines", "nice", "strip"]
