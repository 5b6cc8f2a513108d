"""Lower a hall: racks into groups, CDUs and air handling into secondary loops, the chain into elements.

Liquid-cooled racks stand in the order of the rows and are divided evenly over the CDUs, or over the manifolds that
several CDUs share; a *group* is a run of equal racks on one of them. Capacity rates use the coolant's properties at its
supply temperature plus half of a 10 K rise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import hypot, inf, isnan, pi
from typing import NamedTuple

from twin.cooling.cdu import Cdu
from twin.cooling.crah import FAN_CURVE, Crah
from twin.cooling.exchanger import AIR_EXPONENT, WATER_EXPONENT, ua_for_approach
from twin.core.ashrae import AIR, AirClass, strictest
from twin.core.columns import Elm, Group, Sec, Sink
from twin.core.coolant import capacity_rate, heat_capacity
from twin.core.errors import one
from twin.core.params import Figure
from twin.core.units import KJ, KPA, KW, LPM
from twin.power.loss import LossLaw
from twin.power.transformer import Transformer
from twin.racks.rack import Rack
from twin.site.library import Library
from twin.site.model import Building, ChainLink, Element, Hall, Liquid, LoadCurve, Loop, Template
from twin.site.pumping import cdu_pumps
from twin.site.rated import stage_laws
from twin.site.ratings import limits_w
from twin.site.systems import in_service

AIR_J_M3K = 1206.0
AIR_CP = 1006.0
HALF_RISE_K = 5.0
PRIMARY_MIN_SHARE = 0.05
# Cold aisles and plenum hold about a fifth of the room's air (estimate).
SUPPLY_AIR_SHARE = 0.2
# Replicas share one queue and differ little: 1 % lasting, 1 % wander (estimate; facts: 0.4 % at 1 s while decoding).
SERVING_SPREAD, SERVING_NOISE = 0.01, 0.01
SINKS = {"outdoors": Sink.OUTDOORS, "electrical_room": Sink.ELECTRICAL_ROOM, "hall": Sink.HALL}


@dataclass
class Run:
    """A run of equal racks on one CDU (``cdu`` -1: air-cooled) and in one zone of the hall's air."""

    rack_id: str
    rack: Rack
    cdu: int
    rows: list[str] = field(default_factory=list)
    zone: int = 0


class ZonedAir(NamedTuple):
    """Zones of a hall: their number, where their matrix begins in the Plan, and what they make of the hall's air."""

    zones: int
    first: int
    rho: float
    bypass: float


def rack_runs(template: Template, library: Library, zone_of: Mapping[str, int] | None = None) -> list[Run]:
    """The racks of a hall as runs, in the order of the rows; ``zone_of`` has the zone of each row."""
    flat: list[tuple[str, Rack, str]] = []
    for row_id, row in template.rows.items():
        for n in range(row.count):
            for group in row.groups:
                rack = library.get(group.rack, Rack)
                flat += [(group.rack, rack, f"{row_id}-{n + 1}")] * group.count
    liquid = sum(rack.liquid_share.value > 0 for _, rack, _ in flat)
    cdus = template.liquid.coolant_loops if template.liquid else 0
    runs: list[Run] = []
    seen = 0
    for rack_id, rack, row_name in flat:
        cdu = -1
        if rack.liquid_share.value > 0:
            cdu = seen * cdus // liquid
            seen += 1
        zone = zone_of[row_name] if zone_of else 0
        if not runs or (runs[-1].rack_id, runs[-1].cdu, runs[-1].zone) != (rack_id, cdu, zone):
            runs.append(Run(rack_id, rack, cdu, zone=zone))
        runs[-1].rows.append(row_name)
    return sorted(runs, key=lambda run: run.cdu)


def power_polynomial(rack: Rack, library: Library) -> tuple[float, float, float]:
    """AC power of a rack as ``p0 + p1 u + p2 u^2`` in W, its conversion stages composed (at most one square law)."""
    p0 = rack.idle_power_kw.value * KW
    p1 = rack.rated_power_kw.value * KW - p0
    p2 = 0.0
    for stage in stage_laws(rack, library):
        rated, a, b = stage.rated_kw * KW, stage.a, stage.b
        q = stage.c / rated
        p0, p1, p2 = (
            rated * a + (1 + b) * p0 + q * p0 * p0,
            (1 + b) * p1 + 2 * q * p0 * p1,
            (1 + b) * p2 + q * p1 * p1,
        )
        p0 += stage.added_kw * KW
    return p0, p1, p2


def hall_class(template: Template, library: Library) -> AirClass | None:
    """The ASHRAE air class of a hall: its own, else the strictest of its racks; None where neither names one."""
    if template.air.ashrae_class is not None:
        return AIR[template.air.ashrae_class]
    racks = [library.get(group.rack, Rack) for row in template.rows.values() for group in row.groups]
    return strictest([rack.ashrae_class for rack in racks if rack.ashrae_class is not None])


def group_row(
    run: Run, library: Library, load: LoadCurve, coolant_c: float, made_for: AirClass | None = None
) -> list[float]:
    """Coefficient row of a run; ``made_for`` is the air class of the hall, whose inlets are held to both."""
    rack = run.rack
    liquid, body = rack.liquid_share.value, rack.body_share.value
    p0, p1, p2 = power_polynomial(rack, library)
    row = [0.0] * len(Group)
    values = {
        Group.LIQUID_SHARE: liquid,
        Group.BODY_SHARE: body,
        Group.AIR_SHARE: max(0.0, 1.0 - liquid - body),
        Group.C_PLATE: rack.plate_capacity_kj_k.value * KJ,
        Group.C_BODY: rack.body_capacity_kj_k.value * KJ,
        Group.G_BODY_PLATE: rack.body_to_plate_kw_k.value * KW,
        Group.G_BODY_AIR: rack.body_to_air_kw_k.value * KW,
        Group.P0: p0,
        Group.P1: p1,
        Group.P2: p2,
        Group.UA: rack.plate_conductance_kw_k.value * KW,
        Group.W_COOLANT: capacity_rate(rack.coolant, coolant_c, rack.liquid_flow_lpm.value * LPM),
        Group.COUNT: len(run.rows),
        Group.RATED: p0 + p1 + p2,
        Group.IDLE: p0,
        Group.LIQUID_MAX: rack.liquid_inlet_max_c.value,
        Group.AIR_MAX: min(rack.air_inlet_max_c.value, made_for.allowable.dry_high if made_for else inf),
        Group.SPREAD: load.rack_spread,
        Group.NOISE: load.rack_noise,
        Group.MAIN_NODE: 1.0 if liquid > 0 else 0.0,
        Group.THROTTLE: _figure(rack.throttle_c, inf),
        Group.JUNCTION: _figure(rack.junction_rise_k, 0.0),
        Group.FLOOR: p0,
        Group.TRIP_DELAY: -1.0,
        Group.FLOW_EXPONENT: _figure(rack.plate_flow_exponent, 0.0),
        Group.W_AIR: (1.0 - liquid) * (p0 + p1 + p2) / rack.air_rise_k.value,
        Group.ZONE: run.zone,
    }
    for column, value in values.items():
        row[column] = value
    return row


def _figure(figure: Figure | None, without: float) -> float:
    return without if figure is None else figure.value


def interlocks(rack: Rack) -> dict[Group, float]:
    """Columns of a rack whose interlocks act. Without them, as a Plan is lowered, a run tells what is beyond its limits
    and goes on: a rack that trips for good would hide all that follows."""
    return {
        Group.TRIP: _figure(rack.trip_c, inf),
        Group.FLOW_TRIP: _figure(rack.low_flow_trip_share, -1.0),
        Group.LIQUID_TRIP: _figure(rack.liquid_inlet_trip_c, inf),
        Group.AIR_TRIP: _figure(rack.air_inlet_trip_c, inf),
        Group.TRIP_DELAY: _figure(rack.trip_delay_s, 0.0),
    }


def serve(row: list[float], idle_w: float, wander: float) -> None:
    """Let a run follow its pool: the curve is then its power per rated power; ``idle_w`` is a rack's without work.

    ``wander`` is the residual of its draw over the time between two knots of the noise (SD per power): what is faster
    averages out over the racks of a pool, 7 % at 1 s of a thousand independent servers is 0.2 % of their sum.
    """
    row[Group.P0], row[Group.P1], row[Group.P2] = 0.0, row[Group.RATED], 0.0
    row[Group.FLOOR], row[Group.SERVED] = idle_w, 1.0
    row[Group.SPREAD], row[Group.NOISE] = SERVING_SPREAD, hypot(SERVING_NOISE, wander)


def coolant_loop_name(hall: str, liquid: Liquid, k: int) -> str:
    """Name of coolant loop ``k`` of a hall: of its CDU, or of the manifold that several share."""
    return f"{hall}/{'manifold' if liquid.manifolds else 'cdu'}-{k + 1:02d}"


def manifold_volume(liquid: Liquid, cdu: Cdu) -> float:
    """Coolant in the supply and the return of a loop, m3: of its pipe where the site gives it, else per rated kW."""
    if liquid.manifold_length_m is None or liquid.manifold_diameter_mm is None:
        return cdu.loop_volume_l_kw.value * cdu.rated_kw.value * 1e-3 * liquid.cdus_each
    return 2.0 * liquid.manifold_length_m * pi / 4.0 * (1e-3 * liquid.manifold_diameter_mm) ** 2


def cdu_row(path: str, template: Template, library: Library, loop: Loop, groups: list[list[float]]) -> list[float]:
    """Coefficient row of one CDU, or of those on one manifold together, that serves ``groups``."""
    assert template.liquid is not None
    spec = template.liquid
    n = spec.cdus_each
    cdu = library.get(spec.cdu, Cdu)
    racks = [library.get(g.rack, Rack) for row in template.rows.values() for g in row.groups]
    coolant = next(rack.coolant for rack in racks if rack.liquid_share.value > 0)
    t_ref = template.coolant_c + HALF_RISE_K
    w_max = capacity_rate(coolant, t_ref, cdu.secondary_flow_lpm.value * LPM) * n
    wp_max = capacity_rate(loop.coolant, loop.supply_c + HALF_RISE_K, cdu.primary_flow_lpm.value * LPM) * n
    head = cdu.secondary_flow_lpm.value * LPM * cdu.external_head_kpa.value * KPA / cdu.pump_efficiency.value * n
    volume = manifold_volume(spec, cdu)
    pumps = cdu_pumps(spec, library)
    heat = sum(g[Group.COUNT] * g[Group.LIQUID_SHARE] * g[Group.RATED] for g in groups)
    flow = sum(g[Group.COUNT] * g[Group.W_COOLANT] for g in groups)
    row = [0.0] * len(Sec)
    values = {
        Sec.W_MAX: w_max,
        Sec.W_MIN: w_max * cdu.minimum_flow_share.value,
        Sec.WP_MAX: wp_max,
        Sec.WP_MIN: wp_max * PRIMARY_MIN_SHARE,
        Sec.UA: _ua(path, cdu.rated_kw.value * KW * n, w_max, wp_max, cdu.approach_k.value),
        Sec.N_SECONDARY: WATER_EXPONENT,
        Sec.N_PRIMARY: WATER_EXPONENT,
        Sec.C_RETURN: 0.5 * capacity_rate(coolant, t_ref, volume),
        Sec.C_SUPPLY: 0.5 * capacity_rate(coolant, t_ref, volume),
        Sec.TO_ROOM: spec.coolant_to_room_w_k,
        Sec.PUMP_1: head * cdu.fixed_head_share.value,
        Sec.PUMP_3: head * (1.0 - cdu.fixed_head_share.value),
        Sec.RATED: cdu.rated_kw.value * KW * n,
        Sec.LAG: cdu.flow_lag_s.value,
        Sec.SET: template.coolant_c,
        Sec.SET_MAX: spec.supply_max_c,
        Sec.APPROACH: cdu.approach_k.value,
        Sec.W_PER_HEAT: flow / heat if heat > 0 else 0.0,
        Sec.WP_PER_HEAT: 1.0 / loop.design_rise_k,
        Sec.RATED_HEAT: heat,
        Sec.INLET_MAX: min((g[Group.LIQUID_MAX] for g in groups), default=99.0),
        Sec.W_GROUPS: max(flow, 1e-9),
        Sec.CP: heat_capacity(coolant, t_ref),
        Sec.CP_PRIMARY: heat_capacity(loop.coolant, loop.supply_c + HALF_RISE_K),
        Sec.RUNNING: pumps.share(pumps.running()) if pumps else 1.0,
        Sec.OPEN: 1.0,
    }
    for column, value in values.items():
        row[column] = value
    return row


def air_row(
    path: str, template: Template, library: Library, loop: Loop, runs: list[Run], groups: list[list[float]],
    zoned: ZonedAir | None = None,
) -> list[float]:  # fmt: skip
    """Coefficient row of a hall's air: all its CRAHs on one volume. ``W_*`` are of the air through the racks."""
    spec = template.air
    crah = library.get(spec.crah, Crah)
    n = spec.count
    rho, bypass = (zoned.rho, zoned.bypass) if zoned else (spec.recirculation, spec.bypass)
    wx_max = AIR_J_M3K * crah.airflow_m3_s.value * n
    w_max = wx_max * (1.0 - bypass) / (1.0 - rho)
    wp_max = capacity_rate(loop.coolant, loop.supply_c + HALF_RISE_K, crah.water_flow_lpm.value * LPM) * n
    it_kw = sum(g[Group.COUNT] * g[Group.RATED] for g in groups) / KW
    air = spec.volume_m3_kw * it_kw * AIR_J_M3K
    heat = sum(g[Group.COUNT] * (1 - g[Group.LIQUID_SHARE]) * g[Group.RATED] for g in groups)
    flow = sum(
        g[Group.COUNT] * (1 - g[Group.LIQUID_SHARE]) * g[Group.RATED] / run.rack.air_rise_k.value
        for g, run in zip(groups, runs, strict=True)
    )
    row = [0.0] * len(Sec)
    values = {
        Sec.W_MAX: w_max,
        Sec.W_MIN: w_max * crah.minimum_speed.value,
        Sec.WP_MAX: wp_max,
        Sec.WP_MIN: wp_max * PRIMARY_MIN_SHARE,
        Sec.UA: _ua(path, crah.rated_kw.value * KW * n, wx_max, wp_max, crah.approach_k.value),
        Sec.N_SECONDARY: AIR_EXPONENT,
        Sec.N_PRIMARY: WATER_EXPONENT,
        Sec.C_RETURN: (1 - SUPPLY_AIR_SHARE) * air + spec.mass_kj_k_kw * it_kw * KJ,
        Sec.C_SUPPLY: SUPPLY_AIR_SHARE * air,
        Sec.TO_ROOM: _to_room(template.liquid, groups),
        Sec.TO_OUTDOORS: spec.to_outdoors_w_k_kw * it_kw,
        Sec.RECIRCULATION: rho,
        Sec.BYPASS: bypass,
        Sec.ZONES: float(zoned.zones) if zoned else 0.0,
        Sec.FIRST_ZONE: float(zoned.first) if zoned else 0.0,
        Sec.ZONE_LAG: spec.zone_lag_s,
        Sec.RATED: crah.rated_kw.value * KW * n,
        Sec.LAG: crah.flow_lag_s.value,
        Sec.SET: spec.supply_c,
        Sec.SET_MAX: spec.supply_c,
        Sec.APPROACH: crah.approach_k.value,
        Sec.W_PER_HEAT: flow / heat if heat > 0 else 0.0,
        Sec.WP_PER_HEAT: 1.0 / loop.design_rise_k,
        Sec.RATED_HEAT: heat,
        Sec.INLET_MAX: min((g[Group.AIR_MAX] for g in groups), default=99.0),
        Sec.W_GROUPS: max(flow, 1e-9),
        Sec.CP: AIR_CP,
        Sec.CP_PRIMARY: heat_capacity(loop.coolant, loop.supply_c + HALF_RISE_K),
        Sec.RUNNING: 1.0,
        Sec.OPEN: 1.0,
    }
    for i, c in enumerate(FAN_CURVE):
        values[Sec(Sec.PUMP_0 + i)] = c * crah.fan_kw.value * KW * n
    for column, value in values.items():
        row[column] = value
    return row


def _to_room(liquid: Liquid | None, groups: list[list[float]]) -> float:
    """What the coolant and the liquid-cooled racks of a hall give to its air together, W/K."""
    if liquid is None:
        return 0.0
    racks = sum(g[Group.COUNT] * g[Group.TO_ROOM] for g in groups)
    return liquid.coolant_loops * liquid.coolant_to_room_w_k + racks


def _ua(path: str, duty: float, hot: float, cold: float, approach: float) -> float:
    try:
        return ua_for_approach(duty, hot, cold, approach)
    except ValueError as error:
        raise one(str(error), path=path) from None


def element_row(library: Library, item: Element | ChainLink, power_factor: float) -> list[float]:
    """Coefficient row of an element: equal units in parallel, ratings of those in service summed."""
    device = library.get(item.device)
    assert isinstance(device, LossLaw | Transformer)
    rated, a, b, c = device.law(power_factor)
    row = [0.0] * len(Elm)
    # What stands by loses its no-load loss and carries nothing: that of all units, spread over those in service.
    units = in_service(item) if isinstance(item, ChainLink) else item.count
    row[Elm.RATED], row[Elm.A], row[Elm.B], row[Elm.C] = rated * units, a * (item.count / units), b, c
    normal, _ = limits_w(device, library.get(item.breaker) if item.breaker else None, power_factor)
    row[Elm.LIMIT] = 0.0 if isnan(normal) else normal * units
    return row


def hall_kind(runs: list[Run]) -> str:
    """Rack kinds of a hall, for labels."""
    return "+".join(dict.fromkeys(run.rack_id for run in runs))


__all__ = [
    "SINKS",
    "Building",
    "Hall",
    "Run",
    "ZonedAir",
    "air_row",
    "cdu_row",
    "coolant_loop_name",
    "element_row",
    "group_row",
    "hall_class",
    "hall_kind",
    "rack_runs",
    "serve",
]
