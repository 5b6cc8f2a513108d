"""ASHRAE TC 9.9 classes of IT equipment: what air at the inlets, and what facility water, a class is made for.

Air: recommended and allowable dry bulb, dew point and relative humidity at the inlet of a rack, and how fast the inlet
may change. Recommended is the same for A1 to A4: 18-27 degC, dew point -9..15 degC, at most 60 %. Water: the number of
a class is the largest facility supply in degC, 2 degC the least.

Range: allowable dry bulbs hold at sea level; ASHRAE takes some off from 900 m on. A class says what equipment is made
for; what an entry of the library states of its own holds besides.
Source: ASHRAE TC 9.9, Thermal Guidelines for Data Processing Environments, 5th edition (2021), quoted at second hand;
the lower allowable bounds of H1 (high density) and of moisture are not verified (estimate).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

AirName = Literal["A1", "A2", "A3", "A4", "H1"]
WaterName = Literal["W17", "W27", "W32", "W40", "W45", "W+"]
SOURCE = "ASHRAE TC 9.9 (2021)"
# How fast the air at an inlet may change (disk drives; tape allows 5 K in an hour).
RATE_K_H, RATE_K_15_MIN = 20.0, 5.0
WATER_LEAST_C = 2.0


@dataclass(frozen=True)
class Air:
    """A box of air states: dry bulb in degC, dew point in degC, relative humidity 0..1."""

    dry_low: float
    dry_high: float
    dew_low: float
    dew_high: float
    humidity_low: float
    humidity_high: float

    def holds(self, dry_bulb_c: float, dew_point_c: float, relative_humidity: float) -> bool:
        """Whether an air state lies inside; the lower bound of moisture is the larger of dew point and humidity."""
        return (
            self.dry_low <= dry_bulb_c <= self.dry_high
            and self.dew_low <= dew_point_c <= self.dew_high
            and self.humidity_low <= relative_humidity <= self.humidity_high
        )


@dataclass(frozen=True)
class AirClass:
    """What equipment of a class is made for."""

    name: AirName
    recommended: Air
    allowable: Air


def _air(name: AirName, low: float, high: float, dew: float, humidity: float, best: tuple[float, float]) -> AirClass:
    recommended = Air(*best, -9.0, 15.0, 0.0, 0.60)
    return AirClass(name, recommended, Air(low, high, -12.0, dew, 0.08, humidity))


AIR: dict[str, AirClass] = {
    one.name: one
    for one in (
        _air("A1", 15.0, 32.0, 17.0, 0.80, (18.0, 27.0)),
        _air("A2", 10.0, 35.0, 21.0, 0.80, (18.0, 27.0)),
        _air("A3", 5.0, 40.0, 24.0, 0.85, (18.0, 27.0)),
        _air("A4", 5.0, 45.0, 24.0, 0.90, (18.0, 27.0)),
        _air("H1", 5.0, 25.0, 17.0, 0.80, (18.0, 22.0)),
    )
}
# Largest facility supply in degC; W+ names none.
WATER: dict[str, float] = {"W17": 17.0, "W27": 27.0, "W32": 32.0, "W40": 40.0, "W45": 45.0, "W+": float("inf")}
DEFAULT = AIR["A1"]
assert set(AIR) == set(get_args(AirName))
assert set(WATER) == set(get_args(WaterName))


def strictest(names: list[str]) -> AirClass | None:
    """The class with the lowest allowable dry bulb among ``names``; None without any."""
    return min((AIR[name] for name in names), key=lambda one: one.allowable.dry_high, default=None)


__all__ = ["AIR", "DEFAULT", "RATE_K_15_MIN", "RATE_K_H", "SOURCE", "WATER", "WATER_LEAST_C", "AirClass", "strictest"]
