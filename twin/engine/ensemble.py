"""A site run many times, each time with other places of its unknowns in their bands: dask tasks over a reduced Plan.

Each sample is the site with its unknowns drawn (``twin.site.unknowns``), lowered, lumped (``twin.site.reduced``) and
run in hour steps with the weather, demand and load of all others. What a task hands back is what ``measure`` makes of
its blocks, so memory does not grow with the period times the samples. Tasks share nothing that they write: any number
of threads, with or without dask, leaves the same bytes.

*Which hours.* Headroom costs ten times the rest of a reduced run. The central run asks for it in every hour; the
samples, of each hall, only in those that were among the worst there, or are extreme in load or weather: other figures
may make another limit bind, and these are the hours in which it does. A worst hour elsewhere would be missed: the
samples' headroom is an upper bound (tests hold it against all hours).

*Samples that cannot be.* Where drawn figures break a rule that no kind mends, or a component cannot be built of them
(an approach that no exchanger reaches), the sample is drawn once more, from the same strata of another set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import Faults, InputError, one, option
from twin.core.units import HOUR
from twin.core.variables import slot
from twin.engine.options import Asked, whole_number
from twin.engine.period import lasting
from twin.engine.prepare import Prepared, pool_curve, read_in
from twin.engine.run import HEADROOM, Result, make_engine
from twin.engine.serve import PoolCurve
from twin.engine.timeline import make_timeline
from twin.engine.uneven import by_hours
from twin.site.load import LoadedSite
from twin.site.lower import lower
from twin.site.plan import Plan
from twin.site.reduced import reduced
from twin.site.unknowns import Unknown, drawn, places_of, unknowns

Floats = NDArray[np.float64]
Where = NDArray[np.uint8]
Numbers = dict[str, Floats]
SAMPLES = 64
MOST_SAMPLES = 4096
ATTEMPTS = 8
INTERVALS_PER_BLOCK = 730
# Hours of a hall's least headroom in the central run, and hours extreme in load or weather, that samples look at. With
# 16 a sample's least power headroom was missed by 6.5 kW of 4 MW a hall, with 128 by 1.8 kW, for 25 % more time.
WORST, EXTREME = 128, 6
IT, COOLING_ROOM, POWER_ROOM = slot("hall_it_power"), HEADROOM, HEADROOM + 2
SITE = [slot("site_power"), slot("outdoor_dry_bulb_temperature"), slot("outdoor_wet_bulb_temperature")]
CONTRACT = slot("contract_power")


@dataclass(frozen=True)
class Case:
    """A site with its figures, and its Plan: whole to begin with, lumped where it is measured."""

    loaded: LoadedSite
    plan: Plan


class Measure(Protocol):
    """What is kept of a run."""

    def __call__(self, case: Case, results: Iterator[Result]) -> Numbers:
        """Arrays by name, of the same shape for every sample; ``results`` must be read to the end."""
        ...


@dataclass(frozen=True)
class Ensemble:
    """What ``measure`` made of the central run and of the samples; ``u`` (sample, unknown) are the places, 0..1."""

    prepared: Prepared
    unknowns: tuple[Unknown, ...]
    u: Floats
    central: Numbers
    samples: list[Numbers]
    redrawn: int


def run_ensemble(
    asked: Asked,
    measure: Measure,
    *,
    samples: int = SAMPLES,
    use_dask: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Ensemble:
    """Run the central case and ``samples`` of what is unknown, in hour steps; ``asked.seed`` draws them.

    ``progress(done, all)`` is called from any thread, before the first run and after each. Raises ``InputError`` for a
    period of no whole hours, for a wrong count, and where no sample of the bands can be built.
    """
    faults = Faults()
    faults.of(check_samples, samples)
    by_hours = faults.of(hourly, asked)
    faults.tell()
    assert by_hours is not None
    prepared = read_in(by_hours)
    tell = _Told(progress, samples)
    watch = _Watch()
    central = _measured(prepared, Case(prepared.loaded, prepared.plan), prepared.threads, None, measure, watch)
    where, found = watch.where(), unknowns(prepared.loaded)
    tell()

    def task(index: int) -> tuple[Numbers, Floats, int]:
        case, u, attempts = _drawn_case(prepared, found, index, samples)
        numbers = _measured(prepared, case, 1, where, measure)
        tell()
        return numbers, u, attempts

    if use_dask:
        dask: Any = import_module("dask")  # a run and its summary read this file too, and need no dask
        jobs = [dask.delayed(task, pure=False)(index) for index in range(samples)]
        made = dask.compute(*jobs, scheduler="threads", num_workers=prepared.threads)
    else:
        made = tuple(task(index) for index in range(samples))
    u = np.array([row for _, row, _ in made]).reshape(samples, len(found))
    return Ensemble(prepared, found, u, central, [numbers for numbers, _, _ in made], sum(n for _, _, n in made))


def hourly(asked: Asked) -> Asked:
    """The same in steps and output intervals of an hour. Raises ``InputError`` for a period of no whole hours."""
    old = asked.timeline
    if (old.end - old.start) % HOUR:
        what = f"bands are made in steps of an hour: the period of {lasting(old.end - old.start)} must hold whole hours"
        raise one(what, path=option("end="))
    return replace(asked, timeline=make_timeline(old.start, old.end, HOUR, HOUR, old.events, INTERVALS_PER_BLOCK))


def check_samples(samples: object) -> None:
    """Raise ``InputError`` for a count of samples that says nothing about quantiles, or is beyond reason."""
    whole_number(samples, option("samples="), 8, MOST_SAMPLES)


def _drawn_case(prepared: Prepared, found: tuple[Unknown, ...], index: int, samples: int) -> tuple[Case, Floats, int]:
    """The case of a sample, its places (unknown), and how often it had to be drawn again."""
    fault: InputError | None = None
    for attempt in range(ATTEMPTS):
        u = places_of(found, index, samples, prepared.seed, attempt)
        try:
            loaded = drawn(prepared.loaded, dict(zip(found, u.tolist(), strict=True)))
            return Case(loaded, lower(loaded, prepared.plan)), u, attempt
        except InputError as error:
            fault = error
    assert fault is not None
    problems = [replace(p, message=f"no sample of the bands can be built: {p.message}") for p in fault.problems]
    raise InputError(problems)


def _measured(
    prepared: Prepared, case: Case, threads: int, where: Where | None, measure: Measure, watch: _Watch | None = None
) -> Numbers:
    """Lump the Plan of a case and run it; headroom in ``where`` (output interval, hall), everywhere without."""
    # The curves of pools hang on the rated power of one rack: that of the whole Plan.
    curves = [
        pool_curve(case.plan, case.loaded, i) if isinstance(curve, PoolCurve) else curve
        for i, curve in enumerate(prepared.curves)
    ]
    small = reduced(case.plan)
    made = make_engine(
        small, prepared.weather, curves, prepared.timeline, seed=prepared.seed, threads=threads, racks=False,
        demand=prepared.demand, caps=prepared.caps,
    )  # fmt: skip
    results = by_hours(made, case.plan, where).blocks()
    return measure(Case(case.loaded, small), watch.passing(results) if watch else results)


class _Watch:
    """Follows the central run and says in which hours headroom may be least."""

    def __init__(self) -> None:
        self._halls: list[Floats] = []
        self._site: list[Floats] = []

    def passing(self, results: Iterator[Result]) -> Iterator[Result]:
        """Hand blocks on, keeping what is looked at."""
        for result in results:
            hall, site = result.levels["hall"], result.levels["site"][:, 0]
            self._halls.append(hall[..., [COOLING_ROOM, POWER_ROOM, IT]])
            self._site.append(np.column_stack([site[:, SITE], site[:, SITE[0]] - site[:, CONTRACT]]))
            yield result

    def where(self) -> Where:
        """Output intervals of halls (interval, hall) at which samples look."""
        hall, site = np.concatenate(self._halls), np.concatenate(self._site)
        room = np.where(np.isnan(hall[..., :2]), np.inf, hall[..., :2])
        found = np.zeros(hall.shape[:2], np.uint8)
        for worst in (room[..., 0], room[..., 1], -hall[..., 2]):
            np.put_along_axis(found, np.argsort(worst, axis=0, kind="stable")[:WORST], 1, axis=0)
        found[np.argsort(-site, axis=0, kind="stable")[:EXTREME].ravel()] = 1
        return found


class _Told:
    """Counts what is done, from any thread."""

    def __init__(self, progress: Callable[[int, int], None] | None, samples: int) -> None:
        self._progress, self._lock, self._done, self._all = progress, Lock(), 0, samples + 1
        if progress:
            progress(0, self._all)

    def __call__(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress:
                self._progress(self._done, self._all)


__all__ = ["Case", "Ensemble", "Measure", "Numbers", "check_samples", "hourly", "run_ensemble"]
