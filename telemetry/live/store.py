"""The run of a live twin on disk: what was simulated as every run has it, and beside it what was measured.

    simulated(interval)  as twin.engine has it: mean, maximum or end of the steps
    measured(interval)   = mean of the steps in which it was measured
    residual(interval)   = mean of measured - simulated; none where the measured value drove the model in any step
    age(interval)        = age of the measured value at the end of the interval; inf where it is not there any more

Groups ``measured/``, ``residual/``, ``age/`` (float32) have the variables that are measured, under the same names. At
the root ``mode`` is the place in :class:`~telemetry.live.frame.Mode` and ``data_age`` (s) that of the newest reading,
both at the end of the interval; ``early`` is 1 where any of its steps was (:attr:`~telemetry.live.frame.Frame.early`):
the model did not stand yet on what is measured. Time is that of the telemetry; ``model_shift_s`` leads to that of the
model. Where the machine slept or the disk was full, intervals are missing: time has a gap. ``complete`` is a run that
came to its end, by itself, as it was asked to or as its broker refused it; one that a fault, a kill or a recording that
cannot be read on has ended is left without.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.errors import ZarrUserWarning

from telemetry.clock import NS
from telemetry.live.frame import Bools, Floats, Frame, Mode
from telemetry.live.growing import Row, Store
from twin.core.errors import one, option
from twin.core.variables import BY_NAME, slot
from twin.engine.identity import COMPLETE, GROWS
from twin.engine.layout import EPOCH, attributes, coordinates, data_type, dimensions, recorded
from twin.engine.lock import only_writer
from twin.engine.period import stamp
from twin.engine.prepare import Prepared
from twin.engine.record import EVERY_CHUNK, new_array
from twin.engine.run import Result
from twin.engine.target import FULL, building, examine, telling

# Rows of a chunk: of what is large a commit writes the open one anew, of what is small there are fewer files.
LARGE_ROWS, SMALL_ROWS = 36, 360
LARGE = frozenset(("rack", "cdu", "element"))
GROUPS = ("measured", "residual", "age")
LEVEL = "rack"
EARLY = {
    "long_name": "whether the model did not stand yet on all that drives it", "units": "1",
    "flag_values": [0, 1], "flag_meanings": "settled early",
}  # fmt: skip
TIME = {"standard_name": "time", "long_name": "end of the interval, UTC, in the time of the telemetry", "axis": "T"}


class Beside:
    """What is measured over an interval: sums of its steps by variable."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Floats, Floats, NDArray[np.int64], Bools]] = {}
        self._ages: Mapping[str, Floats] = {}
        self._sizes = dict[str, tuple[int, ...]]()  # of what was ever measured
        self.early = False

    def add(self, frame: Frame) -> None:
        """Take a step."""
        for name, measured in frame.measured.items():
            if name not in self._sums:
                size = self._sizes[name] = measured.shape
                self._sums[name] = (np.zeros(size), np.zeros(size), np.zeros(size, np.int64), np.zeros(size, np.bool_))
            total, apart, count, used = self._sums[name]
            known = np.isfinite(measured)
            total += np.where(known, measured, 0.0)
            apart += np.where(known, measured - frame.simulated[name], 0.0)
            count += known
            if name in frame.used:
                used |= frame.used[name]
        self._ages = frame.age_s
        self.early |= frame.early

    def close(self) -> dict[str, Row]:
        """Rows of the interval by name; a new one begins."""
        # Points come and go: what was measured before may have none at the end of the interval.
        found: dict[str, Row] = {
            f"age/{name}": self._ages.get(name, np.full(size, np.inf)) for name, size in self._sizes.items()
        }
        for name, (total, apart, count, used) in self._sums.items():
            with np.errstate(invalid="ignore", divide="ignore"):
                found[f"measured/{name}"] = np.where(count > 0, total / count, np.nan)
                found[f"residual/{name}"] = np.where((count > 0) & ~used, apart / count, np.nan)
        self._sums, self.early = {}, False
        return found


class RunStore:
    """A live run in ``folder``, which :func:`opened` has made.

    ``lost`` intervals did not find room on the disk, or were of a time that the run has already (``again``: so is the
    last one). ``say`` is told when the disk is full and when it takes the run again.
    """

    def __init__(self, folder: Path, prepared: Prepared, say: Callable[[str], None]) -> None:
        self.folder, self.lost, self.trouble, self.again = folder, 0, "", False
        self._prepared, self._say = prepared, say
        self._store, self._beside = Store(folder), Beside()
        self._last_ns, self._first_ns = -1, 0
        self._sizes = {c.dimension: len(c.values) for c in coordinates(prepared.plan, prepared.loaded,
                                                                      prepared.timeline, LEVEL)}  # fmt: skip
        self._recorded = recorded(LEVEL, prepared.plan)
        self._join("time", "int64", ("time",), SMALL_ROWS, {**TIME, **EPOCH})
        modes = {"flag_values": list(range(len(Mode))), "flag_meanings": " ".join(Mode), "units": "1"}
        self._join("mode", "int8", ("time",), SMALL_ROWS, {"long_name": "where the numbers come from", **modes})
        self._join("data_age", "float64", ("time",), SMALL_ROWS,
                   {"long_name": "age of the newest reading", "units": "s"})  # fmt: skip
        self._join("early", "int8", ("time",), SMALL_ROWS, EARLY)
        for variable in self._recorded:
            attrs = attributes(variable, prepared.plan.labels.element)
            self._join(variable.name, data_type(variable), dimensions(variable), _rows_of(variable.level), attrs)
        self._store.commit({})

    def _join(self, name: str, kind: str, names: tuple[str, ...], chunk: int, attrs: dict[str, Any]) -> None:
        self._store.join(name, kind, names, tuple(self._sizes[each] for each in names[1:]), chunk, attrs)

    @property
    def rows(self) -> int:
        """Intervals that a reader finds."""
        return self._store.committed

    def moved(self, folder: Path) -> None:
        """The folder has another name."""
        self.folder = self._store.folder = folder

    def gap(self) -> None:
        """What was taken of the present interval is worth nothing: time was skipped."""
        self._beside.close()

    def add(self, frame: Frame, interval: Result | None) -> None:
        """Take a step; ``interval`` is what the engine has found over the one that ends with it."""
        self._beside.add(frame)
        if interval is None:
            return
        early, rows = self._beside.early, self._beside.close()
        self.again = frame.time_ns <= self._last_ns
        if self.again:  # our clock was set back: the time of a run never is
            self.lost += 1
            return
        for variable in self._recorded:
            rows[variable.name] = interval.levels[variable.level][0][..., slot(variable.name)]
        rows["time"] = frame.time_ns // NS
        rows["mode"] = list(Mode).index(frame.mode)
        rows["data_age"] = frame.data_age_s
        rows["early"] = float(early)
        self._take(rows, frame.time_ns)

    def _take(self, rows: dict[str, Row], time_ns: int) -> None:
        """Keep a row; where a chunk is full and the disk does not take it, rows are lost until it does."""
        try:
            self._new(rows)
            if self._store.full:
                self._commit()
        except OSError as error:
            self._failed(error)
            self.lost += 1
            return
        self._store.add(rows)
        self._first_ns = self._first_ns or time_ns
        self._last_ns = time_ns

    def _new(self, rows: Mapping[str, Row]) -> None:
        """Lay out what is measured for the first time."""
        for name in sorted(rows):
            group, _, variable = name.partition("/")
            if not variable or name in self._store:
                continue
            row = BY_NAME[variable]
            attrs = attributes(row, self._prepared.plan.labels.element)
            if group == "age":
                attrs = {"units": "s", "long_name": f"age of the measured value: {row.long_name}"}
            self._join(name, "float32", dimensions(row), _rows_of(row.level), attrs)

    def flush(self) -> None:
        """Let readers see what there is; where the disk does not take it, it is tried again with the next flush."""
        if self._store.rows == self._store.committed:
            return
        try:
            self._commit()
        except OSError as error:
            self._failed(error)

    def _commit(self) -> None:
        self._store.commit(self._period())
        if self.trouble:
            self.trouble = ""
            self._say(f"the disk takes the run again; {self.lost:,} intervals are not in it")

    def _failed(self, error: OSError) -> None:
        if not self.trouble:
            full = error.errno in FULL
            self.trouble = "the disk is full" if full else f"the run cannot be written: {error.strerror or error}"
            self._say(f"{self.folder}: {self.trouble}; going on without, and trying again")

    def _period(self) -> dict[str, Any]:
        if not self._store.rows:
            return {}
        step = self._prepared.attrs["interval_s"]
        return {"period_start": stamp(self._first_ns / NS - step), "period_end": stamp(self._last_ns / NS)}

    def close(self) -> None:
        """Say that the run is whole. Raises ``InputError`` where the disk does not take it."""
        with telling(self.folder):
            self._store.close({**self._period(), "complete": True, COMPLETE: 1})

    def remove_empty(self) -> None:
        """Remove it where a reader would find no interval."""
        if not self.rows:
            shutil.rmtree(self.folder, ignore_errors=True)


def _rows_of(level: str) -> int:
    return LARGE_ROWS if level in LARGE else SMALL_ROWS


def check(folder: Path) -> None:
    """Raise ``InputError`` where something stands at ``folder`` already."""
    if examine(folder).attrs is not None:
        raise one(f"holds a run: choose another {option('out=')}", file=str(folder))


@contextmanager
def opened(folder: Path, prepared: Prepared, model_shift_s: float, say: Callable[[str], None]) -> Iterator[RunStore]:
    """A new run in ``folder``, closed at the end. Raises ``InputError`` where one stands there or it cannot be.

    It is complete also where somebody has interrupted it; any other exception leaves what there is, as a kill would. A
    run of which no interval came to its end is removed: it holds nothing, and would only be in the way of the next.
    """
    check(folder)
    with ExitStack() as stack:
        with telling(folder):
            stack.enter_context(only_writer(folder))
            with building(folder) as fresh:
                _lay_out(fresh, prepared, model_shift_s)
                store = RunStore(fresh, prepared, say)
            store.moved(folder)
        stack.callback(store.remove_empty)
        try:
            yield store
        except KeyboardInterrupt:
            store.close()
            raise
        except BaseException:
            store.flush()
            raise
        store.close()


def _lay_out(folder: Path, prepared: Prepared, model_shift_s: float) -> None:
    """An empty store: attributes, coordinates, groups."""
    known = coordinates(prepared.plan, prepared.loaded, prepared.timeline, LEVEL)
    beside = [c.name for c in known if c.name != c.dimension]
    key, kind = GROWS
    about = {
        **prepared.attrs, key: kind, "model_shift_s": model_shift_s, "complete": False, COMPLETE: 0,
        "intervals_per_block": SMALL_ROWS, "coordinates": " ".join(beside),
    }  # fmt: skip
    root = zarr.create_group(folder, zarr_format=3, attributes=about)
    with zarr.config.set(EVERY_CHUNK):
        for c in known:
            if c.name == "time":
                continue
            kind = "string" if c.values.dtype.kind == "T" else c.values.dtype.name
            made = new_array(root, c.name, kind, (c.dimension,), c.values.shape, c.values.shape, c.attrs)
            made[:] = c.values
    for group in GROUPS:
        root.create_group(group)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # as every run has them
        for group in GROUPS:
            zarr.consolidate_metadata(folder, path=group)
        zarr.consolidate_metadata(folder)


__all__ = ["RunStore", "check", "opened"]
