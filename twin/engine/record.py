"""Writes the blocks of a run into a Zarr store (v3) that xarray opens as one Dataset, in constant memory.

Every array is laid out before the first step: a chunk is one block of the timeline, so a block is written as whole
chunks and never read again. Bytes are the same for the same inputs: fixed codec, fixed order, no clock. Every chunk is
written and carries a checksum, so that a lost or broken file is never taken for missing values.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.errors import ZarrUserWarning
from zarr.storage import LocalStore, MemoryStore

from twin.core.variables import Level, Variable, slot
from twin.engine.identity import COMPLETE
from twin.engine.layout import attributes, coordinates, data_type, dimensions, recorded
from twin.engine.prepare import Prepared
from twin.engine.run import Result
from twin.inference.fleet import PERCENTILES
from twin.site.plan import Plan

LARGEST_CHUNK = 4096  # items of a level in a chunk; only racks are more
ZSTD_LEVEL = 3
# Also those that are all missing: a file that is not there is one that was lost (twin.analysis.damage).
EVERY_CHUNK = {"array.write_empty_chunks": True}
Store = LocalStore | MemoryStore


def create(store: Store, prepared: Prepared) -> None:
    """Lay out an empty store: coordinates written, variables all missing, metadata consolidated."""
    timeline, level = prepared.timeline, prepared.level
    known = coordinates(prepared.plan, prepared.loaded, timeline, level)
    sizes = {c.dimension: len(c.values) for c in known}
    beside = [c.name for c in known if c.name != c.dimension]
    # A store in memory has no life before its end.
    state = {COMPLETE: int(isinstance(store, MemoryStore)), "coordinates": " ".join(beside)}
    root = zarr.create_group(store, zarr_format=3, attributes={**prepared.attrs, **state})
    with zarr.config.set(EVERY_CHUNK):
        for c in known:
            kind = "string" if c.values.dtype.kind == "T" else c.values.dtype.name
            made = new_array(root, c.name, kind, (c.dimension,), c.values.shape, c.values.shape, c.attrs)
            made[:] = c.values
    for variable in recorded(level, prepared.plan):
        names = dimensions(variable)
        shape = tuple(sizes[name] for name in names)
        steps = min(timeline.intervals_per_block, timeline.intervals)
        chunks = (steps, *(min(size, LARGEST_CHUNK) for size in shape[1:]))
        new_array(
            root,
            variable.name,
            data_type(variable),
            names,
            shape,
            chunks,
            attributes(variable, prepared.plan.labels.element),
        )
    with warnings.catch_warnings():
        # Consolidated metadata of v3 are not in the standard yet; xarray writes and reads the same.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(store)


def new_array(
    root: zarr.Group,
    name: str,
    kind: str,
    names: tuple[str, ...],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    attrs: Mapping[str, Any],
) -> zarr.Array[Any]:
    """An array of a store, with its dimensions and attributes; nothing but coordinates is written yet."""
    return root.create_array(
        name,
        shape=shape,
        dtype=kind,
        chunks=tuple(max(1, size) for size in chunks),
        compressors=ZstdCodec(level=ZSTD_LEVEL, checksum=True),
        fill_value="" if kind == "string" else np.nan if kind.startswith("float") else 0,
        dimension_names=names,
        attributes=dict(attrs),
    )


class Recorder:
    """Writes blocks into a store that :func:`create` has laid out."""

    def __init__(self, store: Store, prepared: Prepared) -> None:
        self._arrays: list[tuple[Variable, zarr.Array[Any]]] = []
        with zarr.config.set(EVERY_CHUNK):
            root = zarr.open_group(store, mode="r+")
            for variable in recorded(prepared.level, prepared.plan):
                array = root[variable.name]
                assert isinstance(array, zarr.Array)
                self._arrays.append((variable, array))
        self._folder = store.root if isinstance(store, LocalStore) else None

    def write(self, result: Result) -> None:
        """Write a block and make it last. Raises ``OSError`` when it cannot be written."""
        first = result.block.first
        last = first + len(result.block.interval_end)
        for variable, array in self._arrays:
            rows = result.levels[variable.level][..., slot(variable.name)]
            array[first:last] = (rows[:, 0] if variable.level == "site" else rows).astype(array.dtype)
        if self._folder is not None:
            for variable, _ in self._arrays:
                _sync(self._folder / variable.name / "c" / str(result.block.index))


def _sync(chunk: Path) -> None:
    """Flush a chunk, or the chunks of a block in a folder."""
    for path in sorted(chunk.rglob("*")) if chunk.is_dir() else [chunk]:
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())


def largest_bytes(prepared: Prepared, first_block: int) -> float:
    """Bytes of the numbers still to be recorded from ``first_block`` on: what they take at most."""
    plan, timeline = prepared.plan, prepared.timeline
    labels = plan.labels
    counts: dict[Level, int] = {
        "site": 1,
        "hall": len(labels.hall),
        "loop": len(labels.loop),
        "element": len(labels.element),
        "cdu": len(labels.cdu),
        "rack": plan.racks,
        **_fleet_counts(plan),
    }
    width = {"float32": 4, "float64": 8}
    left = timeline.intervals - first_block * timeline.intervals_per_block
    return float(left * sum(counts[v.level] * width[data_type(v)] for v in recorded(prepared.level, plan)))


def _fleet_counts(plan: Plan) -> dict[Level, int]:
    """Numbers that a variable of each level of the fleet has at a time."""
    if plan.fleet is None:
        return {}
    pools, classes = len(plan.fleet.pool), len(plan.fleet.workload)
    return {"pool": pools, "stream": pools * classes, "latency": pools * classes * len(PERCENTILES)}
