"""Case ``live``: the model of a live campus of 32,768 racks in steps of 1 s, driven by measurements and recorded."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from telemetry.clock import NS
from telemetry.live.frame import Floats, Frame, Mode
from telemetry.live.store import opened
from tests.bench.measure import Row, child
from twin.engine.driven import BOUNDS, Driven
from twin.engine.prepare import prepare
from twin.site.generate import bench_site

AT = datetime(2029, 7, 1, 12, tzinfo=UTC)
STEP_S, EVERY_S, FLUSH_S = 1.0, 10.0, 10
STEPS, QUICK_STEPS = 600, 120
SMALL = "oklahoma-10"
CORE, SMALL_MS, GROWTH = 0.5, 2.0, 1.1


def run(quick: bool, full: bool) -> list[Row]:
    """CPU of model and recorder a second, the slowest of a hundred steps, memory; the step of a small site."""
    del full
    steps = QUICK_STEPS if quick else STEPS
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "bench-32k.yaml")
        site.write_text(bench_site())
        cases = (
            (site, steps, "rack_power"),
            (site, steps, "all"),
            (site, steps // 4, "rack_power"),
            (SMALL, steps, "all"),
        )
        costs = [
            child("tests.bench.live_engine", str(at), str(n), what, str(Path(folder, f"run-{index}")))
            for index, (at, n, what) in enumerate(cases)
        ]
    powers, everything, brief, small = ((json.loads(cost.stdout), cost.peak_mb) for cost in costs)
    rows = []
    for (told, peak), work in ((powers, "all rack powers"), (everything, f"all {len(BOUNDS)} kinds of input")):
        about = (
            f"model {told['model']:.3f}, recorder {told['recorder']:.3f}; a step p50 {told['p50_ms']:.1f}, "
            f"p99 {told['p99_ms']:.1f} ms; {peak:,.0f} MiB"
        )
        rows.append(Row("live", f"32,768 racks, 1 s, {work}, recorded", told["cpu"], " cores", CORE, True, about))
    rows.append(Row("live", f"memory of {steps} s to {steps // 4} s", powers[1] / brief[1], "x", GROWTH, True))
    rows.append(Row("live", f"a step of {SMALL}, CPU", small[0]["own_ms"], " ms", SMALL_MS, True))
    return rows


def measure(site: str, steps: int, what: str, out: Path) -> dict[str, float]:
    """Cores and step times (ms) of a site driven for ``steps`` seconds by ``rack_power`` or by ``all``."""
    end = datetime.fromtimestamp(AT.timestamp() + EVERY_S, UTC).isoformat()
    run = prepare(site, start=AT.isoformat(), end=end, step="1s", every="10s", level="rack", threads=1)
    twin = Driven(run, AT.timestamp(), STEP_S, EVERY_S)
    inputs = _first(twin, what)
    walk, noise = inputs["rack_power"], np.random.default_rng(0)
    cpu, wall = np.zeros((steps, 2)), np.zeros(steps)
    with opened(out, run, 0.0, lambda said: print(said, file=sys.stderr)) as store:
        for n in range(steps):
            walk = walk * (1.0 + 0.002 * noise.standard_normal(len(walk)))
            inputs["rack_power"] = walk
            begin = time.process_time(), time.perf_counter()
            simulated = twin.step(inputs)
            cpu[n, 0], wall[n] = time.process_time() - begin[0], time.perf_counter() - begin[1]
            frame = _frame(n, twin, inputs, simulated)
            begin = time.process_time(), 0.0
            store.add(frame, twin.interval)
            if (n + 1) % FLUSH_S == 0:
                store.flush()
            cpu[n, 1] = time.process_time() - begin[0]
    twin.close()
    model, recorder = cpu.mean(axis=0) / STEP_S
    p50, p99 = np.percentile(1e3 * wall, [50.0, 99.0])
    own = 1e3 * float(np.median(cpu[:, 0]))
    return {"cpu": model + recorder, "model": model, "recorder": recorder, "own_ms": own, "p50_ms": p50, "p99_ms": p99}


def _first(twin: Driven, what: str) -> dict[str, Floats]:
    """The first inputs: what the model says by itself."""
    plain = twin.step({})
    return {name: plain[name] for name in (("rack_power",) if what == "rack_power" else BOUNDS)}


def _frame(n: int, twin: Driven, inputs: dict[str, Floats], simulated: dict[str, Floats]) -> Frame:
    used = {name: ~np.isnan(values) for name, values in twin.used.items()}
    ages = {name: np.zeros(len(values)) for name, values in inputs.items()}
    return Frame(n, round(twin.time_s) * NS, Mode.LIVE, simulated, dict(inputs), used, ages, 0.0)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))))


__all__ = ["run"]
