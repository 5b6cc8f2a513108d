"""The chillers of a plant: capacity and COP of a machine of either kind, how many run, and what they draw.

Steady staging: of the counts that can carry the heat, the cheaper runs. Power is then continuous in the heat, which
headroom rests on. The cheapest are next to the best part load: 0.75 of the lift fit's table, ``sqrt(c0/c2)`` of a
set, where ``f3(PLR)/PLR`` is least. (A set whose half load costs more than full load steps up where a second must run.)

Timers count seconds, not steps, and act in closed form within a step of any length. ``running``, ``pending`` and
``since`` are the machines on, the seconds that a call for more has lasted, and the seconds since the last start::

    called    more than ``running`` are wanted: they carry load when ``pending`` reaches ``start_s``
    released  fewer are wanted: they stop when ``since`` reaches ``minimum_run_s``

After a loss of power ``pending`` begins at ``start_s - restart_s`` and rises to 0, called for or not. The heat that
machines can take in a step is the mean over it; so is the power.
Source: definition; EnergyPlus engineering reference (Chiller:Electric:EIR) for the part-load law.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from twin.cooling.chiller import cop_full, part_load_factor
from twin.cooling.eir_chiller import eir_at, eir_load_factor, eir_most
from twin.core.columns import Fac
from twin.core.jit import kernel

EIR, UNIT, CHILLERS = int(Fac.EIR), int(Fac.CHILLER_UNIT), int(Fac.CHILLERS)
ETA, DELTA, LIFT_MIN = int(Fac.ETA), int(Fac.DELTA), int(Fac.LIFT_MIN)
EIR_LOAD = int(Fac.EIR_LOAD)
START, MINIMUM_RUN, RESTART = int(Fac.START), int(Fac.MINIMUM_RUN), int(Fac.RESTART)
RUNNING, PENDING, SINCE = 0, 1, 2
CLOCKS = 3
BEST_LOAD = 0.75


@kernel
def machine(fac: np.ndarray, t_chw: float, t_in: float, t_out: float) -> tuple[float, float, float]:
    """Capacity of one machine (W), its full-load COP, 1 beyond the range of its set (else 0).

    ``t_chw`` leaving chilled water, ``t_in`` and ``t_out`` condenser water entering and leaving, degC.
    """
    if fac[EIR] > 0.0:
        return eir_at(fac, t_chw, t_in, t_out - t_in)
    return fac[UNIT], cop_full(t_chw, t_out, fac[ETA], fac[DELTA], fac[LIFT_MIN]), 0.0


@kernel
def most(fac: np.ndarray, t_chw: float, t_in: float) -> float:
    """The largest heat that one machine can take (W); it never rises with the condenser water."""
    return eir_most(fac, t_chw, t_in) if fac[EIR] > 0.0 else fac[UNIT]


@kernel
def load_factor(fac: np.ndarray, plr: float) -> float:
    """Power per heat relative to full load."""
    return eir_load_factor(fac, plr) if fac[EIR] > 0.0 else part_load_factor(plr)


@kernel
def power_of(fac: np.ndarray, q: float, unit: float, cop: float, count: float) -> float:
    """Power in W of ``count`` machines of capacity ``unit`` (W) that share ``q`` watts."""
    return q / cop * load_factor(fac, q / (count * unit))


@kernel
def steady_count(fac: np.ndarray, q: float, unit: float) -> float:
    """Machines that run in steady state: the cheaper of the two counts about the best part load, if they can."""
    most = fac[CHILLERS]
    if q <= 0.0 or unit <= 0.0 or most <= 0.0:
        return 0.0
    best = BEST_LOAD
    if fac[EIR] > 0.0 and fac[EIR_LOAD] > 0.0 and fac[EIR_LOAD + 2] > 0.0:
        best = min(1.0, sqrt(fac[EIR_LOAD] / fac[EIR_LOAD + 2]))
    fewest = min(most, max(1.0, -(-q // unit)))
    low = min(most, max(fewest, q / unit // best))
    high = min(most, low + 1.0)
    cheaper = load_factor(fac, q / (high * unit)) < load_factor(fac, q / (low * unit))
    return high if cheaper else low


@kernel
def bank_power(fac: np.ndarray, q: float, unit: float, cop: float) -> float:
    """Compressor power in W of the machines that carry ``q`` (W) in steady state: continuous in ``q``."""
    count = steady_count(fac, q, unit)
    return power_of(fac, q, unit, cop, count) if count > 0.0 else 0.0


@kernel
def startable(fac: np.ndarray, clocks: np.ndarray, dt: float) -> float:
    """Machines that can carry load, mean over the step: those that run, all from when a call is answered."""
    more = max(0.0, fac[CHILLERS] - clocks[RUNNING])
    return clocks[RUNNING] + more * (1.0 - waiting(fac[START] - clocks[PENDING], dt))


@kernel
def waiting(left: float, dt: float) -> float:
    """Share of a step before an event that is ``left`` seconds away."""
    return min(1.0, max(0.0, left / dt))


@kernel
def staged_power(fac: np.ndarray, clocks: np.ndarray, q: float, unit: float, cop: float, dt: float) -> float:
    """Compressor power in W, mean over a step in which the machines carry ``q`` (W) and timers hold some on or off."""
    wanted = steady_count(fac, q, unit)
    running = clocks[RUNNING]
    if wanted == running or q <= 0.0 or unit <= 0.0:
        return bank_power(fac, q, unit, cop)
    left = fac[START] - clocks[PENDING] if wanted > running else fac[MINIMUM_RUN] - clocks[SINCE]
    held = waiting(left, dt)
    # The mean heat of the step can exceed what the running ones carry before the others are up.
    kept = min(fac[CHILLERS], max(running, -(-q // unit)))
    now = power_of(fac, q, unit, cop, wanted)
    return now + held * (power_of(fac, q, unit, cop, kept) - now)


@kernel
def advance_clocks(fac: np.ndarray, clocks: np.ndarray, wanted: float, dt: float) -> None:
    """Renew the clocks over a step in which ``wanted`` machines were called for."""
    running = clocks[RUNNING]
    clocks[SINCE] += dt
    clocks[PENDING] = clocks[PENDING] + dt if wanted > running else min(0.0, clocks[PENDING] + dt)
    if wanted > running and clocks[PENDING] >= fac[START]:
        clocks[SINCE] = clocks[PENDING] - fac[START]
        clocks[RUNNING], clocks[PENDING] = wanted, 0.0
    elif wanted < running and clocks[SINCE] >= fac[MINIMUM_RUN]:
        clocks[RUNNING] = wanted


def lose_power(fac: np.ndarray, clocks: np.ndarray) -> None:
    """All machines stop; a call for them is answered after the restart time. Between steps only, so not compiled."""
    clocks[RUNNING], clocks[PENDING], clocks[SINCE] = 0.0, fac[START] - fac[RESTART], 0.0
