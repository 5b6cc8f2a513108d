"""What can break, and how: an element, a mode of its role, and an amount where the mode has one::

    b/h/cdu-01            pumps     they run down and stop, or so many of them where its entry has their curve
                          facility  no facility water reaches it
                          leak      isolated, racks shut down      sensor    reads so many K low, holds as much more
                          fouling   that share of UA is lost       valve     stuck at that share of its opening
                          control   pump and valve stay as they were
    b/h/manifold-01       units     so many of its CDUs are lost    pumps, ... of all of them, as above
    b/h/air               units     so many air handlers stop      sensor, fouling, valve, control as above
    b/loop                pumps     they run down and stop, or so many of them
                          power     the plant has none, and comes back in order (``twin.engine.outage``)
    b/loop/chillers       units     so many machines are lost      power     all stop, restart times run once it is back
    b/loop/rejection      units     so many cells or coolers go; with the last of them all heat stays in the loop
                          power     condenser pumps and fans stand fouling   that share of UA is lost
    b/loop/economizer     units     it takes no heat
    grid                  outage    without an amount the power path follows it with its stores and sets
                                    (``twin.engine.power_run``); else, and on a site without any, generators take load
                                    so many seconds later (``twin.engine.outage``)
                          sag       the voltage falls to that share of its rating, until it is mended
    b/h/ups-A, b/h/lv, mv lost      a bank of the power path, or one unit that stands by itself, is dead
    (any of the path)     units     so many of its units are lost  breaker  opened on purpose, as for work on it
                          bypass    a UPS on its static bypass     locked   a UPS that stays on its battery
    generators            fail      that share of each bank of sets does not start

The first mode of a role is meant where none is named. **A new mode is one line of** ``MODES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from twin.cooling.pump_curve import PumpBank
from twin.core.columns import Fac, Sec
from twin.engine.amount import shown
from twin.engine.hold import stick
from twin.engine.outage import (
    GENERATORS_S,
    LONGEST_SEQUENCE_S,
    LONGEST_START_S,
    SEQUENCE_S,
    outage,
    power,
    stop_chillers,
    stop_rejection,
)
from twin.site.load import LoadedSite
from twin.site.plan import Arrays, Plan


@dataclass(frozen=True)
class Fault:
    """One fault; ``amount`` as its mode means it, None for the mode's own."""

    element: str
    mode: str
    at_s: float
    until_s: float = inf
    amount: float | None = None

    def named(self) -> str:
        """As it is written: ``element:mode=amount``, the amount with its unit."""
        name = f"{self.element}:{self.mode}"
        return name if self.amount is None else f"{name}={shown(self.amount, UNIT_OF[self.mode])}"


@dataclass(frozen=True)
class Place:
    """An element that can break: its role, its row, and how many equal units stand in it."""

    role: str
    row: int
    units: int = 1
    pumps: PumpBank | None = None
    hall: int = -1  # of an element of the power path inside a hall
    sources: bool = False  # stores or generators stand behind it; of the grid: somewhere on the site


Edit = Callable[[Arrays, Place, float], None]
Parts = Callable[[Fault, Mapping[str, Place], LoadedSite, Plan], list[Fault]]


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


def _foul_bank(a: Arrays, place: Place, amount: float) -> None:
    """Both kinds of bank have their UA first in their row."""
    a.rejection[place.row, 0] *= 1.0 - amount


def _all_stop(a: Arrays, place: Place, amount: float) -> None:
    """The fans of the last air handlers run down; of some of several, ``twin.engine.lost`` takes care."""
    if amount >= place.units:
        a.sec[place.row, [Sec.RUNNING, Sec.OPEN]] = 0.0


def _pumps_stop(table: str, column: int) -> Edit:
    """All pumps are lost; of some of several, ``Faults.arrays`` takes care: it knows which stood by."""

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
    """What a mode does to the columns; the amount where none is given (None: it has none), least and most, its unit.

    ``units``: so many of equal units are lost, as :func:`twin.engine.lost.without` has it; most are then all of them.
    ``pumps``: so many pumps are lost where their curve is known, all without an amount.
    ``parts``: it is a sequence of simpler faults. ``holds``: all stays as the step before left it. ``restarts``: the
    loop's chillers stop, and wait out their restart time from its end. ``dark``: racks without a UPS are off.
    ``power``: the power path follows it (``twin.engine.power_faults``); no column is edited. ``stored``: it takes a
    battery.
    """

    edit: Edit | None = None
    amount: float | None = None
    least: float = 0.0
    most: float = 0.0
    units: bool = False
    pumps: bool = False
    unit: str = ""
    parts: Parts | None = None
    holds: bool = False
    restarts: bool = False
    dark: bool = False
    power: bool = False
    stored: bool = False


HELD = {
    "sensor": Mode(_offset, 5.0, -20.0, 20.0, unit="K"),
    "fouling": Mode(_foul, 0.3, 0.0, 0.95, unit="1"),
    "valve": Mode(stick, 0.3, 0.0, 1.0, unit="1"),
    "control": Mode(holds=True),
}
CDU = {
    "pumps": Mode(_pumps_stop("sec", Sec.RUNNING), least=1.0, pumps=True),
    "facility": Mode(_set("sec", (Sec.OPEN, 0.0))),
    "leak": Mode(_set("sec", (Sec.RUNNING, 0.0), (Sec.OPEN, 0.0), (Sec.LEAKS, 1.0))),
    **HELD,
}
UNITS = {"units": Mode(_all_stop, 1.0, 1.0, units=True)}
LOST = Mode(None, 1.0, 1.0, units=True)
PATH = {
    "lost": Mode(power=True),
    "units": Mode(None, 1.0, 1.0, units=True, power=True),
    "breaker": Mode(power=True),
}
MODES: dict[str, dict[str, Mode]] = {
    "cdu": CDU,
    "manifold": UNITS | CDU,
    "air": UNITS | HELD,
    "loop": {
        "pumps": Mode(_pumps_stop("fac", Fac.RUNNING), least=1.0, pumps=True),
        "power": Mode(None, SEQUENCE_S, 0.0, LONGEST_SEQUENCE_S, unit="s", parts=power),
    },
    "chillers": {"units": LOST, "power": Mode(stop_chillers, restarts=True)},
    "rejection": {
        "units": Mode(_reject_nothing, 1.0, 1.0, units=True),
        "power": Mode(stop_rejection),
        "fouling": Mode(_foul_bank, 0.3, 0.0, 0.95, unit="1"),
    },
    "economizer": {"units": LOST},
    "grid": {
        "outage": Mode(None, GENERATORS_S, 0.0, LONGEST_START_S, unit="s", parts=outage, dark=True),
        "sag": Mode(None, 0.7, 0.0, 0.99, unit="1", power=True),
    },
    "path": PATH,
    "ups": PATH | {"bypass": Mode(power=True), "locked": Mode(power=True, stored=True)},
    "generators": {"fail": Mode(None, 0.1, 0.0, 1.0, unit="1", power=True)},
}

# A mode of the same name is stated in the same unit, whatever it befalls.
UNIT_OF = {name: mode.unit for modes in MODES.values() for name, mode in modes.items()}

__all__ = ["MODES", "Fault", "Mode", "Place"]
