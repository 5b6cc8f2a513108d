"""The equipment of a network's nodes as columns: what :class:`twin.power.machine.Machine` asks of it at an instant.

Equations: none; the columns hold the parameters of ``ups``, ``transfer``, ``store``, ``generator`` and ``breaker`` of a
whole bank, in SI. A UPS that states no overload table, window or walk-in has those of the megawatt class (``USUAL``).
Source: physics sheet 1.3 and Correction 6 for the tables; hold-up 20 ms of a rack's supplies (Open Rack v3); the rest
are priors, marked so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.core.params import Params
from twin.core.units import HOUR, KW
from twin.power.breaker import Breaker
from twin.power.generator import Generator
from twin.power.network import Network
from twin.power.overload import ROWS, Overload, Row
from twin.power.store import Store
from twin.power.transfer import Transfer
from twin.power.ups import Ups

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

HOLD_UP_S = 0.020  # a rack's supplies at full load
RACK_LOW_PU = 0.70  # the sag that supplies ride through (prior: ITIC curve)
MOTOR_LOW_PU = 0.60  # below it contactors fall off (prior: 50-70 %)
HIGH_PU = 1.15
LOST_PU = 0.10  # below it there is no voltage (IEEE 1159: an interruption)
WIDEST_COUNT = 8


_VXL = "Schneider Electric Galaxy VXL 500-1250 kW specification"
# What a UPS does that its entry does not state: the tables of the megawatt class (Correction 6), priors else.
USUAL_MAINS = Overload(load=[1.25, 1.5], time_s=[600.0, 60.0], source=_VXL, confidence="vendor")
USUAL_BATTERY = Overload(load=[1.1], time_s=[60.0], source=_VXL, confidence="vendor")
USUAL_BYPASS = Overload(
    load=[1.25, 1.5],
    time_s=[600.0, 60.0],
    continuous=1.1,
    source="prior: a static switch as the inverter, 110 % for ever; vendors give 100 ms of a fault current besides",
    confidence="estimate",
)
USUAL = {"low_pu": 0.85, "frequency_hz": 3.0, "bypass_pu": 0.10, "return_s": 10.0, "walk_in_s": 10.0}


@dataclass(frozen=True)
class Behind:
    """What stands at a node: its units' ``device``, and what backs and protects it.

    ``load`` is "racks" (once dropped they stay down), "mechanical" (comes back by itself) or "" (no load). ``hold_s``
    is how long it goes without a source. Stores and sets are of the bank together; ``health`` is the store's.
    ``priority``: lower is admitted first by a generating plant, inf never; without, stores are 0 and loads 1, ties in
    the order of the nodes.
    """

    device: Params | None = None
    breaker: Breaker | None = None
    store: Store | None = None
    stores: int = 1
    health: float = 1.0
    generator: Generator | None = None
    sets: int = 1
    load: str = ""
    hold_s: float | None = None
    priority: float | None = None


class Gear(NamedTuple):
    """Columns by node. A store of energy 0, a plant of 0 sets, a breaker of rating inf are not there."""

    load: Bytes
    returns: Bytes  # a load that comes back by itself
    hold: Floats  # s
    low: Floats  # accepted input, per nominal
    high: Floats
    hertz: Floats  # accepted deviation, Hz
    inverter: Bytes  # a UPS: what is behind it sees nominal voltage
    bypass: Floats  # accepted deviation of the bypass, per nominal; 0: none
    back: Floats  # s that an input is good before it is taken again
    walk: Floats  # s of the walk-in
    gap: Floats  # s without a source: transfer, or start of the store
    chooses: Bytes  # a transfer switch
    sags: Ints  # of the input, after which it stays on battery; 0: no count
    window: Floats  # s
    full: Floats  # J
    least: Floats  # J
    power: Floats  # W
    eta_c: Floats
    eta_d: Floats
    recharge: Floats  # W
    loads: Floats  # (node, 4, ROWS) of the overload tables on mains, on battery, of the store, on bypass
    times: Floats  # (node, 4, ROWS), s
    limits: Floats  # (node, 4, 3): continuous, beyond, recovery of each
    va: Floats  # rating of the breakers of the bank as active power, W; inf: none
    tau: Floats
    instant: Floats
    curve: Ints
    multiplier: Floats
    pickup: Floats
    gate: Bytes  # 1: admitted by a plant one by one (loads, UPSs, stores), 2: never by a plant
    order: Ints  # nodes in the order of admission
    plant: Bytes  # has sets
    plant_low: Floats


def gear_of(net: Network, behind: Sequence[Behind], power_factor: float = 0.95) -> Gear:
    """Columns of what stands ``behind`` each node; ``power_factor`` turns the rating of breakers into W."""
    n = len(net.rated)
    if len(behind) != n:
        raise ValueError(f"{len(behind)} descriptions for {n} nodes")
    gear = _empty(n)
    for i, what in enumerate(behind):
        if what.load:
            _load(gear, i, what)
        if isinstance(what.device, Ups):
            _ups(gear, i, what.device)
        elif isinstance(what.device, Transfer):
            gear.chooses[i] = 1
            gear.low[i] = what.device.low_pu.value
            gear.gap[i], gear.back[i] = what.device.transfer_s.value, what.device.return_s.value
        if what.store is not None:
            _store(gear, i, what.store, what)
        if what.breaker is not None:
            _breaker(gear, i, what.breaker, int(net.units[i]), power_factor)
        if what.generator is not None and what.sets > 0:
            gear.plant[i], gear.plant_low[i] = 1, what.generator.low_pu.value
        gated = what.load != "" or gear.full[i] > 0.0 or gear.inverter[i] > 0
        gear.gate[i] = (2 if what.priority == math.inf else 1) if gated else 0
    usual = np.where(gear.full > 0.0, 0.0, 1.0)
    rank = np.array([u if w.priority is None else w.priority for u, w in zip(usual, behind, strict=True)])
    gear.order[:] = np.argsort(rank, kind="stable")
    return gear


def _empty(n: int) -> Gear:
    """Nothing stands anywhere."""
    zero = dict.fromkeys(Gear._fields, 0.0)
    never = dict.fromkeys(("hold", "high", "hertz", "va", "instant", "pickup"), math.inf)
    ones = dict.fromkeys(("eta_c", "eta_d", "tau", "multiplier"), 1.0)
    made: dict[str, Any] = {k: np.full(n, v) for k, v in (zero | never | ones | {"low": LOST_PU}).items()}
    made |= {k: np.zeros(n, np.uint8) for k in ("load", "returns", "inverter", "chooses", "gate", "plant")}
    made |= {k: np.zeros(n, np.int64) for k in ("sags", "curve", "order")}
    made |= {k: np.zeros((n, 4, ROWS)) for k in ("loads", "times")}
    made["limits"] = np.tile(np.array([math.inf, math.inf, 1.0]), (n, 4, 1))
    return Gear(**made)


def _load(gear: Gear, i: int, what: Behind) -> None:
    racks = what.load == "racks"
    gear.load[i], gear.returns[i] = 1, not racks
    gear.low[i] = RACK_LOW_PU if racks else MOTOR_LOW_PU
    usual = HOLD_UP_S if racks else 0.0
    gear.hold[i] = usual if what.hold_s is None else what.hold_s


def _ups(gear: Gear, i: int, device: Ups) -> None:
    def stated(field: str) -> float:
        figure = getattr(device, field)
        return USUAL[field] if figure is None else float(figure.value)

    gear.inverter[i] = 1
    gear.low[i], gear.high[i], gear.hertz[i] = stated("low_pu"), HIGH_PU, stated("frequency_hz")
    gear.bypass[i], gear.back[i], gear.walk[i] = stated("bypass_pu"), stated("return_s"), stated("walk_in_s")
    if device.sag_count is not None and device.sag_window_s is not None:
        gear.sags[i], gear.window[i] = device.sag_count, device.sag_window_s.value
    _table(gear, i, 0, (device.overload_mains or USUAL_MAINS).row())
    _table(gear, i, 1, (device.overload_battery or USUAL_BATTERY).row())
    _table(gear, i, 3, (device.overload_bypass or USUAL_BYPASS).row())


def _table(gear: Gear, i: int, which: int, row: Row) -> None:
    gear.loads[i, which], gear.times[i, which] = row.load, row.time
    gear.limits[i, which] = row.continuous, row.beyond, row.recovery


def _store(gear: Gear, i: int, store: Store, what: Behind) -> None:
    full = store.full_j(what.health) * what.stores
    gear.full[i], gear.least[i] = full, full * store.minimum_soc.value
    gear.power[i] = store.power_kw.value * KW * what.stores
    gear.eta_c[i], gear.eta_d[i] = store.charge_efficiency.value, store.discharge_efficiency.value
    gear.recharge[i] = store.recharge_w() * what.stores
    if not gear.inverter[i]:
        gear.gap[i] = store.start_s.value
    pulse, seconds = store.pulse_share.value, store.pulse_s.value
    row = np.full(ROWS, pulse), np.full(ROWS, seconds)
    _table(gear, i, 2, Row(row[0], row[1], 1.0, 0.0, max(seconds * 10.0, 1.0)))


def _breaker(gear: Gear, i: int, breaker: Breaker, units: int, power_factor: float) -> None:
    gear.va[i] = breaker.rated_va() * power_factor * units
    gear.tau[i], gear.instant[i] = breaker.tau_s.value, breaker.instantaneous.value
    gear.curve[i], gear.multiplier[i], gear.pickup[i] = breaker.relay_row()


def tank_j(generator: Generator, sets: int) -> float:
    """Energy that the fuel of ``sets`` gives, J."""
    return generator.rated_kw.value * KW * generator.tank_h.value * HOUR * sets


def fuel_litres(generator: Generator, energy_j: float) -> float:
    """Litres that an energy of J takes."""
    return generator.fuel_l_kwh.value * energy_j / 3.6e6


__all__ = ["HOLD_UP_S", "LOST_PU", "USUAL", "WIDEST_COUNT", "Behind", "Gear", "fuel_litres", "gear_of", "tank_j"]
