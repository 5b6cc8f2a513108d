"""A curtailment in plain numbers: the meter, every point that is held, services, classes, and the record of it.

Equations: tokens lost are those of the free run less those of the other until the end of both, 12 h after the event;
what was late is missing at the end of the event and made by then. Powers are means of the intervals in which the full
cut holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.analysis.curtail_event import Curtailment, Floats, seconds
from twin.analysis.curtail_flex import compliance, flex, held_from
from twin.core.units import HOUR, MW
from twin.engine.period import stamp
from twin.inference.latency import FOREVER_S

# Of the most that was put off: less is caught up.
CAUGHT_UP = 1e-3
# Of what a class or service had: less is not touched.
TOUCHED = 1e-3


def told(made: Curtailment) -> dict[str, Any]:
    """The outcome in plain numbers: power, ramps, rebound, points, tokens by class, latencies while it lasts."""
    free, held, during = made.free, made.held, made.during()
    end = seconds(free)
    after = end > made.event.end
    power, was = held["site_power"].values, free["site_power"].values
    classes = [_class_row(made, name, during) for name in free["workload"].values.tolist()]
    steps = np.diff(power) / MW / (made.event.step / 60.0)
    backlog = np.nansum(held["pool_backlog"].values - free["pool_backlog"].values, axis=(1, 2))
    busy = after & (backlog > 1e-3 * np.nansum(free["pool_backlog"].values, axis=(1, 2)).max())
    return {
        "begins_utc": stamp(made.event.begin),
        "ends_utc": stamp(made.event.end),
        "policy": made.policy,
        "asked_share": made.event.share,
        "target_mw": made.target_w / MW,
        "reached": made.reached,
        "held_from_utc": _first_held(made),
        "shed_latency_s": made.event.latency,
        "metered_mw": {"free": float(was[during].mean()) / MW, "curtailed": float(power[during].mean()) / MW},
        "metered_maximum_mw": float(power[during].max()) / MW,
        "energy_shifted_mwh": float((was - power)[during].sum()) * made.event.step / HOUR / MW,
        "steepest_mw_per_min": {"down": float(-steps.min()), "up": float(steps.max())},
        "rebound_mw": max(0.0, float((power - was)[after].max()) / MW),
        "backlog_after_h": float(busy.sum()) * made.event.step / HOUR,
        "points": [compliance(made, point) for point in made.targets],
        "services": _services(made),
        "classes": classes,
        "flex": flex(made),
    }


def _first_held(made: Curtailment) -> str | None:
    """Begin of the interval from which on the first point is held to the end; None where it is not."""
    at = held_from(made, made.targets[0])
    return None if at is None else stamp(at)


def _services(made: Curtailment) -> list[dict[str, Any]]:
    """What each service draws without and with the event, and how much of it stands behind each point."""
    return [
        {
            "service": name,
            "mw": {"free": float(free) / MW, "curtailed": float(held) / MW},
            "behind": {point.name: float(point.weight[n]) for point in made.targets},
            "throttled": bool(held < (1.0 - TOUCHED) * free),
        }
        for n, (name, free, held) in enumerate(zip(made.services, *made.service_w, strict=True))
    ]


def _class_row(made: Curtailment, name: str, during: NDArray[np.bool_]) -> dict[str, Any]:
    def total(ds: xr.Dataset, variable: str) -> Floats:
        return np.asarray(np.nansum(ds[variable].sel(workload=name).values, axis=1))

    def worst(ds: xr.Dataset, variable: str) -> float | None:
        """Worst 99th percentile while the cut holds, s; None where nobody is answered, or somebody never."""
        answered = ds["pool_served_rate"].sel(workload=name).values > 0.0
        delays = np.where(answered, ds[variable].sel(workload=name, percentile=99.0).values, np.nan)[during]
        return float(np.nanmax(delays)) if np.isfinite(delays).any() and np.nanmax(delays) < FOREVER_S else None

    free, held = made.free, made.held
    missing = (total(free, "pool_token_rate") - total(held, "pool_token_rate")) * made.event.step
    put_off = _put_off(made, total(held, "pool_queue_length") - total(free, "pool_queue_length"), name)
    refused = (total(held, "pool_shed_rate") - total(free, "pool_shed_rate")) * made.event.step
    at_end = float(missing[seconds(free) <= made.event.end].sum())
    lost = max(0.0, float(missing.sum()))
    return {
        "workload": name,
        "how": _how(float(refused.sum()), put_off, at_end, float(total(free, "pool_token_rate").sum()), made),
        "tokens_lost": lost,
        "tokens_late": max(0.0, at_end - lost),
        "tokens_per_s": {
            "free": float(total(free, "pool_token_rate")[during].mean()),
            "curtailed": float(total(held, "pool_token_rate")[during].mean()),
        },
        "shed_per_s": float(total(held, "pool_shed_rate")[during].mean()),
        "queue_at_end": float(total(held, "pool_backlog")[during][-1] - total(free, "pool_backlog")[during][-1]),
        "put_off": put_off,
        "ttft_p99_s": {"free": worst(free, "pool_ttft"), "curtailed": worst(held, "pool_ttft")},
        "tpot_p99_s": {"free": worst(free, "pool_tpot"), "curtailed": worst(held, "pool_tpot")},
    }


def _how(refused: float, put_off: dict[str, Any] | None, missing: float, tokens: float, made: Curtailment) -> list[str]:
    """What is done to a class: some of its requests shed, deferred, its answers throttled; empty: nothing.

    ``refused`` requests, ``missing`` tokens at the end of the event, ``tokens`` the sum of the free run's rates, 1/s.
    """
    length = (made.event.end - made.event.begin) / made.event.step
    share = missing / max(1e-9, tokens * made.event.step * length / made.free.sizes["time"])
    words = {
        "shed": refused > 1.0,
        "deferred": put_off is not None and put_off["requests"] > 1.0,
        "throttled": share > TOUCHED,
    }
    return [word for word, holds in words.items() if holds]


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


__all__ = ["told"]
