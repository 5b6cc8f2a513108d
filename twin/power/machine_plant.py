"""Generating plants of a machine: when they start, what they take, in which order, when the load goes back.

A plant is called when its busbar has no feed within ``low_pu``. After ``detect_s`` the sets crank; with the first on
the busbar the plant takes it over, with each other it can take more (``twin.power.generator``); where a store carries
the busbar, it takes it over when it can take all of that. What lost its source is admitted in the order of priorities::

    admitted   P_now + reserved + MARGIN x need <= P(t)

``reserved`` is what the admitted will draw besides: the rest of walk-ins. What does not fit even when all sets carry
their rating is left out, the next in order is tried; what fits later holds back those after it. When nobody waits,
stores recharge as far as there is room. A plant that carries more than the rating of what runs stops the recharge, then
sheds the last in order; both stay so until the utility is back.
With the utility within its limits for ``retransfer_s``, and after ``minimum_run_s``, the load goes back. A plant
without fuel, or of which no set starts, waits for the utility.

Powers in W, instants in s. Source: physics sheet 1.3, 7.2; the rule of admission is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from twin.core.units import KW
from twin.power.generator import Floats, Generator, capability, capable_at
from twin.power.machine_gear import Gear
from twin.power.machine_state import BATTERY, CALLED, CARRY, COOL, CRANK, MAINS, NONE, REST, RETURN, Event, MachineState
from twin.power.machine_supply import SAME

MARGIN = 1.05  # for what is lost between a load and the busbar


@dataclass(frozen=True)
class Plant:
    """The sets at a node."""

    node: int
    device: Generator
    sets: int
    ready: Floats  # s after the crank, by place

    @property
    def set_w(self) -> float:
        """Rating of one set, W."""
        return self.device.rated_kw.value * KW

    def since(self, state: MachineState, t: float) -> Floats:
        """Seconds since each set that started came on the busbar, below 0: not yet."""
        return t - (state.began[self.node] + self.ready[: state.called[self.node]])

    def running(self, state: MachineState, t: float) -> int:
        """Sets on the busbar."""
        return int((self.since(state, t) >= -SAME).sum()) if self.node in state.began else 0


def turn(plant: Plant, state: MachineState, t: float) -> list[Event] | None:
    """One change of state of a plant that is due at ``t``: its events; None where nothing is due."""
    node, s = plant.node, state.live
    now, fed = int(s.plant[node]), bool(s.fed[node]) and s.up[node] > 0.0
    due = state.plant_timer[node] <= t + SAME
    if now == CRANK and plant.running(state, t) > 0:
        due = due or _whole(plant, state, t) <= SAME
    if now in {CARRY, RETURN}:
        return _carrying(plant, state, t, fed=fed, due=due)
    if now in {CALLED, CRANK} and (fed or due):
        return _called(plant, state, t, fed=fed)
    if now in {REST, COOL} and not fed and s.up[node] > 0.0:
        return _to(state, node, CALLED, t + plant.device.detect_s.value)
    if (now == COOL and due) or (now == NONE and fed):
        return _rest(state, node)
    return None


def _called(plant: Plant, state: MachineState, t: float, *, fed: bool) -> list[Event]:
    """As :func:`turn`, of a plant that does not carry yet: the utility is back, or its time has come."""
    node, s = plant.node, state.live
    if fed:
        cools = node in state.began
        return _to(state, node, COOL, t + plant.device.cooldown_s.value) if cools else _rest(state, node)
    if s.plant[node] == CALLED:
        return _crank(plant, state, t)
    after = _whole(plant, state, t)
    return _to(state, node, CRANK, t + after) if after > SAME else _to(state, node, CARRY, math.inf)


def _whole(plant: Plant, state: MachineState, t: float) -> float:
    """Seconds until the sets can take all that a store on their busbar carries; 0 where none does."""
    s, g = state.live, plant.device
    if s.mode[plant.node] != BATTERY:
        return 0.0
    power = MARGIN * float(s.into[plant.node])
    return capable_at(power, plant.since(state, t), plant.set_w, g.block_share.value, 1.0 / g.ramp_s.value)


def _carrying(plant: Plant, state: MachineState, t: float, *, fed: bool, due: bool) -> list[Event] | None:
    """As :func:`turn`, of a plant that carries its busbar."""
    node, g = plant.node, plant.device
    if state.live.fuel[node] <= 0.0 or state.called[node] == 0:
        state.began.pop(node, None)
        state.running[node] = 0
        dry = [Event(t, node, "out of fuel", 0.0)] if state.live.fuel[node] <= 0.0 else []
        return [*_to(state, node, NONE, math.inf), *dry]
    now, running = int(state.live.plant[node]), plant.running(state, t)
    if running > state.running[node]:
        state.running[node] = running
        return [Event(t, node, "generator ready", running * plant.set_w)]
    if now == CARRY and fed:
        # A plant that ran hot into this outage has run long enough.
        earliest = max(t + g.retransfer_s.value, state.began[node] + g.minimum_run_s.value)
        return _to(state, node, RETURN, earliest)
    if now == RETURN and not fed:
        return _to(state, node, CARRY, math.inf)
    if now == RETURN and due:
        carried = float(state.live.into[node])
        if not g.closed_transition:
            state.live.gap[node] = t + g.break_s.value
        state.running[node], state.began[node] = 0, -math.inf
        return [*_to(state, node, COOL, t + g.cooldown_s.value), Event(t, node, "retransferred", carried)]
    return None


def _to(state: MachineState, node: int, what: int, timer: float) -> list[Event]:
    state.live.plant[node], state.plant_timer[node] = what, timer
    return []


def _rest(state: MachineState, node: int) -> list[Event]:
    state.began.pop(node, None)
    state.running[node] = 0
    return _to(state, node, REST, math.inf)


def _crank(plant: Plant, state: MachineState, t: float) -> list[Event]:
    """The call: sets that start, and those that do not."""
    node, starts = plant.node, state.sets[plant.node]
    if state.live.fuel[node] <= 0.0:
        return [*_to(state, node, NONE, math.inf), Event(t, node, "out of fuel", 0.0)]
    if node in state.began:  # still running from the last call
        return _to(state, node, CRANK, max(t, state.began[node] + float(plant.ready[0])))
    events = [Event(t, node, "generator starts", float(starts))] if starts else []
    if starts < plant.sets:
        events.append(Event(t, node, "generator failed to start", float(plant.sets - starts)))
    if starts == 0:
        return _to(state, node, NONE, math.inf) + events
    state.began[node], state.called[node] = t, starts
    return _to(state, node, CRANK, t + float(plant.ready[0])) + events


def next_turn(plant: Plant, state: MachineState, t: float) -> float:
    """The next instant at which a plant does something by itself, s."""
    when = state.plant_timer[plant.node]
    if plant.node in state.began and int(state.live.plant[plant.node]) in {CARRY, RETURN}:
        if state.running[plant.node] >= state.called[plant.node]:
            return when
        if plant.running(state, t) > state.running[plant.node]:
            return t
        ahead = -plant.since(state, t)
        ahead = ahead[ahead > SAME]
        when = min(when, t + float(ahead.min())) if len(ahead) else when
    return when


class Admitted(NamedTuple):
    """Who is admitted now, the need of each in W, who may recharge, and when the next may be (inf: none waits)."""

    nodes: list[int]
    needs: list[float]
    recharge: list[int]
    later: float


class Queue(NamedTuple):
    """Nodes that wait for a plant, and that would recharge from it, both in order."""

    waiting: list[int]
    hungry: list[int]


def queues(state: MachineState, gear: Gear) -> dict[int, Queue]:
    """Who stands in the queues now, by the node of the plant; plants without a queue are not there."""
    s = state.live
    found: dict[int, Queue] = {}
    for n in gear.order[s.waits[gear.order] >= 0].tolist():
        if n not in state.barred:
            found.setdefault(int(s.waits[n]), Queue([], [])).waiting.append(n)
    hungry = (s.by >= 0) & (s.mode == MAINS) & (s.recharges == 0) & (s.energy < gear.full)
    for n in gear.order[hungry[gear.order]].tolist():
        if n not in state.resting:
            found.setdefault(int(s.by[n]), Queue([], [])).hungry.append(n)
    return found


def admission(plant: Plant, state: MachineState, t: float, gear: Gear, wanted: Floats, queue: Queue) -> Admitted:
    """What the plant takes at the instant ``t``; ``wanted`` (node) W is what each would draw that has no source."""
    done = Admitted([], [], [], math.inf)
    if not queue.waiting and not queue.hungry:
        return done
    s, since, g = state.live, plant.since(state, t), plant.device
    block, ramp = g.block_share.value, 1.0 / g.ramp_s.value
    taken = float(s.into[plant.node] + s.charge[plant.node]) + _reserved(plant, state)
    may, most = capability(since, plant.set_w, block, ramp), plant.set_w * len(since)

    def later(power: float) -> float:
        return t + capable_at(power, since, plant.set_w, block, ramp)

    for n in queue.waiting:
        need = float(s.into[n] if s.alive[n] > 0 else wanted[n])
        then = taken + MARGIN * need
        if then > most:
            continue
        if then > may * (1.0 + SAME) + SAME:
            return done._replace(later=later(then))
        done.nodes.append(n)
        done.needs.append(need)
        taken = then
    for n in queue.hungry:
        then = taken + MARGIN * float(gear.recharge[n])
        if then > most:
            continue
        if then > may * (1.0 + SAME) + SAME:
            return done._replace(later=later(then))
        done.recharge.append(n)
        taken = then
    return done


def _reserved(plant: Plant, state: MachineState) -> float:
    """What the admitted nodes of a plant will draw besides what they draw, W: the rest of walk-ins."""
    s = state.live
    mine = (s.admitted > 0) & (s.by == plant.node) & (s.alive > 0)
    return MARGIN * float((s.battery * s.into)[mine].sum())


def shed(plant: Plant, state: MachineState, gear: Gear) -> tuple[list[int], list[int]]:
    """Who stops recharging, and who must go, where more is carried than what runs is rated for: the last first."""
    s = state.live
    over = float(s.into[plant.node] + s.charge[plant.node]) - plant.set_w * state.running[plant.node] * (1.0 + SAME)
    rests: list[int] = []
    gone: list[int] = []
    if over <= 0.0:
        return rests, gone
    mine = s.by == plant.node
    last = gear.order[::-1]
    for n in last[(mine & (s.charge > 0.0))[last]].tolist():
        if over > 0.0:
            rests.append(n)
            over -= float(s.charge[n])
    drawn = s.into * (1.0 - s.battery)
    mine[plant.node] = False
    for n in last[(mine & (gear.gate > 0) & (s.admitted > 0) & (drawn > 0.0))[last]].tolist():
        if over > 0.0:
            gone.append(n)
            over -= float(drawn[n])
    return rests, gone


__all__ = ["Admitted", "Plant", "Queue", "admission", "next_turn", "queues", "shed", "turn"]
