"""Power-electronic converter in the path: solid-state transformer, rectifier of a DC bus.

Equation: the loss law of ``twin.power.loss``; ``a`` control and magnetising, ``b`` junctions, ``c`` copper.
Source: claims of 98.5 % for medium voltage to 800 V DC by Delta and Amperesand (physics sheet 1.1).
"""

from __future__ import annotations

from typing import ClassVar

from twin.power.loss import LossLaw


class Converter(LossLaw):
    """Parameters of one converter; its output may be DC, then the rating is the active power."""

    KIND: ClassVar[str] = "converter"
    FOLDER: ClassVar[str] = "distribution"
