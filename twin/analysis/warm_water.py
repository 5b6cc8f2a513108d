"""The equations of ``twin.analysis.warm_loop`` as a linear system: a loop, by hall its CDUs together and its air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Fac, Group, Sec
from twin.core.linear import Linear, linear
from twin.engine.present import Present

Floats = NDArray[np.float64]
POINTS = 2001
BACK, OUT = 0, 1


@dataclass(frozen=True)
class _Part:
    """CDUs of a hall together, or its air (``air`` >= 0): where its unknowns r, x, p, b stand, and its numbers."""

    at: int
    secs: NDArray[np.int64]
    air: int
    w: float
    rho: float
    k: float
    set_point: float


def warmed(present: Present, f: int, within_s: float) -> tuple[Floats, dict[int, Floats]]:
    """Times, and at them the inlets of all that loop ``f`` cools, by secondary loop."""
    parts = _parts(present, f)
    a, b, x = _equations(present, f, parts)
    open_to: set[int] = {i for i, part in enumerate(parts) if _missed(part, x) >= 0.0}
    for i in open_to:
        _open(present, parts[i], a, b)
    times = within_s * np.linspace(0.0, 1.0, POINTS)
    states, t = np.zeros((POINTS, len(x))), 0.0
    for _ in range(len(parts) + 1):
        system = linear(a[None], b[None], x[None])
        after = times >= t
        states[after] = system.at((times[after] - t)[None])[0]
        shut = [i for i in range(len(parts)) if i not in open_to]
        when = [_when(parts[i], system, within_s - t) for i in shut]
        if not when or min(when) == np.inf:
            break
        first = shut[int(np.argmin(when))]
        x, t = system.at(np.array([min(when)]))[0], t + min(when)
        open_to.add(first)
        _open(present, parts[first], a, b)
    inlets: dict[int, Floats] = {}
    for part in parts:
        mean = (1.0 - part.rho) * states[:, part.at + OUT] + part.rho * states[:, part.at + BACK]
        inlets |= {int(j): mean + apart for j, apart in _apart(present, part, times, states[:, OUT]).items()}
    return times, inlets


def _apart(present: Present, part: _Part, times: Floats, y: Floats) -> dict[int, Floats]:
    """By how much the inlet of each CDU differs from that of all together, both steady on the ramp of ``y``."""
    step, slope = present.step, np.gradient(y, times)
    if len(part.secs) == 1:
        return {int(part.secs[0]): np.zeros(len(y))}
    heat, stores = step.heat[part.secs], np.array([_stores(present, int(j)) for j in part.secs])

    def steady(q: float, c: float, k: float, w: float) -> Floats:
        made: Floats = np.maximum(part.set_point, y + (q - c * slope) * (1.0 / k - 1.0 / w))
        return made

    mean = steady(float(heat.sum()), float(stores.sum()), part.k, part.w)
    each = zip(part.secs, heat, stores, strict=True)
    return {int(j): steady(q, c, step.k[j], step.w[j]) - mean for j, q, c in each}


def _stores(present: Present, j: int) -> float:
    """What warms with the water of a CDU, J/K."""
    a = present.arrays
    liquid = a.group[a.group_liquid == j]
    on_plate = liquid[:, Group.G_BODY_PLATE] > 0.0
    racks = (liquid[:, Group.COUNT] * (liquid[:, Group.C_PLATE] + on_plate * liquid[:, Group.C_BODY])).sum()
    return float(a.sec[j, Sec.C_RETURN] + a.sec[j, Sec.C_SUPPLY] + racks)


def _parts(present: Present, f: int) -> list[_Part]:
    a, step = present.arrays, present.step
    found: list[_Part] = []
    for h in range(len(a.hall_group) - 1):
        secs = np.arange(a.hall_sec[h], a.hall_sec[h + 1])
        for group, air in ((secs[:-1], -1), (secs[-1:], int(secs[-1]))):
            on = group[(a.sec_fac[group] == f) & (step.w[group] > 0.0)]
            if len(on):
                w = float(step.w[on].sum())
                found.append(
                    _Part(2 + 4 * len(found), on, air, w, float(a.sec[on[0], Sec.RECIRCULATION]),
                          float(step.k[on].sum()), float((step.set_point[on] * step.w[on]).sum() / w))
                )  # fmt: skip
    return found


def _equations(present: Present, f: int, parts: list[_Part]) -> tuple[Floats, Floats, Floats]:
    """``A``, ``b`` and the present unknowns, all set points held."""
    arrays, state, step = present.arrays, present.state, present.step
    m = 2 + 4 * len(parts)
    a, b, x = np.zeros((m, m)), np.zeros(m), np.zeros(m)
    fac, w = arrays.fac[f], step.fac_w[f]
    carried = sum(float(step.heat[part.secs].sum()) for part in parts)
    b[BACK] = (step.solved[f, 1] - carried) / fac[Fac.C_RETURN]
    a[BACK, [BACK, OUT]] = np.array([-w, w]) / fac[Fac.C_RETURN]
    a[OUT, [BACK, OUT]] = np.array([w, -w]) / fac[Fac.C_SUPPLY]
    x[:2] = state.fac_return[f], state.fac_supply[f]
    for part in parts:
        r = part.at
        c_r = float(arrays.sec[part.secs, Sec.C_RETURN].sum())
        wx = (1.0 - part.rho) * part.w
        weight = step.w[part.secs] / part.w
        x[r : r + 2] = (state.sec_return[part.secs] * weight).sum(), (state.sec_supply[part.secs] * weight).sum()
        # u - r = (1 - rho)(x - r)
        a[r, r], a[r, r + 1] = -wx / c_r, wx / c_r
        c_fac = fac[Fac.C_RETURN]
        a[BACK, r] += wx / c_fac
        b[BACK] -= wx * part.set_point / c_fac
        _racks(present, part, c_r, a, b, x)
    return a, b, x


def _racks(present: Present, part: _Part, c_r: float, a: Floats, b: Floats, x: Floats) -> None:
    """Plates and bodies on a part, and the heat that goes straight into it."""
    arrays, state, step = present.arrays, present.state, present.step
    r, p, body = part.at, part.at + 2, part.at + 3
    of = arrays.group_air if part.air >= 0 else arrays.group_liquid
    groups = np.flatnonzero(np.isin(of, part.secs))
    row, power = arrays.group[groups], step.group_power[groups]
    count = row[:, Group.COUNT]
    inlet = (1.0 - part.rho) * np.eye(len(x))[r + 1] + part.rho * np.eye(len(x))[r]
    node, share = (body, Group.BODY_SHARE) if part.air >= 0 else (p, Group.LIQUID_SHARE)
    each = row[:, Group.G_BODY_AIR] if part.air >= 0 else step.g_plate[groups]
    g, kept = float((count * each).sum()), Group.C_BODY if part.air >= 0 else Group.C_PLATE
    sums = state.sum_body if part.air >= 0 else state.sum_plate
    heat = float((row[:, share] * power).sum())
    straight = float((step.w[part.secs] * (step.back[part.secs] - step.inlet[part.secs])).sum())
    c = float((count * row[:, kept] * (each > 0.0)).sum())
    if g > 0.0:
        x[node] = float((each * sums[groups]).sum()) / g
        straight -= g * (x[node] - float(inlet @ x))
        a[r, node] += g / c_r
        a[r] -= g / c_r * inlet
        a[node, node] -= g / c
        a[node] += g / c * inlet
        b[node] += heat / c
    b[r] += straight / c_r
    joins = row[:, Group.G_BODY_PLATE] * count
    if part.air < 0 and joins.sum() > 0.0 and g > 0.0:
        both = float(joins.sum())
        c_b = float((count * row[:, Group.C_BODY] * (joins > 0.0)).sum())
        x[body] = float((joins / count * state.sum_body[groups]).sum()) / both
        a[node, [node, body]] += np.array([-both, both]) / c
        a[body, [node, body]] += np.array([both, -both]) / c_b
        b[body] += float((row[:, Group.BODY_SHARE] * power * (joins > 0.0)).sum()) / c_b


def _missed(part: _Part, x: Floats) -> float:
    """What it takes to hold the set point less what the exchanger moves, W."""
    wx, r = (1.0 - part.rho) * part.w, x[part.at]
    return float(wx * (r - part.set_point) - part.k * (r - x[OUT]))


def _when(part: _Part, system: Linear, left: float) -> float:
    """s until a part misses its set point."""
    wx, m = (1.0 - part.rho) * part.w, system.x0.shape[1]
    watch = np.zeros((1, m))
    watch[0, part.at], watch[0, OUT] = wx - part.k, part.k
    return float(system.first_above(watch, np.array([wx * part.set_point]), np.array([left]))[0])


def _open(present: Present, part: _Part, a: Floats, b: Floats) -> None:
    """From now on the exchanger moves ``k (r - y)``."""
    r, wx = part.at, (1.0 - part.rho) * part.w
    c_s = float(present.arrays.sec[part.secs, Sec.C_SUPPLY].sum())
    c_fac = present.arrays.fac[int(present.arrays.sec_fac[part.secs[0]]), Fac.C_RETURN]
    b[BACK] += wx * part.set_point / c_fac
    a[BACK, r] += (part.k - wx) / c_fac
    a[BACK, OUT] -= part.k / c_fac
    a[r + 1, r] += (wx - part.k) / c_s
    a[r + 1, OUT] += part.k / c_s
    a[r + 1, r + 1] -= wx / c_s


__all__ = ["warmed"]
