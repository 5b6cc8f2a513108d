"""Cells of the one-line diagram: what is written beside a symbol, and how much room that takes.

Sizes are in pixels of an SVG shown at 100 %. A letter is taken 0.6 em wide, which no usual sans serif exceeds on
average; so what does not overlap here does not overlap on screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twin.analysis.oneline_bank import Bank, Load, Part, Source

Style = Literal["id", "plain", "wrong", "unknown"]
FONT, LETTER, LINE = 12.0, 7.2, 16.0
HEAD_FONT, HEAD_LETTER = 15.0, 9.0
SYMBOL, SYMBOL_TOP, GAP = 36.0, 8.0, 8.0
BREAKER = 22.0  # more room above the symbol
SIDE = 44.0  # more room at its left, for a store or generators
PAD, SWATCH = 8.0, 18.0
MARK = "▲"


@dataclass(frozen=True)
class Text:
    """A line of text; one of style ``unknown`` has a hatched field with a question mark before it."""

    words: str
    style: Style = "plain"

    @property
    def width(self) -> float:
        """Room that it takes, px."""
        return len(self.words) * LETTER + (SWATCH if self.style == "unknown" else 0.0)


@dataclass(frozen=True)
class Cell:
    """A symbol or a box with its lines; ``port`` is where its wire enters, from its left."""

    key: str
    symbol: str
    lines: tuple[Text, ...]
    width: float
    height: float
    port: float
    parts: tuple[Part, ...] = ()
    system: str = ""

    @property
    def boxed(self) -> bool:
        """A load: its lines stand in a box."""
        return self.symbol == "load"

    @property
    def symbol_y(self) -> float:
        """Top of its symbol below its own top."""
        return SYMBOL_TOP + (BREAKER if any(part.role == "breaker" for part in self.parts) else 0.0)


def bank_cell(bank: Bank) -> Cell:
    """The cell of a bank."""
    name = f"{bank.id} {bank.system}".rstrip() + (", stands by" if bank.reserve else "")
    lines = [Text(name, "id"), Text(f"{bank.units} x {bank.device}"), _rating(bank), *_loading(bank)]
    lines += [_part(part) for part in bank.parts]
    side = SIDE if any(part.role != "breaker" for part in bank.parts) else 0.0
    port = side + SYMBOL / 2 + 4.0
    top = SYMBOL_TOP + (BREAKER if any(part.role == "breaker" for part in bank.parts) else 0.0)
    width = port + SYMBOL / 2 + GAP + max(line.width for line in lines) + PAD
    height = max(top + SYMBOL + 14.0 + (24.0 if side else 0.0), len(lines) * LINE + 10.0)
    return Cell(bank.key, bank.kind, tuple(lines), width, height, port, bank.parts, bank.system)


def load_cell(load: Load, least_width: float = 0.0) -> Cell:
    """The box of a load."""
    lines = [Text(load.title, "id"), *(Text(note) for note in load.notes)]
    if load.role != "transfer":
        lines.append(Text("power by weather", "unknown") if load.kw is None else Text(watts(load.kw)))
    width = max(max(line.width for line in lines) + 2 * PAD, least_width)
    return Cell(load.key, "load", tuple(lines), width, len(lines) * LINE + 10.0, width / 2)


def source_cell(source: Source) -> Cell:
    """The utility, or what feeds a hall."""
    lines = tuple(Text(note, "plain" if n else "id") for n, note in enumerate(source.notes))
    port = SYMBOL / 2 + 4.0
    symbol = "utility" if source.key == "grid" else "from"
    width = port + SYMBOL / 2 + GAP + max(line.width for line in lines) + PAD
    height = max(SYMBOL_TOP + SYMBOL + 12.0, len(lines) * LINE + 10.0)
    return Cell(f"{source.key}:source", symbol, lines, width, height, port)


def watts(kw: float) -> str:
    """A power for people."""
    return f"{kw / 1e3:,.4g} MW" if abs(kw) >= 1e3 else f"{kw:,.4g} kW"


def percent(share: float) -> str:
    """A share in whole per cent; small ones to two digits."""
    return f"{100.0 * share:.2g} %" if 0.0 < share < 0.01 else f"{100.0 * share:.0f} %"


def _rating(bank: Bank) -> Text:
    if bank.ideal:
        return Text("ideal, without rating")
    if not bank.rating:
        return Text("rating", "unknown")
    return Text(f"{bank.rating} each" if bank.units > 1 else bank.rating)


def _loading(bank: Bank) -> list[Text]:
    """Normal loading, and what is left after a loss; above 100 % with a mark."""
    if bank.ideal:
        return []
    if bank.normal is None:
        return [Text("load by weather", "unknown")]
    least = "≥ " if bank.least else ""
    normal = _share(f"load {least}", bank.normal)
    if bank.one_lost is None:
        return [normal, Text("N-1: no other unit")] if bank.normal > 0.0 else [normal]
    made = [normal, _share(f"N-1 {least}", bank.one_lost)]
    if bank.system_lost is not None:
        made.append(_share("a system lost ", bank.system_lost))
    return made


def _share(words: str, share: float) -> Text:
    if share > 1.0:
        return Text(f"{MARK} {words}{percent(share)}", "wrong")
    return Text(words + percent(share))


def _part(part: Part) -> Text:
    count = f"{part.count} x " if part.role != "breaker" else "breaker "
    return Text(f"{count}{part.device}, {part.rating}") if part.rating else Text(f"{count}{part.device}", "unknown")


__all__ = ["Cell", "Text", "bank_cell", "load_cell", "percent", "source_cell", "watts"]
