"""Case ``year``: a year of a campus of 32,768 racks at a step of 60 s on two cores, and the memory of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measure import Row
from tests.bench.process import simulate
from twin.site.generate import bench_site

STEP_S = 60
DAYS, QUICK_DAYS, YEAR = 15, 4, 365
YEAR_S, GROWTH, PEAK_MB = 300.0, 1.1, 1024.0


def run(quick: bool, full: bool) -> list[Row]:
    """Wall time of a year (measured with ``full``, else scaled from some days), growth and peak of memory."""
    days = YEAR if full else QUICK_DAYS if quick else DAYS
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "bench-32k.yaml")
        site.write_text(bench_site())
        simulate(str(site), 1 / 24, STEP_S)  # compiles what is not compiled yet
        day = simulate(str(site), 1, STEP_S)
        long = simulate(str(site), days, STEP_S)
    daily = (long.wall_s - day.wall_s) / (days - 1)
    wall = long.wall_s if full else day.wall_s + daily * (YEAR - 1)
    how = "measured" if full else f"{days} days in {long.wall_s:.1f} s, scaled"
    work = "32,768 racks, 60 s, whole process"
    detail = f"{how}; {long.cpu_s / days:.2f} s CPU a day"
    return [
        Row("year", work, wall, " s", YEAR_S, True, detail),
        Row("memory", f"{days} days / 1 day", long.peak_mb / day.peak_mb, "x", GROWTH, True),
        Row("memory", f"{days} days, peak", long.peak_mb, " MB", PEAK_MB, True),
    ]


__all__ = ["run"]
