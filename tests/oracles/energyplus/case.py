"""One plant for both models, from the library: its parameters for EnergyPlus and its row for our kernel."""

from __future__ import annotations

import numpy as np

from tests.oracles.energyplus.plant import CP, RHO, RISE_K, SUPPLY_C, Chiller, Cooler, Plant, Tower
from twin.cooling.dry_cooler import DryCooler
from twin.cooling.economizer import Economizer
from twin.cooling.eir_chiller import EirChiller
from twin.cooling.exchanger import counterflow
from twin.cooling.rejection import rejection_kinds
from twin.cooling.tower import Tower as OurTower
from twin.core.columns import Fac
from twin.core.params import Figure
from twin.site.library import Library

HOURS = 8760
PEAK_W = 4.5e6
CONDENSER_W_K = 1.235e6
PUMP_W = 30e3
DRY_LOAD_W = 2.5e6


def figure(value: float) -> Figure:
    """A number of this case."""
    return Figure(value=value, source="this case", confidence="estimate")


def load() -> np.ndarray:
    """Load in W by hour: every share from 20 to 100 % at every hour of the day over the year."""
    hour = np.arange(HOURS)
    share = 0.6 + 0.4 * np.sin(2.0 * np.pi * hour / 24.0) * np.cos(2.0 * np.pi * hour / 701.0)
    return np.asarray(PEAK_W * np.clip(share, 0.2, 1.0))


def our_tower() -> OurTower:
    """A tower of 4 K approach; no frost protection, as EnergyPlus' set point takes care of it."""
    duty = CONDENSER_W_K * 4.3
    return OurTower(
        kind="tower", title="the tower of the comparison", rated_kw=figure(duty / 1e3),
        fan_kw=figure(0.0105 * duty / 1e3), minimum_fan=figure(0.2), design_wet_bulb_c=figure(25.6),
        approach_k=figure(4.0), range_k=figure(4.3), air_flow_kg_s=figure(CONDENSER_W_K / CP / 1.2),
        cycles_of_concentration=figure(5.0), drift_share=figure(1e-5), lowest_leaving_c=figure(5.0),
    )  # fmt: skip


def our_economizer() -> Economizer:
    """A plate economiser with half of the condenser water; films without flow dependence, as EnergyPlus has them."""
    return Economizer(
        kind="economizer", title="the economiser of the comparison", effectiveness=figure(0.72),
        film_exponent=figure(0.0), condenser_share=figure(0.5),
    )  # fmt: skip


def our_row(library: Library) -> tuple[np.ndarray, np.ndarray]:
    """The row of the loop and that of its rejection bank."""
    tower, chiller = our_tower(), library.get("chiller-eir-2317-vsd", EirChiller)
    values = tower.columns(1) | chiller.columns() | our_economizer().columns(PEAK_W / RISE_K, CONDENSER_W_K)
    values |= {
        Fac.W_MAX: PEAK_W / RISE_K,
        Fac.SET: SUPPLY_C,
        Fac.CHILLERS: 2.0,
        Fac.W_CONDENSER: CONDENSER_W_K,
        Fac.CONDENSER_PUMP: PUMP_W,
        Fac.C_BASIN: 60.0 * RHO * CP,
        Fac.FAN: tower.fan_kw.value * 1e3,
        Fac.FAN_MIN: tower.minimum_fan.value,
        Fac.REJECTION: float(list(rejection_kinds()).index("tower")),
    }
    row = np.zeros(len(Fac))
    for column, value in values.items():
        row[column] = value
    return row, np.array(tower.rejection_row(1))


def their_plant(library: Library) -> Plant:
    """What EnergyPlus gets: the same numbers in its own terms."""
    c = library.get("chiller-eir-2317-vsd", EirChiller)
    cooler = library.get("dry-cooler-bac-tdfs1238n", DryCooler)
    row, bank = our_row(library)
    coil = cooler.rejection_row(1)
    demand, ua, cold = load(), row[Fac.ECONOMIZER_UA], row[Fac.ECONOMIZER_W]
    w = demand / RISE_K
    least = np.minimum(w, cold)
    ratio = least / np.maximum(w, cold)
    eps = np.array([counterflow(n, r) for n, r in zip(ua / least, ratio, strict=True)]) * least / w
    return Plant(
        chiller=Chiller(
            c.rated_kw.value * 1e3, c.rated_cop.value, 5.56, 29.44, c.capacity_by_temperature.coefficients,
            c.eir_by_temperature.coefficients, c.eir_by_load.coefficients,
            (c.chilled_low_c.value, c.chilled_high_c.value), (c.condenser_low_c.value, c.condenser_high_c.value),
            c.load_minimum.value, 1.04, c.unload_minimum.value,
        ),
        tower=Tower(bank[0], bank[1], bank[4], bank[3], row[Fac.FAN], 5.0, 1e-5),
        cooler=Cooler(coil[0], coil[1] / 1006.0, coil[3], coil[2], cooler.fan_kw.value * 1e3, 46.1),
        economizer_ua_w_k=ua, condenser_w_k=CONDENSER_W_K, pump_w=PUMP_W, load_w=demand,
        target_c=np.maximum(SUPPLY_C + RISE_K - RISE_K / eps, row[Fac.LOWEST_LEAVING]),
        cooler_load_w=np.full(HOURS, DRY_LOAD_W), machines=np.full(HOURS, 2),
    )  # fmt: skip


def staged(plant: Plant, chiller_heat: np.ndarray, condenser_c: np.ndarray) -> np.ndarray:
    """Machines by hour: one below the part load at which one costs as much as two, by the set's curves.

    ``f3(x)/x = f3(x/2)/(x/2)`` at ``x = sqrt(2 c0/c2)``; heat (W) and condenser water (degC) of a run with both.
    """
    c = plant.chiller
    k, (c0, _, c2) = c.capacity_by_temperature, c.eir_by_load
    y = np.clip(condenser_c, *c.condenser_range_c)
    share = k[0] + k[1] * SUPPLY_C + k[2] * SUPPLY_C**2 + k[3] * y + k[4] * y**2 + k[5] * SUPPLY_C * y
    return np.where(chiller_heat < np.sqrt(2.0 * c0 / c2) * c.capacity_w * share, 1, 2)
