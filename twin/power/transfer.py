"""Transfer switches: static (STS) and automatic with contacts (ATS), from a source that fails to one that stands by.

Equation: the loss law of ``twin.power.loss``; the load is without a source for ``transfer_s`` as the switch goes over,
and goes back when the preferred source has been good for ``return_s``.
Source: physics sheet 1.3: STS a quarter of a cycle, 4-5 ms; ATS 50-200 ms.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from twin.core.params import Figure, Quantity
from twin.power.loss import LossLaw


class Transfer(LossLaw):
    """What both kinds of switch share."""

    transfer_s: Annotated[Figure, Quantity("s", "time without a source as it goes over", ge=0, le=60)]
    return_s: Annotated[Figure, Quantity("s", "time the preferred source is good before it goes back", ge=0, le=86_400)]
    low_pu: Annotated[Figure, Quantity("1", "lowest voltage per nominal that it accepts", gt=0, lt=1)]


class Sts(Transfer):
    """Parameters of one static transfer switch."""

    KIND: ClassVar[str] = "sts"
    FOLDER: ClassVar[str] = "transfer"


class Ats(Transfer):
    """Parameters of one automatic transfer switch."""

    KIND: ClassVar[str] = "ats"
    FOLDER: ClassVar[str] = "transfer"


__all__ = ["Ats", "Sts", "Transfer"]
