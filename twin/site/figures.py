"""The figures of a library entry as rows: value, unit, band, where it comes from, what it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from twin.core.params import Figure, Params, Quantity

HEAD = frozenset({"kind", "title", "note"})


def figure_rows(entry: Params) -> list[dict[str, Any]]:
    """One row for each sourced figure, nested ones with a dotted key, in the order of the fields.

    A free fact (under ``facts``) has its unit in its key only.
    """
    return [
        {
            "key": key,
            "value": figure.value,
            "unit": quantity.unit if quantity else "",
            "low": figure.low,
            "high": figure.high,
            "confidence": figure.confidence,
            "source": figure.source,
            "meaning": quantity.text if quantity else "",
        }
        for key, figure, quantity in _figures(entry, "", None)
    ]


def settings(entry: Params) -> dict[str, Any]:
    """What an entry states beside figures: counts, choices, references to other entries."""
    return {key: value for key, value in _settings(entry, "") if key not in HEAD}


def _quantity(model: BaseModel, name: str) -> Quantity | None:
    """The innermost declaration is the last: it says more than the alias that it refines."""
    declared = [m for m in type(model).model_fields[name].metadata if isinstance(m, Quantity)]
    return declared[-1] if declared else None


def _figures(value: Any, key: str, quantity: Quantity | None) -> Iterator[tuple[str, Figure, Quantity | None]]:
    if isinstance(value, Figure):
        yield key, value, quantity
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _figures(getattr(value, name), f"{key}.{name}".lstrip("."), _quantity(value, name))
    elif isinstance(value, dict | list):
        for part, item in _parts(value):
            yield from _figures(item, f"{key}.{part}", None)


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ((str(i), item) for i, item in enumerate(value))


def _settings(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Figure):
        return
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _settings(getattr(value, name), f"{key}.{name}".lstrip("."))
    elif isinstance(value, dict | list):
        for part, item in _parts(value):
            yield from _settings(item, f"{key}.{part}")
    elif value is not None:
        yield key, value
