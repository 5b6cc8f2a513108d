"""Training jobs of a site as swings at the meter: what a run of a minute a step cannot show, from the site itself.

Equations::

    A = f sum over racks (P(high) - P(low)),   high, low = mean + amplitude (1 - duty), mean - amplitude duty
    f = (P_it + losses)/P_it of the run at its peak: the electrical path passes swings on, cooling is too slow for them

    k = min(1, E/(a d (1 - d) T), P/(a max(d, 1 - d)))      share of a rack's swing a that supercapacitors in it take

A shelf that holds less than a swing (E usable, P rated) leaves the rest of it at the meter; k is what the best control
makes of it. Battery modules do not smooth.

Racks on the same load of the site are one job and rise together; those that serve follow no load. What is left at the
meter is that of ``twin.power.swing`` behind first-order stages; without a named one that of the racks' supplies alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from twin.core.units import KW
from twin.engine.period import stamp
from twin.power.store import Store
from twin.power.swing import Job, Passed, passed
from twin.racks.rack import Rack
from twin.site.load import LoadedSite
from twin.site.lower import local_midnight
from twin.site.lower_fleet import pool_of
from twin.site.model import LoadCurve
from twin.site.rack_stores import SMOOTHS
from twin.site.rated import rack_counts, rated_rack

# Hold-up of a rack's supplies at full load (ORv3: 20 ms), taken as a first-order stage: estimate.
SUPPLY_S = 0.02


@dataclass(frozen=True)
class Training:
    """A training job at the meter: its swing, what it is behind the stages, and its step from idle to high, W.

    ``seen`` is the swing that the supercapacitors of its racks leave, ``stored_j`` what they hold.
    """

    load: str
    halls: tuple[str, ...]
    racks: int
    job: Job
    left: Passed
    start_w: float
    seen: Job
    stored_j: float


@dataclass(frozen=True)
class Energised:
    """Halls that get power on the same day: the day (local), their racks' power without work at the meter, W."""

    day: str
    at_s: float
    halls: tuple[str, ...]
    power_w: float


def trainings(loaded: LoadedSite, until_s: float, factor: float, stages_s: Sequence[float]) -> list[Training]:
    """The training jobs of halls that are energised by ``until_s``, largest swing first."""
    site, found = loaded.site, []
    serving = pool_of(site, loaded.library)
    for load, curve in site.loads.items():
        if curve.swing is None:
            continue
        halls, racks, low, high, idle, taken, stored = [], 0, 0.0, 0.0, 0.0, 0.0, 0.0
        for name, hall, template in _halls(loaded, until_s):
            if hall != load:
                continue
            counts = {
                rack: n for rack, n in rack_counts(site.templates[template]).items() if (name, rack) not in serving
            }
            if not counts:
                continue
            halls.append(name)
            racks += sum(counts.values())
            idle, low, high = (
                was + _power(loaded, counts, at)
                for was, at in zip((idle, low, high), (0.0, *_ends(curve)), strict=True)
            )
            smooth, held = _smoothed(loaded, counts, curve)
            taken, stored = taken + smooth, stored + held
        if halls:
            job = Job(factor * (high - low), curve.swing.period_s, curve.swing.duty)
            seen = replace(job, amplitude_w=max(0.0, job.amplitude_w - factor * taken))
            left, start = passed(seen, stages_s), factor * (high - idle)
            found.append(Training(load, tuple(halls), racks, job, left, start, seen, stored))
    return sorted(found, key=lambda one: -one.job.amplitude_w)


def _ends(curve: LoadCurve) -> tuple[float, float]:
    """Utilisation while the job waits and while it computes, about the mean of its curve."""
    assert curve.swing is not None
    swing = curve.swing
    return curve.mean - swing.amplitude * swing.duty, curve.mean + swing.amplitude * (1.0 - swing.duty)


def _smoothed(loaded: LoadedSite, counts: dict[str, int], curve: LoadCurve) -> tuple[float, float]:
    """What supercapacitors in racks take of their swing at the AC input, W, and what they hold, J."""
    assert curve.swing is not None
    library, taken, stored = loaded.library, 0.0, 0.0
    low, high = _ends(curve)
    for id, n in counts.items():
        held = library.get(id, Rack).store
        store = library.get(held.device, Store) if held is not None else None
        if held is None or store is None or store.form != SMOOTHS:
            continue
        swing = _power(loaded, {id: 1}, high) - _power(loaded, {id: 1}, low)
        job = Job(swing, curve.swing.period_s, curve.swing.duty)
        energy, power = store.usable_j() * held.count, store.power_kw.value * KW * held.count
        share = min(1.0, energy / job.store_j, power / job.store_w) if swing > 0.0 else 0.0
        taken, stored = taken + n * share * swing, stored + n * energy
    return taken, stored


def _power(loaded: LoadedSite, counts: dict[str, int], load: float) -> float:
    """Power of racks at their AC input at a utilisation, W."""
    library = loaded.library
    return sum(n * rated_rack(library.get(rack, Rack), library, load).it_kw for rack, n in counts.items()) * KW


def _halls(loaded: LoadedSite, until_s: float) -> list[tuple[str, str, str]]:
    """Halls with power by then: name, load and template."""
    return [
        (f"{b}/{h}", hall.load, hall.template)
        for b, building in loaded.site.buildings.items()
        for h, hall in building.halls.items()
        if local_midnight(hall.energised_on, loaded.site.utc_offset_h) <= until_s
    ]


def largest_energisation(loaded: LoadedSite, factor: float) -> Energised:
    """The day on which racks without work add most power."""
    site = loaded.site
    days: dict[str, tuple[tuple[str, ...], float]] = {}
    for b, building in site.buildings.items():
        for h, hall in building.halls.items():
            names, power = days.get(hall.energised_on, ((), 0.0))
            counts = rack_counts(site.templates[hall.template])
            days[hall.energised_on] = ((*names, f"{b}/{h}"), power + _power(loaded, counts, 0.0))
    day, (halls, power) = max(days.items(), key=lambda item: item[1][1])
    return Energised(day, float(local_midnight(day, site.utc_offset_h)), halls, factor * power)


def largest_hall(loaded: LoadedSite, until_s: float, factor: float) -> tuple[str, float]:
    """The hall that adds most from idle to full, and what it adds at the meter, W."""
    swings = []
    for name, _, template in _halls(loaded, until_s):
        counts = rack_counts(loaded.site.templates[template])
        swings.append((_power(loaded, counts, 1.0) - _power(loaded, counts, 0.0), name))
    power, name = max(swings, default=(0.0, ""))
    return name, factor * power


def energised_words(found: Energised) -> str:
    """``2 halls on 2027-03-01 (00:00 local, 06:00Z)``."""
    count = "1 hall" if len(found.halls) == 1 else f"{len(found.halls)} halls"
    return f"{count} on {found.day}, {stamp(found.at_s)}"


__all__ = [
    "SUPPLY_S", "Energised", "Training", "energised_words", "largest_energisation", "largest_hall", "trainings",
]  # fmt: skip
