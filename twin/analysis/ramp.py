"""How fast a site's power changes at the meter, against what the grid allows, why, and what storage would meet it.

A run of a minute a step over a day shows ramps over 1 and 5 min; what swings faster comes from the training jobs in
closed form (``ramp_swings``), what happens seldom from canonical steps: half of the load lost, the largest job
started, halls energised, all of the load back after an outage. Equations: ``twin.power.ramp``, ``twin.power.swing``.

A limit of ramps is held against both windows of the run; limits of swings against the jobs; steps are told with the
storage that would meet the limit, none of them is a violation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path

import numpy as np
import xarray as xr

from twin.analysis.curtail import peak_hour, seconds
from twin.analysis.dataset import simulate
from twin.analysis.period import Floats, values
from twin.analysis.ramp_causes import Cause, causes
from twin.analysis.ramp_limits import Limits, Verdict, limits_for, verdicts
from twin.analysis.ramp_swings import (
    SUPPLY_S,
    Training,
    energised_words,
    largest_energisation,
    largest_hall,
    trainings,
)
from twin.core.errors import Faults, one, option
from twin.core.units import DAY, HOUR
from twin.engine.period import instant, stamp
from twin.power.ramp import Limited, Need, breaches, limited, steepest, step_need
from twin.power.swing import CRITICAL_HZ, TRAINING_HZ, band_share, together
from twin.site.load import LoadedSite, load_site

STEP_S = 60.0
WINDOWS_S = (60.0, 300.0)
LONGEST_S = 7 * DAY
# One way, of a lithium-ion store whose round trip is 0.95-0.97 with its converters: estimate.
EFFICIENCY = 0.975
# How long a store takes to come back to where it was; long against any ramp of a minute or more.
RESTORE_S = HOUR


@dataclass(frozen=True)
class Options:
    """What is asked for: a period (ISO 8601), limits in place of the site's, stages in s, seed."""

    start: str | None = None
    end: str | None = None
    limit_mw_min: float | None = None
    limit_mw_s: float | None = None
    stages_s: Sequence[float] = (SUPPLY_S,)
    seed: int = 0


@dataclass(frozen=True)
class Change:
    """The steepest ramp of a window in one direction: W/s, signed, its end (s since 1970 UTC), what causes it."""

    window_s: float
    rate_w_s: float
    end_s: float
    causes: list[Cause]


@dataclass(frozen=True)
class Step:
    """A canonical step at the meter, W, signed, and the store that would meet the limit (None without a limit)."""

    name: str
    what: str
    power_w: float
    need: Need | None


@dataclass(frozen=True)
class Swings:
    """All training jobs together at the meter: range and root mean square in W, steepest flank in W/s, shares 0..1."""

    jobs: list[Training]
    stages_s: Sequence[float]
    range_w: float
    rms_w: float
    flank_w_s: float
    critical_share: float
    training_share: float


@dataclass(frozen=True)
class Ramps:
    """The answer: the run, its steepest ramps, swings, steps, verdicts; ``store`` None where no limit asks for one."""

    loaded: LoadedSite
    options: Options
    run: xr.Dataset
    limits: Limits
    changes: list[Change]
    store: Limited | None
    swings: Swings
    steps: list[Step]
    verdicts: list[Verdict]

    @property
    def violated(self) -> bool:
        """Whether a limit is not kept."""
        return any(one.kept is False for one in self.verdicts)


@dataclass(frozen=True)
class Asked:
    """Checked options: the site, and begin and end in s since 1970 UTC where they are given."""

    loaded: LoadedSite
    span: tuple[float, float] | None


def ramps(site: str | Path | LoadedSite, options: Options | None = None) -> Ramps:
    """Run the site and tell its ramps. The default period is the local day of the year's peak hour.

    Raises ``InputError`` for options out of range and a site that cannot be run.
    """
    asked = options or Options()
    checked = ask(site, asked)
    loaded = checked.loaded
    start, end = checked.span if checked.span is not None else _peak_day(loaded, asked.seed)
    run = simulate(loaded, start=stamp(start), end=stamp(end), step=STEP_S, every=STEP_S, seed=asked.seed)
    power = values(run, "site_power")
    limits = limits_for(loaded, asked.limit_mw_min, asked.limit_mw_s)
    changes = [change for window in WINDOWS_S for change in _changes(loaded, run, power, window)]
    factor = _factor(run)
    swings = _swings(trainings(loaded, end, factor, asked.stages_s), asked.stages_s)
    store = None
    if limits.ramp_w_s is not None and breaches(power, STEP_S, limits.ramp_w_s):
        store = limited(power, STEP_S, limits.ramp_w_s, efficiency=EFFICIENCY, restore_s=RESTORE_S)
    steps = _steps(loaded, end, power, factor, swings, limits)
    steepest_of = {w: max(abs(c.rate_w_s) for c in changes if c.window_s == w) for w in WINDOWS_S}
    held = verdicts(loaded, limits, steepest_of, swings, {step.name: step.power_w for step in steps})
    return Ramps(loaded, asked, run, limits, changes, store, swings, steps, held)


def ask(site: str | Path | LoadedSite, asked: Options) -> Asked:
    """Check what is asked for. Raises ``InputError`` with every fault; nothing is run."""
    faults = Faults()
    loaded = site if isinstance(site, LoadedSite) else faults.of(load_site, site)
    for value, place in ((asked.limit_mw_min, "limit_mw_min="), (asked.limit_mw_s, "limit_mw_s=")):
        if value is not None and not 0.0 < value <= 1e5:
            faults.of(_refuse, f"{value:g} is out of range, expected more than 0", option(place))
    for stage in asked.stages_s:
        if not 0.0 <= stage <= HOUR:
            faults.of(_refuse, f"{stage:g} s is out of range, expected 0 to 3600 s", option("stage_s="))
    span = None
    if asked.start is not None:
        span = faults.of(_span, asked.start, asked.end)
    elif asked.end is not None:
        faults.of(_refuse, f"an end needs a start: give {option('start=')} as well", option("end="))
    faults.tell()
    assert loaded is not None
    return Asked(loaded, span)


def _span(start: str, end: str | None) -> tuple[float, float]:
    """The period asked for; a day without an end."""
    begin = instant(start, option("start="))
    finish = begin + DAY if end is None else instant(end, option("end="))
    if not 10 * STEP_S <= finish - begin <= LONGEST_S:
        raise one("a period of 10 min to 7 days is expected: a step is a minute", path=option("end="))
    return begin, finish


def _refuse(what: str, place: str) -> None:
    raise one(what, path=place)


def _peak_day(loaded: LoadedSite, seed: int) -> tuple[float, float]:
    """The local day in which the peak hour of the default year lies."""
    offset = loaded.site.utc_offset_h * HOUR
    begin = floor((peak_hour(loaded, seed) + offset) / DAY) * DAY - offset
    return begin, begin + DAY


def _changes(loaded: LoadedSite, run: xr.Dataset, power: Floats, window_s: float) -> list[Change]:
    """The steepest rise and fall over a window."""
    ends, span = seconds(run), round(window_s / STEP_S)
    return [
        Change(window_s, one.rate_w_s, float(ends[one.at]), causes(loaded, run, max(0, one.at - span), one.at))
        for one in steepest(power, STEP_S, window_s)
    ]


def _factor(run: xr.Dataset) -> float:
    """W at the meter per W of IT where cooling stands still, at the peak of the run."""
    it, loss = values(run, "site_it_power"), values(run, "site_electrical_loss")
    top = int(np.argmax(it))
    return 1.0 + float(loss[top] / it[top]) if it[top] > 0.0 else 1.0


def _swings(jobs: list[Training], stages_s: Sequence[float]) -> Swings:
    """Jobs together: inside a job amplitudes are added already, between jobs squares add."""
    waves = [one.seen for one in jobs]
    return Swings(
        jobs,
        stages_s,
        together(one.left.range_w for one in jobs),
        together(one.left.rms_w for one in jobs),
        together(max(one.left.up_w_s, one.left.down_w_s) for one in jobs),
        band_share(waves, CRITICAL_HZ, stages_s),
        band_share(waves, TRAINING_HZ, stages_s),
    )


def _steps(
    loaded: LoadedSite, end_s: float, power: Floats, factor: float, swings: Swings, limits: Limits
) -> list[Step]:
    """The canonical steps, each with the storage that would meet the limit."""
    peak = float(power.max())
    if swings.jobs:
        job = max(swings.jobs, key=lambda one: one.start_w)
        started = ("start of the largest job", f"{job.load}: {job.racks:,} racks from idle to high", job.start_w)
    else:
        name, more = largest_hall(loaded, end_s, factor)
        started = ("start of the largest hall", f"{name or 'none'} from idle to full: the site trains nothing", more)
    added = largest_energisation(loaded, factor)
    told = [
        ("loss of half the load", "half of the peak of the run, at once", -0.5 * peak),
        started,
        ("largest energisation", energised_words(added), added.power_w),
        ("restart after an outage", "the peak of the run, at once", peak),
    ]
    need = [None if limits.ramp_w_s is None else step_need(watts, limits.ramp_w_s) for _, _, watts in told]
    return [Step(*one, what) for one, what in zip(told, need, strict=True)]


__all__ = ["Asked", "Change", "Options", "Ramps", "Step", "Swings", "ask", "ramps"]
