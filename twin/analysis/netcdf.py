"""A run as one NetCDF-4 file, which appears under its name when it is whole."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import xarray as xr

from twin.analysis.dataset import open_run
from twin.analysis.new_files import check_target
from twin.core.errors import one
from twin.engine.target import telling

NETCDF_LEVEL = 4


def to_netcdf(run: xr.Dataset | str | Path, file: str | Path) -> Path:
    """Write a run as one compressed NetCDF-4 file, which appears when it is whole; returns its path.

    Needs the extra ``halltwin[netcdf]``. Raises ``InputError`` without it, and when the file cannot be written.
    """
    if find_spec("h5netcdf") is None:
        raise one("NetCDF needs h5netcdf: install halltwin[netcdf]")
    target = Path(file)
    check_target(target, overwrite=True)
    dataset = run if isinstance(run, xr.Dataset) else open_run(run)
    fresh = target.with_name(f".{target.name}.partial")
    with telling(target):
        try:
            with _forgiving(fresh) as stream:
                dataset.to_netcdf(stream, engine="h5netcdf", encoding=_encoding(dataset))
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    return target


class _ForgivingFile(io.FileIO):
    """A file that keeps its first error of writing and then takes everything without writing it.

    HDF5 cannot close a file that it could not write: it tries once more as the process ends, and crashes it. So it
    never hears of a full disk; whoever opened the file asks at the end.
    """

    failed: OSError | None = None

    def write(self, data: Any) -> int:
        """Take all of ``data``."""
        rest, end = memoryview(data).cast("B"), self.tell() + memoryview(data).nbytes
        while len(rest) and self.failed is None:
            try:
                rest = rest[super().write(rest) :]
            except OSError as error:
                self.failed = error
        self.seek(end)
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None) -> int:
        """Set the size."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.failed = self.failed or error
            return self.tell() if size is None else size


@contextmanager
def _forgiving(path: Path) -> Iterator[_ForgivingFile]:
    """A file to give to HDF5. Raises the ``OSError`` that it did not hear of."""
    with _ForgivingFile(path, "w+") as stream:
        try:
            yield stream
        finally:
            if stream.failed is not None:
                raise stream.failed
        os.fsync(stream.fileno())


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Compression for numbers; what the store said of chunks and codecs does not carry over."""
    made: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        numbers = variable.dtype.kind == "f"
        made[str(name)] = {"zlib": True, "complevel": NETCDF_LEVEL} if numbers and variable.ndim else {}
    return made
