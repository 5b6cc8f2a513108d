"""Heat recirculation in an air-cooled room: rack inlet temperatures from rack powers by the cross-interference matrix.

Equations (``n`` chassis, racks or zones)::

    K    = diag(rho f_i cp)                  capacity rate of the air through each, W/K
    a_ij                                     share of the air leaving i that enters j
    D    = (K - A^T K)^{-1} - K^{-1}         K/W
    T_in = T_sup + D P,   T_out = T_in + K^{-1} P

Symbols: P in W, temperatures in degC, A of shape (n, n) with entries in 0..1 whose rows sum to less than 1 (some air
of every rack goes back to the air handlers). Then ``K - A^T K`` is a nonsingular M-matrix and D >= 0. Steady state,
one supply temperature. A belongs to one set of air flows: ``sum_j a_ji K_j``, what a rack takes in from others, has
to stay within its own flow ``K_i``.
Source: Tang, Gupta, Varsamopoulos, IEEE Trans. Parallel Distrib. Syst. 19 (2008) 1458, doi:10.1109/TPDS.2008.111.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
# Measured matrices are rounded: a rack may take in this much more than its flow.
ROUNDING = 1e-9


def d_matrix(a: ArrayLike, flow_w_k: ArrayLike) -> Floats:
    """Heat distribution matrix ``D`` (n, n) in K/W for cross-interference ``a`` (n, n) and capacity rates (n) in W/K.

    Raises ``ValueError`` when the shapes do not fit, an entry lies outside 0..1, a row sums to 1 or more, a flow is
    not positive, or a rack would take in more air from others than flows through it.
    """
    a, flow = np.asarray(a, np.float64), np.asarray(flow_w_k, np.float64)
    n = flow.size
    if flow.shape != (n,) or a.shape != (n, n) or n == 0:
        raise ValueError(f"expected a of shape (n, n) and n flows, got {a.shape} and {flow.shape}")
    if not (np.isfinite(flow).all() and (flow > 0.0).all()):
        raise ValueError("every flow must be finite and > 0 W/K")
    if not ((a >= 0.0) & (a <= 1.0)).all():
        raise ValueError("every entry of the cross-interference matrix must lie in 0..1")
    rows = a.sum(axis=1)
    if (rows >= 1.0).any():
        raise ValueError(f"row {int(rows.argmax())} sums to {rows.max():g}, expected < 1: some air must return")
    taken = a.T @ flow
    over = taken / flow
    if (over > 1.0 + ROUNDING).any():
        i = int(over.argmax())
        raise ValueError(f"column {i} brings {over[i]:.3g} times the flow of its rack, expected <= 1")
    k = np.diag(flow)
    # (K - A^T K)^{-1} - K^{-1} = (K - A^T K)^{-1} A^T: one solve, no cancellation where A is small.
    return np.asarray(np.linalg.solve(k - a.T * flow, a.T), np.float64)


def inlet_temperatures(a: ArrayLike, flow_w_k: ArrayLike, power_w: ArrayLike, supply_c: float) -> Floats:
    """Inlet temperatures (n) in degC at powers (n) in W and a supply in degC."""
    return supply_c + d_matrix(a, flow_w_k) @ np.asarray(power_w, np.float64)


__all__ = ["d_matrix", "inlet_temperatures"]
