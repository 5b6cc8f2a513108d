"""Writes ``sites/library/serving`` anew: ``python -m tests.inference.derive_serving perf_model.csv FOLDER``.

Measured tables come from splitwise-sim's ``perf_model.csv`` (MIT); everything else is the roofline with the hardware of
``hardware`` and the fits of ``anchors``. A test makes all entries again and compares: figures are changed here.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from tests.inference import serving_list
from tests.inference.serving_entry import Curve, Entry, written

SPLITWISE = "splitwise-sim perf_model.csv (MIT), llama2-70b, 8 x H100 80 GB"


def splitwise(path: Path) -> tuple[Curve, Curve]:
    """Medians of prefill time over the prompt (batch 1) and of step time over the batch (prompt of 512), in s.

    One point is added: 32,768 tokens on the slope of the last two, because a table is held beyond its ends.
    """
    prefill: dict[float, list[float]] = {}
    step: dict[float, list[float]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if (row["model"], row["hardware"], row["tensor_parallel"]) != ("llama2-70b", "h100-80gb", "8"):
                continue
            if row["batch_size"] == "1":
                prefill.setdefault(float(row["prompt_size"]), []).append(1e-3 * float(row["prompt_time"]))
            if row["prompt_size"] == "512":
                step.setdefault(float(row["batch_size"]), []).append(1e-3 * float(row["token_time"]))
    at, values = map(list, zip(*sorted((k, median(v)) for k, v in prefill.items()), strict=True))
    slope = (values[-1] - values[-2]) / (at[-1] - at[-2])
    values.append(values[-1] + slope * (32_768.0 - at[-1]))
    at.append(32_768.0)
    batches, steps = zip(*sorted((k, median(v)) for k, v in step.items()), strict=True)
    said = f"{SPLITWISE}: median at batch 1, last point on the slope before it"
    return (
        Curve(np.array(at), np.array(values), said, "measured"),
        Curve(np.array(batches), np.array(steps), f"{SPLITWISE}: median at prompts of 512 tokens", "measured"),
    )


def entries(measured: tuple[Curve, Curve] | None) -> Iterator[Entry]:
    """All entries; without ``measured`` those that do not need it."""
    yield from serving_list.extrapolated()
    if measured is not None:
        yield from serving_list.measured(*measured)


def main() -> None:
    """Write the folder."""
    source, folder = map(Path, sys.argv[1:])
    for entry in entries(splitwise(source)):
        (folder / f"{entry.id}.yaml").write_text(written(entry))


if __name__ == "__main__":
    main()
