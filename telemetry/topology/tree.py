"""The site as lines: what metadata tell, each with what it rests on, ``unknown`` for the rest, estimates beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil, isnan, nan

from telemetry.topology.emit import Estimate, Line, Tree
from telemetry.topology.estimates import (
    ALARM_K,
    FACILITY_C,
    HEAD_KPA,
    J_M3K,
    LEAST_K,
    RISE_K,
    SPARE,
    Estimates,
    HallFigures,
    Observed,
)
from telemetry.topology.graph import listed
from telemetry.topology.loops import Loop
from telemetry.topology.structure import BUILDING, Hall, Row, Structure
from telemetry.topology.survey import Survey
from twin.site.incomplete import UNKNOWN
from twin.site.library import Library
from twin.site.scope import GRID

NOT_TOLD = "not in the telemetry"
FIRST_DAY = "2026-01-01"  # of a recording without dates, as its replay has it
CHILLED, COOLANTS = "chilled", "the loop of the coolant"
WEATHER = "washington-dulles"


def unknown(estimate: Estimate, why: str = NOT_TOLD) -> Line:
    """A line that a completion must give."""
    return Line(UNKNOWN, why, estimate)


def prior(value: object, why: str) -> Estimate:
    """An estimate that rests on nothing read."""
    return Estimate(value, f"prior, {why}")


class SiteTree:
    """Builds the tree of a structure; the figures of each hall are worked out once."""

    def __init__(self, structure: Structure, found: Survey, library: Library) -> None:
        self.structure, self.found = structure, found
        self.observed = Observed(structure.graph, found)
        self.estimates = Estimates(self.observed, library)
        self._targets = {
            loop.id: self.observed.of(loop.direct, "object_liquid_temperature", "supply", set_point=True).last
            for loop in structure.loops
        }
        first = structure.loops[0].id
        self.figures = {
            hall.id: self.estimates.hall(
                hall, self._targets[hall.liquid_loop or first], self._targets.get(hall.air_loop, nan)
            )
            for hall in structure.halls
        }
        self._air_loops = {hall.id: self._air_loop(hall) for hall in structure.halls}
        chilled = [Loop(CHILLED, (), (), ())] if CHILLED in self._air_loops.values() else []
        self.loops = [*structure.loops, *chilled]
        self._on_loop: dict[str, list[Hall]] = {}
        for hall in structure.halls:
            for loop in self._loops_of(hall):
                self._on_loop.setdefault(loop, []).append(hall)
        self._hall_of = {rack.id: hall.id for hall in structure.halls for rack in hall.racks}
        self.it_kw = sum(each.it_kw for each in self.figures.values())

    @property
    def notes(self) -> list[str]:
        """What of the water is told and cannot be all."""
        return [
            f"{id}: the water of its coolant is told to be too warm for its air, which gets a loop {CHILLED}"
            for id, loop in self._air_loops.items()
            if loop == CHILLED
        ]

    def tree(self, name: str, title: str, note: str) -> Tree:
        """The whole site."""
        halls = self.structure.halls
        mw = ceil(self.it_kw * 1e-3 * 1.6 * 10) / 10
        day = self.found.day or FIRST_DAY
        tranche = {"from": day, "mw": mw, "source": "estimate: 1.6 times the rated racks", "confidence": "estimate"}
        return {
            "format": Line(1),
            "name": Line(name),
            "title": Line(title),
            **({"note": Line(note)} if note else {}),
            "utc_offset_h": unknown(prior(0, "telemetry is in UTC"), "metadata tell no place"),
            "weather": {
                "file": unknown(prior(WEATHER, "a shipped year"), "metadata tell no place"),
                "stands_in_for": Line(None, "", prior("a place that is not told", "another climate")),
            },
            "contract": {"tranches": unknown(prior([tranche], "no limit of the grid is told"))},
            "electrical": {"elements": self._elements()},
            "templates": {hall.id: self._template(hall) for hall in halls},
            "buildings": {
                BUILDING: {
                    "loops": {loop.id: self._loop(loop) for loop in self.loops},
                    "halls": {hall.id: self._hall(hall, day) for hall in halls},
                }
            },
            "telemetry": {"names": dict(self._names())},
        }

    # ------------------------------------------------------------------------------------------ power
    def _elements(self) -> dict[str, Line | Tree]:
        made: dict[str, Line | Tree] = {}
        for id, above in self.structure.elements.items():
            node = self.structure.graph.nodes[id]
            device, count = self.estimates.carrier(self._on(id), node.kinds, self._plants_on(id))
            slug, served = self.structure.slug, node.serves
            told = f"{node.thing} {id}, servesId {listed(served, 3)}"
            if not above:
                fed = unknown(prior(GRID, "nothing stands above it in the telemetry"), "no meter serves it")
            elif len(above) == 1:
                fed = Line(slug[above[0]], f"servesId of {above[0]}")
            else:
                shares = {slug[up]: UNKNOWN for up in above}
                even = {slug[up]: share for up, share in zip(above, _even(len(above)), strict=True)}
                fed = Line(shares, f"servesId of {listed(above)}; shares: {NOT_TOLD}", prior(even, "evenly"))
            made[slug[id]] = {
                "device": unknown(device, f"{told}; what it is and carries: {NOT_TOLD}"),
                "count": unknown(count),
                "fed_from": fed,
            }
        return made or {"feed": self._no_meter()}

    def _no_meter(self) -> Tree:
        device, count = self.estimates.carrier(self.it_kw, frozenset())
        fed = unknown(prior(GRID, "nothing is told"))
        return {"device": unknown(device, "no meter above racks is told"), "count": unknown(count), "fed_from": fed}

    def _on(self, id: str) -> float:
        """Rated power of the racks behind an element, kW: of every hall that it feeds, whatever its share."""
        below = self.structure.leaves[id]
        return sum(
            self.figures[hall].it_kw for hall in {self._hall_of[leaf] for leaf in below if leaf in self._hall_of}
        )

    def _plants_on(self, id: str) -> float:
        """Rated heat of the loops whose plants are behind an element, kW."""
        below = self.structure.leaves[id]
        return sum(self._heat(loop) for loop in self.structure.loops if not below.isdisjoint(loop.objects))

    # ------------------------------------------------------------------------------------------ halls
    def _template(self, hall: Hall) -> Tree:
        figures = self.figures[hall.id]
        made: dict[str, Line | Tree] = {"rows": {row.id: {"groups": self._groups(row, figures)} for row in hall.rows}}
        if any(rack.wet for rack in hall.racks):
            made["liquid"] = self._liquid(hall, figures)
        made["air"] = self._air(hall, figures)
        if hall.link is not None:
            link = hall.link
            what = {
                "tap": "ids between feeders and racks",
                "feeder": "feeders of the rows",
                "cord": "a cord of each side",
            }
            ids = f"{what[link.id]}: {listed(link.ids)}" if link.ids else what[link.id]
            if link.id == "feeder":
                device = self.estimates.carrier(figures.it_kw, frozenset())[0]
            else:
                device = prior("lossless", "what stands between a busway and a rack loses next to nothing")
            made["chain"] = {
                link.id: {
                    "device": unknown(device),
                    "count": Line(link.count, ids),
                    **({"systems": Line(link.systems, f"A and B: {listed(hall.feeders)}")} if link.systems > 1 else {}),
                    **({"own": Line(True, "each feeds racks of its own")} if link.own else {}),
                }
            }
        return made

    def _groups(self, row: Row, figures: HallFigures) -> Line:
        runs = [(wet, [rack.id for rack in each]) for wet, each in groupby(row.racks, key=lambda rack: rack.wet)]
        told = "; ".join(
            f"{listed(ids, 2)}: {'with coolant' if wet else 'no coolant is told'}" for wet, ids in runs[:3]
        )
        estimate = [{"rack": (figures.wet if wet else figures.dry).value, "count": len(ids)} for wet, ids in runs]
        basis = "; ".join(dict.fromkeys((figures.wet if wet else figures.dry).basis for wet, _ in runs))
        value = [{"rack": UNKNOWN, "count": len(ids)} for _, ids in runs]
        return Line(value, f"rackLocationId {told}", Estimate(estimate, basis))

    def _liquid(self, hall: Hall, figures: HallFigures) -> Tree:
        cdu, count = self.estimates.cdu(hall, figures)
        target = self.observed.of(hall.cdus, "cdu_supply_temperature", "supply", set_point=True)
        wet = [rack.id for rack in hall.racks if rack.wet]
        known = Line(figures.supply_c, "LiquidTemperature, isSetpoint, Secondary Supply: as read last")
        supply = known if target.count else unknown(Estimate(figures.supply_c, "mean supply read, else a prior"))
        alarm = round(figures.supply_c + ALARM_K, 1)
        loop = self.structure.loops[0].id
        served = f"servesId holds {len(wet)} racks that are described"
        return {
            "cdu": unknown(cdu),
            "count": Line(len(hall.cdus), f"CDU {listed(hall.cdus)}; {served}") if hall.cdus else unknown(count),
            **({"manifolds": Line(hall.manifolds, "CDUs that serve the same racks")} if hall.manifolds else {}),
            "loop": (
                Line(hall.liquid_loop, self._about_loop(hall.liquid_loop))
                if hall.liquid_loop
                else unknown(prior(loop, "the first loop"), "no CDU is told")
            ),
            "supply_c": supply,
            "supply_max_c": unknown(prior(alarm, f"{ALARM_K:g} K above the set point")),
        }

    def _about_loop(self, id: str) -> str:
        loop = next(each for each in self.structure.loops if each.id == id)
        return f"servesId of {listed(loop.direct)}" if loop.direct else "primary side of the CDUs; nothing serves them"

    def _air(self, hall: Hall, figures: HallFigures) -> Tree:
        crah, count = self.estimates.crah(hall, figures)
        loop = self._air_loops[hall.id]
        which = "water colder than the air: the coolant's is told to be too warm" if loop == CHILLED else COOLANTS
        read = self.observed.of(hall.handlers, "crah_air_temperature", "supply").count
        basis = "mean of the supply air" if read else "mean of the cold aisle's air, else a prior"
        told = len(hall.handlers)
        more = count if count.value > told else None
        return {
            "crah": unknown(crah),
            "count": Line(told, listed(hall.handlers), more) if told else unknown(count),
            "loop": (
                Line(hall.air_loop, self._about_loop(hall.air_loop)) if hall.air_loop else unknown(prior(loop, which))
            ),
            "supply_c": unknown(Estimate(figures.air_c, basis)),
        }

    def _hall(self, hall: Hall, day: str) -> Tree:
        if not hall.feeds:
            element = next(iter(self.structure.slug.values()), "feed")
            fed = unknown(prior(element, "what feeds it is not told"))
        elif "" in hall.feeds:
            fed = Line(hall.feeds[""], "nearest meter above its racks")
        else:
            fed = Line(hall.feeds, "nearest meters above its racks, a side each")
        first = Estimate(day, "first day of the recording" if self.found.day else "the recording has no dates")
        return {"template": Line(hall.id), "energised_on": unknown(first), "fed_from": fed}

    # ------------------------------------------------------------------------------------------ water
    def _loop(self, loop: Loop) -> Tree:
        halls, heat = self._halls_on(loop), self._heat(loop)
        towers = any(self.structure.graph.nodes[id].thing == "CoolingTower" for id in loop.objects)
        plant = self.estimates.plant(towers, heat)
        flow = _two(heat * 1e3 * SPARE / (J_M3K * RISE_K) * 3600.0)
        fluid = prior("water", "towers") if towers else prior("pg25", "plain water freezes in dry coolers")
        made: dict[str, Line | Tree] = {
            "supply_c": self._supply(loop, halls),
            "design_rise_k": unknown(prior(RISE_K, "usual of chilled water")),
            "flow_max_m3_h": unknown(
                Estimate(flow, f"{SPARE:g} times the racks' rated heat, {heat:.0f} kW, at that rise")
            ),
            "head_kpa": unknown(prior(HEAD_KPA, "usual of such loops")),
            "volume_m3": unknown(Estimate(_two(flow / 20.0), "three minutes of that flow")),
            "coolant": unknown(fluid),
        }
        objects = f"objects: {listed(loop.objects)}" if loop.objects else "no object of a plant is told"
        made["plant"] = {
            "rejection": {"device": unknown(plant["rejection"], objects), "count": unknown(plant["rejections"])},
            "economizer": unknown(prior("economizer-plate", "with full capacity of chillers behind")),
            "chillers": unknown(plant["chiller"], "none where the site has none: an overlay may delete it (null)"),
            "fed_from": self._plant_feed(loop),
            "condenser_volume_m3": unknown(Estimate(_two(flow / 10.0), "six minutes of that flow")),
        }
        return made

    def _halls_on(self, loop: Loop) -> list[Hall]:
        return self._on_loop.get(loop.id, [])

    def _heat(self, loop: Loop) -> float:
        """Rated power of the racks of the halls on a loop, kW."""
        return sum(self.figures[hall.id].it_kw for hall in self._halls_on(loop)) or 1.0

    def _loops_of(self, hall: Hall) -> set[str]:
        wet = {self._coolants_loop(hall)} if any(rack.wet for rack in hall.racks) else set[str]()
        return wet | {self._air_loops[hall.id]}

    def _coolants_loop(self, hall: Hall) -> str:
        return hall.liquid_loop or self.structure.loops[0].id

    def _air_loop(self, hall: Hall) -> str:
        """The loop of a hall's air: as told, else that of its coolant, else one of its own where that is too warm."""
        loop = self._coolants_loop(hall)
        warm = self._targets[loop] > self.figures[hall.id].air_c - LEAST_K
        return hall.air_loop or (CHILLED if warm else loop)

    def _supply(self, loop: Loop, halls: Sequence[Hall]) -> Line:
        """Set point of a loop where one is told; else what reached the CDUs, below all that it has to cool."""
        target = self._targets.get(loop.id, nan)
        if not isnan(target):
            return Line(round(target, 1), "LiquidTemperature, isSetpoint, Supply: as read last")
        wet = [hall for hall in halls if loop.id == self._coolants_loop(hall)]
        seen = self.observed.of((id for hall in wet for id in hall.cdus), "cdu_liquid_temperature", "primary", "inlet")
        cooled = [self.figures[hall.id].supply_c for hall in wet]
        cooled += [self.figures[hall.id].air_c for hall in halls if loop.id == self._air_loops[hall.id]]
        most = min(cooled, default=FACILITY_C + LEAST_K) - LEAST_K
        if not isnan(seen.mean):
            return unknown(Estimate(round(min(seen.mean, most), 1), "mean of the CDUs' primary inlets, as read"))
        return unknown(prior(round(min(FACILITY_C, most), 1), "chilled water"))

    def _plant_feed(self, loop: Loop) -> Line:
        feeds = [self.structure.slug[id] for id in loop.feeds]
        if not feeds:
            return unknown(prior(GRID, "nothing is told of what feeds the plant"))
        if len(feeds) == 1:
            return Line(feeds[0], "meter above those of the plant alone")
        even = dict(zip(feeds, _even(len(feeds)), strict=True))
        shares = dict.fromkeys(feeds, UNKNOWN)
        return Line(shares, f"meters above those of the plant; shares: {NOT_TOLD}", prior(even, "evenly"))

    # ------------------------------------------------------------------------------------------ names
    def _names(self) -> Iterator[tuple[str, Line]]:
        units = {id for hall in self.structure.halls for id in (*hall.cdus, *hall.handlers)}
        for hall in self.structure.halls:
            name = f"{BUILDING}/{hall.id}"
            for row in hall.rows:
                for place, rack in enumerate(row.racks, 1):
                    yield f"{name}/{row.id}-1/{place:02d}", self._id(rack.id, "rackLocationId")
            if not hall.manifolds:
                for k, cdu in enumerate(hall.cdus):
                    yield f"{name}/cdu-{k + 1:02d}", self._id(cdu)
            if len(hall.handlers) == 1:
                yield f"{name}/air", self._id(hall.handlers[0])
        for loop in self.structure.loops:
            if len(loop.direct) == 1 and loop.direct[0] not in units:  # a CDU may serve another
                yield f"{BUILDING}/{loop.id}", self._id(loop.direct[0])
        for id, slug in self.structure.slug.items():
            yield slug, self._id(id)

    def _id(self, id: str, key: str = "objectId") -> Line:
        """An id with what its metadata are."""
        node = self.structure.graph.nodes[id]
        count = len(node.points)
        hung = f"; associateId: {'; '.join(node.attached)}" if node.attached else ""
        return Line(id, f"{key}, {count} point{'s'[: count != 1]}{hung}")


def _even(count: int) -> list[float]:
    """Equal shares that sum to 1 in six digits."""
    share = round(1.0 / count, 6)
    return [*[share] * (count - 1), round(1.0 - share * (count - 1), 6)]


def _two(value: float) -> float:
    """Rounded up to two digits."""
    digits = len(f"{int(value)}") - 2
    step = 10.0**digits
    return round(ceil(value / step - 1e-9) * step, 6)


__all__ = ["SiteTree"]
