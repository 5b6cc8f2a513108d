"""The layout of a recorded run: which arrays the Dataset has, with their dimensions, attributes and labels.

One dimension per level (``hall``, ``cdu``, ``loop``, ``element``, ``rack``) and ``time``, the end of the interval. The
membership of an item is a coordinate on its dimension (``cdu_hall``, ``rack_row``): the names of dimensions stay free
for the labels. The names, units and cell methods of variables come from ``twin.core.variables``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Elm, Sec
from twin.core.errors import did_you_mean, one, option
from twin.core.units import HOUR
from twin.core.variables import Level, Variable, rows
from twin.engine.headroom import COOLING_LIMITS
from twin.engine.timeline import Timeline
from twin.inference.fleet import PERCENTILES, Binding
from twin.inference.workload import Workload
from twin.site.load import LoadedSite
from twin.site.lower_fleet import FleetPlan
from twin.site.plan import Plan

# What each ``--level`` records: everything down to it.
DEPTHS: dict[str, tuple[Level, ...]] = {
    "site": ("site",),
    "hall": ("site", "hall", "loop", "element"),
    "cdu": ("site", "hall", "loop", "element", "cdu"),
    "rack": ("site", "hall", "loop", "element", "cdu", "rack"),
}
# What a site with a fleet records besides.
FLEET: tuple[Level, ...] = ("pool", "stream", "latency")
# The dimensions of a level besides time, where they are not the level's own name.
DIMENSIONS: dict[Level, tuple[str, ...]] = {
    "site": (),
    "stream": ("pool", "workload"),
    "latency": ("pool", "workload", "percentile"),
}
# Six digits are far below what is known of a single CDU or rack, and halve the largest arrays.
SINGLE = ("cdu", "rack", "stream", "latency")
EPOCH = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"}
Labels = NDArray[Any]


@dataclass(frozen=True)
class Coordinate:
    """A coordinate that is known before the run: its values and CF attributes."""

    name: str
    dimension: str
    values: Labels
    attrs: dict[str, Any] = field(default_factory=dict)


def checked_depth(level: object) -> tuple[Level, ...]:
    """The levels that ``level`` records. Raises ``InputError`` for an unknown one."""
    if not isinstance(level, str) or level not in DEPTHS:
        hint = did_you_mean(str(level), DEPTHS) or f"; expected one of {', '.join(DEPTHS)}"
        raise one(f'unknown level "{level}"{hint}', path=option("level="))
    return DEPTHS[level]


def recorded(level: str, plan: Plan) -> list[Variable]:
    """Rows of the variable table that a run at ``level`` records."""
    return [row for part in (*checked_depth(level), *(FLEET if plan.fleet else ())) for row in rows(part)]


def dimensions(variable: Variable) -> tuple[str, ...]:
    """Names of the dimensions of a variable."""
    return ("time", *DIMENSIONS.get(variable.level, (variable.level,)))


def data_type(variable: Variable) -> str:
    """How values are stored: float32 for CDUs and racks, float64 above them."""
    return "float32" if variable.level in SINGLE else "float64"


def attributes(variable: Variable, elements: Sequence[str]) -> dict[str, Any]:
    """CF attributes of a variable; codes get their meanings, ``elements`` are the labels of the electrical path."""
    attrs: dict[str, Any] = {
        "units": variable.units,
        "long_name": variable.long_name,
        "cell_methods": variable.cell_methods,
    }
    if variable.name == "hall_cooling_binding":
        attrs["flag_values"] = [float(code) for code in range(len(COOLING_LIMITS))]
        attrs["flag_meanings"] = " ".join(COOLING_LIMITS)
    if variable.name == "pool_binding":
        attrs["flag_values"] = [float(code) for code in Binding]
        attrs["flag_meanings"] = " ".join(code.name.lower() for code in Binding)
    if variable.name == "hall_power_binding":
        # CF allows no slash in a meaning.
        attrs["flag_values"] = [float(code) for code in range(-1, len(elements))]
        attrs["flag_meanings"] = " ".join(["contract", *(label.replace("/", ".") for label in elements)])
        attrs["comment"] = "position along the dimension element; -1 is the contract at the meter"
    return attrs


def coordinates(plan: Plan, loaded: LoadedSite, timeline: Timeline, level: str) -> list[Coordinate]:
    """Coordinates of a run: the ends of its intervals, and labels and memberships of every recorded level."""
    ends = timeline.start + timeline.interval * np.arange(1, timeline.intervals + 1)
    about = {
        "standard_name": "time",
        "long_name": "end of the interval, UTC",
        "axis": "T",
        "comment": f"values are of the {timeline.interval:g} s that end at this time; cell method point: at this time",
    }
    found = [Coordinate("time", "time", ends.astype(np.int64), {**about, **EPOCH})]
    makers = {"hall": _hall, "cdu": _cdu, "loop": _loop, "element": _element, "rack": _rack}
    for part in checked_depth(level):
        if part != "site":
            found += makers[part](plan)
        if part == "element":
            found.append(_text("element_kind", "element", _element_kinds(plan, loaded), "kind of the device"))
    return found + (_fleet(plan.fleet, loaded) if plan.fleet else [])


def _text(name: str, dimension: str, values: list[str], long_name: str) -> Coordinate:
    return Coordinate(name, dimension, np.array(values, dtype=np.dtypes.StringDType()), {"long_name": long_name})


def _hall(plan: Plan) -> list[Coordinate]:
    labels = plan.labels
    start = {"long_name": "first instant with power, UTC", **EPOCH}
    limit = {"units": "degC", "long_name": "highest air temperature that every rack of the hall allows at its inlet"}
    return [
        _text("hall", "hall", labels.hall, "hall as building/hall"),
        _text("hall_building", "hall", labels.hall_building, "building of the hall"),
        _text("hall_kind", "hall", labels.hall_kind, "rack kinds of the hall"),
        _text(
            "hall_ashrae_class", "hall", labels.hall_class, "ASHRAE air class of the hall, empty where none is named"
        ),
        Coordinate("hall_energised", "hall", plan.hall_start_s.astype(np.int64), start),
        Coordinate("rack_inlet_limit", "hall", plan.arrays.sec[plan.air_sec, Sec.INLET_MAX], limit),
    ]


def _cdu(plan: Plan) -> list[Coordinate]:
    labels = plan.labels
    halls = [labels.hall[h] for h in plan.arrays.sec_hall[labels.cdu_sec]]
    return [
        _text("cdu", "cdu", labels.cdu, "coolant distribution unit as building/hall/cdu"),
        _text("cdu_hall", "cdu", halls, "hall of the CDU"),
    ]


def _loop(plan: Plan) -> list[Coordinate]:
    names = plan.labels.loop
    return [
        _text("loop", "loop", names, "facility-water loop as building/loop"),
        _text("loop_building", "loop", [name.split("/")[0] for name in names], "building of the loop"),
    ]


def _element(plan: Plan) -> list[Coordinate]:
    first = plan.arrays.hall_element
    halls = [hall for h, hall in enumerate(plan.labels.hall) for _ in range(first[h], first[h + 1])]
    halls += ["campus"] * (len(plan.labels.element) - len(halls))
    limit = plan.arrays.element[:, Elm.LIMIT]
    about = {"units": "W", "long_name": "largest power the element may deliver; NaN where it has no limit"}
    return [
        _text("element", "element", plan.labels.element, "element of the electrical path"),
        _text("element_hall", "element", halls, "hall of the element, or campus"),
        Coordinate("element_rating", "element", np.where(limit > 0.0, limit, np.nan), about),
    ]


def _fleet(fleet: FleetPlan, loaded: LoadedSite) -> list[Coordinate]:
    share = {"units": "percent", "long_name": "share of requests that fare no worse"}
    assert loaded.site.inference is not None
    classes = [loaded.library.get(d.workload, Workload) for d in loaded.site.inference.demand.values()]
    promises = {
        "workload_ttft": ([w.ttft_slo_s.value for w in classes], "s", "promised time to first token"),
        "workload_tpot": ([w.tpot_slo_s.value for w in classes], "s", "promised time per output token"),
        "workload_defer": (
            [HOUR * w.may_defer_h for w in classes],
            "s",
            "how long requests may be put off when capacity or power is short",
        ),
        "workload_turns": ([w.turns.value for w in classes], "1", "requests that a task makes"),
        "workload_share": ([w.slo_percentile for w in classes], "1", "share of requests that the promises are for"),
    }
    return [
        _text("pool", "pool", fleet.pool, "pool of systems that serve together"),
        _text("pool_serving", "pool", fleet.serving, "library id of the serving configuration"),
        _text("workload", "workload", fleet.workload, "workload class"),
        *(
            Coordinate(name, "workload", np.array(values), {"units": units, "long_name": about})
            for name, (values, units, about) in promises.items()
        ),
        Coordinate("percentile", "percentile", np.array(PERCENTILES), share),
    ]


def _element_kinds(plan: Plan, loaded: LoadedSite) -> list[str]:
    """Kind of each element's device; a hall without a chain has an ideal ``bus``."""
    site, library = loaded.site, loaded.library
    devices = {id: element.device for id, element in site.electrical.elements.items()}
    for building_id, building in site.buildings.items():
        for hall_id, hall in building.halls.items():
            for link_id, link in site.templates[hall.template].chain.items():
                devices[f"{building_id}/{hall_id}/{link_id}"] = link.device
    return [library.get(devices[name]).kind if name in devices else "bus" for name in plan.labels.element]


def _rack(plan: Plan) -> list[Coordinate]:
    a, labels = plan.arrays, plan.labels
    found: list[tuple[str, str, str, str, str, int, int]] = []
    for h, hall in enumerate(labels.hall):
        lines: dict[str, int] = {}  # racks met in each row of the hall
        for g in range(a.hall_group[h], a.hall_group[h + 1]):
            liquid = int(a.group_liquid[g])
            cdu = labels.sec[liquid] if liquid >= 0 else ""
            for row in labels.rack_row[a.group_rack[g] : a.group_rack[g + 1]]:
                x = lines.get(row, 0)
                lines[row] = x + 1
                label = f"{hall}/{row}/{x + 1:02d}"
                found.append((label, hall, row, cdu, labels.group_kind[g], x, list(lines).index(row)))
    label_, hall_, row_, cdu_, kind_, x_, y_ = (list(column) for column in zip(*found, strict=True))
    place = {"units": "1", "long_name": "position of the rack in its row, from 0"}
    return [
        _text("rack", "rack", label_, "rack as building/hall/row/position"),
        _text("rack_hall", "rack", hall_, "hall of the rack"),
        _text("rack_row", "rack", row_, "row of the rack"),
        _text("rack_cdu", "rack", cdu_, "CDU of the rack, empty where air-cooled"),
        _text("rack_kind", "rack", kind_, "library id of the rack"),
        Coordinate("rack_x", "rack", np.array(x_, np.int64), place),
        Coordinate("rack_y", "rack", np.array(y_, np.int64), {**place, "long_name": "index of its row, from 0"}),
    ]
