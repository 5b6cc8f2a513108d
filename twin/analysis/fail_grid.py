"""What a grid asks of a load in and after a fault, held against the course of the power at the meter.

Equations (t_v the return of the voltage, P the power at the meter)::

    before       P_0 = min P over the BEFORE_S before the fault: swings of training are no loss
    recovery     P(t) >= share P_0 for at least HELD_S, from t <= t_v + limit on        (``twin.power.ride_through``)
    ride-through what goes to a store, or drops, from the fault on until it ends, or the rule's time is over,
                 is at most LEFT_SHARE of P_0
    locked       UPSs whose counter of sags was full: their load has left the grid until somebody returns it

P is a level between two events of the power path, so instants are exact below a step. A rule that says nothing of a
fault, that holds from a larger load, or whose time the run does not reach, is told as not judged, never as kept.
Powers in W, instants in s after the failure. Valid where the power path follows the fault.
Source: the rules' own figures; the event of July 2024 in which 1500 MW of data centres left the grid; the three
figures below are priors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.units import MW
from twin.engine.modes import Fault
from twin.engine.power_run import PowerRun
from twin.power.grid_rule import GridRule
from twin.power.ride_through import recovery, rides_through
from twin.power.ups import Ups

Floats = NDArray[np.float64]
Levels = Sequence[tuple[float, float, float]]
BEFORE_S = 10.0  # two periods of a slow swing of training
HELD_S = 10.0
LEFT_SHARE = 0.01
OFF = ("on battery", "dropped")
MARK = {True: "kept", False: "VIOLATED", None: "not judged"}


def grid_rules(run: PowerRun) -> dict[str, Any]:
    """Faults of the grid, what each left at the meter, the verdicts of the site's rules, what is locked out."""
    loaded = run.faults.loaded
    grid = loaded.site.grid
    rules = [(id, loaded.library.get(id, GridRule)) for id in (grid.rules if grid else ())]
    faults = sorted(
        (f for f in run.faults.found if run.faults.known[f.element].role == "grid" and run.faults.by_path(f)),
        key=lambda f: f.at_s,
    )
    begins = [*(f.at_s for f in faults), inf]
    found = [_fault(run, fault, begins[k + 1] - run.origin_s) for k, fault in enumerate(faults)]
    # Between two sags a load may be on its batteries still: how large it is was seen before the first.
    size = max((one["before_mw"] for one in found), default=0.0)
    judged = [row for one in found for id, rule in rules for row in _verdicts(run, id, rule, one, size)]
    locked = {e.node: e.value for e in run.events if e.what == "locked on battery" and run.concerns(e)}
    locked = {n: w for n, w in locked.items() if isinstance(run.site.device[n], Ups)}
    return {
        "faults": found,
        "locked_ups": int(sum(run.site.net.units[n] for n in locked)),
        "locked_mw": sum(locked.values()) / MW,
        "verdicts": judged,
        "violated": any(row["kept"] is False for row in judged),
    }


def _fault(run: PowerRun, fault: Fault, later: float) -> dict[str, Any]:
    """A fault of the grid and the meter around it; ``later`` is when the next one begins."""
    levels, begin = run.machine.meter or [], fault.at_s - run.origin_s
    end = min(fault.until_s - run.origin_s, later)
    was = [w for _, to, w in levels if begin - BEFORE_S < to <= begin]
    during = [w for at, to, w in levels if to > begin and at < end]
    last = levels[-1][1] if levels else begin
    return {
        "fault": fault.named(),
        "s": begin,
        "voltage_pu": 0.0 if fault.mode == "outage" else float(fault.amount or 0.0),
        "back_s": end if end < min(last, later) else None,
        "next_s": later if later < inf else None,
        "before_mw": min(was, default=0.0) / MW,
        "last_mw": (was[-1] if was else 0.0) / MW,
        "least_mw": min(during, default=0.0) / MW,
    }


def _verdicts(run: PowerRun, id: str, rule: GridRule, one: dict[str, Any], size: float) -> list[dict[str, Any]]:
    """What one rule says of one fault at a load of ``size`` MW."""
    found = []
    row = {"rule": id, "fault": one["fault"], "s": one["s"]}
    threshold = rule.threshold_mw
    small = threshold is not None and size < threshold.value
    why = f"{size:.1f} MW, it holds from {threshold.value:g} MW" if threshold and small else ""
    if rule.sag_pu or rule.voltage_low_pu:
        asked = rides_through(rule, one["voltage_pu"])
        found.append(row | {"what": "ride-through"} | (_not(why) if small else _ridden(run, one, asked, size)))
    if rule.recovery_share and rule.recovery_s and rule.recovery_voltage_pu:
        limit = f"{100 * rule.recovery_share.value:g} % within {rule.recovery_s.value:g} s"
        if not small and one["voltage_pu"] >= rule.recovery_voltage_pu.value:
            small, why = True, f"the voltage stays at {rule.recovery_voltage_pu.value:g} pu and above"
        held = _not(why) if small else _recovered(run.machine.meter or [], one, rule)
        found.append(row | {"what": "recovery", "limit": limit} | held)
    return found


def _not(why: str) -> dict[str, Any]:
    return {"kept": None, "found": why}


def _ridden(run: PowerRun, one: dict[str, Any], asked: float, size: float) -> dict[str, Any]:
    """Whether the load stays on the grid in the fault, as long as is asked for."""
    if asked == 0.0:
        return _not(f"it says nothing of {one['voltage_pu']:g} pu")
    limit = f"{one['voltage_pu']:g} pu " + ("without end" if asked == inf else f"for {asked:g} s")
    until = min(one["s"] + asked, one["back_s"] if one["back_s"] is not None else inf)
    left = sum(e.value for e in run.events if e.what in OFF and run.concerns(e) and one["s"] <= e.t_s < until) / MW
    left = min(left, one["last_mw"])  # of a UPS in its walk-in only what the grid carried
    return {
        "limit": limit,
        "kept": bool(left <= LEFT_SHARE * size),
        "found": f"{left:.2f} of {one['last_mw']:.2f} MW leave the grid",
        "left_mw": left,
    }


def _recovered(levels: Levels, one: dict[str, Any], rule: GridRule) -> dict[str, Any]:
    """Whether the load is back in time after the voltage."""
    assert rule.recovery_share is not None
    assert rule.recovery_s is not None
    back, before = one["back_s"], one["before_mw"] * MW
    if back is None:
        return _not("the voltage does not come back in the run")
    limit = back + rule.recovery_s.value
    times, power = _readings(levels, back, one["next_s"], rule.recovery_share.value * before, limit)
    if not len(times) or times[-1] < limit:
        return _not("the run, or the next fault, ends before its time is over")
    course = recovery(times, power, before, back, rule)
    if course.after_s is None:
        when = f"not back after {times[-1] - back:,.0f} s"
    else:
        when = f"back {course.after_s:.2f} s after the voltage"
    lacks = f", {course.lacking_w / MW:.2f} MW lacking at {rule.recovery_s.value:g} s" if course.lacking_w else ""
    return {
        "kept": course.met, "found": when + lacks, "after_s": course.after_s, "lacking_mw": course.lacking_w / MW,
    }  # fmt: skip


def _readings(levels: Levels, back: float, later: float | None, asked: float, limit: float) -> tuple[Floats, Floats]:
    """Both ends of each level from ``back`` on, until the load has been back for HELD_S, or the run ends; s and W."""
    stop = inf if later is None else later
    kept = [(max(at, back), min(to, stop), w) for at, to, w in levels if to > back and at < stop]
    since, end = None, kept[-1][1] if kept else back
    for at, to, w in kept:
        since = None if w < asked else at if since is None else since
        if since is not None and to >= since + HELD_S:
            end = min(end, max(since + HELD_S, limit))
            break
    kept = [(at, min(to, end), w) for at, to, w in kept if at < end]
    times = np.array([t for at, to, _ in kept for t in (at, to)])
    return times, np.repeat([w for _, _, w in kept], 2)


def lines(told: dict[str, Any]) -> list[str]:
    """The verdicts as text; nothing where the site names no rules and no UPS is locked."""
    found = []
    if told["verdicts"]:
        found += _faults(told["faults"])
    for row in told["verdicts"]:
        asked = f", asked {row['limit']}" if "limit" in row else ""
        found.append(f"{MARK[row['kept']]:11}{row['rule']}, {row['what']} at {row['s']:.1f} s: {row['found']}{asked}")
    if told["locked_ups"]:
        found.append(
            f"{told['locked_ups']:,} UPSs have counted too many sags: {told['locked_mw']:.1f} MW stay off the grid "
            "until somebody returns them"
        )
    return found


def _faults(faults: Iterable[dict[str, Any]]) -> list[str]:
    return [
        f"at {one['s']:.1f} s {one['fault']}: {one['before_mw']:.2f} MW at the meter before, {one['least_mw']:.2f} MW "
        "at least in it" + (f"; the voltage is back at {one['back_s']:.1f} s" if one["back_s"] is not None else "")
        for one in faults
    ]


__all__ = ["grid_rules", "lines"]
