"""Outdoor air that is measured: dry bulb, wet bulb or both take the place of the weather file's.

Where the dry bulb alone is measured, the air holds as much water as the file says, as far as it can; the wet bulb is
never above the dry bulb. Pressure is the file's.
"""

from __future__ import annotations

import numpy as np

from twin.cooling.moist_air import relative_humidity, wet_bulb_array
from twin.engine.driven_inputs import Floats, Hands
from twin.engine.timeline import Block
from twin.forcing.weather import Weather

DRY, WET = 0, 1


def drive_air(hands: Hands, dry: Floats | None, wet: Floats | None, weather: Weather, block: Block) -> None:
    """Put measured dry bulb and wet bulb (1, degC) into the forcing of a step."""
    air = hands.forcing.weather
    if dry is not None:
        air[:, DRY] = dry[0]
        if wet is None:
            file = weather.sample(block.t_end, block.dt)
            pairs = zip(file.humidity_ratio, file.pressure_pa, strict=True)
            share = np.array([min(1.0, max(0.01, relative_humidity(float(dry[0]), w, p))) for w, p in pairs])
            air[:, WET] = wet_bulb_array(air[:, DRY].copy(), share, file.pressure_pa)
    elif wet is not None:
        air[:, DRY] = np.maximum(air[:, DRY], wet[0])
    if wet is not None:
        air[:, WET] = wet[0]
    np.minimum(air[:, WET], air[:, DRY], out=air[:, WET])


__all__ = ["drive_air"]
