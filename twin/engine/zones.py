"""Zones of a hall's air: racks whose inlets take in more or less of the hall's exhaust than the hall on average.

Equations (zones i, j of an air-cooled hall; ``k`` their shares of the racks' air flow ``w``, ``P`` their heat to the
air, ``A`` and ``D`` as in ``twin.cooling.recirculation``, D for a total flow of 1)::

    rho   = sum_i k_i sum_j a_ij                       share of the racks' air that goes round: Sec.RECIRCULATION
    M     = (1 - rho) D                                the matrix in ``Arrays.zones``
    r_i   = sum_j M_ij P_j / sum_j P_j                 share of exhaust in the inlets of zone i
    T_i   = x + r_i (T_ret - x)                        inlet, x the supply

In the steady state ``T_ret - x = sum P/((1 - rho) w)``, so that ``T_i = x + (D P)_i/w``: the D-matrix. On the way there
no inlet is colder than the supply, and the balance of the hall's air does not hang on the pattern: all exhaust is in
it, wherever it goes. ``r - rho`` follows its powers with a first-order lag.

Range: flows of the zones keep their design proportions; racks that are slowed count with what they are asked for.
Source: Tang, Gupta, Varsamopoulos, IEEE Trans. Parallel Distrib. Syst. 19 (2008) 1458, doi:10.1109/TPDS.2008.111; zones
in place of racks after the physics sheet of this project: 24 of them cost 4 us a step.
"""

from __future__ import annotations

from math import exp

import numpy as np

from twin.core.columns import Group, Sec
from twin.core.integrate import phi1
from twin.core.jit import inner
from twin.engine.arrays import Scratch, State
from twin.engine.hall import RECIRCULATION, liquid_fraction
from twin.site.plan import Arrays

ZONES, FIRST_ZONE, ZONE_LAG = int(Sec.ZONES), int(Sec.FIRST_ZONE), int(Sec.ZONE_LAG)
W_GROUPS = int(Sec.W_GROUPS)
ZONE, COUNT, RATED, W_AIR = int(Group.ZONE), int(Group.COUNT), int(Group.RATED), int(Group.W_AIR)


@inner
def excess(a: Arrays, h: int, g: int, power: np.ndarray, per_rated: float) -> float:
    """Exhaust in the inlets of group ``g`` of hall ``h``, above the hall's share: ``r - rho``.

    ``power`` (group) W, and ``per_rated`` W more per rated watt of every rack of the hall, which has zones.
    """
    sec = a.sec[a.group_air[g]]
    row = int(sec[FIRST_ZONE]) + int(sec[ZONES]) * int(a.group[g, ZONE])
    total = 0.0
    taken = 0.0
    for i in range(a.hall_group[h], a.hall_group[h + 1]):
        other = a.group[i]
        p = power[i] + per_rated * other[RATED] * other[COUNT]
        q = max(0.0, (1.0 - liquid_fraction(other)) * p)
        total += q
        taken += a.zones[row + int(other[ZONE])] * q
    return taken / total - sec[RECIRCULATION] if total > 0.0 else 0.0


@inner
def advance_zones(a: Arrays, state: State, s: Scratch, h: int, dt: float) -> None:
    """Step means of ``r - rho`` of a hall's groups, and what they are at its end."""
    lag = a.sec[a.hall_sec[h + 1] - 1, ZONE_LAG]
    z = dt / lag if lag > 0.0 else 1e9
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        target = excess(a, h, g, s.group_power, 0.0)
        s.stray[g] = target + (state.pattern[g] - target) * phi1(z)
        state.pattern[g] = target + (state.pattern[g] - target) * exp(-z)


@inner
def air_inlet(a: Arrays, s: Scratch, g: int) -> float:
    """Air at the inlets of a group's racks, degC."""
    j = a.group_air[g]
    return s.inlet[j] + s.stray[g] * (s.back[j] - s.supply[j])


@inner
def mean_and_hottest(a: Arrays, s: Scratch, h: int) -> tuple[float, float]:
    """Air at a hall's rack inlets, degC: mean by flow, and hottest."""
    air = a.hall_sec[h + 1] - 1
    if a.sec[air, ZONES] == 0.0:
        return s.inlet[air], s.inlet[air]
    mean = s.inlet[air]
    top = -1e300
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        inlet = air_inlet(a, s, g)
        top = max(top, inlet)
        mean += a.group[g, COUNT] * a.group[g, W_AIR] / a.sec[air, W_GROUPS] * (inlet - s.inlet[air])
    return mean, top


__all__ = ["ZONES", "advance_zones", "air_inlet", "excess", "mean_and_hottest"]
