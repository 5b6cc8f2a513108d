"""What follows from several measured values: heat of CDUs, sums of racks, wet bulb, what stands in for a meter.

    cdu_heat        = W_p cp_p (T_outlet - T_inlet)        facility side; else W cp (T_return - T_supply)
    hall_it_power   = sum of the racks' power              where every rack of the hall is measured
    site_it_power   = sum of the halls'                    where every hall is that has power by its date
    hall_power      = input of the hall's last element     its output where it has no losses
    site_power      = sum of the inputs of what the grid feeds   where the grid has no meter of its own
    fws_supply      = mean of the inlets of a loop's CDUs  where the loop has no sensor of its own; without those in
                      which no water flows, for theirs has the temperature of the room
    wet bulb        = t*(dry bulb, humidity, pressure)     ASHRAE Handbook - Fundamentals, chapter 1

Symbols: W mass flow, kg/s; cp heat capacity at the temperature at which the engine counts it, J/(kg K); T degC. A value
is as old as the oldest that it is made of, and is not there where one of them is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from telemetry.live.bind import Measured
from telemetry.live.frame import Bools, Floats, Ints, Topology
from telemetry.live.rows import PARTS
from twin.cooling.moist_air import humidity_ratio, wet_bulb
from twin.core.columns import Elm, Sec
from twin.engine.prepare import Prepared
from twin.site.plan import Arrays

# A humidity ratio is asked for only of air that holds some water.
LEAST_HUMIDITY = 1e-3
# Share of a CDU's largest facility flow below which its water stands (estimate).
STANDS = 0.01
SEA_LEVEL_PA = 101_325.0


class Deriver:
    """Adds to what is measured what follows from it."""

    def __init__(self, prepared: Prepared, topology: Topology) -> None:
        a, labels = prepared.plan.arrays, prepared.plan.labels
        sec = np.array(labels.cdu_sec, np.int64)
        self._cp, self._cp_primary = a.sec[sec, Sec.CP], a.sec[sec, Sec.CP_PRIMARY]
        self._stands = STANDS * a.sec[sec, Sec.WP_MAX] / a.sec[sec, Sec.CP_PRIMARY]
        self._loop_of_cdu, self._loops = np.asarray(a.sec_fac[sec], np.int64), len(topology.loops)
        self._hall_of_rack, self._halls = topology.rack_hall, len(topology.halls)
        self._starts, self._lit = prepared.plan.hall_start_s, np.ones(self._halls, np.bool_)
        self._tops = np.asarray(a.hall_element[1:], np.int64) - 1
        self._loses = np.any(a.element[:, [Elm.A, Elm.B, Elm.C]] != 0.0, axis=1)
        self._grid_fed = _grid_fed(a, prepared.plan.hall_elements)
        # No other step calls these: compiled and kept now, and not when weather comes to a twin whose disk is full.
        _wet_bulb_of(20.0, 0.5, SEA_LEVEL_PA)

    def derive(self, m: Measured, pressure_pa: float, at_s: float = math.inf) -> None:
        """Add what can be derived to ``m``, and take its parts out.

        ``pressure_pa`` of the air outdoors; ``at_s`` date of the model, s since 1970.
        """
        self._lit = self._starts <= at_s
        self._wet_bulb(m, pressure_pa)
        self._inlets(m)
        self._heat(m)
        self._inputs(m)
        if "rack_power" in m.values:
            every = np.ones(len(self._hall_of_rack), np.bool_)
            self._sum(m, "rack_power", "hall_it_power", self._hall_of_rack, every, self._halls)
            self._sum(m, "hall_it_power", "site_it_power", np.zeros(self._halls, np.int64), self._lit, 1)
        for part in PARTS:
            for table in (m.values, m.ages, m.bound):
                table.pop(part, None)

    def _wet_bulb(self, m: Measured, pressure_pa: float) -> None:
        name, parts = "outdoor_wet_bulb_temperature", ("outdoor_dry_bulb_temperature", "outdoor_relative_humidity")
        if name in m.values or not m.values.keys() >= set(parts):
            return
        dry, humidity = (float(m.values[part][0]) for part in parts)
        found = np.nan
        if np.isfinite(dry) and np.isfinite(humidity):
            found = _wet_bulb_of(dry, min(1.0, max(LEAST_HUMIDITY, humidity)), pressure_pa)
        _fill(m, name, np.array([found]), *_of_parts(m, parts))

    def _inlets(self, m: Measured) -> None:
        """A loop without a sensor has the supply that its CDUs are given, mean over those that tell it."""
        inlet = m.values.get("cdu_primary_inlet")
        if inlet is None:
            return
        told, loop = np.isfinite(inlet), self._loop_of_cdu
        flows = told & ~(m.values.get("cdu_primary_flow", np.full(len(told), np.nan)) < self._stands)
        told = np.where((np.bincount(loop[flows], minlength=self._loops) > 0)[loop], flows, told)
        count = np.bincount(loop[told], minlength=self._loops)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(loop[told], inlet[told], self._loops) / count
        oldest = _oldest(m.ages["cdu_primary_inlet"], loop, self._loops, m.bound["cdu_primary_inlet"])
        _fill(m, "fws_supply_temperature", mean, oldest, np.isfinite(oldest))

    def _heat(self, m: Measured) -> None:
        """Heat of CDUs that do not tell it: on the facility side, else on that of the racks."""
        sides = (
            (self._cp_primary, ("cdu_primary_flow", "cdu_primary_inlet", "cdu_primary_outlet")),
            (self._cp, ("cdu_flow", "cdu_supply_temperature", "cdu_return_temperature")),
        )
        for cp, parts in sides:
            if m.values.keys() >= set(parts):
                flow, cold, warm = (m.values[part] for part in parts)
                _fill(m, "cdu_heat", flow * cp * (warm - cold), *_of_parts(m, parts))

    def _inputs(self, m: Measured) -> None:
        """Power into halls, and into the campus where the grid has no meter."""
        outputs, inputs = m.values.get("element_power"), m.values.get("element_input")
        if outputs is None and inputs is None:
            return
        blank = np.full(len(self._loses), np.nan)
        into = np.where(self._loses, blank if inputs is None else inputs, blank if outputs is None else outputs)
        parts = [part for part in ("element_power", "element_input") if part in m.values]
        ages = np.max([np.where(m.bound[p], m.ages[p], 0.0) for p in parts], axis=0)
        known = np.any([m.bound[p] for p in parts], axis=0)
        top = self._tops
        if known[top].any():
            _fill(m, "hall_power", into[top], np.where(known, ages, np.inf)[top], known[top])
        top = self._grid_fed
        if len(top) and known[top].all():
            _fill(m, "site_power", into[top].sum()[None], ages[top].max()[None], np.ones(1, np.bool_))

    def _sum(self, m: Measured, part: str, name: str, owner: Ints, asked: Bools, size: int) -> None:
        """The sum over all items of an owner, where every one that is ``asked`` for is measured."""
        values, bound = m.values[part], m.bound[part]
        total = np.bincount(owner, np.nan_to_num(values), size)
        missing, unbound = (np.bincount(owner, asked & ~known, size) for known in (np.isfinite(values), bound))
        oldest = _oldest(m.ages[part], owner, size, bound)
        _fill(m, name, np.where(missing == 0, total, np.nan), oldest, unbound == 0)

    def used(self, used: Mapping[str, Bools], m: Measured) -> dict[str, Bools]:
        """What tells nothing that the model was not told: sums of what drives, set points of supplies that do.

        A meter of its own does: where it shows something else than the racks do together, that is a residual.
        """
        found: dict[str, Bools] = {}
        if "rack_power" in used:
            hall = np.bincount(self._hall_of_rack, ~used["rack_power"], self._halls) == 0
            found["hall_it_power"] = hall = hall & m.derived["hall_it_power"]
            found["site_it_power"] = hall[self._lit].all()[None] & m.derived["site_it_power"]
        if "fws_supply_temperature" in used:
            found["fws_set_temperature"] = used["fws_supply_temperature"]  # the loop is held there
        return found


def _wet_bulb_of(dry_c: float, humidity: float, pressure_pa: float) -> float:
    """Wet bulb, degC, of air at ``dry_c`` degC and ``humidity`` (0..1)."""
    return wet_bulb(dry_c, humidity_ratio(dry_c, humidity, pressure_pa), pressure_pa)


def _grid_fed(a: Arrays, first: int) -> Ints:
    """Campus elements that the grid feeds, where none is fed by both the grid and another element."""
    found = []
    for e in range(first, len(a.element)):
        parents = a.feed[a.feed_ptr[e] : a.feed_ptr[e + 1]]
        if (parents < 0).all():
            found.append(e)
        elif (parents < 0).any():
            return np.zeros(0, np.int64)
    return np.array(found, np.int64)


def _fill(m: Measured, name: str, values: Floats, ages: Floats, bound: Bools) -> None:
    """Take what follows from others for items that have no point of their own; ``bound``: where all of it has one."""
    own = m.bound.get(name, np.zeros(len(bound), np.bool_))
    m.values[name] = np.where(own, m.values.get(name, np.nan), values)
    m.ages[name] = np.where(own, m.ages.get(name, np.inf), ages)
    m.bound[name], m.derived[name] = own | bound, bound & ~own | m.derived.get(name, False)


def _of_parts(m: Measured, parts: Sequence[str]) -> tuple[Floats, Bools]:
    """Age of what is made of ``parts``, that of the oldest, and where all of them have a point."""
    return np.max([m.ages[part] for part in parts], axis=0), np.all([m.bound[part] for part in parts], axis=0)


def _oldest(ages: Floats, owner: Ints, size: int, bound: Bools) -> Floats:
    """The oldest of what an owner's items tell, inf where none tells anything."""
    found = np.full(size, -np.inf)
    np.maximum.at(found, owner[bound], ages[bound])
    return np.where(found >= 0.0, found, np.inf)


__all__ = ["Deriver"]
