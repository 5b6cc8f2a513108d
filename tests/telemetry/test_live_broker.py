"""The live twin on a broker where something goes wrong: points that go, a disk that fills, nothing of its site."""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import Running, start
from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.link.listener import Publisher
from telemetry.live.frame import Frame
from telemetry.live.loop import Loop
from telemetry.live.session import Session, Wish, on_broker
from telemetry.live.source import Broker, Listening
from telemetry.message import Message
from telemetry.recording.write import Recorder
from tests.telemetry.heard import NOON, START_NS, emulated
from tests.telemetry.until import until
from twin.analysis.dataset import open_run
from twin.cli.main import app
from twin.core.errors import InputError, one

SITE, OTHER = "rubin-manifold", "oklahoma-10"
LATER_NS = 10 * NS  # after the facility began


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return emulated(3.0, site=SITE, at=NOON, drawn=False, sensors="ideal")[1]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, messages) -> Iterator[Running]:
    """A broker that keeps what a facility has said: whoever comes hears the last of each point."""
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        publish(running, messages)
        yield running


def publish(broker: Running, messages: list[Message]) -> None:
    with Publisher(parse_address(broker.address), ANONYMOUS, "facility") as sender:
        sender.connect(10)
        for message in messages:
            sender.publish(message.topic, message.payload, 1, True)
        assert sender.flush(20)


def lived(
    broker: Running, site: str = SITE, *, lasting_s: float = 4.0, record: Path | None = None, out: Path | None = None,
    every: str = "2s", filters: tuple[str, ...] = (),
    watch: Callable[[Session, Frame], None] = lambda session, frame: None,
) -> Session:  # fmt: skip
    """A session that has run ``lasting_s`` beside the broker, by a clock that jumps: nobody is late by it."""
    listening = Listening(parse_address(broker.address), ANONYMOUS, make("dsx"), "dsx", filters, record)
    wish = Wish(site, at=NOON, every=every, out=out, lasting_s=lasting_s)
    session = on_broker(wish, listening, lambda words: None, ReplayClock(START_NS + LATER_NS, None))
    session.go(threading.Event(), partial(watch, session))
    return session


def twin(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def first(count: int) -> Callable[[Loop, Broker, threading.Event], None]:
    """A twin that begins with its broker, after so many messages, and not after a time."""

    def wait(loop: Loop, source: Broker, stop: threading.Event) -> None:
        assert until(lambda: source.ingest.listener.connected and source.ingest.messages >= count)

    return wait


def test_a_recording_that_lost_messages_is_told_as_twin_record_tells_it(broker, tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.ingest.ingest.LAST_TRIES_S", 0.2)
    monkeypatch.setattr("telemetry.recording.write.write_at", full)
    with pytest.raises(InputError, match=r"\d messages are not recorded; the broker still has those of QoS 1"):
        lived(broker, record=tmp_path / "rec", out=tmp_path / "run")
    assert open_run(tmp_path / "run").attrs["complete"] is True  # of that nothing is lost


def test_a_recording_whose_last_part_finds_no_room_is_told_too(broker, tmp_path, monkeypatch):
    monkeypatch.setattr(Recorder, "close", full)
    with pytest.raises(InputError, match="the disk takes no more: No space left on device"):
        lived(broker, record=tmp_path / "rec")


def test_a_run_that_cannot_be_written_leaves_the_recording_to_others(broker, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise one("no run")

    monkeypatch.setattr("telemetry.live.session.opened", refuse)
    with pytest.raises(InputError, match="no run"):
        lived(broker, record=tmp_path / "rec", out=tmp_path / "run")
    Recorder(tmp_path / "rec", {}, clock=ReplayClock(START_NS)).close()


def test_a_fault_of_ours_in_the_writer_is_no_bad_input_and_leaves_no_complete_run(
    broker, messages, tmp_path, monkeypatch
):
    def watch(session: Session, frame: Frame) -> None:
        source = session.source
        if frame.sequence == 3 and source is not None:  # an interval is over
            monkeypatch.setattr(Recorder, "add", lambda self, messages: 1 / 0)
            publish(broker, messages[:1])
            assert until(lambda: source.failed)

    with pytest.raises(RuntimeError, match="a fault of halltwin stopped the writing: ZeroDivisionError"):
        lived(broker, record=tmp_path / "rec", out=tmp_path / "run", lasting_s=60.0, watch=watch)
    run = open_run(tmp_path / "run")
    assert (run.sizes["time"], run.attrs["complete"]) == (1, False)


def test_a_point_that_is_described_as_another_thing_in_mid_interval_ends_nothing(broker, messages, tmp_path):
    """One message on the bus, as anybody may send it: the flow of the CDU is called that of something else."""
    told = next(m for m in messages if "/Metadata/CDU/LiquidFlow/" in m.topic and m.topic.endswith("/Primary"))
    data = json.loads(told.payload)
    away = Message(told.topic, json.dumps({**data, "objectId": "nowhere"}).encode(), told.received_ns)

    def watch(session: Session, frame: Frame) -> None:
        source = session.source
        if frame.sequence == 3 and source is not None:
            publish(broker, [away])
            assert until(lambda: any(point.item == "nowhere" for point in list(source.pipeline.decoder.points)))

    try:
        session = lived(broker, out=tmp_path / "run", every="6s", lasting_s=12.0, watch=watch)
    finally:
        publish(broker, [told])
    assert session.twin.sequence == 12
    assert open_run(tmp_path / "run").sizes["time"] == 2
    measured, age = (xr.open_zarr(tmp_path / "run", group=group)["cdu_primary_flow"] for group in ("measured", "age"))
    assert np.isfinite(measured[0]).all()
    assert np.isinf(age[0]).all()
    assert np.isnan(measured[1]).all()


def test_a_twin_that_heard_nothing_of_its_site_says_so_in_the_end(broker, messages, monkeypatch):
    monkeypatch.setattr(Loop, "_await_first", first(len({message.topic for message in messages})))
    assert lived(broker).alone == ""
    # Elements of either are called alike: that makes no telemetry of a site.
    assert "belong to this site" in lived(broker, OTHER).alone
    monkeypatch.setattr(Loop, "_await_first", first(0))
    silent = lived(broker, filters=("elsewhere/#",)).alone
    assert silent.startswith(f"nothing of {SITE} was measured: no point of power")


def test_the_command_ends_with_1_where_it_was_beside_nothing_of_its_site(broker, monkeypatch):
    monkeypatch.setattr(Loop, "_await_first", first(1))
    done = twin("live", OTHER, "--broker", broker.address, "--at", NOON, "--for", "1s", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["bound"]["of_this_site"] < 10
    assert f"nothing of {OTHER} was measured" in done.stderr


# Tornado leaves a socket that could not be bound to the collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_port_that_is_taken_is_told_with_all_else_and_leaves_no_run(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--out", tmp_path / "run", "--page", "--port", str(port), "--every", "0")
        done = twin("live", SITE, "--broker", "localhost", "--replay", tmp_path / "x", *words)
    assert done.exit_code == 2
    for told in (f"port {port} is in use", "not both", "--every"):
        assert told in done.stderr
    assert not (tmp_path / "run").exists()
