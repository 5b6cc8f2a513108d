"""Points of the cooling: CDUs, air handlers, loops with their plants, the air outdoors.

A CDU has its primary side from the loop's supply and its own heat, ``T_out = T_in + Q/(m cp)``. Pump speed is the
share of the largest flow, as the engine's pump law counts it. Wet towers are CoolingTower, dry and adiabatic coolers
HX, a loop is a GenericObject. What the engine does not have (pressures, valve positions) is not published.
"""

from __future__ import annotations

import numpy as np

from telemetry.emulate.points import AVAILABLE, LEAK, RUNNING, Spec, States
from telemetry.emulate.rows import Floats, Ints, Part, Read, Rows, Scope
from twin.core.columns import Sec
from twin.core.units import LPM
from twin.site.lower_hall import AIR_CP, AIR_J_M3K
from twin.site.rated import rejection_of

CFM = 0.3048**3 / 60.0  # m3/s
AIR_KG_M3 = AIR_J_M3K / AIR_CP
STANDING = 1e-6


def parts(scope: Scope) -> list[Part]:
    """Points of the cooling of ``scope``."""
    return [*_cdus(scope), *_air(scope), *_loops(scope), *_outdoors()]


class _Cdus:
    """What the CDUs ``k`` (indices) of a site do."""

    def __init__(self, scope: Scope) -> None:
        a, labels, k = scope.plan.arrays, scope.plan.labels, scope.cdus
        sec = np.array(labels.cdu_sec, np.int64)[k]
        self.k, self.loop, row = k, a.sec_fac[sec], a.sec[sec]
        self.cp, self.cp_primary, self.most = row[:, Sec.CP], row[:, Sec.CP_PRIMARY], row[:, Sec.W_MAX]
        halls = a.sec_hall[sec]
        rho = {int(h): scope.secondary_density(int(h)) for h in np.unique(halls)}
        water = {int(f): scope.primary_density(int(f)) for f in np.unique(self.loop)}
        self.rho = np.array([rho[int(h)] for h in halls])
        self.rho_primary = np.array([water[int(f)] for f in self.loop])

    def inlet(self, rows: Rows) -> Floats:
        return rows.of("fws_supply_temperature", self.loop)

    def outlet(self, rows: Rows) -> Floats:
        w = rows.of("cdu_primary_flow", self.k) * self.cp_primary
        rise = rows.of("cdu_heat", self.k) / np.maximum(w, STANDING)
        return self.inlet(rows) + np.where(w > STANDING, rise, 0.0)

    def speed(self, rows: Rows) -> Floats:
        return 100.0 * rows.of("cdu_flow", self.k) * self.cp / self.most

    def running(self, rows: Rows) -> Floats:
        return (rows.of("cdu_pump_power", self.k) > 0.0).astype(np.float64)


def _cdus(scope: Scope) -> list[Part]:
    if not len(scope.cdus):
        return []
    c, labels = _Cdus(scope), scope.plan.labels
    names = [labels.cdu[k] for k in c.k]
    group, served = scope.group_of_racks(), dict[str, list[str]]()
    for r in scope.racks:
        sec = int(scope.plan.arrays.group_liquid[group[r]])
        if sec >= 0:
            served.setdefault(labels.sec[sec], []).append(scope.names[r])

    def made(point: str, quantity: str, unit: str, *area: str, states: States = ()) -> list[Spec]:
        serves = [tuple(served.get(name, ())) for name in names]
        return [Spec("CDU", point, n, quantity, unit, area, s, states) for n, s in zip(names, serves, strict=True)]

    degrees, flow = ("LiquidTemperature", "liquid_temperature", "C"), ("LiquidFlow", "liquid_flow", "LPM")
    return [
        Part(made(*degrees, "Primary", "Inlet"), c.inlet),
        Part(made(*degrees, "Primary", "Outlet"), c.outlet),
        Part(made(*degrees, "Secondary", "Supply"), lambda rows: rows.of("cdu_supply_temperature", c.k)),
        Part(made(*degrees, "Secondary", "Return"), lambda rows: rows.of("cdu_return_temperature", c.k)),
        Part(made(*flow, "Primary"), lambda rows: rows.of("cdu_primary_flow", c.k) / c.rho_primary / LPM),
        Part(made(*flow, "Secondary"), lambda rows: rows.of("cdu_flow", c.k) / c.rho / LPM),
        Part(made("PumpSpeed", "speed", "%", "Secondary"), c.speed),
        Part(made("Status", "state", "", states=RUNNING), c.running),
        Part(made("Available", "state", "", states=AVAILABLE), _always(len(names), 1.0)),
        Part(made("LeakDetect", "state", "", states=LEAK), _always(len(names), 0.0)),
    ]


def _always(count: int, value: float) -> Read:
    return lambda rows: np.full((len(rows.humidity), count), value)


def _air(scope: Scope) -> list[Part]:
    h, labels, of = scope.halls, scope.plan.labels, scope.hall_of_racks()
    served = [tuple(scope.names[r] for r in scope.racks[of[scope.racks] == hall]) for hall in h]
    names = [f"{labels.hall[i]}/air" for i in h]

    def made(point: str, quantity: str, unit: str, *area: str, states: States = ()) -> list[Spec]:
        return [Spec("CRAH", point, n, quantity, unit, area, s, states) for n, s in zip(names, served, strict=True)]

    degrees = ("AirTemperature", "air_temperature", "C")
    aisle = [Spec("Sensor", degrees[0], f"{labels.hall[i]}/aisle", degrees[1], "C", ("Cold", "Aisle")) for i in h]
    return [
        Part(made(*degrees, "Supply"), lambda rows: rows.of("hall_supply_air_temperature", h)),
        Part(made(*degrees, "Return"), lambda rows: rows.of("hall_return_temperature", h)),
        Part(made("AirFlow", "air_flow", "CFM"), lambda rows: rows.of("hall_handler_airflow", h) / AIR_KG_M3 / CFM),
        Part(made("Status", "state", "", states=RUNNING), lambda rows: _above(rows.of("hall_handler_airflow", h))),
        Part(made("LeakDetect", "state", "", states=LEAK), _always(len(names), 0.0)),
        Part(aisle, lambda rows: rows.of("hall_rack_inlet_temperature", h)),
    ]


def _above(values: Floats) -> Floats:
    found: Floats = (values > STANDING).astype(np.float64)
    return found


def _loops(scope: Scope) -> list[Part]:
    found: list[Part] = []
    for f in scope.loops:
        found += _loop(scope, int(f))
    return found


def _loop(scope: Scope, f: int) -> list[Part]:
    name, loop, a, labels = scope.plan.labels.loop[f], scope.loop(f), scope.plan.arrays, scope.plan.labels
    secs = np.array(labels.cdu_sec, np.int64)
    serves = (
        *(labels.cdu[k] for k in scope.cdus if a.sec_fac[secs[k]] == f),
        *(f"{labels.hall[h]}/air" for h in scope.halls if a.sec_fac[scope.plan.air_sec[h]] == f),
    )
    wet = rejection_of(loop.plant.rejection.device, scope.loaded.library).WET
    bank = ("CoolingTower" if wet else "HX", f"{name}/rejection")
    cold, rho = f"{name}/chillers", scope.primary_density(f)
    at: Ints = np.array([f], np.int64)
    degrees = ("LiquidTemperature", "liquid_temperature", "C")

    def own(point: str, kind: str, unit: str, *area: str, set_point: bool = False) -> list[Spec]:
        return [Spec("GenericObject", point, name, kind, unit, area, serves, set_point=set_point)]

    def beside(
        who: tuple[str, str], point: str, quantity: str, unit: str, *area: str, on: str = name, states: States = ()
    ) -> list[Spec]:
        return [Spec(who[0], point, who[1], quantity, unit, area, (on,), states)]

    def reads(variable: str) -> Read:
        return lambda rows: rows.of(variable, at)

    feeds = cold if loop.plant.chillers else name
    found = [
        Part(own(*degrees, "Supply"), reads("fws_supply_temperature")),
        Part(own(*degrees, "Return"), reads("fws_return_temperature")),
        Part(own("LiquidTemperature", "set_point", "C", "Supply", set_point=True), reads("fws_set_temperature")),
        Part(own("LiquidFlow", "liquid_flow", "LPM"), lambda rows: rows.of("fws_flow", at) / rho / LPM),
        Part(beside(bank, *degrees, "Outlet", on=feeds), reads("plant_condenser_temperature")),
        Part(
            beside(bank, "Status", "state", "", on=feeds, states=RUNNING),
            lambda rows: _above(rows.of("plant_fan_power", at)),
        ),
    ]
    if loop.plant.chillers:
        about = ("Chiller", cold)
        found += [
            Part(
                beside(about, "Status", "state", "", states=RUNNING),
                lambda rows: _above(rows.of("plant_chillers_on", at)),
            ),
            Part(
                beside(about, "GenericPoint", "state", "", "Machines", "Running"),
                reads("plant_chillers_on"),
            ),
        ]
    return found


def _outdoors() -> list[Part]:
    dry = [Spec("Sensor", "AirTemperature", "outdoors", "air_temperature", "C", ("Outdoors",))]
    wet = [Spec("Sensor", "AirRelativeHumidity", "outdoors", "humidity", "%RH", ("Outdoors",))]
    return [
        Part(dry, lambda rows: rows.of("outdoor_dry_bulb_temperature")),
        Part(wet, lambda rows: 100.0 * np.minimum(1.0, rows.humidity)[:, None]),
    ]


__all__ = ["parts"]
