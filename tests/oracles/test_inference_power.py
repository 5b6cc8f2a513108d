"""Power of serving against meters: servers at the wall, GPUs over batch, phases, fluctuation.

MLPerf figures: MLPerf Inference v5.1, closed division, submitter Lenovo.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.oracles.mlperf import AIR, WATER, read_run, splitwise, window_sd
from twin.analysis.least_squares import least_squares
from twin.inference.device_draw import DeviceDraw
from twin.inference.draw import Draw
from twin.inference.fluctuation import Wandering, sum_sd_w
from twin.inference.image_draw import ImageDraw
from twin.site.library import load_library

MLPERF = "MLPerf Inference v5.1, closed, Lenovo"
SOURCE = {AIR: f"{MLPERF} SR680a V3, llama2-70b Server", WATER: f"{MLPERF} SR780a V3, llama3.1-405b Server"}
ENTRY = {AIR: "b200x8-air-llm", WATER: "b200x8-water-llm"}
ENERGY = "ML.ENERGY leaderboard v3, 70B TP4 on H100"
# W per H100 over batch, 70B TP4 (ML.ENERGY as printed in the facts); the entry was fitted to FITTED only.
CURVE = {8: 441.0, 32: 449.0, 64: 500.0, 128: 546.0, 256: 589.0, 512: 623.0, 1024: 637.0}
FITTED = (8, 64, 256, 1024)
TOKENS = {8: 470.0, 1024: 6827.0}  # printed tok/s of the same runs
HELD_OUT = tuple(b for b in CURVE if b not in FITTED)
# Printed SD in W of means over 1, 60 and 300 s.
WANDER = {AIR: {1: 44.0, 60: 12.0, 300: 5.0}, WATER: {1: 690.0, 60: 187.0, 300: 93.0}}
LIBRARY = load_library()

run = cache(read_run)


def node(id: str) -> DeviceDraw:
    return LIBRARY.get(id, DeviceDraw)


def power(draw: Draw, batch: float, share: float = 1.0, prefill: float = 0.0) -> float:
    return float(draw.serving_w(np.array([batch]), np.array([share]), np.array([prefill]))[0])


def busy_air_w() -> float:
    """The air-cooled server at the measured load: eight replicas of one GPU, prompts ride along with decode steps."""
    return power(node(ENTRY[AIR]), run(AIR).mean_active() / 8.0)


# ------------------------------------------------------------------------------------------------ servers
def test_i01_wall_power_and_energy_per_token_of_a_busy_server(validation_row):
    measured = float(run(AIR).loaded.mean())
    assert measured == pytest.approx(10_430.0, rel=5e-3)  # the printed figure
    tokens = run(AIR).summary["Completed tokens per second"]
    assert tokens == pytest.approx(99_203.92)
    what = "8xB200 air, llama2-70b, 99.2k tok/s: wall W"
    validation_row("I01", what, measured, busy_air_w(), rel=0.05, source=SOURCE[AIR], basis="fitted")
    what = "8xB200 air, llama2-70b: J per token"
    validation_row("I01", what, 0.105, busy_air_w() / tokens, rel=0.08, source=SOURCE[AIR], basis="fitted")


def test_i02_wall_power_of_a_server_with_long_prompts(validation_row):
    """The prefill share from latencies alone: decode steps stretch by 1/(1 - share), from the least to the mean."""
    summary = run(WATER).summary
    share = 1.0 - summary["Min Time to Output Token (ns)"] / summary["Mean Time to Output Token (ns)"]
    got = power(node(ENTRY[WATER]), run(WATER).mean_active(), prefill=share)
    measured = float(run(WATER).loaded.mean())
    assert measured == pytest.approx(9570.0, rel=5e-3)
    what = "8xB200 water, 405B, 1.9 req/s: wall W"
    validation_row("I02", what, measured, got, rel=0.08, source=SOURCE[WATER], basis="predicted")


@pytest.mark.parametrize(("measured", "scenario"), [(9440.0, "Offline"), (9010.0, "Server")])
def test_i02b_wall_power_of_a_small_model(validation_row, measured, scenario):
    """llama3.1-8b fills any batch: the top of the curve. Tolerance of I02."""
    what = f"8xB200 water, llama3.1-8b {scenario}: wall W"
    got = power(node("b200x8-water-llm"), 2048.0)
    source = f"{MLPERF} SR780a V3, llama3.1-8b"
    validation_row("I02b", what, measured, got, rel=0.08, source=source, basis="predicted")


def test_i02b_wall_power_of_image_generation(validation_row):
    """The device power of the image entry in the water-cooled node. Tolerance of I02."""
    image = LIBRARY.get("b200x8-image", ImageDraw)
    got = float(node("b200x8-water-llm").wall_w(np.array(image.device_busy_w.value), np.array(1.0)))
    what, source = "8xB200 water, SDXL: wall W", f"{MLPERF} SR780a V3, stable-diffusion-xl: 9.44-9.51 kW"
    validation_row("I02b", what, 9475.0, got, rel=0.08, source=source, basis="predicted")


@pytest.mark.parametrize("name", [AIR, WATER])
def test_i03_idle_wall_power(validation_row, name):
    got = node(ENTRY[name]).idle_w()
    what = f"{ENTRY[name]}: idle wall W"
    validation_row("I03", what, run(name).idle_w, got, rel=0.10, source=SOURCE[name], basis="fitted")


# ------------------------------------------------------------------------------------------------ GPUs
def test_i04_the_entry_is_the_fit_through_the_points_it_names():
    batch, watts = np.array(FITTED, float), np.array([CURVE[b] for b in FITTED])

    def residual(x: Any) -> Any:
        return x[0] + (x[1] - x[0]) / (1.0 + np.exp(-(np.log2(batch) - x[2]) / x[3])) - watts

    low, high = np.array([300.0, 550.0, 3.0, 0.2]), np.array([441.0, 700.0, 10.0, 4.0])
    found = least_squares(residual, np.array([435.0, 640.0, 7.0, 1.0]), low, high)
    draw = node("dgx-h100-llm")
    keys = ("decode_low_w", "decode_high_w", "decode_mid_log2", "decode_width_log2")
    assert found == pytest.approx([draw.figures()[key].value for key in keys], rel=1e-3)


def held_out_error(device_w: Any) -> float:
    """Mean absolute relative error over the batches that were not fitted."""
    return float(np.mean(np.abs(np.asarray(device_w) / [CURVE[b] for b in HELD_OUT] - 1.0)))


def test_i04_gpu_power_over_batch(validation_row):
    for end in (8, 1024):
        watts = float(node("dgx-h100-llm").device_decode_w(np.array([float(end)]), np.ones(1))[0])
        what = f"H100 power at batch {end:,}, W"
        validation_row("I04", what, CURVE[end], watts, rel=0.05, source=ENERGY, basis="fitted")
    batch = np.array(HELD_OUT, float)
    got = node("dgx-h100-llm").device_decode_w(batch, np.ones(3))
    what = "H100 power at batch 32, 128, 512: mean error"
    validation_row("I04", what, 0.0, held_out_error(got), abs=0.05, source=ENERGY, basis="predicted")


def token_batch(tokens_s: float) -> float:
    """Batch of ``tokens_s`` on four H100: rate = B / (a + b B) through the two printed rates."""
    slope = (1024 / TOKENS[1024] - 8 / TOKENS[8]) / 1016
    return tokens_s * (8 / TOKENS[8] - 8 * slope) / (1.0 - tokens_s * slope)


def load_batch(share: float) -> tuple[float, float]:
    """Batch of a replica at full load and at ``share`` of its token rate, air-cooled run: rate = B / (a + b B).

    a is the least time per output token (few sequences), a + b B the mean one at full load.
    """
    summary, full = run(AIR).summary, run(AIR).mean_active() / 8.0
    a, most = (summary[f"{word} Time to Output Token (ns)"] * 1e-9 for word in ("Min", "Mean"))
    b = (most - a) / full
    rate = share * full / most
    return full, a * rate / (1.0 - b * rate)


def test_i08_power_saturates_early(validation_row):
    full, batch = load_batch(0.3)
    draw = node(ENTRY[AIR])
    got = power(draw, batch, 0.3) / power(draw, full)
    what = f"{ENTRY[AIR]}, dense 70B: wall power at load 0.3 per busy, 0.85 or more"
    source = "arXiv 2603.18383 (plateau); batch from MLPerf latencies"
    validation_row("I08", what, 0.925, got, abs=0.075, source=source, basis="predicted")


def test_i08_the_measured_curve_of_h100_saturates_later(validation_row):
    """Both replicas of a server at 0.3 of the token rate of batch 1,024; the curve is measured and is not bent."""
    draw = node("dgx-h100-llm")
    got = power(draw, token_batch(0.3 * TOKENS[1024])) / power(draw, 1024.0)
    what = "dgx-h100-llm, dense 70B: wall power at load 0.3 per busy, 0.85 or more"
    gap = "the GPU curve is that of ML.ENERGY, closed loop at fixed batch; the plateau is of other nodes"
    source = f"arXiv 2603.18383 (plateau); batch from {ENERGY}"
    validation_row("I08", what, 0.925, got, abs=0.075, source=source, basis="predicted", gap=gap)


# ------------------------------------------------------------------------------------------------ phases
@pytest.mark.parametrize(("gpus", "printed"), [(2, 0.75), (4, 0.60), (8, 0.44)])
def test_i09_average_power_by_phases(validation_row, gpus, printed):
    """A run of one prompt of 2,048 tokens: prefill at the TDP for its share of the time, decode as with a short one."""
    rows = [row for row in splitwise("a100-80gb", "llama2-70b") if row["tensor_parallel"] == gpus]
    source = f"Splitwise perf_model.csv, A100 llama2-70b TP{gpus}"
    median = float(np.median([row["average_power"] for row in rows]))
    what = f"A100 TP{gpus}: median of TDP"
    validation_row("I09", what, printed, median, abs=0.05, source=source, basis="arithmetic")
    alone = [row for row in rows if row["batch_size"] == 1]
    decode = np.median([row["average_power"] for row in alone if row["prompt_size"] == 128])
    long = [row for row in alone if row["prompt_size"] == 2048]
    share = np.median([row["prompt_time"] / row["e2e_time"] for row in long])
    fields = node("dgx-h100-llm").model_dump()
    zero = {"value": 0.0, "source": "GPUs only", "confidence": "estimate"}
    bare = dict.fromkeys(("host_idle_w", "host_busy_w", "network_w", "fan_floor_w", "fan_full_w"), zero)
    gone = {"decode_low_w": None, "decode_mid_log2": None, "decode_width_log2": None, "decode_high_w": None}
    table = {"at": [1.0, 2.0], "values": [400.0 * decode] * 2, "source": "Splitwise", "confidence": "measured"}
    a100 = DeviceDraw.model_validate(
        {**fields, **bare, **gone, "devices": gpus, "decode_device_w": table, "psu_efficiency": {**zero, "value": 1.0},
         "device_prefill_w": {**zero, "value": 400.0}}
    )  # fmt: skip
    got = power(a100, 1.0, prefill=float(share)) / (gpus * 400.0)
    expected = float(np.median([row["average_power"] for row in long]))
    what = f"A100 TP{gpus}: 2,048-token prompt, mean of TDP, from prefill 1.0 and a 128-token run"
    validation_row("I09", what, expected, got, abs=0.05, source=source, basis="predicted")


def test_i09_a_long_prompt_takes_the_whole_tdp(validation_row):
    rows = splitwise("a100-80gb", "llama2-70b")
    peaks = [row["peak_power"] for row in rows if row["prompt_size"] >= 2048]
    what, source = "A100: peak of TDP, prompts of 2k and more, all TP", "Splitwise perf_model.csv, llama2-70b"
    validation_row("I09", what, 1.0, float(np.median(peaks)), abs=0.05, source=source, basis="arithmetic")


# ------------------------------------------------------------------------------------------------ fluctuation
def wander_w(name: str, window_s: float) -> float:
    """The model's SD of one server: prefill-heavy for the 405B, decode-heavy for the 70B."""
    draw, mean = node(ENTRY[name]), float(run(name).steady.mean())
    return sum_sd_w([Wandering(mean, 1.0, 1.0, draw.residual_parts(float(name == WATER)))], window_s)


@pytest.mark.parametrize("name", [AIR, WATER])
@pytest.mark.parametrize("window", [1, 60, 300])
def test_i10_fluctuation(validation_row, name, window):
    """The correlation was fitted at lags of 1 to 20 s; means over 60 and 300 s were not."""
    basis = "fitted" if window == 1 else "predicted"
    printed, got = WANDER[name][window], wander_w(name, window)
    what = f"{ENTRY[name]}: SD of {window} s means, W"
    validation_row("I10", what, printed, got, rel=0.35, source=SOURCE[name], basis=basis)
    what = f"{ENTRY[name]}: SD of {window} s means, W, log recomputed"
    own = window_sd(run(name).steady, window)
    validation_row("I10", what, own, got, rel=0.35, source=SOURCE[name], basis=basis)


# ------------------------------------------------------------------------------------------------ boundary
def test_i13_parts_of_a_prompts_energy(validation_row):
    """Shares of a production fleet: serving at a load factor of 0.625 (middle of 50-75 %), the rest idle, overhead 8 %.

    A check of boundaries, not of TPUs: the node is an 8xB200 server; the overhead is given, not predicted.
    """
    draw, overhead, load = node("b200x8-air-llm"), 0.08, 0.625
    busy, idle = load * busy_air_w(), (1.0 - load) * draw.idle_w()
    devices = draw.shares(float(draw.device_decode_w(np.array([run(AIR).mean_active() / 8.0]), np.ones(1))[0]))[
        "devices"
    ]
    it = (1.0 - overhead) / (busy + idle)
    source = "Google, May 2025, median text prompt"
    for part, percent, got in (
        ("accelerators", 58.0, it * busy * devices),
        ("hosts, network, fans, supplies", 25.0, it * busy * (1.0 - devices)),
        ("idle machines", 10.0, it * idle),
    ):
        what = f"share of {part}, %: 8xB200 at a load factor of 0.625, overhead of 8 % given"
        validation_row("I13", what, percent, 100.0 * got, abs=10.0, source=source, basis="predicted")
