"""A Zarr store (v3) that grows row by row and is whole at any instant, whoever kills the writer.

    commit: chunks that hold new rows (each a new file under its name)  ->  one file with all shapes, replaced

The metadata of a group stand consolidated in its ``zarr.json``; a reader takes the shapes from there, so rows exist
from the instant at which that file is replaced. What a killed writer left of chunks beyond the shapes is never looked
at. The newest chunk of an array is written anew with each commit, filled up with missing values.

An array of more than 4,096 items has several chunks beside each other; chunks are little endian, Zstandard level 3 with
a checksum: all as the recorder of a run has it (:mod:`twin.engine.record`). They are given to the system, not forced to
the disk: a kill of the process loses nothing that was committed, a loss of power may.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
import zstandard
from numpy.typing import NDArray

from twin.engine.record import LARGEST_CHUNK, ZSTD_LEVEL, new_array
from twin.engine.target import ROOT_FILE

SUFFIX = ".partial"  # as zarr has it, so that a sweep of a store finds it
Row = NDArray[Any] | float
Metadata = dict[str, Any]


@dataclass
class Array:
    """One array along time: the rows of its open chunk (row, items...), and its metadata."""

    rows: NDArray[Any]
    missing: float
    about: Metadata
    dirty: bool = False


class Store:
    """The arrays along time of a store in ``folder``, by name (``rack_power``, ``measured/rack_power``).

    ``folder`` may be renamed between calls. ``rows`` were taken, ``committed`` of them are part of the store. Raises
    ``OSError`` where it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.rows, self.committed = 0, 0
        self.folder, self._arrays = folder, dict[str, Array]()
        self._root: Metadata = json.loads((folder / ROOT_FILE).read_bytes())
        self._groups = {
            name: json.loads((folder / name / ROOT_FILE).read_bytes())
            for name, about in self._known(self._root).items()
            if about["node_type"] == "group"
        }
        self._compress = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True, write_content_size=True)

    @staticmethod
    def _known(about: Metadata) -> Metadata:
        found: Metadata = about["consolidated_metadata"]["metadata"]
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def join(
        self, name: str, kind: str, dimensions: tuple[str, ...], items: tuple[int, ...], chunk: int, attrs: Metadata
    ) -> None:
        """Lay out one more array of ``items``, with ``chunk`` rows a chunk; the rows so far are missing.

        Where that fails it may be tried again.
        """
        group, _, leaf = name.rpartition("/")
        place = self.folder / name
        if place.exists():  # left of a try before
            shutil.rmtree(place)
        node = zarr.open_group(self.folder / group, mode="r+", use_consolidated=False)
        chunks = (chunk, *(min(size, LARGEST_CHUNK) for size in items))
        new_array(node, leaf, kind, dimensions, (0, *items), chunks, attrs)
        missing = np.nan if kind.startswith("float") else 0
        array = Array(np.full((chunk, *items), missing, kind), missing, json.loads((place / ROOT_FILE).read_bytes()))
        for at in range(self.rows // chunk + bool(self.rows % chunk)):
            self._chunk(name, array, at)
        self._arrays[name] = array
        # Sorted by path: zarr takes what stands apart from its neighbours in a group for lost.
        known = {**self._known(self._root), name: array.about}
        self._root["consolidated_metadata"]["metadata"] = dict(sorted(known.items(), key=lambda one: _depth(one[0])))
        if group:
            self._known(self._groups[group])[leaf] = array.about

    @property
    def full(self) -> bool:
        """Whether the next row needs the place of rows that no commit has taken yet."""
        return any(array.dirty and self.rows % len(array.rows) == 0 for array in self._arrays.values())

    def add(self, rows: Mapping[str, Row]) -> None:
        """Take a row of every array; one that is not in ``rows`` has a missing one."""
        for name, array in self._arrays.items():
            at = self.rows % len(array.rows)
            if at == 0:
                array.rows.fill(array.missing)
            found = rows.get(name)
            array.rows[at] = array.missing if found is None else np.reshape(found, array.rows.shape[1:])
            array.dirty = True
        self.rows += 1

    def commit(self, attributes: Mapping[str, Any]) -> None:
        """Make the rows part of the store, with ``attributes`` of its root.

        Where that fails, whoever begins with the root finds what the last commit has left; groups read by themselves
        may have the new rows already. The next commit takes all of it again, ``attributes`` too.
        """
        for name, array in self._arrays.items():
            if array.dirty:
                self._chunk(name, array, (self.rows - 1) // len(array.rows))
        self._root["attributes"].update(attributes)
        for array in self._arrays.values():
            array.about["shape"][0] = self.rows
        # The root last: who begins with it finds at least as many rows in the groups.
        for group, about in [*self._groups.items(), ("", self._root)]:
            _replace(self.folder / group / ROOT_FILE, _text(about))
        for array in self._arrays.values():
            array.dirty = False
        self.committed = self.rows

    def close(self, attributes: Mapping[str, Any]) -> None:
        """Commit, and let each array say its shape itself, for readers without consolidated metadata.

        ``attributes`` come last, where all else is on the disk.
        """
        self.commit({})
        for name, array in self._arrays.items():
            _replace(self.folder / name / ROOT_FILE, _text(array.about))
        self.commit(attributes)

    def _chunk(self, name: str, array: Array, at: int) -> None:
        """Write the rows of an array as its chunk ``at``, the pieces beside each other."""
        rows, place = array.rows, self.folder / name / "c" / str(at)
        place.parent.mkdir(parents=True, exist_ok=True)
        if rows.ndim == 1:
            self._write(place, rows)
            return
        width = max(1, min(rows.shape[1], LARGEST_CHUNK))
        for n, first in enumerate(range(0, rows.shape[1], width)):
            part = rows[:, first : first + width]
            if part.shape[1] < width:  # a chunk is whole: what lies beyond the last item is filled
                filled = np.zeros((len(rows), width, *rows.shape[2:]), rows.dtype)
                filled[:, : part.shape[1]] = part
                part = filled
            path = place.joinpath(str(n), *("0",) * (rows.ndim - 2))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, part)

    def _write(self, path: Path, rows: NDArray[Any]) -> None:
        _replace(path, self._compress.compress(np.ascontiguousarray(rows).tobytes()))


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _text(about: Metadata) -> bytes:
    return json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()


def _replace(path: Path, data: bytes) -> None:
    """Write a file that appears under its name when it is whole. Raises ``OSError``."""
    fresh = path.with_name(f"{path.name}{SUFFIX}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


__all__ = ["Array", "Row", "Store"]
