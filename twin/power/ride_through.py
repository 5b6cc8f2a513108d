"""Sags and frequencies that a load rides through, its recovery after a fault, and UPSs that count transfers.

Equations::

    recovered when P(t) >= share P_before from t on;    met where t - t_voltage <= limit;    P straight between readings
    dV/V = (dP cos(a) + dQ sin(a))/S_k,   tan(a) = X/R  sudden change of voltage at the connection
    dQ = dP tan(acos(pf))
    n transfers within a window lock a UPS on its battery until it is returned by hand: what the grid loses is its load

Symbols: P in W, Q in var, S_k short-circuit power in VA, V and sags per unit of nominal, f in Hz, t in s.
Source: recovery within 1 s of 0.9 per unit to 90 %: ERCOT's proposal for large electronic loads; sags and frequencies:
SPP (both CIGRE's survey, 2025); counters of transfers: the event of July 2024, in which 1500 MW of data
centres left the grid; the voltage step is the textbook form of a short line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, atan, cos, inf, sin, tan

import numpy as np
from numpy.typing import NDArray

from twin.power.grid_rule import GridRule

Floats = NDArray[np.float64]
EXACT = 1e-12


@dataclass(frozen=True)
class Recovery:
    """How a load came back: when (s after the voltage; None: never), whether in time, and what it lacked at the limit.

    ``lacking_w`` is >= 0: below the share asked for at the moment at which it is asked for.
    """

    after_s: float | None
    met: bool
    lacking_w: float


@dataclass(frozen=True)
class Lockout:
    """What a counter of transfers comes to: its count in the fullest window, and the instant of the lockout or None."""

    most: int
    at_s: float | None


def recovery(times_s: Floats, load_w: Floats, before_w: float, voltage_s: float, rule: GridRule) -> Recovery:
    """Hold a course of the load (n readings, times ascending) against a rule; the voltage is back at ``voltage_s``.

    The load is back when it stays at the share to the end of the readings. Raises ``ValueError`` where the rule asks
    for no recovery, or the readings do not reach its limit.
    """
    if rule.recovery_share is None or rule.recovery_s is None:
        raise ValueError(f"{rule.title} asks for no recovery")
    limit = voltage_s + rule.recovery_s.value
    if len(times_s) == 0 or times_s[-1] < limit or times_s[0] > voltage_s:
        raise ValueError("recovery: the readings do not span the time in which the load shall be back")
    asked = rule.recovery_share.value * before_w
    slack = EXACT * before_w
    lacking = max(0.0, asked - float(np.interp(limit, times_s, load_w)))
    low = np.flatnonzero(load_w < asked - slack)
    if len(low) and low[-1] == len(load_w) - 1:
        return Recovery(None, False, lacking)
    at = voltage_s
    if len(low):
        k = int(low[-1])
        part = (asked - load_w[k]) / (load_w[k + 1] - load_w[k])
        at = max(voltage_s, float(times_s[k] + part * (times_s[k + 1] - times_s[k])))
    return Recovery(at - voltage_s, at <= limit * (1.0 + EXACT), lacking if lacking > slack else 0.0)


def rides_through(rule: GridRule, voltage_pu: float) -> float:
    """How long in s a load must stay on at a voltage: inf in the band, 0 where the rule asks for nothing."""
    low, high = rule.voltage_low_pu, rule.voltage_high_pu
    if low is not None and high is not None and low.value <= voltage_pu <= high.value:
        return inf
    if rule.sag_pu is not None and rule.sag_s is not None and rule.sag_pu.value <= voltage_pu <= 1.0:
        return rule.sag_s.value
    return 0.0


def rides_frequency(rule: GridRule, frequency_hz: float) -> float:
    """How long in s a load must stay on at a frequency: inf in the band, 0 beyond a trip or where nothing is asked."""
    if rule.frequency_low_hz is None or rule.frequency_high_hz is None:
        return 0.0
    if rule.frequency_low_hz.value <= frequency_hz <= rule.frequency_high_hz.value:
        return inf
    low, high = rule.frequency_trip_low_hz, rule.frequency_trip_high_hz
    if (low is not None and frequency_hz < low.value) or (high is not None and frequency_hz > high.value):
        return 0.0
    return rule.frequency_outside_s.value if rule.frequency_outside_s is not None else 0.0


def lockout(sags_s: Sequence[float], count: int, window_s: float) -> Lockout:
    """Hold instants of sags against a counter: ``count`` of them within ``window_s`` lock a UPS on its battery.

    A window holds its both ends. Raises ``ValueError`` for a count below 1 and a window that is not above 0.
    """
    if count < 1 or not window_s > 0.0:
        raise ValueError("lockout: expected a count of 1 or more and a window above 0 s")
    sags = sorted(sags_s)
    first = most = 0
    at: float | None = None
    for n, moment in enumerate(sags):
        while moment - sags[first] > window_s:
            first += 1
        most = max(most, n - first + 1)
        if at is None and n - first + 1 >= count:
            at = moment
    return Lockout(most, at)


def voltage_step(step_w: float, power_factor: float, short_circuit_va: float, x_over_r: float = 10.0) -> float:
    """Sudden change of voltage per unit at the connection from a sudden change of the load; sign against the load's."""
    angle, reactive = atan(x_over_r), step_w * tan(acos(power_factor))
    return -(step_w * cos(angle) + reactive * sin(angle)) / short_circuit_va


__all__ = ["Lockout", "Recovery", "lockout", "recovery", "rides_frequency", "rides_through", "voltage_step"]
