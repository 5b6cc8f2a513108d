"""Design conditions that come with an EPW: in the ``.ddy`` file beside it or in its DESIGN CONDITIONS line.

``.ddy``: EnergyPlus ``SizingPeriod:DesignDay`` objects; used are the annual ones named "Ann Htg 99.6% Condns
DB", "Ann Clg .4% Condns DB=>MWB" and "Ann Clg .4% Condns WB=>MDB" (fields: 5 maximum dry bulb degC, 6 daily
range K, 10 wet bulb degC). Header line: after ``Heating`` the coldest month and the 99.6 % dry bulb; after
``Cooling`` the hottest month, its daily range, three pairs of dry bulb and coincident wet bulb (0.4, 1, 2 %),
then the 0.4 % wet bulb and its dry bulb; after ``Extremes`` three wind speeds, the highest wet bulb, mean and
deviation of the annual lowest and highest dry bulb, then pairs of the lowest and highest dry bulb in 5, 10, 20 and 50
years. Other layouts are not guessed at: None is returned.

Source: EnergyPlus Auxiliary Programs, "EnergyPlus Weather File (EPW) Data Dictionary" and Input Output
Reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from twin.forcing.hourly import number

DDY_HEATING = " ann htg 99.6% condns db"
DDY_DRY_BULB = " ann clg .4% condns db=>mwb"
DDY_WET_BULB = " ann clg .4% condns wb=>mdb"
HEADER_LINES = 8
# Field after "Extremes": 3 wind speeds, wet bulb, 4 of annual extremes, then (lowest, highest) of 5, 10, 20, 50 years.
HOT_IN_20_YEARS = 13


@dataclass(frozen=True, slots=True)
class DesignConditions:
    """Annual design conditions in degC, daily dry-bulb range in K; ``origin`` tells where they come from."""

    origin: str
    cooling_dry_bulb_c: float
    cooling_coincident_wet_bulb_c: float
    wet_bulb_c: float
    wet_bulb_coincident_dry_bulb_c: float
    heating_dry_bulb_c: float
    daily_range_k: float
    extreme_dry_bulb_c: float | None = None  # the highest in 20 years, where the header of the EPW has it

    def is_possible(self) -> bool:
        """Wet bulbs not above their dry bulbs, and every figure where it belongs."""
        return (
            self.cooling_coincident_wet_bulb_c <= self.wet_bulb_c + 0.5
            and self.wet_bulb_c <= self.wet_bulb_coincident_dry_bulb_c <= self.cooling_dry_bulb_c + 0.5
            and -70.0 <= self.heating_dry_bulb_c < self.cooling_dry_bulb_c <= 60.0
            and 0.0 <= self.daily_range_k <= 40.0
        )


def conditions_of_file(epw: Path) -> DesignConditions | None:
    """The design conditions of the ``.ddy`` beside the EPW, else of the EPW's header, else None."""
    ddy = epw.with_suffix(".ddy")
    found = (_from_ddy(ddy) if ddy.is_file() else None) or _from_header(epw)
    return None if found is None else replace(found, extreme_dry_bulb_c=_extreme(epw, found))


def _from_ddy(ddy: Path) -> DesignConditions | None:
    """Conditions of a ``.ddy``; None when one of the three design days is not in it."""
    # Comments carry a degree sign in Latin-1, which every byte string is; the values are ASCII.
    lines = ddy.read_text(encoding="latin-1").splitlines()
    objects = "\n".join(line.split("!", 1)[0] for line in lines).split(";")
    days: dict[str, list[float | None]] = {}
    for fields in ([text.strip() for text in item.split(",")] for item in objects):
        if fields[0].lower() != "sizingperiod:designday" or len(fields) < 11:
            continue
        for kind in (DDY_HEATING, DDY_DRY_BULB, DDY_WET_BULB):
            if kind in fields[1].lower():
                days[kind] = [number(fields[i]) for i in (5, 6, 10)]
    if len(days) < 3:
        return None
    heating, dry, wet = days[DDY_HEATING], days[DDY_DRY_BULB], days[DDY_WET_BULB]
    return _checked(f"design days of {ddy.name}", [dry[0], dry[2], wet[2], wet[0], heating[0], dry[1]])


def _from_header(epw: Path) -> DesignConditions | None:
    """Conditions of the EPW's header line; None when there are none or their layout is another one."""
    fields = _header(epw)
    if "Heating" not in fields or "Cooling" not in fields:
        return None
    heating = [number(text) for text in fields[fields.index("Heating") + 1 :]]
    cooling = [number(text) for text in fields[fields.index("Cooling") + 1 :]]
    if len(heating) < 2 or len(cooling) < 10:
        return None
    figures = [cooling[2], cooling[3], cooling[8], cooling[9], heating[1], cooling[1]]
    return _checked(f"header of {epw.name} ({fields[2]})", figures)


def _header(epw: Path) -> list[str]:
    """Fields of the EPW's DESIGN CONDITIONS line."""
    with epw.open(encoding="utf-8", errors="replace") as stream:
        head = [next(stream, "") for _ in range(HEADER_LINES)]
    line = next((text for text in head if text.upper().startswith("DESIGN CONDITIONS")), "")
    return [text.strip() for text in line.split(",")]


def _extreme(epw: Path, found: DesignConditions) -> float | None:
    """Highest dry bulb in 20 years from the EPW's header; None where it has none or one that cannot be."""
    fields = _header(epw)
    if "Extremes" not in fields:
        return None
    extremes = [number(text) for text in fields[fields.index("Extremes") + 1 :]]
    hot = extremes[HOT_IN_20_YEARS] if len(extremes) > HOT_IN_20_YEARS else None
    return hot if hot is not None and found.cooling_dry_bulb_c <= hot <= 60.0 else None


def _checked(origin: str, figures: list[float | None]) -> DesignConditions | None:
    known = [value for value in figures if value is not None]
    if len(known) < len(figures):
        return None
    conditions = DesignConditions(origin, *known)
    return conditions if conditions.is_possible() else None
