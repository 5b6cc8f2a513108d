"""Curtailment: how much the fleet gives way when the meter has to come down, what it costs, and what comes after.

Two runs of the same hours and seed, one of them under caps. The caps of the services follow from what has to go at the
meter, a hall or an element, are split by a shed policy, and are corrected from run to run until every point holds:
cooling and losses follow IT power with a share that is not known beforehand. Where several points are held, a service
is held to the lowest of its caps; one that stands behind none of them is not touched, and one that does in part is
taken as several (``curtail_split``).

Policies: ``proportional`` takes the same share of what each service draws above idle; ``priority`` takes all of that
from the services first that serve most of the classes served last (those that may be put off, then the last priority);
``efficiency`` from those with the most joules per token first. Within a service, who may be put off gives way first.
A service whose requests run on for longer than an interval comes down late: what it cannot give in time, the next does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr

from twin.analysis.curtail_event import CLOSE, STEP_S, Curtailment, Event, Floats, Target, seconds, step_for
from twin.analysis.curtail_points import SITE, Named, named, target
from twin.analysis.curtail_split import split
from twin.analysis.curtail_told import told
from twin.analysis.dataset import simulate
from twin.core.errors import Faults, did_you_mean, one, option
from twin.core.units import HOUR
from twin.engine.caps import Caps
from twin.engine.period import stamp
from twin.site.load import LoadedSite, load_site
from twin.site.lower_fleet import FleetPlan, lower_fleet

POLICIES = ("proportional", "priority", "efficiency")
PASSES = 10
BEFORE_S, AFTER_S = 2 * HOUR, 12 * HOUR
FIRST_GUESS = 1.15  # W at the point per W of IT
# Of what a service draws above idle: further above its cap it has not come down in time.
LATE = 0.01


@dataclass
class Hold:
    """A point under correction: who gives way in which order, the ceiling (time) W, what is asked for (time) W."""

    target: Target
    order: list[int]
    ceiling: Floats
    cut: Floats

    @property
    def on(self) -> list[int]:
        """Services of which something comes through the point."""
        return [s for s, weight in enumerate(self.target.weight) if weight > 0.0]


def curtail(
    site: str | Path | LoadedSite,
    share: float | None = None,
    *,
    caps: Sequence[tuple[str, float]] = (),
    at: float | None = None,
    lasting_s: float = 3 * HOUR,
    ramp_s: float = 0.0,
    latency_s: float = 0.0,
    policy: str = POLICIES[0],
    seed: int = 0,
) -> Curtailment:
    """Hold the meter ``share`` (0..1) below what it shows ``at`` (s since 1970 UTC; default: the peak hour of a year).

    ``caps`` hold points of the path (``site``, halls and elements by name) to so many W, besides or in place of it.
    ``latency_s`` passes from the begin until the first system comes down, ``ramp_s`` from there until all have.

    Raises ``InputError`` for a site without inference and options out of range.
    """
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    asked = _check(loaded, share, caps, lasting_s, (ramp_s, latency_s), policy)
    loaded = split(loaded, [at_point for at_point, _ in asked])
    begin = np.floor((peak_hour(loaded, seed) if at is None else at) / STEP_S) * STEP_S
    step = step_for(latency_s)
    acts = float(np.ceil(latency_s / step) * step)
    event = Event(float(begin), float(begin + lasting_s), ramp_s, share or 0.0, acts, step)
    names = [f"{b}/{h}" for b, building in loaded.site.buildings.items() for h in building.halls]
    plan = lower_fleet(loaded.site, loaded.library, names)
    assert plan is not None
    free = _run(loaded, event, seed, None)
    targets = _targets(loaded, plan, free, event, share, asked)
    event = replace(event, share=1.0 - targets[0].target_w / _now(free, targets[0], event) if share is None else share)
    made = Curtailment(event, policy, free, free, targets[0].target_w, False, tuple(targets), tuple(plan.service))
    made = _corrected(loaded, plan, made, seed)
    free_w, held_w = (_service_power(plan, ds)[made.during()].mean(axis=0) for ds in (made.free, made.held))
    return replace(made, service_w=(free_w, held_w))


def _corrected(loaded: LoadedSite, plan: FleetPlan, made: Curtailment, seed: int) -> Curtailment:
    """The curtailment under caps that hold every point, or as close as they come."""
    free, event = made.free, made.event
    order, room, end = _order(plan, free, made.policy), _room(plan, free), seconds(free)
    holds = [_hold(free, one, order, event) for one in made.targets]
    best: tuple[float, Curtailment] | None = None
    for _ in range(PASSES):
        # What cooling and losses answer is not known beforehand: what is left above the ceiling is asked for again.
        # What is below it is given back by halves once it holds: where power hardly hangs on work, a cap takes much.
        for hold in holds:
            over, slack = hold.target.measured(made.held) - hold.ceiling, CLOSE * hold.target.target_w
            over = np.where(over < 0.0, 0.5 * over * (best is not None) * (over < -slack), over)
            limited = hold.ceiling < hold.target.measured(free)
            hold.cut = np.maximum(0.0, hold.cut + over / FIRST_GUESS) * limited
        each = [_watts(plan, free, hold, room) for hold in holds]
        watts = np.minimum.reduce(each)
        made = replace(made, held=_run(loaded, event, seed, _caps(watts, end, event, len(plan.pool))))
        room = _answered(plan, made, watts, room, holds)
        overs = [(hold.target.measured(made.held) - hold.ceiling)[made.during()] for hold in holds]
        if all(o.max() <= CLOSE * h.target.target_w for o, h in zip(overs, holds, strict=True)):
            near = max(float(o.mean()) / h.target.target_w for o, h in zip(overs, holds, strict=True))
            if best is None or near > best[0]:
                best = near, replace(made, reached=True)
        if best is None:
            if any(_spent(plan, made, w, o, h) for w, o, h in zip(each, overs, holds, strict=True)):
                break
        elif best[0] >= -2.0 * CLOSE:
            break
    return made if best is None else best[1]


def _spent(plan: FleetPlan, made: Curtailment, watts: Floats, over: Floats, hold: Hold) -> bool:
    """Whether a point is not held although everybody on it is down to idle wherever it is not."""
    fails = over > CLOSE * hold.target.target_w
    down = np.max((watts - _idle_power(plan, made.free))[:, hold.on], axis=1)[made.during()] <= 1.0
    return bool(fails.any() and down[fails].all())


def _check(
    loaded: LoadedSite,
    share: float | None,
    caps: Sequence[tuple[str, float]],
    lasting_s: float,
    waits: tuple[float, float],
    policy: str,
) -> list[tuple[Named, float]]:
    """The points that are held to a power; every fault is told at once."""
    faults = Faults()

    def refuse(what: str, place: str) -> None:
        faults.problems += one(what, path=option(place)).problems

    if loaded.site.inference is None:
        raise one("the site serves nothing (it has no `inference`): there is nothing to curtail", file=loaded.file)
    if share is None and not caps:
        refuse("give a share of the metered power, or a power that a point is held to", "by=")
    if share is not None and not 0.0 < share < 1.0:
        refuse(f"{100 * share:g} % is out of range, expected more than 0 and less than 100 %", "by=")
    asked = faults.of(named, loaded.site, caps) or []
    if share is not None and any(role == SITE for (role, _), _ in asked):
        refuse("the site is held by a share and by a power: give one of them", "cap=")
    if not STEP_S <= lasting_s <= 168 * HOUR:
        refuse(f"{lasting_s:g} s is out of range, expected 5 min to 168 h", "for=")
    ramp_s, latency_s = waits
    if not 0.0 <= latency_s < lasting_s:
        refuse(f"a latency of {latency_s:g} s does not end within the event", "shed_latency_s=")
    elif not 0.0 <= ramp_s < lasting_s - latency_s:
        refuse(f"a ramp of {ramp_s:g} s does not end within the event", "ramp=")
    if policy not in POLICIES:
        hint = did_you_mean(policy, POLICIES) or f"; expected one of {', '.join(POLICIES)}"
        refuse(f'unknown policy "{policy}"{hint}', "policy=")
    faults.tell()
    return asked


def peak_hour(loaded: LoadedSite, seed: int) -> float:
    """Begin of the hour with the highest metered power in the default year, s since 1970 UTC; from hour-long steps."""
    year = simulate(loaded, step=HOUR, level="site", seed=seed)
    return float(seconds(year)[int(year["site_power"].values.argmax())] - HOUR)


def _targets(
    loaded: LoadedSite,
    plan: FleetPlan,
    free: xr.Dataset,
    event: Event,
    share: float | None,
    asked: Sequence[tuple[Named, float]],
) -> list[Target]:
    """All points that are held; the meter first where it is."""
    made = [target(loaded, plan, free, at, watts, event.begin) for at, watts in asked]
    if share is not None:
        meter = Target(SITE, SITE, 0.0, np.ones(len(plan.service)))
        made = [replace(meter, target_w=(1.0 - share) * _now(free, meter, event)), *made]
    if made[0].target_w <= 0.0 or _now(free, made[0], event) <= 0.0:
        raise one("nothing is energised then: there is nothing to curtail", path=option("at="))
    return made


def _now(free: xr.Dataset, point: Target, event: Event) -> float:
    """What comes through a point at the begin of the event, W."""
    return float(point.measured(free)[int(np.argmin(np.abs(seconds(free) - event.begin)))])


def _hold(free: xr.Dataset, point: Target, order: list[int], event: Event) -> Hold:
    through = point.measured(free)
    ceiling = through - np.maximum(0.0, through - point.target_w) * _ramp(seconds(free), event)
    return Hold(point, [s for s in order if point.weight[s] > 0.0], ceiling, np.zeros(len(through)))


def _run(loaded: LoadedSite, event: Event, seed: int, caps: Caps | None) -> xr.Dataset:
    start, end = stamp(event.begin - BEFORE_S), stamp(event.end + AFTER_S)
    return simulate(loaded, start=start, end=end, step=event.step, every=event.step, seed=seed, caps=caps)


def _ramp(end: Floats, event: Event) -> Floats:
    """Share of the cut that holds in each interval: rising over the ramp, 1 to the end of the event."""
    since = end - event.step - event.acts
    rising = np.ones(len(end)) if event.ramp == 0.0 else np.clip(since / event.ramp, 0.0, 1.0)
    return rising * ((end > event.acts) & (end <= event.end))


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


def _watts(plan: FleetPlan, free: xr.Dataset, hold: Hold, room: Floats) -> Floats:
    """Caps that take the cut of a point from the services on it, (time, service) W of IT, inf without.

    ``room`` (time, service) W is what each can give in time: who has to give all of it may draw no more than idle.
    """
    through = room * hold.target.weight
    share, left = np.zeros_like(room), hold.cut.copy()
    for turn in [[s] for s in hold.order] or [hold.on]:
        part = through[:, turn].sum(axis=1)
        now = np.where(left > 0.0, np.minimum(1.0, left / np.maximum(part, 1.0)), 0.0)
        share[:, turn] = now[:, None]
        left -= now * part
    return np.where(share > 0.0, _service_power(plan, free) - share * _room(plan, free), np.inf)


def _answered(plan: FleetPlan, made: Curtailment, watts: Floats, room: Floats, holds: Sequence[Hold]) -> Floats:
    """Room of the next pass; where services could not come down to their caps, it and the cuts are what they gave."""
    gave = _service_power(plan, made.free) - _service_power(plan, made.held)
    late = gave < _service_power(plan, made.free) - watts - LATE * _room(plan, made.free)
    for hold in holds:
        given = np.where(np.isfinite(watts), gave, 0.0) * hold.target.weight
        hold.cut = np.where(late[:, hold.on].any(axis=1), given.sum(axis=1), hold.cut)
    return np.where(late, np.maximum(0.0, gave), room)


def _caps(watts: Floats, end: Floats, event: Event, pools: int) -> Caps:
    """``watts`` (time, service) as a schedule over the event; no system is lost."""
    inside = (end > event.acts) & (end <= event.end)
    # A level for each interval: twice the same value, a moment apart from the next.
    times = np.column_stack([end[inside] - event.step, end[inside] - 1e-3]).ravel()
    return Caps(times, np.repeat(watts[inside], 2, axis=0), np.ones((len(times), pools)))


__all__ = ["POLICIES", "STEP_S", "Curtailment", "curtail", "peak_hour", "seconds", "told"]
