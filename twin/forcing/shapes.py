"""Shipped weekly shapes of demand (``sites/demand``), and the making of one from a recording.

A file: the line ``# halltwin weekly shape 1``, ``# key: value`` lines (name, title, source, licence, changes), the line
``hour,relative_rate``, then 168 lines: hour of the week from Monday 00:00 local standard time, and its mean rate per
the mean of the week.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from twin.core.errors import did_you_mean, one
from twin.core.units import HOUR
from twin.forcing.demand import HOURS, Weekly
from twin.forcing.stream.cells import reals
from twin.forcing.stream.faults import Faults
from twin.forcing.stream.lines import blocks
from twin.forcing.stream.sheet import sheets
from twin.forcing.traces.curve import Curve

MAGIC = "# halltwin weekly shape 1"
COLUMNS = "hour,relative_rate"
SUFFIX = ".csv"
DIGITS = 5


def shipped_shapes() -> list[str]:
    """Names of the shipped shapes, sorted."""
    names = [item.name for item in (files("sites") / "demand").iterdir()]
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def load_shape(name_or_path: str | Path, *, shift_h: float = 0.0, base: Path | None = None) -> Weekly:
    """A shipped shape by name, or a file of the same form (relative to ``base``); ``shift_h`` hours later.

    Raises :class:`InputError` for an unknown name and for a file with faults, all at once.
    """
    text = str(name_or_path)
    if text in shipped_shapes():
        return _read(Path(str(files("sites") / "demand" / f"{text}{SUFFIX}")), shift_h)
    path = Path(name_or_path) if base is None else base / name_or_path
    if path.suffix.lower() != SUFFIX:
        hint = did_you_mean(text, shipped_shapes())
        raise one(f'unknown shape "{text}"{hint}; shipped: {", ".join(shipped_shapes())}; or a .csv file')
    return _read(path, shift_h)


def _read(path: Path, shift_h: float) -> Weekly:
    faults = Faults(str(path))
    first = next(blocks(path, faults)).data.decode("utf-8", errors="replace").splitlines()
    if first[0].strip() != MAGIC or COLUMNS not in first:
        faults.add(f'not a weekly shape: expected "{MAGIC}" first and a line "{COLUMNS}"', 1)
        faults.stop()
    header = first.index(COLUMNS) + 1
    hours: list[float] = []
    for sheet in sheets(blocks(path, faults), 2, header, faults):
        hours += reals(sheet, 1, faults, "relative_rate", "a rate of 0 or more")[0].tolist()
    if len(hours) != HOURS and not faults.count:
        faults.add(f"{len(hours)} hours, expected {HOURS}: is the file truncated?", header + len(hours))
    faults.stop_if_any()
    return Weekly(tuple(hours), shift_h)


def weekly_of(curve: Curve) -> Weekly:
    """The mean rate of each hour of the week over a recording of at least one, its first hour taken as Monday 00:00.

    Rows that are gaps count for nothing. Raises :class:`InputError` where an hour of the week was never recorded.
    """
    middle = 0.5 * (curve.edges_s[1:] + curve.edges_s[:-1])
    if np.diff(curve.edges_s).max() > HOUR:
        raise one("a weekly shape needs rows of an hour or less")
    known = ~curve.gaps
    hour = np.floor(middle[known] / HOUR).astype(np.int64) % HOURS
    width = np.diff(curve.edges_s)[known]
    count = np.bincount(hour, curve.rps[known] * width, HOURS)
    time = np.bincount(hour, width, HOURS)
    if (time <= 0.0).any():
        raise one(f"hour {int(np.argmin(time))} of the week was never recorded")
    mean = count / time
    return Weekly(tuple((mean / mean.mean()).tolist()))


def written(shape: Weekly, about: dict[str, str]) -> bytes:
    """The file of a shape, with the lines ``about``."""
    head = [MAGIC, *(f"# {key}: {value}" for key, value in about.items()), COLUMNS]
    values = np.array(shape.hours) / np.mean(shape.hours)
    return ("\n".join(head + [f"{h},{v:.{DIGITS}f}" for h, v in enumerate(values.tolist())]) + "\n").encode()


__all__ = ["load_shape", "shipped_shapes", "weekly_of", "written"]
