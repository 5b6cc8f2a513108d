"""Metadata of DSX Exchange to a point in the words of the model, or the reason why not.

The keys and their rules are those of the contract's 224 metadata schemas, which share four ways to say whose point it
is: a rack's, a power meter's, a system's heartbeat, or equipment that is named itself or hung on something. A key that
nobody knows, or that does not belong to this point type but leaves its meaning alone, is no reason to lose a point: it
is kept and its readings are flagged.
Source: NVIDIA/dsx-exchange, `schemas/asyncapi/bms/bms.yaml` 1.0.0 (Apache-2.0).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from telemetry import strict
from telemetry.batch import Reason, Reject
from telemetry.dsx.contract import LIMITS, POINT_TYPES, THINGS, PointType
from telemetry.points import Point
from telemetry.units import UNITS, Unit

BMS = "BMS"  # name of the source of all that is published under PUB
IDENTITY = frozenset(("rackLocationName", "rackLocationId", "objectName", "objectId", "servesId", "associateId"))
LISTS = frozenset(("servesId", "processArea"))
TEXTS = (IDENTITY - LISTS) | {"objectType", "pointType", "engUnit", "phase", "integration", "scope"}
PHASES = frozenset("ABC123")
LARGEST_STATE = 1 << 53  # beyond it a float holds no integer for sure
COVERING = frozenset(("HeartbeatTimestampBms", "HeartbeatTimestampIntegration"))


class Reading(NamedTuple):
    """How values of a point are read: written x ``factor`` + ``offset``; ``extra``: its metadata hold a key more."""

    point: Point
    factor: float
    offset: float
    extra: bool


class _RefusedError(Exception):
    """Metadata that contradict the contract."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


def read(data: dict[str, Any], identity: str, prefix: str, thing: str, kind: str) -> Reading | Reject:
    """The point that ``data`` describes; ``thing`` and ``kind`` are object and point type of the topic.

    ``prefix`` stands in front of the names of sources (that of the topic, where it is not ours).
    """
    rule = POINT_TYPES[kind]
    try:
        _check_types(data)
        if data.get("objectType") != thing or data.get("pointType") != kind:
            raise _RefusedError(Reason.METADATA, "objectType or pointType is not that of the topic")
        extra = _check_keys(data, thing, rule)
        unit, states = _measure(data, rule)
    except _RefusedError as refused:
        return strict.refuse(refused.reason, refused.detail)
    area = tuple(data.get("processArea", ()))
    low, high = _limits(rule, unit, states)
    item = data.get("rackLocationId") or data.get("objectId") or data.get("associateId") or ""
    point = Point(
        identity=identity,
        source=prefix + data.get("integration", BMS),
        variable=_variable(thing, kind, rule, unit, "stateText" in data, area),
        item=item,
        units=unit.units,
        written=data.get("engUnit", ""),
        qualifier=area + ((data["phase"],) if "phase" in data else ()),
        set_point=bool(data.get("isSetpoint", False)) or kind.endswith("Sp"),
        states=states,
        serves=tuple(data.get("servesId", ())),
        part_of=data.get("associateId", ""),
        covers=data.get("scope", "") if kind in COVERING else None,
        low=low,
        high=high,
    )
    return Reading(point, unit.factor, unit.offset, extra)


def _check_types(data: dict[str, Any]) -> None:
    for key, value in data.items():
        if key in TEXTS:
            right = isinstance(value, str)
        elif key in LISTS:
            right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        elif key == "isSetpoint":
            right = isinstance(value, bool)
        elif key == "stateText":
            right = isinstance(value, list) and all(_is_state(one) for one in value)
        else:
            right = True
        if not right:
            raise _RefusedError(Reason.METADATA, f"{key} has a wrong type")


def _is_state(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.keys() != {"value", "text"} or not isinstance(entry["text"], str):
        return False
    value = strict.integer(entry["value"])
    return value is not None and abs(value) <= LARGEST_STATE


def _check_keys(data: dict[str, Any], thing: str, rule: PointType) -> bool:
    """Refuse what is missing or contradicts; True where keys are left that the contract does not allow here."""
    may: set[str] = set()
    if thing == "Rack":
        must = {"rackLocationName", "rackLocationId"}
    elif thing == "PowerMeter":
        must = {"objectName", "objectId", "servesId"}
    elif rule.quantity.startswith("heartbeat"):
        must = {"objectName", "objectId"}
    elif "associateId" in data:
        must = {"associateId"}
    else:
        must, may = {"objectName", "objectId"}, {"servesId"}
    must = must | rule.must
    missing = sorted(must - data.keys())
    if missing:
        raise _RefusedError(Reason.METADATA, f"{missing[0]} is missing")
    if data.get("phase", "A") not in PHASES:
        raise _RefusedError(Reason.METADATA, "phase is none of A, B, C, 1, 2, 3")
    allowed = must | may | rule.may | {"objectType", "pointType", "engUnit", "stateText"}
    left = data.keys() - allowed
    if left & IDENTITY:
        raise _RefusedError(Reason.METADATA, f"{min(left & IDENTITY)} contradicts the other identifiers")
    return bool(left)


def _measure(data: dict[str, Any], rule: PointType) -> tuple[Unit, tuple[tuple[int, str], ...]]:
    """Unit and states of a point."""
    has_unit, has_states = "engUnit" in data, "stateText" in data
    if has_unit and has_states:
        raise _RefusedError(Reason.METADATA, "engUnit and stateText exclude each other")
    if has_unit and rule.measure in ("state", "none"):
        raise _RefusedError(Reason.METADATA, "engUnit does not belong to this point type")
    if has_states and rule.measure in ("unit", "none"):
        raise _RefusedError(Reason.METADATA, "stateText does not belong to this point type")
    if has_states:
        return Unit("count", 1.0), tuple((int(one["value"]), one["text"]) for one in data["stateText"])
    if not has_unit:
        if rule.measure not in ("none", "optional"):
            raise _RefusedError(Reason.METADATA, "engUnit is missing" if rule.measure == "unit" else "it has no unit")
        return _unwritten(rule), ()
    written = data["engUnit"]
    unit = UNITS.get(written)
    if unit is None:
        raise _RefusedError(Reason.UNIT, f'the unit "{written}" is not known')
    if (rule.fixed and written != rule.fixed) or (rule.dimensions and unit.dimension not in rule.dimensions):
        raise _RefusedError(Reason.UNIT, f'"{written}" is no unit of this point type')
    return unit, ()


def _unwritten(rule: PointType) -> Unit:
    if rule.dimensions == ("time",):
        return Unit("time", 1e-3)  # heartbeats carry epoch milliseconds
    return Unit("share" if rule.dimensions else "count", 1.0)


def _limits(rule: PointType, unit: Unit, states: tuple[tuple[int, str], ...]) -> tuple[float, float]:
    if states:
        values = [value for value, _ in states]
        return float(min(values)), float(max(values))
    if rule.dimensions and unit.dimension == rule.dimensions[0]:
        return rule.low, rule.high
    return LIMITS.get(unit.dimension, (float("-inf"), float("inf")))


def _variable(thing: str, kind: str, rule: PointType, unit: Unit, is_state: bool, area: tuple[str, ...]) -> str:
    """Name in the words of the model; what is written in another dimension than its natural one says so."""
    word = THINGS.get(thing, thing.lower())
    if thing == "CDU" and kind == "LiquidTemperature":
        places = {one.lower() for one in area}
        if "primary" not in places and len(places & {"supply", "return"}) == 1:
            return "cdu_supply_temperature" if "supply" in places else "cdu_return_temperature"
    name = rule.quantity if rule.quantity.startswith(f"{word}_") else f"{word}_{rule.quantity}"
    if rule.measure == "optional":
        return f"{name}_{'state' if is_state else unit.dimension}"
    if is_state and rule.measure == "either":
        return f"{name.removesuffix('_position').removesuffix('_speed')}_state"
    if not is_state and rule.dimensions and unit.dimension != rule.dimensions[0]:
        return f"{name}_{unit.dimension}"
    return name
