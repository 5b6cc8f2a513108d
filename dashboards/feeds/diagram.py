"""A trace as SVG: a box for each thing, a line for each feed; bold edge and words for what depends on it alone."""

from __future__ import annotations

from html import escape

from dashboards.chart import Key
from dashboards.feeds.layout import BOX_H, BOX_W, layout
from dashboards.theme import BLUE, GREEN, ORANGE
from twin.analysis.feed_lumps import Link, Lump, Picture, percent, watts
from twin.analysis.feed_text import fate
from twin.site.graph import Medium

COLOUR: dict[Medium, str] = {"power": ORANGE, "water": BLUE, "air": BLUE, "load": GREEN}
KEYS = [
    Key("power", ORANGE, "line"),
    Key("water", BLUE, "line"),
    Key("air", BLUE, "dash"),
    Key("load served", GREEN, "line"),
    Key("depends on it alone: bar at the left", "ink"),
    Key("has another way, or loses a part: dashed frame", "ink", "dash"),
]
LETTERS = 27
LABEL_H, LETTER_W = 13.0, 6.1
# Where along the last stretch of a line its label may stand.
SPOTS = (0.5, 0.36, 0.64, 0.24, 0.76)
Rect = tuple[float, float, float, float]


def diagram(seen: Picture, told: str) -> str:
    """The drawing; ``told`` says in words what it shows."""
    placed = layout(len(seen.lumps), [(link.source, link.target) for link in seen.links])
    taken: list[Rect] = []
    lines, labels = [], []
    for link, points in zip(seen.links, placed.lines, strict=True):
        lines.append(_line(link, points))
        labels.append(_label(link, points, taken))
    boxes = [_box(lump, *centre) for lump, centre in zip(seen.lumps, placed.centre, strict=True)]
    w, h = placed.width, placed.height
    drawn = "".join(lines + boxes + labels)
    return (
        f'<div class="paths" tabindex="0"><svg viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" '
        f'role="img" aria-label="{escape(told, quote=True)}">{drawn}</svg></div>'
    )


def _line(link: Link, points: list[tuple[float, float]]) -> str:
    """Curves between layers, straight past boxes."""
    (x, y), path = points[0], [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for i, (to_x, to_y) in enumerate(points[1:]):
        middle = (y + to_y) / 2
        curve = f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        path.append(curve if i % 2 == 0 else f"V{to_y:.1f}")
        x, y = to_x, to_y
    return f'<path class="feed {link.medium}" stroke="{COLOUR[link.medium]}" d="{"".join(path)}"/>'


def words(link: Link) -> str:
    """What stands on a line: rated power and, where there are several ways, the share."""
    kw = "" if link.kw is None else watts(link.kw)
    share = "" if link.share is not None and link.share > 0.9995 else percent(link.share)
    return ", ".join(part for part in (kw, share) if part)


def _label(link: Link, points: list[tuple[float, float]], taken: list[Rect]) -> str:
    """The words of a line where no other words stand; empty where there is no room, the table has them."""
    text = words(link)
    if not text:
        return ""
    (xa, ya), (xb, yb) = points[-2], points[-1]
    half = LETTER_W * len(text) / 2
    for t in SPOTS:
        # The curve of `_line` at t: a cubic whose inner points lie at the middle height.
        x = xa + (xb - xa) * t * t * (3 - 2 * t)
        y = ya + (yb - ya) * (1.5 * t - 1.5 * t * t + t**3)
        box = (x - half, y - LABEL_H / 2, x + half, y + LABEL_H / 2)
        if not any(_meet(box, other) for other in taken):
            taken.append(box)
            ground = (
                f'<rect class="ground" x="{box[0]:.1f}" y="{box[1]:.1f}" width="{2 * half:.1f}" height="{LABEL_H:g}"/>'
            )
            return f'{ground}<text class="amount" x="{x:.1f}" y="{y + 4:.1f}">{escape(text)}</text>'
    return ""


def _meet(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _box(lump: Lump, x: float, y: float) -> str:
    state = lump.effect.state if lump.effect else lump.side
    left, top = x - BOX_W / 2, y - BOX_H / 2
    last = fate(lump.effect, lump.node.role) if lump.effect else f"since {lump.node.since}" if lump.node.since else ""
    names = ", ".join(key.partition(":")[2] for key in lump.keys[:60]) + (" …" if len(lump.keys) > 60 else "")
    since = f"; since {lump.node.since}" if lump.node.since else ""
    title = f"{names}: {lump.units}{since}{'; ' + last if lump.effect else ''}"
    lines = [("strong", lump.name), ("", lump.units), ("soft", last)]
    texts = "".join(
        f'<text class="{css}" x="{left + 12:.1f}" y="{top + 19 + 17 * i:.1f}">{escape(_short(line))}</text>'
        for i, (css, line) in enumerate(lines)
    )
    place = f'x="{left:.1f}" y="{top:.1f}" height="{BOX_H:g}"'
    bar = f'<rect class="alone-bar" {place} width="6"/>' if state == "alone" else ""
    frame = f'<rect class="frame" {place} width="{BOX_W:g}" rx="4"/>'
    return f'<g class="box {state}"><title>{escape(title)}</title>{frame}{bar}{texts}</g>'


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


__all__ = ["KEYS", "diagram", "words"]
