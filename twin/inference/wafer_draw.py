"""Power of a wafer-scale system (CS-3): idle, a step when it works, a slope with its token rate.

Equations (busy share of the time with work, u token rate per the largest)::

    P_idle = idle_share * rated
    P      = P_idle + (P_sus - P_idle) [w busy + (1 - w) u]            P_sus <= rated

**Nobody has published this curve.** Only the peak of 23 kW is public; idle share 0.35-0.65, w 0.3-0.9, P_sus 17-23 kW
and the lag of 1-5 s are declared priors with uniform bands. Results carry their band; an operator's meter log narrows
it (``twin calibrate power LOG --kind cs3``). Prefill on the wafer works all of it: P_sus.

Range: u 0..1; one system of a pipeline draws like the others of it.
Source: Cerebras (peak, as used in Kundu et al., arXiv 2503.11698); the rest is the project's prior.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Quantity, Share
from twin.inference.draw import Draw, busy_share

Floats = NDArray[np.float64]


class WaferDraw(Draw):
    """Parameters of a draw of wafer-scale systems."""

    KIND: ClassVar[str] = "wafer-draw"

    rated_kw: Annotated[Figure, Quantity("kW", "peak of a system", gt=0, le=1000)]
    idle_share: Annotated[Share, Quantity("1", "power without work per the peak", ge=0, le=1)]
    sustained_kw: Annotated[Figure, Quantity("kW", "power at the largest token rate", gt=0, le=1000)]
    busy_weight: Annotated[Share, Quantity("1", "w: share of the rise that comes with any work at all", ge=0, le=1)]

    @model_validator(mode="after")
    def _ordered(self) -> WaferDraw:
        if self.sustained_kw.value > self.rated_kw.value:
            raise PydanticCustomError("sustained", "sustained_kw is above rated_kw")
        if self.idle_w() > self.sustained_kw.value * 1e3:
            raise PydanticCustomError("idle", "idle_share of rated_kw is above sustained_kw")
        return self

    def idle_w(self) -> float:
        """Powered on, without a request."""
        return self.idle_share.value * self.rated_kw.value * 1e3

    def prefill_w(self) -> float:
        """While prompts are computed: the sustained power."""
        return self.sustained_kw.value * 1e3

    def decode_w(self, batch: Floats, share_of_most: Floats) -> Floats:
        """While tokens are made: see :class:`twin.inference.draw.Draw`."""
        w, idle = self.busy_weight.value, self.idle_w()
        busy, rate = busy_share(np.asarray(batch, float)), np.clip(np.asarray(share_of_most, float), 0.0, 1.0)
        rise = w * busy + (1.0 - w) * rate
        return np.asarray(idle + (self.sustained_kw.value * 1e3 - idle) * rise)


__all__ = ["WaferDraw"]
