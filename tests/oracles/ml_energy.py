"""Reads the ML.ENERGY leaderboard v3 that a user downloaded, and leaves one batch out in turn.

Layout (repository ml-energy/leaderboard, ``public/data``): ``tasks/TASK.json`` holds ``configurations``, a row per run
with ``model_id, gpu_model, num_gpus, tensor_parallel, expert_parallel, data_parallel, weight_precision, max_num_seqs,
avg_power_watts`` (all GPUs together) and ``output_throughput_tokens_per_sec``; ``models/MODEL__TASK.json`` holds the
same with the model above the rows and ``parallelization`` inside them. A CSV has the same names as columns, as the
toolkit ``mlenergy-data`` exports them. Runs of diffusion models have no ``max_num_seqs`` and are left out.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.analysis.least_squares import least_squares

Floats = NDArray[np.float64]
Predict = Callable[[Floats, Floats, float], float]
BATCH, POWER, TOKENS = "max_num_seqs", "avg_power_watts", "output_throughput_tokens_per_sec"
NEEDED = ("model_id", "gpu_model", "num_gpus", POWER, TOKENS)
LAYOUT = ("task", "model_id", "gpu_model", "num_gpus", "tensor_parallel", "expert_parallel", "data_parallel",
          "weight_precision", "max_num_batched_tokens")  # fmt: skip
FEWEST = 5  # a logistic of four parameters still has four points when one is left out


@dataclass(frozen=True, eq=False)
class Configuration:
    """One model on one layout: batches (n) ascending, W of one GPU (n), output tokens/s of the layout (n)."""

    task: str
    model: str
    gpu: str
    gpus: int
    batch: Floats
    device_w: Floats
    tokens_s: Floats


def files(path: Path) -> list[Path]:
    """The files of a folder (its tasks, where it has them), or the file itself."""
    if path.is_file():
        return [path]
    found: list[Path] = []
    for folder in (path / "public" / "data" / "tasks", path / "data" / "tasks", path / "tasks", path):
        found = found or sorted(folder.glob("*.json")) or sorted(folder.glob("*.csv"))
    if not found:
        raise ValueError(f"{path}: no .json or .csv of the leaderboard in it")
    return found


def runs(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file, flat: what stands above them and inside ``parallelization`` is theirs."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            yield from csv.DictReader(file)
        return
    document = json.loads(path.read_text())
    if not isinstance(document, dict) or "configurations" not in document:
        raise ValueError(f"{path}: expected an object with 'configurations'")
    above = {key: document[key] for key in LAYOUT if key in document}
    for row in document["configurations"]:
        yield {**above, **row, **row.get("parallelization", {})}


def read(path: Path) -> list[Configuration]:
    """All configurations of language models, sorted. Runs of the same batch are averaged."""
    groups: dict[tuple[str, ...], dict[float, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for file in files(path):
        for number, row in enumerate(runs(file), 1):
            if row.get(BATCH) in (None, ""):
                continue
            missing = [key for key in NEEDED if row.get(key) in (None, "")]
            if missing:
                raise ValueError(f"{file}: row {number}: {', '.join(missing)} missing")
            layout = tuple(str(row.get(key) or "") for key in LAYOUT)
            groups[layout][float(row[BATCH])].append((float(row[POWER]) / float(row["num_gpus"]), float(row[TOKENS])))
    found = []
    for layout, points in sorted(groups.items()):
        task, model, gpu, gpus = layout[:4]
        batch = sorted(points)
        means = np.array([np.mean(points[b], axis=0) for b in batch])
        found.append(Configuration(task, model, gpu, int(float(gpus)), np.array(batch), means[:, 0], means[:, 1]))
    return found


def logistic(batch: Floats, watts: Floats, at: float) -> float:
    """Power at a batch by a logistic in log2 of it, fitted to the other points: curve a) of ``DeviceDraw``."""

    def law(x: Any, b: Any) -> Any:
        return x[0] + x[1] / (1.0 + np.exp(-(np.log2(b) - x[2]) / x[3]))

    low, high = float(watts.min()), float(watts.max())
    bounds = np.array([0.5 * low, 0.0, 0.0, 0.2]), np.array([high, 2.0 * high, 14.0, 4.0])
    start = np.array([low, high - low, float(np.log2(batch).mean()), 1.0])
    x = least_squares(lambda x: law(x, batch) / watts - 1.0, start, *bounds)
    return float(law(x, at))


def table(batch: Floats, values: Floats, at: float) -> float:
    """Linear between the points, as ``twin.core.tables.Table``: curve b) of ``DeviceDraw``, and step times."""
    return float(np.interp(at, batch, values))


def tokens_by_step(batch: Floats, tokens_s: Floats, at: float) -> float:
    """Tokens/s at a batch from a table of step times, as ``decode_step_s``: B/tau(B)."""
    return at / table(batch, batch / tokens_s, at)


def left_out_error(batch: Floats, values: Floats, predict: Predict) -> float:
    """Mean absolute relative error over the batches between the first and the last, each left out in turn."""
    errors = []
    for i in range(1, batch.size - 1):
        others = np.arange(batch.size) != i
        errors.append(abs(predict(batch[others], values[others], float(batch[i])) / values[i] - 1.0))
    return float(np.mean(errors))
