"""What is never sent, and what has to be given before a broker elsewhere hears anything."""

from __future__ import annotations

import time

import pytest

from telemetry.safety import Outgoing, check_prefix, check_target, is_command
from twin.core.errors import InputError

COMMANDS = [
    "BMS/v1/MEPAI/Value/CDU/LiquidTemperatureSpRequest/site1/row3/cdu5",
    "BMS/v1/NICO/Value/Rack/RackLiquidIsolationRequest/a/b",
    "BMS/v1/NICO/Value/Rack/RackElectricalIsolationRequest/a/b",
    "BMS/v1/NICO/Value/System/HeartbeatTimestampIntegration/a",  # a building goes its own way when it stops
    "BMS/v1/PUB/Value/Rack/RackElectricalIsolationRequest/a/b",
    "grid/v1/isv/acme/loadtarget/set",
    "grid/v1/infra/agent-1/powerbreach/enforcement",
    "spBv1.0/plant/NCMD/edge",
    "spBv1.0/plant/DCMD/edge/device/x",
    "spBv1.0/STATE/host",
    "home/pump/set",
    "plant/cmd/pump",
    "devices/7/messages/command/stop",
    "bms/v1/NICO/value/CDU/GenericPoint/a",
    "grid/v2/infra/agent-1/enforcement",
    "grid/v1/infra/a\nb/powerbreach/enforcement",
    "STATE/host",
    "home/pump/set/",
    "home/pump/set/speed",
    "home/shelly/rpc",
    "cmnd/BMS/v1/PUB/Value/Rack/RackPower/a",
    "home/BMS/v1/PUB/lamp/set",
]
TELEMETRY = [
    "BMS/v1/PUB/Value/Rack/RackPower/nvidia/titan/pod1C",
    "BMS/v1/PUB/Metadata/CDU/LiquidTemperatureSpRequest/a/rValue",  # says who may ask, asks for nothing
    "BMS/v1/PUB/Value/Valve/ValvePosition/ahu/valve/command/set",
    "grid/v1/dsx-flex-agent/a/powerstate/status",
    "grid/v1/dsx-flex-agent/a/powerbreach",
    "spBv1.0/plant/NDATA/edge",
    "spBv1.0/plant/DBIRTH/edge/device",
    "plant/pump/setpoint",
    "plant/set/pump/speed",
    "tele/pump/STATE",
]


@pytest.mark.parametrize("topic", COMMANDS)
@pytest.mark.parametrize("prefix", ["", "cpc/7/", "a/b/c/", "/"])
def test_a_command_is_known_behind_any_prefix(topic, prefix):
    assert is_command(prefix + topic)
    assert is_command((prefix + topic).replace("Request", "REQUEST").replace("spBv1.0", "spbv1.0"))


@pytest.mark.parametrize("topic", TELEMETRY)
@pytest.mark.parametrize("prefix", ["", "cpc/7/"])
def test_telemetry_is_no_command(topic, prefix):
    assert not is_command(prefix + topic)


def test_no_topic_takes_long_to_judge():
    began = time.thread_time()
    assert all(is_command(topic) for topic in ("grid/v1/" * 8_000, "/" * 65_000, "x" * 65_000))
    assert not is_command("BMS/v1/PUB/Value/Rack/RackPower/" + "x/" * 100)
    assert not is_command("a/" * 120 + "x" * 1000)
    is_command("grid/v1/" * 63)
    assert time.thread_time() - began < 5.0  # hours, where each level of the longest is looked behind


class Address:
    def __init__(self, loopback: bool) -> None:
        self.loopback = loopback

    def __str__(self) -> str:
        return "mqtt://plant.example:1883"


def told(**given) -> list[str]:
    with pytest.raises(InputError) as error:
        check_target(Address(loopback=False), **given)
    return [problem.path for problem in error.value.problems]


def test_a_broker_elsewhere_needs_the_flag_a_prefix_and_a_yes_and_all_that_lacks_is_told_at_once():
    assert told(allow_remote=False, prefix="", yes=False) == ["allow_remote=True", "prefix=", "yes=True"]
    assert told(allow_remote=True, prefix="", yes=True) == ["prefix="]
    assert told(allow_remote=True, prefix="replay", yes=False) == ["yes=True"]
    assert told(allow_remote=False, prefix="replay", yes=True) == ["allow_remote=True"]
    check_target(Address(loopback=False), allow_remote=True, prefix="replay", yes=True)
    check_target(Address(loopback=True), allow_remote=False, prefix="", yes=False)


@pytest.mark.parametrize(
    "prefix", ["BMS", "bms/x", "grid/x", "cpc/7", "spBv1.0", "a/#", "a/+/b", "$SYS", "a//b", "/", "a\0"]
)
def test_a_prefix_below_which_somebody_listens_is_refused(prefix):
    with pytest.raises(InputError):
        check_prefix(prefix)
    with pytest.raises(InputError):
        check_target(Address(loopback=True), allow_remote=False, prefix=prefix, yes=False)


def test_what_is_about_to_be_sent_is_shown():
    shown = Outgoing("mqtt://h:1", "p", 3, {0: 5, 1: 2}, 1, left_out={"grid/v1/isv/a/loadtarget/set": 4}).lines()
    text = "\n".join(shown)
    for words in (
        "mqtt://h:1",
        "7 on 3 topics",
        "5 at QoS 0, 2 at QoS 1",
        "retained  1",
        "will      none",
        "4 commands",
    ):
        assert words in text
    assert "grid/v1/isv/a/loadtarget/set" in text
