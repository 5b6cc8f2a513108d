"""Is a recorded run whole? Every chunk that its metadata promise must be there, and must decode.

Zarr takes a chunk that is not there for missing values: a lost file would become NaN in the key figures. The recorder
writes every chunk, also one that is all missing, so whatever lacks is lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

from twin.core.errors import InputError, Problem, one, option
from twin.engine import checkpoint
from twin.engine.identity import GROWS
from twin.engine.target import ROOT_FILE, Standing, read_attributes

SHOWN = 5


def check_run(path: str | Path, *, partial: bool = False) -> int | None:
    """Raise ``InputError`` where there is no run at ``path`` that can be opened; it takes no xarray to tell.

    Gives the intervals recorded in an unfinished run, which only ``partial`` may open; None for a finished one and
    that of a live twin.
    """
    folder, recorded = Path(path), None
    attrs = read_attributes(folder)
    if attrs is None:
        what = "is not a halltwin run" if folder.exists() else "there is no run here"
        raise one(what, file=str(folder))
    key, kind = GROWS
    if not Standing(attrs).complete and attrs.get(key) != kind:
        blocks = checkpoint.next_block(folder) or 0
        recorded = blocks * int(attrs["intervals_per_block"])
        if not partial:
            what = f"the run is unfinished ({recorded} intervals are recorded): continue with {option('resume=True')}"
            raise one(what, file=str(folder))
    with telling_damage(folder):
        refuse_if_incomplete(folder, recorded)
    return recorded


def refuse_if_incomplete(folder: Path, intervals: int | None) -> None:
    """Raise ``InputError`` where files of the run are lost: the first few by name.

    ``intervals`` are those recorded in an unfinished run, None for a finished one.
    """
    lost = [path for array in arrays(folder) for path in chunks(folder, *array, intervals) if not os.path.isfile(path)]
    if lost:
        shown = [Problem("", f"is missing: the run is damaged, {_remedy()}", path) for path in lost[:SHOWN]]
        rest = len(lost) - SHOWN
        raise InputError(
            [*shown, *([Problem("", f"and {rest} more files are missing", str(folder))] if rest > 0 else [])]
        )


@contextmanager
def telling_damage(run: str | Path) -> Iterator[None]:
    """Turn an error that a broken chunk of ``run`` has caused into an ``InputError`` that names its file.

    The decoders raise what they like; so after any error the run is read through, and one that is whole is not blamed.
    """
    try:
        yield
    except InputError:
        raise
    except Exception:
        broken = first_broken(Path(run))
        if broken is None:
            raise
        raise one(f"cannot be decoded: the run is damaged, {_remedy()}", file=broken) from None


def first_broken(folder: Path) -> str | None:
    """The first chunk that cannot be decoded; None where all can."""
    zarr: Any = import_module("zarr")  # 0.2 s, which only a broken run takes
    root = zarr.open_group(folder, mode="r")
    for name, about in arrays(folder):
        array = root[name]
        for at in _grid(about):
            size = _chunk_shape(about)
            try:
                array[tuple(slice(i * n, (i + 1) * n) for i, n in zip(at, size, strict=True))]
            except Exception:  # whatever a decoder raises
                return _file(folder, name, at)
    return None


def arrays(folder: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Name and metadata of every array of a run."""
    try:
        found = json.loads((folder / ROOT_FILE).read_bytes())["consolidated_metadata"]["metadata"]
        return [(name, about) for name, about in found.items() if about["node_type"] == "array"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        what = f"has no list of the run's arrays: the run is damaged, {_remedy()}"
        raise one(what, file=str(folder / ROOT_FILE)) from None


def chunks(folder: Path, name: str, about: Mapping[str, Any], intervals: int | None) -> Iterator[str]:
    """Files of the chunks of an array, those that begin within ``intervals`` where it runs along time."""
    recorded = intervals is not None and name != "time" and about["dimension_names"][0] == "time"
    for at in _grid(about):
        if not (recorded and at[0] * _chunk_shape(about)[0] >= (intervals or 0)):
            yield _file(folder, name, at)


def _grid(about: Mapping[str, Any]) -> Iterator[tuple[int, ...]]:
    """Places of the chunks of an array."""
    return product(*(range(-(-n // size)) for n, size in zip(about["shape"], _chunk_shape(about), strict=True)))


def _chunk_shape(about: Mapping[str, Any]) -> list[int]:
    return list(about["chunk_grid"]["configuration"]["chunk_shape"])


def _file(folder: Path, name: str, at: tuple[int, ...]) -> str:
    return os.path.join(folder, name, "c", *map(str, at))


def _remedy() -> str:
    return f"simulate again with {option('overwrite=True')}"
