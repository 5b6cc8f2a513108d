"""How old what is measured is: each quantity, how many of its points are known, its oldest value, what it is used for.

A value older than half a minute is called old here; when a page is STALE is for the live twin to say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dashboards.panels.panel import Word, Words, flag, opening
from dashboards.view import View, span
from telemetry.live.frame import Frame, Mode
from twin.core.variables import BY_NAME

KEY, TITLE = "ages", "What is measured"
OLD_S = 30.0


class Ages:
    """A row for each measured quantity."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.parts = [
            f'{opening(KEY, TITLE)}<p class="none" id="{KEY}-none">Nothing is measured: every number on this page is '
            f'the model\'s.</p><div class="scroll" tabindex="0" role="region" aria-label="{TITLE}" id="{KEY}-frame" '
            f'hidden><table class="plain" id="{KEY}-table"><thead><tr><th scope="col">Quantity</th><th scope="col">'
            'known</th><th scope="col">oldest</th><th scope="col">old or lost</th><th scope="col">used</th></tr>'
            "</thead><tbody></tbody></table></div></section>"
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The rows."""
        rows, old = [], 0
        for name in sorted(frame.measured, key=lambda n: (BY_NAME[n].level != "site", n)):
            row, lost = _row(frame, name)
            rows.append(row)
            old += lost
        words: Words = {
            f"{KEY}-none@hidden": flag(bool(rows)),
            f"{KEY}-frame@hidden": flag(not rows),
            f"{KEY}-finding": _finding(frame, len(rows), old),
            f"{KEY}-table#rows": rows,
        }
        return words


def _row(frame: Frame, name: str) -> tuple[list[str], int]:
    values = np.ravel(frame.measured[name])
    known = np.isfinite(values)
    ages = np.ravel(frame.age_s.get(name, np.full(values.shape, np.inf)))
    aged = ages[np.isfinite(ages)]
    lost = int((~known | (ages > OLD_S)).sum()) if frame.mode != Mode.SIMULATED else 0
    used = np.ravel(frame.used.get(name, np.zeros(values.shape, bool)))
    drives = int((used & known).sum())
    what = "drives the model" if drives and drives == known.sum() else f"{drives:,} drive" if drives else "compared"
    about = BY_NAME[name]
    row = [
        f"{about.long_name[0].upper()}{about.long_name[1:]}", f"{int(known.sum()):,} of {len(values):,}",
        span(float(aged.max())) if len(aged) else "–", f"▲ {lost:,}" if lost else "none", what,
    ]  # fmt: skip
    return row, lost


def _finding(frame: Frame, rows: int, old: int) -> str:
    if not rows:
        return ""
    newest = f"newest reading {span(frame.data_age_s)} old"
    return f"{newest}; {old:,} values old or lost" if old else f"{newest}; all of it fresh"


def build(view: View) -> Ages:
    """The panel."""
    return Ages(view)


__all__ = ["build"]
