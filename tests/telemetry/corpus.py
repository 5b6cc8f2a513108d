"""Real messages of every dialect, with which contract and fuzz tests begin. A new dialect adds its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from telemetry.batch import NOTHING, Batch, Flag, Quality, Reject
from telemetry.decode import Decoder, make
from telemetry.message import Message
from telemetry.points import Point

NS = 1_000_000
EPOCH_MS = 1_743_620_423_000
TAG = "site/hall 1/é/E01"


@dataclass(frozen=True)
class Corpus:
    """Options of a decoder and messages that it understands without a reject, in their order."""

    options: dict[str, str]
    messages: list[Message]
    commands: list[str] = field(default_factory=list)

    def decoder(self, name: str) -> Decoder:
        """A fresh decoder."""
        return make(name, self.options)


def message(topic: str, payload: object, number: int = 0, retain: bool = False) -> Message:
    """One message; ``payload`` is bytes, or is written as JSON."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
    return Message(topic, raw, (EPOCH_MS + number) * NS, number, 1, retain)


def value(value: float | None = 47.854, timestamp: object = EPOCH_MS, quality: object = 1) -> dict[str, object]:
    """The payload of a DSX value."""
    return {"value": value, "timestamp": timestamp, "quality": quality}


def described(thing: str, point: str, tag: str = TAG, /, **keys: object) -> Message:
    """Metadata of a DSX point."""
    topic = f"BMS/v1/PUB/Metadata/{thing}/{point}/{tag}"
    return message(topic, {"objectType": thing, "pointType": point, **keys}, retain=True)


RACK = {"rackLocationName": "E01", "rackLocationId": "Pod1C-E01"}
CDU = {"objectName": "CDU 5", "objectId": "CDU-05"}
METER = {"objectName": "Bus 1", "objectId": "BUS-1", "servesId": ["TAP-1", "TAP-2"]}
STATES = [{"value": 0, "text": "NoLeak"}, {"value": 1, "text": "Leak"}]

POWER = described("Rack", "RackPower", "x", engUnit="kW", **RACK)


def read(payload: object, metadata: Message = POWER, *, retain: bool = False) -> Batch | Reject:
    """What a decoder of DSX that knows one point makes of a value of it."""
    decoder = make("dsx")
    assert decoder.decode(metadata) == NOTHING
    topic = metadata.topic.replace("/Metadata/", "/Value/")
    found = decoder.decode(message(topic, payload, retain=retain))
    assert repr(found) == repr(decoder.decode(message(topic, payload, retain=retain)))  # the quick way says the same
    return found


def one(found: Batch | Reject) -> tuple[float, Quality, Flag]:
    """Value, quality and flags of a batch of one."""
    assert isinstance(found, Batch), found
    assert len(found.values) == 1
    return found.values[0], Quality(found.qualities[0]), Flag(found.flags[0])


def learnt(metadata: Message) -> Point:
    """The point that metadata describe."""
    decoder = make("dsx")
    assert decoder.decode(metadata) == NOTHING
    return decoder.points[0]


def _dsx() -> Corpus:
    known = [
        described("Rack", "RackPower", engUnit="kW", **RACK),
        described("Rack", "RackLeakDetect", stateText=STATES, **RACK),
        described("Rack", "RackLiquidFlow", engUnit="LPM", **RACK),
        described("PowerMeter", "PhaseCurrent", engUnit="A", phase="A", **METER),
        described("PowerMeter", "PowerFactor", **METER),
        described("CDU", "LiquidTemperature", engUnit="C", processArea=["Secondary", "Supply"], **CDU),
        described("CDU", "PumpSpeed", engUnit="%", processArea=["Secondary"], **CDU),
        described("Valve", "ValvePosition", stateText=STATES, associateId="Pod1C-E01"),
        described("CDU", "LiquidTemperatureSpRequest", engUnit="C", integration="MEPAI", **CDU),
        described("System", "HeartbeatTimestampBms", objectName="BMS", objectId="BMS", scope="hall 1"),
    ]
    said = [value(3.5), value(0), value(50.1), value(-3), value(0.98), value(31), value(44), value(1), value(32)]
    heard = [
        message(one.topic.replace("/Metadata/", "/Value/").replace("PUB", publisher), what, number)
        for number, (one, what, publisher) in enumerate(
            zip(known, [*said, value(EPOCH_MS)], ["PUB"] * 8 + ["MEPAI", "PUB"], strict=True)
        )
    ]
    commands = [
        "BMS/v1/MEPAI/Value/CDU/LiquidTemperatureSpRequest/a",
        "BMS/v1/NICO/Value/Rack/RackElectricalIsolationRequest/a/b",
        "grid/v1/isv/acme/loadtarget/set",
        "grid/v1/infra/acme/powerbreach/enforcement",
    ]
    readable = [one for one in heard if "Request" not in one.topic]
    return Corpus({}, known + readable + [heard[8], message(heard[0].topic, value(None, quality=0), 11)], commands)


def _plain() -> Corpus:
    pdu = {"ts": EPOCH_MS, "ok": True, "power": {"kw": 41.2}, "inlet_c": 24.5, "door": "open"}
    report = {
        "MetricValues": [
            {"MetricId": "PowerConsumedWatts", "MetricValue": "236.0", "Timestamp": "2026-01-05T10:00:00Z"},
            {"MetricId": "FanSpeed", "MetricValue": "5400", "Timestamp": "2026-01-05T10:00:00Z"},
        ]
    }
    gpus = [
        {"gpu": "GPU-0", "DCGM_FI_DEV_POWER_USAGE": 612.3, "DCGM_FI_DEV_GPU_TEMP": 9223372036854775794},
        {"gpu": "GPU-1", "DCGM_FI_DEV_POWER_USAGE": 598, "DCGM_FI_DEV_GPU_UTIL": 97},
    ]
    messages = [
        message("site/h1/r07/pdu", pdu),
        message("redfish/c-1/MetricReport", report, 1),
        message("dcgm/node-01", {"time_s": EPOCH_MS / 1000, "gpus": gpus}, 2),
    ]
    return Corpus({"mapping": "gateway"}, messages, ["site/h1/r07/pdu/set", "x/cmd/fan"])


CORPORA = {"dsx": _dsx(), "plain": _plain()}
