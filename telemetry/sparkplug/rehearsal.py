"""A birth and data of a node that there is not: who takes them has compiled what reads and applies such messages."""

from __future__ import annotations

from telemetry.message import Message
from telemetry.sparkplug.schema import CLASSES, Datatype

METRICS = 100
AT_MS = 1_767_225_600_000


def messages() -> list[Message]:
    """In their order, a second apart."""
    made = []
    for seq in range(3):
        payload = CLASSES["Payload"](timestamp=AT_MS + 1000 * seq, seq=seq)
        for number in range(METRICS):
            metric = payload.metrics.add(alias=number, timestamp=payload.timestamp, double_value=seq + number)
            if seq == 0:
                metric.name, metric.datatype = f"rehearsal/{number}", Datatype.DOUBLE
        topic = f"spBv1.0/halltwin/{'NDATA' if seq else 'NBIRTH'}/rehearsal"
        made.append(Message(topic, payload.SerializeToString(), (AT_MS + 1000 * seq) * 1_000_000, seq))
    return made
