"""Power distribution unit, remote power panel: the loss law, with a core loss when it holds a transformer.

Equation: the loss law of ``twin.power.loss``; ``a`` is the iron loss, 0 without a transformer; ``c`` copper and wire.
Source: N. Rasmussen, APC White Paper 113, table 2 (a = c = 0.015 with a transformer).
"""

from __future__ import annotations

from typing import ClassVar

from twin.power.loss import LossLaw


class Pdu(LossLaw):
    """Parameters of one PDU."""

    KIND: ClassVar[str] = "pdu"
    FOLDER: ClassVar[str] = "distribution"
