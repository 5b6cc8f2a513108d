"""The electrical path of a site as a ``Network``: racks, CDUs, air and plants as loads, systems of halls, the campus.

Nodes stand children before parents: loads, the links of each hall from the racks upward (``twin.site.power_hall``),
campus elements. Losses are those of ``twin.power.loss``, limits those of ``twin.site.ratings``, both of the whole bank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.core.params import Params
from twin.power.loss import LossLaw
from twin.power.network import GRID, Network
from twin.power.transformer import Transformer
from twin.site.backing import backed_by
from twin.site.load import LoadedSite
from twin.site.model import Backed
from twin.site.plan import Floats, Ints, Plan
from twin.site.power_hall import HallPower, Node, Rows
from twin.site.rack_stores import Stored
from twin.site.ratings import limits_w
from twin.site.scope import GRID as GRID_NAME
from twin.site.systems import plant_feeds

LOADS = ("racks", "cdu", "air", "plant")


@dataclass(frozen=True)
class PowerSite:
    """The network of a site with what its nodes are; every tuple and array by node.

    ``element`` is the row of the Plan's elements that a node is part of, -1 for loads; ``system`` its number in the
    link (0 is A). ``racks`` are those of a load of role ``racks``, ``backed_by`` is of the other loads.
    """

    net: Network
    name: tuple[str, ...]
    role: tuple[str, ...]  # of LOADS, "link" or "element"
    hall: Ints  # -1: campus or plant
    element: Ints
    system: Ints
    device: tuple[Params | None, ...]
    backed: tuple[Backed | None, ...]
    backed_by: tuple[str, ...]
    racks: list[range]
    stores: tuple[Stored | None, ...]  # inside the racks of a load
    node_of_sec: Ints  # (sec)
    node_of_fac: Ints  # (fac)

    @property
    def index(self) -> dict[str, int]:
        """Nodes by name."""
        return {name: n for n, name in enumerate(self.name)}

    def demand(self, rack_w: Floats, sec_w: Floats, fac_w: Floats) -> Floats:
        """What every node's own load draws, W (node).

        ``rack_w`` (rack) at the AC input, ``sec_w`` (sec) pumps of CDUs and fans of air handlers, ``fac_w`` (fac) the
        plants of the loops, all W.
        """
        found = np.zeros(len(self.name))
        blocks = [n for n, role in enumerate(self.role) if role == "racks"]
        # Blocks are contiguous and cover all racks, in their order.
        found[blocks] = np.add.reduceat(rack_w, [self.racks[n].start for n in blocks])
        np.add.at(found, self.node_of_sec, sec_w)
        np.add.at(found, self.node_of_fac, fac_w)
        return found


def power_site(loaded: LoadedSite, plan: Plan) -> PowerSite:
    """The network of a valid site; ``plan`` is the lowered ``loaded``, with all its racks."""
    site, rows = loaded.site, Rows()
    halls = [HallPower(loaded, plan, h, rows) for h in range(len(plan.labels.hall))]
    for hall in halls:
        hall.add_loads()
    plants = {f"{b}/{id}": loop.plant for b, building in site.buildings.items() for id, loop in building.loops.items()}
    node_of_fac = [
        rows.add(Node(name, "plant", backed_by=plants[name].backed_by or backed_by(loaded, plant_feeds(plants[name]))))
        for name in plan.labels.loop
    ]
    for hall in halls:
        hall.add_links()
    campus = {GRID_NAME: GRID}
    for e in range(plan.hall_elements, len(plan.labels.element)):
        id = plan.labels.element[e]
        if id in site.electrical.elements:
            item = site.electrical.elements[id]
            campus[id] = rows.add(Node(id, "element", -1, item, item.count, e))
    for hall in halls:
        hall.connect(campus)
    for name, n in zip(plan.labels.loop, node_of_fac, strict=True):
        rows[n].feeds = [(campus[feeder], share) for feeder, share in plant_feeds(plants[name]).items()]
    for id, element in site.electrical.elements.items():
        above = {element.fed_from: 1.0} if isinstance(element.fed_from, str) else element.fed_from
        rows[campus[id]].feeds = [(campus[feeder], share) for feeder, share in above.items()]
    sec = np.concatenate([np.array(hall.sec, np.int64) for hall in halls])
    return _made(loaded, rows, sec, np.array(node_of_fac, np.int64))


def _made(loaded: LoadedSite, rows: Rows, sec: Ints, fac: Ints) -> PowerSite:
    """Rows to arrays; losses and limits by device, once each."""
    library, factor = loaded.library, loaded.site.electrical.power_factor
    law, limit = np.zeros((len(rows), 4)), np.full((len(rows), 2), np.inf)
    device: list[Params | None] = [None] * len(rows)
    known: dict[tuple[str, str | None], tuple[Params, tuple[float, ...], tuple[float, float]]] = {}
    for n, node in enumerate(rows):
        if node.item is None:
            if node.role == "link":  # the ideal busbar of a hall without a chain: nobody has said what it carries
                limit[n] = np.nan
            continue
        key = (node.item.device, node.item.breaker)
        if key not in known:
            params = library.get(node.item.device)
            assert isinstance(params, LossLaw | Transformer)
            breaker = library.get(node.item.breaker) if node.item.breaker else None
            known[key] = (params, params.law(factor), limits_w(params, breaker, factor))
        device[n], row, most = known[key]
        law[n] = row[0] * node.units, *row[1:]
        limit[n] = node.units * most[0], node.units * most[1]
    feeds = [feed for node in rows for feed in node.feeds]
    rated, a, b, c = np.ascontiguousarray(law.T)
    normal, emergency = np.ascontiguousarray(limit.T)
    net = Network(
        rated, a, b, c, normal, emergency,
        units=np.array([node.units for node in rows], np.int64),
        feed_ptr=np.cumsum([0, *(len(node.feeds) for node in rows)]).astype(np.int64),
        feed=np.array([feed for feed, _ in feeds], np.int64),
        share=np.array([share for _, share in feeds], np.float64),
    )  # fmt: skip
    return PowerSite(
        net=net,
        name=tuple(node.name for node in rows),
        role=tuple(node.role for node in rows),
        hall=np.array([node.hall for node in rows], np.int64),
        element=np.array([node.element for node in rows], np.int64),
        system=np.array([node.system for node in rows], np.int64),
        device=tuple(device),
        backed=tuple(node.item for node in rows),
        backed_by=tuple(node.backed_by for node in rows),
        racks=[node.racks for node in rows],
        stores=tuple(node.store for node in rows),
        node_of_sec=sec,
        node_of_fac=fac,
    )


__all__ = ["LOADS", "PowerSite", "power_site"]
