"""Curtailment: how much the fleet gives way when the meter has to come down, what it costs, and what comes after.

Two runs of the same hours and seed, one of them under caps. The caps of the services follow from what has to go at the
meter, are split by a shed policy, and are corrected from run to run until the meter holds: cooling and losses follow IT
power with a share that is not known beforehand.

Policies: ``proportional`` takes the same share of what each service draws above idle; ``priority`` takes all of that
from the services first whose classes are served last (those that may be put off, then the last priority);
``efficiency`` from those with the most joules per token first. Within a service, who may be put off gives way first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.analysis.dataset import simulate
from twin.core.errors import did_you_mean, one, option
from twin.core.units import HOUR, MW
from twin.engine.caps import Caps
from twin.engine.period import stamp
from twin.inference.latency import FOREVER_S
from twin.site.load import LoadedSite, load_site
from twin.site.lower_fleet import FleetPlan, lower_fleet

Floats = NDArray[np.float64]
POLICIES = ("proportional", "priority", "efficiency")
PASSES = 6
# Of the target: what is left of it after the last pass.
CLOSE = 2e-3
BEFORE_S, AFTER_S = 2 * HOUR, 12 * HOUR
FIRST_GUESS = 1.15  # W at the meter per W of IT
STEP_S = 300.0
# Of the most that was put off: less is caught up.
CAUGHT_UP = 1e-3


@dataclass(frozen=True)
class Event:
    """A curtailment: instants in s since 1970 UTC, the share of the metered power at its begin that has to go."""

    begin: float
    end: float
    ramp: float
    share: float


@dataclass(frozen=True)
class Curtailment:
    """Both runs (5-minute intervals) and the event; ``target_w`` at the meter, ``reached`` whether it was held."""

    event: Event
    policy: str
    free: xr.Dataset
    held: xr.Dataset
    target_w: float
    reached: bool

    def during(self) -> NDArray[np.bool_]:
        """Intervals in which the full cut holds: after the ramp, to the end of the event."""
        end = seconds(self.free)
        return (end - STEP_S >= self.event.begin + self.event.ramp) & (end <= self.event.end)


def seconds(ds: xr.Dataset) -> Floats:
    """Ends of the intervals, s since 1970 UTC."""
    return ds["time"].values.astype("datetime64[s]").astype(np.float64)


def curtail(
    site: str | Path | LoadedSite,
    share: float,
    *,
    at: float | None = None,
    lasting_s: float = 3 * HOUR,
    ramp_s: float = 0.0,
    policy: str = POLICIES[0],
    seed: int = 0,
) -> Curtailment:
    """Hold the meter ``share`` (0..1) below what it shows ``at`` (s since 1970 UTC; default: the peak hour of a year).

    Raises ``InputError`` for a site without inference and options out of range.
    """
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    _check(loaded, share, lasting_s, ramp_s, policy)
    begin = np.floor((peak_hour(loaded, seed) if at is None else at) / STEP_S) * STEP_S
    event = Event(float(begin), float(begin + lasting_s), ramp_s, share)
    names = [f"{b}/{h}" for b, building in loaded.site.buildings.items() for h in building.halls]
    plan = lower_fleet(loaded.site, loaded.library, names)
    assert plan is not None
    free = _run(loaded, event, seed, None)
    order = _order(plan, free, policy)
    metered = free["site_power"].values
    end = seconds(free)
    target = (1.0 - share) * float(metered[int(np.argmin(np.abs(end - event.begin)))])
    ceiling = metered - np.maximum(0.0, metered - target) * _ramp(end, event)
    made = Curtailment(event, policy, free, free, target, reached=False)
    cut = np.zeros(len(end))
    for _ in range(PASSES):
        # What cooling and losses answer is not known beforehand: what is left above the ceiling is asked for again.
        cut = np.maximum(0.0, cut + (made.held["site_power"].values - ceiling) / FIRST_GUESS) * (ceiling < metered)
        made = replace(made, held=_run(loaded, event, seed, _caps(plan, free, cut, order, event)))
        over = float((made.held["site_power"].values - ceiling)[made.during()].max())
        if over <= CLOSE * target:
            return replace(made, reached=True)
    return made


def _check(loaded: LoadedSite, share: float, lasting_s: float, ramp_s: float, policy: str) -> None:
    if loaded.site.inference is None:
        raise one("the site serves nothing (it has no `inference`): there is nothing to curtail", file=loaded.file)
    if not 0.0 < share < 1.0:
        raise one(f"{100 * share:g} % is out of range, expected more than 0 and less than 100 %", path=option("by="))
    if not STEP_S <= lasting_s <= 168 * HOUR:
        raise one(f"{lasting_s:g} s is out of range, expected 5 min to 168 h", path=option("for="))
    if not 0.0 <= ramp_s < lasting_s:
        raise one(f"a ramp of {ramp_s:g} s does not end within the event", path=option("ramp="))
    if policy not in POLICIES:
        hint = did_you_mean(policy, POLICIES) or f"; expected one of {', '.join(POLICIES)}"
        raise one(f'unknown policy "{policy}"{hint}', path=option("policy="))


def peak_hour(loaded: LoadedSite, seed: int) -> float:
    """Begin of the hour with the highest metered power in the default year, s since 1970 UTC; from hour-long steps."""
    year = simulate(loaded, step=HOUR, level="site", seed=seed)
    return float(seconds(year)[int(year["site_power"].values.argmax())] - HOUR)


def _run(loaded: LoadedSite, event: Event, seed: int, caps: Caps | None) -> xr.Dataset:
    start, end = event.begin - BEFORE_S, event.end + AFTER_S
    return simulate(loaded, start=stamp(start), end=stamp(end), step=STEP_S, every=STEP_S, seed=seed, caps=caps)


def _ramp(end: Floats, event: Event) -> Floats:
    """Share of the cut that holds in each interval: rising over the ramp, 1 to the end of the event."""
    rising = np.ones(len(end)) if event.ramp == 0.0 else np.clip((end - STEP_S - event.begin) / event.ramp, 0.0, 1.0)
    return rising * ((end > event.begin) & (end <= event.end))


def _order(plan: FleetPlan, free: xr.Dataset, policy: str) -> list[int]:
    """Services in the order in which they give way; empty: all alike."""
    if policy == "proportional":
        return []
    mix = plan.fleet.mix
    if policy == "priority":
        last = {int(c): n for n in range(len(plan.fleet.level) - 1)
                for c in plan.fleet.order[plan.fleet.level[n] : plan.fleet.level[n + 1]]}  # fmt: skip
        rank = [-max(last[int(c)] for c in np.flatnonzero(row)) for row in mix]
    else:
        watts = _service_power(plan, free).mean(axis=0)
        tokens = np.nansum(free["pool_token_rate"].values, axis=2).mean(axis=0)[plan.fleet.decoding]
        rank = list(-watts / np.maximum(tokens, 1e-9))
    return sorted(range(len(mix)), key=lambda s: rank[s])


def _service_power(plan: FleetPlan, ds: xr.Dataset) -> Floats:
    """Power of each service's systems, (time, service) W."""
    pools = ds["pool_power"].values
    both = pools[:, plan.fleet.decoding].copy()
    apart = plan.fleet.prefilling != plan.fleet.decoding
    both[:, apart] += pools[:, plan.fleet.prefilling[apart]]
    return np.asarray(both)


def _idle_power(plan: FleetPlan, ds: xr.Dataset) -> Floats:
    """Power of each service's systems without work, (service) W."""
    idle = ds["pool_systems"].values[0] * plan.fleet.pool[:, 1]
    p, d = plan.fleet.prefilling, plan.fleet.decoding
    return np.asarray(idle[d] + np.where(p != d, idle[p], 0.0))


def _caps(plan: FleetPlan, free: xr.Dataset, cut: Floats, order: list[int], event: Event) -> Caps:
    """Caps that take ``cut`` (time, W of IT) from the services."""
    power, idle = _service_power(plan, free), _idle_power(plan, free)
    room = np.maximum(0.0, power - idle)
    if order:
        taken, left = np.zeros_like(room), cut.copy()
        for s in order:
            taken[:, s] = np.minimum(room[:, s], left)
            left -= taken[:, s]
    else:
        total = room.sum(axis=1)
        taken = room * np.minimum(1.0, cut / np.maximum(total, 1.0))[:, None]
    watts = np.where(taken > 0.0, power - taken, np.inf)
    end = seconds(free)
    inside = (end > event.begin) & (end <= event.end)
    # A level for each interval: twice the same value, a moment apart from the next.
    times = np.column_stack([end[inside] - STEP_S, end[inside] - 1e-3]).ravel()
    return Caps(times, np.repeat(watts[inside], 2, axis=0), np.ones((len(times), len(plan.pool))))


def told(made: Curtailment) -> dict[str, Any]:
    """The outcome in plain numbers: power, ramps, rebound, tokens by class, latencies while it lasts."""
    free, held, during = made.free, made.held, made.during()
    end = seconds(free)
    after = end > made.event.end
    power, was = held["site_power"].values, free["site_power"].values
    classes = [_class_row(made, name, during) for name in free["workload"].values.tolist()]
    steps = np.diff(power) / MW / (STEP_S / 60.0)
    backlog = np.nansum(held["pool_backlog"].values - free["pool_backlog"].values, axis=(1, 2))
    busy = after & (backlog > 1e-3 * np.nansum(free["pool_backlog"].values, axis=(1, 2)).max())
    return {
        "begins_utc": stamp(made.event.begin),
        "ends_utc": stamp(made.event.end),
        "policy": made.policy,
        "asked_share": made.event.share,
        "target_mw": made.target_w / MW,
        "reached": made.reached,
        "metered_mw": {"free": float(was[during].mean()) / MW, "curtailed": float(power[during].mean()) / MW},
        "metered_maximum_mw": float(power[during].max()) / MW,
        "energy_shifted_mwh": float((was - power)[during].sum()) * STEP_S / HOUR / MW,
        "steepest_mw_per_min": {"down": float(-steps.min()), "up": float(steps.max())},
        "rebound_mw": max(0.0, float((power - was)[after].max()) / MW),
        "backlog_after_h": float(busy.sum()) * STEP_S / HOUR,
        "classes": classes,
    }


def _class_row(made: Curtailment, name: str, during: NDArray[np.bool_]) -> dict[str, Any]:
    def total(ds: xr.Dataset, variable: str) -> Floats:
        return np.asarray(np.nansum(ds[variable].sel(workload=name).values, axis=1))

    def worst(ds: xr.Dataset, variable: str) -> float | None:
        """Worst 99th percentile while the cut holds, s; None where somebody waits for ever."""
        value = float(np.nanmax(ds[variable].sel(workload=name, percentile=99.0).values[during]))
        return value if value < FOREVER_S else None

    free, held = made.free, made.held
    return {
        "workload": name,
        "tokens_per_s": {
            "free": float(total(free, "pool_token_rate")[during].mean()),
            "curtailed": float(total(held, "pool_token_rate")[during].mean()),
        },
        "shed_per_s": float(total(held, "pool_shed_rate")[during].mean()),
        "queue_at_end": float(total(held, "pool_backlog")[during][-1] - total(free, "pool_backlog")[during][-1]),
        "put_off": _put_off(made, total(held, "pool_queue_length") - total(free, "pool_queue_length"), name),
        "ttft_p99_s": {"free": worst(free, "pool_ttft"), "curtailed": worst(held, "pool_ttft")},
        "tpot_p99_s": {"free": worst(free, "pool_tpot"), "curtailed": worst(held, "pool_tpot")},
    }


def _put_off(made: Curtailment, extra: Floats, name: str) -> dict[str, Any] | None:
    """What a class that may be put off has put off and when it has caught up; None for other classes.

    ``extra`` (time) requests that wait and would not without the event.
    """
    free, end = made.free.sel(workload=name), seconds(made.free)
    window = float(free["workload_defer"])
    if window <= 0.0:
        return None
    most, served = float(extra.max()), float(free["pool_served_rate"].sum())
    tokens = float(free["pool_token_rate"].sum()) / served if served > 0.0 else 0.0
    waits = end[(extra > CAUGHT_UP * most) & (end > made.event.end)]
    last = float(waits.max()) if len(waits) else made.event.end
    due = (
        made.held.sel(workload=name)["pool_ttft"]
        .sel(percentile=50.0)
        .where(made.held["pool_served_rate"].sel(workload=name) > 0)
    )
    return {
        "window_h": window / HOUR,
        "requests": max(0.0, most),
        "tokens": max(0.0, most) * tokens,
        "longest_h": float(due.max()) / HOUR,
        "caught_up_h": (last - made.event.end) / HOUR if last < end[-1] else None,
    }


__all__ = ["POLICIES", "Curtailment", "curtail", "told"]
