"""Metrics of Sparkplug B as readings: every type, short forms, null, NaN, history, quality, what is no number."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from telemetry.batch import Batch, Flag, Quality
from telemetry.message import Message
from telemetry.sparkplug import convert, wire
from telemetry.sparkplug.payload import Mark as Says
from telemetry.sparkplug.payload import Payload, read
from telemetry.sparkplug.schema import CLASSES, Datatype
from tests.telemetry.spb import MS, T0, born, hearing, metric, said, values

TYPES = [
    (Datatype.INT8, -5, "int_value"), (Datatype.INT8, 127, "int_value"), (Datatype.INT16, -30_000, "int_value"),
    (Datatype.INT32, -42, "int_value"), (Datatype.INT32, 2**31 - 1, "int_value"), (Datatype.UINT8, 251, "int_value"),
    (Datatype.INT64, -(2**52), "long_value"), (Datatype.UINT16, 65_535, "int_value"),
    (Datatype.UINT32, 2**32 - 1, "long_value"), (Datatype.UINT32, 2**32 - 1, "int_value"),
    (Datatype.UINT64, 4503599627370497, "long_value"),
    (Datatype.INT8, -5, "long_value"), (Datatype.INT32, -42, "long_value"), (Datatype.INT16, 77, "long_value"),
]  # fmt: skip


@pytest.mark.parametrize(("datatype", "value", "field"), TYPES)
def test_integers_are_read_by_the_type_of_their_birth(datatype, value, field):
    heard = hearing(said("g/NBIRTH/n", metric("x", 0, datatype, alias=4), seq=0))
    told = CLASSES["Metric"](alias=4)
    setattr(told, field, value % (2**64 if field == "long_value" else 2**32))
    assert values(heard.decode(said("g/NDATA/n", told, seq=1))) == [float(value)]


@pytest.mark.parametrize(("datatype", "raw", "expected"), [
    (Datatype.INT8, 251, -5.0), (Datatype.INT16, 65_531, -5.0), (Datatype.INT8, 300, math.nan),
    (Datatype.UINT8, 256, math.nan), (Datatype.INT16, 2**31, math.nan),
])  # fmt: skip
def test_short_forms_are_understood_and_what_does_not_fit_a_type_is_no_value(datatype, raw, expected):
    heard = hearing(said("g/NBIRTH/n", metric("x", 0, datatype, alias=4), seq=0))
    found = heard.decode(said("g/NDATA/n", CLASSES["Metric"](alias=4, int_value=raw), seq=1))
    assert values(found) == pytest.approx([expected], nan_ok=True)


def test_what_is_written_out_for_the_compiled_reader_is_what_others_mean():
    columns = [getattr(wire, f"C_{name}") for name in
               ("ALIAS", "TIME", "DATATYPE", "FIELD", "RAW", "VALUE", "FLAGS", "QUALITY")]  # fmt: skip
    assert columns == [convert.ALIAS, convert.TIME, convert.DATATYPE, convert.FIELD, convert.RAW, convert.VALUE,
                       convert.FLAGS, convert.QUALITY]  # fmt: skip
    assert (convert.PAST, convert.NULL, convert.NO_TIME_MS) == (Says.HISTORICAL, Says.NULL, wire.NO_TIME)
    assert (convert.GOOD, convert.BAD, convert.NO_VALUE, convert.BEYOND) == (
        Quality.GOOD, Quality.BAD, Quality.NO_VALUE, Quality.OUT_OF_RANGE,
    )  # fmt: skip
    assert (convert.RETAINED, convert.HISTORICAL, convert.NO_TIME) == (Flag.RETAINED, Flag.HISTORICAL, Flag.NO_TIME)


def test_numbers_of_the_compiled_reader_are_those_of_the_payload():
    dice = np.random.default_rng(3)
    types = [Datatype(int(kind)) for kind in dice.integers(1, 9, 500)]
    heard = hearing(said("g/NBIRTH/n", *(metric(f"m{n}", 0, kind, alias=n) for n, kind in enumerate(types)), seq=0))
    message = CLASSES["Payload"](seq=1, timestamp=T0)
    for n, bits in enumerate(dice.integers(0, 64, 500)):
        whole = int(dice.integers(0, 2**63)) * 2 + 1 >> int(bits)
        message.metrics.add(alias=n, **({"int_value": whole} if whole < 2**32 else {"long_value": whole}))
    data = message.SerializeToString()
    found, told = heard.decode(Message("spBv1.0/g/NDATA/n", data, T0 * MS)), read(data)
    assert isinstance(told, Payload)
    np.testing.assert_array_equal(values(found), told.values(np.array([int(kind) for kind in types])))


def test_null_nan_history_and_quality():
    heard = hearing(*born())
    marks = [
        metric(None, None, alias=1, typed=False, is_null=True),
        metric(None, math.nan, alias=1, typed=False),
        metric(None, 5.0, alias=1, typed=False, is_historical=True, at=T0 - 60_000),
        metric(None, 5.0, alias=1, typed=False, properties={"Quality": 0}),
        metric(None, 5.0, alias=1, typed=False, properties={"Quality": 500}),
        metric(None, 5.0, alias=1, typed=False, properties={"Quality": 192}),
    ]
    found = heard.decode(said("g/DDATA/n/r", *marks, seq=2, at=T0 + 7))
    assert isinstance(found, Batch)
    assert list(found.qualities) == [2, 2, 0, 1, 1, 0]
    assert list(found.flags) == [0, 0, 4, 0, 0, 0]
    assert list(found.times_ns) == [(T0 + 7) * MS] * 2 + [(T0 - 60_000) * MS] + [(T0 + 7) * MS] * 3


def test_what_is_no_number_is_no_point_and_is_counted():
    words = [
        metric("s", "é", Datatype.STRING, alias=1), metric("b", b"\0", Datatype.BYTES, alias=2),
        metric("u", 1.0, alias=3, properties={"Engineering Units": "furlong"}), metric("x", 1.0, alias=4),
    ]  # fmt: skip
    heard = hearing(said("g/NBIRTH/n", *words, metric("Node Control/Rebirth", False, Datatype.BOOLEAN), seq=0))
    heard.decode(said("g/NDATA/n", words[0], metric(None, True, Datatype.BOOLEAN, alias=4, typed=False), seq=1))
    assert [point.identity for point in heard.points] == ["g/n:x"]
    assert heard.told()["unread"] == {"of another type": 1, "no number": 3, "unit": 1}


def test_aliases_lead_to_the_metrics_of_the_newest_births_whatever_their_numbers():
    """Births and deaths of devices in any order, aliases small, large and taken over: as a dict would have it."""
    dice, heard = random.Random(7), hearing(said("g/NBIRTH/n", seq=0))
    known: dict[int, str] = {}
    for step in range(300):
        device, at = f"d{dice.randrange(4)}", T0 + step
        if dice.random() < 0.2:
            heard.decode(said(f"g/DDEATH/n/{device}", seq=None, at=at))
            known = {alias: name for alias, name in known.items() if not name.startswith(f"g/n/{device}:")}
        elif dice.random() < 0.5:
            spread = dice.choice((20, 5_000, 1 << 21, 1 << 64))
            free = {dice.randrange(spread) for _ in range(dice.randrange(1, 40))}
            known = {alias: name for alias, name in known.items() if not name.startswith(f"g/n/{device}:")}
            known |= {alias: f"g/n/{device}:m{alias % 17}" for alias in free}
            told = [metric(f"m{alias % 17}", 0.0, alias=alias) for alias in free]
            heard.decode(said(f"g/DBIRTH/n/{device}", *told, seq=None, at=at))
        asked = [*dice.sample(sorted(known), min(20, len(known))), dice.randrange(1 << 64), dice.randrange(50)]
        alive = next((name.split(":")[0].rsplit("/", 1)[1] for name in known.values()), None)
        if alive is not None:
            data = [metric(None, 1.0, alias=alias, typed=False) for alias in asked]
            found = heard.decode(said(f"g/DDATA/n/{alive}", *data, seq=None, at=at))
            assert isinstance(found, Batch)
            names = [heard.points[point].identity for point in found.points]
            assert names == [known[alias] for alias in asked if alias in known]
