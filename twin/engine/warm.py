"""Compile every kernel that a run calls, on a tiny site: ``python -m twin.engine.warm``.

``twin.core.jit`` starts it in a child process when the cache is empty, and says why there. Two processes share the
work, for the compiler uses one core: the islands' loop in one; the campus pass, headroom, loadings and fleet in the
other. ``python -m twin.engine.warm power`` compiles the machine of the power path, for failures in it.
Exit code 74 says that the cache cannot be written.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from twin.cooling.exchanger import crossflow, transfer
from twin.core.jit import NOT_WRITTEN, POWER, mark_compiled, note_compiled
from twin.engine.power_machine import machine_of
from twin.engine.prepare import prepare
from twin.engine.room import Rooms, energised
from twin.engine.uneven import by_hours
from twin.forcing.coincident import Air
from twin.site.generate import bench_site
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.power_site import power_site

ISLANDS, REST = "islands", "rest"
# Objects between two looks for dead cycles. The compiler makes millions that live: looking costs a seventh of its time.
RARELY = 100_000
FLEET = """
inference:
  demand: {chat: {workload: chat, fill: 0.9}}
  services: {chat: {serve: {serving: llama-3.3-70b-cs3, templates: [cs3]}, mix: {chat: 1}}}
"""


def main(part: str = "") -> int:
    """Compile the islands' loop here and the rest in a child, then mark the cache as filled; returns the exit code."""
    if part == POWER:
        return machine()
    if part == REST:
        return compiled(rest=True)
    with subprocess.Popen([sys.executable, "-m", "twin.engine.warm", REST]) as other:
        code = compiled(rest=False)
        if code:
            other.kill()
    code = code or other.returncode
    if code == 0:
        mark_compiled()
    return code


def compiled(*, rest: bool) -> int:
    """Run one share of the kernels; 0, or the exit code that says that they cannot be written."""
    gc.freeze()
    gc.set_threshold(RARELY, 20, 50)
    try:
        with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
            site = Path(folder) / "warm.yaml"
            site.write_text(bench_site(racks=32, halls=1) + (FLEET if rest else ""))
            prepared = prepare(site, start="2028-01-01", end="2028-01-01T01:00", step=60.0, threads=1)
            engine = prepared.engine()
            block = engine.timeline.block(0)
            forcing = engine.forcing(block)
            if rest:
                engine.finish(block, forcing, pool)
                by_hours(engine, prepared.plan, None).finish(block, forcing, pool)
                power, calm = np.zeros(len(prepared.plan.arrays.group)), Air(15.0, 10.0, 101_325.0)
                Rooms(prepared.plan, *energised(prepared.plan, block.t_end[-1]), power, calm).loadings()
            else:
                engine.run_islands(block, forcing, pool)
                # What reading other plants than this site's takes.
                crossflow(1.0, 0.5)
                transfer(1.0, 1.0, 1.0)
        note_compiled(REST if rest else ISLANDS)
    except OSError:
        return NOT_WRITTEN
    return 0


def machine() -> int:
    """Run the passes of a machine once; as :func:`compiled`."""
    gc.freeze()
    gc.set_threshold(RARELY, 20, 50)
    try:
        with TemporaryDirectory() as folder:
            site = Path(folder) / "warm.yaml"
            site.write_text(bench_site(racks=32, halls=1))
            loaded = load_site(site)
            machine_of(power_site(loaded, lower(loaded)), loaded)
        mark_compiled(POWER)
    except OSError:
        return NOT_WRITTEN
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
