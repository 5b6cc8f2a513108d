"""Metrics of one edge node: a row each, by name and by alias, as its births taught them.

A row stays with its name for ever, so that a point keeps its number; aliases belong to the edge node with all its
devices and die with its death, its next birth, and those of a device with the device's. The columns grow by doubling
and are written in place: a node may have thousands of devices, each with a birth of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.sparkplug.convert import POINT, TYPE, Table

# Aliases below SPREAD for each that is known, or below a page of them, are looked up in a table; others by halving.
SPREAD, PAGE, MOST_DENSE = 8, 4096, 1 << 20
NO_ROW = -1
NO_KEYS, NO_FAR = np.empty(0, np.int64), np.empty(0, np.int32)
Whole = tuple[int, int, int]
Real = tuple[float, float, float, float]


class Rows:
    """``alive``: rows by name of every device that was born ("": the node), without the others no names, no aliases."""

    def __init__(self) -> None:
        self.alive: dict[str, dict[str, int]] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._aliases: dict[int, int] = {}
        self._far: dict[int, int] = {}  # those that are not in the table
        self._of: dict[str, list[int]] = {}  # aliases by device
        self._written: list[str] = []
        self._names: list[str] = []
        self._whole, self._real = np.empty((8, 3), np.int64), np.empty((8, 4))
        self._dense = np.full(8, NO_ROW, np.int32)
        self._keys, self._rows = NO_KEYS, NO_FAR
        self._sorted = True
        self._table: Table | None = None

    def __len__(self) -> int:
        return len(self._written)

    def end(self, device: str | None = None) -> list[int]:
        """Forget names and aliases of a device, of all where it is None; the points that they were."""
        ended, points = [device] if device is not None else list(self.alive), []
        for each in ended:
            rows = set(self.alive.pop(each, {}).values())
            points += [int(self._whole[row, POINT]) for row in rows]
            for alias in self._of.pop(each, ()):
                if self._aliases.get(alias) in rows:  # else another device has taken it over
                    self._forget(alias)
        return [point for point in points if point >= 0]

    def _forget(self, alias: int) -> None:
        del self._aliases[alias]
        if alias < len(self._dense):
            self._dense[alias] = NO_ROW
        if self._far.pop(alias, None) is not None:
            self._sorted, self._table = False, None

    def begin(self, device: str) -> None:
        """A device is born; its metrics follow."""
        self.alive[device] = {}
        self._of[device] = []

    def known(self, device: str, name: str) -> int | None:
        """The row of a metric, None where it was never heard of."""
        return self._known.get((device, name))

    def name_of(self, alias: int) -> str | None:
        """What a metric is called that has ``alias``; None where no birth has told it."""
        row = self._aliases.get(alias)
        return None if row is None else self._names[row]

    def says(self, row: int, datatype: int, written: str) -> bool:
        """Whether a row was made of this data type and written unit."""
        return bool(self._whole[row, TYPE] == datatype) and self._written[row] == written

    def put(self, device: str, name: str, whole: Whole, real: Real, written: str) -> int:
        """Make or change the row of a metric: ``whole`` and ``real`` as in a table, and its written unit."""
        row = self._known.setdefault((device, name), len(self._written))
        if row == len(self._written):
            self._written.append(written)
            self._names.append(name)
            if row == len(self._whole):
                self._whole, self._real = np.resize(self._whole, (2 * row, 3)), np.resize(self._real, (2 * row, 4))
                self._table = None
        self._whole[row], self._real[row], self._written[row] = whole, real, written
        return row

    def teach(self, device: str, name: str, alias: int | None, row: int) -> None:
        """A metric of a device that was born stands in ``row``, and has an alias."""
        self.alive[device][name] = row
        if alias is None:
            return
        if alias in self._aliases:
            self._forget(alias)
        self._aliases[alias] = row
        self._of[device].append(alias)
        if alias < max(len(self._dense), min(MOST_DENSE, max(PAGE, SPREAD * len(self._aliases)))):
            if alias >= len(self._dense):
                more = np.full(max(2 * len(self._dense), alias + 1) - len(self._dense), NO_ROW, np.int32)
                self._dense, self._table = np.concatenate((self._dense, more)), None
            self._dense[alias] = row
        else:
            self._far[alias] = row
            self._sorted, self._table = False, None

    def by_name(self, device: str, names: list[str | None], aliases: list[int]) -> NDArray[np.int32]:
        """Rows of metrics that may have names, -1 for what is not known."""
        own, known = self.alive.get(device, {}), self._aliases
        named = [own.get(name or "", NO_ROW) for name in names]
        if known:
            named = [known.get(alias, row) for alias, row in zip(aliases, named, strict=True)]
        return np.array(named, np.int32)

    @property
    def bare(self) -> Table:
        """For metrics whose rows are told: without the aliases that a birth is about to change."""
        return Table(self._dense, NO_KEYS, NO_FAR, self._whole, self._real)

    @property
    def table(self) -> Table:
        """For the compiled reader."""
        if self._table is None:
            if not self._sorted:
                far = sorted((alias - (alias >> 63 << 64), row) for alias, row in self._far.items())
                self._keys = np.array([alias for alias, _ in far], np.int64)
                self._rows, self._sorted = np.array([row for _, row in far], np.int32), True
            self._table = Table(self._dense, self._keys, self._rows, self._whole, self._real)
        return self._table
