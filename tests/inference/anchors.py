"""Published throughputs that the extrapolated tables are fitted to, one unknown for each anchor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.inference.hardware import PRIOR, Hardware, gb200
from twin.inference.model import Model
from twin.inference.roofline import Efficiency, decode_step, prefill_time

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Anchor:
    """Tokens per s of one replica with ``prompt`` and ``output`` tokens on average and ``batch`` sequences active."""

    tokens_s: float
    prompt: float
    output: float
    batch: float
    said: str


# MLPerf Inference v5.1: 14,774 tok/s over 9 replicas of 8 GPUs; mean lengths as the server run of the same benchmark
# (1,249.04 tok/s at 1.90 requests/s); the batch is what the memory holds.
OFFLINE_405B = Anchor(14_774 / 9, 9_400.0, 657.4, 475.0, "MLPerf Inference v5.1, GB200 NVL72, llama3.1-405b Offline")
# 99,203.92 tok/s at 361.62 requests/s over 8 GPUs; batch from Little: 99,204/8 x 0.1219 s (TPOT p50).
SERVER_70B = Anchor(99_204 / 8, 294.0, 274.3, 1512.0, "MLPerf Inference v5.1, Lenovo SR680a V3, llama2-70b Server")
SERVER_8B = Anchor(128_689 / 8, 780.0, 128.0, 1024.0, "MLPerf Inference v5.1, Lenovo SR780a V3, llama3.1-8b Server")
# TPOT p50 of 0.100 s at 1,249.04 tok/s: 125 sequences by Little.
SERVER_405B = Anchor(1_249.04, 9_400.0, 657.4, 125.0, "MLPerf Inference v5.1, Lenovo SR780a V3, llama3.1-405b Server")
OFFLINE_R1_GB200 = Anchor(
    289_712 / 9, 800.0, 3_900.0, 4096.0, "MLPerf Inference v5.1, GB200 NVL72, DeepSeek-R1 Offline"
)
OFFLINE_R1_GB300 = Anchor(
    420_659 / 9, 800.0, 3_900.0, 4096.0, "MLPerf Inference v5.1, GB300 NVL72, DeepSeek-R1 Offline"
)
# J/token of the GPUs at the best batch, at about 850 W a GPU; the batch and the lengths are priors.
ENERGY_OSS = Anchor(850 / 0.040, 300.0, 500.0, 1024.0, "ML.ENERGY leaderboard v3, B200: 0.040 J/token at about 850 W")
ENERGY_QWEN = Anchor(
    8 * 850 / 0.50, 300.0, 2000.0, 1024.0, "ML.ENERGY leaderboard v3, B200: 0.50 J/token at about 850 W"
)


def mean_prefill(model: Model, hardware: Hardware, anchor: Anchor, how: Efficiency) -> float:
    """E[T_p] in s: lengths of the benchmarks are known in the mean only, their prior is uniform from 0 to twice it."""
    lengths = anchor.prompt * 2.0 * (np.arange(256) + 0.5) / 256
    return float(prefill_time(model, hardware.devices, lengths, how).mean())


def fitted_compute(model: Model) -> Efficiency:
    """The priors with eta_c such that a saturated GB200 replica makes the tokens of :data:`OFFLINE_405B`.

    1 = lambda T_p + g tau(N)/N: what the decode steps leave is the time of the prompts.
    """
    hardware, anchor = gb200(8), OFFLINE_405B
    context = anchor.prompt + 0.5 * anchor.output
    step = float(decode_step(model, hardware.devices, np.array([anchor.batch]), context, PRIOR, 4.0, 8.0)[0])
    left = 1.0 - anchor.tokens_s * step / anchor.batch
    wanted = left / (anchor.tokens_s / anchor.output)
    return replace(PRIOR, compute=mean_prefill(model, hardware, anchor, replace(PRIOR, compute=1.0)) / wanted)


def anchored(
    model: Model, hardware: Hardware, anchor: Anchor, how: Efficiency, bits: float, kv_bits: float, batches: Floats
) -> tuple[Floats, float]:
    """Step times over ``batches`` whose rise above a batch of 1 is scaled to meet ``anchor``; and that scale.

    tau(N) = (1 - rho_p) N/g at the anchor's batch; at a batch of 1 the prior stands.
    """
    context = anchor.prompt + 0.5 * anchor.output
    busy = anchor.tokens_s / anchor.output * mean_prefill(model, hardware, anchor, how)
    wanted = (1.0 - busy) * anchor.batch / anchor.tokens_s
    at = np.concatenate([[1.0, anchor.batch], batches])
    prior = decode_step(model, hardware.devices, at, context, how, bits, kv_bits)
    scale = (wanted - float(prior[0])) / float(prior[1] - prior[0])
    return prior[0] + scale * (prior[2:] - prior[0]), scale
