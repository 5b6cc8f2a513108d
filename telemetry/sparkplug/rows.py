"""Metrics of one edge node: a row each, by name and by alias, as its births taught them.

A row stays with its name for ever, so that a point keeps its number; aliases belong to the edge node with all its
devices and die with its death, its next birth, and those of a device with the device's. The tables for the compiled
reader are made again at the first data after a birth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.sparkplug.convert import DENSE, POINT, TYPE, Table

SPREAD = 8  # a dense table has at most so many places for each alias, or a page of them


class Rows:
    """``device`` "" is the node itself. A device that is not ``alive`` has no names and no aliases."""

    def __init__(self) -> None:
        self.alive: dict[str, dict[str, int]] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._aliases: dict[int, int] = {}
        self._of: dict[str, list[int]] = {}  # aliases by device
        self._whole: list[tuple[int, int, int]] = []
        self._written: list[str] = []
        self._real: list[tuple[float, float, float, float]] = []
        self._table: Table | None = None

    def __len__(self) -> int:
        return len(self._whole)

    def end(self, device: str | None = None) -> list[int]:
        """Forget names and aliases of a device, of all where it is None; the points that they were."""
        ended = [device] if device is not None else list(self.alive)
        points = [self._whole[row][POINT] for each in ended for row in self.alive.pop(each, {}).values()]
        for each in ended:
            for alias in self._of.pop(each, ()):
                self._aliases.pop(alias, None)
        self._table = None
        return [point for point in points if point >= 0]

    def begin(self, device: str) -> None:
        """A device is born; its metrics follow."""
        self.alive[device] = {}
        self._of[device] = []
        self._table = None

    def known(self, device: str, name: str) -> int | None:
        """The row of a metric, None where it was never heard of."""
        return self._known.get((device, name))

    def says(self, row: int, datatype: int, written: str) -> bool:
        """Whether a row was made of this data type and written unit."""
        return self._whole[row][TYPE] == datatype and self._written[row] == written

    def teach(self, device: str, name: str, alias: int | None, row: int) -> None:
        """A metric of a device that was born stands in ``row``, and has an alias."""
        self.alive[device][name] = row
        if alias is not None:
            self._aliases[alias] = row
            self._of[device].append(alias)
        self._table = None

    def put(
        self, device: str, name: str, whole: tuple[int, int, int], real: tuple[float, float, float, float], written: str
    ) -> int:
        """Make or change the row of a metric: ``whole`` and ``real`` as in a table, and its written unit."""
        row = self._known.setdefault((device, name), len(self._whole))
        if row == len(self._whole):
            self._whole.append(whole)
            self._real.append(real)
            self._written.append(written)
        else:
            self._whole[row], self._real[row], self._written[row] = whole, real, written
        self._table = None
        return row

    def by_name(self, device: str, names: list[str | None], aliases: list[int]) -> Iterator[int]:
        """Rows of metrics that may have names, -1 for what is not known."""
        own = self.alive.get(device, {})
        for name, alias in zip(names, aliases, strict=True):
            row = self._aliases.get(alias, -1)
            yield own.get(name, -1) if row < 0 and name is not None else row

    @property
    def table(self) -> Table:
        """For the compiled reader."""
        if self._table is None:
            self._table = self._made()
        return self._table

    def _made(self) -> Table:
        limit = max(4096, SPREAD * len(self._aliases))
        near = {alias: row for alias, row in self._aliases.items() if alias < min(DENSE, limit)}
        dense = np.full(max(near, default=-1) + 1, -1, np.int32)
        dense[list(near)] = list(near.values())
        far = sorted((alias - (alias >> 63 << 64), row) for alias, row in self._aliases.items() if alias not in near)
        return Table(
            dense,
            np.array([alias for alias, _ in far], np.int64),
            np.array([row for _, row in far], np.int32),
            np.array(self._whole, np.int64).reshape(-1, 3),
            np.array(self._real, np.float64).reshape(-1, 4),
        )
