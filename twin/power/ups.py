"""Uninterruptible power supply: the loss law of ``twin.power.loss`` with coefficients per class of machine."""

from __future__ import annotations

from typing import ClassVar

from twin.power.loss import LossLaw


class Ups(LossLaw):
    """Parameters of one UPS module or frame."""

    KIND: ClassVar[str] = "ups"
    FOLDER: ClassVar[str] = "ups"
