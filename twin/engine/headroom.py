"""Headroom of every hall: the largest extra IT power of its own rack mix, all else held, before the first limit.

Definition: extra power is spread over the hall's racks in proportion to their rating; other halls keep their present
load; controls settle (``twin.engine.steady``). Cooling headroom ends where a rack inlet limit, a CDU's flow or
exchanger, the air handlers' flow or coil, the loop's flow or the plant's capacity at the present weather would be
exceeded; power headroom where an element on the hall's path, up to the contract at the meter, would. Adding it
violates nothing, 1 % more violates the named limit. A negative value is what has to go.

The loading is continuous and rises with the extra power, so the root is bracketed and closed in by a fixed number of
steps; the lower end of the bracket is reported. Pure function of the Plan, the racks' power and the weather.
"""

from __future__ import annotations

import numpy as np

from twin.cooling.plant import capacity, operate, set_point
from twin.core.columns import Elm, Fac
from twin.core.jit import inner, kernel
from twin.engine.hall import element_input
from twin.engine.loop import loop_pump
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
F_W_MAX, F_W_MIN = int(Fac.W_MAX), int(Fac.W_MIN)
LIMIT = int(Elm.LIMIT)


@inner
def _loop_flow(fac: np.ndarray, asked: float) -> float:
    return min(fac[F_W_MAX], max(fac[F_W_MIN], asked))


@inner
def _plant_loading(a: Arrays, f: int, q: float, asked: float, y: float, air: np.ndarray) -> float:
    """Steady heat of a loop per what its plant can take at the set point."""
    w = _loop_flow(a.fac[f], asked)
    q += loop_pump(a.fac[f], w)
    t_ret = y + q / w
    guess = min(air[0], air[1] + 4.0)
    cap_a, cap_b = capacity(a.fac[f], a.rejection[f], w, y, t_ret, guess, guess, SETTLED, air[0], air[1], air[2])
    return q / max(1.0, cap_a + cap_b * t_ret)


@inner
def _plant_power(a: Arrays, f: int, q: float, asked: float, y: float, air: np.ndarray) -> float:
    """Steady electrical power of a loop's plant and pump, W."""
    w = _loop_flow(a.fac[f], asked)
    pump = loop_pump(a.fac[f], w)
    q += pump
    guess = min(air[0], air[1] + 4.0)
    _, _, _, chiller, fan, condenser, _, _ = operate(
        a.fac[f], a.rejection[f], w, q, y + q / w, y, guess, guess, SETTLED, air[0], air[1], air[2]
    )
    return pump + chiller + fan + condenser


@inner
def _loop_of(a: Arrays, h: int, liquid: bool) -> int:
    return a.sec_fac[a.hall_sec[h]] if liquid else a.sec_fac[a.hall_sec[h + 1] - 1]


@inner
def _cooling(
    a: Arrays,
    h: int,
    power: np.ndarray,
    extra: float,
    base: np.ndarray,
    loops: np.ndarray,
    y_set: np.ndarray,
    air: np.ndarray,
    heat: np.ndarray,
    r: np.ndarray,
) -> float:
    """Largest cooling loading of a hall at ``extra``; ``r`` holds its code."""
    steady_hall(a, h, power, extra, y_set, heat, r)
    f_l, f_a = _loop_of(a, h, True), _loop_of(a, h, False)
    for f in (f_l, f_a):
        q, w = loops[f, 0], loops[f, 1]
        if f == f_l:
            q += r[HEAT_LIQUID] - base[h, HEAT_LIQUID]
            w += r[FLOW_LIQUID] - base[h, FLOW_LIQUID]
        if f == f_a:
            q += r[HEAT_AIR] - base[h, HEAT_AIR]
            w += r[FLOW_AIR] - base[h, FLOW_AIR]
        if w / a.fac[f, F_W_MAX] > r[COOL]:
            r[COOL] = w / a.fac[f, F_W_MAX]
            r[COOL_CODE] = float(LOOP_FLOW)
        loading = _plant_loading(a, f, q, w, y_set[f], air)
        if loading > r[COOL]:
            r[COOL] = loading
            r[COOL_CODE] = float(PLANT)
    return r[COOL]


@inner
def _campus(
    a: Arrays, first: int, ports: np.ndarray, reach: np.ndarray, contract: float, flow: np.ndarray
) -> tuple[float, float]:
    """Largest loading among reached campus elements and the contract: (loading, element or CONTRACT)."""
    for e in range(first, a.element.shape[0]):
        flow[e] = 0.0
    for i in range(a.port.shape[0]):
        flow[a.port[i]] += ports[i]
    grid = 0.0
    worst = 0.0
    which = float(CONTRACT)
    for e in range(first, a.element.shape[0]):
        row = a.element[e]
        if reach[e - first] != 0 and row[LIMIT] > 0.0 and flow[e] / row[LIMIT] > worst:
            worst = flow[e] / row[LIMIT]
            which = float(e)
        into = element_input(row, flow[e])
        for i in range(a.feed_ptr[e], a.feed_ptr[e + 1]):
            if a.feed[i] < 0:
                grid += a.feed_share[i] * into
            else:
                flow[a.feed[i]] += a.feed_share[i] * into
    loading = grid / contract if contract > 0.0 else 2.0
    if loading > worst:
        return loading, float(CONTRACT)
    return worst, which


@inner
def _electric(
    a: Arrays,
    first: int,
    h: int,
    power: np.ndarray,
    extra: float,
    base: np.ndarray,
    loops: np.ndarray,
    y_set: np.ndarray,
    air: np.ndarray,
    heat: np.ndarray,
    r: np.ndarray,
    ports: np.ndarray,
    reach: np.ndarray,
    contract: float,
    flow: np.ndarray,
) -> float:
    """Largest electrical loading on a hall's path at ``extra``; ``r[CHAIN_ELEMENT]`` names it."""
    steady_hall(a, h, power, extra, y_set, heat, r)
    halls = base.shape[0]
    f_l, f_a = _loop_of(a, h, True), _loop_of(a, h, False)
    keep = ports[h], ports[halls + f_l], ports[halls + f_a]
    ports[h] = r[TOP]
    for f in (f_l, f_a):
        q, w = loops[f, 0], loops[f, 1]
        if f == f_l:
            q += r[HEAT_LIQUID] - base[h, HEAT_LIQUID]
            w += r[FLOW_LIQUID] - base[h, FLOW_LIQUID]
        if f == f_a:
            q += r[HEAT_AIR] - base[h, HEAT_AIR]
            w += r[FLOW_AIR] - base[h, FLOW_AIR]
        ports[halls + f] = _plant_power(a, f, q, w, y_set[f], air)
    loading, which = _campus(a, first, ports, reach, contract, flow)
    ports[h], ports[halls + f_l], ports[halls + f_a] = keep[0], keep[1], keep[2]
    if loading > r[CHAIN]:
        r[CHAIN] = loading
        r[CHAIN_ELEMENT] = which
    return r[CHAIN]


@inner
def _secant(lo: float, g_lo: float, hi: float, g_hi: float, width: float) -> float:
    """Next abscissa of a bracketed root: regula falsi, overshooting by ``width`` so that both ends close in."""
    x = lo - g_lo * (hi - lo) / (g_hi - g_lo)
    return min(hi - 0.5 * width, max(lo + 0.5 * width, x))


@kernel
def headroom_block(
    a: Arrays,
    first: int,
    rows: np.ndarray,
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

    ``on`` (interval, hall); ``weather`` (interval, 3); ``contract`` (interval) W; ``power`` (interval, group) W;
    ``reach`` (hall, campus element); ``work`` (5, longest axis), ``base`` (hall, WIDTH), ``loops`` (loop, 2)
    scratch; ``out`` (interval, hall, 4) receives cooling headroom (W), its code, power headroom (W), its element or
    -1; NaN where a hall is not energised.
    """
    halls, facs = base.shape[0], loops.shape[0]
    y_set, heat, ports, flow = work[0, :facs], work[1], work[2, : halls + facs], work[3]
    r = work[4, :WIDTH]
    for n in rows:
        air = weather[n]
        _base(a, on[n], power[n], air, y_set, heat, ports, base, loops)
        for h in range(halls):
            if on[n, h] == 0:
                for v in range(4):
                    out[n, h, v] = np.nan
                continue
            it = 0.0
            for g in range(a.hall_group[h], a.hall_group[h + 1]):
                it += power[n, g]
            for kind in range(2):
                _root(
                    a, first, h, kind, it, power[n], base, loops, y_set, air, heat, r, ports, reach[h], contract[n],
                    flow, out[n, h],
                )  # fmt: skip


@inner
def _base(
    a: Arrays,
    on: np.ndarray,
    power: np.ndarray,
    air: np.ndarray,
    y_set: np.ndarray,
    heat: np.ndarray,
    ports: np.ndarray,
    base: np.ndarray,
    loops: np.ndarray,
) -> None:
    """Steady state of the present load: every hall's row, every loop's heat and flow, every port's power."""
    halls, facs = base.shape[0], loops.shape[0]
    for f in range(facs):
        y_set[f] = set_point(a.fac[f], air[0], air[1])
        loops[f, 0] = 0.0
        loops[f, 1] = 0.0
    for i in range(ports.shape[0]):
        ports[i] = 0.0
    for h in range(halls):
        if on[h] == 0:
            continue
        r = base[h]
        steady_hall(a, h, power, 0.0, y_set, heat, r)
        f_l, f_a = _loop_of(a, h, True), _loop_of(a, h, False)
        loops[f_l, 0] += r[HEAT_LIQUID]
        loops[f_l, 1] += r[FLOW_LIQUID]
        loops[f_a, 0] += r[HEAT_AIR]
        loops[f_a, 1] += r[FLOW_AIR]
        ports[h] = r[TOP]
    for f in range(facs):
        if loops[f, 1] > 0.0:
            ports[halls + f] = _plant_power(a, f, loops[f, 0], loops[f, 1], y_set[f], air)


@inner
def _loading(
    a: Arrays,
    first: int,
    h: int,
    kind: int,
    extra: float,
    power: np.ndarray,
    base: np.ndarray,
    loops: np.ndarray,
    y_set: np.ndarray,
    air: np.ndarray,
    heat: np.ndarray,
    r: np.ndarray,
    ports: np.ndarray,
    reach: np.ndarray,
    contract: float,
    flow: np.ndarray,
) -> float:
    if kind == 0:
        return _cooling(a, h, power, extra, base, loops, y_set, air, heat, r) - 1.0
    return _electric(a, first, h, power, extra, base, loops, y_set, air, heat, r, ports, reach, contract, flow) - 1.0


@inner
def _root(
    a: Arrays,
    first: int,
    h: int,
    kind: int,
    it: float,
    power: np.ndarray,
    base: np.ndarray,
    loops: np.ndarray,
    y_set: np.ndarray,
    air: np.ndarray,
    heat: np.ndarray,
    r: np.ndarray,
    ports: np.ndarray,
    reach: np.ndarray,
    contract: float,
    flow: np.ndarray,
    out: np.ndarray,
) -> None:
    """Bracket and close in on the extra power at which the largest loading reaches 1; writes value and code."""
    rated = rated_power(a, h)
    column = COOL_CODE if kind == 0 else CHAIN_ELEMENT
    lo, g_lo = (
        0.0,
        _loading(a, first, h, kind, 0.0, power, base, loops, y_set, air, heat, r, ports, reach, contract, flow),
    )
    code = r[column]
    if g_lo > 0.0:
        hi, g_hi = lo, g_lo
        lo = -it
        g_lo = _loading(a, first, h, kind, lo, power, base, loops, y_set, air, heat, r, ports, reach, contract, flow)
        if g_lo > 0.0:
            out[2 * kind] = -it
            out[2 * kind + 1] = code
            return
    else:
        hi = 0.0
        g_hi = g_lo
        step = 0.25 * rated
        for _ in range(BRACKET_STEPS):
            hi = lo + step
            g_hi = _loading(
                a, first, h, kind, hi, power, base, loops, y_set, air, heat, r, ports, reach, contract, flow
            )
            code = r[column]
            if g_hi > 0.0:
                break
            lo, g_lo = hi, g_hi
            step *= 2.0
        if g_hi <= 0.0:
            out[2 * kind] = lo
            out[2 * kind + 1] = 0.0 if kind == 0 else float(CONTRACT)
            return
    side = 0
    for _ in range(CLOSE_STEPS):
        width = CLOSE * max(abs(lo), 1e-4 * rated)
        if hi - lo <= width:
            break
        mid = _secant(lo, g_lo, hi, g_hi, width)
        g = _loading(a, first, h, kind, mid, power, base, loops, y_set, air, heat, r, ports, reach, contract, flow)
        # Illinois: an end that stays twice is given half its weight.
        if g > 0.0:
            hi, g_hi = mid, g
            code = r[column]
            g_lo *= 0.5 if side == 1 else 1.0
            side = 1
        else:
            lo, g_lo = mid, g
            g_hi *= 0.5 if side == -1 else 1.0
            side = -1
    out[2 * kind] = lo
    out[2 * kind + 1] = code


__all__ = ["CONTRACT", "COOLING_LIMITS", "headroom_block"]
