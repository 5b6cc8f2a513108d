"""Site -> Plan: the tree that people write becomes columns that kernels read.

One pass over buildings and halls appends rows; CSR offsets close each of them. Campus elements are sorted so that
children stand before parents.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from twin.cooling.chiller import Chiller
from twin.cooling.economizer import Economizer
from twin.cooling.rejection import rejection_kinds
from twin.core.columns import Elm, Fac, Group
from twin.core.coolant import capacity_rate, density, heat_capacity
from twin.core.errors import one
from twin.core.units import KPA, KW, M3H, MW
from twin.racks.rack import Rack
from twin.site.islands import islands
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.lower_fleet import Drawing, drawings, lower_fleet, pool_of
from twin.site.lower_hall import (
    HALF_RISE_K,
    SINKS,
    Run,
    ZonedAir,
    air_row,
    cdu_row,
    coolant_loop_name,
    element_row,
    group_row,
    hall_class,
    hall_kind,
    rack_runs,
    serve,
)
from twin.site.model import Building, Hall, Loop, Site, Template
from twin.site.plan import POOL, Arrays, Labels, Plan
from twin.site.pumping import FIXED_HEAD, loop_pumps
from twin.site.rated import rejection_of
from twin.site.systems import hall_feeds, plant_feeds
from twin.site.zones import Zones, zones_of

LOOP_MIN_SHARE = 0.05
RESETS = {"dry_bulb": 1.0, "wet_bulb": 2.0}


class _Columns:
    """Rows while they are collected."""

    def __init__(self) -> None:
        self.group: list[list[float]] = []
        self.group_rack = [0]
        self.group_liquid: list[int] = []
        self.group_air: list[int] = []
        self.group_curve: list[int] = []
        self.hall_group, self.hall_sec, self.hall_element = [0], [0], [0]
        self.hall_mechanical: list[int] = []
        self.hall_feed: list[dict[str, float]] = []
        self.hall_start: list[int] = []
        self.hall_loops: list[set[int]] = []
        self.sec: list[list[float]] = []
        self.sec_fac: list[int] = []
        self.sec_hall: list[int] = []
        self.zones: list[float] = []
        self.zones_of: dict[str, Zones | None] = {}  # by template
        self.fac: list[list[float]] = []
        self.rejection: list[list[float]] = []
        self.fac_feed: list[dict[str, float]] = []
        self.element: list[list[float]] = []
        self.element_sink: list[int] = []
        self.labels = Labels([], [], [], [], [], [], [], [], [], [], [], [], [])
        self.pools: dict[tuple[str, str], str] = {}
        self.drawings: dict[str, Drawing] = {}


def lower(loaded: LoadedSite, like: Plan | None = None) -> Plan:
    """Lower a validated site. Raises ``InputError`` where the physics of a component cannot be met.

    ``like`` is a plan of the same site with other figures: its TTFT tables are taken over. They have no scale and hang
    on the shape of the prefill times alone, which figures change little; building them costs seconds.
    """
    site, library = loaded.site, loaded.library
    columns = _Columns()
    columns.pools, columns.drawings = pool_of(site, library), drawings(site, library)
    for id, template in site.templates.items():
        file = loaded.paths.get(f"templates.{id}.air.cross_interference")
        columns.zones_of[id] = zones_of(template, library, file)
    for building_id, building in site.buildings.items():
        loops = {}
        for loop_id, loop in building.loops.items():
            loops[loop_id] = len(columns.fac)
            _add_loop(columns, f"{building_id}/{loop_id}", loop, library)
        for hall_id, hall in building.halls.items():
            _add_hall(columns, site, library, building_id, building, hall_id, hall, loops)
    hall_elements = len(columns.element)
    joints = _joints(columns)
    order = [*joints, *_campus_order(site)]
    for element_id in order[len(joints) :]:
        element = site.electrical.elements[element_id]
        columns.element.append(element_row(library, element, site.electrical.power_factor))
        columns.element_sink.append(int(SINKS[element.losses_to]))
        columns.labels.element.append(element_id)
    return Plan(
        name=site.name,
        digest=loaded.digest,
        arrays=_arrays(columns, site, order, joints, hall_elements),
        labels=columns.labels,
        hall_start_s=np.array(columns.hall_start, np.int64),
        tranche_start_s=np.array([local_midnight(t.start, site.utc_offset_h) for t in site.contract.tranches]),
        tranche_w=np.array([t.mw * MW for t in site.contract.tranches]),
        utc_offset_s=round(site.utc_offset_h * 3600),
        power_factor=site.electrical.power_factor,
        fleet=lower_fleet(site, library, columns.labels.hall, like.fleet if like else None),
    )


def local_midnight(day: str, utc_offset_h: float) -> int:
    """Seconds since 1970 UTC of a local standard midnight."""
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() - utc_offset_h * 3600)


def _add_hall(
    c: _Columns,
    site: Site,
    library: Library,
    building_id: str,
    building: Building,
    hall_id: str,
    hall: Hall,
    loops: dict[str, int],
) -> None:
    template, zones = site.templates[hall.template], c.zones_of[hall.template]
    runs = rack_runs(template, library, zones.of_row if zones else None)
    load = site.loads[hall.load]
    h, name = len(c.hall_start), f"{building_id}/{hall_id}"
    cdus = template.liquid.coolant_loops if template.liquid else 0
    first_sec = len(c.sec)
    coolant_c = template.coolant_c + HALF_RISE_K
    made_for = hall_class(template, library)
    groups = [group_row(run, library, load, coolant_c, made_for) for run in runs]
    for run, row in zip(runs, groups, strict=True):
        if template.liquid and run.cdu >= 0:
            row[Group.TO_ROOM] = template.liquid.rack_to_room_w_k
        if (name, run.rack_id) in c.pools:
            rack = library.get(run.rack_id, Rack)
            drawing = c.drawings[c.pools[name, run.rack_id]]
            serve(row, drawing.idle_w * rack.systems, drawing.wander)
        c.group.append(row)
        c.group_rack.append(c.group_rack[-1] + len(run.rows))
        c.group_liquid.append(first_sec + run.cdu if run.cdu >= 0 else -1)
        c.group_air.append(first_sec + cdus)
        c.group_curve.append(_curve(c, hall.load, load.csv is not None, name, run.rack_id))
        c.labels.group_kind.append(run.rack_id)
        c.labels.group_zone.append(zones.names[run.zone] if zones else "")
        c.labels.rack_row.extend(run.rows)
    behind, zoned = runs_by_cdu(runs, groups, cdus), _zoned(c, name, zones, groups) if zones else None
    _add_secondary(c, template, library, building, name, behind, runs, groups, loops, h, zoned)
    c.hall_group.append(len(c.group))
    c.hall_start.append(local_midnight(hall.energised_on, site.utc_offset_h))
    c.hall_feed.append(hall_feeds(hall, template))
    _add_chain(c, template, library, name, site.electrical.power_factor)
    c.labels.hall.append(name)
    c.labels.hall_building.append(building_id)
    c.labels.hall_kind.append(hall_kind(runs))
    c.labels.hall_class.append(made_for.name if made_for else "")


def runs_by_cdu(runs: list, groups: list[list[float]], cdus: int) -> list[list[list[float]]]:  # type: ignore[type-arg]
    """Group rows behind each CDU."""
    behind: list[list[list[float]]] = [[] for _ in range(cdus)]
    for run, row in zip(runs, groups, strict=True):
        if run.cdu >= 0:
            behind[run.cdu].append(row)
    return behind


def _zoned(c: _Columns, name: str, zones: Zones, groups: list[list[float]]) -> ZonedAir:
    """Add the matrix of a hall's zones at their air flows."""
    flow = np.zeros(len(zones.names))
    for row in groups:
        flow[int(row[Group.ZONE])] += row[Group.COUNT] * row[Group.W_AIR]
    first = len(c.zones)
    try:
        rho, matrix = zones.lowered(flow.tolist())
    except ValueError as error:
        raise one(f"zones {', '.join(zones.names)}: {error}", path=f"{name}.air") from None
    c.zones += matrix.ravel().tolist()
    return ZonedAir(len(zones.names), first, rho, zones.bypass)


def _curve(c: _Columns, load: str, csv: bool, hall: str, rack: str) -> int:
    """Column of a utilisation curve; a CSV may hold one per hall and rack kind."""
    pool = c.pools.get((hall, rack))
    key = f"{POOL}{pool}|{rack}" if pool else f"{load}|{hall}|{rack}" if csv else load
    if key not in c.labels.curve:
        c.labels.curve.append(key)
    return c.labels.curve.index(key)


def _add_secondary(
    c: _Columns,
    template: Template,
    library: Library,
    building: Building,
    name: str,
    behind: list[list[list[float]]],
    runs: list[Run],
    groups: list[list[float]],
    loops: dict[str, int],
    h: int,
    zoned: ZonedAir | None,
) -> None:
    if template.liquid:
        loop = building.loops[template.liquid.loop]
        for k, rows in enumerate(behind):
            label = coolant_loop_name(name, template.liquid, k)
            c.labels.cdu.append(label)
            c.labels.cdu_sec.append(len(c.sec))
            c.labels.sec.append(label)
            c.sec.append(cdu_row(label, template, library, loop, rows))
            c.sec_fac.append(loops[template.liquid.loop])
            c.sec_hall.append(h)
    c.labels.sec.append(f"{name}/air")
    c.sec.append(air_row(name, template, library, building.loops[template.air.loop], runs, groups, zoned))
    c.sec_fac.append(loops[template.air.loop])
    c.sec_hall.append(h)
    c.hall_sec.append(len(c.sec))
    c.hall_loops.append({loops[template.air.loop]} | ({loops[template.liquid.loop]} if template.liquid else set()))


def _add_chain(c: _Columns, template: Template, library: Library, name: str, power_factor: float) -> None:
    first = len(c.element)
    joins = len(template.chain) - 1
    for i, (link_id, link) in enumerate(template.chain.items()):
        if link.mechanical:
            joins = i
        c.element.append(element_row(library, link, power_factor))
        c.element_sink.append(int(SINKS[link.losses_to]))
        c.labels.element.append(f"{name}/{link_id}")
    if not template.chain:
        # A hall without a chain still has a top: an ideal busbar.
        c.element.append([0.0] * 5)
        c.element_sink.append(0)
        c.labels.element.append(f"{name}/bus")
        joins = 0
    c.hall_mechanical.append(first + joins)
    c.hall_element.append(len(c.element))


def _add_loop(c: _Columns, name: str, loop: Loop, library: Library) -> None:
    t_ref = loop.supply_c + HALF_RISE_K
    rho_cp = capacity_rate(loop.coolant, t_ref, 1.0)
    plant = loop.plant
    bank = rejection_of(plant.rejection.device, library)
    w_max = rho_cp * loop.flow_max_m3_h * M3H
    head = loop.flow_max_m3_h * M3H * loop.head_kpa * KPA / loop.pump_efficiency
    direct = plant.chillers is None and not bank.WET
    w_condenser = 0.0 if direct else bank.design_water_w_k() * plant.rejection.count
    cp = heat_capacity(loop.coolant, t_ref)
    pumps = loop_pumps(loop, library)
    condenser_flow = w_condenser / (density("water", 25.0) * heat_capacity("water", 25.0))
    values = {
        Fac.W_MAX: w_max,
        Fac.W_MIN: w_max * LOOP_MIN_SHARE,
        Fac.C_RETURN: 0.5 * rho_cp * loop.volume_m3,
        Fac.C_SUPPLY: 0.5 * rho_cp * loop.volume_m3,
        Fac.C_PIPE_RETURN: rho_cp * loop.pipe_m3(),
        Fac.C_PIPE_SUPPLY: rho_cp * (loop.pipe_m3() + loop.store_m3),
        Fac.TO_OUTDOORS: loop.to_outdoors_w_k,
        Fac.BASIN_TO_OUTDOORS: plant.basin_to_outdoors_w_k,
        Fac.PUMP_1: head * FIXED_HEAD,
        Fac.PUMP_3: head * (1 - FIXED_HEAD),
        Fac.SET: loop.supply_c,
        Fac.RESET_ON: RESETS[loop.reset.on] if loop.reset else 0.0,
        Fac.RESET_APPROACH: loop.reset.approach_k if loop.reset else 0.0,
        Fac.SET_MAX: max(loop.supply_c, loop.reset.max_c) if loop.reset else loop.supply_c,
        Fac.W_CONDENSER: w_condenser,
        Fac.CONDENSER_PUMP: condenser_flow * plant.condenser_head_kpa * KPA / loop.pump_efficiency,
        Fac.C_BASIN: rho_cp * plant.condenser_volume_m3,
        Fac.FAN: bank.fan_kw.value * KW * plant.rejection.count,
        Fac.FAN_MIN: bank.minimum_fan.value,
        Fac.REJECTION: float(list(rejection_kinds()).index(bank.KIND)),
        Fac.CP: cp,
        Fac.RUNNING: pumps.share(pumps.running()) if pumps else 1.0,
    } | bank.columns(plant.rejection.count)
    if plant.chillers:
        chiller = library.get(plant.chillers.device, Chiller)
        values |= chiller.columns() | {Fac.CHILLERS: float(plant.chillers.count)}
    try:
        values |= library.get(plant.economizer, Economizer).columns(w_max, w_condenser)
    except ValueError as error:
        raise one(str(error), path=f"{name}.plant.economizer") from None
    row = [0.0] * len(Fac)
    for column, value in values.items():
        row[column] = value
    c.fac.append(row)
    try:
        c.rejection.append(bank.rejection_row(plant.rejection.count))
    except ValueError as error:
        raise one(str(error), path=f"{name}.plant.rejection") from None
    c.fac_feed.append(plant_feeds(plant))
    c.labels.loop.append(name)


def feeds(fed_from: str | dict[str, float]) -> dict[str, float]:
    """Feeds of an element by upstream id with their shares."""
    return {fed_from: 1.0} if isinstance(fed_from, str) else dict(fed_from)


def _joints(c: _Columns) -> dict[str, dict[str, float]]:
    """Where several feeds of a hall or of a plant come together (or the grid itself): ideal elements, by name.

    Each feed is drawn on by its share of a balanced hall, so that the loop over the year needs no systems.
    """
    ports = [*zip(c.labels.hall, c.hall_feed, strict=True), *zip(c.labels.loop, c.fac_feed, strict=True)]
    found = {f"{name}/feeds": shares for name, shares in ports if len(shares) > 1 or "grid" in shares}
    for name in found:
        c.element.append([0.0] * len(Elm))
        c.element_sink.append(int(SINKS["outdoors"]))
        c.labels.element.append(name)
    return found


def _campus_order(site: Site) -> list[str]:
    """Campus elements, children before parents (the loader has ruled out cycles)."""
    children: dict[str, int] = dict.fromkeys(site.electrical.elements, 0)
    for element in site.electrical.elements.values():
        for parent in feeds(element.fed_from):
            if parent != "grid":
                children[parent] += 1
    ready = [name for name, n in children.items() if n == 0]
    order: list[str] = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for parent in feeds(site.electrical.elements[name].fed_from):
            if parent != "grid":
                children[parent] -= 1
                if children[parent] == 0:
                    ready.append(parent)
    return order


def _arrays(
    c: _Columns, site: Site, order: list[str], joints: dict[str, dict[str, float]], hall_elements: int
) -> Arrays:
    found = islands(c.hall_loops, len(c.fac))
    index = {name: hall_elements + i for i, name in enumerate(order)}
    ports = [*zip(c.labels.hall, c.hall_feed, strict=True), *zip(c.labels.loop, c.fac_feed, strict=True)]
    port = [index.get(f"{name}/feeds") or index[next(iter(shares))] for name, shares in ports]
    feed_ptr, feed, share = [0] * (hall_elements + 1), [], []
    for name in order:
        above = joints[name] if name in joints else feeds(site.electrical.elements[name].fed_from)
        for parent, part in above.items():
            feed.append(-1 if parent == "grid" else index[parent])
            share.append(part)
        feed_ptr.append(len(feed))

    def ints(values: list[int]) -> np.ndarray:
        return np.array(values, np.int64)

    def ptr(parts: list[list[int]]) -> np.ndarray:
        return np.cumsum([0] + [len(p) for p in parts]).astype(np.int64)

    def flat(parts: list[list[int]]) -> np.ndarray:
        return ints([i for part in parts for i in part])

    halls, facs = [h for h, _ in found], [f for _, f in found]
    return Arrays(
        group=np.array(c.group, np.float64), group_rack=ints(c.group_rack), group_liquid=ints(c.group_liquid),
        group_air=ints(c.group_air), group_curve=ints(c.group_curve), hall_group=ints(c.hall_group),
        hall_sec=ints(c.hall_sec), hall_element=ints(c.hall_element), hall_mechanical=ints(c.hall_mechanical),
        sec=np.array(c.sec, np.float64), sec_fac=ints(c.sec_fac), sec_hall=ints(c.sec_hall),
        zones=np.array(c.zones, np.float64),
        fac=np.array(c.fac, np.float64), rejection=np.array(c.rejection, np.float64),
        element=np.array(c.element, np.float64), element_sink=ints(c.element_sink),
        feed_ptr=ints(feed_ptr), feed=ints(feed), feed_share=np.array(share, np.float64),
        port=ints(port),
        island_ptr=ptr(halls), island_hall=flat(halls), island_fac_ptr=ptr(facs), island_fac=flat(facs),
    )  # fmt: skip
