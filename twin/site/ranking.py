"""The order in which services are filled, by policy: quickest, thriftiest or cheapest first.

Equations, at the largest batch that memory and configuration allow (B, rate r, power P of a system, n systems)::

    latency   E[T_p] + E[L_out] tau(1)          s, of a request of the meant mix that finds nobody there
    energy    n P(B)/r                          J per token, prompts left out
    cost      n c/(3600 r)                      money per token, c the site's cost of a system-hour
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin.inference.fleet import Class, Fleet, Pool
from twin.site.inference_model import Policy

Floats = NDArray[np.float64]


def ranked(fleet: Fleet, policy: Policy, cost_usd_h: Sequence[float]) -> NDArray[np.int64]:
    """Services in the order of filling, empty where there is none; ``cost_usd_h`` (pool) per system."""
    if policy in ("proportional", "weights"):
        return np.zeros(0, np.int64)
    if policy == "latency":
        found = _latency(fleet)
    elif policy == "energy":
        found = _energy(fleet)
    else:
        found = _cost(fleet, np.asarray(cost_usd_h))
    return np.argsort(found, kind="stable").astype(np.int64)


def _latency(fleet: Fleet) -> Floats:
    prefill, output = fleet.prefill[fleet.prefilling], fleet.cls[:, Class.OUTPUT]
    first = np.array([np.interp(1.0, fleet.batch[d], fleet.step[d]) for d in fleet.decoding])
    return np.asarray((fleet.mix * (prefill + output * first[:, None])).sum(axis=1))


def _at_most(fleet: Fleet) -> tuple[Floats, Floats]:
    """Tokens/s of a replica and power of a system at the largest batch, by service."""
    held = (fleet.mix * fleet.cls[:, Class.HELD]).sum(axis=1)
    batch = np.minimum(fleet.batch[fleet.decoding, -1], fleet.pool[fleet.decoding, Pool.KV] / held)
    rows = list(zip(batch, fleet.decoding, strict=True))
    rate = np.array([np.interp(b, fleet.batch[d], fleet.most[d]) for b, d in rows])
    return rate, np.array([np.interp(b, fleet.batch[d], fleet.draw[d]) for b, d in rows])


def _energy(fleet: Fleet) -> Floats:
    rate, power = _at_most(fleet)
    return np.asarray(fleet.pool[fleet.decoding, Pool.SYSTEMS] * power / rate)


def _cost(fleet: Fleet, cost_usd_h: Floats) -> Floats:
    rate, _ = _at_most(fleet)
    return np.asarray(fleet.pool[fleet.decoding, Pool.SYSTEMS] * cost_usd_h[fleet.decoding] / rate)


__all__ = ["ranked"]
