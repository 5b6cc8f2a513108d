"""What happened in order: a bar for what is broken or stands, a lane with marks for racks that alarm or trip."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import inf

from dashboards.chart import Key
from dashboards.failures.axis import LEFT, PLOT, TimeAxis, clock, svg
from dashboards.theme import ORANGE, PURPLE, STEEL, WRONG
from twin.analysis.fail_course import Lane, Spell

ROW, TOP = 22.0, 8.0
LETTERS = 38
WORDS = {"alarm_s": "inlets beyond limits", "slowed_s": "slow down", "trip_s": "trip", "trip_again_s": "trip again"}
KEYS = [
    Key("broken, until mended", "ink"), Key("stands or carries because of it", STEEL),
    Key("○ inlets beyond limits", ORANGE), Key("▼ slow down", PURPLE), Key("✕ trip", WRONG),
]  # fmt: skip


def course(spells: Sequence[Spell], lanes: Sequence[Lane], axis: TimeAxis, told: str) -> str:
    """The picture; ``told`` says in words what it shows."""
    rows = [_spell(spell, TOP + n * ROW, axis) for n, spell in enumerate(spells)]
    rows += [_lane(lane, TOP + (len(spells) + n) * ROW, axis) for n, lane in enumerate(lanes)]
    height = TOP + ROW * max(1, len(rows))
    return svg(axis.ground(height) + "".join(rows), height + 24.0, told)


def _named(name: str, y: float, soft: bool) -> str:
    kind = "soft" if soft else "strong"
    return f'<text class="{kind}" x="0" y="{y + 14:.1f}">{escape(_cut(name))}<title>{escape(name)}</title></text>'


def _cut(words: str) -> str:
    return words if len(words) <= LETTERS else f"{words[: LETTERS - 1]}…"


def _spell(spell: Spell, y: float, axis: TimeAxis) -> str:
    x0, x1 = axis.x(spell.from_s), axis.x(spell.to_s)
    mended = spell.to_s <= axis.last_s
    words = f"{since(spell.from_s)} {f'to {clock(round(spell.to_s))}' if mended else 'on, not mended'}"
    kind = "stands" if spell.consequence else "broken"
    end = f'<path class="mended" d="M{x1:.1f} {y + 3:.1f}v14"/>' if mended else ""
    return (
        f'<g class="spell">{_named(spell.name, y, spell.consequence)}'
        f'<rect class="{kind}" x="{x0:.1f}" y="{y + 5:.1f}" width="{max(2.0, x1 - x0):.1f}" height="10"/>{end}'
        f'<text class="soft" x="{LEFT + PLOT + 10:.1f}" y="{y + 14:.1f}">{escape(words)}</text></g>'
    )


def since(s: float) -> str:
    """``from 10 min``; from before what is shown."""
    return "before" if s == -inf or s < -3600.0 else f"from {clock(round(s, 1))}"


def _lane(lane: Lane, y: float, axis: TimeAxis) -> str:
    line = f'<line class="lane" x1="{LEFT:.1f}" x2="{LEFT + PLOT:.1f}" y1="{y + 10:.1f}" y2="{y + 10:.1f}"/>'
    marks = "".join(mark(axis.x(s), y + 10, event) for s, event, _, _ in lane.events)
    return (
        f'<g class="racks">{_named(lane.name, y, False)}{line}{marks}'
        f'<text class="soft" x="{LEFT + PLOT + 10:.1f}" y="{y + 14:.1f}">{escape(_cut(said(lane)))}'
        f"<title>{escape(said(lane))}</title></text></g>"
    )


def said(lane: Lane) -> str:
    """What becomes of a lane's racks, the worst of it."""
    if lane.tripped:
        first = min(s for s, event, _, _ in lane.events if event == "trip_s")
        causes = ", ".join(dict.fromkeys(c.replace("_", " ") for _, event, _, c in lane.events if event == "trip_s"))
        count = f"all {lane.racks:,}" if lane.tripped == lane.racks else f"{lane.tripped:,} of {lane.racks:,}"
        return f"{count} trip from {first:.0f} s: {causes}"
    worst = "slowed_s" if any(event == "slowed_s" for _, event, _, _ in lane.events) else "alarm_s"
    racks = sum(n for _, event, n, _ in lane.events if event == worst)
    return f"{racks:,} of {lane.racks:,}: {WORDS[worst]}"


def mark(x: float, y: float, event: str) -> str:
    """A mark of an event: a shape of its own, so that it needs no colour."""
    cross = f'<path class="trip" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"/>'
    shapes = {
        "alarm_s": f'<circle class="alarm" cx="{x:.1f}" cy="{y:.1f}" r="4"/>',
        "slowed_s": f'<path fill="{PURPLE}" d="M{x - 5:.1f} {y - 4:.1f}h10l-5 8z"/>',
        "trip_s": cross, "trip_again_s": cross,
    }  # fmt: skip
    return f'<g class="mark {event}">{shapes[event]}<title>{escape(WORDS[event])}</title></g>'


__all__ = ["KEYS", "WORDS", "course", "mark", "said"]
