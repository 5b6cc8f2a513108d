"""Service times from peak figures, only to extrapolate: where a table is measured it is used instead.

Equations (A active parameters, n_L layers, d width, W weight bytes read per step, kappa KV bytes per token, c context,
n devices of F flop/s and BW bytes/s)::

    T_p(L)   = t0 + (2 A L + 4 n_L d L^2/2)/(eta_c n F)
    tau(B,c) = n_L t_l + (t_m^3 + t_f^3)^(1/3),   t_m = (W + B c kappa)/(n eta_b BW),   t_f = 2 A B/(n eta_f F)

The efficiencies are priors: eta_b 0.83, eta_f 0.21 and 83 us per layer were fitted over the dense models on H100 (85
points, 7 models; mean error 12 %); on B200, whose software is young, the same form is off by 29 %. A mixture of experts
reads at most all its weights: W grows with the batch from the active to all of them, as 1 - (1 - A/P)^B.
Range: B >= 1, L >= 0; results carry a band of the efficiencies, at best.
Source: S. Williams et al., Communications of the ACM 52, 2009 (roofline); fit: facts of this project over ML.ENERGY v3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.inference.model import Model

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Devices:
    """``count`` equal accelerators that hold a replica together: peak dense flop/s and memory bytes/s of each."""

    count: int
    flop_s: float
    bytes_s: float


@dataclass(frozen=True)
class Efficiency:
    """How much of the peaks is reached; ``low`` and ``high`` are the ends of the prior, for :meth:`ends`."""

    compute: float = 0.45  # eta_c, prefill
    memory: float = 0.83  # eta_b
    decode: float = 0.21  # eta_f
    layer_s: float = 83e-6  # t_l
    start_s: float = 0.0  # t0: nothing where prompts go into running steps

    def ends(self) -> tuple[Efficiency, Efficiency]:
        """The slow and the fast end of the prior."""
        slow = Efficiency(
            self.compute / 1.6, self.memory / 1.3, self.decode / 1.6, self.layer_s * 1.5, self.start_s * 3
        )
        fast = Efficiency(
            min(0.8, self.compute * 1.6),
            min(0.95, self.memory * 1.2),
            min(0.8, self.decode * 2.0),
            self.layer_s / 2.5,
            self.start_s / 3,
        )
        return slow, fast


def prefill_time(model: Model, devices: Devices, tokens: Floats, how: Efficiency) -> Floats:
    """T_p in s for prompts of ``tokens`` (n)."""
    flop = 2e9 * model.active_parameters_b.value * tokens + 2.0 * model.layers * model.hidden * tokens * tokens
    return how.start_s + flop / (how.compute * devices.count * devices.flop_s)


def decode_step(
    model: Model,
    devices: Devices,
    batch: Floats,
    context: float,
    how: Efficiency,
    bits: float | None = None,
    kv_bits: float = 16.0,
) -> Floats:
    """tau in s at ``batch`` (n) sequences of ``context`` tokens.

    ``bits`` per weight as served (None: as the model's weights are), ``kv_bits`` per value of the cache.
    """
    active, every = model.active_parameters_b.value, model.parameters_b.value
    weights = 1e9 * model.weight_gb.value if bits is None else 1e9 * every * bits / 8.0
    touched = 1.0 - (1.0 - active / every) ** batch if active < every else 1.0
    sequence = model.kv_bytes_token.value * context
    if model.kv_bytes_sequence is not None:
        sequence += model.kv_bytes_sequence.value
    moved = weights * touched + batch * sequence * kv_bits / 16.0
    memory = moved / (devices.count * how.memory * devices.bytes_s)
    compute = 2e9 * active * batch / (devices.count * how.decode * devices.flop_s)
    return np.asarray(model.layers * how.layer_s + np.cbrt(memory**3 + compute**3), dtype=np.float64)


__all__ = ["Devices", "Efficiency", "decode_step", "prefill_time"]
