"""Headroom by hall: how much more IT power its cooling and its electrical path would bear, and which limit binds.

    headroom(hall) = min(cooling headroom, power headroom)        W; below zero: the limit is passed

Values are the model's (held between output intervals); halls without power have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dashboards.panels.panel import Floats, Word, Words, closing, flag, opening
from dashboards.view import DASH, SIMULATED, View, values, watts
from telemetry.live.frame import Frame, Topology

KEY, TITLE = "room-by-hall", "Headroom by hall"
SHOWN = 5
KINDS = ("cooling", "power")


@dataclass(frozen=True)
class Tight:
    """The hall that is next to a limit, of which kind, what binds, and how far, W."""

    hall: str
    what: str
    binding: str
    watts: float


def headrooms(frame: Frame, halls: int) -> dict[str, Floats]:
    """Headroom of each kind by hall, W; NaN where it is not known."""
    found = {}
    for kind in KINDS:
        known = values(frame, SIMULATED, f"hall_{kind}_headroom")
        found[kind] = known if known is not None and len(known) == halls else np.full(halls, np.nan)
    return found


def binding(topology: Topology, frame: Frame, kind: str, hall: int) -> str:
    """The limit that binds, in words; "" where it is not known."""
    codes = values(frame, SIMULATED, f"hall_{kind}_binding")
    if codes is None or hall >= len(codes) or not np.isfinite(codes[hall]):
        return ""
    names = topology.hall_cooling_bindings if kind == "cooling" else topology.hall_power_bindings
    return names.get(int(codes[hall]), "").replace("_", " ").replace("cdu", "CDU")


def tightest(topology: Topology, frame: Frame) -> Tight | None:
    """The hall with the least headroom; None where none is known."""
    rooms = headrooms(frame, len(topology.halls))
    known = [(float(rooms[kind][h]), kind, int(h)) for kind in KINDS for h in _least(rooms[kind])]
    if not known:
        return None
    least, kind, hall = min(known)
    return Tight(topology.halls[hall], kind, binding(topology, frame, kind, hall), least)


def _least(rooms: Floats) -> Sequence[int]:
    return [] if np.isnan(rooms).all() else [int(np.nanargmin(rooms))]


class Room:
    """Bars of the tightest halls, and all halls in the table."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._slots = min(SHOWN, len(view.topology.halls))
        rows = "".join(
            f'<li id="{KEY}-{i}" hidden><span class="who" id="{KEY}-{i}-who"></span>'
            + "".join(
                f'<span class="lane"><span class="bar {kind}"><i id="{KEY}-{i}-{kind}"></i></span>'
                f'<span class="what" id="{KEY}-{i}-{kind}-what"></span></span>'
                for kind in KINDS
            )
            + f'<span class="why" id="{KEY}-{i}-why"></span></li>'
            for i in range(self._slots)
        )
        keys = (
            '<ul class="legend"><li><i class="key cooling"></i>cooling</li><li><i class="key power"></i>power</li></ul>'
        )
        none = "No hall has power yet." if view.topology.halls else "No halls are known here."
        head = ("Hall", "Cooling headroom", "binds", "Power headroom", "binds")
        self.parts = [
            f'{opening(KEY, TITLE, keys)}<ol class="rooms">{rows}</ol><p class="none" id="{KEY}-none" hidden>'
            f"{none}</p>{closing(KEY, TITLE, head, pick='hall')}"
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The words of bars and, where it is open, of the table."""
        t = self._view.topology
        rooms = headrooms(frame, len(t.halls))
        least = np.fmin(rooms["cooling"], rooms["power"])
        order = [int(h) for h in np.argsort(least) if np.isfinite(least[h])]
        scale = max(
            (float(np.nanmax(np.abs(rooms[k][order]))) for k in KINDS if order and _known(rooms[k][order])), default=1
        )
        words: Words = {
            f"{KEY}-none@hidden": flag(bool(order)),
            f"{KEY}-finding": _finding(t, rooms, order),
            f"{KEY}-details@hidden": flag(not t.halls),
        }
        for i in range(self._slots):
            words[f"{KEY}-{i}@hidden"] = flag(i >= len(order))
            if i < len(order):
                words |= self._slot(frame, i, order[i], rooms, scale)
        if KEY in self._view.opened:
            words[f"{KEY}-table#rows"] = [
                [t.halls[h], *_cells(t, frame, rooms, h)]
                for h in [*order, *(h for h in range(len(t.halls)) if not np.isfinite(least[h]))]
            ]
        return words

    def _slot(self, frame: Frame, i: int, hall: int, rooms: Mapping[str, Floats], scale: float) -> Words:
        t, at = self._view.topology, f"{KEY}-{i}"
        words: Words = {f"{at}-who": t.halls[hall]}
        for kind in KINDS:
            room = float(rooms[kind][hall])
            wrong = room < 0
            words[f"{at}-{kind}--w"] = f"{min(abs(room) / scale, 1.0):.3f}" if np.isfinite(room) else "0"
            words[f"{at}-{kind}@class"] = "wrong" if wrong else None
            words[f"{at}-{kind}-what"] = f"{'▲ ' if wrong else ''}{watts(room)}"
            words[f"{at}-{kind}-what@class"] = "what wrong" if wrong else "what"
        first = "cooling" if not rooms["power"][hall] < rooms["cooling"][hall] else "power"
        words[f"{at}-why"] = binding(t, frame, first, hall)
        return words


def _cells(t: Topology, frame: Frame, rooms: Mapping[str, Floats], hall: int) -> list[str]:
    both = ((watts(float(rooms[kind][hall])), binding(t, frame, kind, hall) or DASH) for kind in KINDS)
    return [cell for pair in both for cell in pair]


def _known(values_w: Floats) -> bool:
    return bool(np.isfinite(values_w).any())


def _finding(t: Topology, rooms: Mapping[str, Floats], order: Sequence[int]) -> str:
    if not order:
        return ""
    over = sum(1 for h in order if min(rooms["cooling"][h], rooms["power"][h]) < 0)
    shown = f"tightest {SHOWN} of {len(order)} halls" if len(order) > SHOWN else f"{len(order)} of {len(t.halls)} halls"
    return f"{shown}; {over} beyond a limit" if over else shown


def build(view: View) -> Room:
    """The panel."""
    return Room(view)


__all__ = ["Tight", "build", "tightest"]
