"""The token grids of the workload library: ``python -m tests.forcing.data.make_grids [CLASS ...]`` writes them anew.

Grids from traces hold the means of 32 equal parts of the sorted requests, so that their plain mean is the trace's mean;
priors are the same means of a lognormal distribution. Only the ``values:`` of the YAML files are replaced.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from itertools import pairwise
from math import exp, log
from pathlib import Path
from statistics import NormalDist

from twin.forcing.traces.lengths import POINTS
from twin.forcing.traces.read import Summary, summarise

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "sites" / "library" / "workloads"
DATA = ROOT.parent / "shared" / "data"
AZURE = "azure/AzureLLMInferenceTrace_conv.csv"
CONVERSATION = "mooncake/conversation_trace.jsonl"
SYNTHETIC = "mooncake/synthetic_trace.jsonl"
WIDTH = 110

Grid = tuple[float, ...]


@cache
def trace(file: str) -> Summary:
    return summarise(DATA / file)


def recorded(file: str, side: str) -> Grid:
    """Rounded to a tenth of a token."""
    found = trace(file)
    lengths = found.input_tokens if side == "input" else found.output_tokens
    assert lengths is not None
    return tuple(round(value, 1) for value in lengths.parts)


def lognormal(median: float, sigma: float, most: float = float("inf")) -> Grid:
    """Means of equal parts of a lognormal distribution, in whole tokens, cut at ``most``."""
    normal = NormalDist()
    mean = median * exp(sigma * sigma / 2)
    shares = [i / POINTS for i in range(1, POINTS)]
    below = [0.0, *(normal.cdf(normal.inv_cdf(p) - sigma) for p in shares), 1.0]
    parts = [POINTS * mean * (high - low) for low, high in pairwise(below)]
    return tuple(float(round(min(most, max(1.0, part)))) for part in parts)


def from_mean(mean: float, sigma: float) -> Grid:
    return lognormal(mean * exp(-sigma * sigma / 2), sigma)


# deepseek-r1: mean 1,527 and p99 12.6k give sigma 1.235 of a lognormal distribution.
SIGMA_R1 = NormalDist().inv_cdf(0.99) - (NormalDist().inv_cdf(0.99) ** 2 - 2 * log(12_600 / 1_527)) ** 0.5


def grids() -> dict[str, tuple[Grid, Grid]]:
    """Input and output of the classes whose grids come from no recording."""
    return {
        "code-completion": (lognormal(1500, 0.8, 8192), lognormal(13, 1.2, 1000)),
        "agentic-coding": (lognormal(96_300, 0.7, 400_000), lognormal(213, 1.2)),
        "image-understanding": (from_mean(1222, 0.6), from_mean(130, 0.9)),
        "image-generation": ((4096.0,), (1.0,)),
        "enterprise-batch": (from_mean(4000, 1.0), from_mean(400, 0.9)),
    }


def recorded_grids() -> dict[str, tuple[Grid, Grid]]:
    """Input and output of the classes whose grids, or one of them, come from a recording."""
    return {
        "chat": (recorded(AZURE, "input"), recorded(AZURE, "output")),
        "azure-conversation": (recorded(AZURE, "input"), recorded(AZURE, "output")),
        "complex-search": (recorded(CONVERSATION, "input"), from_mean(1527, SIGMA_R1)),
        "agents": (recorded(SYNTHETIC, "input"), from_mean(1527, SIGMA_R1)),
    }


def write(name: str, input_grid: Grid, output_grid: Grid) -> None:
    """Replace the values of a file."""
    path = LIBRARY / f"{name}.yaml"
    text = path.read_text()
    for key, grid in (("input_tokens", input_grid), ("output_tokens", output_grid)):
        text = re.sub(rf"(?m)^({key}:\n  values:\n)(?:    .*\n)*", rf"\g<1>{_lines(grid)}", text)
    path.write_text(text)


def _lines(grid: Grid) -> str:
    rows, row = [], "    ["
    for i, value in enumerate(grid):
        cell = f"{value:.10g}" + ("]" if i == len(grid) - 1 else ", ")
        if len(row) + len(cell) > WIDTH:
            rows.append(row.rstrip())
            row = "     "
        row += cell
    return "\n".join([*rows, row]) + "\n"


if __name__ == "__main__":
    for name, pair in (grids() | recorded_grids()).items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            write(name, *pair)
