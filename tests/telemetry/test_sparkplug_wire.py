"""The walker over the wire takes what Google's protobuf takes, refuses what it refuses, and reads the same of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from telemetry.batch import Reject
from telemetry.sparkplug import wire
from telemetry.sparkplug.payload import read
from telemetry.sparkplug.schema import CLASSES, MESSAGES
from tests.telemetry.sparkplug_oracle import agree, parsed
from tests.telemetry.sparkplug_wild import Wild, number, piece

VALID, DAMAGED, CHECKED = 1_500, 300_000, 10_000
TEMPLATES = (2, 18)  # metrics in a template in a metric ...
PROPERTIES = (2, 9)  # values in a property set in a value ...


def of_metric(data: bytes) -> bytes:
    """A payload of one metric."""
    return piece(2, data)


def of_types(data: bytes) -> bytes:
    """A payload of one data set with ``data`` as its types."""
    return of_metric(piece(17, piece(3, data)))


def nested(levels: int, inside: bytes, fields: tuple[int, int]) -> bytes:
    """``inside`` within ``levels`` messages, whose fields take turns, the outermost first."""
    for level in reversed(range(levels)):
        inside = piece(fields[level % 2], inside)
    return inside


def grouped(levels: int) -> bytes:
    """Groups in groups."""
    return b"\x7b" * levels + b"\x7c" * levels


EDGES = {
    **{f"number of {n} bytes": (b"\x08" + number(1, n - 1), n <= 10) for n in range(1, 11)},
    "number of 11 bytes": (b"\x08" + b"\x81" + b"\x80" * 9 + b"\x00", False),
    "number beyond 64 bits": (b"\x08" + b"\xff" * 9 + b"\x7f", True),
    **{f"tag of {n} bytes": (number(8, n - 1) + b"\x05", n <= 5) for n in range(1, 8)},
    **{f"tag that ends in {n:#x}": (b"\x88\x80\x80\x80" + bytes((n, 5)), n < 16) for n in (1, 15, 16, 127)},
    **{f"length of {n} bytes": (b"\x22" + number(1, n - 1) + b"a", n <= 5) for n in range(1, 8)},
    **{f"unknown length of {n} bytes": (b"\x7a" + number(1, n - 1) + b"a", n <= 5) for n in range(4, 7)},
    "length beyond its end": (b"\x22\x02a", False),
    "length beyond its metric": (of_metric(b"\x0a\x02a") + b"aaaa", False),
    "length of 4 GiB": (b"\x22\xff\xff\xff\xff\x0f" + b"a" * 9, False),
    "length of 32 GiB": (b"\x22\xff\xff\xff\xff\x7f" + b"a" * 9, False),
    **{f"field 0 of type {n}": (bytes((n, 0, 4)) + bytes(8), False) for n in range(6)},
    "field 0 of a metric": (of_metric(b"\x00\x01"), False),
    "field 0 of an extension": (of_metric(piece(19, b"\x00\x01")), False),
    "field 0 in a group": (b"\x7b\x00\x01\x7c", True),
    "group 0 in a group": (b"\x7b\x03\x04\x7c", True),
    "the last field": (b"\xf8\xff\xff\xff\x0f\x01", True),
    "wire type 6": (b"\x0e", False),
    "wire type 7": (b"\x0f\x00", False),
    "wire type 6 in a group": (b"\x7b\x0e\x7c", False),
    "8 bytes short of 1": (b"\x79" + bytes(7), False),
    "4 bytes short of 1": (b"\x7d" + bytes(3), False),
    "double short of 1": (of_metric(b"\x69" + bytes(7)) + bytes(9), False),
    "group": (b"\x7b\x7c", True),
    "group with the number of a field": (b"\x0b\x0c", True),
    "group that ends as another": (b"\x7b\x74", False),
    "group without an end": (b"\x7b", False),
    "group without a begin": (b"\x7c", False),
    "group that ends outside": (of_metric(b"\x7b") + b"\x7c", False),
    **{f"{n} groups": (grouped(n), n <= 100) for n in (99, 100, 101, 5000)},
    **{f"{n} groups in a metric": (of_metric(grouped(n)), n <= 99) for n in (99, 100)},
    **{f"{n} templates": (nested(n, b"", TEMPLATES), n <= 100) for n in (99, 100, 101, 102)},
    **{f"{n} property sets": (of_metric(nested(n, b"", PROPERTIES[::-1])), n <= 99) for n in (98, 99, 100)},
    "group in 100 templates": (nested(100, b"\x7b\x7c", TEMPLATES), False),
    "metric as a number": (b"\x10\x05", True),
    "time as 8 bytes": (b"\x09" + bytes(8), True),
    "time as text": (b"\x0a\x02ab", True),
    "value as text, then as a number": (of_metric(b"\x7a\x01a\x50\x05"), True),
    "types packed": (of_types(b"\x01\x02"), True),
    "types packed in 10 bytes": (of_types(b"\x80" * 9 + b"\x7f"), True),
    "types packed in 11 bytes": (of_types(b"\x80" * 10 + b"\x00"), False),
    "types packed, cut": (of_types(b"\x01\x82") + b"\x01", False),
    "name that is not UTF-8": (of_metric(b"\x0a\x01\xff"), True),
    "nothing": (b"", True),
}


@pytest.mark.parametrize("case", EDGES)
def test_what_protobuf_takes_is_taken(case):
    data, valid = EDGES[case]
    assert (parsed(data) is not None) == valid
    assert agree(data, read(data), whole=True)


def test_a_payload_that_is_cut_anywhere_is_read_as_protobuf_reads_it():
    wild = Wild(3)
    whole = [data for data in (wild.payload() for _ in range(80)) if parsed(data) is not None and len(data) < 400]
    assert len(whole) > 40
    for data in whole:
        for size in range(len(data)):
            assert agree(data[:size], read(data[:size]), whole=False), data[:size].hex()


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    wild = Wild(7)
    return [wild.payload() for _ in range(VALID)]


def test_payloads_as_no_client_writes_them_are_read_alike(seeds):
    for data in seeds:
        assert agree(data, read(data), whole=True), data.hex()
    taken = sum(not isinstance(read(data), Reject) for data in seeds)
    assert taken > 0.9 * VALID


def test_damaged_payloads_are_read_and_refused_alike(seeds):
    short = [data for data in seeds if len(data) < 150]
    taken = 0
    for turn, data in zip(range(DAMAGED), Wild(8).damaged(short), strict=False):
        ours = read(data)
        taken += not isinstance(ours, Reject)
        if not agree(data, ours, whole=turn % 16 == 0):
            pytest.fail(f"read in another way than by protobuf: {data.hex()}")
    assert 0.1 * DAMAGED < taken < 0.9 * DAMAGED


CHILD = f"""
import itertools, numpy
from telemetry.sparkplug import wire
from telemetry.sparkplug.payload import read
from tests.telemetry.sparkplug_wild import Wild
try:
    wire.walk(bytes((8, 1)), numpy.zeros(1, numpy.int64), 0)
except IndexError:
    print("bounds are checked")
wild = Wild(9)
for data in itertools.islice(wild.damaged([wild.payload() for _ in range(500)]), {CHECKED}):
    read(data)
print("all inside")
"""


def test_nothing_outside_of_the_payload_is_touched(tmp_path):
    """The same kernel compiled with Numba's own checks of every index."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "HALLTWIN_CACHE": str(tmp_path), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", CHILD]
    child = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert child.stdout.split("\n")[:2] == ["bounds are checked", "all inside"], child.stderr


def test_the_walker_knows_the_messages_of_the_schema():
    kinds = {"Metric": wire.METRIC, "MetaData": wire.METADATA, "PropertySet": wire.PROPERTY_SET,
             "PropertyValue": wire.PROPERTY_VALUE, "PropertySetList": wire.PROPERTY_SETS, "DataSet": wire.DATASET,
             "Row": wire.ROW, "DataSetValue": wire.DATASET_VALUE, "Template": wire.TEMPLATE,
             "Parameter": wire.PARAMETER, "Extension": wire.EXTENSION}  # fmt: skip
    assert set(kinds) == set(MESSAGES) - {"Payload"}
    inside = np.zeros_like(wire.INSIDE)
    for name, kind in kinds.items():
        for field in MESSAGES[name]:
            packed = field.kind == "u32" and field.repeated
            inside[kind, field.number] = wire.PACKED if packed else kinds.get(field.kind, 0)
    assert (inside == wire.INSIDE).all()
    types = {"u32": 0, "u64": 0, "bool": 0, "f32": 5, "f64": 1}
    assert wire.OF_METRIC.tolist() == [9] + [types.get(field.kind, 2) for field in MESSAGES["Metric"]]
    assert wire.OF_PAYLOAD.tolist() == [9, 0, 9, 0, 2, 2]


def test_the_classes_are_in_no_pool_but_ours():
    from google.protobuf import descriptor_pool

    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName(CLASSES["Payload"].DESCRIPTOR.full_name)
