"""Case ``plant``: the islands' loop with its plant against the same run with an ideal one.

The ideal plant takes whatever comes at its set point and draws nothing: no towers, chillers, economiser, water or
staging. It is put in the place of ``twin.cooling.plant`` before the loop is compiled, in a process of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Row, child

STEP_S, INTERVAL_S = 60.0, 3600.0
HOURS, QUICK_HOURS = 48, 12
MOST = 1.5
IDEAL = "ideal"


def run(quick: bool, full: bool) -> list[Row]:
    """How much longer the loop takes with the whole plant."""
    del full
    hours = str(QUICK_HOURS if quick else HOURS)
    child("tests.bench.plant", "1")  # compiles what is not compiled yet
    with tempfile.TemporaryDirectory() as cache:
        ideal = float(child("tests.bench.plant", hours, IDEAL, cache=Path(cache)).stdout)
    whole = float(child("tests.bench.plant", hours).stdout)
    work = "32,768 racks, 60 s: loop with its plants, per ideal plants"
    return [Row("plant", work, whole / ideal, "x", MOST, True, f"{whole:.2f} s CPU for {hours} h")]


def idealised() -> None:
    """Put the ideal plant in the place of the real one; before ``twin.engine`` is imported."""
    from twin.cooling import plant
    from twin.core.jit import kernel

    operation = plant.Operation

    @kernel
    def capacity(fac, row, w, supply, t_ret, guess, basin, dt, t_db, t_wb, p, count):
        return 1e15, 0.0

    @kernel
    def operate(fac, row, w, q, t_ret, supply, guess, basin, dt, t_db, t_wb, p, clocks):
        return operation(guess, basin, q, 0.0, 0.0, 0.0, q, 0.0, 0.0, 0.0, 0.0, 0.0)

    plant.capacity, plant.operate = capacity, operate


def spent(hours: int) -> float:
    """CPU seconds of the islands' loop over so many hours of July on one thread, after an hour unmeasured."""
    from concurrent.futures import ThreadPoolExecutor

    from twin.engine.prepare import prepare
    from twin.site.generate import bench_site

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        site = Path(folder, "bench-32k.yaml")
        site.write_text(bench_site())
        end = f"2028-07-{1 + hours // 24:02d}T{hours % 24:02d}:00"
        prepared = prepare(site, start="2028-07-01", end=end, step=STEP_S, every=INTERVAL_S, threads=1)
        engine, took = prepared.engine(), 0.0
        for index in range(engine.timeline.blocks):
            block = engine.timeline.block(index)
            forcing = engine.forcing(block)
            if index == 0:
                engine.run_islands(block, forcing, pool)
            begin = time.process_time()
            engine.run_islands(block, forcing, pool)
            took += time.process_time() - begin
        return took


if __name__ == "__main__":
    if IDEAL in sys.argv[2:]:
        os.environ["HALLTWIN_COMPILING"] = "1"  # compile here, not in a process without the ideal plant
        idealised()
    print(spent(int(sys.argv[1])))
