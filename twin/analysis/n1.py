"""N-1 of both paths: every element of power and cooling lost by itself, what it takes, what the survivors carry.

Everything is steady after transfer, at one load of the racks, on the worse of the two design days. ``margin`` is 1 less
the largest loading of what carries more than before the loss: below 0 it is overloaded. A loss *violates* N-1 when a
single unit, a system of several, or a unit that stands by itself drops racks (no source, or no cooling), or leaves
something beyond its emergency limit, one that nobody states among them. The busbar of a bank that claims no second
system, and the utility, are told and violate nothing: they are single points by design.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twin.analysis.headroom_options import Asked, Options, ask
from twin.analysis.headroom_state import at_banks, design_days, settled
from twin.analysis.n1_cooling import CoolingLoss, CoolingPath
from twin.analysis.n1_power import BUSBAR, UTILITY, After, Loss, PowerPath
from twin.analysis.sweep import sweep
from twin.core.columns import Group
from twin.core.errors import one, option
from twin.core.jit import ensure_compiled
from twin.core.units import HOUR, KW
from twin.engine.faults import parse
from twin.engine.mechanical import mechanical_w
from twin.engine.period import stamp
from twin.engine.room import Rooms, energised
from twin.engine.sweep import follow
from twin.forcing.coincident import Air
from twin.forcing.design_day import design_conditions
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.plan import Floats, Ints, Plan
from twin.site.power_site import power_site

RATED, PEAK = "rated", "peak"
# Kinds of the sweep of which one unit is a case here; of pumps one of several is.
SWEPT = ("cdu", "chiller", "tower", "economizer", "air")


@dataclass(frozen=True)
class Case:
    """One loss. ``normal`` and ``emergency``: whether what carries more stays within that limit (None: not known).

    ``allowed_s`` is how long what is overloaded holds, ``trip_s`` when the first rack trips (cooling, where asked for),
    both None where nothing does or nobody says. Powers kW.
    """

    path: str  # power, cooling
    kind: str  # unit, system, busbar, utility; cdu, pump, chiller, rejection, economizer, air
    element: str
    units: str
    loading: float | None
    where: str
    limit: str
    normal: bool
    emergency: bool | None
    allowed_s: float | None
    dark: Ints
    dark_kw: float
    uncooled: Ints
    uncooled_kw: float
    unknown: int
    on_generators: tuple[str, ...] = ()
    trip_s: float | None = None

    @property
    def margin(self) -> float | None:
        """Headroom left on the survivor that is loaded most, per its limit."""
        return None if self.loading is None else 1.0 - self.loading

    @property
    def kw_lost(self) -> float:
        """Power of the racks that lose their source or their cooling, kW."""
        return self.dark_kw + self.uncooled_kw

    @property
    def violates(self) -> bool:
        """Whether the site does not hold this single loss though it is one that N-1 counts."""
        if self.kind in (BUSBAR, UTILITY):
            return False
        return bool(len(self.dark) or len(self.uncooled) or not (self.normal or self.emergency))


@dataclass(frozen=True)
class N1:
    """All cases of a site, least margin first, then most kW lost; what they rest on."""

    loaded: LoadedSite
    plan: Plan
    at_s: float
    load: str | float
    days: dict[str, Air]
    it_kw: float
    path: PowerPath
    allocated: Floats  # (node) rated power of the racks behind it, W, without losses
    rack_w: Floats
    cases: tuple[Case, ...]

    @property
    def violations(self) -> tuple[Case, ...]:
        """The cases that the site does not hold."""
        return tuple(case for case in self.cases if case.violates)


def n1(site: str | Path | LoadedSite, load: str | float = RATED) -> N1:
    """Every single loss of ``site`` with its racks at ``load``: ``rated``, ``peak`` (hour of the load curves), 0..1.

    All halls are energised, but at the peak hour those that are then. Raises ``InputError`` with all that is wrong.
    """
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    asked = _ask(loaded, load)
    ensure_compiled()
    plan, power = _state(asked, load)
    on, contract = energised(plan, asked.at_s)
    days = design_days(design_conditions(asked.weather), asked.weather)
    rooms = {day: Rooms(plan, on, contract, power, air, at_banks(plan, air, 0.0)) for day, air in days.items()}
    rack_w = np.repeat(power / plan.arrays.group[:, Group.COUNT], np.diff(plan.arrays.group_rack))
    plants = np.max([one.plants() for one in rooms.values()], axis=0)
    network = power_site(loaded, plan)
    path = PowerPath(loaded, plan, network, network.demand(rack_w, mechanical_w(plan, on, power), plants))
    cooling = CoolingPath(loaded, plan, rooms, days, on, contract, power)
    found = [_power(path, loss, rack_w) for loss in [*path.losses(), Loss(-1, UTILITY, "all", 0.0)]]
    found += [_cooling(loss, rack_w) for loss in cooling.losses()]
    return N1(
        loaded, plan, asked.at_s, load, days, float(power.sum()) / KW, path, _allocated(path, plan), rack_w,
        tuple(sorted(found, key=_worst)),
    )  # fmt: skip


def _ask(loaded: LoadedSite, load: str | float) -> Asked:
    """The moment and the weather: the peak hour, or the hour from which every hall is energised."""
    if isinstance(load, str) and load not in (RATED, PEAK):
        raise one(f'"{load}" is no load, expected rated, peak, or a share, 0 to 1', path=option("load="))
    share = None if isinstance(load, str) else load
    if load == PEAK:
        return ask(loaded, Options())
    days = [hall.energised_on for b in loaded.site.buildings.values() for hall in b.halls.values()]
    last = np.datetime64(max(days), "s").astype(float) - loaded.site.utc_offset_h * HOUR
    return ask(loaded, Options(at=stamp(last + HOUR), load=share))


def _state(asked: Asked, load: str | float) -> tuple[Plan, Floats]:
    """The plan, and the power of its racks, W (group)."""
    if load == RATED:
        plan = lower(asked.loaded)
        on, _ = energised(plan, asked.at_s)
        a = plan.arrays
        return plan, a.group[:, Group.RATED] * a.group[:, Group.COUNT] * on[a.sec_hall[a.group_air]]
    steps = asked.weather.sample([asked.at_s], [HOUR])
    air = Air(float(steps.dry_bulb_c[0]), float(steps.wet_bulb_c[0]), float(steps.pressure_pa[0]))
    plan, power = settled(asked, air)
    on, _ = energised(plan, asked.at_s)
    return plan, power * on[plan.arrays.sec_hall[plan.arrays.group_air]]


def _allocated(path: PowerPath, plan: Plan) -> Floats:
    """Rated power of the racks behind each node by the shares of their cords and feeds, without losses, W (node)."""
    a, net, site = plan.arrays, path.site.net, path.site
    rated = np.repeat(a.group[:, Group.RATED], np.diff(a.group_rack))
    carried = site.demand(rated, np.zeros(len(a.sec)), np.zeros(len(a.fac)))
    for n in range(len(carried)):
        feeds = slice(net.feed_ptr[n], net.feed_ptr[n + 1])
        known = net.feed[feeds] >= 0
        np.add.at(carried, net.feed[feeds][known], net.share[feeds][known] * carried[n])
    return carried


def _power(path: PowerPath, loss: Loss, rack_w: Floats) -> Case:
    after: After = path.after(loss)
    name = "grid" if loss.node < 0 else path.site.name[loss.node]
    return Case(
        "power", loss.kind, name, loss.units, after.loading, after.where, "rating", after.normal, after.emergency,
        after.allowed_s, after.dark, _kw(rack_w, after.dark), after.uncooled, _kw(rack_w, after.uncooled),
        after.unknown, after.on_generators,
    )  # fmt: skip


def _cooling(loss: CoolingLoss, rack_w: Floats) -> Case:
    held = loss.loading is None or loss.loading <= 1.0
    return Case(
        "cooling", loss.kind, loss.element, loss.units, loss.loading, loss.where, loss.limit, held, held, None,
        np.zeros(0, np.int64), 0.0, loss.uncooled, _kw(rack_w, loss.uncooled), 0,
    )  # fmt: skip


def _kw(rack_w: Floats, racks: Ints) -> float:
    return float(rack_w[racks].sum()) / KW


def _worst(case: Case) -> tuple[float, float, str]:
    return (np.inf if case.margin is None else round(case.margin, 9), -round(case.kw_lost, 6), case.element)


def with_trips(found: N1, progress: Callable[[int, int], None] | None = None) -> N1:
    """The same with the time to the first trip of each cooling case, from the sweep at the peak hour, 30 min each."""
    swept = sweep(found.loaded, SWEPT, progress=progress)
    trips = {case.fault.partition(":")[0]: case.first_trip_s for case in swept.rows}
    for name in [case.element for case in found.cases if case.path == "cooling" and case.kind == "pump"]:
        fault = parse(f"{name.removesuffix('/pumps')}:pumps=1", swept.check.at_s, np.inf, swept.check.known, "fault")
        times = follow(swept.check, fault).trip_s
        trips[name] = None if np.isnan(times).all() else float(np.nanmin(times))
    told = (replace(case, trip_s=trips.get(case.element)) if case.path == "cooling" else case for case in found.cases)
    return replace(found, cases=tuple(told))


__all__ = ["N1", "PEAK", "RATED", "Case", "n1", "with_trips"]
