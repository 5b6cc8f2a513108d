"""Real messages of every dialect, with which contract and fuzz tests begin. A new dialect adds its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from telemetry.batch import NOTHING, Batch, Flag, Quality, Reject
from telemetry.decode import Decoder, make
from telemetry.message import Message
from telemetry.points import Point
from telemetry.sparkplug.schema import Datatype
from tests.telemetry.spb import metric, said, session

NS = 1_000_000
EPOCH_MS = 1_743_620_423_000
TAG = "site/hall 1/é/E01"


@dataclass(frozen=True)
class Corpus:
    """Options of a decoder and messages that it understands without a reject, in their order."""

    options: dict[str, str]
    messages: list[Message]
    commands: list[str] = field(default_factory=list)
    most: int = 1 << 20  # bytes of a payload

    @staticmethod
    def padded(payload: bytes, size: int) -> bytes:
        """``payload``, made so long by what means nothing."""
        return payload.ljust(size)

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


class Binary(Corpus):
    """Of protobuf: what means nothing is a field that nobody knows."""

    @staticmethod
    def padded(payload: bytes, size: int) -> bytes:
        """``payload`` with an unknown field, of 5 bytes and what is lacking."""
        return payload + b"\x7a" + _varint(size - len(payload) - 5) + bytes(size - len(payload) - 5)


def _varint(number: int) -> bytes:
    """A number in four bytes."""
    return bytes((number >> shift & 127) | (128 if shift < 21 else 0) for shift in (0, 7, 14, 21))


def _sparkplug() -> Binary:
    types = [
        metric("Power", 41.25, alias=1, properties={"engUnit": "kW"}),
        metric("Inlet Temp", 24.5, Datatype.FLOAT, alias=2, properties={"engUnit": "C", "Quality": 192}),
        metric("Fans/1/Speed", -5, Datatype.INT8, alias=3),
        metric("Counts", 4503599627370497, Datatype.UINT64, alias=70_000),
        metric("Door", True, Datatype.BOOLEAN, alias=5),
        metric("Since", EPOCH_MS, Datatype.DATETIME, alias=6),
        metric("Maker", "Dés & Co", Datatype.STRING, alias=7),
        metric("rack_power", None, Datatype.DOUBLE, is_null=True),
    ]
    data = [
        metric(None, 40.5, alias=1, typed=False, at=EPOCH_MS - 3),
        metric(None, 25.5, Datatype.FLOAT, alias=2, typed=False),
        metric(None, -6, Datatype.INT8, alias=3, typed=False),
        metric(None, 7, Datatype.UINT64, alias=70_000, typed=False, is_historical=True),
        metric(None, False, Datatype.BOOLEAN, alias=5, typed=False, properties={"Quality": 500}),
        metric("rack_power", float("nan"), Datatype.DOUBLE),
    ]
    rebirth = metric("Node Control/Rebirth", False, Datatype.BOOLEAN)
    messages = [
        said("plant/NBIRTH/gw-1", session(3), rebirth, metric("Load", 0.5, alias=0), seq=0),
        said("plant/DBIRTH/gw-1/rack é", *types, seq=1, at=EPOCH_MS + 1),
        said("plant/DDATA/gw-1/rack é", *data, seq=2, at=EPOCH_MS + 2),
        said("plant/NDATA/gw-1", metric(None, 0.25, alias=0, typed=False), seq=3, at=EPOCH_MS + 3),
        said("plant/DDEATH/gw-1/rack é", seq=4, at=EPOCH_MS + 4),
        said("plant/NDEATH/gw-1", session(3), at=EPOCH_MS - 1000, received=EPOCH_MS + 9),
    ]
    commands = ["spBv1.0/plant/NCMD/gw-1", "spBv1.0/plant/DCMD/gw-1/rack", "spBv1.0/STATE/host"]
    return Binary({}, messages, commands, most=4 << 20)


def _influx() -> Corpus:
    pdu = rb'rack_pdu,rack=r\ 07,feed=A power_kw=41.2,trips=3i,total_kwh=81234.75,door="open",why="\"ajar\", a=b",ok=t'
    batch = rb"""# made by a gateway
nvidia_smi,uuid=GPU-0,host=n1 power_draw=612.25,temperature_gpu=61i,up=TRUE,clock=1.98e3 1743620423000000000

nvidia_smi,uuid=GPU-1,host=n1 utilization_gpu=41u,note="line one
line two" 1743620423500000000
"""
    messages = [
        message("telegraf/h1/rack_pdu", pdu + b" 1743620423000000000\n"),
        message("telegraf/n1/batch", batch, 1),
        message("telegraf/h1/rack_pdu", pdu + b"\r\n", 2),
    ]
    return Corpus({"mapping": "telegraf"}, messages, ["telegraf/h1/set", "x/cmd/fan"])


CORPORA = {"dsx": _dsx(), "influx": _influx(), "plain": _plain(), "sparkplug": _sparkplug()}
