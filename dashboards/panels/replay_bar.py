"""The bar of a replay: play and pause, how fast, where; what it does holds for all who watch."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from dashboards.panels.panel import Word, Words, flag
from dashboards.transport import SPEEDS, Transport
from dashboards.view import View, moment
from telemetry.live.frame import Frame

KEY = "replay"
NS = 1_000_000_000


class ReplayBar:
    """Buttons, speed, slider, times."""

    def __init__(self, view: View, transport: Transport) -> None:
        self._view, self._transport = view, transport
        speeds = sorted({*SPEEDS, transport.state().speed})
        options = "".join(f'<option value="{s:g}">×{s:g}</option>' for s in speeds)
        self.parts = [
            f'<div class="replay" id="{KEY}" role="group" aria-label="Replay" hidden>'
            f'<button type="button" id="{KEY}-toggle" data-ask="play" data-on="click"></button>'
            f'<span><label for="{KEY}-speed" class="visually-hidden">Speed</label> <select id="{KEY}-speed" '
            f'data-ask="speed">{options}</select></span><span class="end" id="{KEY}-first"></span>'
            f'<label for="{KEY}-at" class="visually-hidden">Position</label><input type="range" id="{KEY}-at" min="0" '
            f'max="1" step="1" data-ask="seek"><span class="end" id="{KEY}-last"></span>'
            f'<button type="button" id="{KEY}-follow" data-ask="follow" data-on="click" hidden>{escape("⇥ newest")}'
            "</button></div>"
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The words of where the replay stands."""
        state, t = self._transport.state(), self._view.topology
        plays = state.playing or state.follows
        ends = {"first": round(state.first_s) * NS, "last": round(state.last_s) * NS}
        one_day = len({moment(at, t.utc_offset_s, "%Y-%m-%d") for at in ends.values()}) == 1
        form = "%H:%M:%S" if one_day else "%Y-%m-%d %H:%M"
        words: Words = {
            f"{KEY}@hidden": None,
            f"{KEY}-toggle": "❚❚ Pause" if plays else "▶ Play",
            f"{KEY}-toggle@data-ask": "pause" if plays else "play",
            f"{KEY}-speed@value": f"{state.speed:g}",
            f"{KEY}-at@max": str(max(state.steps, 1)),
            f"{KEY}-at@disabled": flag(state.steps < 1),
            f"{KEY}-at@value": str(round(state.share * state.steps)),
            f"{KEY}-at@aria-valuetext": moment(frame.time_ns, t.utc_offset_s),
            f"{KEY}-follow@hidden": flag(not state.may_follow or state.follows),
        }
        for end, at in ends.items():
            words[f"{KEY}-{end}"] = moment(at, t.utc_offset_s, form)
        return words


def build(view: View) -> ReplayBar | None:
    """The bar of a feed that can be played."""
    transport = getattr(view.feed, "transport", None)
    return ReplayBar(view, transport) if isinstance(transport, Transport) else None


__all__ = ["build"]
