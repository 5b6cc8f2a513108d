"""Binds the points of a source to the items of a site, and reads what they measure at an instant.

    x(item) = (1/n) sum of the n readings that are good, finite and fresh, times their factor;  none where n = 0

Several points of one item and variable are sensors of the same thing, so they count alike. Of powers and flows that is
told, for meters of two feeds would have to be added instead, and nothing says which they are. A reading that is bad,
out of range, old, or of a source that has fallen silent (:mod:`telemetry.state.view`) counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from telemetry import coolants
from telemetry.batch import Quality
from telemetry.live.frame import Bools, Floats, Ints, Topology
from telemetry.live.rows import PARTS, ROWS, Row, level_of, units_of
from telemetry.points import Point
from telemetry.state.view import View
from twin.core.variables import BY_NAME
from twin.engine.prepare import Prepared

GOOD = int(Quality.GOOD)
# What tells nothing about whose telemetry this is: every site has a grid and an outdoors.
COMMON = ("site",)
# Whose names are next to no other site's: loops and elements are called plant or mv everywhere.
OWN = ("hall", "cdu", "rack", "pool")
# Units of what the parts of a thing add up to.
ADDS = ("W", "kg s-1")
LEAST_SHARE = 0.01  # of the points have to be of the site, else its telemetry is another site's
# Where none is of a hall of the site, as those of a plant: its items are called alike at many sites.
LEAST_SHARE_ABROAD = 0.5
# Levels of which an item can be measured.
MEASURED = ("site", "hall", "cdu", "loop", "element", "rack", "pool")


@dataclass(frozen=True)
class Column:
    """Points of one variable: number of each, its item, and the factor from its unit to the variable's."""

    points: Ints
    items: Ints
    factors: Floats


@dataclass(frozen=True)
class Bindings:
    """What is bound: a column for each variable or part (:mod:`telemetry.live.rows`).

    ``points``: how many were looked at. ``bound``: how many measure something. ``ours``: how many are of an item of the
    site that others do not have as well, whether bound or not; ``housed``: of those that are of a hall or in one.
    ``sizes``: items by variable. ``several``: of powers and flows, how many items have more than one point.
    """

    columns: dict[str, Column]
    sizes: dict[str, int]
    points: int = 0
    bound: int = 0
    ours: int = 0
    housed: int = 0
    several: dict[str, int] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        """Whether next to nothing of it is of the site: the telemetry of another one, or of none."""
        least = LEAST_SHARE if self.housed >= LEAST_SHARE * self.points else LEAST_SHARE_ABROAD
        return self.ours < max(1, least * self.points)

    def words(self) -> str:
        """What people should know of how it is bound; "" where there is nothing."""
        told = ", ".join(f"{count:,} of {name}" for name, count in sorted(self.several.items()))
        return f"items with several meters, of which the mean counts and not the sum: {told}" if told else ""

    def told(self) -> dict[str, int]:
        """The counts, and bound points by variable, as plain data."""
        by = {name: len(column.points) for name, column in sorted(self.columns.items())}
        return {"points": self.points, "of_this_site": self.ours, "bound": self.bound, **by}


@dataclass(frozen=True)
class Measured:
    """What is measured at an instant, by variable or part, over its items.

    ``values``: NaN where nothing usable is. ``ages``: s since the oldest of its readings was heard, usable or not; inf
    where none ever came. ``bound``: where a point is, whether it ever said something or not. ``derived``: where there
    is none of its own, and the value follows from others (:mod:`telemetry.live.derive`).
    """

    values: dict[str, Floats]
    ages: dict[str, Floats]
    bound: dict[str, Bools]
    derived: dict[str, Bools] = field(default_factory=dict)


class Binder:
    """Knows the names of a site; :meth:`bind` is called again where points were added or described anew."""

    def __init__(self, prepared: Prepared, topology: Topology) -> None:
        loaded = prepared.loaded
        self._twin = {id: name for name, id in (loaded.site.telemetry.names if loaded.site.telemetry else {}).items()}
        self._items = {
            "site": {"": 0, topology.site: 0},
            **{
                level: {name: index for index, name in enumerate(names)}
                for level, names in (
                    ("hall", topology.halls), ("cdu", topology.cdus), ("loop", topology.loops),
                    ("element", topology.elements), ("rack", topology.racks), ("pool", topology.pools),
                )
            },
        }  # fmt: skip
        self._own = {name for level, names in self._items.items() if level not in COMMON for name in names}
        self._housed = {name for level in OWN for name in self._items[level]}
        self._rows: dict[str, list[Row]] = {}
        for row in ROWS:
            self._rows.setdefault(row.point, []).append(row)
        self._density = _densities(prepared, topology)

    def bind(self, points: Iterable[Point]) -> Bindings:
        """Bind ``points``, in the order of their numbers."""
        found: dict[str, list[tuple[int, int, float]]] = {}
        number = -1
        bound = ours = housed = 0
        for number, point in enumerate(points):
            item = self.twin_name(point.item)
            ours += within(self._own, item)
            housed += within(self._housed, item)
            target = self._target(point, item)
            if target is not None:
                name, index, factor = target
                found.setdefault(name, []).append((number, index, factor))
                bound += 1
        columns = {name: _column(rows) for name, rows in found.items()}
        sizes = {name: self._size(name) for name in columns}
        several = {name: _several(column) for name, column in columns.items() if units_of(name) in ADDS}
        several = {name: count for name, count in several.items() if count}
        return Bindings(columns, sizes, number + 1, bound, ours, housed, several)

    def twin_name(self, item: str) -> str:
        """The twin's name of an id of the telemetry, of a part of it too; the id itself where it has no other."""
        if not self._twin or item in self._twin:
            return self._twin.get(item, item)
        whole, slash, part = item.rpartition("/")
        return self.twin_name(whole) + slash + part if slash else item

    def _size(self, name: str) -> int:
        level = level_of(name)
        return 1 if level == "site" else len(self._items[level])

    def _target(self, point: Point, item: str) -> tuple[str, int, float] | None:
        """Variable, item and factor of a point; None where it measures nothing that the model has."""
        if point.covers is not None or point.states:
            return None
        part = PARTS.get(point.variable)
        if part is not None and part[1] == point.units and not point.set_point:
            index = self._items[part[0]].get(item)
            return None if index is None else (point.variable, index, 1.0)
        known = BY_NAME.get(point.variable)
        if known is not None and known.level in MEASURED and not point.set_point:
            index = self._items[known.level].get(item)
            if index is None:
                return None
            if known.units == point.units:
                return known.name, index, 1.0
            if (known.units, point.units) == ("kg s-1", "m3 s-1"):
                rho = self._density.get((known.name, index))
                return None if rho is None else (known.name, index, rho)
            return None
        return self._of_row(point, item)

    def _of_row(self, point: Point, item: str) -> tuple[str, int, float] | None:
        words = {word.lower() for word in point.qualifier}
        for row in self._rows.get(point.variable, ()):
            right = row.set_point == point.set_point and row.units == point.units
            if not right or not item.endswith(row.suffix) or not all(words & any_of for any_of in row.area):
                continue
            index = self._items[row.level].get(item.removesuffix(row.suffix) if row.suffix else item)
            if index is None:
                continue
            factor = row.factor * (self._density.get((row.variable, index), 1.0) if row.weighs else 1.0)
            return row.variable, index, factor
        return None


def within(names: set[str], item: str) -> bool:
    """Whether an item is one of these names, or a part of one."""
    while item:
        if item in names:
            return True
        item = item.rpartition("/")[0]
    return False


def _column(rows: Sequence[tuple[int, int, float]]) -> Column:
    points, items, factors = (np.array(part) for part in zip(*rows, strict=True))
    return Column(points.astype(np.int64), items.astype(np.int64), factors.astype(np.float64))


def _several(column: Column) -> int:
    """Items that have more than one point."""
    return int((np.bincount(column.items) > 1).sum())


def _densities(prepared: Prepared, topology: Topology) -> dict[tuple[str, int], float]:
    """Density by variable of flow and item, kg/m3."""
    plan, loaded = prepared.plan, prepared.loaded
    water = [coolants.of_loop(loaded, plan, f) for f in range(len(topology.loops))]
    found = {("fws_flow", f): rho for f, rho in enumerate(water)}
    rho_of = {int(h): coolants.of_hall(loaded, plan, int(h)) for h in np.unique(topology.cdu_hall)}
    for k, hall in enumerate(topology.cdu_hall):
        found["cdu_flow", k] = rho_of[int(hall)]
        found["cdu_primary_flow", k] = water[int(plan.arrays.sec_fac[plan.labels.cdu_sec[k]])]
    return found


def measure(view: View, bindings: Bindings) -> Measured:
    """Read what is bound; points that came after ``bindings`` were made are not in it."""
    made = Measured({}, {}, {})
    quality = view.quality
    for name, column in bindings.columns.items():
        at, items, size = column.points, column.items, bindings.sizes[name]
        value = view.value[at]
        good = (quality[at] == GOOD) & np.isfinite(value)
        count = np.bincount(items[good], minlength=size)
        total = np.bincount(items[good], (value * column.factors)[good], size)
        with np.errstate(invalid="ignore", divide="ignore"):
            made.values[name] = np.where(count > 0, total / count, np.nan)
        made.ages[name] = _ages(view.age_s[at], items, size)
        made.bound[name] = np.bincount(items, minlength=size) > 0
    return made


def _ages(age_s: Floats, items: Ints, size: int) -> Floats:
    """The oldest reading of each item, inf without any."""
    known = np.isfinite(age_s)
    oldest = np.full(size, -np.inf)
    np.maximum.at(oldest, items[known], np.maximum(age_s[known], 0.0))
    return np.where(oldest >= 0.0, oldest, np.inf)


__all__ = ["Binder", "Bindings", "Column", "Measured", "measure", "within"]
