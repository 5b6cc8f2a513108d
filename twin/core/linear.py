"""Linear differential equations with constant coefficients, many small systems at once, solved exactly.

Equations (m unknowns, A = V diag(l) V^-1)::

    x' = A x + b,   x(0) = x0
    x(t) = x0 + V diag((e^{l t} - 1)/l) V^-1 (A x0 + b)        (t where l = 0)

No step and no error that grows with time: what is asked for is found at any ``t``. Source: the variation of constants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Where a signal is looked at before its crossing is bisected: dense early, where it bends most.
POINTS, BISECTIONS = 96, 44
NOTHING = 1e-12


@dataclass(frozen=True)
class Linear:
    """Systems (n) of m unknowns from ``x0`` (n, m) on; made by :func:`linear`."""

    x0: Floats
    rates: NDArray[np.complex128]  # (n, m)
    vectors: NDArray[np.complex128]  # (n, m, m), scaled by the start

    def at(self, t: Floats) -> Floats:
        """The unknowns at ``t`` (n, ...) of each system: (n, ..., m)."""
        lt = self.rates.reshape(len(t), *(1,) * (t.ndim - 1), -1) * t[..., None]
        small = np.abs(lt) < NOTHING
        grown = t[..., None] * np.where(small, 1.0, np.expm1(lt) / np.where(small, 1.0, lt))
        moved = np.einsum("nij,n...j->n...i", self.vectors, grown).real
        made: Floats = self.x0.reshape(len(t), *(1,) * (t.ndim - 1), -1) + moved
        return made

    def first_above(self, watch: Floats, level: Floats, span: Floats) -> Floats:
        """When ``watch`` (n, m) times the unknowns first reaches ``level`` (n) within ``span`` s (n); inf: never."""
        share = np.linspace(0.0, 1.0, POINTS) ** 2
        times = span[:, None] * share
        above = np.einsum("nkm,nm->nk", self.at(times), watch) >= level[:, None]
        hit = above.any(axis=1)
        after = np.argmax(above, axis=1)
        n = np.arange(len(span))
        low, high = times[n, np.maximum(after - 1, 0)], times[n, after]
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            over = (self.at(middle) * watch).sum(axis=1) >= level
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        return np.where(hit, high, np.inf)


def linear(a: Floats, b: Floats, x0: Floats) -> Linear:
    """The systems ``x' = A x + b`` (``a`` (n, m, m), ``b`` and ``x0`` (n, m)) that begin at ``x0``."""
    rates, vectors = np.linalg.eig(a)
    slope = np.einsum("nij,nj->ni", a, x0) + b
    begin = np.linalg.solve(vectors, slope[..., None].astype(vectors.dtype))[..., 0]
    return Linear(x0, rates.astype(np.complex128), (vectors * begin[:, None, :]).astype(np.complex128))


__all__ = ["Linear", "linear"]
