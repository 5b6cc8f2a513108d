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
    """Power with its unit and three significant digits; kW below 1 MW."""
    if mw is None or not isfinite(mw):
        return "–"
    size = abs(mw)
    if 0 < size < 0.9995:
        kw = mw * 1e3
        return f"{kw:.{0 if size >= 0.1 else 1}f} kW"
    return f"{mw:,.{0 if size >= 1000 else 1 if size >= 100 else 2}f} MW"
