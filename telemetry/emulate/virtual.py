"""From what is asked for to a virtual facility that runs: all is checked first, then the engine has hidden figures.

The engine has step means; its step follows from the speed, so that a step is about as long as what passes in the model
between two readings of a point, and never less than ``STEPS_S[0]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from telemetry.emulate.broken_plant import LEAD_S, PlantFaults, broken
from telemetry.emulate.facility import Facility, facility
from telemetry.emulate.faults import BMS, SensorFault, Words, parse, sensor_faults, told_by_sensors
from telemetry.emulate.plant import Plant, frames, intervals_per_block
from telemetry.emulate.rows import check_racks, scope
from telemetry.emulate.sensors import RATES, Rates, Sensors, told
from telemetry.emulate.stream import Layout, Pace, Stream, sensors_of
from telemetry.emulate.truth import Truth, as_it_is, draw
from twin.analysis.fail import begin_of
from twin.core.errors import Faults as Problems
from twin.core.errors import did_you_mean, one, option, renamed
from twin.core.units import DAY
from twin.engine.faults import places
from twin.engine.options import Asked, ask, whole_number
from twin.engine.period import LONGEST_S as FOREVER_S
from twin.engine.period import instant, period, stamp
from twin.engine.prepare import Prepared, pool_curve, read_in
from twin.engine.scenario import Written, load_scenario
from twin.engine.serve import PoolCurve
from twin.site.load import LoadedSite, load_site
from twin.site.lower import local_midnight

STEPS_S = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
# Above so many racks a step of 5 s would keep a core busy.
LARGE = 2000
FASTEST = 1800.0
# How the first line about a facility begins: whoever starts one as a process knows by it that nothing was refused.
STANDS = "site "
SHORTEST_S, LONGEST_S = 0.5, 10.0
# How much of the model is ahead where no end is asked for, at the speed of the clock; never more than a year.
AHEAD_S, LONGEST_AHEAD_S = 30 * DAY, 366 * DAY


@dataclass(frozen=True)
class Wanted:
    """What is asked for, as it was written. ``lasting_s`` None: until somebody stops it; both in time of messages."""

    site: str | LoadedSite
    at: str | None = None
    lasting_s: float | None = None
    speed: float = 1.0
    period_s: float = 2.0
    seed: int = 0
    racks: str | None = None
    sensors: str = "typical"
    drawn: bool = True
    faults: Sequence[str] = ()
    scenario: str | None = None
    weather: str | None = None
    load: str | None = None


@dataclass
class Virtual:
    """A virtual facility, ready to publish. ``close`` ends its engine."""

    site: str
    facility: Facility
    truth: Truth
    layout: Layout
    sensors: Sensors
    sensor_faults: list[SensorFault]
    plant_faults: PlantFaults
    prepared: Prepared
    believed: LoadedSite
    wanted: Wanted
    plant: Plant

    def stream(self, start_ns: int) -> Stream:
        """Its messages, the first at ``start_ns`` (ns since 1970 UTC); may be asked for once."""
        pace = Pace(self.prepared.timeline.start, start_ns, self.wanted.speed, self.wanted.period_s)
        return Stream(self.site, self.layout, self.plant, self.sensors, self.sensor_faults, pace)

    def told(self) -> dict[str, Any]:
        """The hidden truth as plain data: figures of the plant, errors of the sensors, faults."""
        s = self.sensors
        errors = zip(self.layout.specs, self.layout.tails, s.bias, s.gain, s.drift, strict=True)
        return {
            "site": self.site, "seed": self.wanted.seed, "at_utc": stamp(self.prepared.timeline.start),
            "speed": self.wanted.speed, "step_s": self.prepared.timeline.step, "weather": self.prepared.weather.name,
            "figures": self.truth.figures(self.believed),
            "sensors": {"rates": told(s.rates), "points": [
                {"point": spec.name, "topic": tail, "unit": spec.unit, "bias": float(bias), "gain": float(gain),
                 "drift_a_day": float(drift) * DAY}
                for spec, tail, bias, gain, drift in errors
            ]},
            "faults": [*self.wanted.faults, *self.plant_faults.named()],
        }  # fmt: skip

    def lines(self) -> list[str]:
        """What it is, for people; nothing of the hidden figures."""
        wanted, line = self.wanted, self.prepared.timeline
        racks = sum(spec.point == "RackPower" for spec in self.layout.specs)
        faults = [*wanted.faults, *([wanted.scenario] if wanted.scenario else [])]
        unseen = self._unseen()
        return [
            f"{STANDS:10}{self.site}: {racks:,} racks, {len(self.layout.specs) + 2:,} points",
            f"model     from {stamp(line.start)} on, {wanted.speed:g} x the clock, steps of {line.step:g} s",
            f"hidden    {len(self.truth.unknowns)} unknowns drawn by seed {wanted.seed}, {wanted.sensors} sensors",
            f"faults    {', '.join(faults) or 'none asked for'}",
            *(
                [f"unseen    {', '.join(unseen)}: publishes nothing here, only what others feel of it"]
                if unseen
                else []
            ),
        ]

    def _unseen(self) -> list[str]:
        """What breaks and has no point among those that are published (of other racks, or never measured)."""
        broken = dict.fromkeys(parse(text).what for text in self.wanted.faults)
        seen = {BMS, *(spec.name for spec in self.layout.specs)}
        seen |= {"/".join(levels[:n]) for spec in self.layout.specs for levels in [spec.item.split("/")]
                 for n in range(1, len(levels) + 1)}  # fmt: skip
        return [what for what in broken if what not in seen]

    def close(self) -> None:
        """End the engine."""
        self.plant.close()


def virtual(wanted: Wanted) -> Virtual:
    """Build a virtual facility. Raises ``InputError`` with everything that is wrong, before anything runs."""
    return _built(wanted, *check(wanted))


def check(wanted: Wanted) -> tuple[LoadedSite, float, Rates, list[Words], Written | None]:
    """Check what needs no engine: the site, its date (s since 1970), sensors, faults as words, a scenario.

    Raises ``InputError`` with everything that is wrong.
    """
    problems = Problems()
    problems.of(_numbers, wanted)
    rates = problems.of(_rates, wanted.sensors)
    words = [made for text in wanted.faults if (made := problems.of(parse, text)) is not None]
    written = None if wanted.scenario is None else problems.of(load_scenario, wanted.scenario)
    problems.problems += written.problems if written else ()
    loaded = wanted.site if isinstance(wanted.site, LoadedSite) else problems.of(load_site, wanted.site)
    begin = problems.of(_begin, loaded, wanted, written) if loaded else None
    if loaded and wanted.racks is not None:
        problems.of(check_racks, wanted.racks, halls_of(loaded))
    problems.tell()
    assert loaded is not None
    assert begin is not None
    assert rates is not None
    return loaded, begin, rates, words, written


def _built(
    wanted: Wanted, loaded: LoadedSite, begin: float, rates: Rates, words: list[Words], written: Written | None
) -> Virtual:
    asked = _asked(wanted, loaded, begin)
    believed = read_in(asked)
    truth = draw(believed.loaded, wanted.seed, believed=believed.plan) if wanted.drawn else None
    truth = truth or as_it_is(believed.loaded, believed.plan, wanted.seed)
    prepared = _with(believed, truth)
    problems = Problems()
    found = problems.of(broken, prepared, asked, words, written, begin, wanted.speed, _model_s(wanted))
    prepared = found.prepared if found else prepared
    part = problems.of(scope, prepared.loaded, prepared.plan, begin, wanted.racks)
    made = problems.of(facility, part) if part else None
    layout = Layout(made, Pace(begin, 0, wanted.speed, wanted.period_s).slots) if made else None
    known = places(prepared.loaded, prepared.plan) if words else {}
    faulty = problems.of(sensor_faults, words, layout.specs, known) if layout else None
    problems.tell()
    assert found is not None
    assert part is not None
    assert made is not None
    assert layout is not None
    assert faulty is not None
    faulty += told_by_sensors(found.found, layout.specs, begin, wanted.speed)
    sensors = sensors_of(layout, wanted.seed, rates)
    numbers = len(made.specs) + 3 * prepared.plan.racks
    line = replace(prepared.timeline, intervals_per_block=intervals_per_block(numbers))
    prepared = replace(prepared, timeline=line)
    engine = found.engine(prepared)
    # What is published hangs on no headroom, which costs more than the rest.
    engine.headroom_at = np.zeros((line.intervals, len(prepared.plan.labels.hall)), np.uint8)
    held = np.array([spec.quantity in ("state", "set_point") for spec in layout.specs])
    plant = Plant(_in_order(frames(engine, made, found.assumed(part)), layout), held)
    return Virtual(
        loaded.site.name, made, truth, layout, sensors, faulty, found, prepared, believed.loaded, wanted, plant
    )


def _in_order(made: Any, layout: Layout) -> Any:
    for block in made:
        yield replace(block, values=block.values[:, layout.order])


def _numbers(wanted: Wanted) -> None:
    problems = Problems()
    problems.of(whole_number, wanted.seed, option("seed="), 0, 2**63 - 1)
    problems.of(_within, wanted.speed, option("speed="), 1e-3, FASTEST)
    problems.of(_within, wanted.period_s, option("every="), SHORTEST_S, LONGEST_S, " s")
    problems.tell()


def _within(value: float, place: str, low: float, high: float, unit: str = "") -> None:
    if not low <= value <= high:
        raise one(f"{value:g}{unit} is out of range, expected {low:g} to {high:g}{unit}", path=place)


def _rates(name: str) -> Rates:
    if name not in RATES:
        hint = did_you_mean(name, RATES) or f"; expected one of {', '.join(RATES)}"
        raise one(f'there are no "{name}" sensors{hint}', path=option("sensors="))
    return RATES[name]


def _begin(loaded: LoadedSite, wanted: Wanted, written: Written | None) -> float:
    """The instant of the model; without one the scenario's own, else the begin of a full year with all halls."""
    if wanted.at is not None:
        return instant(wanted.at, option("at="))
    if written is not None:
        return begin_of(loaded, written.at, wanted.weather, wanted.load) - LEAD_S
    site = loaded.site
    days = [hall.energised_on for building in site.buildings.values() for hall in building.halls.values()]
    return period(None, None, max(float(local_midnight(day, site.utc_offset_h)) for day in days))[0]


def step_of(speed: float, period_s: float, racks: int) -> float:
    """Step of the engine, s."""
    least = max(speed * period_s, STEPS_S[1] if racks > LARGE else STEPS_S[0])
    return next((step for step in STEPS_S if step >= least), STEPS_S[-1])


def _model_s(wanted: Wanted) -> float:
    """How much of the model is run, s."""
    if wanted.lasting_s is not None:
        return wanted.speed * wanted.lasting_s
    return min(LONGEST_AHEAD_S, max(1.0, wanted.speed) * AHEAD_S)


def halls_of(loaded: LoadedSite) -> list[str]:
    """Names of all halls of a site."""
    return [f"{b}/{h}" for b, building in loaded.site.buildings.items() for h in building.halls]


def _asked(wanted: Wanted, loaded: LoadedSite, begin: float) -> Asked:
    templates, halls = loaded.site.templates, loaded.site.buildings.values()
    racks = sum(
        row.count * group.count
        for building in halls
        for hall in building.halls.values()
        for row in templates[hall.template].rows.values()
        for group in row.groups
    )
    step = step_of(wanted.speed, wanted.period_s, racks)
    end = begin + min(FOREVER_S, step * (2 + int(np.ceil(_model_s(wanted) / step))))
    with renamed(start="at", end="at" if wanted.lasting_s is None else "lasting"):
        return ask(
            loaded, start=stamp(begin), end=stamp(end), step=step, every=step, level="rack", seed=wanted.seed,
            weather=wanted.weather, load=wanted.load,
        )  # fmt: skip


def _with(believed: Prepared, truth: Truth) -> Prepared:
    """The run of the drawn site: the curves of pools hang on the rated power of its racks."""
    curves = [
        pool_curve(truth.plan, truth.loaded, i) if isinstance(curve, PoolCurve) else curve
        for i, curve in enumerate(believed.curves)
    ]
    return replace(believed, loaded=truth.loaded, plan=truth.plan, curves=curves)


__all__ = ["Virtual", "Wanted", "check", "step_of", "virtual"]
