"""Writes live runs as fast as it goes: ``python -m tests.telemetry.live_writer FOLDER...``.

Each run has a process of its own, whose number is printed; when somebody has killed it, the next one begins.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from telemetry.clock import NS
from telemetry.live.frame import Frame, Mode
from telemetry.live.store import RunStore, opened
from tests.telemetry.heard import NOON, START_NS
from twin.core.variables import LEVELS, rows
from twin.engine.prepare import Prepared, prepare
from twin.engine.run import Result
from twin.engine.timeline import Block

SITE = "rubin-manifold"


def prepared() -> Prepared:
    """A day of the site, at the level of a live run."""
    return prepare(SITE, start=NOON, end="2028-07-02T12:00", step=1.0, every=10.0, level="rack")


def step(site: Prepared, n: int) -> tuple[Frame, Result]:
    """The frame and the interval number ``n``: every number of both is ``n``."""
    labels = site.plan.labels
    sizes = {
        "site": 1, "hall": len(labels.hall), "cdu": len(labels.cdu), "loop": len(labels.loop),
        "element": len(labels.element), "rack": site.plan.racks, "pool": 0, "stream": 0, "latency": 0,
    }  # fmt: skip
    levels = {str(level): np.full((1, sizes[level], len(rows(level))), float(n)) for level in LEVELS}
    one = np.full(sizes["rack"], float(n))
    frame = Frame(
        n, START_NS + 10 * n * NS, Mode.LIVE, {"rack_power": one - 1.0}, {"rack_power": one},
        {"rack_power": np.arange(len(one)) % 2 == 0}, {"rack_power": one}, 0.5,
    )  # fmt: skip
    end = np.array([frame.time_ns / NS])
    return frame, Result(Block(0, 0, end, np.ones(1), np.zeros(1, np.int64), end, [(0, 1)]), levels)


def fill(store: RunStore, site: Prepared, first: int, last: int) -> None:
    """Write the intervals ``first`` to ``last`` - 1, each at once."""
    for n in range(first, last):
        store.add(*step(site, n))
        store.flush()


if __name__ == "__main__":
    a_site = prepared()
    for folder in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            with opened(Path(folder), a_site, 0.0, print) as a_store:
                fill(a_store, a_site, 1, 1_000_000)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
