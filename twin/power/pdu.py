"""Power distribution unit, remote power panel: the loss law, with a core loss when it holds a transformer."""

from __future__ import annotations

from typing import ClassVar

from twin.power.loss import LossLaw


class Pdu(LossLaw):
    """Parameters of one PDU."""

    KIND: ClassVar[str] = "pdu"
    FOLDER: ClassVar[str] = "distribution"
