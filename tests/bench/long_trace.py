"""Case ``trace``: a request trace of 1 GB, larger than the memory it may take, summarised by ``twin load show``."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.bench.measure import Cost, Row, child
from tests.bench.process import CLI

MB = 10**6
SIZE_MB, QUICK_MB = 1000, 100
PEAK_MB, WALL_S = 300.0, 60.0
ROWS_AN_HOUR = 20_000
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def write_trace(path: Path, size_mb: float, *, sort: bool = True) -> int:
    """Write a trace in the form of Azure's of about ``size_mb`` MB, hour after hour; returns its requests."""
    rng = np.random.default_rng(0)
    seconds = rng.random(ROWS_AN_HOUR) * 3600.0
    seconds = np.sort(seconds) if sort else seconds
    into, out = rng.integers(1, 8000, ROWS_AN_HOUR), rng.integers(1, 900, ROWS_AN_HOUR)
    hour = "".join(
        f"@{int(s) // 60:02d}:{s % 60:010.7f},{i},{o}\n"
        if s % 60 < 59.99999995
        else f"@{int(s) // 60:02d}:59.9999999,1,1\n"
        for s, i, o in zip(seconds.tolist(), into.tolist(), out.tolist(), strict=True)
    ).encode()
    rows, moment = 0, FIRST
    with path.open("wb") as file:
        file.write(b"TIMESTAMP,ContextTokens,GeneratedTokens\n")
        while file.tell() < size_mb * MB:
            file.write(hour.replace(b"@", f"{moment:%Y-%m-%d %H}:".encode()))
            moment += timedelta(hours=1)
            rows += ROWS_AN_HOUR
    return rows


def show(path: Path, *options: str) -> tuple[Cost, float]:
    """Cost of ``twin load show`` in a process of its own, and the requests that it counted."""
    cost = child(CLI, "load", "show", str(path), "--json", *options)
    return cost, float(json.loads(cost.stdout)["requests"])


def run(quick: bool, full: bool) -> list[Row]:
    """Wall time and peak memory of a summary."""
    del full
    size = QUICK_MB if quick else SIZE_MB
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.csv")
        rows = write_trace(path, size)
        cost, counted = show(path)
    if counted != rows:
        raise RuntimeError(f"{counted:g} requests were counted, {rows} written")
    work = f"{size} MB of CSV, {rows / 1e6:.1f} M requests, twin load show"
    return [
        Row("trace", work, cost.wall_s, " s", WALL_S * size / SIZE_MB, True, f"{cost.cpu_s:.1f} s CPU"),
        Row("trace memory", work, cost.peak_mb, " MB", PEAK_MB, True),
    ]


__all__ = ["run", "show", "write_trace"]
