"""Compile every kernel that a run calls, on a tiny site: ``python -m twin.engine.warm``.

``twin.core.jit`` starts it in a child process when the cache is empty, and says why there. Two processes share the
work, because the compiler uses one core: the islands' loop in one, the campus pass and headroom in the other.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from twin.core.jit import mark_compiled
from twin.engine.prepare import prepare
from twin.site.generate import bench_site

REST = "rest"


def main(part: str = "") -> None:
    """Compile the islands' loop here and the rest in a child, then mark the cache as filled."""
    rest = None if part == REST else subprocess.Popen([sys.executable, "-m", "twin.engine.warm", REST])
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        site = Path(folder) / "warm.yaml"
        site.write_text(bench_site(racks=32, halls=1))
        engine = prepare(site, start="2028-01-01", end="2028-01-01T01:00", step=60.0, threads=1).engine()
        block = engine.timeline.block(0)
        forcing = engine.forcing(block)
        if rest is None:
            engine.finish(block, forcing, pool)
        else:
            engine.run_islands(block, forcing, pool)
    if rest is not None and rest.wait() == 0:
        mark_compiled()


if __name__ == "__main__":
    main(*sys.argv[1:])
