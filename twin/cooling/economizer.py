"""Water-side economiser: a plate exchanger between condenser water and facility water, ahead of the chillers.

Equation: ``T_after = T_ret - eps (T_ret - T_cw)``; the chillers trim what remains (integrated). A plant that sends
facility water straight through its dry coolers is the same with ``eps = 1``.
Source: definition of the effectiveness (Incropera et al., 7th ed., section 11.4), referred to the facility water, which
carries the smaller capacity rate. Where the exchanger's films are stated (``film_exponent``), the effectiveness is that
of a counterflow exchanger whose UA follows the flows, and the stated one holds at the design flows.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from twin.cooling.exchanger import conductance, transfer
from twin.core.columns import Fac
from twin.core.jit import kernel
from twin.core.params import Figure, Params, Quantity, Share

ECONOMIZER, W_MAX = int(Fac.ECONOMIZER), int(Fac.W_MAX)
UA, W_COLD, EXPONENT = int(Fac.ECONOMIZER_UA), int(Fac.ECONOMIZER_W), int(Fac.ECONOMIZER_N)


class Economizer(Params):
    """Parameters of the economiser of one plant."""

    KIND: ClassVar[str] = "economizer"
    FOLDER: ClassVar[str] = "plants"

    effectiveness: Annotated[Share, Quantity("1", "effectiveness on the facility-water side", gt=0, le=1)]
    film_exponent: Annotated[Figure | None, Quantity("1", "films per flow to this power", ge=0, le=1)] = None
    condenser_share: Annotated[Share, Quantity("1", "of the condenser water, through the exchanger", gt=0, le=1)] = (
        Figure(value=1.0, source="definition: all of it", confidence="estimate")
    )

    def columns(self, w_max: float, w_condenser: float) -> dict[Fac, float]:
        """What the plant knows of the exchanger at design flows ``w_max`` and ``w_condenser`` (W/K).

        Raises ``ValueError`` where no exchanger has this effectiveness at these flows.
        """
        if self.film_exponent is None or w_condenser <= 0.0:
            return {Fac.ECONOMIZER: self.effectiveness.value}
        cold = w_condenser * self.condenser_share.value
        return {
            Fac.ECONOMIZER: self.effectiveness.value,
            Fac.ECONOMIZER_UA: _design_ua(self.effectiveness.value * w_max, w_max, cold),
            Fac.ECONOMIZER_W: cold,
            Fac.ECONOMIZER_N: self.film_exponent.value,
        }


def _design_ua(per_kelvin: float, hot: float, cold: float) -> float:
    """UA in W/K at which a counterflow exchanger moves ``per_kelvin`` W per kelvin between the inlets; bisection."""
    low, high = 1e-3 * per_kelvin, 1e4 * per_kelvin
    if per_kelvin >= transfer(high, hot, cold):
        raise ValueError("no economiser has this effectiveness with so little condenser water")
    for _ in range(100):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if transfer(middle, hot, cold) < per_kelvin else (low, middle)
    return (low * high) ** 0.5


@kernel
def heat_rate(fac: np.ndarray, w: float) -> float:
    """``eps W`` in W/K at the facility-water capacity rate ``w``: heat per kelvin of return over condenser water."""
    if fac[UA] <= 0.0:
        return fac[ECONOMIZER] * w
    n = fac[EXPONENT]
    return transfer(conductance(fac[UA], w / fac[W_MAX], n, 1.0, n), w, fac[W_COLD])
