"""The first start, which compiles the kernels: interrupted, and without room for what it compiles."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.cli.child import DAY, TWIN, small_disk

RUN = ("simulate", "oklahoma-10", *DAY, "--out", "a.zarr")
COMPILING = "compiling the kernels once, about 20 s\n"


def begun(scratch: Path) -> int:
    """Compiling processes that have begun; none where they change the folder while it is walked through."""
    with suppress(FileNotFoundError):
        return len(list(scratch.rglob("warm.yaml")))
    return 0


def test_ctrl_c_while_the_kernels_are_compiled_ends_all_processes_quietly(tmp_path):
    cache, scratch, place = (tmp_path / name for name in ("cache", "scratch", "place"))
    for folder in (scratch, place):
        folder.mkdir()
    environment = {**os.environ, "HALLTWIN_CACHE": str(cache), "TMPDIR": str(scratch)}
    with subprocess.Popen(
        [*TWIN, *RUN], cwd=place, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        while child.poll() is None and begun(scratch) < 2:
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGINT)  # as a terminal does
        _, said = child.communicate()  # until nobody holds the pipe any more: the compiling processes have gone too
    assert (child.returncode, said) == (130, COMPILING + "interrupted\n")
    assert list(scratch.iterdir()) == []
    assert list(place.iterdir()) == []


def test_a_disk_that_fills_up_with_kernels_is_one_line(tmp_path):
    cache, place = tmp_path / "cache", tmp_path / "place"
    place.mkdir()
    done = small_disk(20_000, *RUN, cwd=place, HALLTWIN_CACHE=str(cache))
    assert (done.returncode, done.stdout) == (2, "")
    first, line = done.stderr.splitlines(keepends=True)
    assert first == COMPILING
    assert line.startswith(f"{cache}/kernels/")
    assert line.endswith("cannot be written: make room, or name another folder in HALLTWIN_CACHE\n")
    assert list(place.iterdir()) == []


def test_a_kernel_that_finds_no_room_later_is_named_too(tmp_path):
    """Few runs need all of them: what one needs that is not there is compiled and kept as it is called."""
    code = (
        "import resource; from twin.core.jit import mark_compiled; mark_compiled()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))\n"
        "from twin.cooling.moist_air import wet_bulb; from twin.core.errors import InputError\n"
        "try: wet_bulb(20.0, 0.01, 1e5)\n"
        "except InputError as error: print(error)"
    )
    environment = {**os.environ, "HALLTWIN_CACHE": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.startswith(f"{tmp_path}/kernels/")
    assert told.stdout.endswith("cannot be written: make room, or name another folder in HALLTWIN_CACHE\n")


def test_without_room_the_kernels_go_to_a_folder_that_is_removed(tmp_path):
    code = (
        "import shutil; usage = shutil.disk_usage('.')\n"
        "shutil.disk_usage = lambda folder: usage._replace(free=1_000_000)\n"
        "from twin.core.jit import cache_folder; print(cache_folder(), cache_folder().is_dir())"
    )
    environment = {**os.environ, "HALLTWIN_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    folder, there = told.stdout.split()
    assert there == "True"
    assert Path(folder).parents[2] == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
