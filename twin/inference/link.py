"""The KV cache on its way from a prefill pool to a decode pool.

Equations (kappa KV bytes per token, h share of the prompt found in a prefix cache, BW bandwidth of the narrower side)::

    bytes = kappa (1 - h) L_in + bytes per sequence,   rho = lambda E[bytes]/BW
    T_x   = bytes/(BW (1 - rho))                                          (M/G/1 processor sharing, mean)

Range: rho < 1; from 0.95 on the time is held and the share that passes is below 1: the caller keeps the rest in the
prefill pool (back-pressure).
Source: L. Kleinrock, Queueing Systems II, 1976 (M/G/1-PS); KV bytes: docs/papers of the models in ``sites/library``.
"""

from __future__ import annotations

from twin.core.jit import kernel

RHO_MOST = 0.95


@kernel
def kv_bytes(per_token: float, per_sequence: float, tokens: float, hit_share: float) -> float:
    """Bytes that one request sends."""
    return per_token * (1.0 - hit_share) * tokens + per_sequence


@kernel
def transfer(size: float, rate: float, mean_size: float, bandwidth: float) -> tuple[float, float, float]:
    """Time of ``size`` bytes in s, utilisation, share that the link passes.

    ``rate`` transfers per s of ``mean_size`` bytes over ``bandwidth`` bytes/s (0: no link, free).
    """
    if bandwidth <= 0.0:
        return 0.0, 0.0, 1.0
    rho = rate * mean_size / bandwidth
    share = 1.0 if rho <= RHO_MOST else RHO_MOST / rho
    return size / (bandwidth * (1.0 - min(rho, RHO_MOST))), rho, share


__all__ = ["RHO_MOST", "kv_bytes", "transfer"]
