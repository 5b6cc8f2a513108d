"""Case ``loop``: the compiled rack loop next to the same loop in C and in NumPy, per rack and step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.bench.c_twin import NumpyTwin, Problem, problem, run_c, run_numba
from tests.bench.measure import Row, by_turns

ROOT = Path(__file__).parents[2]
PER_GROUP = 32
C_STREAMING, C_IN_CACHE, NUMPY = 1.2, 2.0, 8.0
# (racks, steps, highest ratio to C)
SIZES = ((256, 4000, C_IN_CACHE), (1024, 1000, C_IN_CACHE), (32_768, 40, C_STREAMING), (131_072, 10, C_STREAMING))


def agree(racks: int, steps: int) -> None:
    """Raise ``AssertionError`` unless the three twins leave the same racks and sums behind."""
    c, ours, array = (problem(racks, PER_GROUP, steps) for _ in range(3))
    run_c(c)
    run_numba(ours)
    NumpyTwin(array).run()
    for other in (c, array):
        np.testing.assert_allclose(ours.racks, other.racks, rtol=1e-12)
        np.testing.assert_allclose(ours.sums, other.sums, rtol=1e-12)


def nanoseconds(racks: int, steps: int, repeat: int, numpy: bool = False) -> dict[str, float]:
    """CPU time per rack and step of the twins, ns."""
    q: dict[str, Problem] = {name: problem(racks, PER_GROUP, steps) for name in ("c", "numba", "numpy")}
    array = NumpyTwin(q["numpy"])
    work = {"c": lambda: run_c(q["c"]), "numba": lambda: run_numba(q["numba"])}
    if numpy:
        work["numpy"] = array.run
    return {name: 1e9 * best / (racks * steps) for name, best in by_turns(work, repeat).items()}


def l2_bytes() -> int | None:
    """Size of a core's second cache where Linux tells."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text().strip()
    except OSError:
        return None
    return int(text.removesuffix("K")) * 1024 if text.endswith("K") else None


def run(quick: bool, full: bool) -> list[Row]:
    """Ratios at four sizes, and to NumPy at the size of the benchmark campus."""
    del full
    # Compiled by another process, as every run of the twin is: what one has just compiled is up to 1.4 times slower.
    subprocess.run(
        [sys.executable, "-c", "from tests.bench.rack_loop import agree; agree(64, 2)"], check=True, cwd=ROOT
    )
    agree(1024, 50)
    repeat = 8 if quick else 25
    l2 = l2_bytes()
    rows = []
    for racks, steps, bar in SIZES:
        streams = racks == 32_768
        t = nanoseconds(racks, steps, repeat, numpy=streams)
        size = 48 * racks
        fits = "" if l2 is None else f", {'in' if size < l2 else 'beyond'} L2"
        work = f"{racks:,} racks, {size / 2**20:.2g} MB{fits}"
        detail = f"{t['numba']:.2f} against {t['c']:.2f} ns"
        rows.append(Row("loop / C", work, t["numba"] / t["c"], "x", bar, True, detail))
        if streams:
            detail = f"{t['numpy']:.1f} against {t['numba']:.2f} ns"
            rows.append(Row("NumPy / loop", work, t["numpy"] / t["numba"], "x", NUMPY, False, detail))
    return rows


__all__ = ["agree", "nanoseconds", "run"]
