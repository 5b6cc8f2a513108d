"""Case ``sparkplug``: payloads of Sparkplug B to columns (alias, time, value, flags), in samples a second of one core.

Data by alias as an edge node sends them: a time and a double, float or integer for each metric, the same bytes again
and again, of which the least CPU time counts. Beside the bar of 100 metrics a message stand other sizes, births (names,
data types, a property each) and what protobuf takes just to parse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from telemetry.batch import Reject
from telemetry.decode import make
from telemetry.message import Message
from telemetry.sparkplug.payload import read
from telemetry.sparkplug.schema import CLASSES, Datatype
from tests.bench.measure import Row

BAR = 7.0
FIRST_MS = 1_743_620_423_000
SAMPLES = 20_000  # of a round


def data(metrics: int) -> bytes:
    """A message of data by alias."""
    message = CLASSES["Payload"](timestamp=FIRST_MS, seq=metrics % 256)
    for number in range(metrics):
        metric = message.metrics.add(alias=1000 + number, timestamp=FIRST_MS + number)
        if number % 4 == 3:
            metric.int_value = 2**32 - number
        elif number % 4 == 2:
            metric.float_value = 0.1 * number
        else:
            metric.double_value = 0.1 * number
    return bytes(message.SerializeToString())


def birth(metrics: int) -> bytes:
    """The birth of as many metrics."""
    message = CLASSES["Payload"](timestamp=FIRST_MS, seq=0)
    for number in range(metrics):
        name, kind = f"hall 1/rack {number:03d}/power", int(Datatype.DOUBLE)
        metric = message.metrics.add(name=name, alias=1000 + number, datatype=kind, double_value=0.1 * number)
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=int(Datatype.STRING), string_value="kW")
    return bytes(message.SerializeToString())


def columns(payload: bytes) -> tuple[Any, ...]:
    """What a dialect takes of a message of data."""
    found = read(payload)
    assert not isinstance(found, Reject), found
    return found.alias, found.time_ms, found.value, found.flags, found.names


def to_batch(metrics: int, rounds: int) -> float:
    """Samples a second of a decoder that knows the birth, in millions: bytes to a batch, its losses counted."""
    decoder, topic = make("sparkplug"), "spBv1.0/site/{}/edge"
    message = CLASSES["Payload"].FromString(birth(metrics))
    for number, metric in enumerate(message.metrics):
        metric.datatype = (Datatype.DOUBLE, Datatype.DOUBLE, Datatype.FLOAT, Datatype.INT32)[number % 4]
        metric.is_null = True
    decoder.decode(Message(topic.format("NBIRTH"), bytes(message.SerializeToString()), FIRST_MS * 10**6))
    assert len(decoder.points) == metrics
    message, told = CLASSES["Payload"].FromString(data(metrics)), []
    for number in range(256):  # every number once, so that none is a copy
        message.seq, message.timestamp = (number + 1) % 256, FIRST_MS + number
        told.append(Message(topic.format("NDATA"), bytes(message.SerializeToString()), (FIRST_MS + number) * 10**6))
    best = float("inf")
    for _ in range(rounds):
        begin = time.thread_time_ns()
        for each in told:
            decoder.decode(each)
        best = min(best, (time.thread_time_ns() - begin) / len(told))
    assert decoder.dropped == 0
    return metrics / best * 1e3


def rate(work: Callable[[bytes], object], payload: bytes, metrics: int, rounds: int) -> float:
    """Samples a second, in millions."""
    repeat, best = max(1, SAMPLES // metrics), float("inf")
    for _ in range(rounds):
        begin = time.thread_time_ns()
        for _ in range(repeat):
            work(payload)
        best = min(best, (time.thread_time_ns() - begin) / repeat)
    return metrics / best * 1e3


def run(quick: bool, full: bool) -> list[Row]:
    """The rate at 100 metrics a message, with the others beside it."""
    del full
    rounds = 20 if quick else 100
    columns(data(1))  # compiles
    rates = {size: rate(columns, data(size), size, rounds) for size in (1, 10, 100, 1000)}
    born = rate(columns, birth(100), 100, rounds)
    parse = rate(CLASSES["Payload"].FromString, data(100), 100, rounds)
    detail = ", ".join(f"x{size} {rates[size]:.3g}" for size in (1, 10, 1000))
    detail += f"; births x100 {born:.2g}; protobuf, parse only, x100 {parse:.3g}"
    made = {size: to_batch(size, rounds // 2) for size in (10, 100, 1000)}
    beside = f"births known, points, SI, seq; x10 {made[10]:.3g}, x1000 {made[1000]:.3g}"
    return [
        Row("Sparkplug B decode", "x100 by alias", rates[100], " M samples/s", BAR, False, detail),
        Row("Sparkplug B to batch", "x100 by alias", made[100], " M samples/s", BAR, False, beside),
    ]


__all__ = ["run"]
