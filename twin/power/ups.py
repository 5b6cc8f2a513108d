"""Uninterruptible power supply: the loss law of ``twin.power.loss`` with coefficients per class of machine.

Equation: ``P_in = P_out + P_r (a + b x + c x^2)``; ``a`` matters most where two systems share the load (x below 0.5).
What it does when its input or its load is out of bounds is stated where an entry knows it: overload tables
(``twin.power.overload``), accepted input, walk-in, and the count of sags after which it stays on battery.
Source: APC White Papers 113 (legacy double conversion) and 108 (delta conversion); newer classes per library entry.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from twin.core.params import Figure, Quantity
from twin.power.loss import LossLaw
from twin.power.overload import Overload


class Ups(LossLaw):
    """Parameters of one UPS module or frame."""

    KIND: ClassVar[str] = "ups"
    FOLDER: ClassVar[str] = "ups"

    overload_mains: Overload | None = Field(None, description="overload on mains: loads and how long")
    overload_battery: Overload | None = Field(None, description="overload on battery: loads and how long")
    overload_bypass: Overload | None = Field(None, description="overload of the static bypass: loads and how long")
    low_pu: Annotated[Figure | None, Quantity("1", "lowest input voltage per nominal", gt=0, lt=1)] = None
    frequency_hz: Annotated[Figure | None, Quantity("Hz", "accepted deviation of the input", gt=0, le=20)] = None
    bypass_pu: Annotated[Figure | None, Quantity("1", "accepted deviation of the bypass voltage", gt=0, lt=1)] = None
    return_s: Annotated[Figure | None, Quantity("s", "input good before it walks in", ge=0, le=3600)] = None
    walk_in_s: Annotated[Figure | None, Quantity("s", "ramp of the rectifier from 0 to its load", ge=0, le=3600)] = None
    sag_window_s: Annotated[Figure | None, Quantity("s", "window in which sags count", gt=0, le=86_400)] = None
    sag_count: int | None = Field(
        None, ge=1, le=8, description="sags of the input in the window after which it stays on battery"
    )


__all__ = ["Ups"]
