"""The power of one system while it serves: what every kind of *draw* answers.

Planes: a *system* is what ``Rack.systems`` counts (a server, a wafer, a whole NVL72 rack); its power is at the rack's
AC input, host, fans and power supplies included. Never utilisation times TDP.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.core.params import Params

Floats = NDArray[np.float64]


class Draw(Params):
    """What every kind of draw answers, in W of one system at the AC input."""

    FOLDER: ClassVar[str] = "draws"

    @abstractmethod
    def idle_w(self) -> float:
        """Powered on, without a request."""

    @abstractmethod
    def prefill_w(self) -> float:
        """While prompts are computed."""

    @abstractmethod
    def decode_w(self, batch: Floats, share_of_most: Floats) -> Floats:
        """While tokens are made: (n) at mean active sequences per replica ``batch`` (n, >= 0; below 1 it is busy part
        of the time) and at the token rate per the largest, ``share_of_most`` (n, 0..1)."""


__all__ = ["Draw"]
