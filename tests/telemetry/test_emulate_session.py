"""A virtual facility on a real broker: a reader hears it, and nothing of it goes where it must not."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import ClassVar

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.address import Address
from telemetry.brokers import start
from telemetry.emulate.session import Target, _Patient, target, to_broker, to_folder
from telemetry.emulate.virtual import Wanted, virtual
from telemetry.link.listener import Publisher
from telemetry.message import Message
from tests.telemetry.heard import Heard, breaks_contract
from tests.telemetry.until import until
from twin.core.errors import InputError

NOON = "2028-07-01T12:00"
WAIT_S = 30.0


class Reader:
    """Subscribes to everything and keeps it; ``ready`` when the broker has agreed."""

    def __init__(self, address: str) -> None:
        self.messages: list[Message] = []
        self.ready, self.told = threading.Event(), threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = self._came
        self.client.connect("127.0.0.1", int(address.rpartition(":")[2]))
        self.client.loop_start()

    def _came(self, _client, _data, message) -> None:
        self.messages.append(
            Message(message.topic, message.payload, 0, len(self.messages), message.qos, message.retain)
        )
        if message.topic == "end":
            self.told.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()
        self.client._reset_sockets()  # else left to the collector of garbage


@pytest.mark.parametrize(("kind", "qos"), [("mosquitto", 0), ("iotcore", 1)])
def test_a_reader_at_a_real_broker_hears_all_of_a_facility(tmp_path, kind, qos):
    made = virtual(Wanted("rubin-manifold", at=NOON, seed=1, sensors="ideal"))
    try:
        with start(kind, tmp_path) as broker, Reader(broker.address) as reader:
            assert reader.ready.wait(WAIT_S)
            where = Target(Address("127.0.0.1", broker.port), qos=qos)
            played, beside = to_broker(made, where, lasting_s=2.5, stop=threading.Event(), note=lambda _: None)
            assert until(lambda: len(reader.messages) >= played.messages)
            reader.client.publish("end", b"", 1)
            assert reader.told.wait(WAIT_S)
    finally:
        made.close()
    heard = [m for m in reader.messages if m.topic != "end"]
    assert beside["unsent"] == 0
    assert len(heard) == played.messages
    assert {breaks_contract(m) for m in heard[:: len(heard) // 40]} == {""}
    found = Heard(heard)  # asserts that none is refused
    assert len(found.last("rack_power")) == 24
    assert len(found.readings) == len(made.layout.specs) + 2


def test_somebody_who_stops_it_is_heard_at_once():
    made, stop, noted = virtual(Wanted("rubin-manifold", at=NOON)), threading.Event(), list[str]()

    def note(line: str) -> None:
        noted.append(line)
        stop.set()

    try:
        played, _ = to_broker(made, Target(), lasting_s=None, stop=stop, note=note)
    finally:
        made.close()
    assert played.ended == "stopped"
    assert "mqtt://127.0.0.1:" in noted[0]


class Patient(_Patient):
    """One that a test can ask what it could not say."""

    made: ClassVar[list[Patient]] = []

    def __init__(self, publisher: Publisher) -> None:
        super().__init__(publisher)
        self.made.append(self)


def test_a_building_that_loses_its_broker_goes_on_counts_what_it_could_not_say_and_is_heard_again(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("telemetry.emulate.session._Patient", Patient)
    made, stop, found = virtual(Wanted("rubin-manifold", at=NOON, sensors="ideal")), threading.Event(), []
    with start("mosquitto", tmp_path) as broker:
        where = Target(Address("127.0.0.1", broker.port))
        session = threading.Thread(
            target=lambda: found.append(to_broker(made, where, lasting_s=None, stop=stop, note=lambda _: None))
        )
        session.start()
        try:
            with Reader(broker.address) as reader:
                assert until(lambda: any("/Value/" in m.topic for m in reader.messages))
            broker.kill()
            assert until(lambda: Patient.made[-1].unsent > 0)
            broker.restart()
            with Reader(broker.address) as again:
                assert until(lambda: any("/Value/" in m.topic for m in again.messages))
        finally:
            stop.set()
            session.join(WAIT_S)
            made.close()
    ((played, beside),) = found
    assert played.ended == "stopped"
    assert int(beside["unsent"]) > 0


def test_another_machine_needs_the_flag_a_prefix_and_a_yes():
    where = target("mqtt://plant.example:1883", Target().login, qos=0, prefix="", port=None)
    with pytest.raises(InputError) as wrong:
        where.check()
    assert len(wrong.value.problems) == 3
    ours = target("mqtt://plant.example:1883", Target().login, qos=0, prefix="demo/one", port=None)
    replace(ours, allow_remote=True, yes=True).check()


def test_a_broker_that_is_not_there_is_told_in_words():
    made = virtual(Wanted("rubin-manifold", at=NOON))
    try:
        with pytest.raises(InputError, match=r"no connection to mqtt://127\.0\.0\.1:9"):
            to_broker(
                made, Target(Address("127.0.0.1", 9)), lasting_s=1.0, stop=threading.Event(), note=lambda _: None,
                timeout_s=1.0,
            )  # fmt: skip
    finally:
        made.close()


def test_a_folder_that_holds_something_is_not_recorded_into(tmp_path):
    (tmp_path / "mine").write_text("")
    made = virtual(Wanted("rubin-manifold", at=NOON, lasting_s=1.0))
    try:
        with pytest.raises(InputError, match="expected a new folder"):
            to_folder(made, tmp_path, qos=0, prefix="", lasting_s=1.0, stop=threading.Event())
    finally:
        made.close()
