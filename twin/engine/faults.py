"""Faults as data: what breaks, from when to when, and what that makes of the columns of a Plan.

``twin.engine.modes`` has what can break and how. Between two instants at which something breaks or is mended the
columns stand still; the loop itself knows no fault. Racks that have tripped are reset a while after the last fault that
is mended at all; those whose own CDU, manifold or air handlers stay broken are not switched on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from twin.cooling.machines import RUNNING as ON
from twin.cooling.machines import lose_power
from twin.cooling.pump_curve import PumpBank
from twin.core.columns import Fac, Group, Sec
from twin.core.errors import Faults as Problems
from twin.core.errors import InputError, did_you_mean, one
from twin.engine.amount import amount_of
from twin.engine.arrays import Scratch, State
from twin.engine.hold import as_it_was
from twin.engine.lost import banks, pump_banks, without
from twin.engine.modes import MODES, Fault, Mode, Place
from twin.engine.outage import dark_groups
from twin.engine.power_faults import path_places
from twin.engine.pump_faults import fail_over_at, let_fall, pumps_running
from twin.engine.trip import CAUSES
from twin.racks.rack import Rack
from twin.site.load import LoadedSite
from twin.site.lower_hall import interlocks
from twin.site.plan import Arrays, Plan
from twin.site.rack_stores import racks_ride

Floats = NDArray[np.float64]
# Someone looks at a hall before its racks are switched on again (prior).
RESET_S = 120.0
# Where the racks of a site get their power.
GRID = "grid"


# Where the last unit is lost as well, an edit takes care: ``twin.engine.lost`` leaves no Plan then.
ALL_STOP = ("air", "manifold", "rejection")
# What stands beside racks, in their hall; and the causes that come through their coolant and through their air.
BESIDE = ("cdu", "manifold", "air")
# What has power as soon as any hall has, unless it stands in one.
WIDE = ("grid", "generators", "path", "ups")
BY = (("low_flow", "coolant_inlet", "junction", "leak"), ("air_inlet", "junction"))


def cooling_places(loaded: LoadedSite, plan: Plan) -> dict[str, Place]:
    """What can break besides the power path, by name."""
    found = {name: Place("cdu", j) for name, j in zip(plan.labels.cdu, plan.labels.cdu_sec, strict=True)}
    found |= {name: Place("loop", f) for f, name in enumerate(plan.labels.loop)}
    for name, bank in banks(loaded, plan).items():
        if bank.kind in MODES:
            found[name] = Place(bank.kind, bank.index, bank.count)
    for name, (_, _, pumps) in pump_banks(loaded, plan).items():
        found[name] = replace(found[name], pumps=pumps)
    return found | {GRID: Place("grid", -1)}


def places(loaded: LoadedSite, plan: Plan) -> dict[str, Place]:
    """Everything that can break, by name."""
    path = path_places(loaded, plan)
    sources = any(place.sources for place in path.values()) or racks_ride(loaded)
    return cooling_places(loaded, plan) | path | {GRID: Place("grid", -1, sources=sources)}


def parse(text: str, at_s: float, until_s: float, known: dict[str, Place], place: str) -> Fault:
    """A fault from ``ELEMENT[:MODE[=AMOUNT]]``; raises ``InputError`` with what was expected."""
    element, colon, rest = text.partition(":")
    mode, equals, number = rest.partition("=")
    try:
        return named(element, mode if colon else None, number if equals else None, at_s, until_s, known)
    except InputError as error:
        raise InputError([replace(p, path=place) for p in error.problems]) from None


def named(
    element: str, mode: str | None, amount: str | float | None, at_s: float, until_s: float, known: dict[str, Place]
) -> Fault:
    """The fault of these words; raises ``InputError`` at ``element``, ``mode`` or ``amount`` with what was expected."""
    if element not in known:
        raise one(f'nothing that can break is called "{element}"{did_you_mean(element, known)}', path="element")
    place = known[element]
    modes = MODES[place.role]
    if mode is None:
        mode = next(iter(modes))
    if mode not in modes:
        raise one(
            f'{element} has no mode "{mode}"{did_you_mean(mode, modes)}; expected {", ".join(modes)}', path="mode"
        )
    meant = modes[mode]
    if meant.stored and not place.sources:
        raise one(f"{element} has no battery to be {mode} on", path="mode")
    if amount is None:
        # Without an amount the power path says what a loss of the grid leads to.
        return Fault(element, mode, at_s, until_s, None if place.sources and meant.dark else meant.amount)
    pumps = place.pumps if meant.pumps else None
    if meant.amount is None and pumps is None:
        why = ": nothing says how many there are, give its pumps by their curve" if meant.pumps else ""
        raise one(f"{mode} of {element} takes no amount{why}", path="amount")
    most = place.units if meant.units else pumps.count if pumps else meant.most
    whole = meant.units or meant.pumps
    found = amount_of(amount, f"{mode} of {element}", meant.unit, meant.least, most, whole=whole)
    return Fault(element, mode, at_s, until_s, found)


@dataclass
class Faults:
    """The faults of a run, and the columns that they leave at each instant."""

    plan: Plan
    loaded: LoadedSite
    found: tuple[Fault, ...]
    known: dict[str, Place]
    reset_s: float = RESET_S
    _made: dict[tuple[tuple[Fault, ...], tuple[Fault, ...]], Arrays] = field(default_factory=dict)
    _held: dict[Fault, dict[Sec, float]] = field(default_factory=dict)
    # Trips before the reset: (s since 1970, code of the cause) by group; and those that were not reset.
    trips: dict[int, tuple[float, int]] = field(default_factory=dict)
    kept_off: list[int] = field(default_factory=list)

    def mode(self, fault: Fault) -> Mode:
        """What kind of fault it is."""
        return MODES[self.known[fault.element].role][fault.mode]

    def by_path(self, fault: Fault) -> bool:
        """Whether the power path follows a fault (``twin.engine.power_faults``)."""
        mode = self.mode(fault)
        return mode.power or (mode.dark and fault.amount is None)

    def parts(self, fault: Fault) -> list[Fault]:
        """The simple faults that one is made of: itself, if it is no sequence."""
        split = self.mode(fault).parts
        return [fault] if split is None or self.by_path(fault) else split(fault, self.known, self.loaded, self.plan)

    @cached_property
    def acting(self) -> tuple[Fault, ...]:
        """The simple faults of all."""
        return tuple(part for fault in self.found for part in self.parts(fault))

    @property
    def events(self) -> Floats:
        """Instants at which something breaks, is made up for or mended, or racks are reset, s."""
        both = (*self.found, *self.acting)
        instants = {t for fault in both for t in (fault.at_s, fault.until_s)} | {self.reset_at}
        return np.array(sorted((instants | {at for at, _ in self.fail_overs}) - {inf}))

    @property
    def fail_overs(self) -> list[tuple[float, str]]:
        """When pumps that stood by have taken over, s, and where."""
        found = [(fail_over_at(f, pumps), f.element) for f in self.acting if (pumps := self._counted(f)) is not None]
        return [(at, element) for at, element in found if at < inf]

    @property
    def reset_at(self) -> float:
        """When tripped racks are reset, inf: never."""
        ends = [f.until_s for f in self.found if f.until_s < inf]
        return max(ends) + self.reset_s if ends else inf

    def arrays(self, t: float) -> Arrays:
        """The columns of the Plan as the faults at ``t`` leave them."""
        active = self.active(t)
        over = tuple(f for f in active if (pumps := self._counted(f)) is not None and fail_over_at(f, pumps) <= t)
        if (active, over) not in self._made:
            self._made[active, over] = self._columns(active, t)
        return self._made[active, over]

    def active(self, t: float) -> tuple[Fault, ...]:
        """The simple faults that hold at ``t``."""
        return tuple(f for f in self.acting if f.at_s <= t < f.until_s)

    def units_lost(self, active: Sequence[Fault]) -> dict[str, int]:
        """Units that the faults ``active`` take of each element together, at most all there are."""
        lost: dict[str, int] = {}
        for fault in active:
            if self.mode(fault).units and not self.by_path(fault):
                units = self.known[fault.element].units
                lost[fault.element] = min(units, lost.get(fault.element, 0) + int(fault.amount or 1))
        return lost

    def _counted(self, fault: Fault) -> PumpBank | None:
        """The pumps of which a fault takes some; None for any other fault."""
        return self.known[fault.element].pumps if self.mode(fault).pumps and fault.amount is not None else None

    def _columns(self, active: tuple[Fault, ...], t: float) -> Arrays:
        plan, lost = self.plan, self.units_lost(active)
        for element, units in lost.items():
            place = self.known[element]
            if place.role not in ALL_STOP or units < place.units:
                plan = without(self.loaded, plan, element, units)
        a = plan.arrays
        made = a._replace(sec=a.sec.copy(), fac=a.fac.copy(), rejection=a.rejection.copy())
        for fault in active:
            place, mode = self.known[fault.element], self.mode(fault)
            for at, value in self._held.get(fault, {}).items():
                row = made.sec[place.row]
                row[at] = min(row[at], value) if at == Sec.OPEN else value
            if mode.edit is not None:
                mode.edit(made, place, lost[fault.element] if mode.units else fault.amount or 0.0)
            if self._counted(fault) is not None and lost.get(fault.element, 0) < place.units:
                pumps = self.pumps_left(fault.element, active)
                table, column = ("fac", Fac.RUNNING) if place.role == "loop" else ("sec", Sec.RUNNING)
                row = getattr(made, table)[place.row]
                row[column] = min(row[column], pumps.share(self.running(fault.element, active, t)))
        return made

    def pumps_left(self, element: str, active: Sequence[Fault]) -> PumpBank:
        """The pumps, running or not, of those CDUs or of that loop of an element that the faults ``active`` leave."""
        place = self.known[element]
        assert place.pumps is not None
        return place.pumps.of_sets(place.units - self.units_lost(active).get(element, 0), place.units)

    def running(self, element: str, active: Sequence[Fault], t: float) -> int:
        """Pumps of an element that run at ``t`` with the faults ``active``."""
        counted = [f for f in active if f.element == element and self._counted(f)]
        return pumps_running(counted, self.pumps_left(element, active), t)

    def begin(self, state: State, scratch: Scratch, t: float) -> None:
        """What happens at the instant ``t`` itself.

        Chillers stop or break, racks go dark, flows are held or fall where pumps fail, tripped racks are reset.
        """
        for fault in self.acting:
            place, mode = self.known[fault.element], self.mode(fault)
            if mode.restarts and t in (fault.at_s, fault.until_s):
                lose_power(self.plan.arrays.fac[place.row], state.chillers[place.row])
            if mode.holds and t == fault.at_s:
                before = self.arrays(float(np.nextafter(t, -inf)))
                self._held[fault] = as_it_was(before, state, scratch, place.row)
                self._made.clear()
            if mode.units and place.role == "chillers" and t == fault.at_s:
                # What breaks is a machine that runs; one that stands by is called, and carries load after its start.
                clocks = state.chillers[place.row]
                clocks[ON] = max(0.0, clocks[ON] - (fault.amount or 1.0))
        for fault in self.found:
            if self.mode(fault).dark and t == fault.at_s and not self.by_path(fault):
                off = [g for g in dark_groups(self.loaded, self.plan, t) if state.tripped_by[g] <= 0]
                state.tripped_by[off], state.tripped_at[off] = CAUSES.index("power"), t
        let_fall(self, state, t)
        if self.reset_at == t:
            self._reset(state, t)

    def _reset(self, state: State, t: float) -> None:
        """Racks run again, but not those that tripped by what is still broken beside them; the trips are noted."""
        a, off = self.plan.arrays, np.flatnonzero(state.tripped_by > 0)
        if any(self.by_path(fault) for fault in self.found):
            # Those that have had no power run again with their block (``twin.engine.power_run``).
            off = off[state.tripped_by[off] != CAUSES.index("power")]
        self.trips.update({int(g): (float(state.tripped_at[g]), int(state.tripped_by[g])) for g in off})
        rows = [place.row for f in self.active(t) if (place := self.known[f.element]).role in BESIDE]
        wet, dry = (np.isin(state.tripped_by[off], [CAUSES.index(cause) for cause in causes]) for causes in BY)
        stay = wet & np.isin(a.group_liquid[off], rows) | dry & np.isin(a.group_air[off], rows)
        self.kept_off[:] = off[stay].tolist()
        state.tripped_by[off[~stay]] *= -1
        state.trip_clock[off[~stay]] = 0.0


def armed(plan: Plan, loaded: LoadedSite, *, throttling: bool = True) -> Plan:
    """The plan with the interlocks of its racks; without ``throttling`` they do not slow down before they trip."""
    group = plan.arrays.group.copy()
    for g, kind in enumerate(plan.labels.group_kind):
        for column, value in interlocks(loaded.library.get(kind, Rack)).items():
            group[g, column] = value
        if not throttling:
            group[g, Group.THROTTLE] = inf
    return Plan(**{**vars(plan), "arrays": plan.arrays._replace(group=group)})


def make_faults(
    plan: Plan, loaded: LoadedSite, asked: Sequence[tuple[str, float, float]], place: str = "ELEMENT",
    also: Sequence[Fault] = (),
) -> Faults:  # fmt: skip
    """The faults that ``asked`` (text, at, until) name, all checked, and ``also`` those that have been.

    Something that has no power yet cannot break. Raises ``InputError`` with everything wrong.
    """
    known, problems = places(loaded, plan), Problems()
    made = [problems.of(_checked, plan, text, at, until, known, place) for text, at, until in asked]
    problems.tell()
    faults = Faults(plan, loaded, (*also, *(fault for fault in made if fault is not None)), known)
    problems.of(_of_one_kind, faults, place)
    problems.tell()
    for t in faults.events:
        problems.of(faults.arrays, float(t))  # what nothing is left of is told before anything runs
    problems.tell()
    return faults


def _of_one_kind(faults: Faults, place: str) -> None:
    """Raise ``InputError`` where a loss of the grid is assumed that the power path would have to know of."""
    assumed = [f for f in faults.found if faults.mode(f).dark and not faults.by_path(f)]
    followed = [f for f in faults.found if faults.by_path(f)]
    if assumed and followed:
        sources = faults.known[GRID].sources
        words = "leave its amount out" if sources else "the site has no stores or generators to follow it through"
        raise one(f"{assumed[0].named()} beside {followed[0].named()}: {words}", path=place)


def _checked(plan: Plan, text: str, at: float, until: float, known: dict[str, Place], place: str) -> Fault:
    fault = parse(text, at, until, known, place)
    has_power(plan, fault, known, place)
    return fault


def powered_from(plan: Plan, place: Place) -> float:
    """When an element first has power, s since 1970: its hall, or the first hall that hangs on it, is energised."""
    a = plan.arrays
    if place.role in WIDE and place.hall < 0:
        return float(plan.hall_start_s.min())
    if place.hall >= 0:
        return float(plan.hall_start_s[place.hall])
    halls = [a.sec_hall[place.row]] if place.role in ("cdu", "manifold", "air") else a.sec_hall[a.sec_fac == place.row]
    return float(plan.hall_start_s[halls].min())


def has_power(plan: Plan, fault: Fault, known: Mapping[str, Place], path: str) -> None:
    """Raise ``InputError`` at ``path`` for a fault of something that has no power yet."""
    begins = powered_from(plan, known[fault.element])
    if begins > fault.at_s:
        raise one(f"{fault.element} has no power before {np.datetime64(int(begins), 's')}Z", path=path)


__all__ = [
    "MODES", "Fault", "Faults", "Place", "armed", "cooling_places", "has_power", "make_faults", "named", "places",
    "powered_from",
]  # fmt: skip
