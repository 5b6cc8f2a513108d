"""Racks whose water is lost: when their inlet leaves what they allow, when they slow down, when they trip.

Equations of a rack (p plate, b body, r and x return and supply of its water, w its coolant, T_j its junction)::

    C_p p' = s_l P - G_p (p - x) - G_pb (p - b)        C_b b' = s_b P - G_a (b - a) - G_pb (b - p)
    C_r r' = G_p (p - x) + w (x - r) + P_pump          C_s x' = w (T_l - x)
    T_l = r - e (r - y)    behind an exchanger of effectiveness e, x' = 0 while it holds its set point
    P   = asked;  (T_lim - p) P_rated/rise once T_j = p + rise P/P_rated is at its limit;  the least from there on

All of it is linear with constant coefficients as long as flows are, so a *stage* of constant flows is solved exactly
(``twin.core.linear``); a pump that runs down is a few stages of its mean flow. NumPy over all racks, no step.
Source: the equations of ``twin.racks.rack`` and ``twin.engine.hall`` themselves; that they are solved in another way,
and apart from everything else of the site, is what makes them a check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.linear import Linear, linear

Floats = NDArray[np.float64]
PLATE, BODY, RETURN, SUPPLY = range(4)
FULL, HELD, LEAST = range(3)
# Below this a limit is no control but a wall: a junction without any rise above its plate.
LEAST_RISE_K = 1e-3


@dataclass(frozen=True)
class Racks:
    """Racks (n) as they are: shares, J/K, W/K, W, degC, s, after the columns of a Plan; ``start`` (n, 4) p, b, r, x."""

    liquid_share: Floats
    body_share: Floats
    c_plate: Floats
    c_body: Floats
    g_body_plate: Floats
    g_body_air: Floats
    power: Floats
    least: Floats
    rated: Floats
    rise: Floats
    throttle: Floats
    trip: Floats
    inlet_max: Floats
    inlet_trip: Floats
    delay: Floats
    air: Floats
    start: Floats


@dataclass(frozen=True)
class Stage:
    """What cools the racks (n) over ``span`` s: plate conductance and coolant (W/K), tanks (J/K), pump heat (W).

    ``open``: the set point is missed, water leaves the exchanger at ``r - e (r - y)``.
    """

    span: Floats
    g_plate: Floats
    w: Floats
    c_return: Floats
    c_supply: Floats
    pump: Floats
    open: NDArray[np.bool_]
    e: Floats
    y: Floats


@dataclass
class Times:
    """s from the start, inf: never. ``over`` is when the coolant inlet reaches where an interlock begins to wait."""

    alarm: Floats
    slowed: Floats
    over: Floats
    junction: Floats


def heat_up(racks: Racks, stages: Sequence[Stage], *, throttling: bool) -> tuple[Times, Floats]:
    """Times of racks through ``stages``, one after the other, and the unknowns (n, 4) at their end."""
    n = len(racks.power)
    found = Times(*(np.full(n, np.inf) for _ in range(4)))
    x, t, mode = racks.start.copy(), np.zeros(n), np.zeros(n, np.int64)
    for stage in stages:
        left = stage.span.copy()
        # At most two changes of mode, hence three pieces.
        for _ in range(3):
            if not (left > 0.0).any():
                break
            system = _system(racks, stage, mode, x)
            span = np.minimum(left, system.first_above(_unit(n, PLATE), _change(racks, mode, throttling), left))
            _note(found, racks, system, mode, t, span)
            x, t, left = system.at(span), t + span, left - span
            mode = np.where((left > 0.0) & (mode < LEAST), mode + 1, mode)
    return found, x


def _change(racks: Racks, mode: NDArray[np.int64], throttling: bool) -> Floats:
    """Plate temperature at which a mode ends: the junction is at its limit; the power is down to the least."""
    if not throttling:
        return np.full(len(mode), np.inf)
    power = np.choose(mode, (racks.power, racks.least, np.zeros(len(mode))))
    return np.where(mode == LEAST, np.inf, racks.throttle - racks.rise * power / racks.rated)


def _note(found: Times, racks: Racks, system: Linear, mode: NDArray[np.int64], t: Floats, span: Floats) -> None:
    """Write down what happens for the first time in a piece."""
    n = len(t)
    supply, plate = _unit(n, SUPPLY), _unit(n, PLATE)
    drawn = np.where(mode == LEAST, racks.least, racks.power)
    trip = np.where(mode == HELD, np.inf, racks.trip - racks.rise * drawn / racks.rated)
    for into, watch, level in (
        (found.alarm, supply, racks.inlet_max), (found.over, supply, racks.inlet_trip), (found.junction, plate, trip),
    ):  # fmt: skip
        np.minimum(into, t + system.first_above(watch, level, span), out=into)
    np.minimum(found.slowed, np.where(mode == FULL, np.inf, t), out=found.slowed)


def _unit(n: int, node: int) -> Floats:
    made = np.zeros((n, 4))
    made[:, node] = 1.0
    return made


def _system(racks: Racks, stage: Stage, mode: NDArray[np.int64], x: Floats) -> Linear:
    """The equations above as ``A`` and ``b``."""
    n = len(mode)
    a, b = np.zeros((n, 4, 4)), np.zeros((n, 4))
    held = np.where(mode == HELD, racks.rated / np.maximum(racks.rise, LEAST_RISE_K), 0.0)
    power = np.choose(mode, (racks.power, held * np.where(mode == HELD, racks.throttle, 0.0), racks.least))
    for node, share, capacity in (
        (PLATE, racks.liquid_share, racks.c_plate), (BODY, racks.body_share, racks.c_body),
    ):  # fmt: skip
        b[:, node] = share * power / capacity
        a[:, node, PLATE] = -share * held / capacity
    a[:, PLATE, PLATE] -= (stage.g_plate + racks.g_body_plate) / racks.c_plate
    a[:, PLATE, BODY] = racks.g_body_plate / racks.c_plate
    a[:, PLATE, SUPPLY] = stage.g_plate / racks.c_plate
    a[:, BODY, PLATE] += racks.g_body_plate / racks.c_body
    a[:, BODY, BODY] = -(racks.g_body_plate + racks.g_body_air) / racks.c_body
    b[:, BODY] += racks.g_body_air * racks.air / racks.c_body
    a[:, RETURN, PLATE] = stage.g_plate / stage.c_return
    a[:, RETURN, SUPPLY] = (stage.w - stage.g_plate) / stage.c_return
    a[:, RETURN, RETURN] = -stage.w / stage.c_return
    b[:, RETURN] = stage.pump / stage.c_return
    moves = np.where(stage.open, stage.w / stage.c_supply, 0.0)
    a[:, SUPPLY, RETURN] = moves * (1.0 - stage.e)
    a[:, SUPPLY, SUPPLY] = -moves
    b[:, SUPPLY] = moves * stage.e * stage.y
    return linear(a, b, x)


__all__ = ["PLATE", "RETURN", "SUPPLY", "Racks", "Stage", "Times", "heat_up"]
