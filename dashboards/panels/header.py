"""The head of the page: what the numbers are (LIVE, STALE, REPLAY, SIMULATED: shape and word), how old, of when."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from html import escape

from dashboards.panels.panel import Word, Words, flag
from dashboards.view import View, apart, moment, span, zone
from telemetry.live.frame import Frame, Mode

SHAPE = {Mode.LIVE: "●", Mode.STALE: "▲", Mode.REPLAY: "▶", Mode.SIMULATED: "◇"}
MEANS = {
    Mode.LIVE: "measured now",
    Mode.STALE: "the newest readings are too old to go by",
    Mode.REPLAY: "recorded, played again",
    Mode.SIMULATED: "of the model alone, nothing is measured",
}
# A live feed brings a frame a second: this long without one, the page no longer calls itself live.
SILENT_S = 5.0


class Header:
    """Mode, age, time, note."""

    def __init__(self, view: View) -> None:
        t = view.topology
        self._view = view
        self._at = -math.inf
        self._frame: Frame | None = None
        title = escape(t.title or t.site, quote=True)
        self.parts = [
            f'<div class="head"><div class="who"><h1 dir="auto" title="{title}">{title}</h1><p class="facts" id="when">'
            'waiting for the first frame</p></div><p class="modes"><span id="mode" class="badge" role="status" '
            'data-mode="NONE"><b aria-hidden="true" id="mode-shape">○</b> <span id="mode-name">WAITING</span></span>'
            '<span class="age"><span class="age-name">data age</span> <strong id="age">–</strong></span></p></div>'
            '<p id="note" class="notice" role="status" hidden></p>'
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The words of a new frame."""
        self._frame, self._at = frame, time.monotonic()
        t = self._view.topology
        local = moment(frame.time_ns, t.utc_offset_s)
        parts = [f"{local} {zone(t)}", apart(t.site)]
        if t.model_shift_s:
            parts.append(
                f"the model stands at {moment(frame.time_ns, t.model_shift_s + t.utc_offset_s, '%Y-%m-%d %H:%M')}"
            )
        return {"when": " · ".join(parts), **self._mode(frame.mode, frame.note, frame.data_age_s)}

    def waiting(self, why: str) -> Mapping[str, Word]:
        """The words before the first frame; ``why`` there is none, where the feed knows."""
        return {"when": why, "mode-name": "NO INTERVAL"} if why else {}

    def silence(self) -> Mapping[str, Word]:
        """The words while no new frame comes: a live page must not stand as if it lived."""
        if self._frame is None or self._frame.mode not in (Mode.LIVE, Mode.STALE):
            return {}
        since = time.monotonic() - self._at
        if since < SILENT_S:
            return {}
        said = f"no new frame for {span(since)}: what feeds this page has stopped"
        return self._mode(Mode.STALE, said, self._frame.data_age_s + since)

    def _mode(self, mode: Mode, note: str, age_s: float) -> Words:
        frame = self._frame
        speed = frame.speed if frame is not None else 1.0
        played = mode == Mode.REPLAY or (mode == Mode.SIMULATED and speed != 1.0)
        # What a running twin replays cannot be paused: where it stands, it is over.
        stands = ", paused" if hasattr(self._view.feed, "transport") else ", ended"
        pace = " at full speed" if math.isinf(speed) else f" ×{speed:g}" if speed else stands
        name = mode.value + pace * played
        return {
            "mode@data-mode": mode.value,
            "mode@title": MEANS[mode],
            "mode-shape": SHAPE[mode],
            "mode-name": name,
            "age": "no measurement" if mode == Mode.SIMULATED else span(age_s),
            "age@class": "wrong" if mode == Mode.STALE else None,
            "note": f"▲ {note}" if note else "",
            "note@hidden": flag(not note),
        }


def build(view: View) -> Header:
    """The head of the page."""
    return Header(view)


__all__ = ["SILENT_S", "build"]
