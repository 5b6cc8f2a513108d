"""Values of DSX Exchange: every odd spelling, qualities, units, limits and states."""

from __future__ import annotations

import math
import sys

import pytest

from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import make
from telemetry.message import Message
from tests.telemetry.corpus import CDU, EPOCH_MS, METER, NS, RACK, STATES, described, learnt, message, one, read, value


def raw(text: str) -> bytes:
    """A value's payload with the written ``text`` as its value."""
    return f'{{"value":{text},"timestamp":{EPOCH_MS},"quality":1}}'.encode()


def stamped(text: str) -> bytes:
    """And with the written ``text`` as its time."""
    return f'{{"value":1,"timestamp":{text},"quality":1}}'.encode()


GOOD = raw("1")
REFUSED = {
    **{f"value {text}": (raw(text), Reason.SYNTAX) for text in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999")},
    **{f"value {text}": (raw(text), Reason.TYPE) for text in ('"3"', "true", "{}", "[1]", '"NaN"')},
    **{f"value {text}": (raw(text), Reason.SYNTAX) for text in ("", "03", "+3", "0x10", "1,", ".5", "5.", "{{x}}")},
    "value of 400 digits": (raw("9" * 400), Reason.TYPE),
    "value of 5000 digits": (raw("9" * 5000), Reason.SYNTAX),
    "time of half a ms": (stamped("1743620423000.5"), Reason.TYPE),
    "time as text": (stamped(f'"{EPOCH_MS}"'), Reason.TYPE),
    "time of 10^23": (stamped("1" + "0" * 23), Reason.TIME),
    "time of 1e23": (stamped("1e23"), Reason.TIME),
    "time in s": (stamped("1743620423"), Reason.TIME),
    "time of 12 digits": (stamped("174362042300"), Reason.TIME),
    "time in ns": (stamped(f"{EPOCH_MS}000000"), Reason.TIME),
    "time below 0": (stamped(f"-{EPOCH_MS}"), Reason.TIME),
    "time of 2100": (stamped("4102444800000"), Reason.TIME),
    "placeholder": (stamped("{{timestamp_ms}}"), Reason.SYNTAX),
    **{f"no {key}": ({k: v for k, v in value().items() if k != key}, Reason.KEY) for key in value()},
    "quality as text": (value(quality="1"), Reason.TYPE),
    "quality true": (value(quality=True), Reason.TYPE),
    "quality 0.5": (value(quality=0.5), Reason.TYPE),
    "one key twice": (b'{"value":1,"value":2,"timestamp":1743620423000,"quality":1}', Reason.KEY),
    "time twice": (b'{"value":1,"timestamp":1743620423000,"timestamp":1743620423001,"quality":1}', Reason.KEY),
    "quality twice": (b'{"quality":1,"value":1,"timestamp":1743620423000,"quality":1}', Reason.KEY),
    "shortest key twice": (b'{"value":1,"timestamp":946684800000,"quality":1,"value":2}', Reason.KEY),
    "key twice in words": (b'{"value":1,"v\\u0061lue":2,"timestamp":1743620423000,"quality":1}', Reason.KEY),
    "deep lists": (b"[" * 100_000, Reason.SYNTAX),
    "deep value": (raw("[" * 100_000), Reason.SYNTAX),
    "deep objects": (b'{"value":' * 50_000, Reason.SYNTAX),
    "a mark in front": (b"\xef\xbb\xbf" + GOOD, Reason.SYNTAX),
    "UTF-16": (GOOD.decode().encode("utf-16"), Reason.SYNTAX),
    "lone surrogate": (GOOD[:-1] + b',"\\ud800":1}', Reason.SYNTAX),
    "not UTF-8": (GOOD[:-1] + b',"\xff\xfe":1}', Reason.SYNTAX),
    "nothing": (b"", Reason.SYNTAX),
    "two bytes": (b"\xff\xfe", Reason.SYNTAX),
    "one byte": (b"\x03", Reason.SYNTAX),
    "a byte behind": (GOOD + b"x", Reason.SYNTAX),
    "NUL behind": (GOOD + b"\0", Reason.SYNTAX),
    "comma behind": (GOOD[:-1] + b",}", Reason.SYNTAX),
    "cut": (GOOD[:-1], Reason.SYNTAX),
    "a list": ([1, EPOCH_MS, 1], Reason.SYNTAX),
    "null": (b"null", Reason.SYNTAX),
    "a comment": (GOOD + b"// good", Reason.SYNTAX),
}


@pytest.mark.parametrize(("payload", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_value_is_refused_with_its_reason(payload, reason):
    found = read(payload)
    assert isinstance(found, Reject)
    assert found.reason == reason


TAKEN = {
    "an integer": (raw("3"), 3e3),
    "blanks": (b' {\n"value" : 3.0 , "timestamp":\t1743620423000, "quality" : 1 }\r\n', 3e3),
    "another order": (b'{"quality":1,"timestamp":1743620423000,"value":3}', 3e3),
    "minus zero": (raw("-0.0"), 0.0),
    "time 1743620423000.0": (b'{"value":3,"timestamp":1743620423000.0,"quality":1}', 3e3),
    "time 1.743620423e12": (b'{"value":3,"timestamp":1.743620423e12,"quality":1}', 3e3),
    "quality 1.0": (b'{"value":3,"timestamp":1743620423000,"quality":1.0}', 3e3),
    "escaped key": (b'{"v\\u0061lue":3,"timestamp":1743620423000,"quality":1}', 3e3),
}


@pytest.mark.parametrize(("payload", "watts"), TAKEN.values(), ids=TAKEN.keys())
def test_what_the_schema_takes_is_taken_in_any_spelling(payload, watts):
    found = read(payload)
    assert one(found) == (watts, Quality.GOOD, Flag(0))
    assert isinstance(found, Batch)
    assert found.times_ns == (EPOCH_MS * NS,)


@pytest.mark.parametrize("text", ["-0.0", "0", "1999.9999999999998", "1e-310", "0.1", "2000", "-1"])
def test_the_quick_and_the_slow_way_agree_to_the_last_bit(text):
    quick, kept = read(raw(text)), read(raw(text), retain=True)
    assert repr(one(quick)[:2]) == repr(one(kept)[:2])


def test_an_extra_key_is_kept_and_flagged():
    assert one(read({**value(3), "unit": "kW"})) == (3e3, Quality.GOOD, Flag.EXTRA_KEY)
    assert one(read({**value(3), "unit": "kW"}, retain=True))[2] == Flag.EXTRA_KEY | Flag.RETAINED


@pytest.mark.parametrize("quality", [0, -1, 2, 192, 2**31, -(2**63), 10**30])
def test_any_other_quality_than_1_is_bad_and_keeps_the_value(quality):
    assert one(read(value(3, quality=quality))) == (3e3, Quality.BAD, Flag(0))


@pytest.mark.parametrize("quality", [1, 0])
def test_null_is_no_value_whatever_the_quality_says(quality):
    found, worth, _ = one(read(value(None, quality=quality)))
    assert math.isnan(found)
    assert worth == Quality.NO_VALUE


@pytest.mark.parametrize("text", ["1e308", "-1e308", "9" * 30, "2001", "-2"])
def test_what_is_not_possible_is_kept_finite_and_marked(text):
    found, worth, _ = one(read(raw(text)))
    assert found == pytest.approx(max(min(float(text) * 1e3, sys.float_info.max), -sys.float_info.max))
    assert worth == Quality.OUT_OF_RANGE


@pytest.mark.parametrize("key", ["colour", "scope", "processArea", "phase"])
def test_readings_of_a_point_described_by_a_key_too_much_are_flagged(key):
    other = ["x"] if key == "processArea" else "A"
    strange = described("Rack", "RackPower", engUnit="kW", **RACK, **{key: other})
    assert one(read(value(3), strange)) == (3e3, Quality.GOOD, Flag.EXTRA_KEY)
    assert one(read({**value(None), "x": 1}, strange, retain=True))[1:] == (
        Quality.NO_VALUE, Flag.EXTRA_KEY | Flag.RETAINED,
    )  # fmt: skip


@pytest.mark.parametrize(
    "metadata",
    [
        described("Valve", "ValvePosition", engUnit="%", associateId="E01", **CDU),
        described("Valve", "ValvePosition", engUnit="%", associateId="E01", servesId=["E01"]),
        described("Rack", "RackPower", engUnit="kW", objectId="E01", **RACK),
        described("PowerMeter", "PhaseCurrent", engUnit="A", phase="D", **METER),
        described("CDU", "PumpSpeed", engUnit="RPM", stateText=STATES, **CDU),
        described("PowerMeter", "PowerFactor", engUnit="%", **METER),
        described("CDU", "PumpSpeed", **CDU),
        described("Rack", "RackLeakDetect", stateText=[{"value": 10**400, "text": "x"}], **RACK),
    ],
    ids=[
        "named twice",
        "hung on and serving",
        "a rack's object",
        "a fourth phase",
        "unit and states",
        "unit",
        "none",
        "a state of 400 digits",
    ],
)
def test_metadata_that_contradict_themselves_are_refused(metadata):
    found = make("dsx").decode(metadata)
    assert isinstance(found, Reject)
    assert found.reason == Reason.METADATA


UNITS = [
    (described("Rack", "RackPower", engUnit="kW", **RACK), 47.5, 47_500.0, "W", "rack_power"),
    (described("PowerMeter", "ApparentPower", engUnit="kVA", **METER), 2.0, 2e3, "V A", "meter_apparent_power"),
    (described("PowerMeter", "ActivePower", engUnit="MW", **METER), 2.0, 2e6, "W", "meter_power"),
    (described("PowerMeter", "CurrentLimit", engUnit="%", **METER), 100, 1.0, "1", "meter_current_limit_share"),
    (described("PowerMeter", "PowerFactor", **METER), 0.98, 0.98, "1", "meter_power_factor"),
    (described("Rack", "RackLiquidFlow", engUnit="LPM", **RACK), 60, 1e-3, "m3 s-1", "rack_liquid_volume_flow"),
    (described("CDU", "LiquidFlow", engUnit="GPM", **CDU), 1.0, 6.30902e-5, "m3 s-1", "cdu_liquid_volume_flow"),
    (described("AHU", "AirFlow", engUnit="CFM", **CDU), 1000, 0.4719474, "m3 s-1", "ahu_air_volume_flow"),
    (described("CDU", "LiquidPressure", engUnit="psi", **CDU), 1, 6894.757, "Pa", "cdu_liquid_pressure"),
    (described("CDU", "LiquidDifferentialPressure", engUnit="kPa", **CDU), 90, 9e4, "Pa",
     "cdu_liquid_differential_pressure"),
    (described("Rack", "RackControlValvePosition", engUnit="%", **RACK), 65, 0.65, "1", "rack_control_valve_position"),
    (described("Sensor", "AirRelativeHumidity", engUnit="%RH", **CDU), 35, 0.35, "1", "sensor_air_relative_humidity"),
    (described("CDU", "PumpSpeed", engUnit="RPM", **CDU), 3000, 50, "s-1", "cdu_pump_speed"),
    (described("CDU", "PumpSpeed", engUnit="%", **CDU), 44, 0.44, "1", "cdu_pump_speed_share"),
    (described("CDU", "PumpSpeed", stateText=STATES, **CDU), 1, 1, "1", "cdu_pump_state"),
    (described("Pump", "PumpSpeed", engUnit="Hz", **CDU), 50, 50, "Hz", "pump_speed_frequency"),
    (described("Valve", "ValvePosition", stateText=STATES, associateId="E01"), 1, 1, "1", "valve_state"),
    (described("Sensor", "Sound", engUnit="dB", **CDU), 65, 65, "dB", "sensor_sound"),
    (described("CDU", "LiquidTemperature", engUnit="C", processArea=["Secondary", "Return"], **CDU), 44, 44, "degC",
     "cdu_return_temperature"),
    (described("CDU", "LiquidTemperature", engUnit="C", processArea=["Primary", "Inlet"], **CDU), 14, 14, "degC",
     "cdu_liquid_temperature"),
    (described("HX", "LiquidTemperature", engUnit="C", **CDU), 14, 14, "degC", "exchanger_liquid_temperature"),
    (described("UPS", "GenericPoint", engUnit="kWh", processArea=["Battery"], **CDU), 1, 3.6e6, "J",
     "ups_generic_energy"),
    (described("UPS", "GenericPoint", processArea=["Tap"], **CDU), 3, 3, "1", "ups_generic_count"),
    (described("UPS", "GenericPoint", engUnit="F", processArea=["Tap"], **CDU), 212, 100, "degC",
     "ups_generic_temperature"),
]  # fmt: skip


@pytest.mark.parametrize(("metadata", "written", "si", "units", "name"), UNITS, ids=[row[-1] for row in UNITS])
def test_units_become_those_of_the_model(metadata, written, si, units, name):
    found, worth, _ = one(read(value(written), metadata))
    assert found == pytest.approx(si, rel=1e-6)
    assert worth == Quality.GOOD
    point = learnt(metadata)
    assert (point.units, point.variable) == (units, name)
    assert point.low <= found <= point.high


@pytest.mark.parametrize(
    "metadata",
    [
        described("CDU", "LiquidFlow", engUnit="furlong", **CDU),
        described("CDU", "LiquidFlow", engUnit="lPM", **CDU),
        described("CDU", "LiquidFlow", engUnit="kW", **CDU),
        described("CDU", "LiquidTemperature", engUnit="F", **CDU),
        described("UPS", "GenericPoint", engUnit="bananas", processArea=["x"], **CDU),
    ],
    ids=["unknown", "wrong case", "another quantity", "not the one of the contract", "generic"],
)
def test_a_point_in_a_unit_that_is_not_known_is_refused_with_all_its_values(metadata):
    decoder = make("dsx")
    for said in (metadata, message(metadata.topic.replace("/Metadata/", "/Value/"), value(3))):
        found = decoder.decode(said)
        assert isinstance(found, Reject)
        assert found.reason == Reason.UNIT
    assert len(decoder.points) == 0


@pytest.mark.parametrize("place", ["", "cpc/7/"])
def test_a_change_of_unit_changes_the_readings_and_one_to_an_unknown_unit_ends_them(place):
    def flow(unit: str) -> Message:
        said = described("CDU", "LiquidFlow", "x", engUnit=unit, **CDU)
        return Message(place + said.topic, said.payload, 0)

    decoder, topic = make("dsx"), f"{place}BMS/v1/PUB/Value/CDU/LiquidFlow/x"
    for unit, expected in (("LPM", 1e-3), ("L/s", 0.06), ("LPM", 1e-3)):
        assert decoder.decode(flow(unit)) == NOTHING
        assert one(decoder.decode(message(topic, value(60))))[0] == pytest.approx(expected)
    assert isinstance(decoder.decode(flow("firkin")), Reject)
    assert isinstance(decoder.decode(message(topic, value(60))), Reject)
    assert decoder.decode(flow("LPM")) == NOTHING
    assert isinstance(decoder.decode(message(topic, value(60))), Batch)
    # Metadata that make no sense at all leave what was known in force.
    nameless = described("CDU", "LiquidFlow", "x", engUnit="LPM")
    assert isinstance(decoder.decode(Message(place + nameless.topic, nameless.payload, 0)), Reject)
    assert isinstance(decoder.decode(message(topic, value(60))), Batch)
    assert len(decoder.points) == 1


@pytest.mark.parametrize(("written", "worth"), [(0, Quality.GOOD), (1.0, Quality.GOOD), (2, Quality.OUT_OF_RANGE),
                                                (0.5, Quality.OUT_OF_RANGE), (-1, Quality.OUT_OF_RANGE)])  # fmt: skip
def test_states_are_those_of_their_text(written, worth):
    leak = described("Rack", "RackLeakDetect", stateText=STATES, **RACK)
    assert one(read(value(written), leak))[:2] == (written, worth)
    assert learnt(leak).states == ((0, "NoLeak"), (1, "Leak"))
