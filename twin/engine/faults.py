"""Faults as data: what breaks, from when to when, and what that makes of the columns of a Plan.

A fault names an element as the results do, a mode of its role, and an amount where the mode has one::

    b/h/cdu-01            pumps     they run down and stop, or so many of them where its entry has their curve
                          facility  no facility water reaches it
                          leak      isolated, racks shut down      sensor    reads so many K low, holds as much more
                          fouling   that share of UA is lost
    b/h/manifold-01       units     so many of its CDUs are lost    pumps, ... of all of them, as above
    b/h/air               units     so many air handlers stop      sensor, fouling as above
    b/loop                pumps     they run down and stop, or so many of them
    b/loop/chillers       units     so many machines are lost
    b/loop/rejection      units     so many cells or coolers are lost; with the last of them all heat stays in the loop
    b/loop/economizer     units     it takes no heat

The first mode of a role is meant where none is named. **A new mode is one line of** ``MODES``. Between two instants at
which something breaks or is mended the columns stand still; the loop itself knows no fault. Racks that have tripped are
reset a while after the last fault has been mended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from twin.cooling.machines import RUNNING as ON
from twin.cooling.pump_curve import PumpBank
from twin.core.columns import Fac, Group, Sec
from twin.core.errors import Faults as Problems
from twin.core.errors import did_you_mean, one
from twin.engine.arrays import State
from twin.engine.lost import banks, pump_banks, without
from twin.engine.pump_faults import fail_over_at, let_fall, pumps_running
from twin.racks.rack import Rack
from twin.site.load import LoadedSite
from twin.site.lower_hall import interlocks
from twin.site.plan import Arrays, Plan

Floats = NDArray[np.float64]
# Someone looks at a hall before its racks are switched on again (prior).
RESET_S = 120.0


@dataclass(frozen=True)
class Fault:
    """One fault; ``amount`` as its mode means it, None for the mode's own."""

    element: str
    mode: str
    at_s: float
    until_s: float = inf
    amount: float | None = None

    def named(self) -> str:
        """As it is written: ``element:mode=amount``."""
        return f"{self.element}:{self.mode}" + (f"={self.amount:g}" if self.amount is not None else "")


@dataclass(frozen=True)
class Place:
    """An element that can break: its role, its row, and how many equal units stand in it."""

    role: str
    row: int
    units: int = 1
    pumps: PumpBank | None = None


Edit = Callable[[Arrays, Place, float], None]


def _set(table: str, *columns: tuple[int, float]) -> Edit:
    def edit(a: Arrays, place: Place, amount: float) -> None:
        del amount
        for column, value in columns:
            getattr(a, table)[place.row, column] = value

    return edit


def _offset(a: Arrays, place: Place, amount: float) -> None:
    a.sec[place.row, Sec.SET_OFFSET] += amount


def _foul(a: Arrays, place: Place, amount: float) -> None:
    a.sec[place.row, Sec.UA] *= 1.0 - amount


def _all_stop(a: Arrays, place: Place, amount: float) -> None:
    """The fans of the last air handlers run down; of some of several, ``twin.engine.lost`` takes care."""
    if amount >= place.units:
        a.sec[place.row, [Sec.RUNNING, Sec.OPEN]] = 0.0


def _pumps_stop(table: str, column: int) -> Edit:
    """All pumps are lost; of some of several, :meth:`Faults.arrays` takes care: it knows which stood by."""

    def edit(a: Arrays, place: Place, amount: float) -> None:
        if not amount:
            getattr(a, table)[place.row, column] = 0.0

    return edit


def _reject_nothing(a: Arrays, place: Place, amount: float) -> None:
    """Without any cell chillers trip on condenser pressure and the economiser meets warm water: nothing takes heat."""
    if amount >= place.units:
        a.fac[place.row, [Fac.CHILLERS, Fac.ECONOMIZER, Fac.ECONOMIZER_UA, Fac.FAN]] = 0.0


@dataclass(frozen=True)
class Mode:
    """What a mode does to the columns; the amount where none is given (None: it has none), least and most.

    ``units``: so many of equal units are lost, as :func:`twin.engine.lost.without` has it; most are then all of them.
    ``pumps``: so many pumps are lost where their curve is known, all without an amount.
    """

    edit: Edit | None = None
    amount: float | None = None
    least: float = 0.0
    most: float = 0.0
    units: bool = False
    pumps: bool = False


SENSOR, FOULING = Mode(_offset, 5.0, -20.0, 20.0), Mode(_foul, 0.3, 0.0, 0.95)
CDU = {
    "pumps": Mode(_pumps_stop("sec", Sec.RUNNING), least=1.0, pumps=True),
    "facility": Mode(_set("sec", (Sec.OPEN, 0.0))),
    "leak": Mode(_set("sec", (Sec.RUNNING, 0.0), (Sec.OPEN, 0.0), (Sec.LEAKS, 1.0))),
    "sensor": SENSOR,
    "fouling": FOULING,
}
UNITS = {"units": Mode(_all_stop, 1.0, 1.0, units=True)}
MODES: dict[str, dict[str, Mode]] = {
    "cdu": CDU,
    "manifold": UNITS | CDU,
    "air": {**UNITS, "sensor": SENSOR, "fouling": FOULING},
    "loop": {"pumps": Mode(_pumps_stop("fac", Fac.RUNNING), least=1.0, pumps=True)},
    "chillers": {"units": Mode(None, 1.0, 1.0, units=True)},
    "rejection": {"units": Mode(_reject_nothing, 1.0, 1.0, units=True)},
    "economizer": {"units": Mode(None, 1.0, 1.0, units=True)},
}


# Where the last unit is lost as well, an edit takes care: ``twin.engine.lost`` leaves no Plan then.
ALL_STOP = ("air", "manifold", "rejection")


def places(loaded: LoadedSite, plan: Plan) -> dict[str, Place]:
    """Everything that can break, by name."""
    found = {name: Place("cdu", j) for name, j in zip(plan.labels.cdu, plan.labels.cdu_sec, strict=True)}
    found |= {name: Place("loop", f) for f, name in enumerate(plan.labels.loop)}
    for name, bank in banks(loaded, plan).items():
        if bank.kind in MODES:
            found[name] = Place(bank.kind, bank.index, bank.count)
    for name, (_, _, pumps) in pump_banks(loaded, plan).items():
        found[name] = replace(found[name], pumps=pumps)
    return found


def parse(text: str, at_s: float, until_s: float, known: dict[str, Place], place: str) -> Fault:
    """A fault from ``ELEMENT[:MODE[=AMOUNT]]``; raises ``InputError`` with what was expected."""
    element, colon, rest = text.partition(":")
    if element not in known:
        raise one(f'nothing that can break is called "{element}"{did_you_mean(element, known)}', path=place)
    modes = MODES[known[element].role]
    mode, equals, number = rest.partition("=") if colon else (next(iter(modes)), "", "")
    if mode not in modes:
        raise one(f'{element} has no mode "{mode}"{did_you_mean(mode, modes)}, expected {", ".join(modes)}', path=place)
    meant = modes[mode]
    if not equals:
        return Fault(element, mode, at_s, until_s, meant.amount)
    pumps = known[element].pumps if meant.pumps else None
    if meant.amount is None and pumps is None:
        why = ": nothing says how many there are, give its pumps by their curve" if meant.pumps else ""
        raise one(f"{mode} of {element} takes no amount{why}", path=place)
    most = known[element].units if meant.units else pumps.count if pumps else meant.most
    try:
        amount = float(number)
    except ValueError:
        amount = np.nan
    if not meant.least <= amount <= most or ((meant.units or meant.pumps) and amount % 1.0):
        raise one(f"{mode}={number} of {element} is out of range, expected {meant.least:g} to {most:g}", path=place)
    return Fault(element, mode, at_s, until_s, amount)


@dataclass
class Faults:
    """The faults of a run, and the columns that they leave at each instant."""

    plan: Plan
    loaded: LoadedSite
    found: tuple[Fault, ...]
    known: dict[str, Place]
    reset_s: float = RESET_S
    _made: dict[tuple[tuple[Fault, ...], tuple[Fault, ...]], Arrays] = field(default_factory=dict)

    @property
    def events(self) -> Floats:
        """Instants at which something breaks, is made up for or mended, or racks are reset, s."""
        ends = [f.until_s for f in self.found if f.until_s < inf]
        again = [at for at, _ in self.fail_overs]
        return np.array(sorted({*(f.at_s for f in self.found), *again, *ends, *([self.reset_at] if ends else [])}))

    @property
    def fail_overs(self) -> list[tuple[float, str]]:
        """When pumps that stood by have taken over, s, and where."""
        found = [(fail_over_at(f, pumps), f.element) for f in self.found if (pumps := self._counted(f)) is not None]
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
        """The faults that hold at ``t``."""
        return tuple(f for f in self.found if f.at_s <= t < f.until_s)

    def units_lost(self, active: Sequence[Fault]) -> dict[str, int]:
        """Units that the faults ``active`` take of each element together, at most all there are."""
        lost: dict[str, int] = {}
        for fault in active:
            place = self.known[fault.element]
            if MODES[place.role][fault.mode].units:
                lost[fault.element] = min(place.units, lost.get(fault.element, 0) + int(fault.amount or 1))
        return lost

    def _counted(self, fault: Fault) -> PumpBank | None:
        """The pumps of which a fault takes some; None for any other fault."""
        place = self.known[fault.element]
        return place.pumps if MODES[place.role][fault.mode].pumps and fault.amount is not None else None

    def _columns(self, active: tuple[Fault, ...], t: float) -> Arrays:
        plan, lost = self.plan, self.units_lost(active)
        for element, units in lost.items():
            place = self.known[element]
            if place.role not in ALL_STOP or units < place.units:
                plan = without(self.loaded, plan, element, units)
        a = plan.arrays
        made = a._replace(sec=a.sec.copy(), fac=a.fac.copy())
        for fault in active:
            place = self.known[fault.element]
            edit = MODES[place.role][fault.mode].edit
            if edit is not None:
                units = MODES[place.role][fault.mode].units
                edit(made, place, lost[fault.element] if units else fault.amount or 0.0)
            pumps = self._counted(fault)
            if pumps is not None:
                table, column = ("fac", Fac.RUNNING) if place.role == "loop" else ("sec", Sec.RUNNING)
                row = getattr(made, table)[place.row]
                row[column] = min(row[column], pumps.share(self.running(fault.element, pumps, active, t)))
        return made

    def running(self, element: str, pumps: PumpBank, active: Sequence[Fault], t: float) -> int:
        """Pumps of an element that run at ``t`` with the faults ``active``."""
        return pumps_running([f for f in active if f.element == element and self._counted(f)], pumps, t)

    def begin(self, state: State, t: float) -> None:
        """Let flows fall where pumps fail, stop chillers that break at ``t``, reset tripped racks where it is time."""
        let_fall(self, state, t)
        for fault in self.found:
            if fault.at_s == t and fault.mode == "units" and self.known[fault.element].role == "chillers":
                # What breaks is a machine that runs; one that stands by is called, and carries load after its start.
                clocks = state.chillers[self.known[fault.element].row]
                clocks[ON] = max(0.0, clocks[ON] - (fault.amount or 1.0))
        if self.reset_at == t:
            np.negative(np.abs(state.tripped_by), out=state.tripped_by)
            state.trip_clock.fill(0.0)


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
    plan: Plan, loaded: LoadedSite, asked: Sequence[tuple[str, float, float]], place: str = "ELEMENT"
) -> Faults:
    """The faults that ``asked`` (text, at, until) name, all checked; raises ``InputError`` with everything wrong.

    Something that has no power yet cannot break.
    """
    known, problems = places(loaded, plan), Problems()
    made = [problems.of(_checked, plan, text, at, until, known, place) for text, at, until in asked]
    problems.tell()
    faults = Faults(plan, loaded, tuple(fault for fault in made if fault is not None), known)
    for t in faults.events:
        problems.of(faults.arrays, float(t))  # what nothing is left of is told before anything runs
    problems.tell()
    return faults


def _checked(plan: Plan, text: str, at: float, until: float, known: dict[str, Place], place: str) -> Fault:
    fault = parse(text, at, until, known, place)
    where = known[fault.element]
    a = plan.arrays
    halls = [a.sec_hall[where.row]] if where.role in ("cdu", "air") else a.sec_hall[a.sec_fac == where.row]
    if plan.hall_start_s[halls].min() > at:
        start = np.datetime64(int(plan.hall_start_s[halls].min()), "s")
        raise one(f"{fault.element} has no power before {start}Z", path=place)
    return fault


__all__ = ["MODES", "Fault", "Faults", "Place", "armed", "make_faults", "places"]
