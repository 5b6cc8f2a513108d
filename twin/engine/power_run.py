"""The power path in a failure: what is dark, stands or comes back follows from it, and it from what is drawn.

A step of the run and one of the path take turns, without iteration and causal::

    before a step   faults of the path act at its beginning; what has no power then is dark or stands over the step
    islands         run over the step
    after it        the path goes over the same step with the powers drawn in it, split at its own events

So an event within a step has its instant in closed form, and its thermal effect from the edge of the next step on. What
a load draws from its loss to that edge, less what the path gives it from its return to that edge, is told apart in the
ledger (``cut``). What comes back::

    racks      off (cause: power) until somebody has looked, RESET_S after their block, from more than a battery, and
               what cools it have power again, and as far as the sets that carry it have room
               (``twin.engine.power_restart``)
    CDU pumps, air handlers   run down without power, start with it
    plants     facility pumps with the power, condenser pumps and fans SEQUENCE_S later; chillers stop, and carry load
               their restart time after it (``twin.engine.outage``)

Losses of the chain of a hall are those of the path in the step before, at the sinks that the site names. Times of the
path are s after ``origin_s``. Source: physics sheet 7.1, rules 9 and 10 (events, ledger).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from twin.cooling.machines import lose_power
from twin.core.columns import Elm, Fac, Group, Sec
from twin.engine.arrays import Scratch, State
from twin.engine.faults import RESET_S, Faults
from twin.engine.outage import SEQUENCE_S
from twin.engine.power_faults import Act
from twin.engine.power_ledger import MEANS, PowerLedger
from twin.engine.power_restart import Lasting, Room
from twin.engine.run import Forcing
from twin.engine.timeline import Block
from twin.engine.trip import CAUSES
from twin.power.machine import Event, Machine
from twin.site.plan import Arrays, Plan
from twin.site.power_site import PowerSite

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
POWER = CAUSES.index("power")


@dataclass
class PowerRun:
    """The path of a run, what it does to racks, pumps and plants, and its ledger.

    ``events`` are those of the path so far; ``trips`` (group) the instant (s since 1970) and cause of a loss of power
    after which racks run again; ``waits`` instants and groups that wait for what cools them, or no longer. What nodes
    deliver just before the first fault and at most after it (ends of steps): ``carried``, ``most``, W.
    """

    site: PowerSite
    machine: Machine
    plan: Plan
    state: State
    scratch: Scratch
    faults: Faults
    acts: Sequence[Act]
    ledger: PowerLedger
    origin_s: float
    events: list[Event] = field(default_factory=list)
    trips: dict[int, tuple[float, int]] = field(default_factory=dict)
    waits: list[tuple[float, list[int], bool]] = field(default_factory=list)
    carried: Floats = field(init=False)
    most: Floats = field(init=False)

    def __post_init__(self) -> None:
        a, site = self.plan.arrays, self.site
        of_rack = np.zeros(self.plan.racks, np.int64)
        for node, racks in enumerate(site.racks):
            of_rack[racks.start : racks.stop] = node
        self.node_of_group = of_rack[a.group_rack[:-1]]
        halls = np.repeat(np.arange(len(self.plan.labels.hall)), np.diff(a.hall_group))
        self._starts = self.plan.hall_start_s[halls]
        self.drawn = np.zeros(len(a.group))  # W of a group before it last went dark
        self._since = np.full(len(site.name), -inf)  # when a node has had a source from on
        self._back = np.full(len(a.fac), -inf)  # the same of a plant; inf: it has none
        self._on = np.ones(len(site.name), bool)  # what has power over the present step
        self._rejects = np.ones(len(a.fac), bool)
        self._is_racks = np.array([role == "racks" for role in site.role])
        self._wanted = np.zeros(len(site.name))  # what each load drew when it last had power, W
        # Pumps and fans of a plant come first, its chillers their restart time later.
        self._at_start = np.full(len(site.name), inf)
        self._at_start[site.node_of_fac] = a.fac[:, STARTS].sum(axis=1)
        self._waiting: list[int] = []
        self._acted = self._seen = 0
        self._losses: Floats | None = None  # of each element of the Plan in the step before, W
        self.carried = self.most = np.zeros(len(site.name))
        self._from = energised_from(site, self.plan)
        self._outer = np.arange(len(a.element)) >= self.plan.hall_elements

    def before(self, start: float) -> None:
        """Faults act at ``start``; what has no power is dark or stands, what has it again comes back in order."""
        t = start - self.origin_s
        if not self._acted:
            self.carried = self.most = self.machine.state.live.out.copy()
        while self._acted < len(self.acts) and self.acts[self._acted].at_s <= start:
            self.events += self.acts[self._acted].do(self.machine, t)
            self._acted += 1
        dropped = {e.node: e.t_s for e in reversed(self.events[self._seen :]) if e.what == "dropped"}
        self._restart(dropped, start)
        self._seen = len(self.events)
        on = np.array(self.machine.powered, bool)
        self._racks(on, dropped, start)
        cut = np.zeros(len(on), bool)
        cut[list(dropped)] = True
        self._plants(on, cut, start)
        self._wait(on, start)
        self._on = on

    def _restart(self, dropped: dict[int, float], start: float) -> None:
        """Blocks of racks that have had power again for long enough are switched on."""
        live = self.machine.state.live
        alive, lasting = live.alive > 0, Lasting(self.machine)
        dark = np.flatnonzero(self._is_racks & alive & (live.dropped > 0))
        alive[[n for n in dark if not lasting.of(int(n))]] = False
        self._since[~alive] = inf
        self._since[[n for n in dropped if alive[n]]] = start
        self._since[alive & (self._since == inf)] = start
        ready = np.flatnonzero(self._is_racks & alive & (live.dropped > 0) & (self._since + RESET_S <= start))
        room = Room(self.machine) if len(ready) else None
        for n in ready:
            groups = np.flatnonzero(self.node_of_group == n).tolist()
            cooled = all((self._since[self._cooled_by(g)] + RESET_S <= start).all() for g in groups)
            if cooled and room and room.take(int(n), float(self.drawn[groups].sum())):
                self.events += self.machine.reset(start - self.origin_s, int(n))

    def _racks(self, on: Flags, dropped: dict[int, float], start: float) -> None:
        """Racks go dark with their block, at its instant, and run again with it."""
        state, node = self.state, self.node_of_group
        for g in np.flatnonzero(~on[node] & (self._starts <= start) & (state.tripped_by <= 0)):
            at = dropped.get(int(node[g]))
            state.tripped_by[g], state.tripped_at[g] = POWER, start if at is None else self.origin_s + at
            self.drawn[g] = self.scratch.group_power[g]
        back = np.flatnonzero((state.tripped_by == POWER) & on[node])
        for g in back:
            self.trips.setdefault(int(g), (float(state.tripped_at[g]), POWER))
        state.tripped_by[back] *= -1
        state.trip_clock[back] = 0.0

    def _plants(self, on: Flags, cut: Flags, start: float) -> None:
        """Chillers stop with the power of their plant, and wait out their restart time from when it is back."""
        fac, nodes = self.plan.arrays.fac, self.site.node_of_fac
        for f in np.flatnonzero((self._back < inf) & (~on | cut)[nodes]):
            lose_power(fac[f], self.state.chillers[f])
            self._back[f] = inf
        for f in np.flatnonzero((self._back == inf) & on[nodes]):
            lose_power(fac[f], self.state.chillers[f])
            self._back[f] = start
        self._rejects = self._back + SEQUENCE_S <= start

    def _wait(self, on: Flags, start: float) -> None:
        """Racks that are reset while what cools them has no power stay off until a while after it has."""
        state = self.state
        if start == self.faults.reset_at:
            reset = [g for g in self.faults.trips if state.tripped_by[g] < 0]
            self._waiting = [g for g in reset if not on[self._cooled_by(g)].all()]
            state.tripped_by[self._waiting] *= -1
            self.waits += [(start, self._waiting, True)] if self._waiting else []
        ready = [g for g in self._waiting if (self._since[self._cooled_by(g)] + RESET_S <= start).all()]
        if ready:
            state.tripped_by[ready] *= -1
            state.trip_clock[ready] = 0.0
            self._waiting = [g for g in self._waiting if g not in ready]
            self.waits.append((start, ready, False))

    def _cooled_by(self, g: int) -> NDArray[np.int64]:
        """Nodes of the CDU, the air handlers and the plants that cool a group."""
        a = self.plan.arrays
        sec = np.array([j for j in (a.group_liquid[g], a.group_air[g]) if j >= 0])
        return np.concatenate([self.site.node_of_sec[sec], self.site.node_of_fac[a.sec_fac[sec]]])

    def arrays(self, a: Arrays) -> Arrays:
        """The columns with what stands, and the losses of the chains as the path had them in the step before."""
        pumps, plants = self._on[self.site.node_of_sec], self._on[self.site.node_of_fac]
        made = a
        if not (pumps.all() and plants.all() and self._rejects.all()):
            made = made._replace(sec=a.sec.copy(), fac=a.fac.copy())
            made.sec[~pumps, Sec.RUNNING] = 0.0
            air = self.plan.air_sec
            made.sec[air[~pumps[air]], Sec.OPEN] = 0.0
            made.fac[~plants, Fac.RUNNING] = 0.0
            still = np.flatnonzero(~(plants & self._rejects))
            made.fac[still[:, None], STAND] = 0.0
        if self._losses is not None:
            rows = a.element.copy()
            rows[:, Elm.RATED], rows[:, Elm.A], rows[:, Elm.B], rows[:, Elm.C] = 1.0, self._losses, 0.0, 0.0
            made = made._replace(element=rows)
        return made

    def after(self, block: Block, forcing: Forcing, step: int) -> None:
        """The path goes over the step with what was drawn in it."""
        s, halls = self.scratch, len(self.plan.labels.hall)
        end, dt = float(block.t_end[step]), float(block.dt[step])
        t = end - self.origin_s
        drawn = self.site.demand(s.power, s.pump, forcing.ports[step, halls:])
        # Whether sets can take what stands without power is asked of what it will draw when it starts.
        demand = np.where(self._on | (drawn > 0.0) | self._is_racks, drawn, np.minimum(self._wanted, self._at_start))
        self._wanted = demand
        before, lost = self._sums(), self.machine.state.live.lost.copy()
        self.events += self.machine.advance(t - dt, t, demand)
        self.most = np.maximum(self.most, self.machine.state.live.out)
        terms = {name: value - before[name] for name, value in self._sums().items()}
        terms["cut"] = float(drawn.sum()) * dt - terms.pop("delivered")
        self._book(dt, terms, self.machine.state.live.lost - lost, forcing.ledger[step])
        if block.closes[step] >= 0:
            least, mean = self.charge()
            self.ledger.close({"soc_least": least, "soc_mean": mean, "racks_dark": self.dark()})

    def _sums(self) -> dict[str, float]:
        """Energies of the whole path since the beginning, J."""
        energy = self.machine.energy
        return {name: float(np.sum(energy[name])) for name in (*MEANS[:4], "lost", "delivered")}

    def _book(self, dt: float, terms: dict[str, float], lost: Floats, heat: Floats) -> None:
        """Losses go to their elements; the ledger of the step."""
        row, s = self.site.element, self.scratch
        own = row >= 0
        of_element = np.bincount(row[own], lost[own], len(self._outer))
        late = float((of_element - dt * (s.element_in - s.element_out))[~self._outer].sum())
        self.ledger.add(dt, terms, float(of_element[self._outer].sum() + lost[~own].sum()), late, heat)
        self._losses = of_element / dt

    @property
    def live(self) -> Flags:
        """Nodes that have something with power on them by now."""
        found: Flags = self._from <= self.origin_s + self.machine.state.now
        return found

    def concerns(self, event: Event) -> bool:
        """Whether an event befalls something that has been energised."""
        return bool(self._from[event.node] <= self.origin_s + event.t_s)

    def charge(self) -> tuple[float, float]:
        """State of charge of what is energised: the least, and the mean by energy; NaN where there is no store."""
        full, energy = self.machine.gear.full, self.machine.state.live.energy
        at = (self._from <= self.origin_s + self.machine.state.now) & (full > 0.0)
        if not at.any():
            return np.nan, np.nan
        return float((energy[at] / full[at]).min()), float(energy[at].sum() / full[at].sum())

    def dark(self) -> float:
        """Racks that are off because they have or had no power."""
        off = self.state.tripped_by == POWER
        return float(self.plan.arrays.group[off, Group.COUNT].sum())


def energised_from(site: PowerSite, plan: Plan) -> Floats:
    """When each node first has something with power on it, s since 1970; inf: never."""
    a, net = plan.arrays, site.net
    found = np.full(len(site.name), inf)
    inside = site.hall >= 0
    found[inside] = plan.hall_start_s[site.hall[inside]]
    for f, n in enumerate(site.node_of_fac):
        found[n] = plan.hall_start_s[a.sec_hall[a.sec_fac == f]].min()
    for n in range(len(found)):
        for feed in net.feed[net.feed_ptr[n] : net.feed_ptr[n + 1]]:
            if feed >= 0 and site.hall[feed] < 0:
                found[feed] = min(found[feed], found[n])
    return found


STARTS = np.array([Fac.PUMP_1, Fac.PUMP_3, Fac.CONDENSER_PUMP, Fac.FAN])
STAND = np.array([Fac.CHILLERS, Fac.ECONOMIZER, Fac.ECONOMIZER_UA, Fac.BASIN_HEATER])

__all__ = ["PowerRun"]
