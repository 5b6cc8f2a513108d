"""Bounded, weighted least squares in NumPy: Levenberg and Marquardt's steps, cut at the bounds.

Equations (r residuals (n), J their Jacobian (n, p), w weights (n))::

    minimise sum w r(x)^2,   low <= x <= high
    (J'WJ + mu diag(J'WJ)) dx = -J'W r         over the parameters not held at a bound by the slope

Range: p of a few, smooth r; differences of 1e-6 of the parameter's range stand for derivatives.
Source: J. J. More, The Levenberg-Marquardt algorithm, LNM 630 (1978) 105, doi 10.1007/BFb0067700.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDS = 60


def jacobian(residual: Callable[[Floats], Floats], x: Floats, low: Floats, high: Floats) -> Floats:
    """Derivatives (n, p) of the residuals at ``x`` by differences that stay inside the bounds."""
    base = residual(x)
    columns = []
    for i in range(x.size):
        step = 1e-6 * (high[i] - low[i])
        moved = x.copy()
        moved[i] += step if x[i] + step <= high[i] else -step
        columns.append((residual(moved) - base) / (moved[i] - x[i]))
    return np.stack(columns, axis=1)


def least_squares(
    residual: Callable[[Floats], Floats], start: Floats, low: Floats, high: Floats, weights: Floats | float = 1.0
) -> Floats:
    """The parameters (p) of the least weighted squares near ``start`` and within the bounds."""
    x: Floats = np.clip(np.asarray(start, float), low, high)
    cost = float(np.sum(weights * residual(x) ** 2))
    damping = 1e-3
    for _ in range(ROUNDS):
        r, J = residual(x), jacobian(residual, x, low, high)
        W = np.broadcast_to(np.asarray(weights, float), r.shape)
        slope, curve = J.T @ (W * r), J.T @ (W[:, None] * J)
        free = ~(((x <= low) & (slope > 0.0)) | ((x >= high) & (slope < 0.0)))
        if not free.any():
            break
        better = False
        while damping < 1e12:
            A = curve[np.ix_(free, free)]
            A = A + np.diag(damping * np.diag(A) + 1e-300)
            moved = x.copy()
            moved[free] = np.clip(x[free] - np.linalg.solve(A, slope[free]), low[free], high[free])
            trial = float(np.sum(W * residual(moved) ** 2))
            if trial < cost:
                better = cost - trial > 1e-12 * cost or bool(np.max(np.abs(moved - x) / (high - low)) > 1e-9)
                x, cost, damping = moved, trial, max(damping / 5.0, 1e-12)
                break
            damping *= 4.0
        if not better:
            break
    return x


__all__ = ["jacobian", "least_squares"]
