"""The electrical side as a machine: what happens to a network when the utility, a unit or a load changes.

Flows are constant between two events; every event has its instant in closed form (``twin.power.machine_clock``). What
is due at one instant happens together, then supply and flows are found anew (``twin.power.machine_supply``), so a trip
that overloads the survivors cascades in its own time. From ``begin`` on, in J::

    grid + generated + discharged = delivered + lost + charged

to rounding, across everything. Powers in W, t in s, voltage per nominal, frequency in Hz. Valid for balanced active
power; fault currents and the milliseconds of a transfer beside its length are not modelled.
Source: physics sheet 1.3, 7.1 rules 1, 8, 9, 10.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.power import machine_plant
from twin.power.machine_events import Before, before, events_between, in_order
from twin.power.machine_gear import Behind, Floats, Gear, gear_of, tank_j
from twin.power.machine_kernel import DUE, FIRE, FLOW, PASS, SUPPLY, WISH, operate
from twin.power.machine_plant import Plant
from twin.power.machine_state import BATTERY, BYPASS, CARRY, MAINS, OFF, RETURN, WALK, WORDS, Event, MachineState, fresh
from twin.power.machine_supply import SAME
from twin.power.network import Flows, Network

ROUNDS = 10_000  # of events at one instant: more is a fault of this code


class Machine:
    """A network with its equipment, from the instant ``begin`` on.

    ``behind`` says by node what stands there. ``failing`` is how many sets of the plant at a node do not start when
    called. ``demand`` is what the nodes themselves draw (node), W; it holds until it is given anew.
    """

    def __init__(
        self,
        net: Network,
        behind: Sequence[Behind],
        *,
        begin: float = 0.0,
        failing: Mapping[int, int] | None = None,
        power_factor: float = 0.95,
        nominal_hz: float = 60.0,
    ) -> None:
        self.net = net
        self.gear: Gear = gear_of(net, behind, power_factor)
        self.plants = [_plant(i, b) for i, b in enumerate(behind) if self.gear.plant[i] > 0]
        missing = failing or {}
        if strange := sorted(set(missing) - {p.node for p in self.plants}):
            raise ValueError(f"no generators at the nodes {strange}")
        fuel = np.zeros(len(behind))
        for p in self.plants:
            fuel[p.node] = tank_j(p.device, p.sets)
        self._tank = fuel
        self._hz = nominal_hz
        starting = {p.node: max(0, p.sets - missing.get(p.node, 0)) for p in self.plants}
        self.state: MachineState = fresh(net, self.gear, fuel, starting)
        self.state.now = begin
        self._demand = np.zeros(len(behind))
        self._when, self._code = np.zeros(len(behind)), np.zeros(len(behind), np.int64)
        self._wanted = np.zeros(len(behind))
        self._admit_at = math.inf
        # What the grid gave from when to when (s, s, W), where somebody asks for it: levels between events.
        self.meter: list[tuple[float, float, float]] | None = None
        self._settle()

    # ------------------------------------------------------------------------------------------------ from outside
    def utility(self, t_s: float, voltage_pu: float, frequency_hz: float | None = None) -> list[Event]:
        """The utility from ``t_s`` on: 0.0 lost, 0.7 a sag, 1.0 back; the frequency is the nominal one without."""
        events = self._until(t_s)
        self.state.volt = voltage_pu
        self.state.off_hz = 0.0 if frequency_hz is None else frequency_hz - self._hz
        return in_order(events + self._changed())

    def lose(self, t_s: float, node: int, units: int) -> list[Event]:
        """Lose ``units`` of the bank at ``node``; all of them and it is dead."""
        events = self._until(t_s)
        up = self.state.live.up
        left = max(0, round(float(up[node]) * self.net.units[node]) - units)
        was = before(self.net, self.state.live)
        up[node] = left / self.net.units[node]
        return in_order(events + self._changed(was))

    def lose_sets(self, t_s: float, node: int, sets: int) -> list[Event]:
        """Lose ``sets`` of the plant at ``node``, running or not: the last in order, and for good."""
        events = self._until(t_s)
        state = self.state
        state.sets[node] = max(0, state.sets[node] - sets)
        state.called[node] = left = max(0, state.called[node] - sets)
        state.running[node] = min(left, state.running[node])
        return in_order(events + self._changed())

    def mend(self, t_s: float, node: int, units: int) -> list[Event]:
        """Give ``units`` back to the bank at ``node`` and close its breaker."""
        events = self._until(t_s)
        was = before(self.net, self.state.live)
        up = self.state.live.up
        up[node] = min(1.0, (round(float(up[node]) * self.net.units[node]) + units) / self.net.units[node])
        self.state.live.tripped[node] = 0
        return in_order(events + self._changed(was))

    def reset(self, t_s: float, node: int) -> list[Event]:
        """What a person does at ``node``: close the breaker, start or unlock a UPS, start racks that have dropped."""
        events = self._until(t_s)
        s = self.state.live
        was = before(self.net, s)
        s.tripped[node] = s.locked[node] = 0
        s.sags[node] = -math.inf
        if s.mode[node] != WALK:  # a walk-in goes on
            s.timer[node] = math.inf
        if s.mode[node] in {OFF, BYPASS}:
            s.mode[node] = MAINS
        s.dropped[node] = 0
        if s.alive[node] == 0:
            s.dead_since[node] = t_s
        return in_order(events + self._changed(was))

    def switch(self, t_s: float, node: int, mode: int) -> list[Event]:
        """Put the UPS at ``node`` on its ``BYPASS`` or its ``BATTERY`` by hand; it stays there until it is reset."""
        events = self._until(t_s)
        s = self.state.live
        was = before(self.net, s)
        s.mode[node], s.timer[node], s.locked[node] = mode, math.inf, 1
        return in_order(events + self._changed(was))

    def advance(self, t0: float, t1: float, demand: Floats) -> list[Event]:
        """Let the time pass from ``t0``, which is now, to ``t1`` at ``demand`` (node) W; returns what happened.

        An event at ``t1`` itself belongs to the call that begins there. Raises ``ValueError`` for another ``t0``.
        """
        if abs(t0 - self.state.now) > SAME or t1 < t0:
            raise ValueError(f"the machine stands at {self.state.now} s, not at {t0} s, and goes forward only")
        events = self._until(t0, due=True)  # it comes before what the new demand leads to
        was = before(self.net, self.state.live)
        taken = self._draw(demand)
        if taken:  # what being taken or let go does is said too
            events += taken + events_between(t0, was, self.state.live, self.net, self.gear, self._demand)
        return in_order(events + self._until(t1))

    def next_event(self, t: float, demand: Floats) -> float:
        """The instant of the next event at ``demand`` (node) W, s; inf where there is none. ``t`` is now."""
        if abs(t - self.state.now) > SAME:
            raise ValueError(f"the machine stands at {self.state.now} s, not at {t} s")
        self._draw(demand)
        return self._next()

    # ---------------------------------------------------------------------------------------------------- what it is
    @property
    def powered(self) -> NDArray[np.bool_]:
        """By node: it has a source, or rides through without one; never what has dropped."""
        s = self.state.live
        rides = (self.gear.load > 0) & (self.gear.hold > 0.0)
        return np.asarray(((s.alive > 0) | rides) & (s.dropped == 0), np.bool_)

    @property
    def flows(self) -> Flows:
        """What the network carries now; ``own`` is what stores and plants give, recharge is in ``into``."""
        s = self.state.live
        own = s.battery * s.into * (s.alive > 0)
        carrying = ((s.plant == CARRY) | (s.plant == RETURN)) & (s.alive > 0)
        own = own + np.where(carrying, s.into * (1.0 - s.battery) + s.charge, 0.0)
        return Flows(s.alive.copy(), s.out.copy(), s.into + s.charge, s.live.copy(), own, self.state.grid_w)

    @property
    def soc(self) -> Floats:
        """State of charge by node, 0..1; 1 where there is no store."""
        full = self.gear.full
        return np.where(full > 0.0, self.state.live.energy / np.where(full > 0.0, full, 1.0), 1.0)

    @property
    def fuel(self) -> Floats:
        """Share of the fuel that is left, by node; 1 where there is no plant."""
        return np.where(self._tank > 0.0, self.state.live.fuel / np.where(self._tank > 0.0, self._tank, 1.0), 1.0)

    @property
    def on_battery(self) -> NDArray[np.bool_]:
        """By node: it lives on its store alone."""
        return np.asarray((self.state.live.mode == BATTERY) & (self.state.live.alive > 0), np.bool_)

    @property
    def energy(self) -> dict[str, Floats]:
        """J since the beginning, by node; ``grid`` is one number. ``unserved`` stands beside the ledger."""
        s = self.state.live
        return {
            "grid": np.array(self.state.grid_j), "generation": s.generated, "discharged": s.discharged,
            "delivered": s.delivered, "lost": s.lost, "charged": s.charged, "unserved": s.unserved,
        }  # fmt: skip

    def residual(self) -> float:
        """How far the ledger is from closed, per what went in and came out; rounding only."""
        e = {key: float(np.sum(value)) for key, value in self.energy.items()}
        came = e["grid"] + e["generation"] + e["discharged"]
        went = e["delivered"] + e["lost"] + e["charged"]
        return abs(came - went) / max(came + went, 1.0)

    def restore(self, state: MachineState, demand: Floats) -> None:
        """Go on from a state that was copied, at ``demand`` (node) W."""
        self.state = state.copy()
        self._demand = np.array(demand, np.float64)
        self._admit(self.state.now)

    # ------------------------------------------------------------------------------------------------------ inside
    def _draw(self, demand: Floats) -> list[Event]:
        if np.array_equal(demand, self._demand):
            return []
        if not (demand >= 0.0).all():
            raise ValueError("a demand is 0 W or more")
        self._demand = np.array(demand, np.float64)
        self._flow()
        return self._admit(self.state.now)

    def _operate(self, what: int, seconds: float = 0.0) -> float:
        state = self.state
        return float(
            operate(
                what, state.now, seconds, state.volt, state.off_hz, self._demand, self.net, self.gear, state.live,
                self._when, self._code, self._wanted,
            )
        )  # fmt: skip

    def _flow(self) -> None:
        self.state.grid_w = self._operate(FLOW)

    def _supply(self) -> None:
        self._operate(SUPPLY)

    def _next(self) -> float:
        state = self.state
        first = min(
            [self._operate(DUE), self._admit_at, *(machine_plant.next_turn(p, state, state.now) for p in self.plants)]
        )
        return max(first, state.now)

    def _pass(self, t: float) -> None:
        state = self.state
        if t > state.now:
            self._operate(PASS, t - state.now)
            if self.meter is not None:
                self.meter.append((state.now, t, state.grid_w))
            state.grid_j += state.grid_w * (t - state.now)
            state.now = t

    def _until(self, t: float, *, due: bool = False) -> list[Event]:
        """Pass to ``t``, events before it on the way, and at it where ``due``."""
        if t < self.state.now - SAME:
            raise ValueError(f"the machine stands at {self.state.now} s, {t} s has passed")
        events: list[Event] = []
        rounds, last = 0, -math.inf
        end = t + SAME if due else t - SAME
        while (when := self._next()) < end:
            when = min(when, t)
            rounds, last = (0, when) if when > last + SAME else (rounds + 1, last)
            if rounds > ROUNDS:
                raise RuntimeError(f"events without end at {when} s: {events[-3:]}")
            self._pass(when)
            was = before(self.net, self.state.live)
            self._operate(FIRE)
            events += self._changed(was, self._code.copy())
        self._pass(t)
        return events

    def _changed(self, was: Before | None = None, fired: NDArray[np.int64] | None = None) -> list[Event]:
        """Settle, and say what has changed."""
        seen = was if was is not None else before(self.net, self.state.live)
        events = self._settle()
        return events + events_between(self.state.now, seen, self.state.live, self.net, self.gear, self._demand, fired)

    def _settle(self) -> list[Event]:
        """Supply, plants, flows and admission at this instant."""
        events: list[Event] = []
        self._supply()
        turned = True
        while turned:
            turned = False
            for plant in self.plants:
                happened = machine_plant.turn(plant, self.state, self.state.now)
                if happened is not None:
                    events += happened
                    turned = True
            if turned:
                self._supply()
        self._flow()
        return events + self._admit(self.state.now)

    def _admit(self, t: float) -> list[Event]:
        """Who is taken by the plants now, who must go; sets the instant at which the next may be taken."""
        events: list[Event] = []
        state, s = self.state, self.state.live
        self._admit_at = math.inf
        carrying = [p for p in self.plants if s.plant[p.node] in {CARRY, RETURN}]
        for name in ("barred", "resting"):
            held = getattr(state, name)
            if held:
                setattr(state, name, frozenset(n for n in held if s.waits[n] >= 0 or s.by[n] >= 0))
        again = bool(carrying)
        while again:
            again, self._admit_at = False, math.inf
            queues = machine_plant.queues(state, self.gear)
            if queues:
                self._operate(WISH)
            for plant in carrying:
                rests, gone = machine_plant.shed(plant, state, self.gear)
                queue = queues.get(plant.node, machine_plant.Queue([], []))
                taken = machine_plant.admission(plant, state, t, self.gear, self._wanted, queue)
                events += [Event(t, n, "load shed", float(s.into[n])) for n in gone]
                events += [Event(t, n, "load accepted", w) for n, w in zip(taken.nodes, taken.needs, strict=True)]
                s.admitted[taken.nodes], s.recharges[taken.recharge] = 1, 1
                s.admitted[gone], s.recharges[rests] = 0, 0
                state.barred |= frozenset(gone)
                state.resting |= frozenset(rests)
                self._admit_at = min(self._admit_at, taken.later)
                again = again or bool(rests or gone or taken.nodes or taken.recharge)
            if again:
                self._supply()
                self._flow()
        return events


def _plant(node: int, behind: Behind) -> Plant:
    assert behind.generator is not None
    return Plant(node, behind.generator, behind.sets, behind.generator.ready_s(behind.sets))


def failing_sets(sets: Mapping[int, int], share: float, seed: int = 0) -> dict[int, int]:
    """How many sets of each plant do not start when ``share`` of all does not: which, by the ``seed``."""
    nodes = sorted(sets)
    owner = np.repeat(nodes, [sets[n] for n in nodes])
    gone = np.random.default_rng(seed).permutation(len(owner))[: round(share * len(owner))]
    return {n: int((owner[gone] == n).sum()) for n in nodes}


def drawn_failures(behind: Sequence[Behind], seed: int = 0) -> dict[int, int]:
    """How many sets of each plant do not start, drawn from the probability of its entry."""
    rng = np.random.default_rng(seed)
    return {
        i: int(rng.binomial(b.sets, b.generator.failure_to_start.value))
        for i, b in enumerate(behind)
        if b.generator is not None and b.sets > 0
    }


__all__ = ["WORDS", "Behind", "Event", "Machine", "MachineState", "drawn_failures", "failing_sets"]
