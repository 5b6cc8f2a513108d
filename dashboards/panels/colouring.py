"""By what the racks are coloured: one quantity at a time, measured, simulated, or the one less the other.

Scales do not follow the moment: they begin at a round span and only grow, so that a colour keeps its meaning. Measured
and simulated values of a quantity share one scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from bokeh.palettes import Cividis256

from dashboards.panels.panel import Floats
from dashboards.view import MEASURED, RESIDUAL, SIMULATED, Side, values
from telemetry.live.frame import Frame
from twin.core.units import KW

# From blue (the model says too much) over grey to orange (too little): safe for colour-blind eyes.
ENDS = ((0x00, 0x5A, 0x9C), (0xC4, 0xC9, 0xCF), (0xB0, 0x4A, 0x00))


@dataclass(frozen=True)
class Colouring:
    """One quantity: ``unit`` of the picture is ``scale`` of the variable's; ``step``: to what a scale is rounded."""

    variable: str
    name: str
    unit: str
    scale: float
    step: float
    side: Side

    @property
    def key(self) -> str:
        """The name of the choice."""
        return f"{self.variable}:{self.side}"

    @property
    def title(self) -> str:
        """The choice in words."""
        return f"{self.name}, measured − simulated" if self.side == RESIDUAL else f"{self.name}, {self.side}"

    @property
    def palette(self) -> list[str]:
        """256 colours."""
        return DIVERGING if self.side == RESIDUAL else list(Cividis256)

    def of(self, frame: Frame) -> Floats | None:
        """Values by rack in ``unit``; None where the frame has none."""
        found = values(frame, self.side, self.variable)
        return None if found is None else found / self.scale

    def span(self, shown: Floats, before: tuple[float, float] | None) -> tuple[float, float]:
        """Ends of the scale for the values that are shown, never within those of ``before``."""
        known = shown[np.isfinite(shown)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, self.step)
        if self.side == RESIDUAL:
            size = max(_round_up(max(abs(low), abs(high))), before[1] if before else 0.0)
            return -size, size
        bottom = 0.0 if 0 <= low < FROM_ZERO * high else self.step * math.floor(low / self.step)
        top = self.step * max(math.ceil(high / self.step), bottom / self.step + 1)
        return (bottom, top) if before is None else (min(bottom, before[0]), max(top, before[1]))


# A scale begins at zero where the least value is below this share of the greatest.
FROM_ZERO = 0.4
QUANTITIES = (
    ("rack_power", "Power", "kW", KW, 5.0),
    ("rack_temperature", "Temperature", "°C", 1.0, 5.0),
)
ALL = {c.key: c for q in QUANTITIES for side in (MEASURED, SIMULATED, RESIDUAL) for c in [Colouring(*q, side)]}


def choices(frame: Frame) -> list[Colouring]:
    """What can be chosen of a frame."""
    return [c for c in ALL.values() if c.of(frame) is not None]


def chosen(frame: Frame, key: str) -> Colouring | None:
    """The reader's choice where the frame has it, else the first of all; None without any."""
    there = choices(frame)
    return next((c for c in there if c.key == key), there[0] if there else None)


def _round_up(size: float) -> float:
    """The next of 1, 2, 5, 10, ... not below a size."""
    if size <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * digit for digit in (1.0, 2.0, 5.0, 10.0) if power * digit >= size * (1.0 - 1e-9))


def _diverging() -> list[str]:
    stops = np.array(ENDS, float)
    at = np.linspace(0.0, 2.0, 256)
    rgb = np.stack([np.interp(at, (0.0, 1.0, 2.0), stops[:, k]) for k in range(3)], axis=1).round().astype(int)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in rgb]


DIVERGING = _diverging()

__all__ = ["Colouring", "choices", "chosen"]
