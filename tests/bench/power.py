"""Case ``power``: a run with its electrical path against the same run on an ideal bus.

The ideal bus loses nothing and has no limits: every chain is empty, and one lossless element stands between the halls,
the plants and the grid. Racks, water and weather are the same. The loop with its campus pass; headroom of the halls is
left out of both, for without a limit to find it searches longer.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.measure import Row, child

SITE, BUS = "prairie-750", "bus"
STEP_S, INTERVAL_S = 60.0, 3600.0
DAYS, QUICK_DAYS, TIMES = 7, 2, 3
MOST = 1.3


def run(quick: bool, full: bool) -> list[Row]:
    """How much longer a run takes with its electrical path."""
    del full
    days = QUICK_DAYS if quick else DAYS
    child("tests.bench.power", "1")  # compiles what is not compiled yet
    whole, ideal = (float(part) for part in child("tests.bench.power", str(days)).stdout.split())
    work = f"{SITE}, 60 s: a run with its electrical path, per ideal bus"
    return [Row("power", work, whole / ideal, "x", MOST, True, f"{whole:.2f} s CPU for {days} days")]


def ideal_bus(folder: Path) -> Path:
    """The site with nothing but an ideal bus between racks and grid."""
    from twin.site.dump import dump
    from twin.site.load import load_site

    site: dict[str, Any] = load_site(SITE).site.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude_none=True
    )
    site["electrical"]["elements"] = {BUS: {"device": "lossless", "fed_from": "grid"}}
    for template in site["templates"].values():
        template["chain"] = {}
    for building in site["buildings"].values():
        for fed in [*building["halls"].values(), *(loop["plant"] for loop in building["loops"].values())]:
            fed["fed_from"] = BUS
            fed.pop("generators", None)
    path = folder / "ideal-bus.yaml"
    path.write_text(dump(site))
    return path


def spent(site: str | Path, days: int) -> float:
    """CPU seconds of a run over so many days of July on one thread."""
    from twin.engine.prepare import prepare

    end = f"2028-07-{1 + days:02d}"
    engine = prepare(site, start="2028-07-01", end=end, step=STEP_S, every=INTERVAL_S, threads=1).engine()
    engine.headroom_at = np.zeros((engine.timeline.intervals, len(engine.plan.labels.hall)), np.uint8)
    begin = time.process_time()
    for _ in engine.blocks():
        pass
    return time.process_time() - begin


def measured(days: int) -> tuple[float, float]:
    """The least CPU seconds of some runs of both, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        ideal = ideal_bus(Path(folder))
        pairs = [(spent(SITE, days), spent(ideal, days)) for _ in range(TIMES)]
    whole, bare = (min(part) for part in zip(*pairs, strict=True))
    return whole, bare


if __name__ == "__main__":
    import sys

    print(*measured(int(sys.argv[1])))
