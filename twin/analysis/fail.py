"""What a fault does: a timeline by the second, who trips and why, what is left.

The site runs in steps of a second from a minute before the fault, with the interlocks of its racks armed
(``twin.engine.trip``) and the faults as columns (``twin.engine.faults``). Racks of a group (equal racks behind one CDU,
or equal air-cooled ones of a hall) alarm, slow down and trip together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.analysis.beside import compared, expected
from twin.analysis.closed_form import Expected
from twin.analysis.coolant_watch import CoolantWatch
from twin.core.columns import Group
from twin.core.errors import Faults as Problems
from twin.core.errors import one, option
from twin.core.units import HOUR, MW
from twin.core.variables import slot
from twin.engine.faults import Faults, armed, make_faults
from twin.engine.options import Asked, ask
from twin.engine.peak import peak_week
from twin.engine.period import instant, stamp
from twin.engine.prepare import Prepared, read_in
from twin.engine.present import Present, seen
from twin.engine.run import Engine, Result
from twin.engine.timeline import make_timeline
from twin.engine.trip import CAUSES
from twin.forcing.weather import Weather, make_weather
from twin.site.load import LoadedSite, load_site

Floats = NDArray[np.float64]
LEAD_S = 60.0
STEP_S = 1.0
LONGEST_S = 86_400.0
MEAN_S = 10.0


@dataclass(frozen=True)
class Failure:
    """A run through faults: what was recorded every second, and what the groups of racks did.

    ``series`` by name: (time) or (time, hall); ``times_s`` the ends of the steps; the rows of ``groups`` hold s after
    the first fault.
    """

    prepared: Prepared
    faults: Faults
    times_s: Floats
    series: dict[str, Floats]
    groups: list[dict[str, Any]]
    residual: float
    coolant: CoolantWatch
    present: Present | None = None  # the site as the first fault found it
    closed: dict[int, Expected] = field(default_factory=dict)  # the closed form of its racks, by group

    @property
    def at_s(self) -> float:
        """When the first fault begins, s since 1970 UTC."""
        return min(f.at_s for f in self.faults.found)


def fail(
    site: str | Path | LoadedSite, elements: Sequence[str], *, at: float | str | None = None, lasting_s: float = 1800.0,
    repair_s: float | None = None, throttling: bool = True, step_s: float = STEP_S, weather: str | Path | None = None,
    load: str | None = None, seed: int = 0,
) -> Failure:  # fmt: skip
    """Break ``elements`` (``ELEMENT[:MODE[=AMOUNT]]``) at ``at`` and follow the site for ``lasting_s``.

    ``at`` is s since 1970 or ISO 8601 UTC, by default the warmest hour of the week with the highest demand; what breaks
    is mended ``repair_s`` later (never without). Without ``throttling`` racks run at full speed until they trip.

    Raises ``InputError`` with everything that is wrong: unknown elements or modes, amounts out of range, elements
    without power, options of the run.
    """
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    problems = Problems()
    problems.of(check_length, lasting_s, step_s, option("lasting="))
    begin = problems.of(begin_of, loaded, at, weather, load)
    problems.tell()
    assert begin is not None
    asked = ask(
        loaded, start=stamp(begin - LEAD_S), end=stamp(begin + lasting_s), step=step_s, every=max(step_s, 1.0),
        weather=weather, load=load, seed=seed,
    )  # fmt: skip
    prepared = read_in(asked)
    plan = armed(prepared.plan, prepared.loaded, throttling=throttling)
    until = np.inf if repair_s is None else begin + repair_s
    faults = make_faults(plan, prepared.loaded, [(text, begin, until) for text in elements], option("ELEMENT"))
    prepared = replace(prepared, plan=plan, timeline=_with_events(asked, faults))
    engine = prepared.engine()
    engine.faults = watching = seen(faults, engine.scratch)
    engine.headroom_at = np.zeros((prepared.timeline.intervals, len(plan.labels.hall)), np.uint8)
    coolant = CoolantWatch(plan, prepared.loaded)
    times, series, residual = _recorded(engine, coolant)
    closed = expected(watching.present, faults, throttling=throttling, lasting_s=lasting_s)
    groups = _groups(engine, begin)
    return Failure(prepared, faults, times, series, groups, residual, coolant, watching.present, closed)


def check_length(lasting_s: float, step_s: float, place: str) -> None:
    """Raise ``InputError`` where the time to be followed holds no step, or is more than a day."""
    if not 0.0 < step_s <= lasting_s <= LONGEST_S:
        raise one(
            f"{lasting_s:g} s in steps of {step_s:g} s is out of range, expected up to {LONGEST_S:g} s", path=place
        )


def begin_of(loaded: LoadedSite, at: float | str | None, weather: str | Path | None, load: str | None) -> float:
    """When it breaks, s since 1970 UTC, on a whole second."""
    if at is not None:
        return float(round(at if isinstance(at, int | float) else instant(at, option("at="))))
    asked = ask(loaded, weather=weather, load=load)
    air = make_weather(asked.weather)
    first, last = (instant(t, option("at=")) for t in peak_week(asked.loaded, air))
    return _warmest(air, first, last)


def _warmest(air: Weather, first: float, last: float) -> float:
    hours = np.arange(first + HOUR, last + 1.0, HOUR)
    return float(hours[int(np.argmax(air.sample(hours, HOUR).wet_bulb_c))])


def _with_events(asked: Asked, faults: Faults) -> Any:
    t = asked.timeline
    return make_timeline(t.start, t.end, t.step, t.interval, np.union1d(t.events, faults.events), t.intervals_per_block)


SERIES = {
    "hall": ("hall_it_power", "hall_withheld_power", "hall_rack_temperature_maximum", "hall_rack_inlet_temperature",
             "hall_liquid_supply_temperature_maximum", "hall_energised_share"),
    "site": ("site_power", "site_it_power"),
    "loop": ("fws_supply_temperature", "fws_return_temperature", "plant_heat", "plant_capacity"),
}  # fmt: skip


def _recorded(engine: Engine, coolant: CoolantWatch) -> tuple[Floats, dict[str, Floats], float]:
    """Ends of the steps, the series, and the largest relative defect of a step's energy."""
    times, tokens, residual = [], [], 0.0
    parts: dict[str, list[Floats]] = {name: [] for names in SERIES.values() for name in names}
    for result in engine.blocks():
        times.append(result.block.interval_end)
        coolant.add(result.levels["cdu"], engine.out.power_rows[: len(result.block.interval_end)])
        for level, names in SERIES.items():
            for name in names:
                rows = result.levels[level][..., slot(name)]
                parts[name].append(rows[:, 0] if level == "site" else rows)
        residual = max(residual, float(result.levels["site"][:, 0, slot("energy_residual")].max()))
        tokens.append(_tokens(result))
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


def _groups(engine: Engine, begin: float) -> list[dict[str, Any]]:
    """Rows of groups of racks that have power: where they hang, how many, when they alarm, slow down, trip, and why."""
    plan, state = engine.plan, engine.state
    a, found = plan.arrays, []
    hall_of = np.repeat(np.arange(len(plan.labels.hall)), np.diff(a.hall_group))
    for g, kind in enumerate(plan.labels.group_kind):
        hall = int(hall_of[g])
        if plan.hall_start_s[hall] > begin:
            continue
        cooled_by = a.group_liquid[g] if a.group_liquid[g] >= 0 else a.group_air[g]
        found.append(
            {
                "group": g,
                "cooled_by": plan.labels.sec[int(cooled_by)],
                "hall": plan.labels.hall[hall],
                "rack": kind,
                "zone": plan.labels.group_zone[g] or None,
                "racks": int(a.group[g, Group.COUNT]),
                "rated_mw": float(a.group[g, Group.COUNT] * a.group[g, Group.RATED]) / MW,
                "alarm_s": _since(state.alarm_at[g], begin),
                "slowed_s": _since(state.slowed_at[g], begin),
                "runs": bool(state.tripped_by[g] <= 0),
                "trip_s": _since(state.tripped_at[g], begin),
                "cause": CAUSES[abs(int(state.tripped_by[g]))] if state.tripped_at[g] >= 0.0 else None,
            }
        )
    return found


def _since(at: float, begin: float) -> float | None:
    return None if at < 0.0 else float(at - begin)


def told(failure: Failure) -> dict[str, Any]:
    """The answer as plain JSON types: faults, timeline, groups that did something, what is left."""
    groups, begin = failure.groups, failure.at_s
    racks = sum(row["racks"] for row in groups)
    tripped = sum(row["racks"] for row in groups if row["trip_s"] is not None)
    n = int(np.searchsorted(failure.times_s, begin))
    series = failure.series
    window = max(1, round(MEAN_S / failure.prepared.timeline.interval))

    found: dict[str, Any] = {
        "site": failure.prepared.loaded.site.name,
        "at_utc": stamp(begin),
        "faults": [fault.named() for fault in failure.faults.found],
        "lasting_s": float(failure.times_s[-1] - begin),
        "racks": racks,
        "racks_tripped": tripped,
        "racks_at_end": sum(row["racks"] for row in groups if row["runs"]),
        "it_mw": _before_least_end(series["site_it_power"] / MW, n, window),
        "site_mw": _before_least_end(series["site_power"] / MW, n, window),
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
    if "tokens" in series:
        found["tokens_per_s"] = _before_least_end(series["tokens"], n, window)
    return found


def beside(failure: Failure) -> list[dict[str, Any]]:
    """The closed form of each group beside the run (``twin.analysis.beside``)."""
    plan, series, begin = failure.prepared.plan, failure.series["hall_it_power"], failure.at_s
    n, rows = int(np.searchsorted(failure.times_s, begin)), []
    first = min((row["trip_s"] for row in failure.groups if row["trip_s"] is not None), default=np.inf)
    before = int(np.searchsorted(failure.times_s, begin + first))
    arrays = plan.arrays
    for row in failure.groups:
        # How far the power of the halls on the same water strays from what the closed form holds, while all racks run.
        fac = arrays.sec_fac[plan.labels.sec.index(row["cooled_by"])]
        halls = series[:before, np.unique(arrays.sec_hall[arrays.sec_fac == fac])]
        strays = float((np.abs(halls - halls[n]).max(axis=0) / np.maximum(1.0, halls[n])).max())
        rows.append(row | {"strays": strays, "later": (row["trip_s"] or np.inf) > first})
    lasting_s = float(failure.times_s[-1] - begin)
    return compared(rows, failure.closed, failure.present, failure.faults, lasting_s)


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
    begin, found = failure.at_s, []
    for fault in failure.faults.found:
        found.append({"s": fault.at_s - begin, "what": f"{fault.named()} fails"})
        if fault.until_s < failure.times_s[-1]:
            found.append({"s": fault.until_s - begin, "what": f"{fault.element} is mended"})
    for at, element in failure.faults.fail_overs:
        found.append({"s": at - begin, "what": f"{element}: a pump that stood by has taken over"})
    for name, at, share in failure.coolant.below_least_flow(failure.times_s):
        what = f"coolant of {name} below the least flow of its racks, down to {100 * share:.0f} %"
        found.append({"s": at - begin, "what": what})
    for name, at, supply in failure.coolant.below_dew_point(failure.times_s):
        what = f"coolant of {name} below the dew point of the room air, down to {supply:.1f} degC"
        found.append({"s": at - begin, "what": what})
    reset = failure.faults.reset_at
    if reset < failure.times_s[-1] and any(row["trip_s"] is not None for row in failure.groups):
        found.append({"s": reset - begin, "what": "racks that tripped are reset"})
    words = {"alarm_s": "inlets beyond what they allow", "slowed_s": "slow down"}
    merged: dict[tuple[str, float, str], int] = {}
    for row in failure.groups:
        for key, what in words.items():
            if row[key] is not None:
                merged_key = (_where(row), round(row[key], 1), f"{row['rack']}: {what}")
                merged[merged_key] = merged.get(merged_key, 0) + row["racks"]
        if row["trip_s"] is not None:
            merged_key = (_where(row), round(row["trip_s"], 1), f"{row['rack']}: trip by {row['cause']}")
            merged[merged_key] = merged.get(merged_key, 0) + row["racks"]
    found += [{"s": s, "what": f"{racks} x {what}, at {where}"} for (where, s, what), racks in merged.items()]
    return sorted(found, key=lambda row: (row["s"], row["what"]))


def _where(row: dict[str, Any]) -> str:
    return f"{row['cooled_by']}, zone {row['zone']}" if row["zone"] else str(row["cooled_by"])


__all__ = ["LEAD_S", "LONGEST_S", "STEP_S", "Failure", "begin_of", "check_length", "fail", "timeline", "told"]
