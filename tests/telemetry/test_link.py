"""Links to a real broker and to one that misbehaves: what is lost is sent again, and no fault ends the thread."""

from __future__ import annotations

import ast
import socket
import time
from collections.abc import Iterator
from functools import partial
from math import log2
from pathlib import Path

import pytest

from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import Running, start
from telemetry.link import client as link_client
from telemetry.link.causes import Counters
from telemetry.link.frames import ODD_TOPIC
from telemetry.link.listener import LinkError, Publisher
from tests.telemetry.inbox import Keep, acknowledge
from tests.telemetry.linked import QUICK, WAIT_S, listener, publisher, scripted, subscribed
from tests.telemetry.script import ACCEPTED, PRESENT, Script, listen, packet
from tests.telemetry.until import until

ROOT = Path(__file__).resolve().parents[2]
TOP = ("twin", "telemetry", "dashboards", "sites")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.mark.parametrize("version", [4, 5])
def test_what_is_published_arrives_whole_in_order_and_acknowledged(broker, links, monkeypatch, version):
    monkeypatch.setattr("telemetry.link.loop.GOODBYE_S", WAIT_S)  # however long the broker is held up
    inbox, name = Keep(), f"whole-{version}"
    mine = listener(links, broker.address, inbox, name, [("whole/#", 2)], version=version)
    assert subscribed(mine)
    with publisher(links, broker.address, f"pub-{version}", version=version) as sender:
        for n in range(900):
            sender.publish(f"whole/{n % 7}", b"%d" % n, n % 3)
        assert sender.flush(WAIT_S)
        assert (sender.published_count, sender.lost, sender.in_flight) == (900, 0, 0)
    assert inbox.until(lambda: len(inbox.messages) == 900)
    assert sorted(int(m.payload) for m in inbox.messages) == list(range(900))
    for qos, delivered in ((0, 0), (1, 1), (2, 1)):  # asked for at most 1
        same = [m for m in inbox.messages if int(m.payload) % 3 == qos]
        assert [int(m.payload) for m in same] == list(range(qos, 900, 3))
        assert {m.qos for m in same} == {delivered}
    assert [m.sequence for m in inbox.messages] == list(range(900))
    mine.close()
    again = Keep()
    assert listener(links, broker.address, again, name, [("whole/#", 1)], version=version).wait(WAIT_S)
    assert not again.until(lambda: bool(again.messages), 0.3)  # nothing was left unacknowledged
    assert again.marks[0].cause == ""  # the session was there


def test_a_second_client_with_our_id_is_suspected_and_makes_no_storm(broker, links):
    said: list[str] = []
    inboxes = Keep(), Keep()
    began = time.monotonic()
    one, two = (
        listener(links, broker.address, inbox, "twin", say=said.append, pause_s=(0.1, 2.0)) for inbox in inboxes
    )
    assert inboxes[0].until(lambda: any('another client seems to use the id "twin"' in line for line in said))
    assert one.counters.takeovers + two.counters.takeovers >= 1
    connects = one.counters.connects + two.counters.connects
    lasted = time.monotonic() - began
    # Each pause is twice the one before: of each at most log2(t / 0.075 s + 1) + 1 connections in t.
    assert connects <= 2 * (log2(lasted / 0.075 + 1) + 2)
    assert one.alive
    assert two.alive


def test_a_broker_of_mqtt_5_says_who_took_our_session(links):
    said: list[str] = []

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(b"\x20\x03\x00\x00\x00" + (b"\xe0\x02\x8e\x00" if number == 1 else b""))
        listen(sock, version=5)

    with Script(play) as script:
        mine = listener(links, scripted(script), Keep(), "mine", say=said.append, version=5)
        inbox = mine._inbox
        assert isinstance(inbox, Keep)
        assert inbox.until(lambda: mine.counters.connects == 2)
        assert any('another client uses the id "mine"' in line for line in said)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4, "refuses the user name or the password"),
        (5, "not authorised"),
        (2, "client id"),
        (1, "this version of MQTT"),
    ],
)
def test_a_refusal_that_cannot_heal_ends_the_attempts_and_says_why(links, code, words):
    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(bytes([0x20, 2, 0, code]))

    with Script(play) as script:
        sender = Publisher(parse_address(scripted(script)), ANONYMOUS, "p", pause_s=QUICK, window=1)
        links.append(sender)
        with pytest.raises(LinkError, match=words):
            sender.connect(WAIT_S)
        assert script.connections == 1
        assert until(lambda: not sender.alive)
        with pytest.raises(LinkError, match=words):
            sender.publish("a", b"")


def test_a_broker_that_is_not_there_or_busy_is_tried_again_until_it_is(links, tmp_path):
    said: list[str] = []
    answers = {1: b"\x20\x02\x00\x03", 2: b"", 3: b"HTTP/1.1 400 Bad Request\r\n\r\n"}

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(answers.get(number, ACCEPTED))
        if number > 3:
            listen(sock)

    with socket.socket() as held, Script(play) as script:
        held.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else gets it
        lonely = listener(links, f"mqtt://127.0.0.1:{held.getsockname()[1]}", Keep(), say=said.append)
        mine = listener(links, scripted(script), Keep())
        assert mine.wait(WAIT_S)
        assert script.connections == 4
        assert not lonely.wait(0.2)
        assert until(lambda: lonely.counters.failures > 1)
        assert lonely.alive
    assert len(said) == 1  # not a line a second
    assert "connection refused" in said[0]


class HandTime:
    """The time of a link: it stands until it is moved, however long a machine is held up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("loop", "listener"):
            monkeypatch.setattr(f"telemetry.link.{module}.time", self)

    def monotonic(self) -> float:
        """Now."""
        return self.now


class Looked(Keep):
    """An inbox that counts how often the link asked whether it is full: once in each of its turns."""

    turns = 0

    def full(self) -> bool:
        """Whether a test closed it."""
        self.turns += 1
        return super().full()

    def turned(self) -> bool:
        """Wait for a whole turn."""
        seen = self.turns
        return self.until(lambda: self.turns > seen + 1)


def test_silence_ends_a_connection_but_not_while_we_do_not_listen(monkeypatch, links):
    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(PRESENT)
        if number == 1:
            sock.recv(1)  # says nothing more, and waits for us to go
            while sock.recv(99):
                pass
        else:
            listen(sock)

    hand = HandTime(monkeypatch)
    with Script(play) as script:
        inbox = Looked()
        mine = listener(links, scripted(script), inbox, keepalive_s=10.0)
        counters = mine.counters
        assert inbox.until(lambda: counters.connects == 1)
        hand.now += 9.0
        assert inbox.turned()
        assert counters.losses == 0
        hand.now += 2.0
        assert inbox.until(lambda: counters.connects == 2)
        assert "nothing was heard for 10 s" in inbox.marks[1].cause
        assert inbox.until(lambda: counters.reads == 3)  # two answers to CONNECT, one to SUBSCRIBE
        for _ in range(4):
            reads = counters.reads
            hand.now += 6.0
            assert inbox.until(partial(more_reads, counters, reads))  # pings are answered
        assert counters.connects == 2
        inbox.closed = True
        reads = counters.reads
        for _ in range(4):
            assert inbox.turned()
            hand.now += 6.0
        assert inbox.turned()
        assert counters.reads == reads  # the answers are not read
        inbox.closed = False
        assert inbox.until(partial(more_reads, counters, reads))
        assert inbox.turned()
        assert counters.connects == 2
        assert [m.what for m in inbox.marks] == ["connected", "lost", "connected"]


def more_reads(counters: Counters, count: int) -> bool:
    return counters.reads > count


def test_connections_that_break_right_after_the_answer_do_not_end_the_thread(links):
    subscriptions: list[int] = []

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(PRESENT)
        if number < 6:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends with a reset
            return
        got = packet(sock)
        subscriptions.append(got[0])
        sock.sendall(b"\x90\x03" + got[1:3] + b"\x01")
        listen(sock)

    with Script(play) as script:
        mine = listener(links, scripted(script), Keep())
        inbox = mine._inbox
        assert isinstance(inbox, Keep)
        assert inbox.until(lambda: subscriptions == [0x82])
        assert mine.alive
        assert mine.counters.faults == 0


BAD = {
    "bad UTF-8 in a topic": (b"\x32\x07\x00\x02a\xff\x00\x07x", True),
    "a wildcard in a topic": (b"\x32\x07\x00\x02a#\x00\x07x", True),
    "NUL in a topic": (b"\x32\x07\x00\x02a\x00\x00\x07x", True),
    "an empty topic": (b"\x32\x05\x00\x00\x00\x07x", True),
    "QoS 3": (b"\x36\x07\x00\x02ab\x00\x07x", False),
    "packet type 0": (b"\x00\x00", False),
    "a length of 5 bytes": (b"\x30\xff\xff\xff\xff\x01", False),
    "a topic that is longer than its message": (b"\x30\x04\x00\x09ab", False),
}


@pytest.mark.parametrize("name", BAD)
def test_no_packet_of_a_broker_ends_the_thread(links, name):
    bad, delivered = BAD[name]
    acks: list[bytes] = []

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(PRESENT + (bad if number == 1 else b"") + b"\x32\x06\x00\x01z\x00\x09y")
        listen(sock, acks)

    with Script(play) as script:
        inbox = Keep()
        mine = listener(links, scripted(script), inbox)
        assert inbox.until(lambda: any(m.topic == "z" for m in inbox.messages))
        assert inbox.until(lambda: b"\x40\x00\x09" in acks)
        assert (b"\x40\x00\x07" in acks) is delivered
        assert mine.counters.connects == (1 if delivered else 2)
        assert mine.alive
        assert mine.counters.faults == 0
        if name == "bad UTF-8 in a topic":
            assert inbox.messages[0].topic == ODD_TOPIC + "a\\xff"


def test_a_fault_of_ours_in_a_callback_is_counted_and_the_thread_goes_on(broker, links, monkeypatch):
    inbox = Keep()
    said: list[str] = []
    mine = listener(links, broker.address, inbox, "faulty", [("faulty/#", 1)], say=said.append)
    assert subscribed(mine)
    faults = iter([RuntimeError("first"), RuntimeError("second")])

    def after(delivery):
        for error in faults:
            raise error
        acknowledge(mine)(delivery)

    def arrived(count: int) -> bool:
        return {int(m.payload) for m in inbox.messages} >= set(range(count))

    inbox.after = after
    sender = publisher(links, broker.address)
    for n in range(3):
        sender.publish("faulty/a", b"%d" % n, 1)
        assert inbox.until(partial(arrived, n + 1))
    assert inbox.until(lambda: mine.counters.connects >= 3)
    assert mine.alive
    assert mine.counters.faults == 2
    assert any("RuntimeError: first" in words for words in said)


def test_acknowledgements_of_an_older_connection_are_dropped(links):
    acks: list[bytes] = []

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(PRESENT + b"\x32\x06\x00\x01z\x00\x09y")
        if number == 2:
            listen(sock, acks)

    with Script(play) as script:
        inbox = Keep()
        mine = listener(links, scripted(script), inbox, acked=False)
        assert inbox.until(lambda: len(inbox.acks) == 2)
        for connection, data in inbox.acks:
            mine.send(connection, data, 1)
        assert inbox.until(lambda: bool(acks))
        time.sleep(0.1)
        assert acks == [b"\x40\x00\x09"]
        assert mine.counters.stale == 1


def test_without_the_private_names_of_paho_everything_works_only_slower(broker, links, monkeypatch):
    monkeypatch.setattr(link_client, "NEEDED", ("_no_such_name",))
    hand = HandTime(monkeypatch)
    monkeypatch.setattr("paho.mqtt.client.time_func", hand.monotonic)
    inbox, said = Keep(), list[str]()
    mine = listener(links, broker.address, inbox, "plain", [("plain", 1)], said=said, keepalive_s=10.0)
    assert inbox.until(lambda: "Received SUBACK" in said)
    assert not mine._client.fast
    sender = publisher(links, broker.address, "plain sender")
    for n in range(300):
        sender.publish("plain", b"%d" % n, n % 2)
    assert sender.flush(WAIT_S)
    assert inbox.until(lambda: len(inbox.messages) == 300)
    hand.now += 10.0  # in which nobody said anything
    assert inbox.until(lambda: "Received PINGRESP" in said)
    assert mine.counters.losses == 0
    mine.close()


def test_the_installed_paho_has_the_private_names_and_one_file_of_the_house_imports_it(links):
    lonely = Publisher(parse_address("127.0.0.1:1"), ANONYMOUS, "p")
    links.append(lonely)
    assert lonely._client.fast
    importers = set()
    for path in [p for top in TOP for p in (ROOT / top).rglob("*.py") if "paho" in p.read_text()]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "paho" for name in names):
                importers.add(path.relative_to(ROOT).as_posix())
    assert importers == {"telemetry/link/client.py"}
