"""Payloads of Sparkplug B as columns: numbers by their types, times, qualities, births, compressed bodies."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.batch import Reason, Reject
from telemetry.sparkplug import payload as payloads
from telemetry.sparkplug import wire
from telemetry.sparkplug.body import COMPRESSED
from telemetry.sparkplug.payload import MAX_BYTES, NO_ALIAS, NO_QUALITY, NO_TIME, Mark, Payload, Stood, read
from telemetry.sparkplug.schema import CLASSES, Datatype
from tests.telemetry.sparkplug_oracle import agree, number_of

NOW_MS = 1_743_620_423_000
INT, LONG, FLOAT, DOUBLE, BOOLEAN = Stood.INT, Stood.LONG, Stood.FLOAT, Stood.DOUBLE, Stood.BOOLEAN
NAN = math.nan
VALUES = {
    "Int8 -5 as 32 bits, as the JavaScript client sends it": (Datatype.INT8, INT, 4294967291, -5.0),
    "Int8 -5 as 8 bits": (Datatype.INT8, INT, 251, -5.0),
    "Int8 -5 as 64 bits": (Datatype.INT8, LONG, 2**64 - 5, -5.0),
    "Int8 127": (Datatype.INT8, INT, 127, 127.0),
    "Int8 1000 is none": (Datatype.INT8, INT, 1000, NAN),
    "Int8 -1000 is none": (Datatype.INT8, INT, 2**32 - 1000, NAN),
    "Int16 -5 as 16 bits": (Datatype.INT16, INT, 65531, -5.0),
    "Int16 -5 as 32 bits": (Datatype.INT16, INT, 4294967291, -5.0),
    "Int32 -42": (Datatype.INT32, INT, 4294967254, -42.0),
    "Int32 -42 as 64 bits": (Datatype.INT32, LONG, 2**64 - 42, -42.0),
    "Int64 -42": (Datatype.INT64, LONG, 2**64 - 42, -42.0),
    "Int64 below -2^53": (Datatype.INT64, LONG, 2**64 - 2**53 - 2, -(2.0**53) - 2),
    "UInt8 251": (Datatype.UINT8, INT, 251, 251.0),
    "UInt8 256 is none": (Datatype.UINT8, INT, 256, NAN),
    "UInt32 as int_value": (Datatype.UINT32, INT, 2**32 - 1, 4294967295.0),
    "UInt32 as long_value": (Datatype.UINT32, LONG, 2**32 - 1, 4294967295.0),
    "UInt32 of 33 bits is none": (Datatype.UINT32, LONG, 2**32, NAN),
    "UInt64 4503599627370497": (Datatype.UINT64, LONG, 4503599627370497, 4503599627370497.0),
    "UInt64 2^64 - 1, rounded": (Datatype.UINT64, LONG, 2**64 - 1, 2.0**64),
    "DateTime": (Datatype.DATETIME, LONG, NOW_MS, float(NOW_MS)),
    "Boolean": (Datatype.BOOLEAN, BOOLEAN, 1, 1.0),
    "Boolean as a number": (Datatype.BOOLEAN, INT, 1, 1.0),
    "Boolean 2 is none": (Datatype.BOOLEAN, INT, 2, NAN),
    "Float": (Datatype.FLOAT, FLOAT, 0x41C40000, 24.5),
    "Float as a double": (Datatype.FLOAT, DOUBLE, 0x4038800000000000, 24.5),
    "Float in an integer's field is none": (Datatype.FLOAT, INT, 24, NAN),
    "Double infinite": (Datatype.DOUBLE, DOUBLE, 0x7FF0000000000000, math.inf),
    "no type at all": (Datatype.UNKNOWN, INT, 4294967291, 4294967291.0),
    "a type of the future": (99, INT, 5, NAN),
    "text": (Datatype.STRING, Stood.STRING, 0, NAN),
}
FIELDS: dict[int, str] = {
    INT: "int_value",
    LONG: "long_value",
    FLOAT: "float_value",
    DOUBLE: "double_value",
    BOOLEAN: "boolean_value",
}


def message(**fields: Any) -> Any:
    """A protobuf payload."""
    return CLASSES["Payload"](**fields)


def told(made: Any) -> Payload:
    """What ours says of it, which is what protobuf says."""
    data = made.SerializeToString()
    found = read(data)
    assert isinstance(found, Payload), found
    assert agree(data, found, whole=True)
    return found


def metric(datatype: int, stood: int, raw: int) -> Any:
    """A metric whose value has these bits."""
    made = CLASSES["Metric"](alias=1)
    if datatype:
        made.datatype = datatype
    if stood in (FLOAT, DOUBLE):
        kind = np.uint32(raw).view(np.float32) if stood == FLOAT else np.uint64(raw).view(np.float64)
        setattr(made, FIELDS[stood], float(kind))
    elif stood in FIELDS:
        setattr(made, FIELDS[stood], raw)
    else:
        made.string_value = "on"
    return made


def with_quality(**value: Any) -> Any:
    """A metric with the property Quality."""
    made = CLASSES["Metric"](alias=1, double_value=1.0)
    made.properties.keys.append("Quality")
    made.properties.values.add(**value)
    return made


def same(found: float, meant: float) -> bool:
    return found == meant or (math.isnan(found) and math.isnan(meant))


@pytest.mark.parametrize("case", VALUES)
def test_a_number_is_read_by_its_type_from_the_message_or_from_the_birth(case):
    datatype, stood, raw, meant = VALUES[case]
    told_itself = told(message(metrics=[metric(datatype, stood, raw)]))
    from_birth = told(message(metrics=[metric(0, stood, raw)]))
    assert same(float(told_itself.value[0]), meant)
    assert same(float(from_birth.values(np.array([datatype]))[0]), meant)
    assert int(told_itself.raw[0]) == raw
    if datatype:
        assert same(float(told_itself.values(np.array([Datatype.STRING]))[0]), meant), "its own type counts"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 35),
            st.sampled_from((INT, LONG)),
            st.one_of(st.integers(0, 2**64 - 1), st.integers(-70000, 70000).map(lambda n: n % 2**64),
                      st.integers(-70000, -1).map(lambda n: n % 2**32)),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_numbers_of_any_type_and_bits_are_those_of_plain_arithmetic(rows):
    rows = [(kind, stood, raw & 0xFFFFFFFF if stood == INT else raw) for kind, stood, raw in rows]
    found = told(message(metrics=[metric(0, stood, raw) for _, stood, raw in rows]))
    values = found.values(np.array([kind for kind, _, _ in rows])).tolist()
    assert all(same(value, number_of(*row)) for value, row in zip(values, rows, strict=True))
    assert found.raw.tolist() == [raw for _, _, raw in rows], "no bit is lost"


def test_data_types_are_one_for_each_metric():
    with pytest.raises(ValueError, match="2 data types of 1 metrics"):
        told(message(metrics=[metric(0, INT, 1)])).values(np.array([1, 2]))


def test_null_is_no_number_and_nan_is_no_null():
    null, empty, nan = (CLASSES["Metric"](alias=n) for n in range(3))
    null.is_null, null.double_value, nan.double_value = True, 5.0, NAN
    found = told(message(metrics=[null, empty, nan]))
    assert np.isnan(found.value).all()
    assert np.isnan(found.values(np.full(3, Datatype.DOUBLE))).all()
    assert (found.flags & Mark.NULL).tolist() == [Mark.NULL, 0, 0]
    assert found.field.tolist() == [Stood.DOUBLE, Stood.NONE, Stood.DOUBLE]


def test_a_metric_without_a_time_has_that_of_its_payload_wherever_it_stands():
    timed, other = message(metrics=[{"timestamp": 5}, {"alias": 7}]), message(timestamp=NOW_MS)
    before = other.SerializeToString() + timed.SerializeToString()
    behind = timed.SerializeToString() + other.SerializeToString()
    for data in (before, behind):
        found = read(data)
        assert isinstance(found, Payload)
        assert found.time_ms.tolist() == [5, NOW_MS]
        assert (found.flags & Mark.TIMED).tolist() == [Mark.TIMED, 0]
    assert told(timed).time_ms.tolist() == [5, NO_TIME]
    assert told(timed).alias.tolist() == [NO_ALIAS, 7]


def test_an_alias_may_be_any_number():
    found = told(message(metrics=[{"alias": 2**64 - 1}, {"alias": 0}, {}]))
    assert found.alias.tolist() == [NO_ALIAS, 0, NO_ALIAS]
    assert (found.flags & Mark.ALIASED).tolist() == [Mark.ALIASED, Mark.ALIASED, 0]


@pytest.mark.parametrize("quality", [0, 192, 500])
def test_the_quality_of_a_metric_is_read(quality):
    found = told(message(metrics=[with_quality(type=3, int_value=quality), metric(0, INT, 1)]))
    assert found.quality.tolist() == [quality, NO_QUALITY]
    assert found.rich == [], "nothing else is said"


def test_quality_is_found_among_other_properties_and_in_any_order():
    among = with_quality(long_value=500)
    among.properties.keys.append("engUnit")
    among.properties.values.add(string_value="kW")
    halves = [CLASSES["Metric"](), CLASSES["Metric"]()]
    halves[0].properties.values.add(int_value=192)
    halves[1].properties.keys.append("Quality")
    late = CLASSES["Metric"].FromString(b"".join(half.SerializeToString() for half in halves))
    odd = [
        with_quality(is_null=True, int_value=0),
        with_quality(string_value="good"),
        with_quality(int_value=2**32 - 1),
    ]
    twice = CLASSES["Metric"].FromString(b"".join(with_quality(int_value=n).SerializeToString() for n in (192, 500)))
    keyless = CLASSES["Metric"](alias=1)
    keyless.properties.keys.append("Quality")
    found = told(message(metrics=[among, late, *odd, keyless, twice]))
    assert found.quality.tolist() == [500, 192, NO_QUALITY, NO_QUALITY, 2**31 - 1, NO_QUALITY, 192]
    assert found.rich == [0, 6]


def test_a_birth_is_read_whole():
    born = message(timestamp=NOW_MS, seq=255)
    born.metrics.add(name="bdSeq", datatype=Datatype.UINT64, long_value=4)
    born.metrics.add(name="Räume/水", alias=3, datatype=Datatype.STRING, string_value="läuft", is_historical=True)
    born.metrics.add(alias=4, datatype=Datatype.BYTES, bytes_value=b"\x00\xff", is_transient=True)
    table = born.metrics.add(name="table", datatype=Datatype.DATASET)
    table.dataset_value.columns.append("a")
    table.dataset_value.types.append(Datatype.INT32)
    table.dataset_value.rows.add().elements.add(int_value=5)
    pump = born.metrics.add(name="pump", datatype=Datatype.TEMPLATE)
    pump.template_value.metrics.add(name="speed", double_value=2.5)
    pump.metadata.description = "of the CDU"
    found = told(born)
    assert (found.timestamp_ms, found.seq, found.count) == (NOW_MS, 255, 5)
    assert found.names == ["bdSeq", "Räume/水", None, "table", "pump"]
    assert found.datatype.tolist() == [8, 12, 17, 16, 19]
    assert [found.text(n) for n in range(3)] == [None, "läuft", None]
    assert found.rich == [1, 2, 3, 4]
    assert found.message(2).bytes_value == b"\x00\xff"
    assert found.message(3).dataset_value.rows[0].elements[0].int_value == 5
    assert found.message(4).template_value.metrics[0].double_value == 2.5
    assert found.message(4).metadata.description == "of the CDU"
    assert found.marks & Mark.HISTORICAL
    assert found.marks & Mark.TRANSIENT


def test_names_that_are_no_text_stay_apart():
    found = read(bytes.fromhex("1204 0a02ff61 1204 0a02fe61 1203 0a0161".replace(" ", "")))
    assert isinstance(found, Payload)
    assert found.names == ["\\xffa", "\\xfea", "a"]


def test_there_may_be_any_number_of_metrics_up_to_a_bound(monkeypatch):
    many = read(b"\x12\x02\x10\x01" * 50_000)
    assert isinstance(many, Payload)
    assert many.count == 50_000
    assert (many.alias == 1).all()
    monkeypatch.setattr(payloads, "MAX_METRICS", 49_999)
    refused = read(b"\x12\x02\x10\x01" * 50_000)
    assert isinstance(refused, Reject)
    assert refused.reason == Reason.SIZE
    refused = read(bytes(MAX_BYTES + 1))
    assert isinstance(refused, Reject)
    assert refused.reason == Reason.SIZE


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_read(kind):
    found = read(kind(message(seq=3).SerializeToString()))
    assert isinstance(found, Payload)
    assert found.seq == 3


def test_all_is_compiled_before_the_first_message():
    payloads.ready()
    before = [len(kernel.signatures) for kernel in KERNELS]
    told(message(metrics=[metric(0, INT, 1)])).values(np.array([1]))
    assert [len(kernel.signatures) for kernel in KERNELS] == before == [1, 1]


KERNELS: list[Any] = [wire.walk, wire.numbers]
BODY = message(timestamp=NOW_MS, seq=7, metrics=[{"alias": 3, "double_value": 2.5}])


def bare(data: bytes) -> bytes:
    """The bare stream of DEFLATE."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def packed(body: bytes, algorithm: str | None, **fields: Any) -> bytes:
    """A compressed payload."""
    made = message(uuid=COMPRESSED, body=body, **fields)
    if algorithm is not None:
        made.metrics.add(name="algorithm", datatype=Datatype.STRING, string_value=algorithm)
    return bytes(made.SerializeToString())


PACKERS: dict[str, tuple[Callable[[bytes], bytes], str | None]] = {
    "GZIP": (gzip.compress, "GZIP"),
    "gzip": (gzip.compress, "gzip"),
    "DEFLATE, zlib's format": (zlib.compress, "DEFLATE"),
    "DEFLATE, the bare stream": (bare, "DEFLATE"),
    "zlib": (zlib.compress, "zlib"),
    "gzip, not said": (gzip.compress, None),
    "zlib, not said": (zlib.compress, None),
}


@pytest.mark.parametrize("case", PACKERS)
def test_a_compressed_payload_is_that_in_its_body(case):
    pack, algorithm = PACKERS[case]
    inner = BODY.SerializeToString()
    found = read(packed(pack(inner), algorithm, seq=9, timestamp=1))
    assert isinstance(found, Payload)
    assert found.data == inner
    assert (found.seq, found.timestamp_ms, found.uuid) == (7, NOW_MS, "")
    assert (found.alias.tolist(), found.value.tolist(), found.time_ms.tolist()) == ([3], [2.5], [NOW_MS])


def test_sequence_and_time_may_stand_outside_of_a_compressed_body():
    inner = message(metrics=[{"alias": 3}, {"alias": 4, "timestamp": 6}]).SerializeToString()
    found = read(packed(gzip.compress(inner), "GZIP", seq=9, timestamp=NOW_MS))
    assert isinstance(found, Payload)
    assert (found.seq, found.timestamp_ms, found.time_ms.tolist()) == (9, NOW_MS, [NOW_MS, 6])


BOMB = bytes(MAX_BYTES + 1)
INNER = BODY.SerializeToString()
REFUSED = {
    "a bomb of gzip": (packed(gzip.compress(BOMB), "GZIP"), Reason.SIZE),
    "a bomb of zlib": (packed(zlib.compress(BOMB * 10), "DEFLATE"), Reason.SIZE),
    "a bare bomb": (packed(bare(BOMB), "DEFLATE"), Reason.SIZE),
    "compressed twice": (packed(gzip.compress(packed(gzip.compress(INNER), "GZIP")), "GZIP"), Reason.SYNTAX),
    "an unknown algorithm": (packed(INNER, "ROT13"), Reason.SYNTAX),
    "the wrong algorithm": (packed(zlib.compress(INNER), "GZIP"), Reason.SYNTAX),
    "cut off": (packed(gzip.compress(INNER)[:-1], "GZIP"), Reason.SYNTAX),
    "a wrong sum": (packed(gzip.compress(INNER)[:-5] + bytes(5), "GZIP"), Reason.SYNTAX),
    "bytes behind": (packed(gzip.compress(INNER) + b"x", "GZIP"), Reason.SYNTAX),
    "nothing": (packed(b"", "GZIP"), Reason.SYNTAX),
    "no body": (message(uuid=COMPRESSED).SerializeToString(), Reason.SYNTAX),
    "no payload in it": (packed(gzip.compress(b"\xff"), "GZIP"), Reason.SYNTAX),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_compressed_payload_is_refused_for_a_reason(case):
    data, reason = REFUSED[case]
    found = read(data)
    assert isinstance(found, Reject)
    assert found.reason == reason
    assert found.detail.isascii()
