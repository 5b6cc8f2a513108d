"""Faults and warnings of one long file: the first twenty by line are kept, all are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, Problem

SHOWN = 20
KEPT = 400


class Faults:
    """Collects the faults of a file in bounded memory, so that all of them are shown at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0
        self.warnings: list[Problem] = []
        self._first: list[Problem] = []

    def add(self, message: str, line: int | None = None, col: int | None = None, path: str = "") -> None:
        """Note a fault at 1-based ``line`` and ``col``; ``path`` names the column."""
        self.count += 1
        self._first.append(Problem(path, message, self.file, line, col))
        if len(self._first) > KEPT:
            self._first = self._sorted()[:SHOWN]

    def add_rows(self, rows: NDArray[np.int64], tell: Callable[[int], tuple[str, int, int | None]], path: str) -> None:
        """Note a fault for each of ``rows``; ``tell`` gives message, line and column of a row. Lines ascend."""
        for row in rows[:SHOWN].tolist():
            self.add(*tell(row), path)
        self.count += max(0, len(rows) - SHOWN)

    def warn(self, message: str, line: int | None = None, path: str = "") -> None:
        """Note what is odd and stops nobody."""
        self.warnings.append(Problem(path, message, self.file, line, warning=True))

    def stop_if_any(self) -> None:
        """Raise when a fault was noted."""
        if self.count:
            self.stop()

    def stop(self) -> NoReturn:
        """Raise :class:`InputError` with the first 20 faults by line and "and N more"."""
        shown = self._sorted()[:SHOWN]
        if self.count > len(shown):
            shown.append(Problem("", f"and {self.count - len(shown):,} more", self.file))
        raise InputError(shown)

    def _sorted(self) -> list[Problem]:
        return sorted(self._first, key=lambda problem: problem.line or 0)


__all__ = ["SHOWN", "Faults"]
