"""What a message says: readings as columns, in SI units, or the reason why it was refused.

A batch is what a dialect makes of one message; its columns have one length, 0 where the message only taught something
(metadata) or waits for something. Values are finite, or NaN where the source has no valid reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, IntFlag, StrEnum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Integers = Sequence[int] | NDArray[np.integer[Any]]
Numbers = Sequence[float] | NDArray[np.float64]


class Quality(IntEnum):
    """What a reading is worth; only GOOD may drive the model."""

    GOOD = 0
    BAD = 1  # the source says so
    NO_VALUE = 2  # null, NaN or the blank mark of a gateway: the value is NaN
    OUT_OF_RANGE = 3  # not possible for its quantity; the value is kept for people to see
    STALE = 4  # of the state only: no newer value came in its time
    UNKNOWN = 5  # of the state only: none came at all


class Flag(IntFlag):
    """What else is known of a reading; bits add."""

    RETAINED = 1  # the broker's copy: may be old
    HELD = 2  # came before its metadata and was held until these came
    HISTORICAL = 4  # for the history, never for the present state
    EXTRA_KEY = 8  # kept although its payload holds a key that the dialect does not know
    NO_TIME = 16  # the source gave no time: that of the receipt stands in


class Reason(StrEnum):
    """Why a message is refused: all words that a :class:`Reject` may carry, of every dialect."""

    TOPIC = "topic"  # not of the dialect, or no topic that MQTT allows
    SIZE = "size"  # larger than a payload may be
    SYNTAX = "syntax"  # not what the dialect is written in (JSON that a strict reader takes)
    KEY = "key"  # a key is missing or stands twice
    TYPE = "type"  # a value, time or quality of another type than it must have
    TIME = "time"  # a source time outside of 2000..2100
    PUBLISHER = "publisher"  # by somebody who does not own the point
    METADATA = "metadata"  # metadata that contradict the contract
    UNIT = "unit"  # a unit that is not known, or not one of the point's quantity
    FULL = "full"  # more points than a decoder keeps
    INTERNAL = "internal"  # a fault of ours


class Reject(msgspec.Struct, frozen=True, gc=False):
    """Why a message was refused: ``reason`` (of :class:`Reason`) is counted, ``detail`` is for people."""

    reason: str
    detail: str = ""


class Columns(msgspec.Struct, frozen=True, gc=False):
    """Readings column by column.

    ``points``: index into :class:`~telemetry.points.Points`. ``times_ns``: source time, ns since 1970 UTC. ``values``:
    in the point's SI unit. ``qualities``, ``flags``: of :class:`Quality` and :class:`Flag`. Of large messages they are
    NumPy arrays, all five: int64, int64, float64, int8, int32.
    """

    points: Integers = ()
    times_ns: Integers = ()
    values: Numbers = ()
    qualities: Integers = ()
    flags: Integers = ()


class Batch(Columns, frozen=True, gc=False, kw_only=True):
    """Readings of one message.

    ``refused``: what else it held and was refused though the rest stands, how often; ``detail`` is that of the first.
    """

    refused: tuple[tuple[Reject, int], ...] = ()


NOTHING = Batch()
