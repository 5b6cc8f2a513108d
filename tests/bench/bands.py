"""Case ``bands``: a campus-year 64 times over on a reduced Plan, and how far its centre is from the full run."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta

import numpy as np

from tests.bench.measure import Row, child
from twin.analysis.headline import headline_numbers
from twin.engine.ensemble import Case, run_ensemble
from twin.engine.options import ask
from twin.engine.prepare import prepare

SITE, FIRST = "prairie-750", date(2029, 1, 1)
SAMPLES, YEAR, DAYS, QUICK_DAYS = 64, 365, 28, 4
YEAR_S, AGREES = 120.0, 0.5
FULL_STEP_S = 300.0


def run(quick: bool, full: bool) -> list[Row]:
    """Wall time of 64 samples of a year, whole process (of fewer days with ``quick``, scaled), and the centre."""
    days = QUICK_DAYS if quick else YEAR
    return [year(SITE, days, SAMPLES), centre(SITE, YEAR if full else QUICK_DAYS if quick else DAYS)]


def period(days: int) -> tuple[str, str]:
    """The first ``days`` of the year."""
    return FIRST.isoformat(), (FIRST + timedelta(days=days)).isoformat()


def year(site: str, days: int, samples: int) -> Row:
    """``twin bands`` from the start of Python on, the kernels compiled; scaled where ``days`` are no year."""
    start, end = period(days)
    command = ("twin.cli.main", "bands", site, "--from", start, "--samples", str(samples), "--json")
    first = child(*command, "--to", period(1)[1])  # compiles what is not compiled yet
    cost = child(*command, "--to", end)
    assert json.loads(cost.stdout)["samples"] == samples
    daily = (cost.wall_s - first.wall_s) / max(days - 1, 1)
    wall = cost.wall_s if days == YEAR else first.wall_s + daily * (YEAR - 1)
    how = "measured" if days == YEAR else f"{days} days, scaled"
    detail = f"{how}; {cost.cpu_s:.0f} s CPU, {cost.peak_mb:.0f} MB, {os.cpu_count()} cores"
    return Row("bands", f"{site}, {samples} samples of a year", wall, " s", YEAR_S, True, detail)


def centre(site: str, days: int) -> Row:
    """Largest difference of a headline number, in percent of what the full run has."""
    start, end = period(days)
    whole = prepare(site, start=start, end=end, step=FULL_STEP_S, every="1h")
    numbers = headline_numbers(Case(whole.loaded, whole.plan), whole.engine().blocks())
    small = run_ensemble(ask(site, start=start, end=end), headline_numbers, samples=8).central
    off = {k: float(np.nanmax(np.abs(small[k] / v - 1.0))) for k, v in numbers.items()}
    worst = max(off, key=lambda key: off[key])
    work = f"{site}, {days} days: reduced run in hour steps against the full one at {FULL_STEP_S:g} s"
    return Row("bands / full", work, 100.0 * off[worst], " %", AGREES, True, worst)


__all__ = ["centre", "run", "year"]
