"""Whatever ends a run, its store stays valid, and ``resume`` makes the same bytes as a run that nothing disturbed."""

from __future__ import annotations

import errno
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs import bytes_of, run_child, start_child
from twin import InputError, open_run
from twin.engine import checkpoint
from twin.engine.simulate import simulate
from twin.engine.target import telling

PERIOD: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-02", "every": 3600}
PERIOD |= {"level": "cdu", "seed": 7, "intervals_per_block": 6}


def killed_while_waiting(out: Path) -> None:
    """Kill -9 after the first block."""
    with start_child(out, 4, "pause=1") as child:
        assert child.stdout is not None
        assert any(line == "done 1\n" for line in child.stdout)
        assert (out / checkpoint.NAME).is_file()
        child.kill()
    assert child.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """A run that was killed after its first block."""
    out = tmp_path_factory.mktemp("cut") / "run.zarr"
    killed_while_waiting(out)
    return out


def test_a_killed_run_resumes_to_the_same_bytes(tmp_path, unbroken, cut):
    out = shutil.copytree(cut, tmp_path / "run.zarr")
    assert open_run(out, partial=True).sizes["time"] == 6
    code, said = run_child(out, 4, "resume")
    assert code == 0
    assert said.splitlines()[:2] == ["note resuming at block 2 of 4", "done 1"]
    assert bytes_of(out) == bytes_of(unbroken)


@pytest.mark.parametrize("place", ["create", "chunk", "save"])
def test_a_run_killed_in_the_midst_of_writing_resumes_to_the_same_bytes(tmp_path, unbroken, place):
    out = tmp_path / "run.zarr"
    assert run_child(out, 4, f"die={place}")[0] == -signal.SIGKILL
    if place != "create":
        assert open_run(out, partial=True).sizes["time"] == 6
        # What zarr leaves of a chunk when it is killed inside a write.
        (out / "site_power" / "c" / "1.0123.partial").write_bytes(b"half")
    assert run_child(out, 4, "resume", "threads=2")[0] == 0
    assert bytes_of(out) == bytes_of(unbroken)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_present_block(tmp_path, unbroken, number):
    out = tmp_path / "run.zarr"
    with start_child(out, 4, "pause=1") as child:
        assert child.stdout is not None
        assert any(line == "done 1\n" for line in child.stdout)
        child.send_signal(number)
        assert child.stdout.readline().startswith("note stopping after the present block")
        said, _ = child.communicate("\n")
    assert child.returncode == 130
    assert f"{out}: stopped after block 1 of 4; continue with resume=True" in said
    assert run_child(out, 4, "resume")[0] == 0
    assert bytes_of(out) == bytes_of(unbroken)


def test_a_disk_that_fills_up_is_told_and_the_run_resumes(tmp_path, unbroken):
    out = tmp_path / "run.zarr"
    code, said = run_child(out, 4, "starve=1")
    assert code == 3
    assert "cannot be written" in said
    assert "MB are free" in said
    assert "make room and continue with resume=True" in said
    assert open_run(out, partial=True).sizes["time"] == 6
    assert list(out.rglob("*.partial")) == []
    assert run_child(out, 4, "resume")[0] == 0
    assert bytes_of(out) == bytes_of(unbroken)


@pytest.mark.parametrize(
    ("word", "change"),
    [
        ("weather", {"weather": "tampa"}),
        ("period", {"end": "2028-07-03"}),
        ("step", {"step": 600}),
        ("every", {"every": 1800}),
        ("seed", {"seed": 8}),
        ("level", {"level": "hall"}),
        ("load", {"load": "full"}),
        ("site", {"site": "frontier"}),
    ],
)
def test_only_the_same_run_is_resumed_and_the_difference_is_named(cut, word, change):
    before = bytes_of(cut)
    with pytest.raises(InputError, match=rf"holds a run of another ([\w, ]+, )?{word}\b"):
        simulate(**{"site": "oklahoma-10", **PERIOD, **change}, out=cut, resume=True)
    assert bytes_of(cut) == before


def test_another_version_is_not_resumed(cut, tmp_path):
    out = shutil.copytree(cut, tmp_path / "run.zarr")
    root = json.loads((out / "zarr.json").read_text())
    root["attributes"]["engine_digest"] = "another"
    (out / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(InputError, match="a run of another version: it cannot be resumed"):
        simulate("oklahoma-10", **PERIOD, out=out, resume=True)


@pytest.mark.parametrize(("left", "message"), [(None, "there is no checkpoint"), (b"PK not a zip", "cannot be read")])
def test_a_lost_or_broken_checkpoint_is_told(cut, tmp_path, left, message):
    out = shutil.copytree(cut, tmp_path / "run.zarr")
    (out / checkpoint.NAME).unlink()
    if left is not None:
        (out / checkpoint.NAME).write_bytes(left)
    with pytest.raises(InputError, match=message):
        simulate("oklahoma-10", **PERIOD, out=out, resume=True)


def test_an_unfinished_run_is_neither_opened_nor_begun_again_by_mistake(cut):
    with pytest.raises(InputError, match=r"unfinished \(6 intervals are recorded\)"):
        open_run(cut)
    with pytest.raises(InputError, match="holds an unfinished run: continue with resume=True"):
        simulate("oklahoma-10", **PERIOD, out=cut)


def test_a_finished_run_stays_when_it_is_resumed(unbroken):
    before = bytes_of(unbroken)
    assert simulate("oklahoma-10", **PERIOD, out=unbroken, resume=True).first_block == 4
    assert bytes_of(unbroken) == before


def test_a_run_killed_after_its_last_block_is_finished(tmp_path, unbroken):
    out = tmp_path / "run.zarr"
    with start_child(out, 4, "pause=4") as child:
        assert child.stdout is not None
        assert any(line == "done 4\n" for line in child.stdout)
        child.kill()
    code, said = run_child(out, 4, "resume")
    assert code == 0
    assert said.splitlines()[:2] == ["note all blocks are recorded: finishing the run", "done 4"]
    assert bytes_of(out) == bytes_of(unbroken)


def test_room_is_asked_for_only_where_there_is_none(tmp_path):
    for number, hint in ((errno.ENOSPC, "make room and continue"), (errno.EROFS, "continue with resume=True")):
        with pytest.raises(InputError) as told, telling(tmp_path, 1e6):
            raise OSError(number, "told by the system")
        assert hint in str(told.value)
        assert ("make room" in str(told.value)) == (number == errno.ENOSPC)


def test_a_run_with_a_checkpoint_left_after_its_end_is_tidied(cut, unbroken, tmp_path):
    out = shutil.copytree(unbroken, tmp_path / "run.zarr")
    shutil.copy(cut / checkpoint.NAME, out)
    simulate("oklahoma-10", **PERIOD, out=out, resume=True)
    assert bytes_of(out) == bytes_of(unbroken)
