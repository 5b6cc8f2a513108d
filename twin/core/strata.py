"""Where the samples of an unknown stand in its band: one in each stratum, the same for the same unknown everywhere.

Latin hypercube (n samples; pi_k a permutation and v_k uniforms that follow from the seed and the unknown's name)::

    u_i = (pi_k(i) + v_ki)/n,   i = 0 .. n-1

Every unknown has exactly one sample in each n-th of its band, so quantiles of a sum of many effects settle much sooner
than with independent numbers, and no effect is missed by chance. The numbers of an unknown do not depend on which
others there are: variants of a site share them (common random numbers), so that their differences are not noise.

Source: McKay, Beckman and Conover, Technometrics 21 (1979) 239-245, doi 10.1080/00401706.1979.10489755; numbers:
Steele, Lea and Flood, SplitMix, OOPSLA 2014, doi 10.1145/2660193.2660195.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def places(name: str, n: int, seed: int) -> Floats:
    """Places (n), 0..1, of the samples of the unknown ``name``; same name, n and seed, same bytes."""
    start = np.uint64(int.from_bytes(hashlib.sha256(f"{seed}\0{name}".encode()).digest()[:8], "little"))
    drawn = _split_mix(start + GOLDEN * np.arange(1, 2 * n + 1, dtype=np.uint64))
    order = np.argsort(np.argsort(drawn[:n], kind="stable"), kind="stable")
    return np.asarray((order + (drawn[n:] >> np.uint64(11)) * 2.0**-53) / n)


def _split_mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


__all__ = ["places"]
