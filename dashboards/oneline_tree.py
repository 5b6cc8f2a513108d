"""Layout of a campus: a tree of elements by their largest feed, stacks of loads below them."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboards.oneline_cells import Cell, bank_cell, load_cell, source_cell
from dashboards.oneline_layout import (
    COLUMN_GAP,
    INDENT,
    LANE,
    STACK_GAP,
    Link,
    Placed,
    Sheet,
    Wire,
    run_channel,
)
from twin.analysis.oneline_bank import Drawing, Feed


@dataclass
class Tree:
    """A node with its column: a cell, a lane for a feed that passes by (no cell), or a stack of loads."""

    key: str
    row: int
    cell: Cell | None = None
    stack: bool = False
    width: float = 0.0
    children: list[Tree] = field(default_factory=list)
    before: float = LANE / 2  # from its left end to its port
    port: float = 0.0

    @property
    def total(self) -> float:
        """Width of its block, px."""
        below = sum(child.total for child in self.children) + COLUMN_GAP * max(len(self.children) - 1, 0)
        return max(self.width, below)


def tree_sheet(drawing: Drawing) -> Sheet:
    """The sheet of a campus."""
    plan = _Plan(drawing)
    root = plan.tree(plan.source.key, 0)
    nodes = _walk(root)
    _place(root, 0.0)
    return _draw(plan, nodes)


class _Plan:
    """Who hangs below whom."""

    def __init__(self, drawing: Drawing) -> None:
        (self.source,) = drawing.sources
        self.cells = {bank.key: bank_cell(bank) for bank in drawing.banks}
        self.loads = {load.key: load for load in drawing.loads}
        self.into: dict[str, list[Feed]] = {}
        self.out: dict[str, list[Feed]] = {}
        for feed in drawing.feeds:
            self.into.setdefault(feed.target, []).append(feed)
            self.out.setdefault(feed.source, []).append(feed)
        self.rows = {self.source.key: 0}
        for bank in drawing.banks:
            self.rows[bank.key] = 1 + max(self.rows[feed.source] for feed in self.into[bank.key])
        self.main = {key: max(self.into[key], key=lambda feed: feed.share).source for key in self.cells}
        self.meshed = any(len(self.into[key]) > 1 for key in self.cells)

    def stands_by(self, source: str, target: str) -> bool:
        """Whether a feed carries nothing until another is lost."""
        return any(feed.source == source and feed.share <= 0.0 for feed in self.into[target])

    def lane_stands_by(self, key: str) -> bool:
        """The same of the feed to which a lane belongs."""
        source, _, target = key.partition("@")[0].partition(">")
        return self.stands_by(source, target)

    def stacked(self, key: str) -> bool:
        """An element below another that feeds cooling plants alone."""
        feeds = self.out.get(key, [])
        plants = all(feed.target in self.loads and self.loads[feed.target].role == "plant" for feed in feeds)
        alone = len(self.into[key]) == 1 and self.into[key][0].source != self.source.key
        return bool(feeds) and plants and alone

    def tree(self, key: str, row: int) -> Tree:
        """The block of an element with all below it."""
        cell = source_cell(self.source) if key == self.source.key else self.cells[key]
        node = Tree(key, row, cell, width=cell.width, before=cell.port)
        loads = []
        for feed in self.out.get(key, []):
            below = feed.target
            if below in self.loads or self.stacked(below):
                loads.append(below)
            elif self.main[below] == key and self.rows[below] == row + 1:
                node.children.append(self.tree(below, row + 1))
            elif self.rows[below] > row + 1:
                node.children.append(self._lane(key, below, row + 1))
        if loads:
            items = self.stack(key, loads, 0)
            wide = max(indent * INDENT + cell.width for _, cell, indent, _ in items)
            # Its riser hangs straight below the port.
            node.children.append(
                Tree(f"{key}:stack", row + 1, None, stack=True, width=cell.port + INDENT + wide, before=cell.port)
            )
        return node

    def _lane(self, source: str, target: str, row: int) -> Tree:
        """A column of its own for a feed over several rows; the element itself, where this is its largest feed."""
        lane = Tree(f"{source}>{target}@{row}", row, None, width=LANE)
        if self.rows[target] > row + 1:
            lane.children.append(self._lane(source, target, row + 1))
        elif self.main[target] == source:
            lane.children.append(self.tree(target, row + 1))
        return lane

    def stack(self, key: str, loads: list[str], indent: int) -> list[tuple[str, Cell, int, str]]:
        """Items of a stack from above: key, cell, indent, and what feeds it."""
        items: list[tuple[str, Cell, int, str]] = []
        for below in sorted(loads, key=lambda k: (k in self.cells, self.loads[k].role if k in self.loads else "")):
            if below in self.loads:
                items.append((below, load_cell(self.loads[below]), indent, key))
            else:
                items.append((below, self.cells[below], indent, key))
                items += self.stack(below, [feed.target for feed in self.out[below]], indent + 1)
        return items


def _walk(root: Tree) -> list[Tree]:
    nodes = [root]
    for node in nodes:
        nodes += node.children
    return nodes


def _place(node: Tree, left: float) -> None:
    """Columns: children side by side below, the port above their middle as far as the block allows."""
    below = sum(child.total for child in node.children) + COLUMN_GAP * max(len(node.children) - 1, 0)
    alone = len(node.children) == 1 and node.children[0].stack
    x = left if alone else left + 0.5 * (node.total - below)
    for child in node.children:
        _place(child, x)
        x += child.total + COLUMN_GAP
    low, high = left + node.before, left + node.total - (node.width - node.before)
    middle = 0.5 * (node.children[0].port + node.children[-1].port) if node.children else low
    node.port = min(max(middle, low), max(high, low))


def _draw(plan: _Plan, nodes: list[Tree]) -> Sheet:
    sheet, y = Sheet(), 0.0
    ports = {node.key: node.port for node in nodes}
    for row in range(max(node.row for node in nodes) + 1):
        here = [node for node in nodes if node.row == row]
        if row:
            links = _links(plan, nodes, ports, row)
            y = run_channel(sheet, y, links)
            _incomers(sheet, links, here, y)
        heights = [node.cell.height for node in here if node.cell]
        for node in (node for node in here if node.stack):
            bottom = _draw_stack(sheet, plan, node, y)
            heights += [bottom - y] if plan.meshed else []
        height = max(heights, default=0.0)
        for node in here:
            if node.cell:
                sheet.cells.append(Placed(node.cell, node.port - node.cell.port, y))
            start = y + (node.cell.height if node.cell else 0.0)
            if not node.stack and height > start - y and (node.cell is None or node.key in plan.out):
                standby = node.cell is None and plan.lane_stands_by(node.key)
                sheet.wires.append(Wire(((node.port, start), (node.port, y + height)), standby=standby))
        y += height
    return sheet.close()


def _links(plan: _Plan, nodes: list[Tree], ports: dict[str, float], row: int) -> list[Link]:
    """Feeds that come down into a row: to elements, lanes and stacks."""
    made = []
    for node in (node for node in nodes if node.row == row):
        if node.stack:
            source = node.key.removesuffix(":stack")
            made.append(Link(source, node.key, ports[source], node.port, standby=False))
        elif node.cell is None:
            source, _, target = node.key.partition("@")[0].partition(">")
            at = _from(ports, source, target, row)
            made.append(Link(at, node.key, ports[at], node.port, plan.stands_by(source, target)))
        else:
            mine = [(feed, _from(ports, feed.source, node.key, row)) for feed in plan.into[node.key]]
            for n, (feed, at) in enumerate(sorted(mine, key=lambda item: ports[item[1]])):
                x1 = node.port + (n - 0.5 * (len(mine) - 1)) * LANE
                made.append(Link(at, node.key, ports[at], x1, feed.share <= 0.0))
    return made


def _incomers(sheet: Sheet, links: list[Link], nodes: list[Tree], y: float) -> None:
    """A bar on top of each element with several feeds, from the first to the last."""
    for node in (node for node in nodes if node.cell):
        ends = [link.x1 for link in links if link.target == node.key]
        if len(ends) > 1:
            sheet.wires.append(Wire(((min(ends), y), (max(ends), y)), bus=True))


def _from(ports: dict[str, float], source: str, target: str, row: int) -> str:
    """Where a feed comes from into a row: the lane above, else the source itself."""
    lane = f"{source}>{target}@{row - 1}"
    return lane if lane in ports else source


def _draw_stack(sheet: Sheet, plan: _Plan, node: Tree, y: float) -> float:
    """A stack with its risers; returns where it ends."""
    source = node.key.removesuffix(":stack")
    loads = [f.target for f in plan.out[source] if f.target in plan.loads or plan.stacked(f.target)]
    risers: dict[str, tuple[float, float]] = {source: (node.port, y)}
    ends: dict[str, float] = {}
    for key, cell, _, above in plan.stack(source, loads, 0):
        y += STACK_GAP
        x, _ = risers[above]
        left = x + INDENT
        sheet.cells.append(Placed(cell, left, y))
        if cell.boxed:
            tap = y + 0.5 * cell.height
            sheet.wires.append(Wire(((x, tap), (left, tap))))
        else:
            tap = y
            sheet.wires.append(Wire(((x, tap), (left + cell.port, tap))))
            risers[key] = left + cell.port, y + cell.height
        ends[above] = tap
        sheet.dots.append((x, tap))
        y += cell.height
    for key, end in ends.items():
        x, start = risers[key]
        sheet.wires.append(Wire(((x, start), (x, end))))
    return y


__all__ = ["tree_sheet"]
