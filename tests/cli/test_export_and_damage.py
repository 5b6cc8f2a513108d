"""What a run is worth that was damaged on disk, and an export that cannot be written: one line, nothing left behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.child import DAY, small_disk, twin
from twin import InputError, open_run

RUN = Path("runs", "oklahoma-10.zarr")
REMEDY = "the run is damaged, simulate again with --overwrite"


@pytest.fixture
def hurt(place, tmp_path):
    """A copy of the run, to be damaged."""
    shutil.copytree(place / RUN, tmp_path / "a.zarr")
    return tmp_path / "a.zarr"


@pytest.mark.parametrize("size", [0, 30_000, 200_000])
def test_an_export_onto_a_full_disk_is_one_line_and_leaves_nothing(place, tmp_path, size):
    done = small_disk(size, "export", place / RUN, "x.nc", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("x.nc: cannot be written: File too large")
    assert list(tmp_path.iterdir()) == []


def test_an_old_export_survives_a_new_one_that_fails(place, tmp_path):
    (tmp_path / "x.nc").write_text("old")
    done = small_disk(30_000, "export", place / RUN, "x.nc", "--overwrite", cwd=tmp_path)
    assert done.returncode == 2
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("nodir/y.nc", "nodir/y.nc: there is no folder nodir: make it first, or choose another name"),
        ("y.txt", "y.txt: expected a name that ends in .nc: a run is exported as NetCDF-4"),
        ("y", "y: expected a name that ends in .nc"),
        ("folder.nc", "folder.nc: is a folder, expected the name of a file"),
    ],
)
def test_a_file_that_cannot_be_is_told_with_all_else(tmp_path, file, message):
    (tmp_path / "folder.nc").mkdir()
    done = twin("export", "nowhere", file, cwd=tmp_path)
    assert done.returncode == 2
    run, line = done.stderr.splitlines()
    assert run == "nowhere: there is no run here"
    assert line.startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.nc"]


def test_a_run_that_is_whole_is_not_written_to_a_file_that_cannot_be(place, tmp_path):
    done = twin("export", place / RUN, "y.txt", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("y.txt: expected a name that ends in .nc: a run is exported as NetCDF-4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("chunk", "how"),
    [("site_power/c/0", "junk"), ("hall_it_power/c/0/0", "bit"), ("hall/c/0", "empty"), ("time/c/0", "bit")],
)
def test_a_broken_chunk_is_named(hurt, chunk, how):
    whole = (hurt / chunk).read_bytes()
    flipped = whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:]  # within the data: the checksum is the last four bytes
    (hurt / chunk).write_bytes({"junk": b"junk", "empty": b"", "bit": flipped}[how])
    done = twin("kpi", "a.zarr", cwd=hurt.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"a.zarr/{chunk}: cannot be decoded: {REMEDY}\n"


def test_a_broken_chunk_is_named_by_every_verb_and_as_json(hurt):
    (hurt / "site_power/c/0").write_bytes(b"junk")
    told = twin("kpi", "a.zarr", "--json", cwd=hurt.parent)
    assert (told.returncode, told.stderr) == (2, "")
    assert json.loads(told.stdout)["problems"][0]["file"] == "a.zarr/site_power/c/0"
    made = twin("export", "a.zarr", "b.nc", cwd=hurt.parent)
    assert (made.returncode, made.stderr) == (2, f"a.zarr/site_power/c/0: cannot be decoded: {REMEDY}\n")
    again = twin("simulate", "oklahoma-10", *DAY, "--out", "a.zarr", "--resume", cwd=hurt.parent)
    assert (again.returncode, again.stderr) == (2, f"a.zarr/site_power/c/0: cannot be decoded: {REMEDY}\n")
    assert [path.name for path in hurt.parent.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("verb", [("kpi",), ("kpi", "--json"), ("export", "b.nc")])
def test_a_lost_file_is_named_and_never_taken_for_missing_values(hurt, verb):
    shutil.rmtree(hurt / "site_power")
    (hurt / "hall" / "c" / "0").unlink()
    done = twin(verb[0], "a.zarr", *verb[1:], cwd=hurt.parent)
    assert done.returncode == 2
    for lost in ("hall", "site_power"):
        assert f"a.zarr/{lost}/c/0" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (hurt.parent / "b.nc").exists()
    with pytest.raises(InputError, match="site_power/c/0: is missing: the run is damaged"):
        open_run(hurt)


def test_values_that_are_missing_by_right_are_written(tmp_path):
    """Before the halls have power their temperatures are all missing; their files must be there all the same."""
    early = ("simulate", "oklahoma-10", "--from", "2020-07-01", "--to", "2020-07-02", "--out", "a.zarr", "--no-page")
    assert twin(*early, cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.zarr/hall_return_temperature/c/0/0").is_file()
    assert open_run(tmp_path / "a.zarr").hall_return_temperature.isnull().all()
