"""State, scratch and output arrays of a run: what the compiled loop reads and writes besides the Plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.cooling.machines import CLOCKS
from twin.cooling.pipe import PARCELS
from twin.core.columns import Fac, Group, Sec
from twin.core.variables import rows
from twin.inference.fleet import new_held
from twin.racks.kernel import fill_noise
from twin.site.plan import Plan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class State(NamedTuple):
    """Everything that a later step depends on; saved at a checkpoint as it stands."""

    t_plate: Floats  # (rack) degC
    t_body: Floats  # (rack) degC
    sum_plate: Floats  # (group) sums of the two above
    sum_body: Floats
    offset: Floats  # (rack) lasting relative offset of the utilisation
    noise_a: Floats  # (rack) wander at the knots before and after
    noise_b: Floats
    knot: Ints  # (island) index of the knot before, -1 not yet filled
    sec_return: Floats  # (sec) degC
    sec_supply: Floats
    sec_flow: Floats  # (sec) capacity rate reached by the pump or fan, W/K
    pattern: Floats  # (group) exhaust in the racks' inlets, above the hall's share (``twin.engine.zones``)
    fac_return: Floats
    fac_supply: Floats
    pipe: Floats  # (fac, return and supply, 2, parcel) J/K and degC of the water on its way, see twin.cooling.pipe
    basin: Floats
    condenser: Floats  # (fac) last step-mean water leaving the rejection bank
    chillers: Floats  # (fac, 3) machines on and their clocks, see twin.cooling.machines
    fac_flow: Floats  # (fac) capacity rate that the loop's pumps have reached, W/K
    watched: Floats  # (group, cause) what the interlocks saw last (``twin.engine.trip``)
    trip_clock: Floats  # (group, cause) how long each has been beyond its limit, s
    tripped_by: Ints  # (group) code of the cause that shut the racks down, 0: they run; negative: they run again
    tripped_at: Floats  # (group) s since 1970, as the two below; negative: never
    alarm_at: Floats  # (group) an inlet first beyond what the racks allow
    slowed_at: Floats  # (group) racks first slowed
    pool_queue: Floats  # (service, class) requests that wait
    pool_age: Floats  # (service, class) time that the first of them has waited, s
    pool_active: Floats  # (service, class) requests in service
    pool_power: Floats  # (pool) W of a system, negative before the first step


class Scratch(NamedTuple):
    """Values of the present step."""

    power: Floats  # (rack)
    peak: Floats  # (rack) running maximum of the watched node
    group_power: Floats  # (group) drawn, W
    group_asked: Floats  # (group) what would be drawn if no rack were too hot, W
    held: Ints  # (group) 1: racks of it are slowed
    held_slope: Floats  # (group) W that the slowed racks give up per kelvin of their inlet
    held_at: Floats  # (group) inlet at which they draw ``group_power``, degC
    stray: Floats  # (group) exhaust in the racks' inlets, above the hall's share, mean of the step
    g_plate: Floats  # (group) plate to coolant conductance
    matrix: Floats  # (group, 3)
    w: Floats  # (sec) step-mean capacity rates and exchanger
    coil: Floats  # (sec) what pumps or air handlers bring; less than ``w`` where racks draw room air for the rest
    wp: Floats
    k: Floats
    pump: Floats
    source: Floats  # (sec) heat independent of the inlet
    slope: Floats  # (sec) heat per kelvin of the inlet
    spread: Floats  # (sec) heat per kelvin of return above supply, because racks' inlets differ
    r0: Floats  # (sec) return = r0 + r1 supply
    r1: Floats
    psi: Floats
    mode: Ints
    supply: Floats
    back: Floats
    inlet: Floats
    heat: Floats
    asked_flow: Floats  # (sec) capacity rate that the racks ask for
    set_point: Floats
    fac_w: Floats
    fac_most: Floats  # (fac) most that the loop's pumps move, W/K
    line: Floats  # (fac, return and supply, 2) outlet = a b + (1 - a) inlet: the share a that stood there, its mean b
    fac_set: Floats
    hall_it: Floats
    hall_used: Floats
    hall_top: Floats
    hall_mechanical: Floats
    hall_withheld: Floats  # (hall) asked less drawn, W
    hall_slowed: Floats  # (hall) share of the racks that are slowed
    hall_outdoors: Floats  # (hall) losses to the outdoors, W
    fac_direct: Floats  # (fac) heat into the loop besides its exchangers
    solved: Floats  # (fac, 6) what ``solve_loop`` found
    element_out: Floats
    element_in: Floats


class Out(NamedTuple):
    """Accumulators (one row each) and the rows of a block (interval first)."""

    hall: Floats
    cdu: Floats
    loop: Floats
    element: Floats
    rack: Floats
    hall_rows: Floats
    cdu_rows: Floats
    loop_rows: Floats
    element_rows: Floats
    rack_rows: Floats
    power_rows: Floats  # (interval, group) power asked for at the end of the interval, W


# Causes that shut racks down (``twin.engine.trip``).
CAUSES = 5
# More than a vectorised loop handles at once.
STRIDE_BYTES = 1024


def apart(n: int) -> Floats:
    """``n`` zeros that end well before any other array begins.

    A vectorised loop asks at run time whether its arrays lie closer than one vector's stride, and takes the scalar way,
    which rounds differently, if so: with few racks that would hang on where the allocator puts them.
    """
    return np.zeros(n + STRIDE_BYTES // 8)[:n]


def new_state(plan: Plan, seed: int, start_c: Floats | None = None) -> State:
    """State at the start of a run: everything at its set point, racks at their coolant or air supply."""
    a = plan.arrays
    n, groups = plan.racks, len(a.group)
    set_point = a.sec[:, Sec.SET].copy()
    plate, body = apart(n), apart(n)
    offset = new_offset(plan, seed)
    sums = np.empty((2, groups))
    for g in range(groups):
        r = slice(int(a.group_rack[g]), int(a.group_rack[g + 1]))
        liquid = a.group_liquid[g] if a.group_liquid[g] >= 0 else a.group_air[g]
        plate[r] = set_point[liquid]
        body[r] = set_point[a.group_air[g]] if a.group[g, Group.G_BODY_AIR] > 0 else set_point[liquid]
        sums[0, g], sums[1, g] = plate[r].sum(), body[r].sum()
    supply = a.fac[:, Fac.SET].copy()
    return State(
        plate, body, sums[0].copy(), sums[1].copy(), offset, apart(n), apart(n),
        np.full(len(a.island_ptr) - 1, -1, np.int64),
        set_point.copy(), set_point.copy(), a.sec[:, Sec.W_MIN].copy(), np.zeros(groups),
        supply.copy(), supply.copy(), full_pipes(a.fac, supply), supply.copy(), supply.copy(),
        np.zeros((len(supply), CLOCKS)),
        a.fac[:, Fac.W_MIN].copy(),
        np.full((groups, CAUSES), -1e9), np.zeros((groups, CAUSES)), np.zeros(groups, np.int64),
        np.full(groups, -1.0), np.full(groups, -1.0), np.full(groups, -1.0),
        *new_held(plan.fleet.fleet if plan.fleet else None),
    )  # fmt: skip


def full_pipes(fac: Floats, t: Floats) -> Floats:
    """Pipes of loops full of water at ``t`` (fac)."""
    pipe = np.zeros((len(fac), 2, 2, PARCELS))
    pipe[:, :, 0, 0] = fac[:, [Fac.C_PIPE_RETURN, Fac.C_PIPE_SUPPLY]]
    pipe[:, :, 1, 0] = t[:, None]
    return pipe


def new_offset(plan: Plan, seed: int) -> Floats:
    """Lasting relative offset of every rack's utilisation."""
    a, offset = plan.arrays, apart(plan.racks)
    for g in range(len(a.group)):
        r = slice(int(a.group_rack[g]), int(a.group_rack[g + 1]))
        fill_noise(offset[r], r.start, a.group[g, Group.SPREAD], seed, -7)
    return offset


def new_scratch(plan: Plan) -> Scratch:
    """Zeroed scratch."""
    a = plan.arrays
    n, g, s, f, e = plan.racks, len(a.group), len(a.sec), len(a.fac), len(a.element)
    # Everything is per secondary loop unless it stands here.
    sizes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("power", "peak"), (n,)),
        **dict.fromkeys(("group_power", "group_asked", "held", "held_slope", "held_at", "stray", "g_plate"), (g,)),
        "matrix": (g, 3),
        **dict.fromkeys(("fac_w", "fac_most", "fac_direct", "fac_set"), (f,)),
        **dict.fromkeys((name for name in Scratch._fields if name.startswith("hall_")), (len(plan.labels.hall),)),
        "solved": (f, 6),
        "line": (f, 2, 2),
        **dict.fromkeys(("element_out", "element_in"), (e,)),
    }
    made = {k: np.zeros(sizes.get(k, (s,)), np.int64 if k in ("mode", "held") else np.float64) for k in Scratch._fields}
    made |= {k: apart(n) for k in ("power", "peak")}
    made["peak"].fill(-1e300)
    return Scratch(**made)  # type: ignore[arg-type]


def new_out(plan: Plan, intervals: int, racks: bool) -> Out:
    """Accumulators and the rows of a block of ``intervals``; rack rows only where asked for."""
    a = plan.arrays
    counts = {
        "hall": len(plan.labels.hall),
        "cdu": len(a.sec),
        "loop": len(a.fac),
        "element": len(a.element),
        "rack": plan.racks if racks else 0,
    }
    width = {level: len(rows(level)) for level in counts}  # type: ignore[arg-type]
    acc = {level: np.zeros((n, width[level])) for level, n in counts.items()}
    made = {f"{level}_rows": np.zeros((intervals, n, width[level])) for level, n in counts.items()}
    return Out(**acc, **made, power_rows=np.zeros((intervals, len(a.group))))
