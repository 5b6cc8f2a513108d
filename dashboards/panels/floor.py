"""Where racks stand in the picture: one hall, or all halls of the campus side by side.

A cell is one rack; x counts places along a row, y counts rows from below, so that the first row is on top. Cells
between halls and places without a rack are gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from telemetry.live.frame import Topology

Ints = NDArray[np.int64]
# Width and height of the picture, and the room above a hall for its name, px: what the layout is made for.
WIDE, HIGH, NAME = 800.0, 330.0, 15.0
GAP_X = 2  # cells between halls


@dataclass(frozen=True)
class Block:
    """A rectangle of cells: a hall, or a row of a hall."""

    name: str
    left: int
    bottom: int
    right: int
    top: int


@dataclass(frozen=True)
class Floor:
    """``racks``: which are drawn; ``x``, ``y``: cell of each; ``shape``: rows and columns; ``halls``: their blocks."""

    topology: Topology
    hall: int | None
    racks: Ints
    x: Ints
    y: Ints
    shape: tuple[int, int]
    halls: tuple[Block, ...]

    @cached_property
    def flat(self) -> Ints:
        """Place of each rack in the picture read row by row from below."""
        return self.y * self.shape[1] + self.x

    @cached_property
    def rows(self) -> tuple[Block, ...]:
        """Rows of all halls that are drawn, named; those of one hall from below."""
        hall, found = self.topology.rack_hall[self.racks], []
        order = np.lexsort((self.x, self.y, hall))
        cuts = np.flatnonzero((np.diff(hall[order]) != 0) | (np.diff(self.y[order]) != 0)) + 1
        for row in np.split(order, cuts) if len(order) else ():
            first, last = int(row[0]), int(row[-1])
            name, y = self.topology.racks[int(self.racks[first])].rpartition("/")[0], int(self.y[first])
            found.append(Block(name, int(self.x[first]), y, int(self.x[last]) + 1, y + 1))
        return tuple(found)

    def at(self, x: float, y: float) -> int | None:
        """The rack under a point; None in a gap."""
        cell = math.floor(y) * self.shape[1] + math.floor(x)
        if not (0 <= x < self.shape[1] and 0 <= y < self.shape[0]):
            return None
        here = np.flatnonzero(self.flat == cell)
        return int(self.racks[here[0]]) if len(here) else None

    def place(self, rack: int) -> tuple[int, int] | None:
        """The cell of a rack; None where it is not drawn."""
        here = np.flatnonzero(self.racks == rack)
        return (int(self.x[here[0]]), int(self.y[here[0]])) if len(here) else None


def floor(topology: Topology, hall: int | None) -> Floor:
    """The floor of a hall, of all halls for None."""
    t = topology
    if hall is not None or len(t.halls) == 1:
        only = 0 if hall is None else hall
        racks = np.flatnonzero(t.rack_hall == only)
        rows, columns = _size(t, racks)
        x, y = t.rack_place[racks], rows - 1 - t.rack_row[racks]
        block = Block(t.halls[only], 0, 0, columns, rows)
        return Floor(t, only, racks, x, y, (rows, columns), (block,))
    members = [np.flatnonzero(t.rack_hall == h) for h in range(len(t.halls))]
    sizes = [_size(t, m) for m in members]
    columns = max(range(1, len(sizes) + 1), key=lambda count: _cell_px(sizes, count), default=1)
    shelves = [sizes[i : i + columns] for i in range(0, len(sizes), columns)]
    wide, gap = max((s[1] for s in sizes), default=1) + GAP_X, _gap(shelves)
    top = sum(max(s[0] for s in shelf) + gap for shelf in shelves)
    shape = (max(top, 1), max(columns * wide - GAP_X, 1))
    x, y = np.zeros(len(t.racks), np.int64), np.zeros(len(t.racks), np.int64)
    blocks = []
    for h, (racks, (rows, places)) in enumerate(zip(members, sizes, strict=True)):
        left = (h % columns) * wide
        x[racks] = left + t.rack_place[racks]
        y[racks] = top - gap - 1 - t.rack_row[racks]
        blocks.append(Block(t.halls[h], left, top - gap - rows, left + places, top - gap))
        if h % columns == columns - 1:
            top -= max(s[0] for s in shelves[h // columns]) + gap
    return Floor(t, None, np.arange(len(t.racks)), x, y, shape, tuple(blocks))


def _gap(shelves: list[list[tuple[int, int]]]) -> int:
    """Cells above each shelf of halls, so that a name has its room."""
    rows = sum(max(s[0] for s in shelf) for shelf in shelves)
    return max(1, math.ceil(NAME * rows / max(HIGH - NAME * len(shelves), NAME)))


def _cell_px(sizes: list[tuple[int, int]], columns: int) -> float:
    """The smaller side of a cell, px, with so many halls beside each other."""
    shelves = [sizes[i : i + columns] for i in range(0, len(sizes), columns)]
    rows = sum(max(s[0] for s in shelf) for shelf in shelves) + _gap(shelves) * len(shelves)
    return min(WIDE / (columns * (max(s[1] for s in sizes) + GAP_X)), HIGH / rows)


def _size(t: Topology, racks: Ints) -> tuple[int, int]:
    if not len(racks):
        return 1, 1
    return int(t.rack_row[racks].max()) + 1, int(t.rack_place[racks].max()) + 1


__all__ = ["Block", "Floor", "floor"]
