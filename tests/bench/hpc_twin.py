"""Case ``hpc``: 9,472 nodes at 15 s next to the best open twin of such a system.

ExaDigiT RAPS, Frontier, power only, 24 h at 15 s, whole process, on a machine of two cores: 9,600 nodes, 35 s, that is
1.6 million node-steps a second. It has no thermal model of its own; ours computes power and both thermal nodes of
every unit, the loops and the plant.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.bench import hpc_site
from tests.bench.measure import Cost, Row, child
from tests.bench.process import simulate

RAPS = 1.6e6
STEP_S = 15
STEPS_A_DAY = 86_400 // STEP_S
LOOP, MONTH, DAY = 100.0, 50.0, 10.0


def wall(cost: Cost) -> float:
    """What whole processes are compared by."""
    return cost.wall_s


def run(quick: bool, full: bool) -> list[Row]:
    """Unit-steps a second of the loop, of a month and of a day, as multiples of RAPS."""
    del full
    repeat = 1 if quick else 3
    with tempfile.TemporaryDirectory() as folder:
        site = str(hpc_site.write(Path(folder)))
        loops = [json.loads(child("tests.bench.blocks", site, "5", str(STEP_S)).stdout) for _ in range(repeat)]
        month = min((simulate(site, 30, STEP_S) for _ in range(repeat)), key=wall)
        day = min((simulate(site, 1, STEP_S) for _ in range(repeat)), key=wall)
    # One island, one thread: by CPU time.
    rate = max(found["rack_steps"] / found["cpu_s"] for found in loops)
    units = hpc_site.NODES * STEPS_A_DAY
    rows = [
        Row("loop / RAPS", "9,472 nodes, 15 s, the loop, CPU", rate / RAPS, "x", LOOP, False, f"{rate / 1e6:.0f} M/s")
    ]
    for name, work, days, cost, bar in (
        ("month / RAPS", "30 days, whole process", 30, month, MONTH),
        ("day / RAPS", "24 h, whole process", 1, day, DAY),
    ):
        detail = f"{cost.wall_s:.1f} s, {cost.cpu_s:.1f} s CPU"
        rows.append(Row(name, work, days * units / cost.wall_s / RAPS, "x", bar, False, detail))
    return rows


__all__ = ["run"]
