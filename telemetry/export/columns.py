"""Readings of a recording as columns, under the twin's names: what every form of file needs.

Readings are taken as the dialect decodes them, in the order of receipt, all of them: what is bad, late or of the
history says so in its quality. A file or folder appears under its name when it is whole. Memory is bounded: so many
readings at a time (``BATCH``), and a row for each point.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.batch import Quality, Reject
from telemetry.decode import Decoder
from telemetry.dialect import unread
from telemetry.points import Point
from telemetry.recording.layout import label
from telemetry.recording.read import Recording
from twin.core.errors import InputError, one
from twin.core.variables import TABLE

BATCH = 100_000  # readings
MARK = "halltwin_telemetry"  # attribute by which an export is known
QUALITIES = [quality.name.lower() for quality in Quality]
MEANINGS = {variable.name: variable.long_name for variable in TABLE}
Maker = Callable[[], Decoder]


class Columns(NamedTuple):
    """Readings: number of the point, source time (ns since 1970 UTC), value in its SI unit, quality."""

    points: NDArray[np.int32]
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.int8]


@dataclass
class Exported:
    """What was written where: readings, their points, what was refused by reason, and what people should know.

    ``rejects``: messages; ``parts``: parts (lines) of messages of which the rest stands.
    """

    path: Path
    readings: int = 0
    points: int = 0
    rejects: dict[str, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def columns(
    recording: Recording, decoder: Decoder, epoch_ns: int | None, told: Exported | None = None
) -> Iterator[Columns]:
    """All readings, ``BATCH`` or a message more at a time; ``told`` counts what was refused.

    ``decoder.points.before`` says what their points were: it may be described anew as something else afterwards.
    """
    points, times, values, qualities = array("i"), array("q"), array("d"), array("b")
    for message in recording.messages(epoch_ns=epoch_ns):
        batch = decoder.decode(message)
        if isinstance(batch, Reject):
            if told is not None:
                told.rejects[str(batch.reason)] = told.rejects.get(str(batch.reason), 0) + 1
            continue
        if told is not None:
            for reject, count in batch.refused:
                told.parts[str(reject.reason)] = told.parts.get(str(reject.reason), 0) + count
        if decoder.points.changed:
            if points:
                yield _arrays(points, times, values, qualities)
                points, times, values, qualities = array("i"), array("q"), array("d"), array("b")
            decoder.points.changed.clear()
        points.extend(batch.points)
        times.extend(batch.times_ns)
        values.extend(batch.values)
        qualities.extend(batch.qualities)
        if len(points) >= BATCH:
            yield _arrays(points, times, values, qualities)
            points, times, values, qualities = array("i"), array("q"), array("d"), array("b")
    if points:
        yield _arrays(points, times, values, qualities)


def _arrays(points: array[int], times: array[int], values: array[float], qualities: array[int]) -> Columns:
    return Columns(
        np.frombuffer(points, np.int32),
        np.frombuffer(times, np.int64),
        np.frombuffer(values, np.float64),
        np.frombuffer(qualities, np.int8),
    )


def long_name(point: Point) -> str:
    """What a variable means: as in the twin's results, else its name in words."""
    meaning = MEANINGS.get(point.variable, point.variable.replace("_", " "))
    return f"{meaning}, set point" if point.set_point else label(meaning)


def nothing(recording: Recording) -> InputError:
    """The error for a recording without readings."""
    words = "; ".join(["holds no reading that its dialect understands", *unread(recording, 1, 0)])
    return one(words, file=str(recording.path))
