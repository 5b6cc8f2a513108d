"""Did we comply? The record of every point that was held, and the same in the words of DSX Flex.

Equations::

    baseline = mean of the free run, shed = baseline - mean of the other, both while the full cut holds
    response = begin of the first interval from which on the point is held - begin of the event
    a breach: intervals in a row above the target (and its tolerance of 0.2 %) after latency and ramp are over

Severity as there: warning up to 20 % above the target, critical beyond. Source of the words (feed, load target,
interval, compliant, events, severity): NVIDIA DSX Flex 1.7.0, AsyncAPI contract; nothing is signed or sent here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.analysis.curtail_event import CLOSE, Curtailment, Floats, Target, seconds
from twin.core.units import HOUR, MW
from twin.engine.period import stamp

CRITICAL = 0.2


def compliance(made: Curtailment, point: Target) -> dict[str, Any]:
    """The record of one point."""
    event, during = made.event, made.during()
    free, held = point.measured(made.free), point.measured(made.held)
    found, since = breaches(made, point), held_from(made, point)
    baseline, left = float(free[during].mean()), float(held[during].mean())
    above = held[during] > (1.0 + CLOSE) * point.target_w
    return {
        "point": point.name,
        "role": point.role,
        "target_mw": point.target_w / MW,
        "baseline_mw": baseline / MW,
        "held_mw": left / MW,
        "highest_mw": float(held[during].max()) / MW,
        "shed_mw": (baseline - left) / MW,
        "shed_latency_s": event.latency,
        "response_s": None if since is None else since - event.begin,
        "hold_h": float((~above).sum()) * event.step / HOUR,
        "asked_h": float(during.sum()) * event.step / HOUR,
        "breaches": found,
        "compliant": not found,
    }


def breaches(made: Curtailment, point: Target) -> list[dict[str, Any]]:
    """Every stretch above the target after it is due, in order."""
    power, end, during = point.measured(made.held), seconds(made.held), made.during()
    above = during & (power > (1.0 + CLOSE) * point.target_w)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], above, [False])).astype(np.int8)))
    found = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        over = float(power[first:last].max()) / point.target_w - 1.0
        found.append(
            {
                "from_utc": stamp(end[first] - made.event.step),
                "to_utc": stamp(end[last - 1]),
                "highest_mw": float(power[first:last].max()) / MW,
                "above_share": over,
                "severity": "critical" if over > CRITICAL else "warning",
            }
        )
    return found


def held_from(made: Curtailment, point: Target) -> float | None:
    """Begin of the first interval from which on a point is held to the end of the event; None where it is not.

    Intervals before the cut is due count where they are below the target already.
    """
    end = seconds(made.free)
    event = made.event
    inside = (end - event.step >= event.begin) & (end <= event.end)
    fails = np.flatnonzero(point.measured(made.held)[inside] > (1.0 + CLOSE) * point.target_w)
    first = int(fails[-1]) + 1 if len(fails) else 0
    return float(end[inside][first] - event.step) if first < inside.sum() else None


def flex(made: Curtailment) -> dict[str, Any]:
    """Feeds with their load targets, and the events of the curtailment, in DSX Flex's words."""
    return {
        "snapshot_time": stamp(made.event.end),
        "feeds": {point.name: _feed(made, point) for point in made.targets},
        "events": _events(made),
    }


def _feed(made: Curtailment, point: Target) -> dict[str, Any]:
    at_end = np.flatnonzero(seconds(made.held) <= made.event.end)[-1]
    interval = {"start_time": stamp(made.event.begin), "end_time": stamp(made.event.end)}
    return {
        "targets": [
            {
                "active": True,
                "load_constraint": _megawatt(point.target_w),
                "interval": interval,
                "strategy": {"best_effort": False},
            }
        ],
        "calculated_load": _megawatt(float(point.measured(made.held)[at_end])),
        "in_flight": False,
        "compliant": not breaches(made, point),
    }


def _megawatt(watts: float) -> dict[str, Any]:
    return {"value": watts / MW, "unit": "megawatt"}


def _events(made: Curtailment) -> list[dict[str, Any]]:
    """Events in order; those that never come are left out."""
    event = made.event
    since = [held_from(made, point) for point in made.targets]
    down = None if None in since else max([event.acts, *(t for t in since if t is not None)])
    known = [
        ("target_set", event.begin),
        ("start_ramp_down", event.acts),
        ("end_ramp_down", down),
        ("start_ramp_up", event.end),
        ("end_ramp_up", _back(made)),
    ]
    return [{"event": name, "time": stamp(t)} for name, t in known if t is not None]


def _back(made: Curtailment) -> float | None:
    """End of the first interval after the event in which every point draws what it would without the event."""
    end = seconds(made.free)
    there: Floats = np.ones(len(end))
    for point in made.targets:
        there = there * (point.measured(made.held) >= (1.0 - CLOSE) * point.measured(made.free))
    after = np.flatnonzero((end > made.event.end) & (there > 0.0))
    return float(end[after[0]]) if len(after) else None


__all__ = ["breaches", "compliance", "flex", "held_from"]
