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
                        to the other feeds in proportion

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
from twin.site.model import Liquid, Loop
from twin.site.plan import Plan
from twin.site.pumping import cdu_pumps, loop_pumps
from twin.site.rated import rejection_of

UNIT_EXTENSIVE = [
    Sec.W_MAX, Sec.W_MIN, Sec.WP_MAX, Sec.WP_MIN, Sec.UA, Sec.PUMP_0, Sec.PUMP_1, Sec.PUMP_2, Sec.PUMP_3, Sec.RATED,
]  # fmt: skip
REJECTION_EXTENSIVE = [Fac.FAN, Fac.W_CONDENSER, Fac.CONDENSER_PUMP, Fac.ECONOMIZER_W]


@dataclass(frozen=True)
class Bank:
    """Equal units in parallel: what they are, where in the Plan's columns they stand, how many there are."""

    # chillers, economizer, rejection, air, manifold (its CDUs), link (of a hall's chain), element (of the campus),
    # cdu_pumps, loop_pumps
    kind: str
    index: int  # row of fac, sec or element
    count: int


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
        counts = [link.count for link in template.chain.values()] or [1]
        for n, count in enumerate(counts):
            found[plan.labels.element[e + n]] = Bank("link", e + n, count)
        e += len(counts)
    for i in range(e, len(plan.labels.element)):
        id = plan.labels.element[i]
        found[id] = Bank("element", i, site.electrical.elements[id].count)
    return found | _coolant_banks(loaded, plan)


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
    if not 1 <= units <= bank.count:
        raise one(f'"{name}" has {bank.count} units, expected 1 to {bank.count} lost, got {units}')
    left = bank.count - units
    if bank.kind in ("chillers", "economizer", "rejection"):
        return _plant(loaded, plan, name, bank, left)
    if bank.kind == "element" and left == 0:
        return _transferred(plan, name, bank.index)
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
    rows[bank.index, [Elm.RATED, Elm.LIMIT]] *= part
    return replace(plan, arrays=a._replace(element=rows))


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
        if e in dead or left <= 0.0:
            dead.add(e)
        elif gone.any():
            share[own[gone]] = 0.0
            share[own[~gone]] /= left
    return dead, share


def _transferred(plan: Plan, name: str, lost: int) -> Plan:
    """The plan without a campus element: those that it fed take more from their other feeds."""
    a = plan.arrays
    dead, share = fallen(plan, lost)
    if dead & {int(p) for p in a.port}:
        raise one(f'"{name}" has no other feed beside it: what hangs on it is lost with it')
    # What is dead carries nothing and must not lose anything either.
    rows = a.element.copy()
    rows[sorted(dead)] = 0.0
    return replace(plan, arrays=a._replace(feed_share=share, element=rows))


__all__ = ["Bank", "banks", "fallen", "pump_banks", "without"]
