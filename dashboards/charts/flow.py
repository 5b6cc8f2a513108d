"""The flow of power from the meter to racks and losses, mean over the run, drawn as SVG: widths are proportional to MW.

Two drawings are made, one for wide and one for narrow screens; the page shows one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dashboards.chart import Chart, Table, num, power
from dashboards.charts.growth import by_kind
from dashboards.source import Source
from dashboards.theme import CONSUMER, GROUP
from twin.analysis.consumers import GROUP as GROUP_OF
from twin.analysis.consumers import IT, IT_GROUP

BAR = 12.0
SHORT = 20  # letters of a leaf's name on a narrow screen; the table has it whole


@dataclass(frozen=True)
class Flow:
    """A leaf of the drawing: its name, the group it belongs to, MW and colour."""

    name: str
    group: str
    mw: float
    colour: str


@dataclass(frozen=True)
class Size:
    """Measures of a drawing in px: its width, that of the labels, height of the meter's bar, room of a leaf's label."""

    width: float
    label_width: float
    meter: float
    label: float
    two_lines: bool
    name: str


WIDE = Size(1100, 330, 300, 21, False, "wide-only")
NARROW = Size(356, 150, 260, 35, True, "narrow-only")
GROUP_GAP, TOP = 14.0, 34.0


def leaves(s: Source) -> list[Flow]:
    """Where the meter's mean power ends, MW: kinds of halls, consumers of cooling, parts of the electrical path."""
    found = []
    for name, part in s.consumers.items():
        if name == IT and s.summary["halls"]:
            kinds = {kind: float(mw.mean()) for kind, mw in by_kind(s).items()}
            found += [Flow(kind or IT, IT_GROUP, mw, CONSUMER[IT]) for kind, mw in kinds.items()]
        else:
            found.append(Flow(name, GROUP_OF[name], float(part.mean()), CONSUMER[name]))
    return [flow for flow in found if flow.mw > 0]


def build(s: Source) -> Chart | None:
    """The chart; None where nothing is drawn from the meter."""
    flows, mean = leaves(s), float(s.summary["meter"]["mean_mw"])
    if not flows or mean <= 0:
        return None
    groups = {g: sum(f.mw for f in flows if f.group == g) for g in dict.fromkeys(f.group for f in flows)}
    told = ", ".join(f"{name} {power(mw)}" for name, mw in groups.items())
    drawings = "".join(drawing(flows, groups, mean, size, told) for size in (WIDE, NARROW))
    it_share = 100 * groups.get(IT_GROUP, 0.0) / mean
    return Chart(
        "flow",
        "From the meter to the racks",
        f"Of every 100 MWh at the meter {it_share:.1f} reach the racks. Mean: {told}.",
        [f'<div class="flow">{drawings}</div>'],
        Table(
            ("To", "Group", "Mean MW", "% of the meter"),
            [
                *([f.name, f.group, num(f.mw, 3), num(100 * f.mw / mean, 2)] for f in flows),
                ["Meter", "", num(mean, 3), "100.00"],
            ],
        ),
    )


def drawing(flows: Sequence[Flow], groups: dict[str, float], mean: float, size: Size, told: str) -> str:
    """The SVG of one size: a leaf has at least the room of its label, its bar stands in the middle of that room."""
    scale = size.meter / mean
    x0, x2 = 2.0, size.width - size.label_width - BAR
    x1 = x0 + 0.42 * (x2 - x0)
    ribbons, bars, texts = [], [], []
    y = TOP
    blocks = {group: sum(_room(f, scale, size) for f in flows if f.group == group) for group in groups}
    height = TOP + sum(blocks.values()) + GROUP_GAP * (len(groups) - 1)
    # The first group lies level with the meter, the others branch off below it.
    y_meter = meter_top = TOP + 0.5 * (next(iter(blocks.values())) - next(iter(groups.values())) * scale)
    for group, mw in groups.items():
        thick = mw * scale
        top = y + 0.5 * (blocks[group] - thick)
        ribbons.append(_ribbon(x0 + BAR, y_meter, x1, top, thick, GROUP[group]))
        bars.append(_bar(x1, top, thick, GROUP[group]))
        texts.append(_group_label(x1, top, thick, group, mw, size))
        y_out = top
        for flow in (f for f in flows if f.group == group):
            h, room = flow.mw * scale, _room(flow, scale, size)
            y_leaf = y + 0.5 * (room - h)
            ribbons.append(_ribbon(x1 + BAR, y_out, x2, y_leaf, h, flow.colour))
            bars.append(_bar(x2, y_leaf, h, flow.colour))
            texts.append(_leaf_label(flow, x2 + BAR + 8, y + 0.5 * room, size))
            y_out, y = y_out + h, y + room
        y_meter, y = y_meter + thick, y + GROUP_GAP
    bars.append(_bar(x0, meter_top, sum(groups.values()) * scale, "var(--ink)"))
    above = 22 if size.two_lines else 8
    texts.append(f'<text x="{x0}" y="{meter_top - above:.1f}">{_group_text("Meter", mean, x0, size)}</text>')
    title = f"Flow of mean power from the meter, {power(mean)}: {told}"
    return (
        f'<svg class="{size.name}" viewBox="0 0 {size.width:g} {height + 4:.0f}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{"".join(ribbons + bars + texts)}</svg>'
    )


def _room(flow: Flow, scale: float, size: Size) -> float:
    return max(flow.mw * scale + 3, size.label)


def _group_label(x: float, top: float, thick: float, group: str, mw: float, size: Size) -> str:
    """A group is named beside its bar where it is thick, below it where it is thin."""
    if thick > 40:
        x, y, anchor = x + BAR + 6, top + 0.5 * thick + 5, ""
    else:
        x, y, anchor = x + BAR, top + thick + 15, ' text-anchor="end"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{anchor}>{_group_text(group, mw, x, size)}</text>'


def _group_text(group: str, mw: float, x: float, size: Size) -> str:
    name = group.removeprefix("Electrical ").capitalize() if size.two_lines and group != IT_GROUP else group
    if not size.two_lines:
        return f'{escape(name)} <tspan class="strong">{power(mw)}</tspan>'
    return f'{escape(name)}<tspan class="strong" x="{x:.1f}" dy="15">{power(mw)}</tspan>'


def _leaf_label(flow: Flow, x: float, y: float, size: Size) -> str:
    if not size.two_lines:
        return (
            f'<text x="{x:.1f}" y="{y + 5:.1f}"><tspan class="strong">{power(flow.mw)}</tspan> '
            f'<tspan class="soft">{escape(flow.name)}</tspan></text>'
        )
    name = flow.name if len(flow.name) <= SHORT else flow.name[: SHORT - 1] + "…"
    return (
        f'<text x="{x:.1f}" y="{y - 2:.1f}"><tspan class="strong">{power(flow.mw)}</tspan>'
        f'<tspan class="soft small" x="{x:.1f}" dy="14">{escape(name)}</tspan></text>'
    )


def _bar(x: float, y: float, h: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.2f}" width="{BAR:g}" height="{max(h, 0.8):.2f}" fill="{colour}"/>'


def _ribbon(xa: float, ya: float, xb: float, yb: float, h: float, colour: str) -> str:
    """A band of height ``h`` from (xa, ya) to (xb, yb), tops given."""
    m, h = 0.5 * (xa + xb), max(h, 0.8)
    out = f"M{xa:.1f} {ya:.2f}C{m:.1f} {ya:.2f} {m:.1f} {yb:.2f} {xb:.1f} {yb:.2f}"
    back = f"V{yb + h:.2f}C{m:.1f} {yb + h:.2f} {m:.1f} {ya + h:.2f} {xa:.1f} {ya + h:.2f}Z"
    return f'<path class="ribbon" fill="{colour}" d="{out}{back}"/>'
