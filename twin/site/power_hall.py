"""A hall in the electrical network: blocks of racks, CDUs, air, and the spots of its chain as nodes with feeds.

Names: ``b1/b1-h1/racks-012`` (blocks of ``twin.site.cords``), CDUs, manifolds and air as in the results, spots of the
chain by ``twin.site.wiring`` (``b1/b1-h1/ups-A``, ``b1/b1-h1/rpp-A-07``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from twin.site.backing import backed_above
from twin.site.cords import Block, blocks
from twin.site.load import LoadedSite
from twin.site.lower_hall import coolant_loop_name
from twin.site.model import ChainLink, Element, Hall
from twin.site.plan import Plan
from twin.site.rack_stores import Stored, cut, stores_of
from twin.site.systems import letters_of
from twin.site.wiring import Feeds, Spot, Wiring


@dataclass
class Node:
    """A node while the network is collected; ``feeds`` by number and share."""

    name: str
    role: str
    hall: int = -1
    item: ChainLink | Element | None = None
    units: int = 1
    element: int = -1
    system: int = 0
    backed_by: str = ""
    racks: range = range(0)
    store: Stored | None = None
    feeds: list[tuple[int, float]] = field(default_factory=list)


class Rows(list[Node]):
    """The nodes in order."""

    def add(self, node: Node) -> int:
        """Append a node and return its number."""
        self.append(node)
        return len(self) - 1


class HallPower:
    """One hall on its way into the network."""

    def __init__(self, loaded: LoadedSite, plan: Plan, h: int, rows: Rows) -> None:
        self.loaded, self.plan, self.h, self.rows = loaded, plan, h, rows
        self.name = plan.labels.hall[h]
        building, _, id = self.name.partition("/")
        self.hall: Hall = loaded.site.buildings[building].halls[id]
        self.template = loaded.site.templates[self.hall.template]
        self.wiring = Wiring(self.template)
        self.first = int(plan.arrays.hall_element[h])
        self.blocks: list[tuple[int, Block]] = []
        self.sec: list[int] = []
        self.spots: dict[Spot, int] = {}

    def add_loads(self) -> None:
        """Blocks of racks, CDUs or manifolds, air."""
        a, add, h = self.plan.arrays, self.rows.add, self.h
        start, end = (int(a.group_rack[a.hall_group[i]]) for i in (h, h + 1))
        stores = stores_of(self.template, self.loaded.library)
        for block in blocks(self.template, start, end):
            name, parts = f"{self.name}/racks-{block.number + 1:03d}", list(cut(block.racks, stores, start))
            for k, (racks, store) in enumerate(parts):
                part = f"{name}-{k + 1}" if len(parts) > 1 else name
                self.blocks.append((add(Node(part, "racks", h, racks=racks, store=store)), block))
        liquid, air = self.template.liquid, self.template.air
        for k in range(liquid.coolant_loops if liquid else 0):
            assert liquid is not None
            name = coolant_loop_name(self.name, liquid, k)
            self.sec.append(add(Node(name, "cdu", h, backed_by=liquid.backed_by or "ups")))
        backed = air.backed_by or backed_above(self.loaded, self.hall, self.template)
        self.sec.append(add(Node(f"{self.name}/air", "air", h, backed_by=backed)))

    def add_links(self) -> None:
        """The chain from the racks upward, a node for each spot."""
        for i, (_, item) in enumerate(self.wiring.links):
            for spot in self.wiring.spots(i):
                name, units = f"{self.name}/{self.wiring.name(spot)}", self.wiring.count(i)
                self.spots[spot] = self.rows.add(
                    Node(name, "link", self.h, item, units, self.first + i, spot.system)
                )  # fmt: skip

    def connect(self, campus: dict[str, int]) -> None:
        """The feeds of loads and links."""
        for n, block in self.blocks:
            self.rows[n].feeds = self._numbers([(Spot(0, c.system, c.unit), c.share) for c in block.cords])
        liquid = self.template.liquid
        several = liquid is not None and liquid.cdus_each > 1
        for j, n in enumerate(self.sec):
            alone = j < len(self.sec) - 1 and not several
            self.rows[n].feeds = self._numbers(self.wiring.cdu(j) if alone else self.wiring.shared())
        top = len(self.wiring.links) - 1
        for spot, n in self.spots.items():
            inside = spot.link < top
            self.rows[n].feeds = (
                self._numbers(self.wiring.above(spot)) if inside else [(campus[self._feeder(spot.system)], 1.0)]
            )

    def _numbers(self, feeds: Feeds) -> list[tuple[int, float]]:
        return [(self.spots[spot], share) for spot, share in feeds]

    def _feeder(self, s: int) -> str:
        """The campus element above system ``s`` of the top link."""
        if isinstance(self.hall.fed_from, str):
            return self.hall.fed_from
        return self.hall.fed_from[letters_of(self.template)[s]]


__all__ = ["HallPower", "Node", "Rows"]
