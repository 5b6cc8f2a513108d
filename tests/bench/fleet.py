"""Case ``fleet``: what serving adds to a campus-year, and a recorded hour of requests in closed form."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.bench.measure import ROOT, Row
from tests.inference.fleets import Kind, Workload, fleet
from tests.inference.fleets import run as serve
from twin.forcing.traces.read import read_trace
from twin.inference.predict import predict
from twin.inference.serving import Serving
from twin.site.library import load_library

POOLS, CLASSES, STEP_S, STEPS_A_YEAR = 40, 6, 60.0, 525_600
DAYS, QUICK_DAYS = 10, 1
YEAR_S, HOUR_S = 60.0, 0.05
AZURE = ROOT.parent / "shared" / "data" / "azure" / "AzureLLMInferenceTrace_conv.csv"
REPEAT = 7


def run(quick: bool, full: bool) -> list[Row]:
    """Seconds that the fleet adds to a year at 60 s (scaled from days unless ``full``), and the Azure hour."""
    days = 365 if full else QUICK_DAYS if quick else DAYS
    return [year(days), *azure()]


def year(days: int) -> Row:
    """Every class on every pool, latencies and hourly rows included; demand moves in every step."""
    pools = [Kind(kv=2e5 * (1 + p % 5), prefill_s=0.05 * (1 + p % 3)) for p in range(POOLS)]
    classes = [Workload(tokens_out=100.0 * (1 + c), priority=c // 2) for c in range(CLASSES)]
    made = fleet(pools, classes, [(p, p) for p in range(POOLS)], [[1.0] * CLASSES] * POOLS)
    steps = int(days * 86_400 / STEP_S)
    phase = 2.0 * np.pi * np.arange(steps)[:, None] / 1440.0 + np.arange(CLASSES)
    rates = 0.7 + 0.25 * np.sin(phase)
    serve(made, rates[:60], relative=True, every=60)
    begin = time.perf_counter()
    serve(made, rates, relative=True, every=60)
    spent = (time.perf_counter() - begin) * STEPS_A_YEAR / steps
    work = f"{POOLS} pools, {CLASSES} classes, 60 s, what serving adds to a year"
    return Row("fleet", work, spent, " s", YEAR_S, True, f"{days} days, scaled" if days < 365 else "measured")


def azure() -> list[Row]:
    """The recorded hour through the closed form, warm, the file already read; nothing where it is not at hand."""
    if not AZURE.is_file():
        return []
    trace = read_trace(Path(AZURE))
    serving = load_library().get("llama2-70b-dgx-h100", Serving)
    prompts, outputs = trace.input_tokens.astype(np.float64), trace.output_tokens.astype(np.float64)
    spent = []
    for _ in range(REPEAT):
        begin = time.perf_counter()
        predict(serving, trace.arrival_s, prompts, outputs, replicas=5)
        spent.append(time.perf_counter() - begin)
    work = f"{len(trace.arrival_s):,} requests of the Azure hour, closed form, warm"
    return [Row("trace", work, min(spent), " s", HOUR_S, True)]


__all__ = ["run"]
