"""When something happens next, and what passes until then, in closed form for flows that are constant in between.

Equations (P power of the store, i current per rating of the breaker, M per pickup, D and R exposures)::

    battery empty   t + (E - E_min) eta_d / P          recharged     t + (E_max - E)/(eta_c P_ch)
    overload        t + (1 - D) t(x)                   back          t + D t_r           (``twin.power.overload``)
    breaker         t + tau ln((i^2 - theta)/(i^2 - 1))              relay  t + (1 - R) t(M)
    out of fuel     t + F / P                          dropped       dead since + hold-up

Energies in J, powers in W, t in s. A node has one next event: the earliest, of equal ones the first of this list; the
others follow at the same instant. Source: physics sheet 7.1 rules 8 and 9.
"""

from __future__ import annotations

import math

import numpy as np

from twin.core.jit import inner
from twin.power.breaker import thermal, thermal_trip
from twin.power.machine_gear import Gear
from twin.power.machine_state import BATTERY, BYPASS, CARRY, EMPTY, MAINS, OFF, RETURN, WALK, Live
from twin.power.machine_supply import SAME
from twin.power.network import Network
from twin.power.overload import allowed
from twin.power.relay import relay_time

NOTHING, TIMER, DROP, EMPTIED, FILLED, OVER, COOLED, PASSED, THERMAL, RELAY, FUEL = range(11)
NEVER = math.inf


@inner
def _current(n: int, gear: Gear, s: Live) -> float:
    """Load of the breakers of what is left of a bank, per rating."""
    return float((s.into[n] + s.charge[n]) / (gear.va[n] * s.up[n])) if s.up[n] > 0.0 else 0.0


@inner
def _generated(n: int, s: Live) -> float:
    """What the plant of the node gives, W."""
    if s.alive[n] == 0 or s.plant[n] not in (CARRY, RETURN):
        return 0.0
    return float(s.into[n] * (1.0 - s.battery[n]) + s.charge[n])


@inner
def _lasts(n: int, net: Network, gear: Gear, s: Live) -> float:
    """How long the present load is carried from cold, s; inf within the continuous load, or where none is known."""
    mode = s.mode[n]
    if s.alive[n] == 0 or mode == BYPASS or s.up[n] <= 0.0:
        return NEVER
    time = NEVER
    if gear.inverter[n] > 0 and net.rated[n] > 0.0:
        k = 1 if mode == BATTERY else 0
        x = s.out[n] / (net.rated[n] * s.up[n])
        time = allowed(x, gear.loads[n, k], gear.times[n, k], gear.limits[n, k, 0], gear.limits[n, k, 1])
    if s.battery[n] > 0.0 and gear.power[n] > 0.0:
        x = s.battery[n] * s.into[n] / (gear.power[n] * s.up[n])
        own = allowed(x, gear.loads[n, 2], gear.times[n, 2], gear.limits[n, 2, 0], gear.limits[n, 2, 1])
        time = min(time, own)
    return time


@inner
def _passes_for(n: int, net: Network, gear: Gear, s: Live) -> float:
    """How long the static bypass carries the present load from cold, s; inf where it is not on, or for ever."""
    if s.mode[n] != BYPASS or s.alive[n] == 0 or net.rated[n] <= 0.0:
        return NEVER
    x = s.out[n] / (net.rated[n] * s.up[n])
    return allowed(x, gear.loads[n, 3], gear.times[n, 3], gear.limits[n, 3, 0], gear.limits[n, 3, 1])


@inner
def _recovery(n: int, gear: Gear) -> float:
    """Time in which a used-up overload is there again, s."""
    return float(gear.limits[n, 0 if gear.inverter[n] > 0 else 2, 2])


@inner
def _trips(n: int, net: Network, gear: Gear, s: Live) -> tuple[float, int]:
    """Seconds until the first protection of a node acts, and which; inf: none does."""
    after, code = NEVER, NOTHING
    lasts = _lasts(n, net, gear, s)
    if lasts < NEVER:
        after, code = max(0.0, 1.0 - s.exposure[n]) * lasts, OVER
    lasts = _passes_for(n, net, gear, s)
    if lasts < NEVER:
        after, code = max(0.0, 1.0 - s.bypassed[n]) * lasts, PASSED
    if gear.va[n] == NEVER or s.alive[n] == 0:
        return after, code
    i = _current(n, gear, s)
    trip = thermal_trip(s.theta[n], i, gear.tau[n], gear.instant[n])
    if trip < after:
        after, code = trip, THERMAL
    relay = relay_time(gear.curve[n], gear.multiplier[n], i / gear.pickup[n])
    if relay < NEVER and max(0.0, 1.0 - s.relay[n]) * relay < after:
        after, code = max(0.0, 1.0 - s.relay[n]) * relay, RELAY
    return after, code


@inner
def _runs_out(n: int, net: Network, gear: Gear, s: Live) -> tuple[float, int]:
    """Seconds until a store is empty or full, a bypass is left, or the fuel is used up, and which; inf: never."""
    after, code = NEVER, NOTHING
    given = s.battery[n] * s.into[n] if s.alive[n] > 0 else 0.0
    if given > 0.0:
        after, code = max(0.0, s.energy[n] - gear.least[n]) * gear.eta_d[n] / given, EMPTIED
    if s.charge[n] > 0.0:
        filled = max(0.0, gear.full[n] - s.energy[n]) / (gear.eta_c[n] * s.charge[n])
        if filled < after:
            after, code = filled, FILLED
    if s.mode[n] == BYPASS and s.locked[n] == 0 and s.out[n] <= net.rated[n] * s.up[n] * gear.limits[n, 0, 0]:
        cooled = s.exposure[n] * _recovery(n, gear)
        if cooled < after:
            after, code = cooled, COOLED
    power = _generated(n, s)
    if power > 0.0 and s.fuel[n] / power < after:
        after, code = s.fuel[n] / power, FUEL
    return after, code


@inner
def _first(n: int, t: float, net: Network, gear: Gear, s: Live) -> tuple[float, int]:
    """The next event of a node: instant and code."""
    when, code = s.timer[n], TIMER
    if -NEVER < s.gap[n] < when:
        when = s.gap[n]
    if gear.load[n] > 0 and s.alive[n] == 0 and s.dropped[n] == 0 and s.dead_since[n] + gear.hold[n] < when:
        when, code = s.dead_since[n] + gear.hold[n], DROP
    after, what = _runs_out(n, net, gear, s)
    if t + after < when:
        when, code = t + after, what
    after, what = _trips(n, net, gear, s)
    if t + after < when:
        when, code = t + after, what
    return max(when, t), code


@inner
def due(t: float, net: Network, gear: Gear, s: Live, when: np.ndarray, code: np.ndarray) -> float:
    """Next event of every node after ``t`` into ``when`` (s) and ``code``; returns the earliest, inf: none."""
    first = NEVER
    for n in range(when.shape[0]):
        when[n], code[n] = _first(n, t, net, gear, s)
        first = min(first, when[n])
    return first


@inner
def fire(t: float, gear: Gear, s: Live, when: np.ndarray, code: np.ndarray) -> None:
    """Let all that is due at ``t`` happen; ``code`` is left 0 where nothing was."""
    for n in range(when.shape[0]):
        what = code[n]
        if when[n] > t + SAME:
            code[n] = NOTHING
        elif what == DROP:
            s.dropped[n] = 1
        elif what == EMPTIED:
            s.energy[n] = gear.least[n]
            s.timer[n] = NEVER
            if s.mode[n] == WALK or (s.good[n] > 0 and s.locked[n] == 0):
                s.mode[n] = MAINS
            else:  # a UPS that is locked still has its bypass
                s.mode[n] = BYPASS if s.good[n] > 0 and gear.bypass[n] > 0.0 else EMPTY
        elif what == FILLED:
            s.energy[n] = gear.full[n]
        elif what == OVER:
            s.exposure[n] = 1.0
            s.timer[n] = NEVER
            s.mode[n] = BYPASS if gear.bypass[n] > 0.0 else OFF
        elif what == PASSED:
            s.bypassed[n] = 1.0
            s.mode[n] = OFF
        elif what == COOLED:
            s.exposure[n] = 0.0
            s.mode[n] = MAINS
        elif what in (THERMAL, RELAY):
            s.tripped[n] = 1
        elif what == FUEL:
            s.fuel[n] = 0.0


@inner
def integrate(seconds: float, demand: np.ndarray, net: Network, gear: Gear, s: Live) -> None:
    """Let ``seconds`` pass at the present flows: energies, exposures, temperatures."""
    for n in range(demand.shape[0]):
        served = demand[n] if s.alive[n] > 0 and s.dropped[n] == 0 else 0.0
        s.delivered[n] += served * seconds
        s.unserved[n] += (demand[n] - served) * seconds
        s.lost[n] += (s.into[n] - s.out[n]) * seconds
        given = s.battery[n] * s.into[n] if s.alive[n] > 0 else 0.0
        s.discharged[n] += given * seconds
        s.charged[n] += s.charge[n] * seconds
        s.energy[n] += (gear.eta_c[n] * s.charge[n] - given / gear.eta_d[n]) * seconds
        power = _generated(n, s)
        s.generated[n] += power * seconds
        s.fuel[n] -= power * seconds
        lasts = _lasts(n, net, gear, s)
        if lasts < NEVER:
            s.exposure[n] += seconds / lasts if lasts > 0.0 else 0.0
        elif s.exposure[n] > 0.0:
            s.exposure[n] = max(0.0, s.exposure[n] - seconds / _recovery(n, gear))
        lasts = _passes_for(n, net, gear, s)
        if lasts < NEVER:
            s.bypassed[n] += seconds / lasts if lasts > 0.0 else 0.0
        elif s.bypassed[n] > 0.0:
            s.bypassed[n] = max(0.0, s.bypassed[n] - seconds / gear.limits[n, 3, 2])
        if gear.va[n] < NEVER:
            i = _current(n, gear, s)
            s.theta[n] = thermal(s.theta[n], i, seconds, gear.tau[n])
            relay = relay_time(gear.curve[n], gear.multiplier[n], i / gear.pickup[n])
            s.relay[n] = s.relay[n] + seconds / relay if relay < NEVER else 0.0


__all__ = ["EMPTIED", "FILLED", "OVER", "PASSED", "RELAY", "THERMAL", "due", "fire", "integrate"]
