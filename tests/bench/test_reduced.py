"""The benchmarks in small: what can be lost without anybody noticing is noticed here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numba
import numpy as np
import pytest

from tests.bench import bands, dsx_decode, readme
from tests.bench.long_trace import show, write_trace
from tests.bench.measure import Row, child
from tests.bench.rack_loop import agree, nanoseconds
from tests.bench.table import document, markdown, text
from twin.racks.kernel import heat_pass, power_pass, running_max
from twin.site.generate import bench_site

# A loop that is not vectorised is more than three times as slow as C; a vectorised one was never above 1.6.
LOST = 2.5
# Arithmetic on whole registers inside the optimised loop, whatever their width.
VECTOR = re.compile(r"= f(mul|add|sub|cmp)\b.*<\d+ x double>")


def test_c_numba_and_numpy_leave_the_same_racks_behind():
    agree(256, 40)


def test_the_rack_loop_is_as_near_to_c_as_a_vectorised_loop_is():
    t = nanoseconds(8192, 100, repeat=12)
    assert t["numba"] / t["c"] < LOST


def test_a_good_value_of_dsx_takes_the_quick_way():
    # The slow way is above ten times msgspec's decode, the quick one was never above 3.1.
    t = dsx_decode.nanoseconds("good", repeat=5)
    assert t["ours"] / t["msgspec"] < 5.0


@pytest.mark.parametrize("loop", [power_pass, heat_pass, running_max], ids=["power_pass", "heat_pass", "running_max"])
def test_llvm_vectorises_the_loop_over_the_racks_of_a_group(loop):
    # Compiled afresh: what comes from the disk cache is machine code without its LLVM text.
    options = {k: v for k, v in loop.targetoptions.items() if k != "nopython"}
    fresh = numba.njit(**options)(loop.py_func)
    x = [np.linspace(0.1, 0.9, 64) for _ in range(4)]
    arguments = {
        power_pass: (*x, 0.5, 0.7, 1.0, 2.0, 3.0),
        heat_pass: (*x, 0.1, 0.1, 0.1, 2.0, 20.0, 22.0, 60.0),
        running_max: (x[0], x[1]),
    }
    fresh(*arguments[loop])
    (ir,) = fresh.inspect_llvm().values()
    assert VECTOR.search(ir)


def test_memory_does_not_grow_with_simulated_time(tmp_path: Path):
    site = tmp_path / "small.yaml"
    site.write_text(bench_site(256, 2))
    # At 60 s a block is some eleven days: two blocks, then five. The hour before compiles, which takes memory too.
    _, short, long = (child("tests.bench.blocks", str(site), days, "60") for days in ("0.125", "23", "56"))
    assert json.loads(long.stdout)["rack_steps"] == 256 * 56 * 1440
    assert long.peak_mb < 1.05 * short.peak_mb


@pytest.mark.parametrize(("ordered", "options"), [(True, ()), (False, ("--sort",))], ids=["sorted", "to be sorted"])
def test_a_trace_takes_less_memory_than_it_has(ordered: bool, options: tuple[str, ...], tmp_path: Path):
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    write_trace(small, 5, sort=ordered)
    rows = write_trace(large, 50, sort=ordered)
    base, _ = show(small, *options)
    cost, counted = show(large, *options)
    assert counted == rows
    # Ten times the file takes no more than its blocks do, or what a sorted run holds (2**19 rows of 57 bytes, thrice).
    assert cost.peak_mb < (1.25 * base.peak_mb if ordered else 200.0)


def test_the_bands_of_a_year_take_two_minutes():
    """Eight samples of four days of a small site, told as those of a year; and a centre within its 0.5 %.

    Wall time on a machine that runs tests: what lost its reduced plan would take ten times as long.
    """
    row = bands.year("oklahoma-10", 4, 8)
    assert row.value < 3.0 * row.bar
    assert bands.centre("oklahoma-10", 7).met


@pytest.fixture
def rows() -> list[Row]:
    return [
        Row("loop / C", "256 racks", 1.5, "x", 2.0, True, "2 against 3 ns"),
        Row("day", "24 h", 9.0, "x", 10, False),
    ]


def test_a_missed_bar_is_called_missed(rows: list[Row]):
    met, missed = text(rows).splitlines()[1:]
    assert met.split()[-2:] == ["2x", "met"]
    assert missed.split()[-2:] == ["10x", "MISSED"]
    assert not document(rows, 0.0)["met"]


def test_the_readme_takes_the_table_between_its_markers_and_nothing_else(rows: list[Row], tmp_path: Path):
    (tmp_path / "build").mkdir()
    found = document(rows, 0.0)
    assert readme.main(tmp_path) == 2
    (tmp_path / "build" / "bench.json").write_text(json.dumps(found))
    assert readme.main(tmp_path) == 2
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    assert readme.main(tmp_path) == 0
    once = page.read_text()
    assert once == f"before\n<!-- bench -->\n{markdown(found)}\n<!-- /bench -->\nafter\n"
    assert readme.main(tmp_path) == 0
    assert page.read_text() == once


def test_a_readme_without_markers_is_left_alone(rows: list[Row], tmp_path: Path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "bench.json").write_text(json.dumps(document(rows, 0.0)))
    page = tmp_path / "README.md"
    page.write_text("no place for a table\n")
    assert readme.main(tmp_path) == 2
    assert page.read_text() == "no place for a table\n"
