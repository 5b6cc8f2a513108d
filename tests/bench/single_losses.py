"""Case ``n1``: every single loss of power and cooling on ``prairie-750``, a second process."""

from __future__ import annotations

import json

from tests.bench.measure import Row, child
from tests.bench.process import CLI

SECONDS = 20.0
VIOLATED = 1


def run(quick: bool, full: bool) -> list[Row]:
    """Wall time of a whole process."""
    del quick, full
    command = ("n1", "prairie-750", "--json")
    child(CLI, *command, codes=(VIOLATED,))  # compiles what is not compiled yet
    took = child(CLI, *command, codes=(VIOLATED,))
    cases = len(json.loads(took.stdout)["cases"])
    return [
        Row("n1", f"prairie-750, {cases:,} single losses of both paths, second process", took.wall_s, " s", SECONDS,
            True, f"{took.cpu_s:.1f} s CPU, {took.peak_mb:.0f} MB"),
    ]  # fmt: skip


__all__ = ["run"]
