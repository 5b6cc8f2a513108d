"""Heat that finds its way out without a plant: through insulation, walls and casings.

Equations (T degC, C heat capacity in J/K, g conductance and w capacity rate in W/K, T_o outdoor dry bulb, dt step in s,
k conductance per heat capacity of the water, 1/s)::

    header       T_mean = (1 - phi1(z)) (w T_in + g T_o)/(w + g) + phi1(z) T_0,  z = (w + g) dt/C,  g = k C
    pipe, basin  T' = T_o + (T - T_o) e^{-k dt}                      after the step has moved its water
    room         as a header, in ``twin.engine.hall.close_loop``
    to the room  T_i' = T_r' + (T_i - T_r') (1 - f_i),  f_i = 1 - e^{-g_i dt/C_i}
                 C_r T_r' + sum C_i T_i' = C_r T_r + sum C_i T_i     after the step, for each hall

Headers, pipes, basins and a room that stands are exact for held inputs. Coolant and racks meet their room in a second
part of the step: first order in time; for any step and conductances heat is conserved and no temperature leaves the
range of those that meet. A plate gives heat to the room only while its coolant stands: while it flows, what leaves a
rack by the air is in its ``liquid_share``.

Range: any step where water stands; where it flows, steps in which a store loses little of its heat (g dt << C): beyond,
pipes, basins and coolant lose too little. Sun and moisture through walls are not counted, nor does headroom or the
closed form of a loss know of these paths. Source: physics sheet, 7.1 rules 2 and 3; parts of a step one by one:
H. F. Trotter, Proc. Amer. Math. Soc. 10 (1959) 545.
"""

from __future__ import annotations

from math import expm1

import numpy as np

from twin.cooling.pipe import PARCELS
from twin.core.columns import Fac, Group, Sec
from twin.core.integrate import phi1
from twin.core.jit import inner
from twin.engine.arrays import Scratch, State
from twin.engine.book import GROSS, OUTWARD, STORED, tank
from twin.engine.hall import C_PLATE, C_RETURN, C_SUPPLY, COUNT, TO_OUTDOORS
from twin.site.plan import Arrays

F_C_RETURN, F_C_SUPPLY = int(Fac.C_RETURN), int(Fac.C_SUPPLY)
F_C_PIPE_RETURN, F_C_PIPE_SUPPLY = int(Fac.C_PIPE_RETURN), int(Fac.C_PIPE_SUPPLY)
F_TO_OUTDOORS, F_BASIN_TO_OUTDOORS, F_C_BASIN = (
    int(Fac.TO_OUTDOORS), int(Fac.BASIN_TO_OUTDOORS), int(Fac.C_BASIN),
)  # fmt: skip
F_HEATER, F_LOWEST = int(Fac.BASIN_HEATER), int(Fac.LOWEST_LEAVING)
TO_ROOM, G_TO_ROOM = int(Sec.TO_ROOM), int(Group.TO_ROOM)
# Air that stands in the aisles mixes with that of the room in minutes (estimate).
MIXING_S = 600.0


@inner
def _rate(fac: np.ndarray) -> float:
    """Conductance of a loop to the outdoors per heat capacity of its water, 1/s."""
    water = fac[F_C_RETURN] + fac[F_C_SUPPLY] + fac[F_C_PIPE_RETURN] + fac[F_C_PIPE_SUPPLY]
    return fac[F_TO_OUTDOORS] / water


@inner
def header_loss(fac: np.ndarray, way: int) -> float:
    """Conductance of a header (0 return, 1 supply) to the outdoors, W/K: its part by its water."""
    return _rate(fac) * fac[F_C_RETURN + way]


@inner
def header(fac: np.ndarray, way: int, w: float, t0: float, t_out: float, dt: float) -> tuple[float, float]:
    """Mean outlet of a header as ``a b + (1 - a) inlet``: ``a``, ``b``, of what stood in it and of the outdoors."""
    c, g = fac[F_C_RETURN + way], header_loss(fac, way)
    phi = phi1((w + g) * dt / c)
    if g <= 0.0:
        return phi, t0
    outdoors = (1.0 - phi) * g / (w + g)
    return phi + outdoors, (phi * t0 + outdoors * t_out) / (phi + outdoors)


@inner
def leaky_tank(
    t0: float, t_in: float, t_mean: float, w: float, g: float, t_out: float, c: float, dt: float, ledger: np.ndarray
) -> float:
    """End temperature of a flow tank that loses ``g (t_mean - t_out)``, from its mean fluxes; books both."""
    if g <= 0.0:
        return tank(t0, t_in, t_mean, w, c, dt, ledger)
    lost = g * (t_mean - t_out) * dt
    t1 = t0 + (w * dt * (t_in - t_mean) - lost) / c
    stored = c * (t1 - t0)
    ledger[OUTWARD] += lost
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    return t1


@inner
def pipes_to_outdoors(fac: np.ndarray, pipe: np.ndarray, t_out: float, dt: float, ledger: np.ndarray) -> None:
    """Let the water in a loop's pipes and store (way, 2, parcel) lose heat to the outdoors for a step."""
    if fac[F_TO_OUTDOORS] <= 0.0:
        return
    gone = -expm1(-_rate(fac) * dt)
    for way in range(2):
        for i in range(PARCELS):
            if pipe[way, 0, i] > 0.0:
                fall = gone * (pipe[way, 1, i] - t_out)
                pipe[way, 1, i] -= fall
                ledger[OUTWARD] += pipe[way, 0, i] * fall
                ledger[STORED] -= pipe[way, 0, i] * fall
                ledger[GROSS] += abs(pipe[way, 0, i] * fall)


@inner
def basin_to_outdoors(fac: np.ndarray, basin: float, t_out: float, dt: float, ledger: np.ndarray) -> float:
    """By how much a basin cools in a step (K); one with a heater no further than that lets it."""
    if fac[F_BASIN_TO_OUTDOORS] <= 0.0:
        return 0.0
    end = max(t_out, fac[F_LOWEST]) if fac[F_HEATER] > 0.0 else t_out
    fall = -expm1(-fac[F_BASIN_TO_OUTDOORS] * dt / fac[F_C_BASIN]) * (basin - end)
    ledger[OUTWARD] += fac[F_C_BASIN] * fall
    return fall


@inner
def _share(g: float, c: float, dt: float) -> float:
    """Share of its difference to the room that a store of ``c`` J/K gives up in a step."""
    return -expm1(-g * dt / c)


@inner
def _meet(t0: float, room: float, share: float, c: float, ledger: np.ndarray) -> float:
    """A store of ``c`` J/K after it has met the room at ``room`` degC; books what it stored."""
    stored = c * share * (room - t0)
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    return t0 + share * (room - t0)


@inner
def meets_room(air: np.ndarray) -> bool:
    """Whether anything in a hall with this air does: a call that does nothing costs a microsecond of a hall's step."""
    return air[TO_OUTDOORS] > 0.0 or air[TO_ROOM] > 0.0


@inner
def exchange_with_room(a: Arrays, state: State, s: Scratch, h: int, dt: float, ledger: np.ndarray) -> None:
    """Coolant, racks whose coolant stands, and air that stands in the aisles meet the air of their hall."""
    first, air = a.hall_sec[h], a.hall_sec[h + 1] - 1
    room = a.sec[air]
    c, heat = room[C_RETURN], room[C_RETURN] * state.sec_return[air]
    mixed = -expm1(-dt / MIXING_S) if s.w[air] <= 0.0 else 0.0
    c += mixed * room[C_SUPPLY]
    heat += mixed * room[C_SUPPLY] * state.sec_supply[air]
    for j in range(first, air):
        row = a.sec[j]
        share = _share(row[TO_ROOM], row[C_RETURN] + row[C_SUPPLY], dt)
        c += share * (row[C_RETURN] + row[C_SUPPLY])
        heat += share * (row[C_RETURN] * state.sec_return[j] + row[C_SUPPLY] * state.sec_supply[j])
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        share = _plate_share(a, s, g, dt)
        c += share * a.group[g, C_PLATE] * a.group[g, COUNT]
        heat += share * a.group[g, C_PLATE] * state.sum_plate[g]
    _meet_all(a, state, s, h, heat / c, mixed, dt, ledger)


@inner
def _plate_share(a: Arrays, s: Scratch, g: int, dt: float) -> float:
    """Share that the plates of a group give up: none while their coolant flows."""
    j = a.group_liquid[g]
    if j < 0 or s.w[j] > 0.0:
        return 0.0
    return _share(a.group[g, G_TO_ROOM], a.group[g, C_PLATE], dt)


@inner
def _meet_all(
    a: Arrays, state: State, s: Scratch, h: int, t: float, mixed: float, dt: float, ledger: np.ndarray
) -> None:
    """Bring a hall's room to ``t`` degC and what meets it by its share nearer to that; the sum of all heat stays."""
    first, air = a.hall_sec[h], a.hall_sec[h + 1] - 1
    state.sec_return[air] = _meet(state.sec_return[air], t, 1.0, a.sec[air, C_RETURN], ledger)
    state.sec_supply[air] = _meet(state.sec_supply[air], t, mixed, a.sec[air, C_SUPPLY], ledger)
    for j in range(first, air):
        row = a.sec[j]
        share = _share(row[TO_ROOM], row[C_RETURN] + row[C_SUPPLY], dt)
        state.sec_return[j] = _meet(state.sec_return[j], t, share, row[C_RETURN], ledger)
        state.sec_supply[j] = _meet(state.sec_supply[j], t, share, row[C_SUPPLY], ledger)
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        share = _plate_share(a, s, g, dt)
        if share <= 0.0:
            continue
        total = 0.0
        for r in range(a.group_rack[g], a.group_rack[g + 1]):
            state.t_plate[r] += share * (t - state.t_plate[r])
            total += state.t_plate[r]
        stored = a.group[g, C_PLATE] * (total - state.sum_plate[g])
        ledger[STORED] += stored
        ledger[GROSS] += abs(stored)
        state.sum_plate[g] = total


__all__ = [
    "basin_to_outdoors",
    "exchange_with_room",
    "header",
    "header_loss",
    "leaky_tank",
    "meets_room",
    "pipes_to_outdoors",
]
