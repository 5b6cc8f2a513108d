"""What a chart is to the page: a title, a finding in words, a picture, the key to its colours, the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from bokeh.models import Model

Shape = Literal["area", "line", "dash", "mark"]


@dataclass(frozen=True)
class Key:
    """One entry of a legend; colour ``ink`` is that of the text."""

    name: str
    colour: str
    shape: Shape = "area"


@dataclass(frozen=True)
class Table:
    """Rows of text that say what the picture says; the first column names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """One chart of the page. ``body`` holds Bokeh models and pieces of HTML, from top to bottom."""

    key: str
    title: str
    finding: str
    body: Sequence[Model | str]
    table: Table
    keys: Sequence[Key] = field(default_factory=tuple)
    wide: bool = True
    note: str = ""


def num(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if value is None or not isfinite(value) else f"{value:,.{digits}f}"


def power(mw: float | None) -> str:
    """Power with its unit, three significant digits (four from 10 MW on): kW below 1 MW, W below 1 kW; none is 0 W."""
    if mw is None or not isfinite(mw):
        return "–"
    size = abs(mw)
    if size >= 0.9995:
        return f"{mw:,.{0 if size >= 1000 else 1 if size >= 100 else 2}f} MW"
    scaled, unit = (mw * 1e3, "kW") if size >= 0.9995e-3 else (mw * 1e6, "W")
    if abs(scaled) < 0.005:
        return "0 W"
    return f"{scaled:.{0 if abs(scaled) >= 99.95 else 1 if abs(scaled) >= 9.995 else 2}f} {unit}"
