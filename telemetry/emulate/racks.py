"""Points of the racks: power, and of liquid-cooled ones supply, return and flow of their coolant, leaks, isolation.

The engine follows the plate of each rack; what leaves it is (``twin.engine.hall``, of one rack)::

    T_return = T_supply + (1 - e^{-UA/w}) (T_plate - T_supply)      UA ~ (w/w_rated)^n,  w = W_cdu w_rated/W_groups

so the heat of the racks' coolant in what is published is that of the engine, but for what plates take in or give
while they warm up or cool down within a step. A rack without power is isolated from it. A leak is a fault
(``telemetry.emulate.faults``); pressures and valves of racks are not in the engine and are not published.
"""

from __future__ import annotations

import numpy as np

from telemetry.emulate.points import ISOLATED, LEAK, SENSOR_FAULT, Spec
from telemetry.emulate.rows import Floats, Ints, Part, Read, Rows, Scope
from twin.core.columns import Group, Sec
from twin.core.units import KW, LPM

# A rack that draws less is off, W.
OFF_W = 1.0


def parts(scope: Scope) -> list[Part]:
    """Points of the racks of ``scope``."""
    a, group = scope.plan.arrays, scope.group_of_racks()
    racks = scope.racks
    names = [scope.names[r] for r in racks]
    found = [
        Part([Spec("Rack", "RackPower", name, "rack_power", "kW") for name in names], _power(racks)),
        Part([_state("RackElectricalIsolationStatus", name) for name in names], _isolated(racks)),
    ]
    wet = racks[(a.group_liquid[group[racks]] >= 0) & (a.group[group[racks], Group.MAIN_NODE] > 0)]
    if not len(wet):
        return found
    names = [scope.names[r] for r in wet]
    water = _Water(scope, wet, group[wet])
    states = ("RackLeakDetect", "RackLeakSensorFault", "RackLiquidIsolationStatus")
    return [
        *found,
        Part([_liquid("RackLiquidSupplyTemperature", name, "C") for name in names], water.supply),
        Part([_liquid("RackLiquidReturnTemperature", name, "C") for name in names], water.back),
        Part([_liquid("RackLiquidFlow", name, "LPM") for name in names], water.flow),
        *(Part([_state(point, name) for name in names], _nothing(len(names))) for point in states),
    ]


def _liquid(point: str, name: str, unit: str) -> Spec:
    return Spec("Rack", point, name, "liquid_flow" if unit == "LPM" else "liquid_temperature", unit)


def _state(point: str, name: str) -> Spec:
    labels = {"RackLeakDetect": LEAK, "RackLeakSensorFault": SENSOR_FAULT}
    return Spec("Rack", point, name, "state", states=labels.get(point, ISOLATED))


def _power(racks: Ints) -> Read:
    return lambda rows: rows.of("rack_power", racks) / KW


def _isolated(racks: Ints) -> Read:
    return lambda rows: (rows.of("rack_power", racks) < OFF_W).astype(np.float64)


def _nothing(count: int) -> Read:
    return lambda rows: np.zeros((len(rows.humidity), count))


class _Water:
    """The coolant of racks: what their CDU sends, shared as the engine shares it."""

    def __init__(self, scope: Scope, racks: Ints, group: Ints) -> None:
        a, labels = scope.plan.arrays, scope.plan.labels
        sec = a.group_liquid[group]
        cdu_of_sec = {s: k for k, s in enumerate(labels.cdu_sec)}
        self._racks, self._cdu = racks, np.array([cdu_of_sec[int(s)] for s in sec], np.int64)
        row, self._cp = a.group[group], a.sec[sec, Sec.CP]
        self._share = row[:, Group.W_COOLANT] / a.sec[sec, Sec.W_GROUPS]
        self._ua, self._n = row[:, Group.UA], row[:, Group.FLOW_EXPONENT]
        self._rated = np.maximum(row[:, Group.W_COOLANT], 1e-9)
        rho = {int(h): scope.secondary_density(int(h)) for h in np.unique(a.sec_hall[sec])}
        self._rho = np.array([rho[int(h)] for h in a.sec_hall[sec]])

    def _kg_s(self, rows: Rows) -> Floats:
        flow: Floats = rows.of("cdu_flow", self._cdu) * self._share
        return flow

    def flow(self, rows: Rows) -> Floats:
        """Flow of each rack, L/min."""
        flow: Floats = self._kg_s(rows) / self._rho / LPM
        return flow

    def supply(self, rows: Rows) -> Floats:
        """Supply at each rack, degC."""
        return rows.of("cdu_supply_temperature", self._cdu)

    def back(self, rows: Rows) -> Floats:
        """Return of each rack, degC: its supply where nothing flows."""
        w = np.maximum(self._kg_s(rows) * self._cp, 1e-9)
        ua = self._ua * np.where(self._n > 0.0, (w / self._rated) ** self._n, 1.0)
        supply = self.supply(rows)
        share = np.where(w > 1e-6, 1.0 - np.exp(-ua / w), 0.0)
        return supply + share * (rows.of("rack_temperature", self._racks) - supply)


__all__ = ["parts"]
