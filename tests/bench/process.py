"""A whole run in a process of its own: ``twin simulate``, from the start of Python to the last byte on disk."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from tests.bench.blocks import START
from tests.bench.measure import Cost, child
from twin.cli.main import VERBS

CLI = "twin.cli.main"
STEPPED = (0, 1)  # 1: a limit of the site was violated, which is no fault of the run


def simulate(site: str, days: float, step_s: int, *, every: str = "1h", cache: Path | None = None) -> Cost:
    """Simulate ``days`` from the first of July with output of halls, without a page."""
    if "simulate" not in VERBS:  # a checkout between two commits: the loop without files
        return child("tests.bench.blocks", site, str(days), str(step_s), cache=cache)
    with tempfile.TemporaryDirectory() as folder:
        period = ["--from", f"{START:%Y-%m-%dT%H:%M}", "--to", f"{START + timedelta(days=days):%Y-%m-%dT%H:%M}"]
        how = ["--step", f"{step_s}s", "--every", every, "--level", "hall", "--out", f"{folder}/run.zarr", "--no-page"]
        return child(CLI, "simulate", site, *period, *how, "--json", cache=cache, codes=STEPPED)


__all__ = ["CLI", "simulate"]
