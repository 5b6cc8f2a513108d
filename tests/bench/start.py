"""Case ``start``: how long until the first answer, with and without compiled kernels."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measure import Row, child
from tests.bench.process import CLI, simulate

SITE = "oklahoma-10"
WARM_S, COLD_S, HELP_S = 3.0, 30.0, 0.3


def run(quick: bool, full: bool) -> list[Row]:
    """Wall time of an hour's run of a shipped site, first and then; CPU time of the help."""
    del full
    repeat = 1 if quick else 3
    with tempfile.TemporaryDirectory() as folder:
        cold = simulate(SITE, 1 / 24, 300, cache=Path(folder))
        warm = min((simulate(SITE, 1 / 24, 300, cache=Path(folder)) for _ in range(repeat)), key=lambda c: c.wall_s)
    shown = min(child(CLI, "--help").cpu_s for _ in range(2 * repeat + 1))
    work = f"twin simulate {SITE}, one hour"
    return [
        Row("start", work, warm.wall_s, " s", WARM_S, True, f"{warm.cpu_s:.1f} s CPU"),
        Row("first start", work + ", nothing compiled", cold.wall_s, " s", COLD_S, True, f"{cold.cpu_s:.1f} s CPU"),
        Row("help", "twin --help, CPU", shown, " s", HELP_S, True),
    ]


__all__ = ["run"]
