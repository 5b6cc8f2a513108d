"""Line protocol: what others write is read back, what the grammar says is kept, a bad line costs no other."""

from __future__ import annotations

import math
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point as TheirPoint

from telemetry.address import ANONYMOUS, parse_address
from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.brokers import start
from telemetry.clock import ReplayClock
from telemetry.decode import make
from telemetry.decode.influx import MANY, Decoder
from telemetry.dialect import spoken
from telemetry.influx.lines import Line, lines, name, series, value
from telemetry.ingest.run import Run
from telemetry.live.source import Listening
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from tests.telemetry.corpus import EPOCH_MS, NS, message
from tests.telemetry.linked import subscribed
from tests.telemetry.test_dialects import sound
from tests.telemetry.until import until
from twin.core.errors import InputError

NOW = EPOCH_MS * NS
HEAD = "format: 1\ntitle: test\nrules:\n"
# No backslash at an end and before what would be escaped: their writer leaves these ambiguous (a\ -> a\ and a blank).
WORD = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\\"), min_size=1, max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1) | st.booleans()
TEXTS = st.text(max_size=20)


def read(text: str, topic: str = "telegraf/h1", **options: str) -> Batch | Reject:
    return make("influx", options).decode(message(topic, text.encode()))


def told(text: str, topic: str = "telegraf/h1", **options: str) -> dict[str, float]:
    """Values by identity behind the topic."""
    decoder = make("influx", options)
    found = decoder.decode(message(topic, text.encode()))
    assert isinstance(found, Batch), found
    names = [decoder.points[int(point)].identity.removeprefix(f"{topic}:") for point in found.points]
    return dict(zip(names, found.values, strict=True))


@settings(max_examples=100, deadline=None)
@given(
    measurement=WORD.filter(lambda word: not word.startswith("#")),
    tags=st.dictionaries(WORD, WORD, max_size=4),
    fields=st.dictionaries(WORD, NUMBERS | TEXTS, min_size=1, max_size=5),
    at=st.none() | st.integers(946_684_800 * 10**9, 4_102_444_799 * 10**9),
)
def test_what_the_client_of_influxdb_writes_is_read_back(measurement, tags, fields, at):
    theirs = TheirPoint(measurement)
    for key, text in tags.items():
        theirs.tag(key, text)
    for key, number in fields.items():
        theirs.field(key, number)
    written = theirs.time(at).to_line_protocol()
    [line, *more] = lines(written)
    assert line is not None
    assert not more
    found = series(line.series)
    assert not isinstance(found, str), found
    assert (found.measurement, found.tags) == (measurement, tags)
    assert {name(key): value(*rest) for key, *rest in line.fields} == {
        key: float(one) if type(one) is int else one for key, one in fields.items()
    }
    assert line.stamp == ("" if at is None else str(at))
    numbers = [float(one) for one in fields.values() if not isinstance(one, str)]
    batch = read(f"{written}\n{written}")
    assert isinstance(batch, Batch)
    assert sorted(batch.values) == sorted(numbers * 2)
    assert set(batch.times_ns) <= {NOW if at is None else at}
    assert set(batch.flags) <= {Flag.NO_TIME if at is None else 0}


GRAMMAR = [
    ("weather,location=us-midwest temperature=82 1465839830100400200", {"temperature": 82.0}),
    ("weather temperature=82,humidity=71i,dry=T", {"temperature": 82.0, "humidity": 71.0, "dry": True}),
    (r'weather temperature="too warm, \"hot\" = bad \\ \x"', {"temperature": r'too warm, "hot" = bad \ \x'}),
    ('m a="line one\nline two",b=2', {"a": "line one\nline two", "b": 2.0}),
    (r"m temp\=rature=1,wind\,speed=2,a\ b=3", {"temp=rature": 1.0, "wind,speed": 2.0, "a b": 3.0}),
    (
        "m a=-1.5e-3,b=+2,c=1.e3,d=.5,e=18446744073709551615u",
        {"a": -0.0015, "b": 2.0, "c": 1e3, "d": 0.5, "e": 2.0**64},
    ),
    ("m a=f,b=FALSE,c=False,d=t,e=TRUE", {"a": False, "b": False, "c": False, "d": True, "e": True}),
    ('m "quoted"="x"', {'"quoted"': "x"}),
    ("  m   a=1   1465839830100400200  \r\n", {"a": 1.0}),
    (r"m back\slash=1", {r"back\slash": 1.0}),
    ("m naïve=1", {"naïve": 1.0}),
]


@pytest.mark.parametrize(("text", "fields"), GRAMMAR, ids=range(len(GRAMMAR)))
def test_what_the_grammar_allows_is_read(text, fields):
    [line] = lines(text)
    assert isinstance(line, Line)
    assert {name(key): value(*rest) for key, *rest in line.fields} == fields


NAMES = [
    (r"wea\,ther,loc\ ation=us\ mid\=west", "wea,ther", {"loc ation": "us mid=west"}),
    (r"my\ m,a=b\c,d=é", "my m", {"a": r"b\c", "d": "é"}),
    (r"m=n,a=\,", "m=n", {"a": ","}),
    (r'"m",t="x"', '"m"', {"t": '"x"'}),
]


@pytest.mark.parametrize(("written", "measurement", "tags"), NAMES)
def test_escapes_in_names_are_undone(written, measurement, tags):
    found = series(written)
    assert not isinstance(found, str)
    assert (found.measurement, found.tags) == (measurement, tags)


def test_the_order_of_tags_makes_no_other_series():
    assert told("m,b=2,a=1 x=1\nm,a=1,b=2 x=5") == {"m,a=1,b=2 x": 5.0}


BAD = {
    "m": Reason.SYNTAX,
    "m ": Reason.SYNTAX,
    "m x=": Reason.SYNTAX,
    "m x": Reason.SYNTAX,
    " x=1,": Reason.SYNTAX,
    "m x=1 y=2": Reason.SYNTAX,
    "m x=1 17e8": Reason.SYNTAX,
    'm x="open': Reason.SYNTAX,
    'm x="a"b': Reason.SYNTAX,
    "m,a x=1": Reason.SYNTAX,
    "m,a= x=1": Reason.SYNTAX,
    "m,a=1,a=2 x=1": Reason.SYNTAX,
    ",a=1 x=1": Reason.SYNTAX,
    "m x=1 12345": Reason.TIME,
    "m x=1 -5": Reason.TIME,
    "m x=NaN": Reason.TYPE,
    "m x=1e999": Reason.TYPE,
    "m x=1.5i": Reason.TYPE,
    "m x=-1u": Reason.TYPE,
    "m x=9223372036854775808i": Reason.TYPE,
    "m x=yes": Reason.TYPE,
    'm x=1"': Reason.TYPE,
    'm x=1"y=5': Reason.TYPE,
    "m x=0x10": Reason.TYPE,
    "m x=1_0": Reason.TYPE,
    "": Reason.SYNTAX,
    "# only a comment\n\n": Reason.SYNTAX,
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_line_is_refused_for_a_reason(text):
    found = read(text)
    assert isinstance(found, Reject)
    assert found.reason == BAD[text]


def test_a_bad_line_costs_no_other_and_is_counted():
    pipeline = Pipeline(make("influx"), ReplayClock(NOW, None))
    text = "a x=1\nnonsense\nb x=NaN\n# c x=1\nmore nonsense\nc x=3\n"
    pipeline.take([message("telegraf/h1", text.encode()), message("telegraf/h1", b"nonsense", 1)])
    counts = pipeline.state.counts
    assert (counts.applied, counts.parts, counts.rejects) == (2, {"syntax": 2, "type": 1}, {"syntax": 1})
    assert [sample.detail for sample in counts.samples["part: type"]] == ["x is no value"]
    assert counts.told()["parts"] == {"syntax": 2, "type": 1}


def test_many_lines_come_as_columns_and_leave_the_same_state():
    text = "".join(f'rack,rack=r{n} power={n}.5,state="on" {NOW + n}\n' for n in range(MANY + 5))
    many, few = (Pipeline(make("influx"), ReplayClock(NOW, None)) for _ in range(2))
    many.take([message("telegraf/h1", text.encode(), 1)])
    few.take([message("telegraf/h1", line.encode(), 1) for line in text.splitlines()])
    assert many.state.digest() == few.state.digest()
    assert many.state.counts.applied == MANY + 5


@pytest.mark.parametrize(("precision", "per"), [("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)])
def test_times_have_the_precision_that_is_given(precision, per):
    found = read(f"m x=1 {NOW // per}", precision=precision)
    assert isinstance(found, Batch)
    assert found.times_ns == (NOW // per * per,)


def test_without_a_time_the_receipt_stands_in():
    found = read("m x=1")
    assert isinstance(found, Batch)
    assert (found.times_ns, found.flags) == ((NOW,), (int(Flag.NO_TIME),))


def test_without_a_mapping_a_number_has_no_unit_and_never_a_name_of_the_model():
    decoder = make("influx")
    decoder.decode(message("telegraf/h1", b'rack,rack=r7,feed=A power=1,Temp\\ C=2,why="x"\n9_load,host=h value=1'))
    assert [(p.variable, p.item, p.units, p.qualifier, p.source) for p in decoder.points] == [
        ("rack_power_as_sent", "r7", "1", ("feed=A",), "telegraf/h1"),
        ("rack_temp_c", "r7", "1", ("feed=A",), "telegraf/h1"),
        ("x_9_load", "h", "1", (), "telegraf/h1"),
    ]


def test_a_field_that_was_text_and_becomes_a_number_is_heard_from_then_on_and_back():
    decoder = make("influx")
    found = [decoder.decode(message("telegraf/h1", text)) for text in (b'm x="a"', b"m x=1", b'm x="a"')]
    assert [(list(f.values), list(f.qualities)) for f in found[:2] if isinstance(f, Batch)] == [([], []), ([1.0], [0])]
    assert found[0] == NOTHING
    assert isinstance(found[2], Batch)
    assert math.isnan(found[2].values[0])
    assert list(found[2].qualities) == [Quality.NO_VALUE]


RULES = """
  - topic: "telegraf/{site}/#"
    source: "pdu-{site}"
    readings:
      - {where: {measurement: pdu, feed: A}, field: kw, variable: rack_power, unit: kW, item: "{site}/{rack}"}
      - {where: {measurement: pdu}, field: door, variable: rack_door_state, states: {closed: 0, open: 1},
         item_field: rack}
      - {where: {measurement: pdu}, field: t.in, variable: rack_inlet_temperature, unit: F, qualifier: ["{feed}"]}
"""


@pytest.fixture
def mapped(tmp_path: Path) -> str:
    file = tmp_path / "mapping.yaml"
    file.write_text(HEAD + RULES)
    return str(file)


def test_a_mapping_gives_fields_their_names_units_and_items(mapped):
    decoder = make("influx", {"mapping": mapped, "prefix": "lab"})
    text = 'pdu,rack=r7,feed=A kw=41.5,door="open",t.in=68,x=1\npdu,rack=r7,feed=B kw=40,door="ajar"\nother kw=1'
    found = decoder.decode(message("lab/telegraf/h1/pdu", text.encode()))
    assert isinstance(found, Batch)
    assert found.values[:4] == (41_500.0, 1.0, pytest.approx(20.0), pytest.approx(math.nan, nan_ok=True))
    assert list(found.qualities) == [Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.NO_VALUE]
    assert [(p.variable, p.item, p.units, p.source, p.qualifier) for p in decoder.points] == [
        ("rack_power", "h1/r7", "W", "pdu-h1", ()),
        ("rack_door_state", "r7", "1", "pdu-h1", ()),
        ("rack_inlet_temperature", "", "degC", "pdu-h1", ("A",)),
        ("rack_door_state", "r7", "1", "pdu-h1", ()),
    ]
    assert decoder.subscriptions() == [("lab/telegraf/+/#", 1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pdu,feed=A kw=1", Reason.KEY),
        ("pdu,rack=r,feed=A kw=t", Reason.TYPE),
        ("pdu,rack=r,feed=A kw=1e400", Reason.TYPE),
    ],
)
def test_a_line_that_a_rule_cannot_use_is_refused(mapped, line, reason):
    found = read(line, "telegraf/h1/pdu", mapping=mapped)
    assert isinstance(found, Reject)
    assert found.reason == reason


def test_values_that_cannot_be_are_marked_and_blank_markers_are_none(mapped):
    found = read("pdu,rack=r,feed=A kw=9e9\npdu,rack=r,feed=A kw=9223372036854775794i", "telegraf/h1/p", mapping=mapped)
    assert isinstance(found, Batch)
    assert list(found.qualities) == [Quality.OUT_OF_RANGE, Quality.NO_VALUE]


@pytest.mark.parametrize(
    "options", [{"precision": "m"}, {"topic": "a/#/b"}, {"topic": ""}, {"topics": "x"}, {"mapping": "nowhere"},
                {"mapping": "gateway"}, {"mapping": "telegraf", "topic": "x/#"}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InputError):
        make("influx", options)


def test_a_topic_of_ones_own_is_listened_to_and_no_other():
    decoder = make("influx", {"topic": "plant/+/lines"})
    assert decoder.subscriptions() == [("plant/+/lines", 1)]
    assert isinstance(decoder.decode(message("plant/a/lines", b"m x=1")), Batch)
    found = decoder.decode(message("telegraf/a", b"m x=1"))
    assert isinstance(found, Reject)
    assert found.reason == Reason.TOPIC
    assert (decoder.source("plant/a/lines"), decoder.source("telegraf/a")) == ("plant/a", "")


PIECES = st.lists(
    st.sampled_from([*' ,=\\"#\n\r\ti1.e-T', "m", "x=1", " 1743620423000000000\n", '="', "é"]) | st.text(max_size=2),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(PIECES, st.sampled_from([{}, {"mapping": "telegraf"}]))
def test_whatever_comes_is_read_or_refused_and_lines_cover_the_text(text, options):
    decoder = make("influx", options)
    found = decoder.decode(message("telegraf/h1", text.encode()))
    sound(decoder, found)
    assert not (isinstance(found, Reject) and found.reason == Reason.INTERNAL)
    whole = len([line for line in lines(text) if line is not None])
    assert whole <= text.count("=")


@pytest.mark.parametrize("piece", ['m x="', "m x=1,", "\\ ", "m,a=", '"\n', "m x=1 1\n", "#", '\\"'])
def test_a_hostile_payload_takes_no_longer_than_its_length(piece):
    begin = time.process_time()
    found = read((piece * (1 << 18))[: 1 << 18])
    assert isinstance(found, Batch | Reject)
    assert time.process_time() - begin < 5.0  # with the square of its length it would be an hour


def test_fields_that_nobody_asks_for_are_forgotten(monkeypatch, tmp_path):
    monkeypatch.setattr("telemetry.decode.influx.MAX_SERIES", 100)
    (tmp_path / "map.yaml").write_text(
        f"{HEAD}- topic: telegraf/+\n  readings:\n  - {{field: x, variable: v, unit: kW}}\n"
    )
    decoder = make("influx", {"mapping": str(tmp_path / "map.yaml")})
    for n in range(250):
        sound(decoder, decoder.decode(message("telegraf/h1", f"m x=1,y{n}=1".encode())))
    assert isinstance(decoder, Decoder)
    assert sum(len(slots) for route in decoder._routes.known.values() for _, slots in route.slots.values()) <= 100
    assert len(decoder.points) == 1


def test_a_line_of_mosquitto_pub_reaches_the_state(tmp_path):
    with start("mosquitto", tmp_path / "broker") as broker:
        asked = {"topic": "telegraf/#", "precision": "ms"}
        listening = Listening(
            parse_address(broker.address), ANONYMOUS, make("influx", asked), "influx", (), tmp_path / "recording", asked
        )
        run, stop = Run(listening.recorded(), lambda words: None), threading.Event()
        thread = threading.Thread(target=run.go, args=(stop, None, lambda run: None))
        thread.start()
        try:
            assert subscribed(run.ingest.listener)
            command = ["mosquitto_pub", "-p", str(broker.port), "-t", "telegraf/h1/rack", "-q", "1", "-s"]
            subprocess.run(command, input=b"rack,rack=r7 power_kw=41.5\nbroken\n", check=True, timeout=30)
            assert until(lambda: run.ingest.messages == 1)
        finally:
            stop.set()
            thread.join()
    assert run.told()["state"]["parts"] == {"syntax": 1}
    assert run.pipeline.state.view().value.tolist() == [41.5]
    recording = open_recording(tmp_path / "recording")
    assert [m.topic for m in recording.messages()] == ["telegraf/h1/rack"]
    assert spoken(recording) == ("influx", asked)  # without a switch


def test_retained_lines_are_marked():
    found = make("influx").decode(Message("telegraf/h1", b"m x=1", NOW, 0, 1, True))
    assert isinstance(found, Batch)
    assert found.flags == (int(Flag.RETAINED | Flag.NO_TIME),)


def test_a_line_that_is_refused_makes_no_point():
    decoder = make("influx")
    assert isinstance(decoder.decode(message("telegraf/h1", b"m,host=evil x=1e400")), Reject)
    assert len(decoder.points) == 0
