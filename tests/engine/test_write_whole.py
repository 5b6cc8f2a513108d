"""A text file is there whole or not at all; a full disk is told in a sentence."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from twin.core.errors import InputError
from twin.engine.target import write_whole


def test_a_file_takes_the_place_of_an_older_one(tmp_path: Path):
    (tmp_path / "page.html").write_text("old")
    write_whole(tmp_path / "page.html", "new\n")
    assert (tmp_path / "page.html").read_bytes() == b"new\n"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_what_cannot_be_finished_leaves_the_older_one_and_nothing_else(tmp_path: Path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "page.html").write_text("old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"cannot be written: No space left on device, [0-9.]+ MB are free"):
        write_whole(tmp_path / "page.html", "new")
    assert (tmp_path / "page.html").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_device_is_written_to_and_stays_one():
    with pytest.raises(InputError, match="No space left on device"):
        write_whole(Path("/dev/full"), "x" * 100_000)
    assert Path("/dev/full").is_char_device()


def test_a_link_points_where_it_pointed(tmp_path: Path):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    write_whole(tmp_path / "link.html", "new")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"
