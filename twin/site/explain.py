"""Turns what pydantic found into problems in plain words, each at its line and column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from twin.core.errors import InputError, Problem, did_you_mean, nearest
from twin.core.params import quantity_of
from twin.site.document import Document
from twin.site.shape import Place, fields_of, homes, walk

M = TypeVar("M", bound=BaseModel)

EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
BOUNDS = {
    "greater_than_equal": (">=", "ge"),
    "greater_than": (">", "gt"),
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}
# The parts of unit suffixes, ours and those that people bring along.
UNIT = re.compile(
    r"a|bar|btuh?|c|cfm|cm|d|days|deg[cf]|f|ft3?|g|gal|gj|gpm|gw|h|hours|hr|hz|k|kg|kj|kpa|kv|kva|kw|kwh|l|lbs?|lp[ms]|"
    r"m[23]?|mbar|min|minutes|mj|mm|mpa|ms|mva|mwh?|pa|pct|percent|ppm|psi|rpm|s|sec|tons?|tr|v|va|wh?"
)


def validated(model: type[M], document: Document) -> M:
    """The document as ``model``. Raises :class:`InputError` with every fault."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise InputError(explain(error, model, document)) from None


def explain(error: ValidationError, model: type[BaseModel], document: Document) -> list[Problem]:
    """The faults that pydantic found, in the order of the file."""
    found = [(walk(model, item["loc"]), item) for item in error.errors(include_url=False)]
    meant = {
        (*place.path[:-1], _meant(str(place.path[-1]), place.model, document.at(place.path[:-1])))
        for place, item in found
        if item["type"] == "extra_forbidden"
    }
    problems = [
        _problem(place, item, document, model)
        for place, item in found
        # A key that is there under another name is not missing too.
        if _relevant(place, document) and not (item["type"] == "missing" and place.path in meant)
    ]
    problems += _no_branch_fits(model, (place for place, _ in found), document)
    return sorted(dict.fromkeys(problems), key=lambda p: (p.line or 0, p.col or 0))


def _fits(place: Place, document: Document) -> bool:
    return place.branch is not None and isinstance(document.at(place.union_at or ()), place.branch)


def _relevant(place: Place, document: Document) -> bool:
    """Of a union only the branch that the written value meant is spoken of."""
    return place.union_at is None or _fits(place, document)


def _no_branch_fits(model: type[BaseModel], places: Iterable[Place], document: Document) -> list[Problem]:
    """One problem for each union of which the value fits no branch."""
    by_union: dict[Any, list[Place]] = {}
    for place in places:
        if place.union_at is not None:
            by_union.setdefault(place.union_at, []).append(place)
    problems = []
    for path, branches in by_union.items():
        if not any(_fits(place, document) for place in branches):
            wanted = {str: "text", dict: "a mapping", list: "a list", float: "a number", int: "a whole number"}
            names = sorted({wanted.get(p.branch or object, str(p.branch)) for p in branches}, reverse=True)
            message = f"expected {' or '.join(names)}, got {got(document.at(path))}"
            problems.append(document.problem(path, message))
    return problems


def _problem(place: Place, item: Any, document: Document, root: type[BaseModel]) -> Problem:
    kind, path = item["type"], place.path
    if kind == "extra_forbidden":
        return document.problem(path, _unknown(str(path[-1]), place.model, document.at(path[:-1]), root), key=True)
    if kind == "missing":
        return document.problem(path, _missing(str(path[-1]), place.model))
    if place.is_key:
        message = (
            f'"{str(path[-1])[:80]}" is not an id: at most 64 letters, digits, "_", ".", "-", and not a sign first'
        )
        return document.problem(path, message, key=True)
    return document.problem(path, _wrong(kind, item, document.at(path)))


def _unknown(key: str, model: type[BaseModel] | None, beside: Any, root: type[BaseModel]) -> str:
    # One place elsewhere is meant; the top, or one of many, is a guess.
    elsewhere = [home for home in homes(root, key) if home]
    if len(elsewhere) == 1:
        return f'unknown key "{key}" here: it stands under {elsewhere[0]}'
    name = _meant(key, model, beside)
    if _other_unit(key, name):
        return f'unknown key "{key}"; this quantity is written in {_unit(model, name)}: {name}'
    return f'unknown key "{key}"' + (f'; did you mean "{name}"?' if name else "")


def _meant(key: str, model: type[BaseModel] | None, beside: Any) -> str:
    """The key that an unknown one stands for: the same in another unit, else the nearest; empty where none is near."""
    known = list(fields_of(model)) if model else []
    # What stands there already was not meant by the misspelt key.
    free = [name for name in known if not (isinstance(beside, dict) and name in beside)]
    same = next((name for name in known if _other_unit(key, name)), "")
    return same or nearest(key, free) or nearest(key, known)


def _other_unit(key: str, name: str) -> bool:
    """True where ``key`` is the quantity ``name`` with another unit, or none, at its end."""
    (stem, unit), (its_stem, its_unit) = split_unit(key), split_unit(name)
    return bool(its_unit) and its_unit != unit and its_stem == stem


def _missing(key: str, model: type[BaseModel] | None) -> str:
    known = fields_of(model) if model else {}
    field = known.get(key)
    quantity = quantity_of(model, field[0]) if model and field else None
    about = (field[1].description if field else None) or (quantity.text if quantity else "")
    unit = f" [{quantity.unit}]" if quantity and quantity.unit != "1" else ""
    return f'missing key "{key}"' + (f": {about}{unit}" if about else "")


def _unit(model: type[BaseModel] | None, key: str) -> str:
    """The unit of a key: as declared, else as its suffix says."""
    field = fields_of(model).get(key) if model else None
    quantity = quantity_of(model, field[0]) if model and field else None
    return quantity.unit if quantity else split_unit(key)[1]


def split_unit(key: str) -> tuple[str, str]:
    """A key without its unit, and the unit: ``flow_max_m3_h`` is ``flow_max`` and ``m3_h``."""
    parts = key.lower().split("_")
    first = len(parts)
    while first > 0 and UNIT.fullmatch(parts[first - 1]):
        first -= 1
    return "_".join(parts[:first]), "_".join(parts[first:])


def got(value: Any) -> str:
    """A written value in words."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'text "{value[:40]}"'
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"


def _wrong(kind: str, item: Any, value: Any) -> str:
    context = item.get("ctx", {})
    if kind in EXPECTED:
        quote = f': quote it, "{value}"' if kind == "string_type" and isinstance(value, int | float) else ""
        return f"expected {EXPECTED[kind]}, got {got(value)}{quote}"
    if kind in BOUNDS:
        sign, name = BOUNDS[kind]
        return f"expected a number {sign} {context[name]}, got {got(value)}"
    if kind == "literal_error":
        words = str(context["expected"]).replace("'", '"')
        hint = (
            did_you_mean(value, words.replace(" or ", ", ").replace('"', "").split(", "))
            if isinstance(value, str)
            else ""
        )
        return f"expected {words}, got {got(value)}{hint}"
    if kind == "string_pattern_mismatch":
        return f'expected an id (letters, digits, "_", ".", "-"; at most 64), got {got(value)}'
    if kind == "string_too_short":
        return f"expected at least {context['min_length']} characters, got {got(value)}"
    if kind == "too_short":
        return f"expected at least {context['min_length']} entry, got none"
    return str(item["msg"])
