"""Power of a system of GPUs or Trainium chips that serves a language model.

Equations (B mean active sequences per replica, u token rate per the largest; busy = min(1, B))::

    p(B) = low + (high - low) / (1 + exp(-(log2 B - mid) / width))        a) logistic in log2 of the batch, B >= 1
    p(B) = table                                                          b) where power is not monotone in batch
    p(u) = idle + (high - idle) u (1 + half) / (u + half)                 c) from a meter log, which has no batch
    P    = busy P_node(p) + (1 - busy) P_node(idle)                       below a batch of 1

The batch is that of a replica of the configuration the curve was measured on (the entry's note says which). In c) the
step from idle to busy is half done at u = half/(1 + 2 half), and u = 0 is idle. P_node: ``twin.inference.node``.

Range: B 8..1,024 measured on H100 (MAPE 2.2 % over 94 configurations), below 8 anchored on idle and on the plateau
from 0.1-0.3 of the load; NVML power of the devices, wall power through the node.

Source: ML.ENERGY leaderboard v3 as summarised in the project's facts (form of mlenergy-data and OpenG2G, arXiv
2605.05519); MLPerf Inference v5.1, closed division, Lenovo (idle and busy wall power); *From Servers to Sites*, arXiv
2603.18383 (plateau).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Quantity
from twin.core.tables import Table
from twin.inference.draw import busy_share
from twin.inference.node import Node

Floats = NDArray[np.float64]
LOGISTIC = ("decode_low_w", "decode_mid_log2", "decode_width_log2")


class DeviceDraw(Node):
    """Parameters of a draw by devices; one of the three curves, as in the equations."""

    KIND: ClassVar[str] = "device-draw"

    device_prefill_w: Annotated[Figure, Quantity("W", "a device while it computes long prompts", gt=0, le=1e6)]
    decode_high_w: Annotated[Figure | None, Quantity("W", "a device at the largest batches", gt=0, le=1e6)] = None
    decode_low_w: Annotated[Figure | None, Quantity("W", "a device at the smallest batches", gt=0, le=1e6)] = None
    decode_mid_log2: Annotated[Figure | None, Quantity("1", "log2 of the batch half-way up", ge=0, le=20)] = None
    decode_width_log2: Annotated[Figure | None, Quantity("1", "width in log2 of the batch", gt=0, le=10)] = None
    decode_half_share: Annotated[Figure | None, Quantity("1", "half of c) in the equations", gt=0, le=10)] = None
    decode_device_w: Table | None = Field(None, description="b) power of a device in W over the batch of a replica")

    @model_validator(mode="after")
    def _one_curve(self) -> DeviceDraw:
        logistic = [getattr(self, key) is not None for key in LOGISTIC]
        given = (any(logistic), self.decode_half_share is not None, self.decode_device_w is not None)
        if sum(given) != 1 or (any(logistic) and not all(logistic)):
            raise PydanticCustomError(
                "curve",
                "give one curve: {a} (logistic), decode_half_share, or decode_device_w",
                {"a": ", ".join(LOGISTIC)},
            )
        if (self.decode_high_w is None) != (self.decode_device_w is not None):
            raise PydanticCustomError("curve", "decode_high_w belongs to a curve by figures, and only there")
        if self.decode_low_w and self.decode_high_w and self.decode_low_w.value > self.decode_high_w.value:
            raise PydanticCustomError("curve", "decode_low_w is above decode_high_w")
        if self.device_idle_w.value > min(self.device_prefill_w.value, self.device_most_w()):
            raise PydanticCustomError("idle", "device_idle_w is above the power of work")
        return self

    def device_most_w(self) -> float:
        """Highest power of a device: of prefill and of the decode curve's top."""
        top = max(self.decode_device_w.values) if self.decode_device_w else 0.0
        return max(self.device_prefill_w.value, self.decode_high_w.value if self.decode_high_w else top)

    def device_decode_w(self, batch: Floats, share_of_most: Floats) -> Floats:
        """Power of one busy device (n) at the batch of its replica (below 1 as at 1), or at the share of the most."""
        if self.decode_device_w is not None:
            return self.decode_device_w.sample(np.maximum(batch, 1.0))
        assert self.decode_high_w is not None
        high = self.decode_high_w.value
        if self.decode_half_share is not None:
            half, idle = self.decode_half_share.value, self.device_idle_w.value
            return idle + (high - idle) * share_of_most * (1.0 + half) / (share_of_most + half)
        assert self.decode_low_w is not None
        assert self.decode_mid_log2 is not None
        assert self.decode_width_log2 is not None
        low = self.decode_low_w.value
        z = (np.log2(np.maximum(batch, 1.0)) - self.decode_mid_log2.value) / self.decode_width_log2.value
        return low + (high - low) / (1.0 + np.exp(-z))

    def prefill_w(self) -> float:
        """While prompts are computed."""
        return float(self.wall_w(np.array(self.device_prefill_w.value), np.array(1.0)))

    def decode_w(self, batch: Floats, share_of_most: Floats) -> Floats:
        """While tokens are made: see :class:`twin.inference.draw.Draw`."""
        batch, share = np.asarray(batch, float), np.asarray(share_of_most, float)
        device = self.device_decode_w(batch, share)
        if self.decode_half_share is not None:  # the curve itself falls to idle: nothing is busy part of the time
            return self.wall_w(device, np.clip(share, 0.0, 1.0))
        busy = busy_share(batch)
        return busy * self.wall_w(device, np.ones_like(device)) + (1.0 - busy) * self.idle_w()


__all__ = ["DeviceDraw"]
