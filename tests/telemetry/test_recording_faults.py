"""Recordings under faults: kills, files cut at any byte, flipped bits, a disk that is full, slow or forgets."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from mcap.exceptions import EndOfFile
from mcap.reader import NonSeekingReader, make_reader

from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording import write
from telemetry.recording.layout import beginning
from telemetry.recording.read import Recording, open_recording
from telemetry.recording.write import Recorder
from tests.telemetry.recorded import NOW, HandClock, record, stream, written

# Records the stream without end, from where the folder stands; says after each commit what is safe.
CHILD = """
import random, sys
from pathlib import Path
from typing import Any
from telemetry.recording.write import Recorder
from tests.telemetry.recorded import HandClock, stream
recorder = Recorder(Path(sys.argv[1]), {}, rotate_bytes=30_000, clock=HandClock())
at = 0 if recorder.last is None else recorder.last.sequence + 1
draw = random.Random(at)
while True:
    count = draw.choice((1, 20, 400))
    recorder.add(stream(count, at))
    recorder.commit()
    at += count
    print(at, flush=True)
"""


def test_what_was_committed_survives_a_kill_at_any_moment(tmp_path):
    draw = random.Random(20280712)
    safe, last = 0, 0
    for _ in range(6):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            for line in child.stdout:
                safe = int(line)
                if draw.random() < 0.02:
                    break
            child.send_signal(signal.SIGKILL)
            safe = max([safe, *(int(line) for line in child.stdout if line.endswith("\n"))])
        finally:
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()
        found = list(open_recording(tmp_path).messages())
        assert len(found) >= safe
        last = len(found)
        assert found == stream(last)
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    assert recorder.last == stream(1, last - 1)[0]
    recorder.close()
    for path in open_recording(tmp_path).files:
        official(path)


def official(path: Path) -> int:
    """Messages that the official reader finds, its checks on."""
    with path.open("rb") as opened:
        reader = make_reader(opened, validate_crcs=True)
        assert reader.get_summary() is not None
        return sum(1 for _ in reader.iter_messages(log_time_order=False))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[tuple[int, int]]]:
    """A file in writing of 12 commits, one of them a mark; (size, messages) after each commit."""
    folder = tmp_path_factory.mktemp("small")
    recorder = Recorder(folder, {"dialect": "dsx"}, clock=HandClock())
    sizes = []
    for begin in range(0, 60, 5):
        if begin == 30:
            recorder.mark(Mark("gap", NOW))
        recorder.add(stream(5, begin))
        recorder.commit()
        sizes.append((sum(path.stat().st_size for path in folder.iterdir()), begin + 5))
    recorder.abandon()
    return next(folder.iterdir()).read_bytes(), sizes


def test_a_file_cut_at_any_byte_holds_all_that_was_committed_before(small, tmp_path):
    data, commits = small
    path = tmp_path / "20280712T180000Z-000001.mcap"
    for size in range(8, len(data) + 1):
        path.write_bytes(data[:size])
        found = list(open_recording(path).messages())
        assert found == stream(len(found))
        assert len(found) >= max((messages for end, messages in commits if end <= size), default=0)
        if size % 97 == 0 or size == len(data):
            recorder = Recorder(tmp_path, {}, clock=HandClock())
            assert recorder.last == (found[-1] if found else None)
            recorder.close()
            assert path.exists() or not found
            if path.exists():
                healed = open_recording(path)
                assert list(healed.messages()) == found
                assert official(path) == len(found) + len(healed.marks())


def test_a_finished_file_that_loses_its_end_loses_no_message(tmp_path):
    path = written(tmp_path, stream(60), 5)
    data = path.read_bytes()
    end = data.index(b"\x0f\x04\0\0\0\0\0\0\0\0\0\0\0")  # end of the data
    assert end < len(data) - 1000
    for size in range(end, len(data), 31):
        path.write_bytes(data[:size])
        assert list(open_recording(path).messages()) == stream(60)
        if size % 5 == 0:  # as where the healing was killed
            Recorder(tmp_path, {}, clock=HandClock()).close()
            assert official(path) == 60


def test_zeros_behind_the_last_chunk_are_cut(tmp_path):
    path = written(tmp_path, stream(60), 5, close=False)
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes() + bytes(3_000_000))  # as a loss of power can leave them
    assert list(open_recording(path).messages()) == stream(60)
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    assert recorder.healed[path].cut == 3_000_000
    assert whole < path.stat().st_size < whole + 10_000
    recorder.close()


def test_what_a_loss_of_power_leaves_in_the_head_keeps_nobody_from_recording(tmp_path):
    path = written(tmp_path, stream(60), 5, close=False)
    head = path.read_bytes()[: len(beginning({"broker": "mqtt://127.0.0.1"})[0])]
    for cut in range(30, len(head), 7):
        path.write_bytes(head[:cut] + b"\xff" * 5_000)
        recorder = Recorder(tmp_path, {}, clock=HandClock())
        recorder.add(stream(1))
        recorder.close()
        assert list(open_recording(tmp_path).messages()) == stream(1)
        for file in tmp_path.iterdir():
            file.unlink()


def test_a_file_that_was_killed_before_its_first_byte_disturbs_nobody(tmp_path):
    written(tmp_path, stream(10))
    fresh = tmp_path / "20280712T180000Z-000002.mcap"
    for begun in (b"", b"\x89MCA", b"\x89MCAP0\r\n", b"\x89MCAP0\r\n\x01\x10"):
        fresh.write_bytes(begun)
        assert list(open_recording(tmp_path).messages()) == stream(10)
        recorder = Recorder(tmp_path, {}, clock=HandClock())
        assert recorder.last == stream(1, 9)[0]
        recorder.close()
        assert not fresh.exists()


@pytest.mark.parametrize("seed", range(4))
def test_no_bytes_whatever_break_the_reader(seed, tmp_path):
    draw = random.Random(seed)
    data = written(tmp_path, stream(200), 20, close=seed % 2 == 0).read_bytes()
    path = tmp_path / "any.mcap"
    for _ in range(60):
        begin, end = sorted((draw.randrange(len(data)), draw.randrange(len(data))))
        middle = draw.choice((draw.randbytes(end - begin), b"", data[begin:end] * 2, b"\xff" * 9, b"\6" + data[-40:]))
        path.write_bytes(data[:8] + data[8 : max(8, begin)] + middle + data[max(8, end) :])
        recording = open_recording(path)
        for _ in recording.messages():
            pass
        recording.marks()
        recording.notes()


def test_the_official_streaming_reader_reads_an_unfinished_file(tmp_path):
    path = written(tmp_path, stream(300), 50, close=False)
    with path.open("rb") as opened:
        rows = NonSeekingReader(opened, validate_crcs=True).iter_messages(log_time_order=False)
        found = [message.data for _, _, message in islice(rows, 300)]
        with pytest.raises(EndOfFile):
            next(rows)
    assert found == [message.payload for message in stream(300)]


def test_the_marks_of_a_healed_file_are_found(small, tmp_path):
    data, _ = small
    path = tmp_path / "20280712T180000Z-000001.mcap"
    path.write_bytes(data)
    assert open_recording(path).marks() == [Mark("gap", NOW)]
    Recorder(tmp_path, {}, clock=HandClock()).close()
    assert open_recording(path).marks() == [Mark("gap", NOW)]


@pytest.mark.parametrize("close", [True, False])
def test_a_file_cut_anywhere_is_read_up_to_there(close, tmp_path):
    data = written(tmp_path, stream(20_000, topics=500), 250, close=close).read_bytes()
    draw = random.Random(5)
    path = tmp_path / "cut.mcap"
    for size in sorted(draw.randrange(300, len(data)) for _ in range(25)):
        path.write_bytes(data[:size])
        found = [m.sequence for m in open_recording(path).messages()]
        assert found == list(range(len(found)))
        assert len(found) >= 20_000 * (size / len(data) - 0.15) - 500


@pytest.mark.parametrize("close", [True, False])
def test_flipped_bits_cost_their_chunk_and_are_told(close, tmp_path):
    messages = stream(3000, topics=40)
    data = written(tmp_path, messages, 100, close=close).read_bytes()
    draw = random.Random(7)
    path = tmp_path / "20280712T180000Z-000009.mcap"
    known, lost = {m.sequence: m for m in messages}, []
    for _ in range(120):
        hurt = bytearray(data)
        for _ in range(draw.choice((1, 1, 3))):
            hurt[draw.randrange(8, len(hurt))] ^= 1 << draw.randrange(8)
        path.write_bytes(hurt)
        recording = open_recording(path)
        found = list(recording.messages())
        assert all(known[m.sequence] == m for m in found)
        assert [m.sequence for m in found] == sorted({m.sequence for m in found})
        lost.append(len(messages) - len(found))
        assert not lost[-1] or recording.notes()
    assert sorted(lost)[len(lost) // 2] <= 300  # the median: three chunks


@pytest.mark.parametrize("close", [True, False])
def test_channels_are_told_again_so_that_damage_stays_local(close, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "REPEAT_BYTES", 1500)
    path = written(tmp_path, stream(2000), 50, close=close)
    data = bytearray(path.read_bytes())
    data[data.index(b"zstd") + 200] ^= 0xFF  # in the first chunk, which tells of all channels first
    path.write_bytes(data)
    recording = open_recording(path)
    found = [m.sequence for m in recording.messages()]
    assert found == list(range(2000 - len(found), 2000))
    assert len(found) == 1950 if close else 1500 < len(found) < 1950
    told = " ".join(recording.notes())
    assert "the checksum" in told or "cannot be unpacked" in told
    assert close or "messages are on channels nobody described" in told


def test_healing_leaves_what_stands_behind_a_damaged_chunk(tmp_path):
    path = written(tmp_path, stream(1000), 100, close=False)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data + b"\x06 a torn end")
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    assert recorder.last == stream(1, 999)[0]
    assert recorder.healed[path].cut == 12
    assert len(recorder.healed[path].damages) == 1
    recorder.close()
    assert [m.sequence for m in open_recording(path).messages()][-500:] != []
    assert sum(1 for _ in open_recording(path).messages()) == 900


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process can grow beyond ``size`` bytes: to it, a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_nothing_is_lost_or_doubled(tmp_path):
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    messages = stream(4000, topics=300)
    done = 0
    with files_up_to(20_000):
        with pytest.raises(OSError, match="File too large"):  # noqa: PT012, it fails in one of them
            for done in range(100, 4000, 100):
                recorder.add(messages[done - 100 : done])
                recorder.commit()
        assert list(open_recording(tmp_path).messages()) == messages[: done - 100]
        with pytest.raises(OSError, match="File too large"):
            recorder.commit()
        recorder.add(messages[done : done + 100])
    recorder.commit()
    assert list(open_recording(tmp_path).messages()) == messages[: done + 100]
    record(recorder, messages[done + 100 :])
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == messages
    assert official(open_recording(tmp_path).files[0]) == 4000


def test_a_commit_returns_after_the_disk_was_told_to_keep_it(tmp_path, monkeypatch):
    flush, kept = os.fdatasync, []

    def flushed(handle: int) -> None:
        flush(handle)
        kept.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fdatasync", flushed)
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    for n in range(5):
        recorder.add(stream(10, 10 * n))
        assert len(kept) == n
        recorder.commit()
        (path,) = tmp_path.iterdir()
        assert kept[n:] == [path.stat().st_size]
    recorder.close()


def test_a_disk_that_is_full_from_the_start_leaves_no_file(tmp_path):
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    recorder.add(stream(10))
    with files_up_to(10), pytest.raises(OSError, match="File too large"):
        recorder.commit()
    assert list(tmp_path.iterdir()) == []
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == stream(10)


class Faulty(FileIO):
    """A file of a bad disk: takes a part of what is written, or nothing, or cuts nothing back."""

    draw = random.Random(11)
    fails = True

    def write(self, data: Any) -> int:
        """Write all, a part, or nothing."""
        luck = self.draw.random() if self.fails else 0.9
        if luck < 0.3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[: max(1, len(data) // 3)] if luck < 0.6 else data)

    def truncate(self, size: int | None = None) -> int:
        """Cut, or not."""
        if self.fails and self.draw.random() < 0.5:
            raise OSError(errno.EIO, "Input/output error")
        return super().truncate(size)


def test_commits_that_fail_in_any_way_are_made_up_for(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "FileIO", Faulty)
    flush, draw = os.fdatasync, random.Random(13)

    def flushed(handle: int) -> None:
        if Faulty.fails and draw.random() < 0.3:
            raise OSError(errno.EIO, "Input/output error")
        flush(handle)

    monkeypatch.setattr(os, "fdatasync", flushed)
    recorder = Recorder(tmp_path, {}, rotate_bytes=6000, clock=HandClock())
    messages, safe, failed = stream(3000), 0, 0
    for begin in range(0, 3000, 30):
        recorder.add(messages[begin : begin + 30])
        try:
            recorder.commit()
            safe = begin + 30
        except OSError:
            failed += 1
        found = list(open_recording(tmp_path).messages()) if any(tmp_path.iterdir()) else []
        assert found == messages[: len(found)]
        assert len(found) >= safe
    assert 20 < failed < 80
    Faulty.fails = False
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == messages


def test_a_recording_is_read_while_it_grows(tmp_path):
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    record(recorder, stream(100))
    recording: Recording = open_recording(tmp_path)
    record(recorder, stream(100, 100))
    recorder.mark(Mark("flood", NOW))
    recorder.commit()
    assert list(recording.messages()) == stream(200)
    assert recording.notes() == []
    assert open_recording(tmp_path).marks() == [Mark("flood", NOW)]
    recorder.close()


def test_an_empty_message_of_a_megabyte_and_a_flood_of_bytes_fit(tmp_path):
    messages = [Message("a", os.urandom(n), NOW, i) for i, n in enumerate((0, 1_000_000, 3_000_000, 1))]
    assert list(open_recording(written(tmp_path, messages)).messages()) == messages
