"""What a virtual facility says, as a reader of the contract hears it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import jsonschema
import yaml

from telemetry.batch import Batch, Quality
from telemetry.clock import NS
from telemetry.decode import make
from telemetry.emulate.play import Published, play
from telemetry.emulate.virtual import Virtual, Wanted, virtual
from telemetry.message import Message
from tests.telemetry.exchange import shared

START_NS = 1_900_000_000 * NS
NOON = "2028-07-01T12:00"


class Kept:
    """An outlet that keeps everything."""

    def __init__(self) -> None:
        self.slots: list[tuple[int, list[Published]]] = []

    def send(self, due_ns: int, messages: Sequence[Published]) -> None:
        self.slots.append((due_ns, list(messages)))

    def messages(self) -> list[Message]:
        """All messages as received when they were due."""
        flat = [(ns, message) for ns, messages in self.slots for message in messages]
        return [Message(topic, payload, ns, n, 0, retain) for n, (ns, (topic, payload, retain)) in enumerate(flat)]


def emulated(lasting_s: float, **wanted: Any) -> tuple[Virtual, list[Message]]:
    """A facility and all that it publishes, at once."""
    made = virtual(Wanted(**wanted, lasting_s=lasting_s))
    kept = Kept()
    try:
        play(made.stream(START_NS), kept, threading.Event(), clock=None, lasting_s=lasting_s)
    finally:
        made.close()
    return made, kept.messages()


class Heard:
    """Readings of all points: (s since the start, value, quality)."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.decoder = make("dsx")
        self.readings: dict[int, list[tuple[float, float, int]]] = {}
        for message in messages:
            batch = self.decoder.decode(message)
            assert isinstance(batch, Batch), (message, batch)
            for index, time_ns, value, quality in zip(
                batch.points, batch.times_ns, batch.values, batch.qualities, strict=True
            ):
                self.readings.setdefault(index, []).append(((time_ns - START_NS) / NS, value, quality))

    def of(self, item: str, variable: str, *qualifier: str, set_point: bool = False) -> list[tuple[float, float, int]]:
        """Readings of one point."""
        (index,) = [
            n
            for n, p in enumerate(self.decoder.points)
            if (p.item, p.variable, p.set_point) == (item, variable, set_point) and set(qualifier) <= set(p.qualifier)
        ]
        return self.readings.get(index, [])

    def last(self, variable: str) -> dict[str, float]:
        """Last good value of every point of a variable, by item."""
        found = {}
        for index, rows in self.readings.items():
            point = self.decoder.points[index]
            if point.variable == variable and (good := [v for _, v, q in rows if q == Quality.GOOD]):
                found[point.item] = good[-1]
        return found


@cache
def _contract() -> dict[str, Any]:
    text = shared("dsx_bms_asyncapi.yaml").read_text()
    read: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return read


@cache
def _schemas(what: str, kind: str) -> list[jsonschema.Draft202012Validator]:
    """Schemas of the messages that the contract has on a channel."""
    contract = _contract()
    start = f"BMS/v1/PUB/{what}/{kind}/"
    found = []
    for channel in contract["channels"].values():
        if not channel["address"].startswith(start):
            continue
        for message in channel["messages"].values():
            payload = contract["components"]["messages"][message["$ref"].rpartition("/")[2]]["payload"]
            whole = {**payload, "components": {"schemas": contract["components"]["schemas"]}}
            found.append(jsonschema.Draft202012Validator(whole))
    return found


def breaks_contract(message: Message) -> str:
    """Why a message is not in the contract, "" where it is."""
    what, kind, point = message.topic.split("/")[3:6]
    data, schemas = json.loads(message.payload), _schemas(what, kind)
    if not schemas:
        return f"no channel {what}/{kind}"
    if what == "Metadata" and (data["objectType"], data["pointType"]) != (kind, point):
        return "types are not those of the topic"
    return "" if any(schema.is_valid(data) for schema in schemas) else f"no schema of {what}/{kind}"


def alike(messages: Sequence[Message]) -> list[Message]:
    """One message for each form: kind, point, keys and how many of them."""
    found: dict[Any, Message] = {}
    for message in messages:
        data = json.loads(message.payload)
        shape = tuple((key, type(value).__name__) for key, value in data.items())
        found.setdefault((*message.topic.split("/")[3:6], shape, data.get("engUnit"), data.get("quality")), message)
    return list(found.values())
