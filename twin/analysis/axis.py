"""Axes as people write them: ``0:1:0.1`` (first, last, step; both ends count), ``20,30,35`` or a single number."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import one

Floats = NDArray[np.float64]
MOST_POINTS = 1000


def axis(asked: str | float | Sequence[float], place: str, low: float, high: float, unit: str = "") -> Floats:
    """The ascending points of an axis, each ``low`` to ``high``.

    Raises ``InputError`` that names ``place``: text that is no range, a step that leads nowhere, too many points,
    points out of range or not ascending.
    """
    if isinstance(asked, str):
        points = _read(asked, place)
    else:
        points = np.atleast_1d(np.asarray(asked, dtype=np.float64))
    bounds = f"expected {low:g} to {high:g}{unit}"
    if points.ndim != 1 or not len(points):
        raise one(f"no points, {bounds}", path=place)
    wrong = [p for p in points if not low <= p <= high]
    if wrong:
        raise one(f"{wrong[0]:g}{unit} is out of range, {bounds}", path=place)
    if len(points) > MOST_POINTS:
        raise one(f"{len(points):,} points are too many, at most {MOST_POINTS:,}", path=place)
    if (np.diff(points) <= 0.0).any():
        raise one("the points must ascend, each once", path=place)
    return points


def _read(text: str, place: str) -> Floats:
    parts = text.split(":") if ":" in text else text.split(",")
    numbers = [_number(part, text, place) for part in parts]
    if ":" not in text:
        return np.array(numbers)
    if len(numbers) != 3:
        raise one(f'"{text}" has {len(numbers)} parts, expected first:last:step, as 0:1:0.1', path=place)
    first, last, step = numbers
    if step <= 0.0:
        raise one(f'"{text}" has a step of {step:g}, expected > 0: first:last:step', path=place)
    if last < first:
        raise one(f'"{text}" ends at {last:g}, before it begins: expected first:last:step', path=place)
    count = floor((last - first) / step + 1e-9) + 1
    if count > MOST_POINTS:
        raise one(f'"{text}" has {count:,} points, at most {MOST_POINTS:,} are possible', path=place)
    # Without the rounding of a sum of steps: 0.30000000000000004 is no label.
    return np.round(first + step * np.arange(count), 9)


def _number(part: str, text: str, place: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        what = f'"{part.strip()}" is no number' if part.strip() else "a number is missing"
        form = "expected first:last:step, as 0:1:0.1, or numbers with commas, as 0.2,0.5,1"
        raise one(f'"{text}": {what}, {form}', path=place) from None
    return value


__all__ = ["axis"]
