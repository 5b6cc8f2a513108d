"""A run on disk, finished or still being written, read an instant at a time: what frames and trends are made of.

A simulation and a live run have one layout (``twin.engine.layout``); a live run has besides ``measured/``,
``residual/`` and ``age/`` under the same names, ``mode``, ``data_age`` and ``early``. Rows exist as far as the run's
own metadata say, which a writer replaces as a whole. A block of rows is read once and kept: the arrays of an instant
lie in the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from telemetry.live.frame import Floats, Ints, Mode, Topology, Trend
from twin.analysis.period import flag_names
from twin.core.errors import InputError, did_you_mean, one
from twin.core.units import HOUR
from twin.core.variables import BY_NAME
from twin.engine import checkpoint, lock
from twin.engine.identity import DECIDING
from twin.engine.target import ROOT_FILE, Standing, read_attributes
from twin.racks.rack import Rack
from twin.site.library import load_library
from twin.site.lower_hall import power_polynomial

NS = 1_000_000_000
# What pages show; of the rest of a run (each CDU, each element) a frame has what is measured.
LEVELS = ("site", "hall", "loop", "rack", "pool", "stream")
MEASURED, RESIDUAL, AGE, EARLY = "measured", "residual", "age", "early"
BLOCK_BYTES = 32 << 20  # of the blocks that are kept, each at most
MOST_POINTS = 1000


# What tells one run from another, even while it grows.
IDENTITY = tuple(key for keys in DECIDING.values() for key in keys if key != "period_end")


class ReplacedError(ValueError):
    """Another run stands in the folder."""


class RunReader:
    """The run in ``folder``. Raises ``InputError`` where there is none (it says which lies beside it)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        attrs = read_attributes(folder)
        if attrs is None:
            raise one(_no_run(folder), file=str(folder))
        self._stamp: tuple[int, int] = (-1, -1)
        self._attrs: Mapping[str, Any] = attrs
        self._blocks: dict[str, tuple[int, int, NDArray[Any]]] = {}
        self.broken: set[str] = set()
        self.times_s: Ints = np.zeros(0, np.int64)
        self._root: zarr.Group
        self.refresh()

    @property
    def interval_s(self) -> float:
        """Length of an interval, s."""
        return float(self._attrs["interval_s"])

    @property
    def complete(self) -> bool:
        """True for a finished run."""
        return Standing(self._attrs).complete

    @property
    def is_live(self) -> bool:
        """True for the run of a live twin."""
        return self._attrs.get("halltwin_kind") == "live"

    @property
    def is_written(self) -> bool:
        """True while some process writes it."""
        if self.complete:
            return False
        try:
            lock.refuse_if_held(self.folder)
        except InputError:
            return True
        return False

    def refresh(self) -> bool:
        """Look whether the run has grown; True where it has.

        Raises ``OSError`` where it is not there any more, ``ReplacedError`` where another run stands in its place.
        """
        there = (self.folder / ROOT_FILE).stat()
        recorded = None if self.complete or self.is_live else checkpoint.next_block(self.folder) or 0
        stamp = (there.st_mtime_ns, -1 if recorded is None else recorded)
        if stamp == self._stamp:
            return False
        attrs = read_attributes(self.folder)
        if attrs is not None and _identity(attrs) != _identity(self._attrs):
            raise ReplacedError
        self._stamp = stamp
        self._attrs = attrs or self._attrs
        self._root = zarr.open_group(self.folder, mode="r", use_consolidated=True)
        times = np.asarray(_array(self._root, "time")[:], np.int64)
        # A simulation has all its times from the beginning, and rows as far as its checkpoint says.
        if not self.is_live and not self.complete:
            times = times[: (recorded or 0) * int(self._attrs["intervals_per_block"])]
        grown = len(times) != len(self.times_s)
        self.times_s = times
        return grown

    @cached_property
    def topology(self) -> Topology:
        """The items of the run; no racks where it was recorded without them."""
        halls = self._labels("hall")
        at = {name: h for h, name in enumerate(halls)}
        elements, racks, kinds = self._labels("element"), self._labels("rack"), self._labels("rack_kind")
        cooling = self._flags("hall_cooling_binding")
        power = {-1: "contract", **dict(enumerate(elements))} if elements else self._flags("hall_power_binding")
        rated = {kind: _rated(kind) for kind in set(kinds)}
        return Topology(
            site=str(self._attrs.get("site", self.folder.name)),
            title=str(self._attrs.get("title", "")),
            halls=halls,
            racks=racks,
            cdus=self._labels("cdu"),
            loops=self._labels("loop"),
            elements=elements,
            pools=self._labels("pool"),
            workloads=self._labels("workload"),
            rack_hall=np.array([at[name] for name in self._labels("rack_hall")], np.int64),
            rack_row=self._places("rack_y", len(racks)),
            rack_place=self._places("rack_x", len(racks)),
            rack_kind=kinds,
            rack_rated_w=np.array([rated[kind] for kind in kinds], np.float64),
            cdu_hall=np.array([at[name] for name in self._labels("cdu_hall")], np.int64),
            hall_power_bindings=power,
            hall_cooling_bindings=cooling,
            utc_offset_s=round(HOUR * float(self._attrs.get("utc_offset_h", 0.0))),
            model_shift_s=float(self._attrs.get("model_shift_s", 0.0)),
        )

    @property
    def variables(self) -> list[str]:
        """Names of what is simulated, of the levels that pages show or measured."""
        shown = [name for name in self._root.array_keys() if name in BY_NAME and BY_NAME[name].level in LEVELS]
        return [*shown, *(name for name in self.measured if BY_NAME[name].level not in LEVELS)]

    @property
    def measured(self) -> list[str]:
        """Names of what is measured; none in a simulation."""
        if MEASURED not in self._root:
            return []
        group = self._root[MEASURED]
        assert isinstance(group, zarr.Group)
        return [name for name in group.array_keys() if name in BY_NAME]

    def row(self, name: str, index: int) -> Floats:
        """A variable at an interval over its items; ``name`` may lie in a group: ``measured/rack_power``.

        Where its file is broken, NaN, and the name stands in ``broken``.
        """
        array = _array(self._root, name)
        try:
            return self._row(name, array, index)
        except Exception:  # whatever a decoder raises
            self.broken.add(name)
            return np.full(int(np.prod(array.shape[1:], dtype=np.int64)), np.nan)

    def _row(self, name: str, array: zarr.Array[Any], index: int) -> Floats:
        first = index // array.chunks[0] * array.chunks[0]
        last = min(first + array.chunks[0], len(self.times_s), array.shape[0])
        kept = self._blocks.get(name)
        if kept is None or kept[:2] != (first, last):
            size = (last - first) * int(np.prod(array.shape[1:], dtype=np.int64)) * array.dtype.itemsize
            if size > BLOCK_BYTES:
                return np.asarray(array[index], np.float64).reshape(-1)
            kept = (first, last, np.asarray(array[first:last]))
            self._blocks[name] = kept
        return np.asarray(kept[2][index - first], np.float64).reshape(-1)

    def mode(self, index: int) -> Mode:
        """What a live run was at an interval; SIMULATED for a simulation."""
        return list(Mode)[int(self.row("mode", index)[0])] if self.is_live else Mode.SIMULATED

    def early(self, index: int) -> bool:
        """Whether the model of a live run did not stand on what is measured, in some of an interval."""
        return EARLY in self._root and bool(self.row(EARLY, index)[0] > 0.0)

    def trend(self, variable: str, item: int, first: int, last: int) -> Trend:
        """One item over the intervals from ``first`` to before ``last``, at most some thousand points."""
        stride = max(1, -(-(last - first) // MOST_POINTS))
        times = self.times_s[first:last:stride] * NS
        rows = slice(first, last, stride)
        names = (variable, f"{MEASURED}/{variable}", f"{RESIDUAL}/{variable}")
        simulated, measured, residual = (self._column(name, item, rows, len(times)) for name in names)
        return Trend(times, simulated, measured, residual, self._column(EARLY, 0, rows, len(times)) > 0.0)

    def _column(self, name: str, item: int, rows: slice, count: int) -> Floats:
        if name not in self._root:
            return np.full(count, np.nan)
        array = _array(self._root, name)
        where: tuple[int | slice, ...] = (rows,)
        if array.ndim > 1:
            where += tuple(int(at) for at in np.unravel_index(item, array.shape[1:]))
        return np.asarray(array[where], np.float64)

    def _labels(self, name: str) -> tuple[str, ...]:
        return tuple(str(v) for v in np.asarray(_array(self._root, name)[:])) if name in self._root else ()

    def _places(self, name: str, count: int) -> Ints:
        return np.asarray(_array(self._root, name)[:], np.int64) if count else np.zeros(0, np.int64)

    def _flags(self, name: str) -> dict[int, str]:
        return flag_names(dict(self._root[name].attrs)) if name in self._root else {}


def _array(root: zarr.Group, name: str) -> zarr.Array[Any]:
    found = root[name]
    assert isinstance(found, zarr.Array)
    return found


def _identity(attrs: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(attrs.get(key) for key in IDENTITY)


def _rated(kind: str) -> float:
    """Rated power of a kind of rack, W; NaN where the library of today does not know it."""
    library = load_library()
    try:
        return sum(power_polynomial(library.get(kind, Rack), library))
    except InputError:
        return float("nan")


def _no_run(folder: Path) -> str:
    if folder.exists():
        return "is not a halltwin run"
    near = [p.name for p in folder.parent.iterdir() if read_attributes(p)] if folder.parent.is_dir() else []
    return f"there is no run here{did_you_mean(folder.name, near)}"


__all__ = ["NS", "ReplacedError", "RunReader"]
