"""Every limit's loading in the steady state of a given power of all racks: one number for each limit, by its place.

Where ``twin.engine.headroom`` asks for the worst limit of one hall, this keeps all of them apart, so that a limit can
be asked for alone, and extra power may be spread over any racks (a CDU's, a building's, the site's).

Order of the loadings (``Places`` names them)::

    secondary loop j   3 j, 3 j + 1, 3 j + 2     flow, exchanger, rack inlet
    rack group g       G + g                     junction
    facility loop f    F + 2 f, F + 2 f + 1      flow, plant
    element e          E + e                     output per limit
    contract           the last                  power at the meter per contract
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.cooling.plant import set_point
from twin.core.columns import Elm, Group
from twin.core.jit import inner, kernel
from twin.engine.hall import RECIRCULATION, flow_for, liquid_fraction, pump_power
from twin.engine.headroom import Case, campus_flows, loops_of, plant_loading, plant_power
from twin.engine.loop import loop_most
from twin.engine.steady import COOLING_LIMITS, hottest, junction, steady_air, steady_cdu, steady_chain
from twin.engine.zones import ZONES, excess
from twin.site.plan import Arrays, Plan

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
COUNT, LIMIT = int(Group.COUNT), int(Elm.LIMIT)
# Columns of what a hall hands on: heat (W) and flow (W/K) to its two loops, power (W).
Q_LIQUID, W_LIQUID, Q_AIR, W_AIR, TOP, HANDED = 0, 1, 2, 3, 4, 5
CONTRACT = "contract"
ELEMENT = "element"
LIQUID = ("cdu_flow", "cdu_exchange", "rack_liquid_inlet")
AIR = ("crah_airflow", "crah_coil", "rack_air_inlet")
JUNCTION = "rack_junction"
SHARED = ("loop_flow", "plant_capacity")
LIMITS_EACH = len(LIQUID)
assert {*LIQUID, *AIR, JUNCTION, *SHARED} < set(COOLING_LIMITS)


@dataclass(frozen=True)
class Places:
    """Which loading stands where in the order above: its limit, and the name of what it is a limit of."""

    limit: tuple[str, ...]
    where: tuple[str, ...]
    group: int  # the first of each part
    fac: int
    element: int

    @property
    def count(self) -> int:
        """How many loadings there are."""
        return len(self.limit)


def places(plan: Plan) -> Places:
    """The places of a plan's loadings."""
    a, labels = plan.arrays, plan.labels
    air = {int(j) for j in plan.air_sec}
    hall = np.searchsorted(a.hall_group, np.arange(len(a.group)), side="right") - 1
    limit = [name for j in range(len(a.sec)) for name in (AIR if j in air else LIQUID)]
    where = [labels.sec[j] for j in range(len(a.sec)) for _ in range(3)]
    group = len(limit)
    limit += [JUNCTION] * len(a.group)
    where += [f"{kind} in {labels.hall[h]}" for kind, h in zip(labels.group_kind, hall, strict=True)]
    fac = len(limit)
    limit += [name for _ in labels.loop for name in SHARED]
    where += [name for name in labels.loop for _ in SHARED]
    element = len(limit)
    limit += [ELEMENT] * len(labels.element) + [CONTRACT]
    where += [*labels.element, "the meter"]
    return Places(tuple(limit), tuple(where), group, fac, element)


@inner
def _hall(
    a: Arrays, h: int, power: np.ndarray, y_set: np.ndarray, heat: np.ndarray, flow: np.ndarray, group: int,
    element: int, handed: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Loadings of a hall's own limits, and what it hands on."""
    first, air = a.hall_sec[h], a.hall_sec[h + 1] - 1
    for j in range(first, air + 1):
        heat[j] = 0.0
    it = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        liquid = liquid_fraction(a.group[g]) * power[g]
        if a.group_liquid[g] >= 0:
            heat[a.group_liquid[g]] += liquid
        heat[a.group_air[g]] += power[g] - liquid
        it += power[g]
    mechanical = 0.0
    handed[Q_LIQUID] = 0.0
    handed[W_LIQUID] = 0.0
    for j in range(first, air):
        out[3 * j], out[3 * j + 1], out[3 * j + 2], q, wp, pump = steady_cdu(a, j, heat[j], y_set[a.sec_fac[j]])
        handed[Q_LIQUID] += q
        handed[W_LIQUID] += wp
        mechanical += pump
    w = flow_for(a.sec[air], heat[air])
    fan = pump_power(a.sec[air], w)
    handed[TOP], to_hall, to_room = steady_chain(a, h, it, mechanical + fan, flow)
    q = heat[air] + fan + to_hall
    i = 3 * air
    zoned = a.sec[air, ZONES] > 0.0
    stray = hottest(a, h, power, 0.0) if zoned else 0.0
    out[i], out[i + 1], out[i + 2], wp, supply, rise = steady_air(a, air, heat[air], q, w, y_set[a.sec_fac[air]], stray)
    handed[Q_AIR] = q + to_room
    handed[W_AIR] = wp
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        stray = excess(a, h, g, power, 0.0) if zoned else 0.0
        inlet = supply + (a.sec[air, RECIRCULATION] + stray) * rise
        out[group + g] = junction(a, g, power[g] / a.group[g, COUNT], heat, y_set, supply, inlet)
    for e in range(a.hall_element[h], a.hall_element[h + 1]):
        out[element + e] = flow[e] / a.element[e, LIMIT] if a.element[e, LIMIT] > 0.0 else 0.0


@kernel
def loadings(
    a: Arrays, on: np.ndarray, halls: np.ndarray, facs: np.ndarray, power: np.ndarray, air: np.ndarray,
    plant_air: np.ndarray, contract: float, group: int, fac: int, element: int, handed: np.ndarray, ports: np.ndarray,
    work: np.ndarray, loops: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Fill ``out`` (place) for ``power`` (group, W).

    ``on`` (hall) energised; ``halls`` (hall) and ``facs`` (loop) what is to be computed anew, 1 or 0: the rest stays as
    an earlier call left it in ``handed`` (hall, HANDED), ``ports`` (hall + loop, W) and ``out``; ``air`` (3) and
    ``plant_air`` (loop, 3) dry bulb, wet bulb (degC), pressure (Pa) at the sensors and at each rejection bank;
    ``group``, ``fac``, ``element`` the first places of each part; ``work`` (3, longest axis), ``loops`` (loop, 2)
    scratch.
    """
    n = on.shape[0]
    y_set, heat, flow = work[0, : loops.shape[0]], work[1], work[2]
    for f in range(loops.shape[0]):
        y_set[f] = set_point(a.fac[f], air[0], air[1])
        loops[f, 0] = 0.0
        loops[f, 1] = 0.0
    for h in range(n):
        if on[h] != 0:
            if halls[h] != 0:
                _hall(a, h, power, y_set, heat, flow, group, element, handed[h], out)
            liquid, cold = loops_of(a, h)
            loops[liquid, 0] += handed[h, Q_LIQUID]
            loops[liquid, 1] += handed[h, W_LIQUID]
            loops[cold, 0] += handed[h, Q_AIR]
            loops[cold, 1] += handed[h, W_AIR]
            ports[h] = handed[h, TOP]
    for f in range(loops.shape[0]):
        if loops[f, 1] > 0.0 and facs[f] != 0:
            c = Case(power, plant_air[f], contract, handed, loops, ports, handed, y_set, heat, flow, heat)
            out[fac + 2 * f] = loops[f, 1] / loop_most(a.fac[f])
            out[fac + 2 * f + 1] = plant_loading(a, c, f, loops[f, 0], loops[f, 1])
            ports[n + f] = plant_power(a, c, f, loops[f, 0], loops[f, 1])
    first = int(a.hall_element[n])
    grid = campus_flows(a, first, ports, flow)
    for e in range(first, a.element.shape[0]):
        out[element + e] = flow[e] / a.element[e, LIMIT] if a.element[e, LIMIT] > 0.0 else 0.0
    out[element + a.element.shape[0]] = grid / contract if contract > 0.0 else 2.0


__all__ = ["AIR", "CONTRACT", "ELEMENT", "JUNCTION", "LIMITS_EACH", "LIQUID", "SHARED", "Places", "loadings", "places"]
