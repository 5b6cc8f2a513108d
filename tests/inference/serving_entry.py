"""An entry of ``sites/library/serving`` before it is written, and how it is written."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HEAD = "# Written by tests/inference/derive_serving.py: change the figures there.\n"


@dataclass(frozen=True)
class Curve:
    """A table with its source."""

    at: Floats
    values: Floats
    said: str
    confidence: str = "estimate"


@dataclass(frozen=True)
class Fact:
    """A figure with its source."""

    value: float
    said: str
    confidence: str = "estimate"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Entry:
    """An entry as it is written; ``plain`` are its settings, ``parts`` its curves and facts."""

    id: str
    plain: dict[str, object]
    parts: dict[str, Curve | Fact] = field(default_factory=dict)


def number(value: float) -> str:
    """Four significant digits."""
    return f"{float(f'{value:.4g}'):.12g}"


def quoted(text: str, indent: str) -> str:
    """``source: "..."`` folded to the width of a file."""
    return textwrap.fill(f'source: "{text}"', 116, subsequent_indent=indent + "  ", break_long_words=False)


def wrapped(key: str, inside: list[str]) -> str:
    """``key: {a, b}`` on one line where it fits, else one item a line."""
    line = f"{key}: {{{', '.join(inside)}}}"
    if len(line) <= 118:
        return line
    return (
        f"{key}:\n  {{" + ",\n   ".join(quoted(x[9:-1], "   ") if x.startswith("source") else x for x in inside) + "}"
    )


def written(entry: Entry) -> str:
    """The YAML text of an entry."""
    lines = []
    for key, value in entry.plain.items():
        if key == "note":
            lines.append("note: >-\n" + textwrap.fill(str(value), 116, initial_indent="  ", subsequent_indent="  "))
        elif isinstance(value, list):
            lines.append(f"{key}: [{', '.join(value)}]")
        else:
            lines.append(f"{key}: {number(value) if isinstance(value, float) else value}")
    for key, part in entry.parts.items():
        if isinstance(part, Curve):
            at = ", ".join(f"{x:.10g}" for x in part.at)
            values = ", ".join(map(number, part.values))
            said = [quoted(part.said, "  "), f"confidence: {part.confidence}"]
            lines.append(f"{key}:\n  " + "\n  ".join([f"at: [{at}]", f"values: [{values}]", *said]))
        else:
            band = [] if part.low is None else [f"low: {number(part.low)}", f"high: {number(part.high or 0.0)}"]
            last = [f'source: "{part.said}"', f"confidence: {part.confidence}"]
            lines.append(wrapped(key, [f"value: {number(part.value)}", *band, *last]))
    return HEAD + "\n".join(lines) + "\n"
