"""Topics of a mapping: which fit, what their names hold, and that no topic takes long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from telemetry.batch import Reason, Reject
from telemetry.decode import Decoder, make
from tests.telemetry.corpus import message


@pytest.fixture
def mapped(tmp_path: Path):
    """Makes a decoder of a topic, whose point is named by ``item``."""

    def of(topic: str, item: str, **options: str) -> Decoder:
        reading = f'{{field: v, variable: rack_power, unit: W, item: "{item}"}}'
        file = tmp_path / "mapping.yaml"
        file.write_text(f'format: 1\ntitle: test\nrules:\n  - topic: "{topic}"\n    readings: [{reading}]\n')
        return make("plain", {"mapping": str(file), **options})

    return of


@pytest.mark.parametrize(
    ("topic", "said", "item"),
    [
        ("s/{a}-{b}", "s/r-1-2", "r-1|2"),
        ("s/{a}-{b}_kw", "s/r-1-2_kw_kw", "r-1|2_kw"),
        ("s/{a}{b}", "s/xyz", "xy|z"),
        ("s/{a}(.*){b}", "s/x(.*)y", "x|y"),
        ("+/{a}/{b}", "/x/y\nz", "x|y\nz"),
        ("s/{a}/{b}/#", "s/x/y", "x|y"),  # as # does in MQTT
        ("s/{a}/{b}/#", "s/x/y/z/", "x|y"),
        ("s/{a}-{b}", "s/-", None),
        ("s/{a}-{b}", "s/x-", None),
        ("s/r{a}r{b}", "s/rr", None),
        ("s/{a}/{b}", "s/x/", None),
        ("s/{a}/{b}", "s/x/y/z", None),
        ("s/{a}.{b}", "s/xzy", None),
    ],
)
def test_names_hold_what_stands_in_their_place(mapped, topic, said, item):
    decoder = mapped(topic, "{a}|{b}")
    batch = decoder.decode(message(said, {"v": 1}))
    if item is None:
        assert batch.reason == Reason.TOPIC
    else:
        assert not isinstance(batch, Reject)
        assert decoder.points[0].item == item


def test_no_topic_takes_long_however_many_names_its_level_has(mapped):
    decoder = mapped("s/{a}-{b}-{c}-{d}-{e}_kw", "{a}")
    began = time.thread_time()
    assert decoder.decode(message("s/" + "-" * 500, {"v": 1})).reason == Reason.TOPIC
    assert time.thread_time() - began < 5.0  # 20 minutes, where each place is tried for each name


def test_sources_of_several_sites_are_not_mixed(mapped):
    decoder = mapped("{a}/power", "{a}", prefix="site/+")
    sources = []
    for topic in ("site/1/x/power", "site/2/x/power"):
        decoder.decode(message(topic, {"v": 1}))
        sources.append(decoder.source(topic))
    assert sources == [point.source for point in decoder.points] == ["site/1/x", "site/2/x"]
    assert mapped("{a}/power", "{a}", prefix="site").source("site/x/power") == "x"
