"""What a metric is in the words of the twin, where no mapping says it: by its name, its unit and where it hangs.

- Item: ``group/node/device``, of the node's own metrics ``group/node``. The name of a node is its own only within its
  group, and points of one item are sensors of one thing.
- Variable: the last part of the name in small letters, ``Racks/R7/Supply Temp`` is ``supply_temp`` of qualifier
  ``Racks``, ``R7``. It is a variable of the model only where it is written like one and its unit leads to the model's:
  else ``reported_`` stands in front. Nothing is guessed: a ``temperature`` without a thing stays one.
- Unit: a property of the birth that is called so (``engUnit``, ``Engineering Units``, ``unit``). Without one the
  numbers stay as they are written, in "1"; a unit that nobody knows makes no point.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from telemetry.points import Point
from telemetry.sparkplug.convert import UNIT
from telemetry.sparkplug.place import Place
from telemetry.sparkplug.schema import Datatype
from telemetry.units import POSSIBLE, UNITS, Unit
from twin.core.variables import BY_NAME

UNIT_NAMES = frozenset(("engunit", "engunits", "engineeringunit", "engineeringunits", "unit", "units"))
STATES = ((0, "false"), (1, "true"))
TIME_UNIT = Unit("time", 1.0)
NO_UNIT = Unit("count", 1.0)
LONGEST = 64
ANY = (float("-inf"), float("inf"))


class Meaning(NamedTuple):
    """A point, and how what is written leads to its unit."""

    point: Point
    unit: Unit


def unit_of(properties: Any) -> str:
    """The unit that the properties of a metric name, "" for none; of :mod:`telemetry.sparkplug.schema`."""
    for key, value in zip(properties.keys, properties.values, strict=False):
        if re.sub("[^a-z]", "", str(key).lower()) in UNIT_NAMES and not value.is_null:
            return str(value.string_value).strip()
    return ""


def slug(name: str) -> str:
    """``name`` as names are written here: small letters, digits and _, a letter first."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    made = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
    made = made if made[:1].isalpha() else f"metric_{made}".rstrip("_")
    return made[:LONGEST].rstrip("_")


def by_name(place: Place, metric: str, datatype: int, written: str) -> Meaning | int:
    """The point that ``metric`` is, or why it is none: its unit is not known."""
    boolean, moment = datatype == Datatype.BOOLEAN, datatype == Datatype.DATETIME
    unit = TIME_UNIT if moment else NO_UNIT if boolean or not written else UNITS.get(written)
    if unit is None:
        return UNIT
    *before, last = metric.split("/")
    variable = slug(last)
    known = BY_NAME.get(variable)
    if known is not None and (boolean or known.units != unit.units or not (written or moment)):
        variable = f"reported_{variable}"
    low, high = (0.0, 1.0) if boolean else POSSIBLE.get(unit.dimension, ANY)
    point = Point(
        identity=place.identity(metric),
        source=place.source,
        variable=variable,
        item=place.path,
        units=unit.units,
        written="" if boolean or moment else written,
        qualifier=tuple(filter(None, before)),
        states=STATES if boolean else (),
        low=low,
        high=high,
    )
    return Meaning(point, unit)
