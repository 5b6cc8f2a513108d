"""Uninterruptible power supply: the loss law of ``twin.power.loss`` with coefficients per class of machine.

Equation: ``P_in = P_out + P_r (a + b x + c x^2)``; ``a`` matters most where two systems share the load (x below 0.5).
Source: APC White Papers 113 (legacy double conversion) and 108 (delta conversion); newer classes per library entry.
"""

from __future__ import annotations

from typing import ClassVar

from twin.power.loss import LossLaw


class Ups(LossLaw):
    """Parameters of one UPS module or frame."""

    KIND: ClassVar[str] = "ups"
    FOLDER: ClassVar[str] = "ups"
