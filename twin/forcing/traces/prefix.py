"""Which prefix blocks were seen before, in bounded memory: one bit a block id.

Ids below 2**29 have a bit of their own (64 MiB at most, grown as needed). Larger ones share these bits by a hash: of
n different ones, about n/2**29 are then taken for seen though they were not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.forcing.stream.chunk import Flags, Ints

LOG2_MOST = 29
MOST = 1 << LOG2_MOST


class SeenBlocks:
    """Remembers block ids."""

    def __init__(self) -> None:
        self._bits: NDArray[np.uint8] = np.zeros(1 << 17, np.uint8)

    def note(self, ids: Ints) -> Flags:
        """Which of ``ids`` (n) came before, in an earlier call or earlier in this one; remembers all."""
        place = np.where((ids >= 0) & (ids < MOST), ids, _mixed(ids))
        if not len(place):
            return np.zeros(0, bool)
        needed = int(place.max()) // 8 + 1
        if needed > len(self._bits):
            grown = np.zeros(min(1 << (needed - 1).bit_length(), MOST // 8), np.uint8)
            grown[: len(self._bits)] = self._bits
            self._bits = grown
        different, first = np.unique(place, return_index=True)
        seen = np.ones(len(place), bool)
        byte, mask = different >> 3, np.uint8(1) << (different & 7).astype(np.uint8)
        seen[first] = (self._bits[byte] & mask) != 0
        np.bitwise_or.at(self._bits, byte, mask)
        return seen


def _mixed(ids: Ints) -> Ints:
    """Any 64 bits spread over the bits that there are (the finaliser of splitmix64)."""
    x = ids.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x >> np.uint64(64 - LOG2_MOST)).astype(np.int64)


__all__ = ["SeenBlocks"]
