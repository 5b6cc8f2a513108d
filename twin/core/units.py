"""Conversions at the edge: written inputs carry their unit in the key, everything inside is SI (with degC for
temperatures).

One litre of water-glycol per minute is a volume flow; it becomes kg/s through the density of the named coolant.
"""

from __future__ import annotations

from typing import Final

KW: Final = 1e3
MW: Final = 1e6
GB: Final = 1e9
KJ: Final = 1e3
MJ: Final = 1e6
KPA: Final = 1e3
LPM: Final = 1e-3 / 60.0
M3H: Final = 1.0 / 3600.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
# Years that a date or an instant may have: well inside what a time axis in nanoseconds can hold (1678..2261).
EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2200
MWH: Final = 3.6e9
KELVIN: Final = 273.15


def amount(value: float) -> str:
    """A count or rate for people, four digits at most: ``0.0517``, ``12.3``, ``1,416``, ``88.26 k``, ``13.75 M``."""
    size = abs(value)
    for step, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= step:
            return f"{value / (1e3 if name == 'k' else step):,.4g} {name}"
    return f"{value:,.0f}" if size >= 1000.0 else f"{value:.3g}"
