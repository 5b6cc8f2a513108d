"""Points of DSX Exchange: what metadata make of them, what waits for these, who may speak, bounds, topics, commands."""

from __future__ import annotations

import pytest

from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import dsx, make
from telemetry.message import Message
from tests.telemetry.corpus import CDU, EPOCH_MS, METER, NS, POWER, RACK, described, learnt, message, one, read, value

TOPIC = "BMS/v1/PUB/Value/Rack/RackPower/x"


def test_points_know_their_item_what_they_serve_and_what_they_are_part_of():
    meter = learnt(described("PowerMeter", "PhaseCurrent", engUnit="A", phase="B", **METER))
    assert (meter.item, meter.serves, meter.qualifier) == ("BUS-1", ("TAP-1", "TAP-2"), ("B",))
    valve = learnt(described("Valve", "ValvePosition", engUnit="%", processArea=["Return"], associateId="Pod1C-E01"))
    assert (valve.item, valve.part_of, valve.qualifier) == ("Pod1C-E01", "Pod1C-E01", ("Return",))
    target = learnt(described("CDU", "LiquidTemperature", engUnit="C", isSetpoint=True, **CDU))
    assert target.set_point
    assert learnt(described("Rack", "RackLiquidDifferentialPressureSp", engUnit="kPa", **RACK)).set_point


def test_a_heartbeat_tells_which_topics_it_covers_and_others_cover_none():
    system = {"objectName": "BMS", "objectId": "BMS"}
    beat = described("System", "HeartbeatTimestampBms", scope="BMS/v1/PUB/Value/Rack/#", **system)
    assert learnt(beat).covers == "BMS/v1/PUB/Value/Rack/#"
    assert learnt(described("System", "HeartbeatTimestampBms", **system)).covers == ""
    assert learnt(described("System", "HeartbeatEchoBms", **system)).covers is None
    assert learnt(POWER).covers is None
    assert one(read(value(EPOCH_MS), beat))[:2] == (EPOCH_MS / 1e3, Quality.GOOD)
    assert one(read(value(5), beat))[1] == Quality.OUT_OF_RANGE


def test_a_value_waits_for_its_metadata_and_only_the_newest_of_a_topic():
    decoder = make("dsx")
    for power, at in ((1.0, 0), (2.0, 5), (3.0, 3)):
        assert decoder.decode(message(TOPIC, value(power, EPOCH_MS + at))) == NOTHING
    assert isinstance(decoder.decode(message(TOPIC, b"junk")), Reject)
    assert isinstance(decoder, dsx.Decoder)
    assert decoder.held == 1
    found = decoder.decode(POWER)
    assert one(found) == (2e3, Quality.GOOD, Flag.HELD)
    assert isinstance(found, Batch)
    assert found.times_ns == ((EPOCH_MS + 5) * NS,)
    assert decoder.held == 0
    assert decoder.decode(POWER) == NOTHING
    assert one(decoder.decode(message(TOPIC, value(4.0))))[2] == Flag(0)


def test_no_more_values_wait_than_agreed_and_the_oldest_are_given_up():
    decoder = dsx.Decoder(max_held=3)
    for number in range(5):
        assert decoder.decode(message(f"{TOPIC}{number}", value(number))) == NOTHING
    assert (decoder.held, decoder.dropped) == (3, 2)
    heard = [decoder.decode(described("Rack", "RackPower", f"x{n}", engUnit="kW", **RACK)) for n in range(5)]
    assert [len(batch.points) for batch in heard if isinstance(batch, Batch)] == [0, 0, 1, 1, 1]


def test_no_more_points_are_kept_than_agreed():
    decoder = dsx.Decoder(max_points=2)
    found = [decoder.decode(described("Rack", "RackPower", f"x{n}", engUnit="kW", **RACK)) for n in range(4)]
    assert [isinstance(one, Reject) and one.reason for one in found] == [False, False, Reason.FULL, Reason.FULL]
    assert decoder.decode(described("Rack", "RackPower", "x0", engUnit="kW", **RACK)) == NOTHING


def test_no_more_metadata_are_kept_than_agreed_and_what_is_replaced_makes_room():
    decoder = dsx.Decoder(max_described=3_000)

    def described_by(tag: str, length: int) -> bool:
        said = described("Rack", "RackPower", tag, engUnit="kW", rackLocationName="x", rackLocationId="x" * length)
        found = decoder.decode(said)
        assert found == NOTHING or (isinstance(found, Reject) and found.reason == Reason.FULL)
        return found == NOTHING

    assert [described_by("a", 2_000), described_by("b", 2_000), described_by("a", 100)] == [True, False, True]
    assert [described_by("b", 2_000), described_by("a", 2_000), described_by("b", 2_001)] == [True, False, True]


def test_only_the_owner_of_a_point_speaks_for_it():
    request = described("CDU", "LiquidTemperatureSpRequest", "x", engUnit="C", integration="MEPAI", **CDU)
    decoder, tail = make("dsx"), "Value/CDU/LiquidTemperatureSpRequest/x"
    assert decoder.decode(message(f"BMS/v1/NICO/{tail}", value(20))) == NOTHING
    assert decoder.decode(message(f"BMS/v1/MEPAI/{tail}", value(30))) == NOTHING
    assert one(decoder.decode(request))[0] == 30
    for publisher, reason in (("NICO", Reason.PUBLISHER), ("PUB", Reason.TOPIC)):
        found = decoder.decode(message(f"BMS/v1/{publisher}/{tail}", value(25)))
        assert isinstance(found, Reject)
        assert found.reason == reason
    metadata = decoder.decode(message(request.topic.replace("PUB", "MEPAI"), request.payload))
    assert isinstance(metadata, Reject)
    assert metadata.reason == Reason.PUBLISHER
    assert decoder.source(f"cpc/7/BMS/v1/MEPAI/{tail}") == "cpc/7/MEPAI"
    assert decoder.points[0].source == "MEPAI"


def test_clusters_of_a_federation_stay_apart():
    decoder = make("dsx")
    for place, power in (("", 1.0), ("cpc/1/", 2.0), ("cpc/2/", 3.0)):
        assert decoder.decode(Message(place + POWER.topic, POWER.payload, 0)) == NOTHING
        assert one(decoder.decode(message(place + TOPIC, value(power))))[0] == power * 1e3
    assert [p.identity for p in decoder.points] == [f"{x}Rack/RackPower/x" for x in ("", "cpc/1/", "cpc/2/")]
    assert [p.source for p in decoder.points] == ["BMS", "cpc/1/BMS", "cpc/2/BMS"]


WRONG_TOPICS = [
    "BMS/v1/PUB/Value/Rack/RackPower", "BMS/v1/PUB/Value/Rack/RackPower/", "BMS/v1/PUB/Value/Rack/Voltage/x",
    "BMS/v1/PUB/Value/Toaster/Status/x", "BMS/v1/PUB/Values/Rack/RackPower/x", "BMS/v2/PUB/Value/Rack/RackPower/x",
    "XBMS/v1/PUB/Value/Rack/RackPower/x", "bms/v1/PUB/Value/Rack/RackPower/x", "BMS/v1//Value/Rack/RackPower/x",
    "BMS/v1/NICO/Value/Rack/RackPower/x", "BMS/v1/PUB/Value/Rack/RackLeakDetectTray/x", "BMS/v1/", "BMS/v1",
]  # fmt: skip


@pytest.mark.parametrize("topic", WRONG_TOPICS)
def test_topics_that_the_contract_does_not_have_are_refused(topic):
    found = make("dsx").decode(message(topic, value()))
    assert isinstance(found, Reject)
    assert found.reason == Reason.TOPIC


COMMANDS = {
    "BMS/v1/NICO/Value/Rack/RackElectricalIsolationRequest/a/b": True,
    "BMS/v1/NICO/Value/Rack/RackLeakDetectTray/a": True,
    "BMS/v1/MEPAI/Value/System/HeartbeatTimestampIntegration/a": True,
    "BMS/v1/PUB/Value/CDU/LiquidTemperatureSpRequest/a": True,
    "cpc/7/BMS/v1/MEPAI/Value/CDU/GenericPoint/a": True,
    "site/replay/grid/v1/isv/acme/loadtarget/set": True,
    "grid/v1/infra/a/powerbreach/enforcement": True,
    "grid/v1/dsx-flex-agent/a/powerbreach": False,
    "grid/v1/dsx-flex-agent/a/powerstate/status": False,
    "BMS/v1/PUB/Value/Rack/RackPower/MaintenanceRequest": False,
    "BMS/v1/PUB/Metadata/CDU/LiquidTemperatureSpRequest/a": False,  # describes, asks for nothing
    "BMS/v1/PUB/Value/Rack/RackElectricalIsolationStatus/a": False,
}


@pytest.mark.parametrize(("topic", "acted_upon"), COMMANDS.items())
def test_what_a_building_acts_on_is_a_command(topic, acted_upon):
    assert make("dsx").is_command(topic) is acted_upon
    assert make("dsx").is_command(f"lab/{topic}") is acted_upon
