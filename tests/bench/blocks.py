"""The stepping loop alone: ``python -m tests.bench.blocks SITE DAYS STEP_S [THREADS]`` prints its cost as JSON.

Forcing, all steps, headroom and the rows of every block are in the figure; reading the site, the first compilation and
files are not.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

import numpy as np

from twin.engine.run import Engine, make_engine
from twin.engine.timeline import make_timeline
from twin.forcing.load import Daily
from twin.forcing.weather import load_weather
from twin.site.load import load_site
from twin.site.lower import lower

START = datetime(2028, 7, 1, tzinfo=UTC)
DAY = 86_400.0


def engine(site: str, days: float, step: float, threads: int) -> Engine:
    """An engine over ``days`` from the first of July."""
    loaded = load_site(site)
    plan = lower(loaded)
    loads = [loaded.site.loads[name.split("|")[0]] for name in plan.labels.curve]
    curves = [Daily(c.mean, c.daily_amplitude, c.peak_hour, c.weekend_factor) for c in loads]
    begin = START.timestamp()
    timeline = make_timeline(begin, begin + days * DAY, step, 3600.0, plan.hall_start_s.astype(np.float64))
    weather = load_weather(loaded.site.weather.file)
    return make_engine(plan, weather, list(curves), timeline, seed=1, threads=threads, racks=False)


def loop(site: str, days: float, step: float, threads: int) -> dict[str, float]:
    """Wall and CPU seconds of the loop over ``days``, after an hour that loads the kernels; and its rack-steps."""
    for _ in engine(site, 1 / 24, step, threads).blocks():
        pass
    made = engine(site, days, step, threads)
    wall, cpu = time.perf_counter(), time.process_time()
    peak = max(float(result.levels["site"].max()) for result in made.blocks())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall_s": wall, "cpu_s": cpu, "rack_steps": made.plan.racks * days * DAY / step, "largest": peak}


if __name__ == "__main__":
    site, days, step, *threads = sys.argv[1:]
    print(json.dumps(loop(site, float(days), float(step), int(threads[0]) if threads else 2)))
