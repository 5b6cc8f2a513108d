"""What a fault does: a timeline by the second, who trips and why, what is left.

The site runs in steps of a second from a minute before the fault, with the interlocks of its racks armed
(``twin.engine.trip``) and the faults as columns (``twin.engine.faults``). Racks of a group (equal racks behind one CDU,
or equal air-cooled ones of a hall) alarm, slow down and trip together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.analysis import fail_power
from twin.analysis.beside import compared, expected
from twin.analysis.closed_form import Expected
from twin.analysis.coolant_watch import CoolantWatch, coolant_rows
from twin.analysis.fail_groups import of_groups, rows_of_groups, where_of
from twin.analysis.fail_warmest import warmest
from twin.analysis.group_heat import GroupHeat
from twin.core.errors import Faults as Problems
from twin.core.errors import one, option
from twin.core.units import MW
from twin.core.variables import slot
from twin.engine import outage
from twin.engine.faults import Faults, armed, make_faults, places
from twin.engine.options import Asked, ask
from twin.engine.peak import peak_week
from twin.engine.period import instant, stamp
from twin.engine.power_run import PowerRun
from twin.engine.prepare import Prepared, read_in
from twin.engine.present import Present, seen
from twin.engine.run import Engine, Result
from twin.engine.scenario import Fitted, Written, fit, hour_of, load_scenario
from twin.engine.scenario_model import WORDS
from twin.engine.timeline import make_timeline
from twin.forcing.shifted import shifted
from twin.forcing.weather import Weather, make_weather
from twin.site.load import LoadedSite, load_site
from twin.site.plan import Plan

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
LEAD_S = 60.0
STEP_S = 1.0
LASTING_S = 1800.0
LONGEST_S = 86_400.0
MEAN_S = 10.0


@dataclass(frozen=True)
class Failure:
    """A run through faults: what was recorded every second, and what the groups of racks did.

    ``series`` by name: (time) or (time, hall); ``times_s`` the ends of the steps; the rows of ``groups`` hold s after
    ``at_s``, when it begins (s since 1970 UTC). ``heat`` is (time, group) where a picture was asked for.
    """

    prepared: Prepared
    faults: Faults
    times_s: Floats
    series: dict[str, Floats]
    groups: list[dict[str, Any]]
    residual: float
    coolant: CoolantWatch
    at_s: float
    written: Written | None = None
    heat: GroupHeat | None = None
    present: Present | None = None  # the site as the first fault found it
    closed: dict[int, Expected] = field(default_factory=dict)  # the closed form of its racks, by group
    power: PowerRun | None = None  # where the power path follows a fault


def fail(
    site: str | Path | LoadedSite, elements: Sequence[str] = (), *, scenario: str | Path | Written | None = None,
    at: float | str | None = None, lasting_s: float | None = None, repair_s: float | None = None,
    throttling: bool = True, step_s: float = STEP_S, weather: str | Path | None = None, load: str | None = None,
    seed: int = 0, picture: bool = False, progress: Progress | None = None,
) -> Failure:  # fmt: skip
    """Break ``elements`` (``ELEMENT[:MODE[=AMOUNT]]``) at ``at`` and follow the site for ``lasting_s``.

    ``scenario`` is a shipped name or a file; what it names and ``elements`` break together. ``at`` is s since 1970 or
    ISO 8601 UTC, by default the scenario's own, else the warmest hour of the week with the highest demand;
    ``lasting_s`` by default the scenario's, else 1,800 s. ``elements`` are mended ``repair_s`` later (never without).
    Without ``throttling`` racks run at full speed until they trip. ``picture`` records every group of racks as well.
    ``progress(done, blocks)`` is called before the first block of the run and after each.

    Raises ``InputError`` with everything that is wrong: unknown elements or modes, amounts out of range, elements
    without power, options of the run, the scenario at its lines.
    """
    problems = Problems()
    loaded = site if isinstance(site, LoadedSite) else problems.of(load_site, site)
    written = scenario if isinstance(scenario, Written | None) else problems.of(load_scenario, scenario)
    if not elements and scenario is None:
        problems.of(_nothing)
    if lasting_s is None:
        lasting_s = (written.lasting_s if written else None) or LASTING_S
    problems.of(check_length, lasting_s, step_s, option("lasting="))
    if written is not None and problems.problems:
        problems.problems += written.problems
    problems.tell()
    assert loaded is not None
    begin = begin_of(loaded, written.at if at is None and written else at, weather, load)
    asked = ask(
        loaded, start=stamp(begin - LEAD_S), end=stamp(begin + lasting_s), step=step_s, every=max(step_s, 1.0),
        weather=weather, load=load, seed=seed,
    )  # fmt: skip
    prepared = read_in(asked)
    plan = armed(prepared.plan, prepared.loaded, throttling=throttling)
    faults, air = _broken(prepared, plan, written, elements, (begin, lasting_s, repair_s))
    prepared = replace(
        prepared, plan=faults.plan, weather=air, timeline=_with_events(asked, faults),
        level="rack" if picture else "hall",
    )  # fmt: skip
    plan, engine = faults.plan, prepared.engine()
    engine.faults = watching = seen(faults)
    power = fail_power.couple(engine, prepared, faults, begin) if fail_power.by_path(faults) else None
    engine.headroom_at = np.zeros((prepared.timeline.intervals, len(plan.labels.hall)), np.uint8)
    heat = GroupHeat(plan.arrays.group_rack, prepared.timeline.intervals) if picture else None
    coolant = CoolantWatch(plan, prepared.loaded)
    times, series, residual = _recorded(engine, coolant, heat, progress or (lambda done, blocks: None))
    closed = expected(watching.present, faults, throttling=throttling, lasting_s=lasting_s)
    if power is not None:
        series, residual = series | fail_power.series_of(power), max(residual, power.ledger.residual)
    groups = rows_of_groups(engine, fail_power.first_trips(faults, power), begin)
    return Failure(
        prepared, faults, times, series, groups, residual, coolant, begin, written, heat, watching.present, closed,
        power,
    )  # fmt: skip


def _nothing() -> None:
    raise one(f"nothing happens: expected an ELEMENT or {option('scenario=')}")


def _broken(
    prepared: Prepared, plan: Plan, written: Written | None, elements: Sequence[str],
    when: tuple[float, float, float | None],
) -> tuple[Faults, Weather]:  # fmt: skip
    """All faults and the weather of the run, with what is wrong with elements and scenario told at once."""
    begin, lasting_s, repair_s = when
    until, problems = np.inf if repair_s is None else begin + repair_s, Problems()
    problems.problems += written.problems if written else ()
    fitted = Fitted((), ())
    if written is not None:
        known = places(prepared.loaded, plan)
        fitted = problems.of(fit, written, begin, lasting_s, prepared.loaded, plan, known) or fitted
    asked = [(text, begin, until) for text in elements]
    faults = problems.of(make_faults, plan, prepared.loaded, asked, "ELEMENT", fitted.faults)
    problems.tell()
    assert faults is not None
    if fail_power.by_path(faults):
        faults = fail_power.at_blocks(faults)
    return faults, shifted(prepared.weather, fitted.shifts)


def check_length(lasting_s: float, step_s: float, place: str) -> None:
    """Raise ``InputError`` where the time to be followed holds no step, or is more than a day."""
    if not 0.0 < step_s <= lasting_s <= LONGEST_S:
        raise one(
            f"{lasting_s:g} s in steps of {step_s:g} s is out of range, expected up to {LONGEST_S:g} s", path=place
        )


def begin_of(loaded: LoadedSite, at: float | str | None, weather: str | Path | None, load: str | None) -> float:
    """When it happens, s since 1970 UTC, on a whole second."""
    if at is not None and at not in WORDS:
        return float(round(at if isinstance(at, int | float) else instant(at, option("at="))))
    asked = ask(loaded, weather=weather, load=load)
    air = make_weather(asked.weather)
    if at == "coldest":
        measured = air.times_utc_s
        year = asked.timeline
        first, last = (year.start, year.end) if measured is None else (float(measured[0]), float(measured[-1]))
    else:
        first, last = (instant(t, option("at=")) for t in peak_week(asked.loaded, air))
    return hour_of(str(at), air, first, last)


def _with_events(asked: Asked, faults: Faults) -> Any:
    t = asked.timeline
    return make_timeline(t.start, t.end, t.step, t.interval, np.union1d(t.events, faults.events), t.intervals_per_block)


SERIES = {
    "hall": ("hall_it_power", "hall_withheld_power", "hall_rack_temperature_maximum", "hall_rack_inlet_temperature",
             "hall_liquid_supply_temperature_maximum", "hall_energised_share"),
    "site": ("site_power", "site_it_power", "outdoor_dry_bulb_temperature", "outdoor_wet_bulb_temperature"),
    "loop": ("fws_supply_temperature", "fws_return_temperature", "plant_heat", "plant_capacity"),
}  # fmt: skip


def _recorded(
    engine: Engine, coolant: CoolantWatch, heat: GroupHeat | None, progress: Progress
) -> tuple[Floats, dict[str, Floats], float]:
    """Ends of the steps, the series, and the largest relative defect of a step's energy."""
    times, tokens, residual = [], [], 0.0
    parts: dict[str, list[Floats]] = {name: [] for names in SERIES.values() for name in names}
    progress(0, engine.timeline.blocks)
    for result in engine.blocks():
        times.append(result.block.interval_end)
        coolant.add(result.levels["cdu"], engine.out.power_rows[: len(result.block.interval_end)])
        if heat is not None:
            heat.add(result.block.interval_end, result.levels["rack"])
        for level, names in SERIES.items():
            for name in names:
                rows = result.levels[level][..., slot(name)]
                parts[name].append(rows[:, 0] if level == "site" else rows)
        residual = max(residual, float(result.levels["site"][:, 0, slot("energy_residual")].max()))
        tokens.append(_tokens(result))
        progress(result.block.index + 1, engine.timeline.blocks)
    series = {name: np.concatenate(rows) for name, rows in parts.items()}
    if engine.fleet is not None:
        series["tokens"] = np.concatenate(tokens)
    return np.concatenate(times), series, residual


def _tokens(result: Result) -> Floats:
    """Tokens/s of the whole fleet, (time)."""
    if "stream" not in result.levels:
        return np.zeros(0)
    made: Floats = np.nansum(result.levels["stream"][..., slot("pool_token_rate")], axis=(1, 2))
    return made


def told(failure: Failure) -> dict[str, Any]:
    """The answer as plain JSON types: faults, timeline, groups that did something, what is left."""
    groups, begin = failure.groups, failure.at_s
    racks = sum(row["racks"] for row in groups)
    tripped = sum(row["racks"] for row in groups if row["trip_s"] is not None)
    n = int(np.searchsorted(failure.times_s, begin, side="right"))  # steps that end at it are before it
    series, labels = failure.series, failure.prepared.plan.labels
    window = max(1, round(MEAN_S / failure.prepared.timeline.interval))

    written = failure.written
    found: dict[str, Any] = {
        "site": failure.prepared.loaded.site.name,
        "scenario": None if written is None else written.name,
        "title": None if written is None else written.title,
        "source": None if written is None else written.source,
        "at_utc": stamp(begin),
        "weather": failure.prepared.weather.name,
        "dry_bulb_c": _span(series["outdoor_dry_bulb_temperature"]),
        "wet_bulb_c": _span(series["outdoor_wet_bulb_temperature"]),
        "warnings": _freezing(failure.prepared.loaded, float(series["outdoor_dry_bulb_temperature"].min())),
        "faults": [fault.named() for fault in failure.faults.found],
        "lasting_s": float(failure.times_s[-1] - begin),
        "racks": racks,
        "racks_tripped": tripped,
        "racks_at_end": sum(row["racks"] for row in groups if row["runs"]),
        "it_mw": _before_least_end(series["site_it_power"] / MW, n, window),
        "site_mw": _before_least_end(series["site_power"] / MW, n, window),
        "warmest": warmest(series, {"hall": labels.hall, "loop": labels.loop}, n),
        "energy_residual_maximum": failure.residual,
        "groups": [
            {key: value for key, value in r.items() if key != "group"}
            for r in groups
            if any(r[key] is not None for key in ("alarm_s", "slowed_s", "trip_s"))
        ],
        "coolant_below_least_flow": [
            {"cooled_by": name, "from_s": at - begin, "share_least": share}
            for name, at, share in failure.coolant.below_least_flow(failure.times_s)
        ],
        "coolant_below_dew_point": [
            {"cooled_by": name, "from_s": at - begin, "supply_least_c": supply}
            for name, at, supply in failure.coolant.below_dew_point(failure.times_s)
        ],
        "closed_form": beside(failure),
        "timeline": timeline(failure),
    }
    if failure.power is not None:
        found["power"] = fail_power.told(failure.power, begin)
    if "tokens" in series:
        found["tokens_per_s"] = _before_least_end(series["tokens"], n, window)
    return found


def beside(failure: Failure) -> list[dict[str, Any]]:
    """The closed form of each group beside the run (``twin.analysis.beside``)."""
    plan, series, begin = failure.prepared.plan, failure.series["hall_it_power"], failure.at_s
    n, rows = int(np.searchsorted(failure.times_s, begin)), []
    first = min((row["trip_s"] for row in failure.groups if row["trip_s"] is not None), default=np.inf)
    before = max(n + 1, int(np.searchsorted(failure.times_s, begin + first)))
    arrays = plan.arrays
    for row in failure.groups:
        # How far the power of the halls on the same water strays from what the closed form holds, while all racks run.
        fac = arrays.sec_fac[plan.labels.sec.index(row["cooled_by"])]
        halls = series[:before, np.unique(arrays.sec_hall[arrays.sec_fac == fac])]
        strays = float((np.abs(halls - halls[n]).max(axis=0) / np.maximum(1.0, halls[n])).max())
        rows.append(row | {"strays": strays, "later": (row["trip_s"] or np.inf) > first})
    lasting_s = float(failure.times_s[-1] - begin)
    return compared(rows, failure.closed, failure.present, failure.faults, lasting_s)


def _freezing(loaded: LoadedSite, coldest_c: float) -> list[str]:
    """What freezes: the model itself has water that stays liquid."""
    words = f"it freezes at {coldest_c:.1f} degC, which is not simulated: use pg25"
    return [f"{p.file}:{p.line}: {p.message}: {words}" for p in loaded.exposed] if coldest_c < 0.0 else []


def _span(values: Floats) -> dict[str, float]:
    return {"least": float(values.min()), "most": float(values.max())}


def _before_least_end(values: Floats, n: int, window: int) -> dict[str, float]:
    """Means of ``window`` intervals: the last before interval ``n``, the least after it, the last of all.

    Training jobs swing by the second; a single step says little.
    """
    after = values[n:]
    width = min(window, len(after))
    means = np.convolve(after, np.full(width, 1.0 / width), "valid")
    return {
        "before": float(values[max(0, n - window) : n].mean()),
        "least": float(means.min()),
        "end": float(means[-1]),
    }


def timeline(failure: Failure) -> list[dict[str, Any]]:
    """What happens, in order: s after the first fault, and words."""
    begin, found = failure.at_s, list[dict[str, Any]]()
    first = failure.prepared.timeline.start
    for fault in failure.faults.found:
        word = "fails" if fault.at_s >= first else "is there from before"
        # The cause stands before what it does at the same instant.
        found.append({"s": max(first, fault.at_s) - begin, "what": f"{fault.named()} {word}", "broken": True})
        if fault.until_s < failure.times_s[-1]:
            found.append({"s": fault.until_s - begin, "what": f"{fault.element} is mended"})
        if failure.faults.by_path(fault):
            continue
        parts, known = failure.faults.parts(fault), failure.faults.known
        back = outage.told(fault, parts, known, failure.prepared.plan)
        found += [{"s": t - begin, "what": what} for t, what in back if t < failure.times_s[-1]]
    for at, element in failure.faults.fail_overs:
        found.append({"s": at - begin, "what": f"{element}: a pump that stood by has taken over"})
    found += fail_power.rows(failure.power) if failure.power else []
    found += coolant_rows(failure.coolant, failure.times_s, begin)
    found += _reset(failure)
    return sorted([*found, *of_groups(failure.groups)], key=lambda row: (row["s"], "broken" not in row, row["what"]))


def _reset(failure: Failure) -> list[dict[str, Any]]:
    """That racks run again, and which do not because their own cooling is still broken; nothing where none tripped."""
    faults, off = failure.faults, [row for row in failure.groups if row["group"] in failure.faults.kept_off]
    parts = ["racks that tripped are reset"] if len(faults.trips) > len(off) else []
    where = list(dict.fromkeys(where_of(row) for row in off))
    if where:
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        parts.append(f"{sum(row['racks'] for row in off):,} racks stay off: {where[0]}{more} is still broken")
    return [{"s": faults.reset_at - failure.at_s, "what": "; ".join(parts)}] if parts else []


__all__ = ["LEAD_S", "LONGEST_S", "STEP_S", "Failure", "begin_of", "check_length", "fail", "timeline", "told"]
