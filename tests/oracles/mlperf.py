"""Meter logs of MLPerf Inference v5.1 (closed division, Lenovo) and the Splitwise table, from ``shared/data``.

They lie beside the checkout and are not part of it: tests that need them skip where they are absent.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
AIR, WATER = "b200x8_air_llama2-70b_server", "b200x8_water_llama3.1-405b_server"
CLOCK = "%m-%d-%Y %H:%M:%S.%f"
EDGE_S = 120.0


@dataclass(frozen=True, eq=False)
class Run:
    """A measured run: readings (n) of 1 s in W, the loaded window, LoadGen's summary by its own names."""

    time: np.ndarray
    watts: np.ndarray
    begin: float
    end: float
    summary: dict[str, float]

    @property
    def loaded(self) -> np.ndarray:
        """Readings of the loaded window."""
        return self.watts[(self.time >= self.begin) & (self.time <= self.end)]

    @property
    def steady(self) -> np.ndarray:
        """The loaded window without its first and last 120 s."""
        return self.watts[(self.time >= self.begin + EDGE_S) & (self.time <= self.end - EDGE_S)]

    @property
    def idle_w(self) -> float:
        """Mean of the first ten readings: later the model is loaded, and idle power creeps up with the fans."""
        return float(self.watts[:10].mean())

    def mean_active(self) -> float:
        """Requests in the system by Little's law: completed per second times mean latency."""
        return self.summary["Completed samples per second"] * self.summary["Mean latency (ns)"] * 1e-9


def need(*parts: str) -> Path:
    """A file of the shared data, or the test is skipped."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs the shared data beside the checkout: {'/'.join(parts)}")
    return path


def read_run(name: str) -> Run:
    """The log, marks and summary of a run."""
    time, watts = [], []
    with gzip.open(need("mlperf", f"{name}_spl.txt.gz"), "rt") as lines:
        for line in lines:
            cells = line.strip().split(",")
            if cells[0] == "Time":
                time.append(datetime.strptime(cells[1], CLOCK).timestamp())
                watts.append(float(cells[cells.index("Watts") + 1]))
    marks = {}
    for line in need("mlperf", f"{name}_power_marks.txt").read_text().splitlines():
        if line.startswith(":::MLLOG"):
            mark = json.loads(line.removeprefix(":::MLLOG"))
            marks[mark["key"]] = datetime.strptime(mark["value"], CLOCK).timestamp()
    text = need("mlperf", f"{name}_summary.txt").read_text()
    summary = {m[1].strip(): float(m[2]) for m in re.finditer(r"^(.+?)\s*:\s*([\d.]+)\s*$", text, re.MULTILINE)}
    return Run(np.array(time), np.array(watts), marks["power_begin"], marks["power_end"], summary)


def window_sd(watts: np.ndarray, seconds: int) -> float:
    """SD of the means of successive windows, what is left over cut at the end."""
    n = watts.size // seconds * seconds
    return float(watts[:n].reshape(-1, seconds).mean(axis=1).std(ddof=1))


def splitwise(hardware: str, model: str) -> list[dict[str, float]]:
    """Rows of the table whose power was recorded (0 means that it was not)."""
    with need("splitwise", "perf_model.csv").open() as lines:
        found = [row for row in csv.DictReader(lines) if row["hardware"] == hardware and row["model"] == model]
    numbers = [{k: float(v) for k, v in row.items() if k not in ("hardware", "model")} for row in found]
    return [row for row in numbers if row["average_power"] > 0.0]
