"""Headroom for a terminal, and as plain JSON types; powers in kW of IT at the racks' AC input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twin.analysis.headroom import Headroom, Room, Row, Single
from twin.analysis.headroom_steps import RATING, Step
from twin.core.units import KW
from twin.engine.loading import CONTRACT, ELEMENT
from twin.engine.period import stamp
from twin.forcing.coincident import Air

MEANS = (
    "extra IT power of the element's own rack mix, spread by rating, all others held, controls settled, until the "
    "first limit on any path of its racks"
)
NOT_ADDITIVE = "not additive: a shared limit is counted in every element on it"
WORDS = {
    "none": "nothing", CONTRACT: "contract", "cdu_flow": "CDU flow", "cdu_exchange": "CDU exchanger",
    "rack_liquid_inlet": "coolant too warm for the racks", "crah_airflow": "air handlers' flow",
    "crah_coil": "air handlers' coil", "rack_air_inlet": "air too warm for the racks", "loop_flow": "loop flow",
    "plant_capacity": "plant capacity", "rack_junction": "junctions",
}  # fmt: skip


def kw(watts: float | None) -> str:
    """Power in whole kW; a dash where there is none."""
    return "-" if watts is None else f"{watts / KW:,.0f}"


def words(limit: str, where: str) -> str:
    """A limit for people: an element of the electrical path by its name, others with their place."""
    if limit == ELEMENT:
        return where
    return WORDS.get(limit, limit) + (f" of {where}" if where and limit not in (CONTRACT, "none") else "")


def room_words(room: Room | None) -> str:
    """What ends a headroom; that it cannot be met at all is said."""
    if room is None:
        return "not energised"
    return words(room.limit, room.where) + (", not even without load" if room.unmet else "")


def loss_words(room: Room | None) -> str:
    """The loss behind an N-1 headroom, and what binds then."""
    if room is None:
        return ""
    if not room.loss:
        return "no single loss lowers it"
    binds = "what is left of it" if room.limit == ELEMENT and room.where == room.loss else room_words(room)
    return f"{room.loss} ({room.units}): {binds}"


def air_words(air: Air) -> str:
    """Dry and wet bulb."""
    return f"{air.dry_bulb_c:.1f}/{air.wet_bulb_c:.1f} degC"


def basis(found: Headroom) -> list[str]:
    """What the columns rest on, a sentence each."""
    asked = found.asked
    when = f"{stamp(asked.at_s)}, {'the peak hour of the peak week' if asked.peak else 'the hour that ends there'}"
    load = "the site's load" if asked.load is None else f"load {asked.load:g} of what is energised"
    days = "; ".join(f"{name} {air_words(air)}" for name, air in found.days.items())
    back = f"{asked.recirculation_k:g} K" if asked.recirculation_k else "none"
    hot = "not known to the weather" if found.extreme is None else air_words(found.extreme)
    return [
        f"present: {when}; {load}; {air_words(found.air)} dry/wet bulb; contract {kw(found.contract_w)} kW",
        f"design: the same load on the lesser of {days}; from {found.conditions.origin}",
        f"recirculation into dry coolers and towers at design: {back}; 20-year dry bulb: {hot}",
        "N-1: the least over the loss of one unit of each bank that feeds the racks, at design, steady after transfer; "
        "below zero: so much IT has to go",
    ]


def tightest(found: Headroom) -> Row | None:
    """The energised hall with the least N-1 headroom per rated power; None where there is none."""
    halls = [row for row in found.rows if row.role == "hall" and row.n_1 is not None]
    return min(halls, key=lambda row: row.n_1.extra_w / row.rated_w if row.n_1 else 0.0, default=None)


def detailed(found: Headroom) -> list[Row]:
    """Rows whose steps and losses are shown: those asked for by name, else the tightest hall."""
    one = tightest(found)
    return [row for row in found.rows if row.present] if found.named else [one] if one else []


def render(found: Headroom) -> str:
    """The table, then steps and losses of :func:`detailed`; the last line ends in a line feed."""
    site = found.asked.loaded.site
    blocks = [[f"{site.name}: headroom, {MEANS}", NOT_ADDITIVE, *basis(found)], _table(found)]
    for row in detailed(found):
        blocks += [_steps(row), _losses(row), _transients(row), _singles(row)]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"


def _table(found: Headroom) -> list[str]:
    hot = found.extreme is not None
    head = [
        "",
        "IT now",
        "present",
        "design",
        *(["20-year"] if hot else []),
        "N-1",
        *(["transfer"] if found.asked.transient else []),
        "binds at design",
        "loss that binds",
    ]
    rows = []
    for row in found.rows:
        rooms = [row.present, row.design, *([row.extreme] if hot else []), row.n_1]
        rows.append(
            [f"{row.role} {row.name}", kw(row.it_w), *(kw(room.extra_w if room else None) for room in rooms),
             *([transfer_word(row)] if found.asked.transient else []), room_words(row.design), loss_words(row.n_1)]
        )  # fmt: skip
    return ["Headroom, kW of IT", *_columns([head, *rows], right=range(1, len(head) - 2))]


def transfer_word(row: Row) -> str:
    """Whether transfers are without trips."""
    return {True: "ok", False: "trips", None: "-"}[row.transient_ok]


def _transients(row: Row) -> list[str]:
    if not row.transients:
        return []
    head = ["lost", "racks that trip", "first, s", "on the day"]
    rows = [
        [one.loss, f"{one.racks_tripped:,}", "-" if one.first_trip_s is None else f"{one.first_trip_s:,.1f}", one.day]
        for one in row.transients
    ]
    return [f"{row.name}: on the way there, with its N-1 headroom added", *_columns([head, *rows], right=[1, 2])]


def _steps(row: Row) -> list[str]:
    """Each limit on the way by itself."""
    head = ["", "loaded", "present", "design", ""]
    rows = [[step_name(s), f"{100 * s.loading:.1f} %", kw(s.present_w), kw(s.design_w), remark(s)] for s in row.steps]
    return [f"{row.name}: every limit from the meter to the chips, its own headroom in kW",
            *_columns([head, *rows], right=range(1, 4))]  # fmt: skip


def step_name(step: Step) -> str:
    """A step for people."""
    return words(step.limit, step.where)


def mark(step: Step) -> str:
    """Whether a step binds, or comes next."""
    return {1: "binds at design", 2: "second", 3: "third"}.get(step.rank, "")


def remark(step: Step) -> str:
    """What the figures of a step alone do not say."""
    out_of_reach = "" if step.design_w is not None else "no load of these racks reaches it"
    beyond = "beyond stand more racks" if step.limit == RATING else ""
    return "; ".join(part for part in (mark(step), out_of_reach, beyond) if part)


def _losses(row: Row) -> list[str]:
    if not row.losses:
        return []
    head = ["lost", "", "kW", "binds", "on the day"]
    rows = [[room.loss, room.units, kw(room.extra_w), room_words(room), room.day] for room in row.losses]
    return [f"{row.name}: after one loss, at design", *_columns([head, *rows], right=[2])]


def single_words(one: Single) -> str:
    """What is lost with something that stands alone."""
    if one.alike > 1:
        return f"{one.name} (the fullest of {one.alike} {one.what} that stand alone): racks of {kw(one.rated_w)} kW"
    return f"{one.name}: racks of {kw(one.rated_w)} kW"


def _singles(row: Row) -> list[str]:
    if not row.singles:
        return []
    return [f"{row.name}: without a spare, racks are lost with", *(f"  {single_words(one)}" for one in row.singles)]


def _columns(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def plain(found: Headroom) -> dict[str, Any]:
    """Everything as plain JSON types; powers in kW, temperatures in degC, null where there is nothing to say."""
    asked = found.asked
    return {
        "site": asked.loaded.site.name,
        "title": asked.loaded.site.title,
        "means": MEANS,
        "additive": False,
        "at": stamp(asked.at_s),
        "peak_hour": asked.peak,
        "load": asked.load,
        "contract_kw": found.contract_w / KW,
        "weather": asked.weather.name,
        "present_air": _air(found.air),
        "design_days": {name: _air(air) for name, air in found.days.items()},
        "design_origin": found.conditions.origin,
        "extreme_air": None if found.extreme is None else _air(found.extreme),
        "recirculation_k": asked.recirculation_k,
        "elements": [_row(row) for row in found.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": row.role,
        "energised": row.present is not None,
        "racks": row.racks,
        "rated_kw": row.rated_w / KW,
        "it_kw": row.it_w / KW,
        "present": _room(row.present),
        "design": _room(row.design),
        "extreme": _room(row.extreme),
        "n_1": _room(row.n_1),
        "transient_ok": row.transient_ok,
        "transients": [
            {"loss": t.loss, "day": t.day, "racks_tripped": t.racks_tripped, "first_trip_s": t.first_trip_s}
            for t in row.transients
        ],
        "losses": [_room(room) for room in row.losses],
        "lost_with": [{"name": s.name, "alike": s.alike, "rated_kw": s.rated_w / KW} for s in row.singles],
        "steps": [
            {"limit": s.limit, "where": s.where, "loading": s.loading, "rank": s.rank or None,
             "present_kw": _kw(s.present_w), "design_kw": _kw(s.design_w)}
            for s in row.steps
        ],
    }  # fmt: skip


def _room(room: Room | None) -> dict[str, Any] | None:
    if room is None:
        return None
    made = {"headroom_kw": room.extra_w / KW, "limit": room.limit, "where": room.where, "unmet": room.unmet}
    return {**made, "day": room.day, "loss": room.loss or None, "units": room.units or None}


def _kw(watts: float | None) -> float | None:
    return None if watts is None else watts / KW


def _air(air: Air) -> dict[str, float]:
    return {"dry_bulb_c": air.dry_bulb_c, "wet_bulb_c": air.wet_bulb_c, "pressure_pa": air.pressure_pa}


__all__ = ["detailed", "plain", "render", "tightest"]
