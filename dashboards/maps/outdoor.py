"""Headroom over load and outdoor temperature, of the tightest hall of each point or of one that the reader chooses."""

from __future__ import annotations

from html import escape

import numpy as np

from dashboards.chart import Chart, Key, power
from dashboards.maps.cells import cells, columns
from dashboards.maps.meter import OUTDOOR_AXIS, grid_table, places
from dashboards.maps.source import WORST, MapSource
from dashboards.theme import NO_DATA, WRONG

TIPS = [
    ("hall", "@who"), ("load", "@load"), ("outdoor", "@outdoor"), ("headroom", "@exact"), ("bound by", "@limit"),
    ("hall power", "@power"),
]  # fmt: skip


def build(s: MapSource) -> list[Chart]:
    """One chart."""
    a = s.answers
    room, limits = a.headroom_mw("cooling"), s.limits["cooling"]
    which = a.tightest("cooling") if s.hall is None else np.full(room.shape[:2], a.halls.index(s.hall))
    shown = _picked(room, which)
    wrong = shown < 0.0
    scale = (0.0, float(np.nanmax(np.append(shown, 0.1))))
    data = columns(shown, ".2f", scale, wrong) | places(s)
    flat = [(i, j, int(which[i, j])) for i in range(shown.shape[0]) for j in range(shown.shape[1])]
    data["who"] = [a.halls[h] if h >= 0 else "none" for _, _, h in flat]
    data["exact"] = [_exact(s, "cooling", room, i, j, h) for i, j, h in flat]
    data["limit"] = [limits[i][j][h] if h >= 0 else "" for i, j, h in flat]
    data["power"] = [power(float(s.hall_power_mw[i, j, h])) if h >= 0 else "" for i, j, h in flat]
    p = cells(
        "outdoor-0", data, (s.outdoor_labels, s.load_labels), (OUTDOOR_AXIS, "load", "MW of IT to spare"), scale, TIPS,
        row_px=34,
    )  # fmt: skip
    return [
        Chart(
            "outdoor",
            "Headroom over load and weather",
            _finding(s),
            [_controls(s), p],
            grid_table(s, shown, 2, f"MW of cooling headroom, {s.hall or WORST} of each point"),
            keys=[Key("lacks headroom", WRONG, "mark"), Key("no hall energised", NO_DATA)],
            note="Headroom is the extra IT power of the hall's own racks before the first limit; point at a cell to "
            "read which limit. A point is a steady state: every rack of a hall alike, load and weather held.",
        )
    ]


def _picked(room: np.ndarray, which: np.ndarray) -> np.ndarray:
    """The value of hall ``which`` (load, outdoor) at each point, NaN where that is none."""
    taken = np.take_along_axis(room, np.maximum(which, 0)[..., None], axis=2)[..., 0]
    return np.asarray(np.where(which >= 0, taken, np.nan))


def _exact(s: MapSource, kind: str, room: np.ndarray, i: int, j: int, h: int) -> str:
    if h < 0 or not np.isfinite(room[i, j, h]):
        return "not energised"
    band = s.answers.band(f"hall_{kind}_headroom", 1e-6)
    ends = f" ({band[0][i, j, h]:.2f} to {band[1][i, j, h]:.2f})" if band is not None else ""
    return f"{room[i, j, h]:.2f} MW{ends}"


def _finding(s: MapSource) -> str:
    a = s.answers
    said = []
    for kind in ("cooling", "power"):
        up_to = a.largest_load(kind)
        full = [t for t, load in zip(s.outdoor_labels, up_to, strict=True) if load == a.load[-1]]
        room, tight = a.headroom_mw(kind), a.tightest(kind)
        if len(full) == len(up_to):
            i, j = np.unravel_index(np.nanargmin(_picked(room, tight)), tight.shape)
            h = int(tight[i, j])
            text = (
                f"every hall keeps {kind} headroom at every point, least {power(float(room[i, j, h]))} in {a.halls[h]}"
            )
        else:
            reach = (
                f"up to {full[-1]} °C every hall keeps {kind} headroom at every load"
                if full
                else (f"at no temperature does every hall keep {kind} headroom at every load")
            )
            first = next(t for t, load in enumerate(up_to) if load != a.load[-1])
            h = int(tight[-1, first])
            text = (
                f"{reach}; at {s.outdoor_labels[first]} °C {a.halls[h]} has {power(float(room[-1, first, h]))} "
                f"at load {s.load_labels[-1]}, bound by {s.limits[kind][-1][first][h]}"
            )
        said.append(text)
    return ". ".join(text[0].upper() + text[1:] for text in said) + "."


def _controls(s: MapSource) -> str:
    chosen = s.hall or ""
    halls = "".join(
        f'<option value="{i}"{" selected" if name == chosen else ""}>{escape(name)}</option>'
        for i, name in enumerate(s.answers.halls)
    )
    return (
        '<p class="controls"><label>Hall <select id="map-hall">'
        f'<option value="-1">{escape(WORST)} of each point</option>{halls}</select></label>'
        '<label>Headroom in <select id="map-kind"><option value="cooling">cooling</option>'
        '<option value="power">power</option></select></label></p>'
    )


__all__ = ["build"]
