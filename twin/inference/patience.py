"""Who goes on waiting: how long a request may queue, how old a queue is, who is turned away.

Equations (q waiting, a taken and lambda routed per second, h age of the first in the queue, W window of a class)::

    not deferrable, may be shed: q <= a max(0, promise - TTFT_p)      TTFT_p of the promised share, without the queue
    deferrable:                  h' = h (1 - a dt/q) + dt             first come first served, arrivals spread over h
    deferrable, may be shed:     h <= W,  q (1 - W/h) turned away

So what is accepted in overload keeps its promise where the service at full load, with nobody queueing, keeps it. A
deferrable class is turned away only when its window has passed: what it will be taken at later is not known before.
Range: h is exact while the arrivals of the class are even, for steps of any length. Where they halve within a window,
about a twentieth of those who are turned away is so later than its time.
"""

from __future__ import annotations

from math import log

import numpy as np

from twin.core.jit import inner
from twin.inference.fleet import Class, Fleet, Flow, Held
from twin.inference.latency import first_tokens

TTFT, SHED, DEFER, SHARE = int(Class.TTFT), int(Class.SHED), int(Class.DEFER), int(Class.SHARE)
# A queue below this share of what arrived in the step is the rounding of an empty one.
ROUNDING = 1e-12
MOST_SHARE = 1.0 - 1e-6


@inner
def time_of_share(times: np.ndarray, share: float) -> float:
    """Time that ``share`` of the requests keeps, from p50, p90, p99: straight in the log of what takes longer."""
    left = log(1.0 - min(share, MOST_SHARE))
    half, tenth, rare = log(0.5), log(0.1), log(0.01)
    if left > half:
        return times[0] * left / half
    if left > tenth:
        return times[0] + (times[1] - times[0]) * (left - half) / (tenth - half)
    return times[1] + (times[2] - times[1]) * (left - tenth) / (rare - tenth)


@inner
def fill_patience(fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, batch: float) -> None:
    """Fill ``flow.patience`` (class, s) for those classes of a service that lack room and may be refused for it."""
    known = False
    for c in range(flow.taken.shape[0]):
        flow.patience[c] = 0.0
        short = flow.offered[c] > flow.taken[c] > 0.0
        if short and fleet.cls[c, SHED] > 0.0 and fleet.cls[c, DEFER] <= 0.0:
            if not known:
                first_tokens(fleet, flow, s, r_p, r_d, batch)
                known = True
            late = time_of_share(flow.first[c], fleet.cls[c, SHARE])
            flow.patience[c] = max(0.0, fleet.cls[c, TTFT] - late)


@inner
def _age(age: float, before: float, arrived: float, went: float, dt: float) -> float:
    """Time that the first of a queue has waited after a step of ``dt`` s, s."""
    if went < before:
        return age * (1.0 - went / before) + dt
    return dt * (1.0 - (went - before) / arrived) if arrived > 0.0 else 0.0


@inner
def leave_queue(fleet: Fleet, held: Held, flow: Flow, s: int, c: int, arrived: float, dt: float) -> tuple[float, float]:
    """Requests of a class that wait after a step, and those turned away in it; keeps the age of the queue."""
    before, went = held.queue[s, c], flow.taken[c] * dt
    queue, shed = max(0.0, before + arrived - went), 0.0
    window = fleet.cls[c, DEFER]
    if window > 0.0:
        age = max(0.0, _age(held.age[s, c], before, arrived, went, dt))
        if fleet.cls[c, SHED] > 0.0 and age > window:
            shed = queue * (1.0 - window / age)
            age = window
        held.age[s, c] = age
    elif fleet.cls[c, SHED] > 0.0:
        shed = max(0.0, queue - flow.taken[c] * flow.patience[c])
    queue -= shed
    if queue < ROUNDING * arrived:
        queue = 0.0
        held.age[s, c] = 0.0
    return queue, shed


__all__ = ["fill_patience", "leave_queue", "time_of_share"]
