"""Which unknowns drive a result: shares of its variance over the samples, told one after the other.

Method (ranks r of n samples, standardised; k unknowns)::

    first driver:  the unknown with the largest squared rank correlation rho^2 with the result
    then:          the same with what it explains taken out of the result and of the other unknowns
    share          = rho^2 of the step times what was left of the variance

Ranks see monotone effects of any shape. A step counts where rho^2 is beyond what the best of k unknowns without any
effect reaches in 5 % of cases: ``rho^2 > z^2/(z^2 + n - 2 - step)``, z the normal quantile of 1 - 0.05/(2 k). With 64
samples and 200 unknowns an effect below about a sixth of what is left is not told from chance, and none is named then.

Source: Saltelli et al., Global Sensitivity Analysis, 2008, ch. 1 and 5 (rank regression); Bonferroni's bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST = 5
CHANCE = 0.05
NOTHING = 1e-9


@dataclass(frozen=True)
class Driver:
    """An unknown by its index, its share of the variance (0..1), and whether the result rises with it."""

    unknown: int
    share: float
    rises: bool


def drivers(places: Floats, result: Floats, most: int = MOST) -> list[Driver]:
    """The unknowns that drive ``result`` (sample), largest share first; ``places`` (sample, unknown)."""
    if places.shape[1] == 0 or not np.isfinite(result).all() or np.ptp(result) == 0.0:
        return []
    n, k = places.shape
    left, columns = _standard(result[:, None])[:, 0], _standard(places)
    z2 = NormalDist().inv_cdf(1.0 - CHANCE / (2.0 * k)) ** 2
    found: list[Driver] = []
    for step in range(min(most, n - 3)):
        variance = float(left @ left)
        if variance < NOTHING:
            break
        size = (columns**2).sum(axis=0)
        usable = size > NOTHING
        score = np.where(usable, (columns.T @ left) ** 2 / np.where(usable, size, 1.0), 0.0)
        best = int(np.argmax(score))
        share = float(score[best])
        if share / variance <= z2 / (z2 + n - 2 - step):
            break
        unit = columns[:, best] / np.sqrt(size[best])
        found.append(Driver(best, share, bool(unit @ left > 0.0)))
        left = left - unit * (unit @ left)
        columns = columns - np.outer(unit, unit @ columns)
        columns[:, best] = 0.0
    return sorted(found, key=lambda driver: -driver.share)


def _standard(values: Floats) -> Floats:
    """Ranks of each column (equal values share their mean rank), mean 0 and length 1; 0 where all are equal."""
    ranks = np.empty(values.shape)
    for j, column in enumerate(values.T):
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(counts) - 0.5 * (counts - 1))[inverse]
    ranks -= ranks.mean(axis=0)
    length = np.sqrt((ranks**2).sum(axis=0))
    return ranks / np.where(length > 0.0, length, 1.0)


__all__ = ["MOST", "Driver", "drivers"]
