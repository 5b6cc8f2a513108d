"""Water-side economiser: a plate exchanger between condenser water and facility water, ahead of the chillers.

Equation: ``T_after = T_ret - eps (T_ret - T_cw)``; the chillers trim what remains (integrated). A plant that sends
facility water straight through its dry coolers is the same with ``eps = 1``.
Source: definition of the effectiveness (Incropera et al., 7th ed., section 11.4), referred to the facility water, which
carries the smaller capacity rate.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from twin.core.params import Params, Quantity, Share


class Economizer(Params):
    """Parameters of the economiser of one plant."""

    KIND: ClassVar[str] = "economizer"
    FOLDER: ClassVar[str] = "plants"

    effectiveness: Annotated[Share, Quantity("1", "effectiveness on the facility-water side", gt=0, le=1)]
