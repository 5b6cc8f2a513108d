"""Sparkplug messages of made-up edge nodes, each a pure function of its number: the load of ``mqtt-sparkplug``.

Message n is the NDATA of node n mod N, with 100 metrics by alias, each with a time and a double: 22 bytes a sample as
gateways send them. Metric 0 holds n; the others hold readings at a resolution of 0.01, which a recording can pack as it
packs real ones. The stamp is the moment at which the message is due. Varints have fixed widths (protobuf takes longer
ones than need be), so that packets of one length lie in rows of a matrix and a stretch of them is patched at once.
``seq`` runs from the birth's 0 on. Packets are those of MQTT 3.1.1, QoS 0. n < 1e9.
"""

from __future__ import annotations

import struct

import numpy as np

from telemetry.sparkplug.schema import CLASSES, Datatype
from tests.bench.mqtt_load import LIMIT, Bytes, Schedule, packet, text

NODES, METRICS = 50, 100
FIRST_ALIAS = 20_000  # three bytes of varint
ALIAS, STAMP, SEQ = 3, 6, 2  # bytes of a varint
PUBLISH = 0x30  # QoS 0
EACH = 2 + 1 + ALIAS + 1 + STAMP + 1 + 8  # bytes of a metric
BODY = 1 + STAMP + METRICS * EACH + 1 + SEQ
VALUES = 10_007
LONG_AGO_MS = 1_700_000_000_000  # when the nodes were born, whatever the clock of the machine says
DOUBLE = struct.Struct("<d")
AT = slice(1 + STAMP + EACH - 8, 1 + STAMP + EACH)  # the value of metric 0 in a payload
DUE = slice(1, 1 + STAMP)


def varint(number: int, width: int) -> bytes:
    """``number`` in 7-bit bytes, ``width`` of them."""
    return bytes(number >> 7 * n & 0x7F | (0x80 if n < width - 1 else 0) for n in range(width))


def topics(kind: str = "NDATA") -> list[str]:
    """Topics of the nodes, in the order of the messages."""
    return [f"spBv1.0/halltwin-load/{kind}/edge-{node:03d}" for node in range(NODES)]


def births() -> list[tuple[str, bytes]]:
    """Topic and payload of the births, with names and data types of all metrics."""
    made = []
    for node, topic in enumerate(topics("NBIRTH")):
        said = CLASSES["Payload"](timestamp=LONG_AGO_MS, seq=0)
        said.metrics.add(name="bdSeq", timestamp=said.timestamp, datatype=Datatype.UINT64, long_value=0)
        for n in range(METRICS):
            said.metrics.add(
                name=f"rack-{node:03d}/sensor-{n:02d}/value", alias=FIRST_ALIAS + n, timestamp=said.timestamp,
                datatype=Datatype.DOUBLE, double_value=0.0,
            )  # fmt: skip
        made.append((topic, said.SerializeToString()))
    return made


def _blank() -> bytes:
    each = [
        b"\x12" + bytes((EACH - 2,))
        + b"\x10" + varint(FIRST_ALIAS + n, ALIAS) + b"\x18" + varint(0, STAMP) + b"\x69" + bytes(8)
        for n in range(METRICS)
    ]  # fmt: skip
    return b"\x08" + varint(0, STAMP) + b"".join(each) + b"\x18" + varint(0, SEQ)


class Packets:
    """Ready-made packets; a schedule gives them their time."""

    def __init__(self) -> None:
        rows = [packet(PUBLISH, text(topic), _blank()) for topic in topics()]
        self._rows = np.frombuffer(b"".join(rows), np.uint8).reshape(NODES, -1)
        self.body = self._rows.shape[1] - BODY  # where the payload begins
        readings = np.random.default_rng(7).normal(24.0, 3.0, VALUES).round(2)
        # Of each value the readings of a whole message, one behind the other.
        self._values = np.concatenate([readings, readings[:METRICS]]).view(np.uint8).reshape(-1, 8)

    def between(self, schedule: Schedule, first: int, last: int) -> Bytes:
        """Packets of the messages ``first`` <= n < ``last``, a row each."""
        numbers = np.arange(first, last, dtype=np.int64)
        rows = self._rows[numbers % NODES]
        payload = rows[:, self.body :]
        stamps = _varints(schedule.start_ms + (numbers * 1000.0 / schedule.rate).astype(np.int64), STAMP)
        payload[:, DUE] = stamps
        payload[:, -SEQ:] = _varints((1 + numbers // NODES) % 256, SEQ)
        metrics = payload[:, 1 + STAMP : -1 - SEQ].reshape(len(numbers), METRICS, EACH)
        metrics[:, :, -9 - STAMP : -9] = stamps[:, None, :]
        begin = numbers * 131 % VALUES
        values = np.lib.stride_tricks.sliding_window_view(self._values, METRICS, axis=0)
        metrics[:, :, -8:] = values[begin].transpose(0, 2, 1)
        metrics[:, 0, -8:] = numbers.astype(np.float64).view(np.uint8).reshape(-1, 8)
        payload[:, 1 + STAMP : -1 - SEQ] = metrics.reshape(len(numbers), -1)
        return rows


def _varints(numbers: np.ndarray, width: int) -> Bytes:
    shifted = numbers[:, None] >> 7 * np.arange(width) & 0x7F
    shifted[:, :-1] |= 0x80
    return shifted.astype(np.uint8)


def number_of(payload: bytes) -> int | None:
    """Which message a payload is, None where it is none of these."""
    number = DOUBLE.unpack(payload[AT])[0] if len(payload) == BODY else -1.0
    return int(number) if 0.0 <= number < LIMIT else None


def due_ms(payload: bytes) -> int | None:
    """When it was due, ms since 1970; None where it is none of these."""
    if len(payload) != BODY:
        return None
    return sum((byte & 0x7F) << 7 * n for n, byte in enumerate(payload[DUE]))


__all__ = ["METRICS", "NODES", "Packets", "births", "due_ms", "number_of", "topics"]
