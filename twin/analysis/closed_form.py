"""How long racks have after three canonical losses, in closed form from the present state: no run is needed.

::

    loop flow       the pumps of a CDU run down: racks keep what heats them, and what little their water still carries
    facility flow   the CDU goes on, but no facility water reaches it: racks warm the water that goes round in it
    heat rejection  the plant of a loop takes nothing: it warms, then what stands on it (``twin.analysis.warm_loop``)

Each rack as it stands: its power, plate, body, limits and delays (``twin.racks.heat_up``), its share of the water in
the loop of its CDU by its coolant flow. A group alarms and trips by its mean rack; the first of its racks to slow down
is looked for among all of them behind one CDU, and is the one with the hottest junction on a whole loop. Power is held
but where racks slow themselves down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.analysis.warm_loop import warm_loop
from twin.cooling.pump import COAST_DOWN_S, FRICTION
from twin.core.columns import Fac, Group, Mode, Sec
from twin.engine.faults import ALL_STOP, Fault, Place
from twin.engine.present import Present
from twin.racks.heat_up import Racks, Stage, heat_up

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Pieces of mean flow that stand for a pump that runs down.
PIECES = 12


@dataclass(frozen=True)
class Expected:
    """What a loss does to a group of racks: s after it, None: not within the time looked at.

    ``junction_s`` is when the junction alone would trip it, were there no other interlock.
    """

    alarm_s: float | None
    slowed_s: float | None
    trip_s: float | None
    cause: str | None
    junction_s: float | None = None


@dataclass(frozen=True)
class Coast:
    """How pumps without drive run down (``twin.cooling.pump``): time constant in s, friction per rated torque."""

    constant_s: float = COAST_DOWN_S
    friction: float = FRICTION


RUN = Coast()


def loss_of(fault: Fault, place: Place) -> str | None:
    """The canonical loss that a fault is, or None."""
    if place.role == "rejection":
        return "heat rejection" if place.role in ALL_STOP and (fault.amount or 0.0) >= place.units else None
    if fault.mode == "pumps" and fault.amount:
        return None  # some of several: the others go on
    found = {("cdu", "pumps"): "loop flow", ("cdu", "facility"): "facility flow", ("loop", "pumps"): "facility flow"}
    return found.get(("cdu" if place.role == "manifold" else place.role, fault.mode))


def closed_form(
    present: Present, fault: Fault, place: Place, *, throttling: bool = True, within_s: float = 1800.0,
    coast: Coast = RUN,
) -> dict[int, Expected]:  # fmt: skip
    """What a canonical loss does, by group of racks that it reaches; empty for any other fault.

    ``present`` is the site as the fault finds it; nothing beyond ``within_s`` is told.
    """
    loss = loss_of(fault, place)
    if loss is None:
        return {}
    if loss == "heat rejection":
        return _told(*warm_loop(present, place.row, throttling=throttling, within_s=within_s), within_s)
    a = present.arrays
    behind = a.group_liquid == place.row
    if place.role == "loop":
        behind = (a.group_liquid >= 0) & (a.sec_fac[a.group_liquid] == place.row)
    groups = np.flatnonzero(behind & (present.state.tripped_by <= 0) & (present.step.group_power > 0.0))
    if len(groups) == 0:
        return {}
    racks, of = racks_of(present, groups, every=place.role != "loop")
    flow = np.full(len(groups), np.inf)
    if loss == "loop flow":
        stages = [*_run_down(present, of, within_s, coast)]
        flow = _low_flow(present, groups, coast)
    elif place.role == "loop":
        stages = _facility_run_down(present, of, place.row, within_s, coast)
    else:
        stages = [_stage(present, of, np.full(len(of), within_s))]
    times, _ = heat_up(racks, stages, throttling=throttling)
    n = len(groups)
    delay = a.group[groups, Group.TRIP_DELAY]
    causes = {"low_flow": flow + delay, "coolant_inlet": times.over[:n] + delay, "junction": times.junction[:n]}
    slowed = np.full(len(a.group), np.inf)
    np.minimum.at(slowed, of, times.slowed)
    return _told(groups, times.alarm[:n], slowed[groups], causes, within_s)


def _told(
    groups: Ints, alarm: Floats, slowed: Floats, causes: dict[str, Floats], within_s: float
) -> dict[int, Expected]:
    names, times = list(causes), np.array(list(causes.values()))
    first, trip = np.argmin(times, axis=0), times.min(axis=0)

    def before(t: float, end: float) -> float | None:
        return float(t) if t <= min(end, within_s) else None

    return {
        int(g): Expected(
            before(alarm[i], trip[i]), before(slowed[i], trip[i]), before(trip[i], np.inf),
            names[first[i]] if trip[i] <= within_s else None, before(causes["junction"][i], np.inf),
        )
        for i, g in enumerate(groups)
    }  # fmt: skip


def racks_of(present: Present, groups: Ints, *, every: bool) -> tuple[Racks, Ints]:
    """The mean racks of ``groups`` (n), then ``every`` one of them or the ones with the hottest junction.

    With them the group of each row.
    """
    a, state, step = present.arrays, present.state, present.step
    count = a.group[groups, Group.COUNT]
    mean = np.column_stack([state.sum_plate[groups], state.sum_body[groups], step.group_power[groups]]) / count[:, None]
    chosen, of = [], [groups]
    for g in groups:
        own = np.arange(a.group_rack[g], a.group_rack[g + 1])
        if not every:
            per_watt = a.group[g, Group.JUNCTION] / a.group[g, Group.RATED]
            own = own[[np.argmax(state.t_plate[own] + per_watt * step.power[own])]]
        chosen.append(own)
        of.append(np.full(len(own), g))
    r, rows = np.concatenate(chosen), np.concatenate(of)
    both = np.concatenate([mean, np.column_stack([state.t_plate[r], state.t_body[r], step.power[r]])])
    row, j = a.group[rows], a.group_liquid[rows]
    start = np.column_stack([both[:, :2], state.sec_return[j], state.sec_supply[j]])
    return Racks(
        row[:, Group.LIQUID_SHARE], row[:, Group.BODY_SHARE], row[:, Group.C_PLATE], row[:, Group.C_BODY],
        row[:, Group.G_BODY_PLATE], row[:, Group.G_BODY_AIR], both[:, 2], np.minimum(both[:, 2], row[:, Group.FLOOR]),
        row[:, Group.RATED], row[:, Group.JUNCTION], row[:, Group.THROTTLE], row[:, Group.TRIP],
        row[:, Group.LIQUID_MAX], row[:, Group.LIQUID_TRIP], row[:, Group.TRIP_DELAY],
        present.air_inlets()[rows], start,
    ), rows  # fmt: skip


def _stage(
    present: Present, groups: Ints, span: Floats, part: Floats | float = 1.0, open: Floats | bool = True,
    e: Floats | float = 0.0, y: Floats | float = 0.0,
) -> Stage:  # fmt: skip
    """A stage of the racks' ``part`` of their present flow; ``open`` to water of ``y`` degC by an effectiveness."""
    a, step = present.arrays, present.step
    row, j = a.group[groups], a.group_liquid[groups]
    share = row[:, Group.W_COOLANT] / a.sec[j, Sec.W_GROUPS]
    w = step.w[j] * share * part
    moving = w > 0.0
    some = np.where(moving, w, 1.0)
    ua = row[:, Group.UA] * (some / row[:, Group.W_COOLANT]) ** row[:, Group.FLOW_EXPONENT]
    g_plate = np.where(moving, w * -np.expm1(-ua / some), 0.0)
    n = len(groups)
    return Stage(
        span, g_plate, w, a.sec[j, Sec.C_RETURN] * share, a.sec[j, Sec.C_SUPPLY] * share,
        step.pump[j] * share * np.asarray(part) ** 3, np.broadcast_to(np.asarray(open, bool), (n,)),
        np.broadcast_to(np.asarray(e, float), (n,)), np.broadcast_to(np.asarray(y, float), (n,)),
    )  # fmt: skip


def coasting(x0: Floats, coast: Coast = RUN, pieces: int = PIECES) -> tuple[Floats, list[Floats]]:
    """A pump that runs down from ``x0`` (n): the span of each of equal pieces until it stands, and their mean flows.

    The law is that of ``twin.cooling.pump``.
    """
    root = np.sqrt(coast.friction)
    angle = np.arctan(x0 / root)
    span = coast.constant_s * angle / root / pieces
    speed = [root * np.tan(angle * (1.0 - k / pieces)) for k in range(pieces + 1)]
    means = [
        0.5 * coast.constant_s / np.maximum(span, 1e-9) * np.log((u**2 + coast.friction) / (v**2 + coast.friction))
        for u, v in pairwise(speed)
    ]
    return span, means


def _run_down(present: Present, groups: Ints, within_s: float, coast: Coast) -> Sequence[Stage]:
    """The pumps of the groups' CDUs run down; supply water is at its set point as long as there is any."""
    j = present.arrays.group_liquid[groups]
    x0 = present.state.sec_flow[j] / present.arrays.sec[j, Sec.W_MAX]
    span, means = coasting(x0, coast)
    part = 1.0 / np.maximum(x0, 1e-9)
    made = [_stage(present, groups, span, mean * part, open=False) for mean in means]
    left = np.maximum(within_s - PIECES * span, 0.0)
    return [*made, _stage(present, groups, left, 0.0, open=False)]


def _low_flow(present: Present, groups: Ints, coast: Coast) -> Floats:
    """When the coolant falls below the share of what the racks ask for that their interlocks want, s (groups)."""
    a, j = present.arrays, present.arrays.group_liquid[groups]
    x0 = present.state.sec_flow[j] / a.sec[j, Sec.W_MAX]
    least = a.group[groups, Group.FLOW_TRIP] * present.step.asked_flow[j] / a.sec[j, Sec.W_MAX]
    root = np.sqrt(coast.friction)
    t: Floats = coast.constant_s / root * (np.arctan(x0 / root) - np.arctan(np.maximum(least, 0.0) / root))
    return np.where(least < 0.0, np.inf, np.maximum(t, 0.0))


def _facility_run_down(present: Present, groups: Ints, f: int, within_s: float, coast: Coast) -> list[Stage]:
    """The pumps of a facility loop run down: exchangers do with less and less, then nothing reaches them."""
    a, step = present.arrays, present.step
    j = a.group_liquid[groups]
    x0 = np.full(len(groups), present.state.fac_flow[f] / a.fac[f, Fac.W_MAX])
    span, means = coasting(x0, coast)
    y, w, made = present.state.fac_supply[f], step.w[j], []
    for mean in means:
        k = _exchange(a.sec[j], w, step.wp[j] * mean / x0)
        misses = (step.heat[j] > k * (step.back[j] - y)) | (step.mode[j] == Mode.OPEN)
        made.append(_stage(present, groups, span, 1.0, misses, k / w, y))
    return [*made, _stage(present, groups, np.maximum(within_s - PIECES * span, 0.0))]


def _exchange(sec: Floats, w: Floats, wp: Floats) -> Floats:
    """``eps C_min`` (n) in W/K of exchangers, as ``twin.cooling.exchanger`` has it."""
    films = (w / sec[:, Sec.W_MAX]) ** -sec[:, Sec.N_SECONDARY] + (wp / sec[:, Sec.WP_MAX]) ** -sec[:, Sec.N_PRIMARY]
    least = np.minimum(w, wp)
    ntu, ratio = 2.0 * sec[:, Sec.UA] / films / least, least / np.maximum(w, wp)
    ratio = np.minimum(ratio, 1.0 - 1e-9)
    m = np.expm1(-ntu * (1.0 - ratio))
    made: Floats = -m / ((1.0 - ratio) - ratio * m) * least
    return made


__all__ = ["RUN", "Coast", "Expected", "closed_form", "coasting", "loss_of", "racks_of"]
