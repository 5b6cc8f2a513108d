"""Layout of a one-line diagram: rows from the source down, no two cells on one place, feeds in channels between rows.

A campus is a tree by the largest feed of each element; an element with cooling plants alone, and all loads, hang in a
stack below what feeds them. A feed over several rows has a column of its own. A hall has a column for each system.
Every feed leaves its source at a busbar in the channel below and comes down from there: lines cross, texts never.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboards.oneline_cells import SIDE, SYMBOL, Cell, bank_cell, load_cell, source_cell
from twin.analysis.oneline_bank import Drawing, Feed

COLUMN_GAP, STACK_GAP, INDENT = 26.0, 10.0, 22.0
CHANNEL, TRACK = 16.0, 12.0
LANE = 20.0
GRID = "grid"


@dataclass(frozen=True)
class Placed:
    """A cell with its left upper corner."""

    cell: Cell
    x: float
    y: float

    @property
    def port_x(self) -> float:
        """Where its wire is."""
        return self.x + self.cell.port


@dataclass(frozen=True)
class Wire:
    """A polyline; ``bus`` thick, ``standby`` dashed."""

    points: tuple[tuple[float, float], ...]
    bus: bool = False
    standby: bool = False


@dataclass
class Sheet:
    """A finished drawing: cells, wires, dots where wires meet a busbar, and its size."""

    cells: list[Placed] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def close(self) -> Sheet:
        """Move all into the first quadrant and measure."""
        low = min(placed.x for placed in self.cells)
        if low < 0.0:
            self.cells = [Placed(p.cell, p.x - low, p.y) for p in self.cells]
            self.wires = [
                Wire(tuple((x - low, y) for x, y in w.points), bus=w.bus, standby=w.standby) for w in self.wires
            ]
            self.dots = [(x - low, y) for x, y in self.dots]
        points = [point for wire in self.wires for point in wire.points]
        self.width = max([p.x + p.cell.width for p in self.cells] + [x for x, _ in points])
        self.height = max([p.y + p.cell.height for p in self.cells] + [y for _, y in points])
        return self


@dataclass
class Link:
    """A feed between two rows: from the port of its source to a place at the top of its target."""

    source: str
    target: str
    x0: float
    x1: float
    standby: bool


def run_channel(sheet: Sheet, y0: float, links: list[Link]) -> float:
    """Draw the feeds between two rows from ``y0`` down; returns where the next row begins."""
    spans: dict[str, tuple[float, float]] = {}
    for link in links:
        low, high = spans.get(link.source, (link.x0, link.x0))
        spans[link.source] = min(low, link.x1), max(high, link.x1)
    tracks: list[float] = []
    y_of: dict[str, float] = {}
    for source, (low, high) in sorted(spans.items(), key=lambda item: (item[1], item[0])):
        level = next((n for n, end in enumerate(tracks) if end < low - LANE), len(tracks))
        tracks[level : level + 1] = [high]
        y_of[source] = y0 + CHANNEL + TRACK * level
    bottom = y0 + 2.0 * CHANNEL + TRACK * max(len(tracks) - 1, 0)
    many = {source: sum(link.source == source for link in links) > 1 for source in spans}
    for source, (low, high) in spans.items():
        mine = [link for link in links if link.source == source]
        y, x0 = y_of[source], mine[0].x0
        if not many[source] and abs(mine[0].x1 - x0) < 0.5:
            sheet.wires.append(Wire(((x0, y0), (x0, bottom)), standby=mine[0].standby))
            continue
        standby = all(link.standby for link in mine)
        sheet.wires.append(Wire(((x0, y0), (x0, y)), standby=standby))
        wide = (low - 10.0, high + 10.0) if many[source] else (low, high)
        sheet.wires.append(Wire(((wide[0], y), (wide[1], y)), bus=many[source], standby=standby))
        for link in mine:
            sheet.wires.append(Wire(((link.x1, y), (link.x1, bottom)), standby=link.standby))
        sheet.dots += [(x, y) for x in {x0, *(link.x1 for link in mine)}] if many[source] else []
    sheet.dots.sort()
    return bottom


def hall_sheet(drawing: Drawing) -> Sheet:
    """Systems side by side, links from the feed down, racks below them all, pumps and fans at the right."""
    cells = {bank.key: bank_cell(bank) for bank in drawing.banks}
    loads = {load.key: load for load in drawing.loads}
    rows = [list(row) for row in drawing.rows]
    widest = max(sum(key in cells for key in row) for row in rows) or 1
    columns = [0.0] * max(widest, 1)
    for row in rows:
        banks = [key for key in row if key in cells]
        for j, key in enumerate(banks if len(banks) > 1 or widest == 1 else []):
            columns[j] = max(columns[j], cells[key].width + COLUMN_GAP)
    offset = max([cell.port for cell in cells.values()] + [SIDE / 2])
    ports = [sum(columns[:j]) + offset for j in range(widest)]
    middle = 0.5 * (ports[0] + ports[-1])
    racks_w = ports[-1] - ports[0] + SYMBOL if widest > 1 else 0.0
    sheet = Sheet()
    boxes = {load.key: load_cell(load, racks_w if load.role != "mechanical" else 0.0) for load in drawing.loads}
    ends_at = [ports[-1] + cell.width - cell.port for cell in cells.values()]
    ends_at += [middle + 0.5 * boxes[load.key].width for load in drawing.loads if load.role != "mechanical"]
    right = max(ends_at) + COLUMN_GAP
    sources = [source_cell(source) for source in drawing.sources]
    top = [key for key in rows[0] if key in cells] if rows else []
    above = {source.key: _over(drawing.feeds, source.key, top, ports, middle) for source in drawing.sources}
    for cell, port in zip(sources, above.values(), strict=True):
        sheet.cells.append(Placed(cell, port - cell.port, 0.0))
    y = max(cell.height for cell in sources)
    for row in rows:
        banks = [key for key in row if key in cells]
        ends: dict[str, tuple[Cell, float]] = {}
        for j, key in enumerate(banks):
            # Fewer systems than there are above, one of those in reserve, stand below their own.
            ends[key] = cells[key], (ports[j] if len(banks) > 1 or widest == 1 else middle)
        for key in (key for key in row if key in loads):
            aside = loads[key].role == "mechanical"
            ends[key] = boxes[key], right + boxes[key].port if aside else middle
        links = _links(drawing.feeds, above, ends)
        y = run_channel(sheet, y, links)
        height = max(cell.height for cell, _ in ends.values())
        for key, (cell, port) in ends.items():
            sheet.cells.append(Placed(cell, port - cell.port, y))
            if key in cells:
                sheet.wires.append(Wire(((port, y + cell.height), (port, y + height))))
        above = {key: port for key, (_, port) in ends.items()}
        y += height
    return sheet.close()


def _over(feeds: tuple[Feed, ...], source: str, top: list[str], ports: list[float], middle: float) -> float:
    """Where a source stands: in the middle if it feeds all of the top row, else above the first that it feeds."""
    fed = [port for key, port in zip(top, ports, strict=False) for f in feeds if (f.source, f.target) == (source, key)]
    return fed[0] if 0 < len(fed) < len(top) else middle


def _links(feeds: tuple[Feed, ...], above: dict[str, float], ends: dict[str, tuple[Cell, float]]) -> list[Link]:
    """Feeds from a row to the next; a wide box is met below each of its sources, another at its middle."""
    made = []
    for key, (cell, port) in ends.items():
        mine = sorted((f for f in feeds if f.target == key and f.source in above), key=lambda f: above[f.source])
        for n, feed in enumerate(mine):
            x0 = above[feed.source]
            covered = cell.boxed and port - cell.port <= x0 <= port - cell.port + cell.width
            x1 = x0 if covered else port + (n - 0.5 * (len(mine) - 1)) * LANE
            made.append(Link(feed.source, key, x0, x1, feed.share <= 0.0))
    return made


__all__ = ["Link", "Placed", "Sheet", "Wire", "hall_sheet", "run_channel"]
