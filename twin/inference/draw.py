"""The power of one system while it serves: what every kind of *draw* answers.

Planes: a *system* is what ``Rack.systems`` counts (a server, a wafer, a whole NVL72 rack); its power is at the rack's
AC input, host, fans and power supplies included. Never utilisation times TDP.

Which idle power holds: a system that a pool serves on draws what its *draw* says, idle included. The rack entry's
``idle_power_kw`` holds where a hall follows a utilisation curve; its ``rated_power_kw`` bounds both.

Equations (phi share of busy time that prompts take, h how prefill-heavy the load is, all 0..1)::

    P       = phi P_prefill + (1 - phi) P_decode(B, share)
    dP/dt   = (P_target - P) / lag                                    first order
    SD(h)^2 = decode^2 + h^2 prefill^2        of a 1 s reading, as shares of P, for one group in lock-step

The residual is a sum of independent parts: the decode part is white but for its slow share; the prefill part is AR(1)
with ``residual_memory_s``, but for its slow share; slow parts are AR(1) with ``residual_slow_memory_s``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from twin.core.bands import sampled
from twin.core.params import Figure, Params, Quantity, Share
from twin.inference.fluctuation import Part

Floats = NDArray[np.float64]


class Draw(Params):
    """What every kind of draw answers, in W of one system at the AC input."""

    FOLDER: ClassVar[str] = "draws"

    lag_s: Annotated[Figure, Quantity("s", "first-order lag of the power behind the load", ge=0, le=600)]
    residual_decode: Annotated[Share, Quantity("1", "SD of 1 s readings per power, decode-heavy load", ge=0, le=0.5)]
    residual_prefill: Annotated[Share, Quantity("1", "SD that long prompts add, prefill-heavy load", ge=0, le=0.5)]
    residual_memory_s: Annotated[Figure, Quantity("s", "memory of the fast prefill part", gt=0, le=600)]
    residual_decode_slow: Annotated[Share, Quantity("1", "slow share of the decode part's variance", ge=0, le=1)]
    residual_prefill_slow: Annotated[Share, Quantity("1", "slow share of the prefill part's variance", ge=0, le=1)]
    residual_slow_memory_s: Annotated[Figure, Quantity("s", "memory of the slow parts", gt=0, le=3600)]

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

    def serving_w(self, batch: Floats, share_of_most: Floats, prefill_share: Floats) -> Floats:
        """Mean power (n) where prompts take ``prefill_share`` (n, 0..1) of the time and decoding the rest."""
        return prefill_share * self.prefill_w() + (1.0 - prefill_share) * self.decode_w(batch, share_of_most)

    def residual_parts(self, prefill_heavy: float) -> tuple[Part, ...]:
        """Independent parts of the residual of one lock-step group, SDs as shares of its power.

        ``prefill_heavy``: 0 where prompts are short and ride along with decode steps (MLPerf llama2-70b), 1 where long
        prompts stop them (MLPerf llama3.1-405b, about 9.4k tokens in and 0.7k out); between the two it is ours.
        """
        decode, prefill = self.residual_decode.value, self.residual_prefill.value * prefill_heavy
        slow_decode, slow_prefill = self.residual_decode_slow.value, self.residual_prefill_slow.value
        return (
            Part(decode * (1.0 - slow_decode) ** 0.5, 0.0),
            Part(prefill * (1.0 - slow_prefill) ** 0.5, self.residual_memory_s.value),
            Part(
                (slow_decode * decode**2 + slow_prefill * prefill**2) ** 0.5,
                self.residual_slow_memory_s.value,
            ),
        )

    def sampled(self, u: Mapping[str, float] | Sequence[float] | Floats) -> Self:
        """This draw with its unknowns at the places ``u`` of their bands: see :func:`twin.core.bands.sampled`."""
        return sampled(self, u)


def busy_share(batch: Floats) -> Floats:
    """Share of the time (n) with at least one active sequence: all of it from a mean batch of 1."""
    return np.clip(batch, 0.0, 1.0)


__all__ = ["Draw", "busy_share"]
