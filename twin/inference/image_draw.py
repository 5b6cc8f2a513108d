"""Power of a system of GPUs that generates images: flat while busy, idle otherwise.

Equations (B mean images in the works per replica; busy = min(1, B))::

    P = busy P_node(device_busy) + (1 - busy) P_node(idle)                      P_node: ``twin.inference.node``

Denoising steps keep the devices near their limit whatever the batch, so there is no curve. Images have no prompt phase
worth its own power: ``prefill_w`` is the busy power.

Range: 1024 x 1024 models, H100 0.93-0.98 and B200 0.80-0.94 of TDP, flat in batch.
Source: ML.ENERGY leaderboard v3, 1,020 diffusion configurations, as summarised in the project's facts.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Quantity
from twin.inference.draw import busy_share
from twin.inference.node import Node

Floats = NDArray[np.float64]


class ImageDraw(Node):
    """Parameters of a draw of image generation."""

    KIND: ClassVar[str] = "image-draw"

    device_busy_w: Annotated[Figure, Quantity("W", "a device while it makes images", gt=0, le=1e6)]

    @model_validator(mode="after")
    def _ordered(self) -> ImageDraw:
        if self.device_idle_w.value > self.device_busy_w.value:
            raise PydanticCustomError("idle", "device_idle_w is above device_busy_w")
        return self

    def device_most_w(self) -> float:
        """Power of a busy device."""
        return self.device_busy_w.value

    def prefill_w(self) -> float:
        """As while images are made."""
        return float(self.wall_w(np.array(self.device_busy_w.value), np.array(1.0)))

    def decode_w(self, batch: Floats, share_of_most: Floats) -> Floats:
        """While images are made: see :class:`twin.inference.draw.Draw`."""
        busy = busy_share(np.asarray(batch, float))
        return busy * self.prefill_w() + (1.0 - busy) * self.idle_w()


__all__ = ["ImageDraw"]
