"""Busway, wiring and switchgear: square-law loss only.

Equation: the loss law of ``twin.power.loss`` with ``a = b = 0``, so ``P_loss = c P_r x^2``.
With a reactance it drops voltage where that is asked for (``twin.power.impedance``).
Source: N. Rasmussen, APC White Paper 113, table 2 (wiring 1 %, switchgear 0.5 % at full load).
"""

from __future__ import annotations

from typing import ClassVar

from twin.power.impedance import Series


class Busway(Series):
    """Parameters of one busway run or switchboard."""

    KIND: ClassVar[str] = "busway"
    FOLDER: ClassVar[str] = "distribution"
