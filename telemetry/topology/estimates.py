"""Figures of ours for what no metadata hold: from the readings of the recording and the equipment of the library.

    P(element) >= sum of the rated power of its racks            V(loop) = 1.5 Q / (rho cp dT)
    a library entry: the smallest of its kind that carries what was seen, or the racks chosen for it

Everything here is a prior to be replaced by what is known of the site. Nothing is fitted: not the racks' liquid share,
not the coolant, not a loss. What was measured is used as it is only for set points and supplies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, isnan, nan

from telemetry.topology.emit import Estimate
from telemetry.topology.graph import Graph
from telemetry.topology.structure import Hall
from telemetry.topology.survey import Seen, Survey
from twin.cooling.cdu import Cdu
from twin.cooling.chiller import Chiller
from twin.cooling.crah import Crah
from twin.core.params import Params
from twin.core.units import KW
from twin.racks.rack import Rack
from twin.site.library import Library
from twin.site.lower_hall import AIR_J_M3K
from twin.site.rated import rated_rack, rejection_of

CARRIERS = ("busway-415v", "busway", "lv-switchgear", "mv-feeder", "hv-line")  # AC, by rating
UPS = ("ups-galaxy-vxl-1250", "ups-97-double-conversion")
TOWER, DRY, CHILLER, LIFT = "tower-cell-6mw", "dry-cooler-bac-tdfs1238n", "chiller-centrifugal", "chiller-high-lift"
ROOM_C, COOLANT_C, FACILITY_C = 24.0, 30.0, 16.0
COLDEST_C = 6.0  # of a supply; what reads less is no reading of one
RISE_K, HEAD_KPA, SPARE, ALARM_K, LEAST_K = 6.0, 200.0, 1.5, 3.0, 4.0
J_M3K = 4.18e6
PLANT = 0.5  # power of a plant per rated heat: chillers on a hot day, with fans and pumps
LIQUID = 0.5  # share of the heat above which a rack is one that coolant cools


@dataclass(frozen=True)
class Observed:
    """Readings by item of the telemetry, variable, words of the process area."""

    graph: Graph
    found: Survey

    def of(self, ids: Iterable[str], variable: str, *words: str, set_point: bool = False) -> Seen:
        """All readings of the points that fit, together."""
        made = Seen()
        for id in ids:
            for index in self.graph.nodes[id].points:
                point, seen = self.found.points[index], self.found.seen[index]
                said = " ".join(point.qualifier).lower()
                if point.variable == variable and point.set_point == set_point and all(w in said for w in words):
                    made.count += seen.count
                    made.total += seen.total
                    made.last = seen.last if seen.count else made.last
                    made.least, made.most = min(made.least, seen.least), max(made.most, seen.most)
        return made


@dataclass(frozen=True)
class HallFigures:
    """What is estimated of a hall: racks by cooling; rated power, liquid heat (kW), coolant, air of all; supplies."""

    wet: Estimate
    dry: Estimate
    it_kw: float
    liquid_kw: float
    flow_lpm: float
    air_m3_s: float
    supply_c: float
    air_c: float


class Estimates:
    """Estimates of one site, by hall and loop."""

    def __init__(self, observed: Observed, library: Library) -> None:
        self.observed, self.library = observed, library

    def hall(self, hall: Hall, water_c: float = nan, chilled_c: float = nan) -> HallFigures:
        """The racks of a hall, and what follows from them; ``water_c``, ``chilled_c``: told set points of the loops
        that cool its coolant and its air, NaN where none is. What is no told set point is at least so much warmer, and
        no warmer than the racks chosen for it stand.
        """
        seen = self.observed
        target = seen.of(hall.cdus, "cdu_supply_temperature", "supply", set_point=True)
        read = seen.of(hall.cdus, "cdu_supply_temperature").mean
        supply = round(target.last if target.count else _above(water_c, read, COOLANT_C), 1)
        room = seen.of(hall.handlers, "crah_air_temperature", "supply").mean
        if isnan(room):
            sensors = [node.id for node in seen.graph.of("Sensor")]
            room = seen.of(sensors, "sensor_air_temperature", "cold").mean
        room = round(_above(chilled_c, room, ROOM_C), 1)
        made = {wet: self._rack([r.id for r in hall.racks if r.wet is wet], wet, supply, room) for wet in (True, False)}
        it = liquid = flow = air = 0.0
        for rack in hall.racks:
            entry = self.library.get(made[rack.wet].value, Rack)
            rated = rated_rack(entry, self.library)
            it, liquid = it + rated.it_kw, liquid + rated.liquid_kw
            flow += entry.liquid_flow_lpm.value
            air += rated.air_kw * KW / (AIR_J_M3K * entry.air_rise_k.value)
            room = min(room, entry.air_inlet_max_c.value)
            supply = supply if target.count or not rack.wet else min(supply, entry.liquid_inlet_max_c.value)
        return HallFigures(made[True], made[False], it, liquid, flow, air, supply, room)

    def _rack(self, ids: Sequence[str], wet: bool, supply_c: float, room_c: float) -> Estimate:
        """The smallest rack of the library that draws as much, cooled alike, at these supplies."""
        most = self.observed.of(ids, "rack_power").most / KW if ids else 0.0
        cooled = "coolant" if wet else "air"
        alike: list[tuple[float, str]] = []
        fits: list[tuple[float, str]] = []
        for id in self.library.ids("rack"):
            rack = self.library.get(id, Rack)
            if (rack.liquid_share.value > LIQUID) is not wet:
                continue
            alike.append((rated_rack(rack, self.library).it_kw, id))
            cold = rack.liquid_share.value == 0 or rack.liquid_inlet_max_c.value >= supply_c
            if cold and rack.air_inlet_max_c.value >= room_c:
                fits.append(alike[-1])
        large = [entry for entry in fits if entry[0] >= most]
        rated, id = min(large) if large else max(fits or alike)
        read = f"{most:.3g} kW read at most" if most > 0.0 else "no power read"
        which = "the smallest rack of the library of that power" if large else "the largest rack of the library"
        return Estimate(id, f"{read}: {which} cooled by {cooled} ({rated:g} kW)")

    def cdu(self, hall: Hall, figures: HallFigures) -> tuple[Estimate, Estimate]:
        """The CDU of a hall, and how many where nothing is told: the smallest of a published rating that carries it."""
        count = len(hall.cdus) or 1
        groups = hall.manifolds or count
        heat, flow = figures.liquid_kw / count, figures.flow_lpm / count
        if groups > 1:  # racks may not divide evenly
            heat, flow = heat * 1.2, flow * 1.2
        known = [
            (entry.rated_kw.value, id)
            for id in self.library.ids("cdu")
            if (entry := self.library.get(id, Cdu)).rated_kw.confidence != "estimate"
        ]
        fits = [
            (rated, id)
            for rated, id in known
            if rated >= heat and self.library.get(id, Cdu).secondary_flow_lpm.value >= flow
        ]
        rated, id = min(fits) if fits else max(known)
        basis = f"rated {rated:g} kW for {heat:.0f} kW of the racks' rated liquid heat on each; no rating is told"
        need = max(1, ceil(max(figures.liquid_kw / rated, 1e-9))) if not hall.cdus else count
        return Estimate(id, basis), Estimate(need, "as many as carry the racks' rated liquid heat")

    def crah(self, hall: Hall, figures: HallFigures) -> tuple[Estimate, Estimate]:
        """The air handler of a hall and how many: for the racks' rated heat to air, and their air."""
        heat = figures.it_kw - figures.liquid_kw
        rated, id = self._by_rating("crah", Crah, heat / max(1, len(hall.handlers)))
        flow = self.library.get(id, Crah).airflow_m3_s.value
        count = max(len(hall.handlers), 1, ceil(max(heat / rated, figures.air_m3_s / flow)))
        about = f"{heat:.0f} kW and {figures.air_m3_s:.0f} m3/s of the racks at rated power"
        return Estimate(id, f"{rated:g} kW, {flow:g} m3/s"), Estimate(count, f"as many as carry {about}")

    def carrier(self, it_kw: float, kinds: frozenset[str], heat_kw: float = 0.0) -> tuple[Estimate, Estimate]:
        """What an element is, and how many, by the racks on it and the heat of the plants on it: each side for all."""
        kw = it_kw * SPARE + heat_kw * PLANT
        among = UPS if "UPS" in kinds else CARRIERS
        rated = {id: _rating(self.library.get(id)) for id in among}
        id = next((id for id in among if rated[id] >= kw), among[-1])
        what = [f"{it_kw:,.0f} kW of racks with half as much for cooling"] if it_kw or not heat_kw else []
        what += [f"plants of {heat_kw:,.0f} kW of heat"] if heat_kw else []
        basis = f"rated {rated[id]:,.0f} kW for {' and '.join(what)}; no rating is told"
        return Estimate(id, basis), Estimate(max(1, ceil(kw / rated[id])), "as many as carry that")

    def _by_rating(self, kind: str, of: type[Params], heat_kw: float) -> tuple[float, str]:
        known = [(_rating(self.library.get(id, of)), id) for id in self.library.ids(kind)]
        fits = [entry for entry in known if entry[0] >= heat_kw]
        return min(fits) if fits else max(known)

    def plant(self, towers: bool, heat_kw: float) -> dict[str, Estimate]:
        """Rejection, chillers and what belongs to them for a loop of ``heat_kw``."""
        bank, trim = (TOWER, CHILLER) if towers else (DRY, LIFT)
        why = "CoolingTower is among its objects" if towers else "no cooling tower is told: dry coolers"
        unit = rejection_of(bank, self.library)
        rejected, chilled = _rating(unit), _rating(self.library.get(trim, Chiller))
        return {
            "rejection": Estimate(bank, f"{why}; {rejected:,.0f} kW each"),
            "rejections": Estimate(max(1, ceil(heat_kw * SPARE / rejected)), f"for {heat_kw:,.0f} kW of rated heat"),
            "chiller": Estimate(
                {"device": trim, "count": max(1, ceil(heat_kw / chilled))}, "carries all in any weather"
            ),
        }


def _above(water_c: float, read: float, otherwise: float) -> float:
    """A supply as it is read, else ``otherwise``, far enough above the water that cools it."""
    supply = otherwise if isnan(read) else max(read, COLDEST_C)
    return supply if isnan(water_c) else max(supply, water_c + LEAST_K)


def _rating(params: Params) -> float:
    """``rated_kw`` of an entry, kW."""
    return float(params.figures()["rated_kw"].value)


__all__ = [
    "ALARM_K",
    "FACILITY_C",
    "HEAD_KPA",
    "J_M3K",
    "LEAST_K",
    "RISE_K",
    "SPARE",
    "Estimates",
    "HallFigures",
    "Observed",
]
