"""What has a source at an instant, and what flows: the two passes of ``twin.power.network`` with stores and plants.

From the grid down, a node looks at its feeds: one is accepted when it is alive and within the node's own window of
voltage and frequency. An ordinary node draws on all accepted feeds in the ratio of their shares, a transfer switch on
one. A node with a store goes on battery when none is accepted; a plant on the busbar takes the node over. From the
loads up::

    input  P_in = P_out + P_r up (a + b x + c x^2)          (``twin.power.loss``)
    P_in   = battery share + plant, or feeds by their shares;  recharge comes on top from plant or feeds

so grid + generated + discharged = delivered + lost + charged at every instant by construction. A load or a UPS that
lost its source under a plant is taken by it only when admitted. Powers in W, voltage per nominal.
Source: physics sheet 1.3, 7.1 rule 1; states of a UPS as vendors describe them, times per entry.
"""

from __future__ import annotations

import math

import numpy as np

from twin.core.jit import inner
from twin.power.loss import input_power
from twin.power.machine_gear import LOST_PU, Gear
from twin.power.machine_state import BATTERY, BYPASS, CARRY, EMPTY, MAINS, OFF, RETURN, WALK, Live
from twin.power.network import Network

SAME = 1e-9  # s: instants closer than that are one
STEPS = 10  # of a walk-in: flows are constant between two
WIDE = 1e-12
NEVER = math.inf


@inner
def _accepts(volt: float, off_hz: float, low: float, high: float, hertz: float) -> bool:
    """Whether a source is within a window; per nominal and Hz."""
    return low * (1.0 - WIDE) <= volt <= high * (1.0 + WIDE) and abs(off_hz) <= hertz * (1.0 + WIDE)


@inner
def _source(f: int, s: Live, volt: float, off_hz: float) -> tuple[float, float, bool, int]:
    """What a feed offers: voltage, deviation of the frequency, whether it is there, the plant that carries it."""
    if f < 0:
        return volt, off_hz, volt >= LOST_PU, -1
    return s.volt[f], s.off_hz[f], s.alive[f] > 0, s.carried[f]


@inner
def _look(n: int, net: Network, gear: Gear, s: Live, volt: float, off_hz: float) -> None:
    """Mark the feeds of ``n`` that are accepted by 1, and what it waits for; whether a plant has to start.

    A feed that a plant carries counts only for what is admitted, or has no gate.
    """
    s.waits[n], s.fed[n] = -1, 0
    for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
        s.live[i] = 0.0
        v, hz, there, plant = _source(net.feed[i], s, volt, off_hz)
        if there and _accepts(v, hz, gear.plant_low[n], gear.high[n], gear.hertz[n]):
            s.fed[n] = 1
        if not there or not _accepts(v, hz, gear.low[n], gear.high[n], gear.hertz[n]):
            continue
        if gear.gate[n] == 0 or plant < 0 or s.admitted[n] > 0:
            s.live[i] = 1.0
        elif s.waits[n] < 0 and gear.gate[n] == 1:
            s.waits[n] = plant


@inner
def _find(n: int, net: Network, s: Live) -> int:
    """The live shares of the accepted feeds of ``n``; returns the one that it draws most on, -1: none is accepted."""
    best, spare, total = -1, -1, 0.0
    for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
        if s.live[i] <= 0.0:
            continue
        s.live[i] = net.share[i]
        total += net.share[i]
        if net.share[i] > 0.0 and (best < 0 or net.share[i] > net.share[best]):
            best = i
        elif net.share[i] <= 0.0 and spare < 0:
            spare = i
    if best < 0:
        if spare >= 0:
            s.live[spare] = 1.0
        return spare
    for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
        s.live[i] /= total
    return best


@inner
def _switch(n: int, t: float, best: int, net: Network, gear: Gear, s: Live, volt: float, off_hz: float) -> int:
    """A transfer switch: the feed that it stays on, goes over to, or goes back to."""
    first, last = net.feed_ptr[n], net.feed_ptr[n + 1]
    if best < 0:
        s.timer[n] = NEVER
        return best
    had = s.chosen[n]
    stays = had >= 0 and had != best and _still(had, n, net, gear, s, volt, off_hz)
    if stays:
        if s.timer[n] > t + gear.back[n]:
            s.timer[n] = t + gear.back[n]
        if s.timer[n] > t + SAME:
            best = had
    if best != had:
        if had >= 0:
            s.gap[n] = t + gear.gap[n]
        s.chosen[n] = best
    if not stays or best != had:
        s.timer[n] = NEVER
    for i in range(first, last):
        s.live[i] = 1.0 if i == best else 0.0
    return best


@inner
def _still(i: int, n: int, net: Network, gear: Gear, s: Live, volt: float, off_hz: float) -> bool:
    """Whether the feed ``i`` of the node ``n`` is still good."""
    v, hz, there, _ = _source(net.feed[i], s, volt, off_hz)
    return there and _accepts(v, hz, gear.low[n], gear.high[n], gear.hertz[n])


@inner
def _to_battery(n: int, t: float, gear: Gear, s: Live) -> None:
    """The input is gone: the store carries, where there is something in it."""
    s.timer[n] = NEVER
    if s.energy[n] <= gear.least[n]:
        s.mode[n] = EMPTY
        return
    s.mode[n] = BATTERY
    s.gap[n] = max(s.gap[n], t + gear.gap[n])


@inner
def _count(n: int, t: float, gear: Gear, s: Live) -> None:
    """A sag of the input is counted, whatever the UPS lives on; too many within the window lock it."""
    count = gear.sags[n]
    if count == 0:
        return
    for k in range(s.sags.shape[1] - 1, 0, -1):
        s.sags[n, k] = s.sags[n, k - 1]
    s.sags[n, 0] = t
    if t - s.sags[n, count - 1] <= gear.window[n] + SAME:
        s.locked[n] = 1


@inner
def _stored(n: int, t: float, good: bool, gear: Gear, s: Live) -> None:
    """A node with a store after its input was looked at: which mode it is in now."""
    mode = s.mode[n]
    if s.up[n] <= 0.0 or s.tripped[n] > 0:
        s.mode[n] = OFF if mode == OFF else MAINS
        if gear.chooses[n] == 0:
            s.timer[n] = NEVER
    elif gear.full[n] <= 0.0:
        return
    elif not good and mode in (MAINS, WALK):
        _to_battery(n, t, gear, s)
    elif mode == EMPTY and good and s.locked[n] == 0:
        s.mode[n], s.timer[n] = MAINS, NEVER
    elif mode == BATTERY:
        if not good or s.locked[n] > 0:  # locked by a sag while it waited for its return, it waits no more
            s.timer[n] = NEVER
        elif s.timer[n] > t + gear.back[n]:
            s.timer[n] = t + gear.back[n]
        if s.timer[n] <= t + SAME:
            s.step[n] = 0
            s.mode[n] = WALK if gear.walk[n] > 0.0 else MAINS
            s.timer[n] = t + gear.walk[n] / STEPS if gear.walk[n] > 0.0 else NEVER
    elif mode == WALK and s.timer[n] <= t + SAME:
        s.step[n] += 1
        s.timer[n] = s.timer[n] + gear.walk[n] / STEPS
        if s.step[n] >= STEPS:
            s.mode[n], s.timer[n] = MAINS, NEVER


@inner
def _passes(n: int, net: Network, gear: Gear, s: Live, volt: float, off_hz: float) -> int:
    """The static bypass: the first feed within its window, -1 where none is; it alone is drawn on."""
    found = -1
    for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
        v, hz, there, plant = _source(net.feed[i], s, volt, off_hz)
        fits = (
            there
            and (plant < 0 or s.admitted[n] > 0)
            and _accepts(v, hz, 1.0 - gear.bypass[n], 1.0 + gear.bypass[n], gear.hertz[n])
        )
        s.live[i] = 0.0
        if fits and gear.bypass[n] > 0.0 and (found < 0 or net.share[i] > net.share[found]):
            found = i
    if found >= 0:
        s.live[found] = 1.0
    return found


@inner
def _behind(n: int, t: float, best: int, net: Network, gear: Gear, s: Live, volt: float, off_hz: float) -> None:
    """Whether ``n`` is alive, and what is behind it: voltage, deviation of the frequency, the plant."""
    up = s.up[n] > 0.0 and s.tripped[n] == 0
    mode = s.mode[n]
    own = s.plant[n] in (CARRY, RETURN)
    if own:
        best = -1
        for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
            s.live[i] = 0.0
    lives = mode == BATTERY or ((best >= 0 or own) and mode not in (OFF, EMPTY))
    if s.gap[n] <= t + SAME:
        s.gap[n] = -NEVER
    s.alive[n] = 1 if up and lives and s.gap[n] == -NEVER else 0
    if s.alive[n] == 0:
        for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
            s.live[i] = 0.0
    s.battery[n] = 0.0
    if mode == BATTERY:
        s.battery[n] = 1.0
    elif mode == WALK:
        s.battery[n] = 1.0 - (s.step[n] + 0.5) / STEPS
    s.volt[n], s.off_hz[n], s.carried[n] = 1.0, 0.0, n if own else -1
    if own or mode == BATTERY or (gear.inverter[n] > 0 and mode != BYPASS):
        return
    if best >= 0:
        s.volt[n], s.off_hz[n], _, s.carried[n] = _source(net.feed[best], s, volt, off_hz)


@inner
def supply(t: float, net: Network, gear: Gear, s: Live, volt: float, off_hz: float) -> None:
    """From the grid down at the instant ``t``: modes, what is alive, live shares, voltage; loads that lost it, when."""
    for n in range(s.up.shape[0] - 1, -1, -1):
        _look(n, net, gear, s, volt, off_hz)
        best = _find(n, net, s)
        if gear.chooses[n] > 0:
            best = _switch(n, t, best, net, gear, s, volt, off_hz)
        own = s.plant[n] in (CARRY, RETURN)
        if s.good[n] > 0 and best < 0 and not own:
            _count(n, t, gear, s)
        s.good[n] = 1 if best >= 0 or own else 0
        _stored(n, t, s.good[n] > 0, gear, s)
        if s.mode[n] == BYPASS:
            best = _passes(n, net, gear, s, volt, off_hz)
            if best < 0:
                s.mode[n] = OFF
        _behind(n, t, best, net, gear, s, volt, off_hz)
        s.by[n] = -1 if best < 0 or net.feed[best] < 0 else s.carried[net.feed[best]]
        if own:
            s.by[n] = n
        if gear.gate[n] > 0 and best < 0 and not own and s.waits[n] < 0:
            s.admitted[n] = 0
        elif best >= 0 and s.by[n] < 0:
            s.admitted[n], s.recharges[n] = 1, 1
        if s.by[n] >= 0 and s.mode[n] != MAINS:
            s.recharges[n] = 0
        if gear.load[n] > 0:
            _mark(n, t, gear, s)


@inner
def _mark(n: int, t: float, gear: Gear, s: Live) -> None:
    """When a load lost its source; what comes back by itself does."""
    if s.alive[n] == 0:
        s.dead_since[n] = min(s.dead_since[n], t)
        return
    s.dead_since[n] = NEVER
    if gear.returns[n] > 0:
        s.dropped[n] = 0


@inner
def flow(demand: np.ndarray, net: Network, gear: Gear, s: Live) -> float:
    """From the loads up: what each node gives and takes, W; returns what the grid gives."""
    grid = 0.0
    for n in range(demand.shape[0]):
        s.out[n] = demand[n] if s.dropped[n] == 0 else 0.0
    for n in range(demand.shape[0]):
        s.into[n], s.charge[n] = 0.0, 0.0
        if s.alive[n] == 0:
            s.out[n] = 0.0
            continue
        if s.out[n] > 0.0:
            s.into[n] = input_power(s.out[n], net.rated[n] * s.up[n], net.a[n], net.b[n], net.c[n])
        if s.mode[n] == MAINS and s.good[n] > 0 and s.recharges[n] > 0 and s.energy[n] < gear.full[n]:
            s.charge[n] = gear.recharge[n]
        if s.plant[n] in (CARRY, RETURN):
            continue
        taken = s.into[n] * (1.0 - s.battery[n]) + s.charge[n]
        for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
            if s.live[i] <= 0.0:
                continue
            if net.feed[i] < 0:
                grid += s.live[i] * taken
            else:
                s.out[net.feed[i]] += s.live[i] * taken
    return grid


@inner
def wish(demand: np.ndarray, net: Network, gear: Gear, s: Live, wanted: np.ndarray) -> None:
    """What each node would draw if all below it had a source by the shares of its feeds, W (``wanted``)."""
    for n in range(demand.shape[0]):
        wanted[n] = demand[n] if s.dropped[n] == 0 or gear.returns[n] > 0 else 0.0
    for n in range(demand.shape[0]):
        if wanted[n] > 0.0:
            wanted[n] = input_power(wanted[n], net.rated[n] * s.up[n], net.a[n], net.b[n], net.c[n])
        for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
            if net.feed[i] >= 0:
                wanted[net.feed[i]] += net.share[i] * wanted[n]


__all__ = ["SAME", "flow", "supply", "wish"]
