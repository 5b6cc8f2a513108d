"""The one-line diagram of a site as ONE SVG: the campus on top, a hall of each template below.

Hand-made text: the same site gives the same bytes, nothing is asked of anybody. What has no rating stands in a hatched
field with a question mark; what is above 100 % has a mark and words, never colour alone. The tables behind it are
``OneLine.plain``.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from dashboards.oneline_cells import (
    FONT,
    GAP,
    HEAD_FONT,
    HEAD_LETTER,
    LETTER,
    LINE,
    PAD,
    SWATCH,
    SYMBOL,
    Cell,
    Text,
)
from dashboards.oneline_layout import Placed, Sheet, Wire, hall_sheet
from dashboards.oneline_symbols import box, number, symbol
from dashboards.oneline_tree import tree_sheet
from twin.analysis.oneline import OneLine
from twin.analysis.oneline_bank import Drawing
from twin.engine.target import write_whole

MARGIN, HEAD, BETWEEN = 24.0, 34.0, 56.0
LEAST_WIDTH = 1200.0
KEY = (
    "Load per rating: all racks at full load, losses of the path, rated pumps and fans of halls. ≥: plants come on "
    "top, their power hangs on the weather. N-1: one unit of the bank lost."
)
STYLE = f"""
svg {{ background: #fff }}
text {{ font: {FONT:g}px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1d2733 }}
.h {{ font-size: {HEAD_FONT:g}px; font-weight: 600 }}
.id {{ font-weight: 600 }}
.wrong {{ fill: #b34700; font-weight: 600 }}
.g {{ font-weight: 600 }}
path, circle, rect {{ fill: none; stroke: #1d2733; stroke-width: 1.3 }}
.bus, .thick {{ stroke-width: 3.2 }}
.standby {{ stroke-dasharray: 5 4 }}
.dot, .solid {{ fill: #1d2733; stroke: none }}
.ground {{ fill: #fff; stroke: none }}
.load {{ fill: #f3f5f7; stroke: #66727f }}
.unknown {{ fill: url(#unknown); stroke: #66727f }}
"""


def write_oneline(found: OneLine, svg_path: str | Path) -> Path:
    """Write the SVG and return its path; the same site gives the same bytes.

    Raises ``InputError`` where it cannot be written.
    """
    path = Path(svg_path)
    write_whole(path, oneline_svg(found))
    return path


def oneline_svg(found: OneLine) -> str:
    """The text of the SVG."""
    sheets = [(drawing, layout(drawing)) for drawing in found.drawings]
    places, width, height = _arranged(sheets)
    body = "".join(_drawing(drawing, sheet, x, y) for (drawing, sheet), (x, y) in zip(sheets, places, strict=True))
    title = f"One-line diagram of {found.site}"
    w, h = number(width), number(height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        f'aria-labelledby="title desc"><title id="title">{escape(title)}</title>'
        f'<desc id="desc">{escape(description(found))}</desc><style>{STYLE}</style>'
        '<defs><pattern id="unknown" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0V5" style="stroke:#8a94a0;stroke-width:2"/></pattern></defs>'
        f"{box(0, 0, width, height, 'ground')}"
        f'<text class="h" x="{MARGIN:g}" y="{number(MARGIN + 4)}">{escape(f"{found.title} ({found.site})")}</text>'
        f'<text x="{MARGIN:g}" y="{number(MARGIN + 24)}">{escape(KEY)}</text>{body}</svg>\n'
    )


def layout(drawing: Drawing) -> Sheet:
    """The sheet of a drawing."""
    return hall_sheet(drawing) if drawing.rows else tree_sheet(drawing)


def description(found: OneLine) -> str:
    """What the picture says, in words."""
    banks = found.banks
    over = [bank for bank in banks if max(bank.normal or 0.0, bank.one_lost or 0.0, bank.system_lost or 0.0) > 1.0]
    unknown = [b for b in banks if not b.ideal and (not b.rating or any(not part.rating for part in b.parts))]
    halls = len(found.drawings) - 1
    said = [
        f"{len(banks)} banks in {len(found.drawings)} drawings: the campus and {halls} kind{'s'[: halls != 1]} of hall"
    ]
    said.append(_named("above 100 % after a loss or before", [bank.key for bank in over]) or "none is above 100 %")
    said.append(_named("without a rating", [bank.key for bank in unknown]) or "every bank has a rating")
    return "; ".join(said) + "."


def _named(what: str, keys: list[str]) -> str:
    shown = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
    return f"{len(keys)} {what} ({shown})" if keys else ""


def _arranged(sheets: list[tuple[Drawing, Sheet]]) -> tuple[list[tuple[float, float]], float, float]:
    """The campus on top, the halls in lines below it; where each begins, and the size of all."""
    top = MARGIN + 44.0
    widths = [max(sheet.width, len(drawing.title) * HEAD_LETTER) for drawing, sheet in sheets]
    inner = max(widths[0], LEAST_WIDTH, *widths)
    places = [(MARGIN, top)]
    x, y, tall = MARGIN, top + HEAD + sheets[0][1].height + BETWEEN, 0.0
    for (_, sheet), width in zip(sheets[1:], widths[1:], strict=True):
        if x > MARGIN and x + width > MARGIN + inner:
            x, y, tall = MARGIN, y + tall + BETWEEN, 0.0
        places.append((x, y))
        x += width + BETWEEN
        tall = max(tall, HEAD + sheet.height)
    return places, inner + 2 * MARGIN, y + tall + MARGIN


def _drawing(drawing: Drawing, sheet: Sheet, x: float, y: float) -> str:
    head = f'<text class="h" x="0" y="14">{escape(drawing.title)}</text>'
    wires = "".join(_wire(wire) for wire in sheet.wires)
    dots = "".join(f'<circle class="dot" cx="{number(a)}" cy="{number(b)}" r="3"/>' for a, b in sheet.dots)
    cells = "".join(_cell(placed) for placed in sheet.cells)
    inner = f'<g transform="translate(0 {number(HEAD)})">{wires}{dots}{cells}</g>'
    return f'<g transform="translate({number(x)} {number(y)})">{head}{inner}</g>'


def _wire(wire: Wire) -> str:
    style = " ".join(name for name, on in (("bus", wire.bus), ("standby", wire.standby)) if on)
    mark = f' class="{style}"' if style else ""
    points = "L".join(f"{number(x)} {number(y)}" for x, y in wire.points)
    return f'<path{mark} d="M{points}"/>'


def _cell(placed: Placed) -> str:
    cell = placed.cell
    x, y = texts_at(placed)
    lines = "".join(_text(text, x, y + n * LINE) for n, text in enumerate(cell.lines))
    if cell.boxed:
        drawn = box(placed.x, placed.y, cell.width, cell.height, "load")
    else:
        drawn = symbol(cell, placed.port_x, placed.y)
    return f'<g data-element="{escape(cell.key, quote=True)}">{drawn}{lines}</g>'


def texts_at(placed: Placed) -> tuple[float, float]:
    """Where the first line of a cell begins: left end and base line."""
    cell: Cell = placed.cell
    left = placed.x + PAD if cell.boxed else placed.port_x + SYMBOL / 2 + GAP
    return left, placed.y + LINE


def _text(text: Text, x: float, y: float) -> str:
    swatch = ""
    if text.style == "unknown":
        swatch = (
            box(x, y - 11, SWATCH - 4, 14, "unknown")
            + f'<text class="id" x="{number(x + 3.5)}" y="{number(y)}">?</text>'
        )
        x += SWATCH
    style = f' class="{text.style}"' if text.style in ("id", "wrong") else ""
    return f'{swatch}<text{style} x="{number(x)}" y="{number(y)}">{escape(text.words)}</text>'


__all__ = ["LETTER", "description", "oneline_svg", "texts_at", "write_oneline"]
