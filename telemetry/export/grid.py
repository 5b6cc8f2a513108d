"""Readings as a grid: a Zarr store (v3) with a group for each variable, time x item, that xarray opens.

    value(step, point) = (1/n) sum of the n good readings whose source time t lies in the step: numbers
    value(step, point) = the last good reading by t in the step: states and set points
    quality            = good where n > 0, else that of the last reading in the step, unknown without any
    step i             = start + i dt <= t < start + (i + 1) dt; its time is its end, as in the twin's results

Symbols: t source time; dt the step, s; start: the first receipt, rounded down to a whole step. The grid spans the
receipts; what is stamped outside of them is counted and left out. Nothing is held over: a step without a reading is
missing. ``xarray.open_zarr(path, group="rack_power")`` opens a variable, ``open_datatree`` all.

Two passes over the recording: the points, then their readings, by blocks of steps of which ``OPEN`` are in memory
(``BLOCK_BYTES`` each); the others wait on the disk, so that a reading may come as late as it likes.
"""

from __future__ import annotations

import re
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec
from zarr.errors import ZarrUserWarning
from zarr.storage import LocalStore

from telemetry.batch import Quality
from telemetry.clock import NS
from telemetry.dialect import shown
from telemetry.export.columns import MARK, QUALITIES, Columns, Exported, Maker, columns, long_name, nothing
from telemetry.points import Point, Points, meaning
from telemetry.recording.layout import label
from telemetry.recording.read import Recording
from telemetry.recording.records import COMPRESS, EXPAND
from twin.core.errors import one, option
from twin.engine.target import building

EPOCH = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"}  # as in the twin's results
GOOD, UNKNOWN = int(Quality.GOOD), int(Quality.UNKNOWN)
BLOCK_BYTES = 24 << 20
CELL_BYTES = 37
OPEN = 3
LARGEST = 4_000_000_000  # cells of a grid
LARGEST_CHUNK = 4096  # items in a chunk
NEVER = -(1 << 62)
ASIDE = ".aside"
UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Group:
    """A variable: its name in the store, its points in the order of their columns, and where these begin."""

    name: str
    points: list[Point]
    first: int
    is_last: bool  # the last reading of a step stands for it, not the mean


@dataclass(frozen=True)
class Plan:
    """The grid: start (ns), step (s), steps, steps in a block; column of each point by its number (-1: none)."""

    start_ns: int
    every_s: int
    steps: int
    block: int
    groups: list[Group]
    column: NDArray[np.int64]
    columns: int


class Block:
    """Sums of a block of steps; arrays step x column."""

    def __init__(self, steps: int, width: int) -> None:
        shape = (steps, width)
        self.total = np.zeros(shape)
        self.count = np.zeros(shape, np.int32)
        self.good_ns = np.full(shape, NEVER)
        self.last = np.full(shape, np.nan)
        self.any_ns = np.full(shape, NEVER)
        self.quality = np.full(shape, UNKNOWN, np.int8)

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self.total, self.count, self.good_ns, self.last, self.any_ns, self.quality

    def save(self, path: Path) -> None:
        """Put the sums aside."""
        path.write_bytes(COMPRESS.compress(b"".join(array.tobytes() for array in self._arrays)))

    def load(self, path: Path) -> None:
        """Take sums that were put aside."""
        data, at = EXPAND.decompress(path.read_bytes()), 0
        for array in self._arrays:
            array[...] = np.frombuffer(data, array.dtype, array.size, at).reshape(array.shape)
            at += array.nbytes

    def take(self, cells: NDArray[np.int64], rows: Columns) -> None:
        """Add readings; ``cells``: flat place of each. Of equal times the later receipt counts."""
        good = rows.qualities == GOOD
        np.add.at(self.total.reshape(-1), cells[good], rows.values[good])
        np.add.at(self.count.reshape(-1), cells[good], 1)
        _newest(self.good_ns, self.last, cells[good], rows.times_ns[good], rows.values[good])
        _newest(self.any_ns, self.quality, cells, rows.times_ns, rows.qualities)


def _newest(
    known_ns: NDArray[np.int64],
    known: NDArray[Any],
    cells: NDArray[np.int64],
    times_ns: NDArray[np.int64],
    values: NDArray[Any],
) -> None:
    """Keep the value with the latest time in each cell."""
    order = np.lexsort((times_ns, cells))  # stable: equal times stay in the order of receipt
    cells, times_ns, values = cells[order], times_ns[order], values[order]
    ends = np.flatnonzero(np.append(cells[1:] != cells[:-1], True)) if len(cells) else np.zeros(0, np.int64)
    cells, times_ns, values = cells[ends], times_ns[ends], values[ends]
    newer = times_ns >= known_ns.reshape(-1)[cells]
    known_ns.reshape(-1)[cells[newer]] = times_ns[newer]
    known.reshape(-1)[cells[newer]] = values[newer]


def to_grid(recording: Recording, maker: Maker, target: Path, every_s: int, epoch_ns: int | None) -> Exported:
    """Write the grid of ``every_s`` seconds to the folder ``target``. Raises ``InputError``."""
    told = Exported(target)
    plan = _plan(recording, maker, every_s, epoch_ns)
    told.points = plan.columns
    with building(target) as fresh:
        root = _lay_out(fresh, recording, plan)
        _fill(root, fresh / ASIDE, recording, maker, plan, epoch_ns, told)
        root.attrs.update({"comment": "; ".join(told.notes)} if told.notes else {})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZarrUserWarning)  # as in twin.engine.record
            zarr.consolidate_metadata(root.store)
    return told


def _plan(recording: Recording, maker: Maker, every_s: int, epoch_ns: int | None) -> Plan:
    """First pass: the points that have readings."""
    decoder, heard = maker(), set[int]()
    for rows in columns(recording, decoder, epoch_ns):
        heard.update(np.unique(rows.points).tolist())
    span = recording.span(epoch_ns)
    if span is None or not heard:
        raise nothing(recording)
    step_ns = every_s * NS
    start_ns = span[0] // step_ns * step_ns
    steps = (span[1] - start_ns) // step_ns + 1
    if steps * len(heard) > LARGEST:
        raise one(f"{steps:,} steps of {len(heard):,} points are too many: choose a coarser {option('every=')}")
    column = np.full(len(decoder.points), -1)
    groups = _groups(decoder.points, heard, column)
    block = max(1, min(steps, BLOCK_BYTES // (CELL_BYTES * len(heard))))
    return Plan(start_ns, every_s, steps, block, groups, column, len(heard))


def _groups(points: Points, heard: set[int], column: NDArray[np.int64]) -> list[Group]:
    """Points by variable; set points, and another unit of the same variable, are variables of their own."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for index in heard:
        point = points[index]
        name = f"{point.variable}_set_point" if point.set_point else point.variable
        found.setdefault((name, point.units, point.set_point or bool(point.states)), []).append(index)
    groups: list[Group] = []
    taken: set[str] = set()
    first = 0
    for (variable, units, is_last), members in sorted(found.items()):
        members.sort(key=lambda index: (points[index].item, points[index].qualifier, points[index].identity))
        name = UNSAFE.sub("_", variable).strip("_") or "reading"
        if name in taken:
            name = f"{name}_in_{UNSAFE.sub('_', units)}"
        while name in taken:
            name += "_"
        taken.add(name)
        column[members] = np.arange(first, first + len(members))
        groups.append(Group(name, [points[index] for index in members], first, is_last))
        first += len(members)
    return groups


def _lay_out(folder: Path, recording: Recording, plan: Plan) -> zarr.Group:
    """An empty store with all coordinates."""
    said = {**recording.about, **shown(recording.options)}
    about = {f"recording_{name}": label(text) for name, text in sorted(said.items())}
    attrs = {"Conventions": "CF-1.11", MARK: 1, "title": f"readings every {plan.every_s} s", **about}
    root = zarr.create_group(LocalStore(folder), zarr_format=3, attributes=attrs)
    ends = plan.start_ns // NS + plan.every_s * np.arange(1, plan.steps + 1, dtype=np.int64)
    of_time = {
        "standard_name": "time",
        "long_name": "end of the interval, UTC",
        "axis": "T",
        "comment": f"values are of the {plan.every_s} s before this time, by source time",
        **EPOCH,
    }
    for group in plan.groups:
        node = root.create_group(group.name, attributes={"coordinates": "qualifier point"})
        _array(node, "time", "int64", ("time",), ends.shape, ends.shape, of_time)[:] = ends
        texts = {
            "item": ([point.item or point.identity for point in group.points], "equipment or rack"),
            "qualifier": ([" ".join(point.qualifier) for point in group.points], "process area and phase"),
            "point": ([point.identity for point in group.points], "identity of the point"),
        }
        for name, (values, words) in texts.items():
            made = _array(node, name, "string", ("item",), (len(values),), (len(values),), {"long_name": words})
            made[:] = np.array([label(value) for value in values], np.dtypes.StringDType())
        shape = (plan.steps, len(group.points))
        chunks = (plan.block, min(len(group.points), LARGEST_CHUNK))
        flags = {"flag_values": list(range(len(QUALITIES))), "flag_meanings": " ".join(QUALITIES)}
        of_quality = {"long_name": "quality of the value", **flags}
        of_count = {"units": "1", "long_name": "good readings in the interval"}
        _array(node, group.name, "float64", ("time", "item"), shape, chunks, _attributes(group))
        _array(node, "quality", "int8", ("time", "item"), shape, chunks, of_quality, UNKNOWN)
        _array(node, "readings", "int32", ("time", "item"), shape, chunks, of_count, 0)
    return root


def _attributes(group: Group) -> dict[str, Any]:
    point = group.points[0]
    method = "time: point" if group.is_last else "time: mean"
    words = "last good reading of the interval" if group.is_last else "mean of the good readings of the interval"
    attrs: dict[str, Any] = {
        "units": label(point.units), "long_name": long_name(point), "cell_methods": method, "comment": words,
    }  # fmt: skip
    states = {one_.states for one_ in group.points}
    if len(states) == 1 and point.states:
        attrs["flag_values"] = [float(value) for value, _ in point.states]
        attrs["flag_meanings"] = " ".join(UNSAFE.sub("_", text) for _, text in point.states)
    return attrs


def _array(
    node: zarr.Group,
    name: str,
    kind: str,
    names: tuple[str, ...],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    attrs: dict[str, Any],
    fill: Any = None,
) -> zarr.Array[Any]:
    blank = "" if kind == "string" else np.nan if kind == "float64" else 0
    return node.create_array(
        name,
        shape=shape,
        dtype=kind,
        chunks=tuple(max(1, size) for size in chunks),
        compressors=ZstdCodec(level=3, checksum=True),
        fill_value=blank if fill is None else fill,
        dimension_names=names,
        attributes=attrs,
    )


class _Blocks:
    """The blocks of a plan: ``OPEN`` in memory, the others in files of ``folder``."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._open: dict[int, Block] = {}  # the one last used at the end
        self._aside: set[int] = set()
        folder.mkdir()

    def get(self, number: int) -> Block:
        """A block to add to; what is asked for least recently is put aside."""
        block = self._open.pop(number, None)
        if block is None:
            plan = self._plan
            block = Block(min(plan.block, plan.steps - number * plan.block), plan.columns)
            if number in self._aside:
                block.load(self._folder / str(number))
        self._open[number] = block
        if len(self._open) > OPEN:
            oldest = next(iter(self._open))
            self._open.pop(oldest).save(self._folder / str(oldest))
            self._aside.add(oldest)
        return block

    def numbers(self) -> list[int]:
        """Blocks that hold readings."""
        return sorted(self._aside | self._open.keys())


def _fill(
    root: zarr.Group, folder: Path, recording: Recording, maker: Maker, plan: Plan, epoch_ns: int | None, told: Exported
) -> None:
    """Second pass: the readings."""
    blocks = _Blocks(plan, folder)
    outside = others = 0
    decoder, means = maker(), [meaning(point) for group in plan.groups for point in group.points]
    for rows in columns(recording, decoder, epoch_ns, told):
        present = np.unique(rows.points).tolist()
        other = [i for i in present if meaning(decoder.points.before(i)) != means[plan.column[i]]]
        known = np.isin(rows.points, other, invert=True)
        others += int(np.sum(~known))
        step = (rows.times_ns - plan.start_ns) // (plan.every_s * NS)
        inside = (step >= 0) & (step < plan.steps)
        outside += int(np.sum(~inside & known))
        inside &= known
        told.readings += int(np.sum(inside))
        number = step // plan.block
        for block in np.unique(number[inside]).tolist():
            mine = inside & (number == block)
            cells = (step[mine] - block * plan.block) * plan.columns + plan.column[rows.points[mine]]
            blocks.get(block).take(cells, Columns(*(column[mine] for column in rows)))
    for block in blocks.numbers():
        _store(root, plan, block, blocks.get(block))
    shutil.rmtree(folder)
    if others:
        told.notes.append(f"{others:,} readings are of points that were described anew as something else: left out")
    if outside:
        told.notes.append(f"{outside:,} readings are stamped outside of the time of the recording and left out")


def _store(root: zarr.Group, plan: Plan, number: int, block: Block) -> None:
    """Write a block of all variables."""
    first = number * plan.block
    last = first + len(block.total)
    with np.errstate(invalid="ignore"):
        mean = np.where(block.count > 0, block.total / np.maximum(block.count, 1), np.nan)
    quality = np.where(block.count > 0, GOOD, block.quality)
    for group in plan.groups:
        own = slice(group.first, group.first + len(group.points))
        for name, values in (
            (group.name, block.last if group.is_last else mean), ("quality", quality), ("readings", block.count)
        ):  # fmt: skip
            array = root[f"{group.name}/{name}"]
            assert isinstance(array, zarr.Array)
            array[first:last] = values[:, own].astype(array.dtype)
