"""Headroom of every hall: the largest extra IT power of its own rack mix, all else held, before the first limit.

Definition: extra power is spread over the hall's racks in proportion to their rating; other halls keep their present
load; controls settle (``twin.engine.steady``). Cooling headroom ends where a rack inlet limit, a CDU's flow or
exchanger, the air handlers' flow or coil, the loop's flow or the plant's capacity at the present weather would be
exceeded; power headroom where an element on the hall's path, up to the contract at the meter, would. Adding it
violates nothing, 1 % more violates the named limit. A negative value is what has to go.

The loading is continuous and rises with the extra power, so the root is bracketed and closed in by a fixed number of
steps; the lower end of the bracket is reported. Pure function of the Plan, the racks' power and the weather.

A hall's own limits cost a microsecond, the plant's and the campus's ten times that: the root of the former is found
first, and only where a shared limit is exceeded there is the root of all of them sought.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.cooling.plant import capacity, operate, set_point
from twin.core.columns import Elm, Fac
from twin.core.jit import constant, fused, inner, kernel
from twin.core.root import illinois
from twin.engine.hall import element_input
from twin.engine.loop import loop_most, loop_pump
from twin.engine.steady import (
    CHAIN,
    CHAIN_ELEMENT,
    COOL,
    COOL_CODE,
    COOLING_LIMITS,
    FLOW_AIR,
    FLOW_LIQUID,
    HEAT_AIR,
    HEAT_LIQUID,
    LOOP_FLOW,
    PLANT,
    TOP,
    WIDTH,
    rated_power,
    steady_hall,
)
from twin.site.plan import Arrays

# Long enough for every tank to be steady, s.
SETTLED = 1e9
BRACKET_STEPS = 12
CLOSE_STEPS = 30
# Relative width of the bracket at which the root is known well enough: "1 % more" is five times that.
CLOSE = 2e-3
CONTRACT = -1
COOLING, ELECTRIC, OWN, SHARED = constant(0), constant(1), constant(0), constant(1)
F_W_MIN, F_CHILLERS = int(Fac.W_MIN), int(Fac.CHILLERS)
LIMIT = int(Elm.LIMIT)


class Case(NamedTuple):
    """The present state that extra power is added to, and scratch."""

    power: np.ndarray  # (group) W
    air: np.ndarray  # dry bulb, wet bulb (degC), pressure (Pa)
    contract: float  # W
    base: np.ndarray  # (hall, WIDTH) steady state of the present load
    loops: np.ndarray  # (loop, 2) heat (W) and flow (W/K) of the present load
    ports: np.ndarray  # (hall + loop) power into the campus, W
    reach: np.ndarray  # (hall, campus element)
    y_set: np.ndarray  # (loop) degC
    heat: np.ndarray
    flow: np.ndarray
    r: np.ndarray


@inner
def _capacity(a: Arrays, c: Case, f: int, w: float, t_ret: float, guess: float) -> float:
    """What the plant of a loop can take at its set point in steady state, W."""
    air = c.air
    cap_a, cap_b = capacity(
        a.fac[f],
        a.rejection[f],
        w,
        c.y_set[f],
        t_ret,
        guess,
        guess,
        SETTLED,
        air[0],
        air[1],
        air[2],
        a.fac[f, F_CHILLERS],
    )
    return cap_a + cap_b * t_ret


@inner
def plant_loading(a: Arrays, c: Case, f: int, q: float, asked: float) -> float:
    """Steady heat of a loop per what its plant can take at the set point."""
    y, air = c.y_set[f], c.air
    w = min(loop_most(a.fac[f]), max(a.fac[f, F_W_MIN], asked))
    q += loop_pump(a.fac[f], w)
    return q / max(1.0, _capacity(a, c, f, w, y + q / w, min(air[0], air[1] + 4.0)))


@inner
def plant_power(a: Arrays, c: Case, f: int, q: float, asked: float) -> float:
    """Steady electrical power of a loop's plant and pump, W."""
    y, air = c.y_set[f], c.air
    w = min(loop_most(a.fac[f]), max(a.fac[f, F_W_MIN], asked))
    pump = loop_pump(a.fac[f], w)
    q += pump
    guess = min(air[0], air[1] + 4.0)
    cap = _capacity(a, c, f, w, y + q / w, guess)
    # Heat that the plant cannot take warms the loop; it does not make the chillers draw more. No clocks: steady.
    run = operate(
        a.fac[f],
        a.rejection[f],
        w,
        min(q, cap),
        y + q / w,
        y,
        guess,
        guess,
        SETTLED,
        air[0],
        air[1],
        air[2],
        a.fac[f, :0],
    )
    return pump + run.chiller + run.fan + run.pump


@inner
def loops_of(a: Arrays, h: int) -> tuple[int, int]:
    """Facility loops of a hall's coolant and of its air (the same where it has no CDUs)."""
    return a.sec_fac[a.hall_sec[h]], a.sec_fac[a.hall_sec[h + 1] - 1]


@inner
def _loop_load(a: Arrays, c: Case, h: int, f: int) -> tuple[float, float]:
    """Heat (W) and flow (W/K) of loop ``f`` with hall ``h`` as it stands in ``c.r``, the others as they are."""
    liquid, air = loops_of(a, h)
    q, w = c.loops[f, 0], c.loops[f, 1]
    if f == liquid:
        q += c.r[HEAT_LIQUID] - c.base[h, HEAT_LIQUID]
        w += c.r[FLOW_LIQUID] - c.base[h, FLOW_LIQUID]
    if f == air:
        q += c.r[HEAT_AIR] - c.base[h, HEAT_AIR]
        w += c.r[FLOW_AIR] - c.base[h, FLOW_AIR]
    return q, w


@inner
def _shared_cooling(a: Arrays, c: Case, h: int) -> None:
    """Put the loops' flow and the plants' capacity into ``c.r`` where these are loaded more than the hall itself."""
    r = c.r
    for f in loops_of(a, h):
        q, w = _loop_load(a, c, h, f)
        if w / loop_most(a.fac[f]) > r[COOL]:
            r[COOL] = w / loop_most(a.fac[f])
            r[COOL_CODE] = float(LOOP_FLOW)
        loading = plant_loading(a, c, f, q, w)
        if loading > r[COOL]:
            r[COOL] = loading
            r[COOL_CODE] = float(PLANT)


@inner
def _shared_electric(a: Arrays, c: Case, h: int) -> None:
    """Put the campus elements and the contract into ``c.r`` where they are loaded more than the hall's own chain."""
    r, ports, halls = c.r, c.ports, c.base.shape[0]
    liquid, air = loops_of(a, h)
    keep_hall, keep_liquid, keep_air = ports[h], ports[halls + liquid], ports[halls + air]
    ports[h] = r[TOP]
    for f in (liquid, air):
        q, w = _loop_load(a, c, h, f)
        ports[halls + f] = plant_power(a, c, f, q, w)
    loading, which = _campus(a, c, h)
    ports[h], ports[halls + liquid], ports[halls + air] = keep_hall, keep_liquid, keep_air
    if loading > r[CHAIN]:
        r[CHAIN] = loading
        r[CHAIN_ELEMENT] = which


@fused
def campus_flows(a: Arrays, first: int, ports: np.ndarray, flow: np.ndarray) -> float:
    """Output of each campus element, from ``first`` on, into ``flow`` (element, W); returns the power at the meter."""
    for e in range(first, a.element.shape[0]):
        flow[e] = 0.0
    for i in range(a.port.shape[0]):
        flow[a.port[i]] += ports[i]
    grid = 0.0
    for e in range(first, a.element.shape[0]):
        into = element_input(a.element[e], flow[e])
        for i in range(a.feed_ptr[e], a.feed_ptr[e + 1]):
            if a.feed[i] < 0:
                grid += a.feed_share[i] * into
            else:
                flow[a.feed[i]] += a.feed_share[i] * into
    return grid


@inner
def _campus(a: Arrays, c: Case, h: int) -> tuple[float, float]:
    """Largest loading among the campus elements that carry hall ``h`` and the contract: (loading, element or -1)."""
    flow, reach = c.flow, c.reach[h]
    first = a.element.shape[0] - reach.shape[0]
    grid = campus_flows(a, first, c.ports, flow)
    worst = 0.0
    which = float(CONTRACT)
    for e in range(first, a.element.shape[0]):
        limit = a.element[e, LIMIT]
        if reach[e - first] != 0 and limit > 0.0 and flow[e] / limit > worst:
            worst = flow[e] / limit
            which = float(e)
    loading = grid / c.contract if c.contract > 0.0 else 2.0
    if loading > worst:
        return loading, float(CONTRACT)
    return worst, which


@inner
def _excess(a: Arrays, c: Case, h: int, kind: int, shared: int, extra: float) -> float:
    """Largest loading minus 1 with ``extra`` watts in hall ``h``; ``c.r`` tells which."""
    steady_hall(a, h, c.power, extra, c.y_set, c.heat, c.flow, c.r)
    if shared == SHARED:
        if kind == COOLING:
            _shared_cooling(a, c, h)
        else:
            _shared_electric(a, c, h)
    return (c.r[COOL] if kind == COOLING else c.r[CHAIN]) - 1.0


@inner
def _bracket(a: Arrays, c: Case, h: int, kind: int, shared: int, it: float) -> tuple[float, float, float, float, float]:
    """(lo, excess at lo, hi, excess at hi, code at hi) around the root; lo and hi equal where there is none."""
    column = COOL_CODE if kind == COOLING else CHAIN_ELEMENT
    g = _excess(a, c, h, kind, shared, 0.0)
    if g > 0.0:
        code = c.r[column]
        g_lo = _excess(a, c, h, kind, shared, -it)
        if g_lo > 0.0:
            return -it, g_lo, -it, g_lo, code
        return -it, g_lo, 0.0, g, code
    lo, g_lo = 0.0, g
    step = 0.25 * rated_power(a, h)
    for _ in range(BRACKET_STEPS):
        g = _excess(a, c, h, kind, shared, lo + step)
        if g > 0.0:
            return lo, g_lo, lo + step, g, c.r[column]
        lo, g_lo = lo + step, g
        step *= 2.0
    return lo, g_lo, lo, g_lo, 0.0 if kind == COOLING else float(CONTRACT)


@inner
def _root(a: Arrays, c: Case, h: int, kind: int, shared: int, it: float) -> tuple[float, float]:
    """Extra power (W) at which the largest loading reaches 1, from below, and the code of that limit."""
    column = COOL_CODE if kind == COOLING else CHAIN_ELEMENT
    least = 1e-4 * rated_power(a, h)
    lo, g_lo, hi, g_hi, code = _bracket(a, c, h, kind, shared, it)
    side = 0
    for _ in range(CLOSE_STEPS):
        width = CLOSE * max(abs(lo), least)
        if hi - lo <= width:
            break
        # Regula falsi kept half a width inside, so that both ends close in; Illinois halves an end that stays twice.
        x = lo - g_lo * (hi - lo) / (g_hi - g_lo)
        x = min(hi - 0.5 * width, max(lo + 0.5 * width, x))
        g = _excess(a, c, h, kind, shared, x)
        if g > 0.0:
            code = c.r[column]
        lo, g_lo, hi, g_hi, side = illinois(lo, g_lo, hi, g_hi, x, g, side)
    return lo, code


@inner
def _headroom(a: Arrays, c: Case, h: int, kind: int, it: float) -> tuple[float, float]:
    """Headroom of a hall (W) and the code of its limit."""
    extra, code = _root(a, c, h, kind, OWN, it)
    if _excess(a, c, h, kind, SHARED, extra) <= 0.0:
        return extra, code
    return _root(a, c, h, kind, SHARED, it)


@inner
def _base(a: Arrays, on: np.ndarray, c: Case) -> None:
    """Steady state of the present load: every hall's row, every loop's heat and flow, every port's power."""
    halls, facs = c.base.shape[0], c.loops.shape[0]
    for f in range(facs):
        c.y_set[f] = set_point(a.fac[f], c.air[0], c.air[1])
        c.loops[f, 0] = 0.0
        c.loops[f, 1] = 0.0
    for i in range(c.ports.shape[0]):
        c.ports[i] = 0.0
    for h in range(halls):
        if on[h] != 0:
            r = c.base[h]
            steady_hall(a, h, c.power, 0.0, c.y_set, c.heat, c.flow, r)
            liquid, air = loops_of(a, h)
            c.loops[liquid, 0] += r[HEAT_LIQUID]
            c.loops[liquid, 1] += r[FLOW_LIQUID]
            c.loops[air, 0] += r[HEAT_AIR]
            c.loops[air, 1] += r[FLOW_AIR]
            c.ports[h] = r[TOP]
    for f in range(facs):
        if c.loops[f, 1] > 0.0:
            c.ports[halls + f] = plant_power(a, c, f, c.loops[f, 0], c.loops[f, 1])


@kernel
def headroom_block(
    a: Arrays,
    rows: np.ndarray,
    asked: np.ndarray,
    on: np.ndarray,
    weather: np.ndarray,
    contract: np.ndarray,
    power: np.ndarray,
    reach: np.ndarray,
    work: np.ndarray,
    base: np.ndarray,
    loops: np.ndarray,
    out: np.ndarray,
) -> None:
    """Headroom at the ends of intervals ``rows``.

    ``asked`` (interval, hall) where it is to be found; ``on`` (interval, hall) energised; ``weather`` (interval, 3);
    ``contract`` (interval) W; ``power`` (interval, group) W; ``reach`` (hall, campus element); ``work`` (5, longest
    axis), ``base`` (hall, WIDTH), ``loops`` (loop, 2) scratch; ``out`` (interval, hall, 4) receives cooling headroom
    (W), its code, power headroom (W), its element or -1; NaN where a hall is not energised or not asked for.
    """
    halls, facs = base.shape[0], loops.shape[0]
    y_set, heat, ports, flow = work[0, :facs], work[1], work[2, : halls + facs], work[3]
    r = work[4, :WIDTH]
    for n in rows:
        c = Case(power[n], weather[n], contract[n], base, loops, ports, reach, y_set, heat, flow, r)
        _base(a, on[n], c)
        for h in range(halls):
            if on[n, h] == 0 or asked[n, h] == 0:
                for v in range(4):
                    out[n, h, v] = np.nan
                continue
            it = 0.0
            for g in range(a.hall_group[h], a.hall_group[h + 1]):
                it += power[n, g]
            out[n, h, 0], out[n, h, 1] = _headroom(a, c, h, COOLING, it)
            out[n, h, 2], out[n, h, 3] = _headroom(a, c, h, ELECTRIC, it)


__all__ = ["CONTRACT", "COOLING_LIMITS", "headroom_block"]
