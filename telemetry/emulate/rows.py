"""The rows of a block of the engine by name, and what of a site is published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry import coolants
from telemetry.emulate.points import Spec
from twin.core.errors import did_you_mean, one, option
from twin.core.variables import BY_NAME, slot
from twin.site.load import LoadedSite
from twin.site.model import Loop, Template
from twin.site.plan import Plan, rack_names

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ALL = slice(None)


@dataclass(frozen=True)
class Path:
    """What the power path does where it follows a fault, (interval, element).

    ``own``: W that generators of an element give; ``battery``: share of its input from its store; ``running``: 1 where
    its sets run.
    """

    own: Floats
    battery: Floats
    running: Floats


@dataclass(frozen=True)
class Rows:
    """Step means of a block by level (interval, item, variable); ``humidity`` outdoors (interval), 0..1."""

    levels: dict[str, Floats]
    humidity: Floats
    path: Path | None = None

    def of(self, name: str, items: Ints | slice = ALL) -> Floats:
        """A variable of ``items``: (interval, item)."""
        found: Floats = self.levels[BY_NAME[name].level][:, items, slot(name)]
        return found


Read = Callable[[Rows], Floats]


@dataclass(frozen=True)
class Part:
    """Points that are read together: ``values`` gives (interval, point) in published units, NaN for no value."""

    specs: list[Spec]
    values: Read


@dataclass(frozen=True)
class Scope:
    """The part of a site that is published: indices of its racks, halls, CDUs, loops, and names of all racks."""

    loaded: LoadedSite
    plan: Plan
    racks: Ints
    halls: Ints
    cdus: Ints
    loops: Ints
    names: list[str]

    def hall_of_racks(self) -> Ints:
        """Hall of each rack of the site."""
        a = self.plan.arrays
        return np.repeat(np.arange(len(self.plan.labels.hall)), np.diff(a.group_rack[a.hall_group]))

    def group_of_racks(self) -> Ints:
        """Group of each rack of the site."""
        return np.repeat(np.arange(len(self.plan.arrays.group)), np.diff(self.plan.arrays.group_rack))

    def template(self, hall: int) -> Template:
        """Template of a hall."""
        return coolants.template_of(self.loaded, self.plan, hall)

    def loop(self, index: int) -> Loop:
        """A loop as the site has it."""
        return coolants.loop_of(self.loaded, self.plan, index)

    def secondary_density(self, hall: int) -> float:
        """Density of a hall's coolant at the temperature at which the engine counts it, kg/m3."""
        return coolants.of_hall(self.loaded, self.plan, hall)

    def primary_density(self, index: int) -> float:
        """The same of a loop's water."""
        return coolants.of_loop(self.loaded, self.plan, index)


def scope(loaded: LoadedSite, plan: Plan, at_s: float, asked: str | None) -> Scope:
    """What is published: all that has power at ``at_s``, the first ``asked`` racks of it, or those of that hall.

    Raises ``InputError`` where nothing has power then, and for a hall that the site does not have.
    """
    a, labels = plan.arrays, plan.labels
    on = plan.hall_start_s <= at_s
    if not on.any():
        first = np.datetime64(int(plan.hall_start_s.min()), "s")
        raise one(f"no hall has power before {first}Z", path=option("at="))
    hall_of_rack = np.repeat(np.arange(len(labels.hall)), np.diff(a.group_rack[a.hall_group]))
    racks = np.flatnonzero(on[hall_of_rack])
    if asked is not None:
        racks = _asked(labels.hall, on, hall_of_rack, racks, asked)
    halls = np.unique(hall_of_rack[racks])
    group = np.repeat(np.arange(len(a.group)), np.diff(a.group_rack))
    secs = np.unique(a.group_liquid[group[racks]])
    cdus = np.array([k for k, sec in enumerate(labels.cdu_sec) if sec in secs], np.int64)
    water = np.concatenate([a.sec_fac[np.array(labels.cdu_sec, np.int64)[cdus]], a.sec_fac[plan.air_sec[halls]]])
    return Scope(loaded, plan, racks, halls, cdus, np.unique(water), rack_names(plan))


def check_racks(asked: str, halls: Sequence[str]) -> None:
    """Raise ``InputError`` for what is neither a number of racks, one at least, nor one of ``halls``."""
    if asked not in halls and not (asked.isdecimal() and int(asked) > 0):
        hint = did_you_mean(asked, halls)
        words = f'"{asked}" is neither a number of racks nor a hall{hint or "; expected building/hall"}'
        raise one(words, path=option("racks="))


def _asked(halls: Sequence[str], on: NDArray[np.bool_], hall_of_rack: Ints, racks: Ints, asked: str) -> Ints:
    check_racks(asked, halls)
    if asked.isdecimal():
        return racks[: int(asked)]
    if not on[halls.index(asked)]:
        raise one(f"{asked} has no power by then", path=option("racks="))
    return np.flatnonzero(hall_of_rack == halls.index(asked))


__all__ = ["ALL", "Floats", "Ints", "Part", "Path", "Read", "Rows", "Scope", "check_racks", "scope"]
