"""Who hangs on which cords: the racks of a hall cut into blocks, each on its units of its systems.

The racks of a hall, ``N`` in the Plan's order, are cut into ``B`` contiguous blocks (rack ``i`` in block ``i B // N``);
block ``b`` has its cords on pair ``b mod P`` of the systems (``twin.site.systems``). Where the ``u`` units of a system
feed racks of their own, ``B = P m`` with ``m = u / gcd(u, s - 1)``, and the k-th block on a system hangs on its unit
``k mod u``; else ``B = P``.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from twin.site.model import Template
from twin.site.systems import one_cord, pairs


class Cord(NamedTuple):
    """A cord on unit ``unit`` (0 of a bank) of system ``system`` of the lowest link; share 0 stands by."""

    system: int
    unit: int
    share: float


class Block(NamedTuple):
    """Racks with equal cords: their number among the blocks of the hall, and which they are."""

    number: int
    racks: range
    cords: tuple[Cord, ...]


def blocks(template: Template, start: int, end: int) -> list[Block]:
    """The blocks of a hall whose racks are ``start`` to ``end``; those without any racks are left out."""
    turns, lowest = pairs(template), next(iter(template.chain.values()), None)
    systems, reserve = (lowest.systems, lowest.reserve) if lowest is not None else (1, 0)
    units = lowest.count // systems if lowest is not None and lowest.own else 1
    count = len(turns) * (units if one_cord(template) else units // gcd(units, systems - 1))
    share = (1.0,) if one_cord(template) else (template.cord_share, 1.0 - template.cord_share)
    taken, found, n = [0] * systems, [], end - start
    for b in range(count):
        # Rack i is in block b where b n <= i B < (b + 1) n.
        first, last = -(-b * n // count), -(-(b + 1) * n // count)
        if last <= first:
            continue
        cords = []
        for system, part in zip(turns[b % len(turns)], share, strict=True):
            cords.append(Cord(system, taken[system] % units, part))
            taken[system] += 1
        cords += [Cord(system, b % units, 0.0) for system in range(systems - reserve, systems)]
        found.append(Block(b, range(start + first, start + last), tuple(cords)))
    return found


__all__ = ["Block", "Cord", "blocks"]
