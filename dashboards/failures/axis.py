"""The time axis that all pictures of a failure share, and the frame of a picture.

Trips come within seconds, repairs within an hour: where something happens in the two minutes after the first fault,
they are drawn wider than the rest, and a grey ground says where.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise

LEFT, PLOT, RIGHT = 240.0, 620.0, 250.0
WIDTH = LEFT + PLOT + RIGHT
FOCUS_S, FOCUS_SHARE = 120.0, 0.45
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600)
LEAST_GAP = 48.0


@dataclass(frozen=True)
class TimeAxis:
    """From ``first_s`` to ``last_s``, s after the scenario's instant; the wide stretch begins at ``focus_s``."""

    first_s: float
    last_s: float
    focus_s: float

    @property
    def wide(self) -> bool:
        """Whether there is a wide stretch."""
        return len(self.knots) > 2

    @property
    def knots(self) -> list[tuple[float, float]]:
        """Instants and where they stand, in order; linear between them."""
        end = self.focus_s + FOCUS_S
        if self.last_s - self.first_s < 3.0 * FOCUS_S or end >= self.last_s or self.focus_s < self.first_s:
            return [(self.first_s, LEFT), (self.last_s, LEFT + PLOT)]
        rest = (1.0 - FOCUS_SHARE) * PLOT / (self.last_s - self.first_s - FOCUS_S)
        begins = LEFT + rest * (self.focus_s - self.first_s)
        ends = begins + FOCUS_SHARE * PLOT
        return [(self.first_s, LEFT), (self.focus_s, begins), (end, ends), (self.last_s, LEFT + PLOT)]

    def x(self, s: float) -> float:
        """Where an instant stands; those beyond an end at the end."""
        s = min(self.last_s, max(self.first_s, s))
        knots = self.knots
        for (t0, x0), (t1, x1) in pairwise(knots):
            if s <= t1:
                return x0 + (x1 - x0) * (s - t0) / (t1 - t0)
        return knots[-1][1]

    def ticks(self) -> list[tuple[float, str]]:
        """Instants at which something is written, and what; in each stretch as close as words allow."""
        found: list[tuple[float, str]] = []
        knots = self.knots
        for (t0, x0), (t1, x1) in pairwise(knots):
            per_s = (x1 - x0) / (t1 - t0)
            step = next((s for s in STEPS_S if s * per_s >= LEAST_GAP), STEPS_S[-1])
            t = -(-t0 // step) * step
            while t <= t1:
                if all(abs(self.x(t) - self.x(other)) >= LEAST_GAP for other, _ in found):
                    found.append((t, clock(t)))
                t += step
        return found

    def ground(self, height: float) -> str:
        """The wide stretch as a pale ground, and the ticks with their words below."""
        knots = self.knots
        made = []
        if self.wide:
            (_, x0), (_, x1) = knots[1], knots[2]
            made.append(f'<rect class="wide-stretch" x="{x0:.1f}" y="0" width="{x1 - x0:.1f}" height="{height:.1f}"/>')
        for t, words in self.ticks():
            x = self.x(t)
            made.append(
                f'<line class="grid-line" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height:.1f}"/>'
                f'<text class="tick" x="{x:.1f}" y="{height + 15:.1f}" text-anchor="middle">{escape(words)}</text>'
            )
        return "".join(made)


def clock(s: float) -> str:
    """A length of time in the fewest words: ``30 s``, ``5 min``, ``10:20`` (minutes and seconds), ``2 h``."""
    size = abs(s)
    sign = "-" if s < 0 else ""
    if size < 120.0 and size % 60.0:
        return f"{sign}{size:g} s"
    if size % 60.0:
        return f"{sign}{int(size // 60)}:{round(size % 60):02d}"
    if size >= 3600.0 and size % 1800.0 == 0.0:
        return f"{sign}{size / 3600.0:g} h"
    return f"{sign}{size / 60.0:g} min" if size else "0"


def svg(drawn: str, height: float, told: str) -> str:
    """A picture in its frame that scrolls; ``told`` says in words what it shows."""
    return (
        f'<div class="paths" tabindex="0"><svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(told, quote=True)}">{drawn}</svg></div>'
    )


__all__ = ["FOCUS_S", "LEFT", "PLOT", "RIGHT", "WIDTH", "TimeAxis", "clock", "svg"]
