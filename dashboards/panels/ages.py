"""How old what is measured is: each quantity, how many of its points are known, its oldest value, what it is used for.

Lost is what came once and is not usable now: too old, bad, or out of range. When a page is STALE is for the live twin
to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dashboards.panels.panel import Word, Words, flag, opening
from dashboards.view import DASH, View, span
from telemetry.live.frame import Frame
from twin.core.variables import BY_NAME

KEY, TITLE = "ages", "What is measured"


class Ages:
    """A row for each measured quantity."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.parts = [
            f'{opening(KEY, TITLE)}<p class="none" id="{KEY}-none">Nothing is measured: every number on this page is '
            f'the model\'s.</p><div class="scroll" tabindex="0" role="region" aria-label="{TITLE}" id="{KEY}-frame" '
            f'hidden><table class="plain" id="{KEY}-table"><thead><tr><th scope="col">Quantity</th><th scope="col">'
            'known</th><th scope="col">oldest</th><th scope="col">lost</th><th scope="col">used</th></tr>'
            "</thead><tbody></tbody></table></div></section>"
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The rows."""
        names = sorted(frame.measured, key=lambda n: (BY_NAME[n].level != "site", n))
        counts = [_counted(frame, name) for name in names]
        words: Words = {
            f"{KEY}-none@hidden": flag(bool(names)),
            f"{KEY}-frame@hidden": flag(not names),
            f"{KEY}-finding": _finding(frame, counts),
            f"{KEY}-table#rows": [
                [_called(name, names), *_row(found)] for name, found in zip(names, counts, strict=True)
            ],
        }
        return words


@dataclass(frozen=True)
class Count:
    """Points of a quantity: ``known`` now, ``lost``, ``never`` heard of, driving the model; the oldest known, s."""

    points: int
    known: int
    lost: int
    never: int
    drive: int
    oldest_s: float


def _counted(frame: Frame, name: str) -> Count:
    known = np.isfinite(np.ravel(frame.measured[name]))
    ages = np.ravel(frame.age_s.get(name, np.full(known.shape, np.inf)))
    came = np.isfinite(ages)
    used = np.ravel(frame.used.get(name, np.zeros(known.shape, bool)))
    oldest = float(ages[known & came].max()) if (known & came).any() else np.inf
    lost, never = int((~known & came).sum()), int((~known & ~came).sum())
    return Count(len(known), int(known.sum()), lost, never, int((used & known).sum()), oldest)


def _called(name: str, names: Sequence[str]) -> str:
    """A quantity in words: with its level where another one is called alike."""
    text, level = BY_NAME[name].long_name, BY_NAME[name].level
    alike = sum(BY_NAME[other].long_name == text for other in names) > 1
    return f"{text[0].upper()}{text[1:]}{f', by {level}' if alike and level != 'site' else ''}"


def _row(found: Count) -> list[str]:
    drives = found.drive == found.known > 0
    return [
        f"{found.known:,} of {found.points:,}",
        span(found.oldest_s),
        f"▲ {found.lost:,}" if found.lost else "none",
        "drives" if drives else f"{found.drive:,} drive" if found.drive else "compared" if found.known else DASH,
    ]


def _finding(frame: Frame, counts: list[Count]) -> str:
    if not counts:
        return ""
    lost, never = sum(c.lost for c in counts), sum(c.never for c in counts)
    parts = [f"newest reading {span(frame.data_age_s)} old"]
    parts += [f"▲ {lost:,} lost"] if lost else []
    parts += [f"{never:,} never came"] if never else []
    return "; ".join(parts)


def build(view: View) -> Ages:
    """The panel."""
    return Ages(view)


__all__ = ["build"]
