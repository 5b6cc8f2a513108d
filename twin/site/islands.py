"""Islands of a site: the connected sets of halls and loops, which share water directly or through a hall.

No physics: a union of sets. Halls and loops of different islands meet in the electrical path alone.
"""

from __future__ import annotations


def islands(hall_loops: list[set[int]], loops: int) -> list[tuple[list[int], list[int]]]:
    """Connected sets of (halls, loops): what shares water, directly or through a hall."""
    parent = list(range(loops))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for joined in hall_loops:
        first, *others = sorted(joined)
        for other in others:
            parent[root(other)] = root(first)
    found: dict[int, tuple[list[int], list[int]]] = {}
    for f in range(loops):
        found.setdefault(root(f), ([], []))[1].append(f)
    for h, joined in enumerate(hall_loops):
        found[root(min(joined))][0].append(h)
    return [pair for pair in found.values() if pair[0]]


__all__ = ["islands"]
