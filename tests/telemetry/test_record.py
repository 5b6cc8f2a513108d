"""``twin record`` as a person or a service manager meets it: killed, full, refused, and never telling a secret."""

from __future__ import annotations

import getpass
import json
import os
import pty
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
import trustme

from telemetry.address import ANONYMOUS, PASSWORD, Login, parse_address
from telemetry.brokers import Running, mosquitto, start
from telemetry.link.listener import LinkError, Publisher
from telemetry.recording.read import open_recording
from tests.cli.child import SMALL_DISK, TWIN, twin
from tests.telemetry.recorded import files, now_in
from tests.telemetry.until import until

SECRET = "hunter2-never-shown"
WAIT_S = 30.0


class Recording:
    """The command in a process; ends with the test."""

    def __init__(self, *arguments: object, command=TWIN, **environment: str) -> None:
        words = [*command, "record", *map(str, arguments)]
        env = {**os.environ, **environment}
        self.process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def says(self, words: str, within_s: float = 30.0) -> bool:
        """Wait for a line on stderr."""
        assert self.process.stderr is not None
        ends = threading.Timer(within_s, self.process.kill)
        ends.start()
        try:
            return any(words in line for line in self.process.stderr)
        finally:
            ends.cancel()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, stdout and stderr after a signal."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


def known(folder: Path) -> bool:
    """Whether the broker has accepted the recording in ``folder``, and there is a file that says so."""
    try:
        told = json.loads((folder / "session.json").read_text())
        return bool(told["known"]) and bool(files(folder))
    except (OSError, ValueError):
        return False


def other_files(folder: Path, before: set[Path]) -> bool:
    return bool(files(folder) - before)


def retain(broker: Running, topic: str, payload: bytes) -> None:
    """Have the broker tell this to whoever asks for the topic: what comes of it shows that it has been asked."""
    with Publisher(parse_address(broker.address), ANONYMOUS, "retain") as sender:
        sender.connect(WAIT_S)
        sender.publish(topic, payload, 1, True)
        assert sender.flush(WAIT_S)


def numbers(folder: Path) -> set[int]:
    return {int(m.payload.split()[0]) for m in now_in(folder)}


def test_no_message_of_qos_1_is_lost_when_the_recording_is_killed_at_random_times(broker, tmp_path: Path):
    dice, out, arguments = Random(0), tmp_path / "out", (broker.address, "--topic", "n/#", "--out", tmp_path / "out")
    sent, enough = [1], threading.Event()
    retain(broker, "n/0", b"0")

    def publish() -> None:
        with Publisher(parse_address(broker.address), ANONYMOUS, "numbers") as sender:
            sender.connect(WAIT_S)
            while not enough.is_set():
                for _ in range(20):
                    sender.publish(f"n/{sent[0] % 7}", b"%d" % sent[0], 1)
                    sent[0] += 1
                time.sleep(0.01)
            assert sender.flush(WAIT_S)

    source = threading.Thread(target=publish, daemon=True)
    with Recording(*arguments) as first:
        assert until(lambda: numbers(out) == {0})
        source.start()
        time.sleep(0.3)
        first.process.kill()
    for _ in range(3):
        before = files(out)
        with Recording(*arguments) as next_one:
            assert until(partial(other_files, out, before))
            time.sleep(dice.uniform(0.0, 0.3))
            next_one.process.kill()
    assert until(lambda: sent[0] > 1000)
    enough.set()
    source.join(2 * WAIT_S)
    with Recording(*arguments, "--json") as last:
        assert until(lambda: numbers(out) == set(range(sent[0])))
        code, told, _ = last.end()
    assert code == 0
    assert json.loads(told)["not_durable"] == 0
    found = list(open_recording(out).messages())
    assert [m.sequence for m in found] == list(range(len(found)))  # none twice in one place, none forgotten


def test_a_full_disk_is_told_and_what_is_not_recorded_stays_at_the_broker(broker, tmp_path: Path):
    out = tmp_path / "out"
    arguments = (broker.address, "--topic", "d/#", "--out", out, "--client-id", "disk")
    small = (TWIN[0], "-c", SMALL_DISK, "20000")
    retain(broker, "d/a", b"0")
    with (
        Recording(*arguments, command=small) as full,
        Publisher(parse_address(broker.address), ANONYMOUS, "d") as sender,
    ):
        assert until(lambda: numbers(out) == {0})
        sender.connect(WAIT_S)
        dice = Random(1)
        for n in range(1, 300):
            sender.publish("d/a", b"%d %s" % (n, dice.randbytes(300).hex().encode()), 1)
        assert sender.flush(WAIT_S)
        assert full.says("the disk does not take the recording: File too large; trying again")
        code, told, said = full.end()
    assert (code, told) == (2, "")
    assert "the broker still has those of QoS 1" in said
    with Recording(*arguments, "--json") as again:
        assert until(lambda: numbers(out) == set(range(300)))
        code, told, _ = again.end(signal.SIGINT)
    assert code == 0
    assert json.loads(told)["messages"] < 600


def test_everything_wrong_is_told_at_once(tmp_path: Path):
    arguments = ("--topic", "a/#/b", "--rotate-mb", "-1", "--keep-days", "nan", "--for", "soon", "--dialect", "dxs")
    wrong = ("mqtt://bob:hunter2@here", "--out", tmp_path / "out", "--status-topic", "plant/cmd/fan", *arguments)
    done = twin("record", *wrong, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    places = {p["path"] for p in json.loads(done.stdout)["problems"]}
    assert places == {"BROKER", "--topic", "--rotate-mb", "--keep-days", "--for", "--dialect", "--status-topic"}
    assert "hunter2" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_is_never_there_is_said_so(tmp_path: Path):
    with Recording("mqtt://127.0.0.1:1", "--out", tmp_path / "long") as mine:
        done = twin("record", "mqtt://127.0.0.1:1", "--out", "out", "--for", "1s", cwd=tmp_path)
        assert mine.says("connection refused; trying again")
        stopped = mine.end()
    for code, told, said in ((done.returncode, done.stdout, done.stderr), stopped):
        assert (code, told) == (2, "")
        assert "there was no connection to mqtt://127.0.0.1:1" in said


def read(terminal: int, seen: list[bytes]) -> bytes:
    """All that a terminal has shown; ``seen`` keeps it."""
    while select.select([terminal], [], [], 0.0)[0]:
        seen.append(os.read(terminal, 65_536))
    return b"".join(seen)


def test_a_terminal_sees_how_it_goes_and_who_listens_to_its_status(broker, tmp_path: Path):
    ours, theirs = pty.openpty()
    retain(broker, "s/a", b"1")
    words = [*TWIN, "record", broker.address, "--topic", "s/#", "--out", str(tmp_path / "out")]
    words += ["--status-topic", "s/recorder"]
    seen = list[bytes]()
    with subprocess.Popen(
        words, env={**os.environ, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        try:
            assert until(lambda: b"connected: 2 messages" in read(ours, seen))
            process.terminate()
            told, _ = process.communicate(timeout=30)
        finally:
            process.kill()
            os.close(ours)
    assert process.returncode == 0
    assert f"recording s/# of {broker.address} into " in b"".join(seen).decode()
    assert "recorded      2 messages" in told
    found = [(m.topic, m.payload) for m in open_recording(tmp_path / "out").messages()]
    assert ("s/recorder", b"online") in found
    with Recording(broker.address, "--topic", "s/recorder", "--out", tmp_path / "after") as after:
        assert until(lambda: bool(now_in(tmp_path / "after")))
        assert after.end()[0] == 0
    assert [m.payload for m in open_recording(tmp_path / "after").messages()] == [b"offline"]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    """The shipped configuration with TLS, passwords and access list."""
    folder = tmp_path_factory.mktemp("production")
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    trustme.CA().cert_pem.write_to_path(folder / "other.crt")
    server.cert_chain_pems[0].write_to_path(folder / "server.crt")
    server.private_key_pem.write_to_path(folder / "server.key")
    (folder / "passwords").write_text(f"halltwin:{SECRET}\nbms:{SECRET}\n")
    (folder / "passwords").chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", folder / "passwords"], check=True, capture_output=True)
    certificates = folder / "ca.crt", folder / "server.crt", folder / "server.key"
    files = mosquitto.Production(*certificates, folder / "passwords", user=getpass.getuser())
    with start("mosquitto", folder / "broker", files=files) as running:
        yield running, folder


def test_a_secret_is_in_no_log_no_recording_and_no_process_list(production, tmp_path: Path):
    broker, folder = production
    address = f"mqtts://127.0.0.1:{broker.port}"
    secret = {PASSWORD: SECRET}
    arguments = (address, "--user", "halltwin", "--cafile", folder / "ca.crt", "--out", tmp_path / "out", "--json")
    with Recording(*arguments, **secret) as mine:
        assert until(lambda: known(tmp_path / "out"))
        listed = Path(f"/proc/{mine.process.pid}/cmdline").read_bytes()
        login = Login("bms", SECRET, folder / "ca.crt")
        with Publisher(parse_address(address), login, "bms") as sender:
            sender.connect(WAIT_S)
            # Retained: it comes as well where the topics are asked for a moment later.
            sender.publish("BMS/v1/PUB/Value/Rack/RackPower/a", b'{"value":1,"timestamp":1,"quality":1}', 1, True)
            assert sender.flush(WAIT_S)
            assert SECRET not in f"{login!r}{vars(sender.counters)}{sender.address}"
        code, told, said = mine.end()
    assert (code, json.loads(told)["messages"]) == (0, 1)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    for text in (told.encode(), said.encode(), listed, written, broker.log.read_bytes()):
        assert SECRET.encode() not in text


def test_a_wrong_password_or_authority_is_refused_once_and_in_words(production, tmp_path: Path):
    broker, folder = production
    address = f"mqtts://127.0.0.1:{broker.port}"
    good = ("--user", "halltwin", "--cafile", folder / "ca.crt")
    wrong = [
        ((address, *good), "wrong-" + SECRET, "not authorised"),
        ((address, *good[:3], folder / "other.crt"), SECRET, "certificate is not accepted"),
    ]
    for arguments, secret, words in wrong:
        done = twin("record", *arguments, "--out", "out", "--for", "20s", cwd=tmp_path, **{PASSWORD: secret})
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert SECRET not in done.stderr
    login = Login("halltwin", SECRET, folder / "ca.crt")
    elsewhere = [
        (address, Login(None, None, folder / "ca.crt"), "not authorised", 1),
        (address.replace("127.0.0.1", "localhost"), login, "certificate is not accepted: Hostname mismatch", 1),
        # TLS 1.3 asks for our certificate behind the handshake: a broker may hang up before it says what it lacks.
        (f"mqtts://127.0.0.1:{broker.launch.ports['mtls']}", login, "TLS does not come about", 2),
    ]
    for where, who, words, tries in elsewhere:
        with (
            Publisher(parse_address(where), who, "refused") as sender,
            pytest.raises(LinkError, match=words) as refused,
        ):
            sender.connect(WAIT_S)
        assert SECRET not in str(refused.value)
        assert 1 <= sender.counters.failures <= tries
