"""Publishers: what is not acknowledged is sent again, what is lost is counted, and nobody waits for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from telemetry.brokers import Running, start
from telemetry.link.listener import Will
from tests.telemetry.inbox import Keep
from tests.telemetry.linked import WAIT_S, listener, publisher, scripted, subscribed
from tests.telemetry.script import ACCEPTED, Script, listen, packet
from tests.telemetry.until import until


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


def test_a_publisher_keeps_what_the_broker_did_not_acknowledge_over_its_restart(tmp_path, links):
    with start("mosquitto", tmp_path) as broker:
        inbox = Keep()
        mine = listener(links, broker.address, inbox)
        assert subscribed(mine)
        sender, again = publisher(links, broker.address), threading.Timer(0.3, broker.restart)
        for n in range(400):
            sender.publish("a", b"%d" % n, 1)
            if n == 200:
                broker.stop()
                again.start()
        assert sender.flush(WAIT_S)
        again.join()  # it may still ask whether the broker answers, which it does until the end of this block
        assert inbox.until(lambda: {int(m.payload) for m in inbox.messages} == set(range(400)))
        assert sender.counters.losses == 1
        assert [m.what for m in inbox.marks[:3]] == ["connected", "lost", "connected"]
        sender.close()
        mine.close()


def test_what_is_not_acknowledged_is_published_again_in_order_as_a_duplicate(links):
    seen: list[list[bytes]] = [[], []]

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(ACCEPTED)
        for _ in range(4):
            got = packet(sock)
            seen[number - 1].append(got)
            if number == 1 and len(seen[0]) < 4:
                continue
            if number == 1:  # has the second, hears of the third and is gone
                sock.sendall(b"\x40\x02\x00\x02" + b"\x50\x02\x00\x03")
                while (got := packet(sock)) != b"\x62\x00\x03":
                    assert got[1:5] == b"\x00\x01t\x00"  # or of the fifth first, for which there is room now
                return
        sock.sendall(b"\x40\x02\x00\x01" + b"\x70\x02\x00\x03" + b"\x40\x02\x00\x04" + b"\x40\x02\x00\x05")
        listen(sock)

    with Script(play) as script:
        sender = publisher(links, scripted(script), window=4)
        for n, qos in enumerate((1, 1, 2, 1, 1), 1):
            sender.publish("t", b"%d" % n, qos)
        assert sender.flush(WAIT_S)
    topic = b"\x00\x01t\x00"
    assert seen[0] == [
        bytes([head]) + topic + bytes([n, 48 + n]) for head, n in ((0x32, 1), (0x32, 2), (0x34, 3), (0x32, 4))
    ]
    again = [(0x3A, 1), (0x3C, 3), (0x3A, 4), (seen[1][3][0], 5)]
    assert seen[1] == [bytes([head]) + topic + bytes([n, 48 + n]) for head, n in again]
    assert sender.refused == 0


def test_of_mqtt_5_a_refused_message_is_counted(links):
    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(b"\x20\x03\x00\x00\x00")
        for n in (1, 2, 3):
            assert packet(sock)
            sock.sendall([b"\x40\x03\x00\x01\x87", b"\x50\x03\x00\x02\x87", b"\x40\x02\x00\x03"][n - 1])
        listen(sock)

    with Script(play) as script:
        sender = publisher(links, scripted(script), version=5)
        for qos in (1, 2, 1):
            sender.publish("t", b"", qos)
        assert sender.flush(WAIT_S)
        assert sender.refused == 2


def test_of_qos_0_what_was_not_out_is_counted_as_lost_and_nobody_waits_for_ever(links):
    full = threading.Event()

    def play(sock: socket.socket, number: int) -> None:
        packet(sock)
        sock.sendall(ACCEPTED)
        if number == 1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            full.wait(WAIT_S)  # reads nothing
        else:
            listen(sock)

    with Script(play) as script:
        sender = publisher(links, scripted(script), window=50)

        def wait() -> None:
            assert until(lambda: sender.in_flight == 50)
            full.set()

        threading.Thread(target=wait, daemon=True).start()
        for _ in range(200):
            sender.publish("a", bytes(100_000))  # 5 MB are more than a connection holds
        assert sender.flush(WAIT_S)
        assert sender.counters.losses >= 1
        assert 0 < sender.lost <= 50 * sender.counters.losses


def test_the_will_is_published_when_we_are_killed_and_not_when_we_leave(broker, links):
    inbox = Keep()
    mine = listener(links, broker.address, inbox, "heir", [("will/#", 1)])
    assert subscribed(mine)
    publisher(links, broker.address, "leaves", will=Will("will/leaves", b"gone")).close()
    dies = publisher(links, broker.address, "dies", will=Will("will/dies", b"gone"))
    dies._client.socket.shutdown(socket.SHUT_RDWR)
    assert inbox.until(lambda: bool(inbox.messages))
    assert [(m.topic, m.payload) for m in inbox.messages] == [("will/dies", b"gone")]
