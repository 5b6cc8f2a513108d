"""Symbols of the one-line diagram after IEC 60617, hand-made SVG: each is centred on its wire, 36 px high.

Transformer: two circles. Converter: a box with a diagonal between ~ and =. UPS: such a box with the plates of a
battery. Breaker: a blade over a cross. Generator: a circle with G. Panel and switchboard: taps below a bar. Busway: two
bars. Line: a bare wire with its sealing ends. Utility: a hatched square.
"""

from __future__ import annotations

from collections.abc import Callable

from dashboards.oneline_cells import BREAKER, SIDE, SYMBOL, SYMBOL_TOP, Cell

R = 11.0


def number(value: float) -> str:
    """A coordinate: a tenth of a pixel, no needless zeros."""
    return f"{value:.1f}".removesuffix(".0")


def line(x0: float, y0: float, x1: float, y1: float, style: str = "") -> str:
    """A straight line."""
    mark = f' class="{style}"' if style else ""
    return f'<path{mark} d="M{number(x0)} {number(y0)}L{number(x1)} {number(y1)}"/>'


def circle(x: float, y: float, r: float) -> str:
    """A circle."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}"/>'


def box(x: float, y: float, w: float, h: float, style: str = "") -> str:
    """A rectangle."""
    mark = f' class="{style}"' if style else ""
    return f'<rect{mark} x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"/>'


def _sine(x: float, y: float) -> str:
    return f'<path d="M{number(x - 5)} {number(y)}q2.5 -6 5 0t5 0"/>'


def _transformer(x: float, y: float) -> str:
    return circle(x, y + R, R) + circle(x, y + SYMBOL - R, R)


def _converter(x: float, y: float) -> str:
    half = SYMBOL / 2
    equals = line(x + 4, y + 25, x + 13, y + 25) + line(x + 4, y + 29, x + 13, y + 29)
    return box(x - half, y, SYMBOL, SYMBOL) + line(x + half, y, x - half, y + SYMBOL) + _sine(x - 9, y + 11) + equals


def _ups(x: float, y: float) -> str:
    half, middle = SYMBOL / 2, y + SYMBOL / 2
    plates = line(x - 3, middle - 9, x - 3, middle + 9) + line(x + 3, middle - 5, x + 3, middle + 5, "thick")
    wires = line(x - 12, middle, x - 3, middle) + line(x + 3, middle, x + 12, middle)
    return box(x - half, y, SYMBOL, SYMBOL) + plates + wires


def _pdu(x: float, y: float) -> str:
    half = SYMBOL / 2
    taps = "".join(line(x + dx, y + 12, x + dx, y + 28) for dx in (-10.0, 0.0, 10.0))
    return box(x - half, y, SYMBOL, SYMBOL) + line(x - 13, y + 12, x + 13, y + 12, "thick") + taps


def _busway(x: float, y: float) -> str:
    half = SYMBOL / 2
    bars = line(x - half, y + 13, x + half, y + 13, "thick") + line(x - half, y + 23, x + half, y + 23, "thick")
    return line(x, y, x, y + 13) + bars + line(x, y + 23, x, y + SYMBOL)


def _feeder(x: float, y: float) -> str:
    def end(top: float, tip: float) -> str:
        points = f"M{number(x - 6)} {number(top)}H{number(x + 6)}L{number(x)} {number(tip)}Z"
        return f'<path class="solid" d="{points}"/>'

    return line(x, y, x, y + SYMBOL) + end(y + 2, y + 11) + end(y + SYMBOL - 2, y + SYMBOL - 11)


def _utility(x: float, y: float) -> str:
    half = SYMBOL / 2
    cross = "".join(
        line(x + dx, y, x + dx, y + SYMBOL) + line(x - half, y + half + dx, x + half, y + half + dx)
        for dx in (-6.0, 6.0)
    )
    return box(x - half, y, SYMBOL, SYMBOL) + cross


def _from(x: float, y: float) -> str:
    return (
        f'<path d="M{number(x - 9)} {number(y + 12)}L{number(x)} {number(y + 26)}L{number(x + 9)} {number(y + 12)}"/>'
        + (line(x, y, x, y + SYMBOL))
    )


def _other(x: float, y: float) -> str:
    return box(x - SYMBOL / 2, y, SYMBOL, SYMBOL)


SYMBOLS: dict[str, Callable[[float, float], str]] = {
    "transformer": _transformer, "converter": _converter, "ups": _ups, "pdu": _pdu, "busway": _busway,
    "feeder": _feeder, "utility": _utility, "from": _from,
}  # fmt: skip


def breaker(x: float, y: float) -> str:
    """A circuit breaker on a wire from ``y`` down, 22 px: a blade that stands off, a cross at its contact."""
    cross = line(x - 4, y + 2, x + 4, y + 10) + line(x - 4, y + 10, x + 4, y + 2)
    return (
        line(x, y - SYMBOL_TOP, x, y + 6)
        + cross
        + line(x - 8, y + 9, x, y + BREAKER)
        + line(x, y + BREAKER - 1, x, y + BREAKER)
    )


def store(x: float, y: float) -> str:
    """Batteries at the left of a symbol whose middle is at ``y``."""
    left = x - SYMBOL / 2 - SIDE + 14
    plates = line(left, y - 10, left, y + 10) + line(left + 6, y - 6, left + 6, y + 6, "thick")
    return plates + line(left + 6, y, x - SYMBOL / 2, y)


def generator(x: float, y: float) -> str:
    """A generator at the left of the wire below a symbol."""
    left = x - SYMBOL / 2 - SIDE + 16
    letter = f'<text class="g" x="{number(left)}" y="{number(y + 4)}" text-anchor="middle">G</text>'
    return circle(left, y, 12.0) + letter + line(left + 12, y, x, y)


def symbol(cell: Cell, x: float, y: float) -> str:
    """The symbol of a cell with its port at ``x`` and its top at ``y``, and what stands behind it."""
    top = y + cell.symbol_y
    made = SYMBOLS.get(cell.symbol, _other)(x, top)
    roles = {part.role for part in cell.parts}
    made += breaker(x, y + SYMBOL_TOP) if "breaker" in roles else line(x, y, x, top)
    made += line(x, top + SYMBOL, x, y + cell.height)
    made += store(x, top + SYMBOL / 2) if "store" in roles else ""
    made += generator(x, top + SYMBOL + 20) if "generator" in roles else ""
    return made


__all__ = ["box", "line", "number", "symbol"]
