"""A table that is kept is the one that would be made, whatever became of its file."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twin.core import kept as module
from twin.core.jit import COMPILING
from twin.core.kept import MOST, Floats, kept

SHAPE = (3, 5)


class Made:
    """Makes a table and counts how often."""

    def __init__(self) -> None:
        self.table = np.random.default_rng(7).normal(size=SHAPE)
        self.times = 0

    def __call__(self) -> Floats:
        self.times += 1
        return self.table.copy()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    monkeypatch.delenv(COMPILING, raising=False)
    return tmp_path


def test_it_is_made_once_and_read_to_the_last_bit(folder: Path) -> None:
    made = Made()
    both = [kept("t", b"of this", SHAPE, made) for _ in range(2)]
    assert made.times == 1
    assert [table.tobytes() for table in both] == [made.table.tobytes()] * 2
    assert [table.shape for table in both] == [SHAPE] * 2
    assert len(list(folder.iterdir())) == 1


def test_of_anything_else_it_is_another_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made()
    kept("t", b"of this", SHAPE, made)
    kept("t", b"of that", SHAPE, made)
    kept("other", b"of this", SHAPE, made)
    monkeypatch.setattr(module, "processor", lambda: "another processor")
    kept("t", b"of this", SHAPE, made)
    assert made.times == len(list(folder.iterdir())) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-8],
        lambda data: data + bytes(8),
        lambda data: bytes(len(data)),
        lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:],
    ],
    ids=["empty", "cut in its digest", "cut", "longer", "zeros", "a bit"],
)
def test_a_damaged_file_is_made_anew(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    made = Made()
    kept("t", b"of this", SHAPE, made)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert kept("t", b"of this", SHAPE, made).tobytes() == made.table.tobytes()
    assert made.times == 2
    assert file.read_bytes() == whole


def test_a_disk_that_is_full_costs_time_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        with open(path, "wb") as out:
            out.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    made = Made()
    for times in (1, 2):
        assert kept("t", b"of this", SHAPE, made).tobytes() == made.table.tobytes()
        assert made.times == times
    assert list(folder.iterdir()) == []


def test_no_file_is_written_where_the_room_is_needed_for_kernels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda at: (10**9, 10**9 - 1000, 1000))
    kept("t", b"of this", SHAPE, Made())
    assert list(folder.iterdir()) == []


def test_whoever_compiles_neither_reads_nor_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made()
    kept("t", b"of this", SHAPE, made)
    monkeypatch.setenv(COMPILING, "1")
    kept("t", b"of this", SHAPE, made)
    kept("t", b"of that", SHAPE, made)
    assert made.times == 3
    assert len(list(folder.iterdir())) == 1


def test_the_oldest_are_forgotten_and_kernels_stay(folder: Path) -> None:
    (folder / "kernel.nbc").write_bytes(b"machine code")
    for n in range(MOST + 5):
        kept("t", bytes([n]), SHAPE, Made())
    assert len(list(folder.glob("*.table"))) == MOST
    assert (folder / "kernel.nbc").exists()
    last = Made()
    kept("t", bytes([MOST + 4]), SHAPE, last)
    assert last.times == 0
