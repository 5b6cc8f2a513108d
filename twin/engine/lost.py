"""A Plan with units of an element lost: what is left carries on, and what it fed goes over to what is left.

Column edits on copies, ``n`` units of which ``k`` are left::

    chillers            CHILLERS = k; none left: the economiser carries on alone
    rejection           the bank of k units from the library; fans, condenser water and its pumps by k/n; the
                        economiser stays the exchanger that it is
    economiser          none left: effectiveness 0, the chillers carry all
    air of a hall       flows, water flows, UA, fan power and rating by k/n: fan curves are of flow per largest flow
    CDUs on a manifold  the same; the racks on it stay on it
    pumps               RUNNING: what those that then run give at full speed (``twin.cooling.pump_curve``)
    element             RATED and LIMIT by k/n; a campus element of which none is left: shares of ``fed_from`` go over
                        to the other feeds in proportion, and halls lose the systems that hang on it alone
    link of systems     a system is lost as a whole; one in reserve takes its place

Names are those of ``twin trace``, pumps are ``<CDU, manifold or loop>/pumps``; those whose loss others make up for are
no question and not among the banks. What is lost as a whole with everything on it (a CDU that stands alone, the only
air handler, a feed without another) leaves no Plan: ``InputError`` says so. Valve positions, water volumes and controls
stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from twin.cooling.pump_curve import PumpBank
from twin.core.columns import Elm, Fac, Sec
from twin.core.errors import did_you_mean, one
from twin.site.load import LoadedSite
from twin.site.model import ChainLink, Liquid, Loop
from twin.site.plan import Plan
from twin.site.pumping import cdu_pumps, loop_pumps
from twin.site.rated import rejection_of
from twin.site.systems import in_service, one_cord

UNIT_EXTENSIVE = [
    Sec.W_MAX, Sec.W_MIN, Sec.WP_MAX, Sec.WP_MIN, Sec.UA, Sec.PUMP_0, Sec.PUMP_1, Sec.PUMP_2, Sec.PUMP_3, Sec.RATED,
]  # fmt: skip
REJECTION_EXTENSIVE = [Fac.FAN, Fac.W_CONDENSER, Fac.CONDENSER_PUMP, Fac.ECONOMIZER_W]


@dataclass(frozen=True)
class Bank:
    """Equal units in parallel: what they are, where in the Plan's columns they stand, how many there are.

    ``each`` are lost together by a single loss: those of one system. ``alone``: its racks have no other system.
    """

    # chillers, economizer, rejection, air, manifold (its CDUs), link (of a hall's chain), element (of the campus),
    # cdu_pumps, loop_pumps
    kind: str
    index: int  # row of fac, sec or element
    count: int
    each: int = 1
    alone: bool = False


def banks(loaded: LoadedSite, plan: Plan) -> dict[str, Bank]:
    """Everything that has units of which some can be lost, by the names of ``twin trace``."""
    found: dict[str, Bank] = {}
    for f, name in enumerate(plan.labels.loop):
        plant = _loop(loaded, name).plant
        found[f"{name}/rejection"] = Bank("rejection", f, plant.rejection.count)
        found[f"{name}/economizer"] = Bank("economizer", f, 1)
        if plant.chillers:
            found[f"{name}/chillers"] = Bank("chillers", f, plant.chillers.count)
    site, e = loaded.site, 0
    for h, name in enumerate(plan.labels.hall):
        building, _, hall = name.partition("/")
        template = site.templates[site.buildings[building].halls[hall].template]
        found[f"{name}/air"] = Bank("air", int(plan.air_sec[h]), template.air.count)
        links: list[ChainLink | None] = [*template.chain.values()] or [None]
        for n, link in enumerate(links):
            found[plan.labels.element[e + n]] = _link(link, e + n, single=one_cord(template))
        e += len(links)
    for i in range(e, len(plan.labels.element)):
        id = plan.labels.element[i]
        if id in site.electrical.elements:  # and not where the feeds of a hall or a plant come together
            found[id] = Bank("element", i, site.electrical.elements[id].count)
    return found | _coolant_banks(loaded, plan)


def _link(link: ChainLink | None, row: int, *, single: bool) -> Bank:
    """A link of a hall's chain, None for the ideal busbar of a hall without one; ``single``: racks with one cord."""
    if link is None or link.systems == 1:
        return Bank("link", row, 1 if link is None else link.count)
    return Bank("link", row, link.count, link.count // link.systems, alone=single and not link.reserve)


def pump_banks(loaded: LoadedSite, plan: Plan) -> dict[str, tuple[str, int, PumpBank]]:
    """What has pumps with a curve, by name: ``sec`` or ``fac``, its row, the pumps."""
    found: dict[str, tuple[str, int, PumpBank]] = {}
    for f, name in enumerate(plan.labels.loop):
        pumps = loop_pumps(_loop(loaded, name), loaded.library)
        if pumps is not None:
            found[name] = ("fac", f, pumps)
    for name, j, liquid in _liquids(loaded, plan):
        pumps = cdu_pumps(liquid, loaded.library)
        if pumps is not None:
            found[name] = ("sec", j, pumps)
    return found


def _liquids(loaded: LoadedSite, plan: Plan) -> Iterator[tuple[str, int, Liquid]]:
    """Coolant loops by name, row and what the site says of them."""
    site = loaded.site
    for name, j in zip(plan.labels.cdu, plan.labels.cdu_sec, strict=True):
        building, hall, _ = name.split("/")
        liquid = site.templates[site.buildings[building].halls[hall].template].liquid
        assert liquid is not None
        yield name, j, liquid


def _coolant_banks(loaded: LoadedSite, plan: Plan) -> dict[str, Bank]:
    found = {name: Bank("manifold", j, of.cdus_each) for name, j, of in _liquids(loaded, plan) if of.cdus_each > 1}
    for name, (table, row, pumps) in pump_banks(loaded, plan).items():
        left = pumps.share(pumps.running(1))
        # With the only pump of a CDU the CDU is lost.
        if left < pumps.share(pumps.running()) and (left > 0.0 or table == "fac"):
            found[f"{name}/pumps"] = Bank("cdu_pumps" if table == "sec" else "loop_pumps", row, pumps.count)
    return found


def without(loaded: LoadedSite, plan: Plan, element: str, units: int = 1) -> Plan:
    """The plan with ``units`` of ``element`` lost; ``plan`` is the lowered ``loaded`` and stays as it is.

    Raises ``InputError`` for an unknown element, for more units than there are, and where nothing would be left of what
    everything on it needs.
    """
    known = banks(loaded, plan)
    name = element if element in known else element.partition(":")[2] or element
    if name in plan.labels.cdu and name not in known:
        raise one(f'"{name}" stands alone: the racks behind it are lost with it')
    if name not in known:
        raise one(f'"{element}" has no units that can be lost{did_you_mean(name, known)}')
    bank = known[name]
    if bank.alone:
        raise one(f'the racks on "{name}" have one cord: those on a system of it are lost with it')
    if not 1 <= units <= bank.count:
        raise one(f'"{name}" has {bank.count} units, expected 1 to {bank.count} lost, got {units}')
    left = bank.count - units
    if bank.kind in ("chillers", "economizer", "rejection"):
        return _plant(loaded, plan, name, bank, left)
    if bank.kind == "element" and left == 0:
        return _transferred(loaded, plan, name, bank.index)
    if left == 0:
        raise one(f'nothing is left of "{name}": what hangs on it is lost with it')
    if bank.kind in ("cdu_pumps", "loop_pumps"):
        return _pumped(loaded, plan, name, units)
    a, part = plan.arrays, left / bank.count
    if bank.kind in ("air", "manifold"):
        sec = a.sec.copy()
        sec[bank.index, UNIT_EXTENSIVE] *= part
        return replace(plan, arrays=a._replace(sec=sec))
    rows = a.element.copy()
    if bank.kind == "link":
        _fewer(rows[bank.index], _links(loaded, plan)[bank.index], units)
    else:
        rows[bank.index, [Elm.RATED, Elm.LIMIT]] *= part
    return replace(plan, arrays=a._replace(element=rows))


def _links(loaded: LoadedSite, plan: Plan) -> dict[int, ChainLink | None]:
    """Links of the halls' chains by their row; None for the ideal busbar of a hall without a chain."""
    found: dict[int, ChainLink | None] = {}
    for h, name in enumerate(plan.labels.hall):
        building, _, hall = name.partition("/")
        site = loaded.site
        chain = list(site.templates[site.buildings[building].halls[hall].template].chain.values())
        first = int(plan.arrays.hall_element[h])
        found |= {first + n: link for n, link in enumerate(chain or [None])}
    return found


def _fewer(row: np.ndarray, link: ChainLink | None, units: int) -> None:
    """Take ``units`` from the row of a link; what is in reserve comes into service, its no-load loss goes on."""
    if link is None:
        return
    carried, left = in_service(link), link.count - units
    now = min(carried, left)
    row[[Elm.RATED, Elm.LIMIT]] *= now / carried
    row[Elm.A] *= (carried / link.count) * (left / now)


def _pumped(loaded: LoadedSite, plan: Plan, name: str, units: int) -> Plan:
    """The plan with ``units`` pumps lost, those that stood by in their place."""
    table, row, pumps = pump_banks(loaded, plan)[name.removesuffix("/pumps")]
    rows = getattr(plan.arrays, table).copy()
    rows[row, Sec.RUNNING if table == "sec" else Fac.RUNNING] = pumps.share(pumps.running(units))
    return replace(plan, arrays=plan.arrays._replace(**{table: rows}))


def _loop(loaded: LoadedSite, name: str) -> Loop:
    building, _, id = name.partition("/")
    return loaded.site.buildings[building].loops[id]


def _plant(loaded: LoadedSite, plan: Plan, name: str, bank: Bank, left: int) -> Plan:
    """The plan with ``left`` units of a part of a plant."""
    a, f = plan.arrays, bank.index
    fac = a.fac.copy()
    if bank.kind == "chillers":
        fac[f, Fac.CHILLERS] = left
    elif bank.kind == "economizer":
        if fac[f, Fac.CHILLERS] == 0.0:
            raise one(f'nothing is left of "{name}", and the loop has no chillers: what hangs on it is lost with it')
        fac[f, [Fac.ECONOMIZER, Fac.ECONOMIZER_UA]] = 0.0
    else:
        if left == 0:
            raise one(f'nothing is left of "{name}": what hangs on it is lost with it')
        fac[f, REJECTION_EXTENSIVE] *= left / bank.count
        rejection = a.rejection.copy()
        device = rejection_of(_loop(loaded, plan.labels.loop[f]).plant.rejection.device, loaded.library)
        rejection[f] = device.rejection_row(left)
        for column, value in device.columns(left).items():
            fac[f, column] = value
        return replace(plan, arrays=a._replace(fac=fac, rejection=rejection))
    return replace(plan, arrays=a._replace(fac=fac))


def fallen(plan: Plan, lost: int) -> tuple[set[int], np.ndarray]:
    """Campus elements that are dead once ``lost`` is, and the shares of the feeds that the others then draw by."""
    a = plan.arrays
    share, dead = a.feed_share.copy(), {lost}
    # Children stand before parents: from the last on, every feed of an element is decided before the element.
    for e in range(len(a.element) - 1, plan.hall_elements - 1, -1):
        own = np.arange(a.feed_ptr[e], a.feed_ptr[e + 1])
        gone = np.isin(a.feed[own], list(dead))
        left = float(share[own[~gone]].sum())
        if e in dead or gone.all():
            dead.add(e)
        elif left <= 0.0:  # what stands by takes over
            share[own] = 0.0
            share[own[~gone][0]] = 1.0
        elif gone.any():
            share[own[gone]] = 0.0
            share[own[~gone]] /= left
    return dead, share


def _transferred(loaded: LoadedSite, plan: Plan, name: str, lost: int) -> Plan:
    """The plan without a campus element: those that it fed take more from their other feeds."""
    a = plan.arrays
    dead, share = fallen(plan, lost)
    if dead & {int(p) for p in a.port}:
        raise one(f'"{name}" has no other feed beside it: what hangs on it is lost with it')
    # What is dead carries nothing and must not lose anything either.
    rows = a.element.copy()
    rows[sorted(dead)] = 0.0
    gone = {plan.labels.element[e] for e in dead}
    links = _links(loaded, plan)
    for h, hall in enumerate(plan.labels.hall):
        building, _, id = hall.partition("/")
        about = loaded.site.buildings[building].halls[id]
        feeds, single = about.fed_from, one_cord(loaded.site.templates[about.template])
        without_feed = 0 if isinstance(feeds, str) else sum(feeder in gone for feeder in feeds.values())
        for e in range(int(a.hall_element[h]), int(a.hall_element[h + 1])):
            link = links[e]
            # With one cord what stands below the switch to the reserve stays as it is.
            if without_feed and link is not None and link.systems > 1 and (link.reserve or not single):
                _fewer(rows[e], link, min(without_feed, link.systems - 1) * (link.count // link.systems))
    return replace(plan, arrays=a._replace(feed_share=share, element=rows))


__all__ = ["Bank", "banks", "fallen", "pump_banks", "without"]
