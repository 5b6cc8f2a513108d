"""Two processes never write to one folder of results, and a lock never outlives its process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.runs import bytes_of, run_child, start_child
from twin import InputError
from twin.engine import lock
from twin.engine.simulate import simulate

BLOCK: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-01T06:00", "every": 3600, "level": "site"}


@pytest.mark.parametrize("words", [{}, {"resume": True}, {"overwrite": True}])
def test_a_second_writer_is_refused_and_the_first_is_not_disturbed(tmp_path, unbroken, words):
    out = tmp_path / "run.zarr"
    with start_child(out, 4, "pause=1") as child:
        assert child.stdout is not None
        assert any(line == "done 1\n" for line in child.stdout)
        with pytest.raises(
            InputError, match="another process is writing a run here: wait for its end, or choose"
        ) as told:
            simulate("oklahoma-10", **BLOCK, out=out, **words)
        assert len(told.value.problems) == 1
        child.communicate("\n")
    assert child.returncode == 0
    assert bytes_of(out) == bytes_of(unbroken)
    assert list(tmp_path.iterdir()) == [out]


def test_a_lock_dies_with_its_process(tmp_path):
    out = tmp_path / "run.zarr"
    run_child(out, 4, "die=save")
    assert lock.lock_file(out).is_file()
    simulate("oklahoma-10", **BLOCK, out=out, overwrite=True)
    assert list(tmp_path.iterdir()) == [out]


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path):
    out = tmp_path / "deep" / "run.zarr"
    with lock.only_writer(out):
        with pytest.raises(InputError, match="another process is writing"), lock.only_writer(out):
            raise AssertionError
        with pytest.raises(InputError, match="another process is writing"):
            lock.refuse_if_held(out)
    lock.refuse_if_held(out)
    assert list(out.parent.iterdir()) == []


def test_a_file_that_its_holder_removes_is_no_lock(tmp_path, monkeypatch):
    """Its holder may end and remove it just before it is locked: what counts is the file that stands."""
    out, taken = tmp_path / "run.zarr", list[int]()
    honest = lock._lock

    def late(handle, folder):
        if not taken:
            lock.lock_file(out).unlink()
        taken.append(handle)
        honest(handle, folder)

    monkeypatch.setattr(lock, "_lock", late)
    with lock.only_writer(out), pytest.raises(InputError, match="another process is writing"):
        lock.refuse_if_held(out)
    assert len(taken) == 3
