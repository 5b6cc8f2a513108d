"""Curtailment: how much the fleet gives way when the meter has to come down, what it costs, and what comes after.

Two runs of the same hours and seed, one of them under caps. The caps of the services follow from what has to go at the
meter, are split by a shed policy, and are corrected from run to run until the meter holds: cooling and losses follow IT
power with a share that is not known beforehand.

Policies: ``proportional`` takes the same share of what each service draws above idle; ``priority`` takes all of that
from the services first that serve most of the classes served last (those that may be put off, then the last priority);
``efficiency`` from those with the most joules per token first. Within a service, who may be put off gives way first.
A service whose requests run on for longer than an interval comes down late: what it cannot give in time, the next does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
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
PASSES = 10
# Of the target: what is left of it after the last pass.
CLOSE = 2e-3
BEFORE_S, AFTER_S = 2 * HOUR, 12 * HOUR
FIRST_GUESS = 1.15  # W at the meter per W of IT
STEP_S = 300.0
# Of what a service draws above idle: further above its cap it has not come down in time.
LATE = 0.01
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
    order, room = _order(plan, free, policy), _room(plan, free)
    metered = free["site_power"].values
    end = seconds(free)
    target = (1.0 - share) * float(metered[int(np.argmin(np.abs(end - event.begin)))])
    if target <= 0.0:
        raise one("nothing is energised then: there is nothing to curtail", path=option("at="))
    ceiling = metered - np.maximum(0.0, metered - target) * _ramp(end, event)
    best, made = None, Curtailment(event, policy, free, free, target, reached=False)
    cut = np.zeros(len(end))
    for _ in range(PASSES):
        # What cooling and losses answer is not known beforehand: what is left above the ceiling is asked for again.
        # What is below it is given back by halves once it holds: where power hardly hangs on work, a cap takes much.
        over = made.held["site_power"].values - ceiling
        over = np.where(over < 0.0, 0.5 * over * (best is not None) * (over < -CLOSE * target), over)
        cut = np.maximum(0.0, cut + over / FIRST_GUESS) * (ceiling < metered)
        watts = _watts(plan, free, cut, order, room)
        made = replace(made, held=_run(loaded, event, seed, _caps(watts, end, event, len(plan.pool))))
        room, cut = _answered(plan, made, watts, room, cut)
        over = (made.held["site_power"].values - ceiling)[made.during()]
        if over.max() <= CLOSE * target and (best is None or over.mean() > best[0]):
            best = float(over.mean()), replace(made, reached=True)
        if best is None:
            spent = np.max(watts - _idle_power(plan, free), axis=1)[made.during()] <= 1.0
            if spent[over > CLOSE * target].all():
                break
        elif best[0] >= -2.0 * CLOSE * target:
            break
    return made if best is None else best[1]


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
    """Services in the order in which they give way; empty: all alike.

    By priority those first of whose tokens the largest share is of the class served last; what else a mix names, but is
    not served there, does not count. One after the other, for the last tokens cost least power where batches are large.
    """
    if policy == "proportional":
        return []
    services = range(len(plan.service))
    tokens = np.nan_to_num(free["pool_token_rate"].values).mean(axis=0)[plan.fleet.decoding]
    total = np.maximum(tokens.sum(axis=1), 1e-9)
    if policy == "efficiency":
        watts = _service_power(plan, free).mean(axis=0)
        return sorted(services, key=lambda s: -watts[s] / total[s])
    levels = [plan.fleet.order[i:j] for i, j in pairwise(plan.fleet.level)][::-1]
    share = [tokens[:, level].sum(axis=1) / total for level in levels]
    return sorted(services, key=lambda s: [-float(part[s]) for part in share])


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


def _room(plan: FleetPlan, free: xr.Dataset) -> Floats:
    """What each service draws above idle, (time, service) W."""
    return np.maximum(0.0, _service_power(plan, free) - _idle_power(plan, free))


def _watts(plan: FleetPlan, free: xr.Dataset, cut: Floats, order: list[int], room: Floats) -> Floats:
    """Caps that take ``cut`` (time) W of IT from the services, (time, service) W, inf without.

    ``room`` (time, service) W is what each can give in time: who has to give all of it may draw no more than idle.
    """
    share, left = np.zeros_like(room), cut.copy()
    for turn in [[s] for s in order] or [list(range(room.shape[1]))]:
        part = room[:, turn].sum(axis=1)
        now = np.where(left > 0.0, np.minimum(1.0, left / np.maximum(part, 1.0)), 0.0)
        share[:, turn] = now[:, None]
        left -= now * part
    return np.where(share > 0.0, _service_power(plan, free) - share * _room(plan, free), np.inf)


def _answered(plan: FleetPlan, made: Curtailment, watts: Floats, room: Floats, cut: Floats) -> tuple[Floats, Floats]:
    """Room and cut of the next pass: where services could not come down to their caps, what they did give."""
    gave = _service_power(plan, made.free) - _service_power(plan, made.held)
    late = gave < _service_power(plan, made.free) - watts - LATE * _room(plan, made.free)
    room = np.where(late, np.maximum(0.0, gave), room)
    return room, np.where(late.any(axis=1), np.where(np.isfinite(watts), gave, 0.0).sum(axis=1), cut)


def _caps(watts: Floats, end: Floats, event: Event, pools: int) -> Caps:
    """``watts`` (time, service) as a schedule over the event; no system is lost."""
    inside = (end > event.begin) & (end <= event.end)
    # A level for each interval: twice the same value, a moment apart from the next.
    times = np.column_stack([end[inside] - STEP_S, end[inside] - 1e-3]).ravel()
    return Caps(times, np.repeat(watts[inside], 2, axis=0), np.ones((len(times), pools)))


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
        "held_from_utc": _held_from(made),
        "metered_mw": {"free": float(was[during].mean()) / MW, "curtailed": float(power[during].mean()) / MW},
        "metered_maximum_mw": float(power[during].max()) / MW,
        "energy_shifted_mwh": float((was - power)[during].sum()) * STEP_S / HOUR / MW,
        "steepest_mw_per_min": {"down": float(-steps.min()), "up": float(steps.max())},
        "rebound_mw": max(0.0, float((power - was)[after].max()) / MW),
        "backlog_after_h": float(busy.sum()) * STEP_S / HOUR,
        "classes": classes,
    }


def _held_from(made: Curtailment) -> str | None:
    """Begin of the first interval from which on the meter is held to the end of the event; None where it is not."""
    during = made.during()
    fails = np.flatnonzero(made.held["site_power"].values[during] > (1.0 + CLOSE) * made.target_w)
    first = int(fails[-1]) + 1 if len(fails) else 0
    return stamp(seconds(made.free)[during][first] - STEP_S) if first < during.sum() else None


def _class_row(made: Curtailment, name: str, during: NDArray[np.bool_]) -> dict[str, Any]:
    def total(ds: xr.Dataset, variable: str) -> Floats:
        return np.asarray(np.nansum(ds[variable].sel(workload=name).values, axis=1))

    def worst(ds: xr.Dataset, variable: str) -> float | None:
        """Worst 99th percentile while the cut holds, s; None where nobody is answered, or somebody never."""
        answered = ds["pool_served_rate"].sel(workload=name).values > 0.0
        delays = np.where(answered, ds[variable].sel(workload=name, percentile=99.0).values, np.nan)[during]
        return float(np.nanmax(delays)) if np.isfinite(delays).any() and np.nanmax(delays) < FOREVER_S else None

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
