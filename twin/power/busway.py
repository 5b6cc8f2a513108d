"""Busway, wiring and switchgear: square-law loss only."""

from __future__ import annotations

from typing import ClassVar

from twin.power.loss import LossLaw


class Busway(LossLaw):
    """Parameters of one busway run or switchboard."""

    KIND: ClassVar[str] = "busway"
    FOLDER: ClassVar[str] = "distribution"
