"""A recording of Sparkplug: inspected, exported, and replayed with its stamps moved to another time."""

from __future__ import annotations

import zlib

import pyarrow.parquet as pq
import pytest

from telemetry.batch import Batch
from telemetry.clock import ReplayClock
from telemetry.decode import make
from telemetry.export.write import export
from telemetry.inspection.inspect import inspect
from telemetry.inspection.text import plain, render
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from telemetry.replay.retime import MOVED
from telemetry.sparkplug.body import COMPRESSED
from telemetry.sparkplug.schema import CLASSES
from tests.telemetry.corpus import CORPORA
from tests.telemetry.recorded import written
from tests.telemetry.spb import MS, T0, born, death, hearing, metric, payload, power, said

LATER = 3_600_000
STREAM = [*born(1), *(power(40.0 + step, step + 1, T0 + 1000 * step) for step in range(1, 9)), death(1, T0 + 9000)]


def later(message: Message, by_ms: int = LATER) -> Message:
    return MOVED["sparkplug"](message, by_ms * MS)


def test_moved_by_an_hour_the_same_is_heard_an_hour_later():
    one, other = hearing(), hearing()
    for message in [*STREAM, *CORPORA["sparkplug"].messages]:
        here, there = one.decode(message), other.decode(later(message))
        assert isinstance(here, Batch)
        assert isinstance(there, Batch)
        assert [at + LATER * MS for at in here.times_ns] == list(there.times_ns)
        assert repr([here.points, here.values, here.flags]) == repr([there.points, there.values, there.flags])
    assert list(one.points) == list(other.points)
    assert one.told() == other.told()


@pytest.mark.parametrize(("algorithm", "wbits"), [(None, 15), ("DEFLATE", 15), ("GZIP", 31), ("DEFLATE", -15)])
def test_what_is_packed_is_moved_too(algorithm, wbits):
    packer = zlib.compressobj(wbits=wbits)
    inner = payload(metric(None, 7.0, alias=1, typed=False, at=T0 + 1), seq=2, at=T0 + 5)
    outer = CLASSES["Payload"](uuid=COMPRESSED, body=packer.compress(inner) + packer.flush())
    if algorithm is not None:
        outer.metrics.add(name="algorithm", datatype=12, string_value=algorithm)
    found = hearing(*map(later, born())).decode(
        later(Message("spBv1.0/g/DDATA/n/r", outer.SerializeToString(), T0 * MS))
    )
    assert isinstance(found, Batch)
    assert (list(found.values), list(found.times_ns)) == ([7000.0], [(T0 + 1 + LATER) * MS])


def test_what_is_no_payload_stays_as_it_is():
    for data in (b"\xff", b"words", b"\x0a\xff"):
        assert later(Message("spBv1.0/g/NDATA/n", data, T0 * MS)).payload == data
    broken = CLASSES["Payload"](uuid=COMPRESSED, body=b"no body").SerializeToString()
    assert later(said("g/NDATA/n")).received_ns == said("g/NDATA/n").received_ns + LATER * MS
    assert later(Message("spBv1.0/g/NDATA/n", broken, T0 * MS)).payload == broken


def test_a_stream_leaves_the_same_state_however_it_is_cut_into_groups():
    digests = set()
    for size in (1, 3, len(STREAM)):
        pipeline = Pipeline(make("sparkplug"), ReplayClock(T0 * MS, None))
        for begin in range(0, len(STREAM), size):
            pipeline.take(STREAM[begin : begin + size])
        digests.add(pipeline.state.digest())
    assert len(digests) == 1


def test_a_recording_tells_of_its_edge_nodes_and_is_exported(tmp_path):
    waits = said("g/NDATA/late", metric(None, 1.0, alias=1), seq=3, at=T0 + 40_000)
    history = said("g/DDATA/n/r", metric(None, 30.0, alias=1, is_historical=True, at=T0 - 60_000), seq=30, at=T0 + 8500)
    path = written(tmp_path / "in", [*STREAM[:-1], history, STREAM[-1], waits])
    found = inspect(open_recording(path), "sparkplug", make("sparkplug"))
    sources = plain(found)["understood"]["sources"]
    assert (sources["nodes"], sources["dead"], sources["waiting"], sources["lost"]) == (2, 1, 1, 20)
    assert "edge nodes  2: 0 alive, 1 dead, 1 wait for a birth" in render(found)
    table = tmp_path / "out.parquet"
    export(open_recording(path), lambda: make("sparkplug"), table)
    rows = pq.read_table(table).to_pylist()
    power_kw = [row["value"] for row in rows if row["variable"] == "power" and row["quality"] == "good"]
    assert power_kw == pytest.approx([40_000.0, *(40_000.0 + 1000 * step for step in range(1, 9)), 30_000.0])
