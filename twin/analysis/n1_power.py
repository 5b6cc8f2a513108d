"""Every single loss in the electrical path: what still has a source, what the survivors carry, after transfer.

Losses: one unit of a bank; a system (A, B, ...) or a unit that stands by itself; the busbar of a bank with all on it.
What has generators of its own takes load from them when its feeds are dead; racks then live on only behind a store that
bridges the start, as ``twin fail`` has it: a UPS without one does not. Loading is output per normal limit of what is
left of a node; NaN where its rating is not known. The utility is told apart: it is lost on another scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.core.units import KW
from twin.power.generator import Generator
from twin.power.network import Flows, solve
from twin.site.load import LoadedSite
from twin.site.model import ChainLink
from twin.site.plan import Floats, Ints, Plan
from twin.site.power_site import PowerSite
from twin.site.ratings import allowed_s

MORE = 1.0 + 1e-9
UNIT, SYSTEM, BUSBAR, UTILITY = "unit", "system", "busbar", "utility"


@dataclass(frozen=True)
class Loss:
    """A single loss: ``up`` is the share of the node that is left."""

    node: int  # -1: the utility
    kind: str
    units: str
    up: float


@dataclass(frozen=True)
class After:
    """What a loss leaves. ``loading`` is the largest of what carries more than before (None: nothing does).

    ``emergency`` None: not known. ``dark`` racks have no source, ``uncooled`` have one but their CDU, air handlers or
    plant has none. ``unknown`` counts nodes that carry more and whose rating is not known.
    """

    loading: float | None
    where: str
    normal: bool
    emergency: bool | None
    allowed_s: float | None
    dark: Ints
    uncooled: Ints
    unknown: int
    on_generators: tuple[str, ...] = ()


@dataclass
class PowerPath:
    """The network of a site at one load, and every single loss in it; ``worst`` (node) fills as losses are asked."""

    loaded: LoadedSite
    plan: Plan
    site: PowerSite
    demand: Floats
    normal: Flows = field(init=False)
    worst: Floats = field(init=False)
    worst_by: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.normal = solve(self.site.net, self.demand)
        self.before = self.loading(self.normal, np.ones(len(self.demand)))
        self.worst = np.nan_to_num(self.before, nan=0.0)
        self.worst_by = [""] * len(self.demand)
        self._rides = self._bridged()
        self._generators = [n for n, item in enumerate(self.site.backed) if item is not None and item.generators]
        blocks = [n for n, role in enumerate(self.site.role) if role == "racks"]
        self._block = np.zeros(self.plan.racks, np.int64)
        for n in blocks:
            self._block[self.site.racks[n].start : self.site.racks[n].stop] = n
        self._cooled_by()

    def _bridged(self) -> NDArray[np.bool_]:
        """Nodes behind a store on some way: they live through the start of generators above it."""
        net, found = self.site.net, np.zeros(len(self.demand), bool)
        for n in range(len(found) - 1, -1, -1):
            item = self.site.backed[n]
            feeds = net.feed[net.feed_ptr[n] : net.feed_ptr[n + 1]]
            own = (item is not None and item.store is not None) or self.site.stores[n] is not None
            found[n] = own or bool(np.any(found[feeds[feeds >= 0]]))
        return found

    def _cooled_by(self) -> None:
        """Nodes of the CDU or manifold (-1: none), the air and the plants of each rack."""
        a, site = self.plan.arrays, self.site
        group = np.repeat(np.arange(len(a.group)), np.diff(a.group_rack))
        liquid, air = a.group_liquid[group], a.group_air[group]
        wet = liquid >= 0
        ways = [
            np.where(wet, site.node_of_sec[liquid], -1), site.node_of_sec[air],
            np.where(wet, site.node_of_fac[a.sec_fac[liquid]], -1), site.node_of_fac[a.sec_fac[air]],
        ]  # fmt: skip
        self._cooling = np.stack(ways)

    def losses(self) -> list[Loss]:
        """Every single loss of the electrical path, in the order of the nodes."""
        found = []
        for n, item in enumerate(self.site.backed):
            if self.site.role[n] not in ("link", "element"):
                continue
            count = int(self.site.net.units[n])
            systems = item.systems if isinstance(item, ChainLink) else 1
            if count > 1:
                found.append(Loss(n, UNIT, f"1 of {count}", (count - 1.0) / count))
            own = isinstance(item, ChainLink) and item.own
            kind = SYSTEM if systems > 1 and not own else UNIT if item is not None and count == 1 else BUSBAR
            found.append(Loss(n, kind, f"all {count}" if count > 1 else "1 of 1", 0.0))
        return found

    def after(self, loss: Loss) -> After:
        """What a loss leaves, steady after transfer."""
        up = np.ones(len(self.demand))
        if loss.node >= 0:
            up[loss.node] = loss.up
        flows = solve(self.site.net, self.demand, up, grid=loss.node >= 0)
        flows, dead, started = self._started(flows, up, grid=loss.node >= 0)
        loading = self.loading(flows, up)
        self._keep(loading, loss)
        carries = (flows.alive > 0) & (flows.out > 0.0)
        more = carries & ((loading > self.before * MORE) | (np.isnan(loading) & (flows.out > self.normal.out * MORE)))
        known = more & ~np.isnan(loading)
        racks = np.arange(self.plan.racks)
        fed = self.demand[self._block] > 0.0
        dark = fed & dead[self._block]
        cooling = dead[self._cooling] & (self._cooling >= 0)
        uncooled = fed & ~dark & cooling.any(axis=0)
        loading = np.where(known, loading, -1.0)
        over = np.flatnonzero(loading > MORE)
        most, where = (float(loading.max()), self.site.name[int(loading.argmax())]) if known.any() else (None, "")
        within = self._within(over, flows, up)
        for n in started:
            sets = self._sets(n, flows)
            if most is None or sets > most:
                most, where = sets, f"{self.site.name[n]} generators"
                within = within if sets <= MORE else False
        return After(
            most, where, most is None or most <= MORE, within, self._holds_s(over, flows, up), racks[dark],
            racks[uncooled], int((more & ~known).sum()), tuple(self.site.name[n] for n in started),
        )  # fmt: skip

    def _sets(self, n: int, flows: Flows) -> float:
        """Power from the generators of a node per their rating."""
        item = self.site.backed[n]
        assert item is not None
        assert item.generators is not None
        rated = self.loaded.library.get(item.generators.device, Generator).rated_kw.value
        return float(flows.own[n]) / (rated * KW * item.generators.count)

    def _started(
        self, flows: Flows, up: Floats, *, grid: bool
    ) -> tuple[Flows, NDArray[np.bool_], list[int]]:  # fmt: skip
        """Generators carry what has lost its feeds: flows, nodes without a source (racks: or for a while), starters."""
        dead = flows.alive == 0
        dropped = dead & ~self._rides
        source, started = np.zeros(len(up)), list[int]()
        for n in reversed(self._generators):
            if dead[n] and up[n] > 0.0:
                source[n] = 1.0
                started.append(n)
                flows = solve(self.site.net, self.demand, up, source, grid=grid)
                dead = flows.alive == 0
        if not started:
            return flows, dead, started
        loads = np.array([role == "racks" for role in self.site.role])
        return flows, dead | (dropped & loads), started

    def _keep(self, loading: Floats, loss: Loss) -> None:
        name = "the utility" if loss.node < 0 else f"{self.site.name[loss.node]} ({loss.units})"
        for n in np.flatnonzero(loading > self.worst * MORE):
            self.worst[n], self.worst_by[n] = loading[n], name

    def loading(self, flows: Flows, up: Floats) -> Floats:
        """Output per normal limit of what is left (node); NaN: unknown, 0: dead, and for loads."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(flows.out > 0.0, flows.out / (self.site.net.normal * up), 0.0)
        return np.where(np.isinf(self.site.net.normal), 0.0, found)

    def _within(self, over: Ints, flows: Flows, up: Floats) -> bool | None:
        """Whether all of ``over`` stay within their emergency limits; None where one is not known."""
        limit = self.site.net.emergency[over] * up[over]
        if np.any(flows.out[over] > limit * MORE):
            return False
        return None if np.isnan(limit).any() else True

    def _holds_s(self, over: Ints, flows: Flows, up: Floats) -> float | None:
        """How long what is overloaded holds, s; None where nothing is or where it is not known."""
        times, factor = [], self.loaded.site.electrical.power_factor
        for n in over:
            device, item, units = self.site.device[n], self.site.backed[n], self.site.net.units[n]
            assert device is not None
            assert item is not None
            breaker = self.loaded.library.get(item.breaker) if item.breaker else None
            out, before = flows.out[n] / (units * up[n]), self.normal.out[n] / units
            times.append(allowed_s(device, breaker, float(out), float(before), factor))
        least = float(np.min(times)) if times else np.nan
        return None if np.isnan(least) else least


__all__ = ["BUSBAR", "SYSTEM", "UNIT", "UTILITY", "After", "Loss", "PowerPath"]
