"""Power of serving against meters: servers at the wall, GPUs over batch, phases, fluctuation; and two controls.

Each row says whether its figure was *fitted* (the library entry was chosen to meet it) or *predicted*. MLPerf figures:
MLPerf Inference v5.1, closed division, submitter Lenovo.
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
TDP_W, NAMEPLATE_W = 1000.0, 14_300.0  # B200; DGX B200
ENERGY = "ML.ENERGY leaderboard v3, 70B TP4 on H100"
# W per H100 over batch, 70B TP4 (ML.ENERGY as printed in the facts); the entry was fitted to FITTED only.
CURVE = {8: 441.0, 32: 449.0, 64: 500.0, 128: 546.0, 256: 589.0, 512: 623.0, 1024: 637.0}
FITTED = (8, 64, 256, 1024)
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
    what = "8xB200 air, llama2-70b, 99.2k tok/s: wall W (fitted: fan power)"
    validation_row("I01", what, measured, busy_air_w(), rel=0.05, source=SOURCE[AIR])
    what = "8xB200 air, llama2-70b: J per token (fitted: with the wall power)"
    validation_row("I01", what, 0.105, busy_air_w() / tokens, rel=0.08, source=SOURCE[AIR])


def test_i02_wall_power_of_a_server_with_long_prompts(validation_row):
    """The prefill share from latencies alone: decode steps stretch by 1/(1 - share), from the least to the mean."""
    summary = run(WATER).summary
    share = 1.0 - summary["Min Time to Output Token (ns)"] / summary["Mean Time to Output Token (ns)"]
    got = power(node(ENTRY[WATER]), run(WATER).mean_active(), prefill=share)
    measured = float(run(WATER).loaded.mean())
    assert measured == pytest.approx(9570.0, rel=5e-3)
    what = "8xB200 water, 405B, 1.9 req/s: wall W (predicted)"
    validation_row("I02", what, measured, got, rel=0.08, source=SOURCE[WATER])


@pytest.mark.parametrize(("measured", "scenario"), [(9440.0, "Offline"), (9010.0, "Server")])
def test_i02b_wall_power_of_a_small_model(validation_row, measured, scenario):
    """llama3.1-8b fills any batch: the top of the curve. Tolerance of I02."""
    what = f"8xB200 water, llama3.1-8b {scenario}: wall W (predicted)"
    got = power(node("b200x8-water-llm"), 2048.0)
    validation_row("I02b", what, measured, got, rel=0.08, source=f"{MLPERF} SR780a V3, llama3.1-8b")


def test_i02b_wall_power_of_image_generation(validation_row):
    """The device power of the image entry in the water-cooled node. Tolerance of I02."""
    image = LIBRARY.get("b200x8-image", ImageDraw)
    got = float(node("b200x8-water-llm").wall_w(np.array(image.device_busy_w.value), np.array(1.0)))
    what = "8xB200 water, SDXL: wall W (predicted)"
    validation_row("I02b", what, 9475.0, got, rel=0.08, source=f"{MLPERF} SR780a V3, stable-diffusion-xl: 9.44-9.51 kW")


@pytest.mark.parametrize("name", [AIR, WATER])
def test_i03_idle_wall_power(validation_row, name):
    got = node(ENTRY[name]).idle_w()
    what = f"{ENTRY[name]}: idle wall W (fitted)"
    validation_row("I03", what, run(name).idle_w, got, rel=0.10, source=SOURCE[name])


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
    batch = np.array(HELD_OUT, float)
    got = node("dgx-h100-llm").device_decode_w(batch, np.ones(3))
    what = "H100 power at batch 32, 128, 512: mean error (predicted from 8, 64, 256, 1024)"
    validation_row("I04", what, 0.0, held_out_error(got), abs=0.05, source=ENERGY)


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
    what = "8xB200 air, dense 70B: wall power at load 0.3 per busy, 0.85 or more (predicted)"
    source = "arXiv 2603.18383 (plateau); batch from MLPerf latencies"
    validation_row("I08", what, 0.925, got, abs=0.075, source=source)


# ------------------------------------------------------------------------------------------------ phases
@pytest.mark.parametrize(("gpus", "printed"), [(2, 0.75), (4, 0.60), (8, 0.44)])
def test_i09_average_power_by_phases(validation_row, gpus, printed):
    """A run of one prompt of 2,048 tokens: prefill at the TDP for its share of the time, decode as with a short one."""
    rows = [row for row in splitwise("a100-80gb", "llama2-70b") if row["tensor_parallel"] == gpus]
    source = f"Splitwise perf_model.csv, A100 llama2-70b TP{gpus}"
    median = float(np.median([row["average_power"] for row in rows]))
    validation_row("I09", f"A100 TP{gpus}: median of TDP (recomputed)", printed, median, abs=0.05, source=source)
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
    what = f"A100 TP{gpus}: 2,048-token prompt, mean of TDP (predicted from prefill 1.0 and a 128-token run)"
    validation_row("I09", what, expected, got, abs=0.05, source=source)


def test_i09_a_long_prompt_takes_the_whole_tdp(validation_row):
    rows = splitwise("a100-80gb", "llama2-70b")
    peaks = [row["peak_power"] for row in rows if row["prompt_size"] >= 2048]
    what = "A100: peak of TDP, prompts of 2k and more, all TP (recomputed)"
    validation_row("I09", what, 1.0, float(np.median(peaks)), abs=0.05, source="Splitwise perf_model.csv, llama2-70b")


# ------------------------------------------------------------------------------------------------ fluctuation
def wander_w(name: str, window_s: float) -> float:
    """The model's SD of one server: prefill-heavy for the 405B, decode-heavy for the 70B."""
    draw, mean = node(ENTRY[name]), float(run(name).steady.mean())
    return sum_sd_w([Wandering(mean, 1.0, 1.0, draw.residual_parts(float(name == WATER)))], window_s)


@pytest.mark.parametrize("name", [AIR, WATER])
@pytest.mark.parametrize("window", [1, 60, 300])
def test_i10_fluctuation(validation_row, name, window):
    how = "fitted" if window == 1 else "predicted from 1-20 s"
    printed, got = WANDER[name][window], wander_w(name, window)
    what = f"{ENTRY[name]}: SD of {window} s means, W ({how})"
    validation_row("I10", what, printed, got, rel=0.35, source=SOURCE[name])
    what = f"{ENTRY[name]}: SD of {window} s means, W ({how}; log recomputed)"
    validation_row("I10", what, window_sd(run(name).steady, window), got, rel=0.35, source=SOURCE[name])


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
        what = f"share of {part}, % (predicted boundary: 8xB200, load factor 0.625)"
        validation_row("I13", what, percent, 100.0 * got, abs=10.0, source=source)


# ------------------------------------------------------------------------------------------------ controls
def control(validation_row: Any, case: str, which: str, miss: float, tolerance: float) -> None:
    """A row that holds where the control fails: its miss must be beyond the case's tolerance."""
    what = f"negative control, {which}: off by {miss:.0%}, fails +-{tolerance:.0%} (1: fails)"
    validation_row(case, what, 1.0, float(miss > tolerance), abs=0.0, source="negative control")


UTILISATION = "utilisation x TDP"
CONSTANT = "constant mean power"


def test_utilisation_times_tdp_fails(validation_row):
    """P = u * 8 TDP for a server, u * TDP for a GPU; with the nameplate in place of the TDPs it fails as well."""
    measured = float(run(AIR).loaded.mean())
    for rated in (8.0 * TDP_W, NAMEPLATE_W):
        control(validation_row, "I01", f"{UTILISATION} ({rated:g} W)", abs(rated / measured - 1.0), 0.05)
    for name in (AIR, WATER):
        control(validation_row, "I03", f"{UTILISATION}, {ENTRY[name]}", abs(0.0 / run(name).idle_w - 1.0), 0.10)
    # Token rate of batch B per that of 1,024, from the printed 470 tok/s at 8 and 6,827 at 1,024: rate = B / (a + b B).
    slope = (1024 / 6827 - 8 / 470) / 1016
    rates = [b / (8 / 470 + slope * (b - 8)) for b in HELD_OUT]
    control(validation_row, "I04", UTILISATION, held_out_error([700.0 * rate / 6827 for rate in rates]), 0.05)
    control(validation_row, "I08", UTILISATION, abs(0.3 - 0.925), 0.075)


def test_constant_mean_power_fails(validation_row):
    for name in (AIR, WATER):
        measured = run(name)
        mean = float(measured.loaded.mean())
        control(validation_row, "I03", f"{CONSTANT}, {ENTRY[name]}", abs(mean / measured.idle_w - 1.0), 0.10)
        sds = [window_sd(np.full(measured.steady.size, mean), k) / WANDER[name][k] for k in (1, 60, 300)]
        control(validation_row, "I10", f"{CONSTANT}, {ENTRY[name]}", float(np.min(np.abs(np.array(sds) - 1.0))), 0.35)
