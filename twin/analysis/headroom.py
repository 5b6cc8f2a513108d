"""Headroom of a site: how much more IT each element can take, what ends it, and what a single loss leaves of it.

Headroom is defined once: extra IT power of the element's own rack mix, spread over its racks in proportion to their
rating, all others held, controls at their new steady state, until the first named limit on any path of these racks.
Adding it violates nothing, 1 % more violates the limit that is named. It is not additive: shared limits are counted in
every element on them. More than the racks' rating means more racks.

Columns, all for the same power of all racks::

    present   the load and weather of an instant
    design    the lesser of two days: 0.4 % dry bulb and 0.4 % wet bulb, each with its coincident partner
    extreme   the 20-year dry bulb, where the file of the weather has it
    N-1       the least over single losses in what feeds the racks, at design, steady after transfer; at most design
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.analysis.headroom_case import Case, Room, Row, Single
from twin.analysis.headroom_options import DEFAULT_LEVELS, Asked, Options, ask, racks_of
from twin.analysis.headroom_state import DRY, WET, design_days, settled
from twin.core.columns import Group
from twin.core.jit import ensure_compiled
from twin.core.units import HOUR
from twin.engine.loading import Floats
from twin.engine.period import Moment
from twin.engine.room import energised
from twin.forcing.coincident import Air, outdoor_air
from twin.forcing.design_day import design_conditions
from twin.forcing.design_file import DesignConditions
from twin.site.load import LoadedSite
from twin.site.plan import Ints, Plan


@dataclass(frozen=True)
class Headroom:
    """Rows of a site, with what they rest on. ``named``: the elements were asked for by name."""

    asked: Asked
    air: Air
    conditions: DesignConditions
    days: dict[str, Air]
    extreme: Air | None
    contract_w: float
    rows: tuple[Row, ...]
    named: bool


def headroom(
    site: str | Path | LoadedSite,
    elements: Sequence[str] = (),
    *,
    at: Moment | None = None,
    load: float | None = None,
    weather: str | Path | None = None,
    recirculation_k: float = 0.0,
    transient: bool = False,
    levels: Sequence[str] = DEFAULT_LEVELS,
) -> Headroom:
    """Headroom of ``elements`` (names as in ``twin trace``), default: all of ``levels``: the site, its buildings, loops
    with their plants, and halls; ``cdu`` and ``rack`` (one of each run of equal racks behind a CDU) where asked for.

    ``at`` (default: the peak hour of the peak week) is the end of the hour whose load and weather are the present;
    ``load`` (0..1) holds all racks at that share of what is energised instead. ``recirculation_k`` warms the air into
    dry coolers, and the wet bulb into towers, on the design days. With ``transient`` each row says whether the transfer
    after a loss trips anything (``twin.analysis.headroom_transient``); it takes a run for each.

    Raises ``InputError`` with everything that is wrong with the options and the site.
    """
    return found_for(ask(site, Options(tuple(elements), at, load, weather, recirculation_k, transient, tuple(levels))))


def found_for(asked: Asked) -> Headroom:
    """The headroom of checked options."""
    ensure_compiled()
    steps = asked.weather.sample([asked.at_s], [HOUR])
    air = Air(float(steps.dry_bulb_c[0]), float(steps.wet_bulb_c[0]), float(steps.pressure_pa[0]))
    plan, power = settled(asked, air)
    conditions = design_conditions(asked.weather)
    days = design_days(conditions, asked.weather)
    hot = conditions.extreme_dry_bulb_c
    extreme = None if hot is None else outdoor_air(asked.weather, [hot])[0]
    on, contract = energised(plan, asked.at_s)
    case = Case(asked, plan, on, contract, power, air, days, extreme)
    made = _all(plan, asked.levels) if asked.graph is None else _named(asked, plan)
    rows = tuple(case.row(*one) for one in made)
    return Headroom(asked, air, conditions, days, extreme, contract, rows, asked.graph is not None)


def _all(plan: Plan, levels: Sequence[str]) -> list[tuple[str, str, Floats, Ints]]:
    """All elements of ``levels`` with the racks of each (group), and which of the Plan's racks they are."""
    a, labels = plan.arrays, plan.labels
    count = a.group[:, Group.COUNT]
    hall = np.searchsorted(a.hall_group, np.arange(len(a.group)), side="right") - 1
    building = np.array(labels.hall_building)[hall]
    liquid = np.where(a.group_liquid >= 0, a.sec_fac[a.group_liquid], -1)
    made = [(plan.name, "site", count)]
    made += [(name, "building", count * (building == name)) for name in dict.fromkeys(labels.hall_building)]
    for f, name in enumerate(labels.loop):
        wet = a.group[:, Group.LIQUID_SHARE] >= 1.0  # nothing of theirs ends in the air
        made.append((name, "loop", count * ((liquid == f) | ((a.sec_fac[a.group_air] == f) & ~wet))))
    made += [(name, "hall", count * (hall == h)) for h, name in enumerate(labels.hall)]
    if "cdu" in levels:
        secs = zip(labels.cdu, labels.cdu_sec, strict=True)
        made += [(name, "cdu", count * (a.group_liquid == j)) for name, j in secs]
    if "rack" in levels:
        one = np.eye(len(count))
        made += [(_rack_name(plan, g), "rack", one[g]) for g in range(len(count))]
    group = np.repeat(np.arange(len(count)), np.diff(a.group_rack))
    return [
        (name, level, racks, np.flatnonzero(racks[group] > 0.0)[: 1 if level == "rack" else None])
        for name, level, racks in made
        if level in levels
    ]


def _rack_name(plan: Plan, g: int) -> str:
    """One rack of a group: ``cs3-x2 at b1/b1-h1/cdu-01``."""
    a = plan.arrays
    at = a.group_liquid[g] if a.group_liquid[g] >= 0 else a.group_air[g]
    return f"{plan.labels.group_kind[g]} at {plan.labels.sec[int(at)]}"


def _named(asked: Asked, plan: Plan) -> list[tuple[str, str, Floats, Ints]]:
    """The named elements with the racks of each: racks stand in the graph in the order of the plan."""
    graph = asked.graph
    assert graph is not None
    order = {key: i for i, key in enumerate(k for k, node in graph.nodes.items() if node.role == "rack")}
    group = np.repeat(np.arange(len(plan.arrays.group)), np.diff(plan.arrays.group_rack))
    made = []
    for key in asked.keys:
        node = graph.nodes.get(key) or graph.containers[key]
        racks = np.array([order[rack] for rack in racks_of(graph, key)])
        counts = np.bincount(group[racks], minlength=len(plan.arrays.group)).astype(float)
        made.append((node.name, node.role, counts, racks))
    return made


__all__ = ["DRY", "WET", "Headroom", "Room", "Row", "Single", "found_for", "headroom"]
