"""Feeder, line or switchboard section up to the meter: square-law loss at its rating.

Equation: the loss law of ``twin.power.loss`` with ``a = b = 0`` unless the entry says otherwise.
With a reactance it drops voltage where that is asked for (``twin.power.impedance``).
Source: Joule's law at constant voltage, ``P_loss`` as the square of the current; the share at rating per library entry.
"""

from __future__ import annotations

from typing import ClassVar

from twin.power.impedance import Series


class Feeder(Series):
    """Parameters of one feeder."""

    KIND: ClassVar[str] = "feeder"
    FOLDER: ClassVar[str] = "distribution"
