"""Which point of the telemetry is which variable of the model: one row is one kind of point.

A point whose variable has a name of :mod:`twin.core.variables` is that variable of the item that it is named after
(:data:`telemetry.points.Point.item`, or the site's ``telemetry.names``). What is called otherwise stands here: words of
DSX Exchange (CDU: primary side Inlet and Outlet, secondary Supply and Return), and ids of parts of an item
(``b1/h1/air``). A row with ``weighs`` tells a volume flow: times the density of the item's coolant it is the mass flow.

Names that are no variables (:data:`PARTS`) are measured as well; :mod:`telemetry.live.derive` makes variables of them.
Liquid points of single racks are bound to nothing: their sum is the flow of a CDU only where no rack is missing and
nothing is bypassed, which nobody tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from twin.core.variables import BY_NAME, Level
from twin.site.lower_hall import AIR_CP, AIR_J_M3K
from twin.site.scope import GRID

OUTDOORS = "outdoors"
AIR_KG_M3 = AIR_J_M3K / AIR_CP
Words = frozenset[str]
PRIMARY, SECONDARY = frozenset({"primary"}), frozenset({"secondary"})
SUPPLY, RETURN = frozenset({"supply", "inlet"}), frozenset({"return", "outlet"})
COLD, RUNNING = frozenset({"cold"}), frozenset({"running"})

PARTS: Mapping[str, tuple[Level, str]] = {
    "cdu_primary_inlet": ("cdu", "degC"),
    "cdu_primary_outlet": ("cdu", "degC"),
    "outdoor_relative_humidity": ("site", "1"),
    "element_input": ("element", "W"),
}
"""What is measured and is no variable of the model: level and unit by name."""


class Row(NamedTuple):
    """Points ``point`` of the items of ``level`` (``suffix`` behind their name) measure ``variable``.

    ``area``: of each of these sets one word has to stand in the point's process area. ``units``: the point's.
    ``factor``: of the point's unit to the variable's; ``weighs``: times the density of the item's coolant.
    """

    level: Level
    point: str
    variable: str
    units: str
    suffix: str = ""
    area: tuple[Words, ...] = ()
    set_point: bool = False
    factor: float = 1.0
    weighs: bool = False


def _flows(level: Level, point: str, variable: str, *area: Words) -> tuple[Row, Row]:
    """A flow as it may be told: by volume or by mass."""
    return (
        Row(level, f"{point}_volume_flow", variable, "m3 s-1", area=area, weighs=True),
        Row(level, f"{point}_volume_flow_mass_flow", variable, "kg s-1", area=area),
    )


def _meter(level: Level, variable: str, suffix: str = "") -> Row:
    return Row(level, "meter_power", variable, "W", suffix)


ROWS: tuple[Row, ...] = (
    Row("cdu", "cdu_liquid_temperature", "cdu_primary_inlet", "degC", area=(PRIMARY, SUPPLY)),
    Row("cdu", "cdu_liquid_temperature", "cdu_primary_outlet", "degC", area=(PRIMARY, RETURN)),
    *_flows("cdu", "cdu_liquid", "cdu_primary_flow", PRIMARY),
    *_flows("cdu", "cdu_liquid", "cdu_flow", SECONDARY),
    _meter("cdu", "cdu_pump_power", "/pumps"),
    *(
        row
        for thing in ("crah", "crac", "ahu")
        for row in (
            Row("hall", f"{thing}_air_temperature", "hall_supply_air_temperature", "degC", "/air", (SUPPLY,)),
            Row("hall", f"{thing}_air_temperature", "hall_return_temperature", "degC", "/air", (RETURN,)),
            Row("hall", f"{thing}_air_volume_flow", "hall_handler_airflow", "m3 s-1", "/air", factor=AIR_KG_M3),
        )
    ),
    Row("hall", "sensor_air_temperature", "hall_rack_inlet_temperature", "degC", "/aisle", (COLD,)),
    Row("loop", "object_liquid_temperature", "fws_supply_temperature", "degC", area=(SUPPLY,)),
    Row("loop", "object_liquid_temperature", "fws_return_temperature", "degC", area=(RETURN,)),
    Row("loop", "object_liquid_temperature", "fws_set_temperature", "degC", area=(SUPPLY,), set_point=True),
    *_flows("loop", "object_liquid", "fws_flow"),
    *(
        Row("loop", f"{thing}_liquid_temperature", "plant_condenser_temperature", "degC", "/rejection", (RETURN,))
        for thing in ("tower", "exchanger")
    ),
    Row("loop", "chiller_generic_count", "plant_chillers_on", "1", "/chillers", (RUNNING,)),
    _meter("loop", "plant_power", "/plant"),
    _meter("loop", "plant_chiller_power", "/chillers/power"),
    _meter("loop", "plant_fan_power", "/rejection/fans"),
    _meter("loop", "fws_pump_power", "/pumps"),
    _meter("element", "element_power"),
    _meter("element", "element_input", "/input"),
    Row("site", "meter_power", "site_power", "W", GRID),
    Row("site", "sensor_air_temperature", "outdoor_dry_bulb_temperature", "degC", OUTDOORS),
    Row("site", "sensor_air_relative_humidity", "outdoor_relative_humidity", "1", OUTDOORS),
)


def level_of(name: str) -> Level:
    """Level of a variable or part; KeyError for neither."""
    return PARTS[name][0] if name in PARTS else BY_NAME[name].level


def units_of(name: str) -> str:
    """Unit of a variable or part; KeyError for neither."""
    return PARTS[name][1] if name in PARTS else BY_NAME[name].units


__all__ = ["AIR_KG_M3", "OUTDOORS", "PARTS", "ROWS", "Row", "level_of", "units_of"]
