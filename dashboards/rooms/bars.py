"""Headroom as SVG: three bars for each element, and what binds in words; the steps of one element below each other."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dashboards.chart import Key, power
from dashboards.theme import BLUE, ORANGE, SKY, WRONG
from twin.analysis.headroom import Room, Row
from twin.analysis.headroom_steps import RATING, Step
from twin.analysis.headroom_text import loss_words, mark, room_words, step_name
from twin.core.units import MW

COLUMNS = (("present", SKY), ("design", BLUE), ("N-1", ORANGE))
KEYS = [*(Key(name, colour) for name, colour in COLUMNS), Key("▲ below zero: what has to go", WRONG)]
STEP_KEYS = [Key("loaded at present", BLUE), Key("binds at design: bar at the left", "ink")]
NAME_W, BAR_W, VALUE_W, WORDS_W = 170.0, 330.0, 84.0, 430.0
BAR_H, GAP, TOP = 13.0, 12.0, 6.0
LETTERS = 62


def bars(rows: Sequence[Row], told: str) -> str:
    """Present, design and N-1 of each row on one scale; ``told`` says in words what the picture shows."""
    rooms = [(row, (row.present, row.design, row.n_1)) for row in rows]
    values = [room.extra_w for _, three in rooms for room in three if room is not None]
    low, high = min([0.0, *values]), max([1.0, *values])
    scale = BAR_W / (high - low)
    zero = NAME_W + VALUE_W - low * scale
    height = 3 * BAR_H + GAP
    drawn = [f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{TOP + height * len(rows):.1f}"/>']
    for n, (row, three) in enumerate(rooms):
        drawn.append(_three(row, three, TOP + n * height, zero, scale))
    return _svg("".join(drawn), TOP + height * len(rows), told)


def _three(row: Row, three: Sequence[Room | None], y: float, zero: float, scale: float) -> str:
    """The bars of one row."""
    made = [f'<text class="strong" x="0" y="{y + 11:.1f}">{escape(row.name)}</text>']
    words = [room_words(three[0]), room_words(three[1]), loss_words(three[2])]
    if three[0] is None:
        made.append(f'<text class="soft" x="{zero + 6:.1f}" y="{y + 11:.1f}">not energised</text>')
        return f'<g class="element">{"".join(made)}</g>'
    for n, ((name, colour), room, said) in enumerate(zip(COLUMNS, three, words, strict=True)):
        assert room is not None
        top, width = y + n * BAR_H, abs(room.extra_w) * scale
        below = room.extra_w < 0.0
        left = zero - width if below else zero
        value = f"{'▲ ' if below else ''}{power(room.extra_w / MW)}"
        x, side = (left - 5, "end") if below else (left + width + 5, "start")
        made.append(
            f'<rect class="bar" x="{left:.1f}" y="{top + 1:.1f}" width="{max(width, 1.0):.1f}" height="{BAR_H - 2:g}" '
            f'fill="{WRONG if below else colour}"><title>{escape(f"{row.name}, {name}: {said}")}</title></rect>'
            f'<text class="value" x="{x:.1f}" y="{top + 10.5:.1f}" text-anchor="{side}">{escape(value)}</text>'
            f'<text class="soft" x="{NAME_W + 2 * VALUE_W + BAR_W:.1f}" y="{top + 10.5:.1f}">'
            f"{escape(f'{name}: {_short(said)}')}</text>"
        )
    return f'<g class="element">{"".join(made)}</g>'


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def steps(row: Row, told: str) -> str:
    """How far each limit on the way is loaded, and its own headroom."""
    height = BAR_H + 8.0
    drawn = [_step(step, TOP + n * height) for n, step in enumerate(row.steps)]
    full = NAME_W + 60.0 + BAR_W
    line = f'<line class="axis" x1="{full:.1f}" x2="{full:.1f}" y1="0" y2="{TOP + height * len(row.steps):.1f}"/>'
    return _svg("".join([line, *drawn]), TOP + height * len(row.steps), told)


def _step(step: Step, y: float) -> str:
    left, width = NAME_W + 60.0, BAR_W * min(1.15, step.loading)
    over = step.loading > 1.0
    bar = f'<rect class="alone-bar" x="0" y="{y:.1f}" width="5" height="{BAR_H + 2:g}"/>' if step.rank == 1 else ""
    room = "no load of these racks reaches it" if step.design_w is None else f"{power(step.design_w / MW)} more"
    if step.limit == RATING:
        room += "; beyond stand more racks"
    said = ", ".join(part for part in (f"{100 * step.loading:.1f} %", room, mark(step)) if part)
    return (
        f'<g class="step">{bar}<text x="10" y="{y + 11:.1f}">{escape(_short(step_name(step)))}</text>'
        f'<rect class="bar" x="{left:.1f}" y="{y + 1:.1f}" width="{max(width, 1.0):.1f}" height="{BAR_H:g}" '
        f'fill="{WRONG if over else BLUE}"/>'
        f'<text class="value" x="{left + 1.15 * BAR_W + 8:.1f}" y="{y + 11:.1f}">{escape(said)}</text></g>'
    )


def _svg(drawn: str, height: float, told: str) -> str:
    width = NAME_W + 2 * VALUE_W + BAR_W + WORDS_W
    return (
        f'<div class="paths" tabindex="0"><svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(told, quote=True)}">{drawn}</svg></div>'
    )


__all__ = ["KEYS", "STEP_KEYS", "bars", "steps"]
