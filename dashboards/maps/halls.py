"""Every hall at every load, at an outdoor temperature that the reader chooses: headroom, limits, power."""

from __future__ import annotations

import numpy as np

from dashboards.chart import Chart, Key, Table
from dashboards.maps.cells import cells, columns
from dashboards.maps.outdoor import TIPS
from dashboards.maps.source import MapSource
from dashboards.theme import NO_DATA, WRONG

ROW_PX = 19
SHORT = {"not energised": "–"}


def build(s: MapSource) -> list[Chart]:
    """One chart."""
    a = s.answers
    t = s.hottest
    room = a.headroom_mw("cooling")[:, t, :].T
    wrong = room < 0.0
    scale = (0.0, float(np.nanmax(np.append(a.headroom_mw("cooling"), 0.1))))
    data = columns(room, ".1f", scale, wrong)
    data |= {key: [""] * room.size for key in ("who", "load", "outdoor", "exact", "limit", "power")}
    p = cells(
        "halls-0", data, (s.load_labels, a.halls), ("load", "", "MW of IT to spare"), scale, TIPS, row_px=ROW_PX,
        font_px=11, upward=False,
    )  # fmt: skip
    return [
        Chart(
            "halls",
            "Headroom of every hall",
            _finding(s, room),
            [_controls(s), p],
            _table(s),
            keys=[Key("lacks headroom", WRONG, "mark"), Key("not energised", NO_DATA)],
        )
    ]


def _finding(s: MapSource, room: np.ndarray) -> str:
    short = int((room < 0.0).any(axis=1).sum())
    hot = s.outdoor_labels[s.hottest]
    lacking = f"{short} of {len(room)} halls lack" if short else "No hall lacks"
    counts: dict[str, int] = {}
    for name in s.limits["cooling"][-1][s.hottest]:
        counts[name] = counts.get(name, 0) + 1
    common = sorted(counts.items(), key=lambda item: -item[1])
    bound = ", ".join(f"{name} in {count}" for name, count in common)
    return f"{lacking} cooling headroom at {hot} °C. What binds there at load {s.load_labels[-1]}: {bound}."


def _controls(s: MapSource) -> str:
    last = len(s.outdoor_labels) - 1
    return (
        '<p class="controls"><label>Outdoor dry bulb <input type="range" id="map-outdoor" min="0" '
        f'max="{last}" step="1" value="{s.hottest}" aria-describedby="map-outdoor-value"> '
        f'<output id="map-outdoor-value" for="map-outdoor">{s.outdoor_labels[s.hottest]} °C</output></label>'
        '<label>Show <select id="map-what"><option value="cooling">cooling headroom</option>'
        '<option value="power">power headroom</option><option value="hall_power">hall power</option>'
        "</select></label></p>"
    )


def _table(s: MapSource) -> Table:
    """Both headrooms of each hall at the largest load: at the coldest and at the hottest, with the limit."""
    a, ends = s.answers, (0, s.hottest)
    head = ["Hall", "MW"]
    for kind in ("Cooling", "Power"):
        for t in ends:
            head += [f"{kind} MW at {s.outdoor_labels[t]} °C", "bound by"]
    rows = []
    for h, name in enumerate(a.halls):
        row = [name, f"{s.hall_power_mw[-1, s.hottest, h]:.2f}"]
        for kind in ("cooling", "power"):
            for t in ends:
                value, limit = a.headroom_mw(kind)[-1, t, h], s.limits[kind][-1][t][h]
                row += [f"{value:.2f}" if np.isfinite(value) else "–", SHORT.get(limit, limit)]
        rows.append(row)
    return Table(head, rows, note=f"At load {s.load_labels[-1]}; MW is the hall's power at the hottest")


__all__ = ["build"]
