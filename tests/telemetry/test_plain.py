"""Plain JSON by a mapping file: what is read, what is no value, what is refused; faults of a mapping at their line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import Decoder, make
from telemetry.plain.schema import NAME, schema_text
from tests.telemetry.corpus import EPOCH_MS, NS, message, one
from twin.core.errors import InputError
from twin.site.shipped import shipped

ROOT = Path(__file__).resolve().parents[2]
HEAD = "format: 1\ntitle: test\nrules:\n"


@pytest.fixture
def mapped(tmp_path: Path):
    """Makes a decoder of the text of rules."""

    def of(rules: str, **options: str) -> Decoder:
        file = tmp_path / "mapping.yaml"
        file.write_text(HEAD + rules)
        return make("plain", {"mapping": str(file), **options})

    return of


ONE = """
  - topic: "a/{rack}"
    readings: [{field: v, variable: rack_power, unit: kW, item: "{rack}"}]
"""
STATE = """
  - topic: "a/{rack}"
    readings: [{field: v, variable: rack_door_state, states: {closed: 0, open: 1}}]
"""


@pytest.mark.parametrize("written", [41.2, "41.2", " 41.2 ", "+4.12e1", "41.20"])
def test_a_number_is_one_written_as_text_too(mapped, written):
    decoder = mapped(ONE)
    assert one(decoder.decode(message("a/r1", {"v": written}))) == (41_200.0, Quality.GOOD, Flag.NO_TIME)
    point = decoder.points[0]
    assert (point.identity, point.item, point.variable, point.units, point.source) == (
        "a/r1:v", "r1", "rack_power", "W", "a",
    )  # fmt: skip


BLANKS = ["null", '""', '"NaN"', '"nan"', '"N/A"', "NaN", "Infinity", "-Infinity", '"1e999"', "1e999",
          "9223372036854775794", "9223372036854775792", "9.3e18", "9" * 400, '"-inf"']  # fmt: skip


@pytest.mark.parametrize("text", BLANKS)
def test_what_gateways_write_for_no_value_is_none(mapped, text):
    found = mapped(ONE).decode(message("a/r1", f'{{"v": {text}, "w": NaN}}'.encode()))
    value, quality, _ = one(found)
    assert math.isnan(value)
    assert quality == Quality.NO_VALUE


def test_the_marker_of_blanks_can_be_another(mapped):
    decoder = mapped(ONE.replace("unit: kW", "unit: kW, blank_from: 2147483632"))
    assert one(decoder.decode(message("a/r1", {"v": 2147483632})))[1] == Quality.NO_VALUE
    assert one(decoder.decode(message("a/r1", {"v": 21})))[1] == Quality.GOOD


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"v": {}}', Reason.TYPE), ('{"v": [1]}', Reason.TYPE), ('{"v": true}', Reason.TYPE),
        ('{"v": "warm"}', Reason.TYPE), ('{"v": "0x10"}', Reason.TYPE), ('{"v": -' + "9" * 400 + "}", Reason.TYPE),
        ('{"w": 1}', Reason.KEY), ("5", Reason.KEY), ("[]", Reason.KEY), ('{"v": 1, "v": 2}', Reason.KEY),
        ('{"v": 1', Reason.SYNTAX), ("", Reason.SYNTAX), ('\ufeff{"v": 1}', Reason.SYNTAX),
        ("[" * 100_000, Reason.SYNTAX), ('{"v": NaN' + "[" * 100_000, Reason.SYNTAX),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_no_number_is_refused(mapped, text, reason):
    found = mapped(ONE).decode(message("a/r1", text.encode()))
    assert isinstance(found, Reject)
    assert found.reason == reason


@pytest.mark.parametrize(("unit", "written", "ns"), [
    ("s", EPOCH_MS // 1000, EPOCH_MS * NS), ("s", EPOCH_MS / 1000 + 0.25, EPOCH_MS * NS + 250_000_000),
    ("ms", EPOCH_MS, EPOCH_MS * NS), ("ms", str(EPOCH_MS), EPOCH_MS * NS), ("ms", EPOCH_MS + 0.0, EPOCH_MS * NS),
    ("us", EPOCH_MS * 1000, EPOCH_MS * NS), ("ns", EPOCH_MS * NS + 7, EPOCH_MS * NS + 7),
    ("iso8601", "2025-04-02T19:00:23Z", EPOCH_MS * NS), ("iso8601", "2025-04-02T19:00:23", EPOCH_MS * NS),
    ("iso8601", "2025-04-02T21:00:23.25+02:00", EPOCH_MS * NS + 250_000_000),
])  # fmt: skip
def test_source_times_in_any_unit(mapped, unit, written, ns):
    decoder = mapped(ONE.replace("    readings", f"    time_field: t.at\n    time_unit: {unit}\n    readings"))
    found = decoder.decode(message("a/r1", {"v": 1, "t": {"at": written}}))
    assert isinstance(found, Batch)
    assert abs(found.times_ns[0] - ns) <= (0 if isinstance(written, int | str) else 500)
    assert list(found.flags) == [0]


@pytest.mark.parametrize(("unit", "written"), [
    ("s", EPOCH_MS), ("ms", EPOCH_MS // 1000), ("ns", EPOCH_MS), ("s", -1), ("s", True), ("s", {}), ("s", "noon"),
    ("s", 1e300), ("s", 10**40), ("s", "1" * 40), ("iso8601", "yesterday"), ("iso8601", 5), ("iso8601", "1999-01-01"),
    ("iso8601", "2100-01-01T00:00:00Z"), ("iso8601", "0001-01-01T00:00:00+14:00"),
])  # fmt: skip
def test_a_time_that_is_none_is_refused(mapped, unit, written):
    decoder = mapped(ONE.replace("    readings", f"    time_field: at\n    time_unit: {unit}\n    readings"))
    found = decoder.decode(message("a/r1", {"v": 1, "at": written}))
    assert isinstance(found, Reject)
    assert found.reason == Reason.TIME


@pytest.mark.parametrize("payload", [{"v": 1}, {"v": 1, "at": None}])
def test_without_a_time_that_of_the_receipt_stands_in_and_says_so(mapped, payload):
    decoder = mapped(ONE.replace("    readings", "    time_field: at\n    time_unit: s\n    readings"))
    found = decoder.decode(message("a/r1", payload, 7))
    assert isinstance(found, Batch)
    assert (list(found.times_ns), list(found.flags)) == ([(EPOCH_MS + 7) * NS], [Flag.NO_TIME])


@pytest.mark.parametrize(
    ("said", "quality"),
    [
        (192, Quality.GOOD), ("Good", Quality.GOOD), (True, Quality.BAD), (1, Quality.BAD), (None, Quality.BAD),
        ("good", Quality.BAD),
    ],
)  # fmt: skip
def test_only_what_the_quality_field_calls_good_is(mapped, said, quality):
    rule = '    quality_field: q\n    quality_good: [192, "Good"]\n    readings'
    decoder = mapped(ONE.replace("    readings", rule))
    assert one(decoder.decode(message("a/r1", {"v": 1, "q": said})))[:2] == (1e3, quality)
    assert one(decoder.decode(message("a/r1", {"v": 1})))[1] == Quality.BAD
    assert one(decoder.decode(message("a/r1", {"v": None, "q": said})))[1] == Quality.NO_VALUE


def test_true_is_not_1_and_1_is_not_true(mapped):
    for good, other in (("[1]", True), ("[true]", 1)):
        rule = f"    quality_field: q\n    quality_good: {good}\n    readings"
        decoder = mapped(ONE.replace("    readings", rule))
        assert one(decoder.decode(message("a/r1", {"v": 1, "q": other})))[1] == Quality.BAD


@pytest.mark.parametrize(("said", "value", "quality"), [("open", 1.0, Quality.GOOD), (0, 0.0, Quality.GOOD),
                                                        (True, 1.0, Quality.GOOD), (2, 2.0, Quality.OUT_OF_RANGE),
                                                        ("1", 1.0, Quality.GOOD)])  # fmt: skip
def test_states_come_as_text_or_number(mapped, said, value, quality):
    decoder = mapped(STATE)
    assert one(decoder.decode(message("a/r1", {"v": said})))[:2] == (value, quality)
    assert decoder.points[0].states == ((0, "closed"), (1, "open"))


@pytest.mark.parametrize(
    ("written", "quality"),
    [(39, Quality.GOOD), (41, Quality.OUT_OF_RANGE), (-1, Quality.OUT_OF_RANGE), (1e18, Quality.OUT_OF_RANGE)],
)
def test_limits_are_in_the_unit_of_the_source(mapped, written, quality):
    decoder = mapped(ONE.replace("unit: kW", "unit: kW, low: 0, high: 40"))
    value, worth, _ = one(decoder.decode(message("a/r1", {"v": written})))
    assert (worth, math.isfinite(value)) == (quality, True)


def test_a_bare_number_and_paths_through_lists_are_read(mapped):
    decoder = mapped("""
  - topic: "bare/#"
    readings: [{variable: rack_power, unit: W}]
  - topic: "deep"
    readings: [{field: ["a.b", 1, c], variable: rack_power, unit: W}]
""")
    assert one(decoder.decode(message("bare/x/y", b"236.5")))[0] == 236.5
    assert one(decoder.decode(message("deep", {"a.b": [0, {"c": 7}]})))[0] == 7.0
    assert isinstance(decoder.decode(message("deep", {"a.b": [0]})), Reject)


def test_a_redfish_report_and_gpu_metrics_by_the_shipped_example():
    decoder = make("plain", {"mapping": "gateway"})
    report = {"MetricValues": [
        {"MetricId": "ExhaustTemp", "MetricValue": "44.5", "Timestamp": "2026-01-05T10:00:00Z"},
        {"MetricId": "Unmapped", "MetricValue": "on", "Timestamp": "2026-01-05T10:00:00Z"},
        {"MetricId": "PowerConsumedWatts", "MetricValue": "236.0", "Timestamp": "2026-01-05T10:00:01Z"},
    ]}  # fmt: skip
    found = decoder.decode(message("redfish/c1/MetricReport", report))
    assert isinstance(found, Batch)
    assert [(decoder.points[i].variable, v) for i, v in zip(found.points, found.values, strict=True)] == [
        ("chassis_outlet_air_temperature", 44.5), ("chassis_power", 236.0),
    ]  # fmt: skip
    assert found.times_ns[1] - found.times_ns[0] == 10**9
    assert decoder.decode(message("redfish/c1/MetricReport", {"MetricValues": []})) == NOTHING
    for wrong, reason in ({}, Reason.KEY), ({"MetricValues": 3}, Reason.TYPE):
        refused = decoder.decode(message("redfish/c1/MetricReport", wrong))
        assert isinstance(refused, Reject)
        assert refused.reason == reason
    gpus = [{"gpu": f"GPU-{n}", "DCGM_FI_DEV_POWER_USAGE": 600 + n} for n in range(3)]
    decoder.decode(message("dcgm/n1", {"time_s": EPOCH_MS / 1e3, "gpus": gpus}))
    assert [p.item for p in decoder.points if p.variable == "gpu_power"] == ["GPU-0", "GPU-1", "GPU-2"]
    for name in ("", "x" * 200, "a\nb", None, 1.5):
        bad = decoder.decode(message("dcgm/n1", {"gpus": [{"gpu": name, "DCGM_FI_DEV_POWER_USAGE": 1}]}))
        assert isinstance(bad, Reject)
        assert bad.reason == Reason.TYPE


def test_a_reading_that_cannot_be_read_has_no_value_and_the_others_of_its_message_stand(mapped):
    decoder = mapped(ONE.replace("    readings", "    each: l\n    time_field: at\n    time_unit: ms\n    readings"))
    good = {"v": 300, "at": EPOCH_MS}
    for bad in {"v": "Unavailable", "at": EPOCH_MS + 1}, {"v": 300, "at": 0}:
        found = decoder.decode(message("a/r1", {"l": [bad, good]}))
        assert isinstance(found, Batch)
        assert list(found.qualities) == [Quality.GOOD, Quality.NO_VALUE]
        assert list(map(math.isnan, found.values)) == [False, True]
        assert found.times_ns[1] == (EPOCH_MS + 1 if bad["at"] else EPOCH_MS) * NS
        alone = decoder.decode(message("a/r1", {"l": [bad]}))
        assert isinstance(alone, Reject)


def test_a_message_holds_at_most_ten_thousand_readings(mapped):
    decoder = mapped(ONE.replace("    readings", "    each: l\n    readings"))
    found = decoder.decode(message("a/r1", {"l": [{"v": 1}] * 10_000}))
    assert isinstance(found, Batch)
    assert len(found.points) == 10_000
    refused = decoder.decode(message("a/r1", {"l": [{"v": 1}] * 10_001}))
    assert isinstance(refused, Reject)
    assert refused.reason == Reason.SIZE


FAULTS = {
    "an unknown key": (ONE.replace("unit:", "unti:"), 'unknown key "unti"; did you mean "unit"?', 6),
    "an unknown unit": (ONE.replace("kW", "kw"), 'unknown unit "kw"; did you mean "kW"?', 6),
    "no unit": (ONE.replace(", unit: kW", ""), "expected either a unit (1 for none) or states", 6),
    "another quantity": (ONE.replace("kW", "C"), '"rack_power" of the model is in W, "C" leads to degC', 6),
    "a flow by volume": (
        ONE.replace("kW", "L/min").replace("rack_power", "cdu_flow"),
        '"cdu_flow" of the model is in kg s-1, "L/min" leads to m3 s-1; by volume it is "cdu_liquid_volume_flow" with '
        "the qualifier secondary", 6,
    ),
    "a name not captured": (ONE.replace('"{rack}"}', '"{rak}"}'), 'captures no "rak"; did you mean "rack"?', 6),
    "a wildcard inside": (ONE.replace("a/{rack}", "a/#/{rack}"), "# stands at the end only", 5),
    "half a wildcard": (ONE.replace("a/{rack}", "a/{rack}/b+"), "+ and # stand alone", 5),
    "a name twice": (ONE.replace("a/{rack}", "{rack}/{rack}"), "captures one name twice", 5),
    "an open brace": (ONE.replace("a/{rack}", "a/{Rack"), "expected names in braces", 5),
    "a topic too deep": (ONE.replace("a/{rack}", "{rack}" + "/a" * 40), "32 levels", 5),
    "a time without unit": (ONE.replace("    readings", "    time_field: t\n    readings"), "go together", 5),
    "a quality without good": (ONE.replace("    readings", "    quality_field: t\n    readings"), "go together", 5),
    "a strange name": (ONE.replace("rack_power", "Rack Power"), "variable", 6),
    "low above high": (ONE.replace("unit: kW", "unit: kW, low: 2, high: 1"), "low is above high", 6),
    "one field twice": (ONE.replace("[{", "[{field: v, variable: x, unit: W}, {"), "reads the same field", 6),
    "no readings": ('  - {topic: a, readings: []}', "readings", 4),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "says", "line"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_of_a_mapping_is_told_at_its_line(mapped, rules, says, line):
    with pytest.raises(InputError) as raised:
        mapped(rules)
    assert says in str(raised.value)
    assert line in [problem.line for problem in raised.value.problems]


def test_all_faults_of_a_mapping_are_told_at_once(mapped):
    rules = ONE.replace("unit:", "unti:") + ONE.replace("kW", "kw") + ONE.replace("a/{rack}", "#/{rack}")
    with pytest.raises(InputError) as raised:
        mapped(rules)
    assert len(raised.value.problems) == 3
    assert [problem.line for problem in raised.value.problems] == sorted(p.line or 0 for p in raised.value.problems)


@pytest.mark.parametrize("options", [{}, {"mapping": "gatewy"}, {"mapping": "/nowhere/x.yaml"}, {"mapping": "\0"},
                                     {"mapping": "gateway", "mappings": "x"}])  # fmt: skip
def test_a_mapping_has_to_be_given(options):
    with pytest.raises(InputError):
        make("plain", options)


def test_every_shipped_mapping_is_valid():
    names = list(shipped(".yaml", "mappings"))
    assert "gateway" in names
    for name in names:
        assert make("plain", {"mapping": name}).subscriptions()


def test_the_shipped_schema_is_that_of_the_model():
    assert (ROOT / "sites" / NAME).read_text() == schema_text()
    assert "ReadingItem" in json.loads(schema_text())["definitions"]
