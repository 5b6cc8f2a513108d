"""The states that headroom is asked in: the load of an instant, held until it is steady, and the design days."""

from __future__ import annotations

import numpy as np

from twin.analysis.headroom_options import Asked
from twin.cooling.rejection import rejection_kinds
from twin.core.columns import Fac
from twin.core.units import HOUR
from twin.engine.demand import class_demands
from twin.engine.loading import Floats
from twin.engine.prepare import load_curves
from twin.engine.serve import ClassDemand, PoolCurve
from twin.engine.still import Held, still
from twin.forcing.coincident import Air
from twin.forcing.design_file import DesignConditions
from twin.forcing.weather import Weather
from twin.site.plan import Plan

DRY, WET = "0.4 % dry bulb", "0.4 % wet bulb"


def settled(asked: Asked, air: Air) -> tuple[Plan, Floats]:
    """The plan at the instant and the power that its racks ask for (group, W), held until it is steady."""
    start, end = np.array([asked.at_s - HOUR]), np.array([asked.at_s])
    demand, offset = class_demands(asked.loaded), round(asked.loaded.site.utc_offset_h * HOUR)
    with still(asked.loaded, asked.at_s) as site:
        if asked.load is not None:
            use = np.full(len(site.whole.labels.curve), asked.load)
            classes = [ClassDemand(Held(asked.load), relative=True) for _ in demand]
        else:
            curves = load_curves(site.whole, asked.loaded)
            use = np.array(
                [0.0 if isinstance(c, PoolCurve) else float(c.sample(start, end, offset)[0]) for c in curves]
            )
            classes = [ClassDemand(Held(float(d.curve.sample(start, end, offset)[0])), d.relative) for d in demand]
        site.point(air, use, classes)
        return site.whole, site.power()


def design_days(conditions: DesignConditions, weather: Weather) -> dict[str, Air]:
    """Air of the two design days, at the mean pressure of the year."""
    pressure = float(weather.pressure_pa.mean())
    pairs = {
        DRY: (conditions.cooling_dry_bulb_c, conditions.cooling_coincident_wet_bulb_c),
        WET: (conditions.wet_bulb_coincident_dry_bulb_c, conditions.wet_bulb_c),
    }
    return {name: Air(dry, min(wet, dry), pressure) for name, (dry, wet) in pairs.items()}


def at_banks(plan: Plan, air: Air, recirculation_k: float) -> list[Air]:
    """Air at the rejection bank of each loop: their own warm exhaust comes back to dry coolers and towers."""
    wet = [kind.WET for kind in rejection_kinds().values()]
    dry_t, wet_t, p = air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa
    warm = {True: Air(max(dry_t, wet_t + recirculation_k), wet_t + recirculation_k, p),
            False: Air(dry_t + recirculation_k, wet_t, p)}  # fmt: skip
    return [warm[wet[int(code)]] for code in plan.arrays.fac[:, Fac.REJECTION]]


__all__ = ["DRY", "WET", "at_banks", "design_days", "settled"]
