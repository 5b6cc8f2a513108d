"""What the power path does in a failure, as data: its events, who is dropped, where power comes from, what is left.

Events have instants in closed form; racks go dark with their block, from the edge of the next step on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.analysis.fail_carried import carried, hit
from twin.analysis.fail_grid import grid_rules
from twin.core.columns import Fac, Group
from twin.core.units import MW
from twin.engine.blocks import split
from twin.engine.faults import Faults
from twin.engine.power_faults import acts
from twin.engine.power_ledger import PowerLedger
from twin.engine.power_machine import machine_of
from twin.engine.power_run import POWER, PowerRun
from twin.engine.prepare import Prepared
from twin.engine.run import Engine, rated_it_w
from twin.power.machine import Event
from twin.power.machine_gear import fuel_litres
from twin.site.plan import rack_names
from twin.site.power_site import power_site

Floats = NDArray[np.float64]
# What tells elements apart that are alike.
NUMBERS, PARTS = re.compile(r"\d+"), re.compile(r"(\d+)")


def by_path(faults: Faults) -> bool:
    """Whether any of the faults is followed through the power path."""
    return any(faults.by_path(fault) for fault in faults.found)


def at_blocks(faults: Faults) -> Faults:
    """The same faults of a plan whose groups are cut where blocks of racks end that hang on other cords."""
    blocks = [racks for racks in power_site(faults.loaded, faults.plan).racks if racks]
    plan = split(faults.plan, [edge for racks in blocks for edge in (racks.start, racks.stop)])
    return Faults(plan, faults.loaded, faults.found, faults.known)


def series_of(run: PowerRun) -> dict[str, Floats]:
    """Series of the whole site (time): W at the meter, by source, states of charge, racks without power."""
    found = run.ledger.series()
    return {
        "site_power": found["grid"], "generation_power": found["generation"],
        "storage_power": found["discharged"] - found["charged"], "soc_least": found["soc_least"],
        "soc_mean": found["soc_mean"], "racks_dark": found["racks_dark"],
    }  # fmt: skip


def couple(engine: Engine, prepared: Prepared, faults: Faults, begin: float) -> PowerRun:
    """The power path beside an engine, told of the faults; ``begin`` is the instant of the failure, s since 1970."""
    plan, loaded = prepared.plan, prepared.loaded
    site = power_site(loaded, plan)
    engine.coupled = run = PowerRun(
        site, machine_of(site, loaded, prepared.timeline.start - begin), plan, engine.state, engine.scratch,
        faults, acts(faults, prepared.seed), PowerLedger(rated_it_w(plan), prepared.timeline.interval), begin,
    )  # fmt: skip
    run.machine.meter = []
    return run


def first_trips(faults: Faults, run: PowerRun | None) -> dict[int, tuple[float, int]]:
    """Trips that racks were reset after, the first of each group: instant (s since 1970) and code of the cause."""
    found = dict(faults.trips)
    for g, trip in run.trips.items() if run else ():
        found[g] = min(found.get(g, trip), trip)
    return found


def told(run: PowerRun, begin: float) -> dict[str, Any]:
    """The answer as plain JSON types; s after ``begin``."""
    site = run.site
    series = run.ledger.series()
    hours = run.ledger.interval_s / 3600.0
    least, mean = run.charge()
    return {
        "events": [
            {"s": float(e.t_s), "node": site.name[e.node], "what": e.what, "value": float(e.value)}
            for e in run.events if run.concerns(e)
        ],
        "dropped": dropped(run, begin),
        "hit": hit(run),
        "carried": carried(run),
        "state_of_charge": None if np.isnan(least) else {
            "least": float(series["soc_least"].min()), "least_at_end": least, "mean_at_end": mean,
        },
        "fuel_l": fuel_used(run),
        "energy_mwh": {
            name: float(series[name].sum() * hours / MW) for name in ("grid", "generation", "discharged", "charged")
        },
        "unserved_to_the_edge_mj": float(series["cut"].sum() * run.ledger.interval_s / MW),
        "energy_residual_maximum": run.ledger.residual,
        "grid_rules": grid_rules(run),
    }  # fmt: skip


def dropped(run: PowerRun, begin: float) -> list[dict[str, Any]]:
    """Blocks of racks that lost their power: when, how many racks, what they drew, and whether they run again."""
    a, state, site = run.plan.arrays, run.state, run.site
    names = rack_names(run.plan)
    found: dict[int, dict[str, Any]] = {}
    for g, node in enumerate(run.node_of_group):
        at, cause = run.trips.get(g, (float(state.tripped_at[g]), abs(int(state.tripped_by[g]))))
        if cause != POWER or at < 0.0:
            continue
        row = found.setdefault(
            int(node),
            {"block": site.name[node], "s": at - begin, "racks": 0, "kw": 0.0, "runs": True,
             "first": names[site.racks[node].start], "last": names[site.racks[node].stop - 1]},
        )  # fmt: skip
        row["racks"] += int(a.group[g, Group.COUNT])
        row["runs"] = bool(row["runs"] and state.tripped_by[g] <= 0)
        row["kw"] += float(run.drawn[g]) / 1e3
    return sorted(found.values(), key=lambda row: (row["s"], row["block"]))


def fuel_used(run: PowerRun) -> float:
    """Litres that the sets have used."""
    return float(sum(
        fuel_litres(plant.device, float(run.machine.state.live.generated[plant.node]))
        for plant in run.machine.plants
    ))  # fmt: skip


# What stands or carries from one word of the path to another: words that begin it, that end it, and by role.
SPELLS = (
    (
        "on battery",
        ("on battery",),
        ("walk-in ends", "battery empty", "overload trip", "on bypass"),
        ("link", "element"),
    ),
    ("sets run", ("generator starts",), ("retransferred", "out of fuel"), ("link", "element")),
    ("plants without power", ("dropped",), ("back",), ("plant",)),
    ("CDU pumps without power", ("dropped",), ("back",), ("cdu",)),
    ("air handlers without power", ("dropped",), ("back",), ("air",)),
)


def spells(run: PowerRun, end_s: float) -> list[tuple[str, float, float]]:
    """What lives on batteries or sets or stands, how many, from the first to the last of them, s; chillers last.

    ``end_s`` is where the run ends; what lasts beyond it has no end.
    """
    found = []
    for name, begins, ends, roles in SPELLS:
        spans = _spans(run, begins, ends, roles)
        if spans:
            found.append((f"{name}: {len(spans):,}", *_hull(spans)))
    fac, nodes = run.plan.arrays.fac, {int(n): f for f, n in enumerate(run.site.node_of_fac)}
    stood = _spans(run, ("dropped",), ("back",), ("plant",))
    restart = [
        (begin, end + float(fac[nodes[n], Fac.RESTART])) for n, begin, end in stood if fac[nodes[n], Fac.CHILLERS] > 0.0
    ]
    if restart:
        found.append((f"chillers, until restart: {len(restart)}", *_hull([(0, *span) for span in restart])))
    return [(name, begin, end if end <= end_s else inf) for name, begin, end in found]


def _spans(
    run: PowerRun, begins: Sequence[str], ends: Sequence[str], roles: Sequence[str]
) -> list[tuple[int, float, float]]:
    """Nodes with the first instant at which one of ``begins`` happens to them, and the last of ``ends`` after it."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for e in run.events:
        if run.concerns(e) and run.site.role[e.node] in roles:
            if e.what in begins:
                first.setdefault(e.node, e.t_s)
                last[e.node] = inf
            elif e.what in ends and e.node in first:
                last[e.node] = e.t_s
    return [(n, first[n], last[n]) for n in first]


def _hull(spans: Sequence[tuple[int, float, float]]) -> tuple[float, float]:
    return min(begin for _, begin, _ in spans), max(end for _, _, end in spans)


def rows(run: PowerRun) -> list[dict[str, Any]]:
    """The events as lines of a timeline: those alike at an instant are one.

    ``path`` and ``happens`` are what and who, ``who`` the same for a reader, ``count`` how many, ``sets`` how many
    generators start or do not.
    """
    alike: dict[tuple[float, str, str], list[Event]] = {}
    for e in run.events:
        if run.concerns(e):
            alike.setdefault((round(e.t_s, 1), NUMBERS.sub("*", run.site.name[e.node]), e.what), []).append(e)
    found: list[dict[str, Any]] = []
    for (s, path, happens), same in alike.items():
        who = pattern([run.site.name[e.node] for e in same])
        sets = round(sum(e.value for e in same)) if happens in STARTS else 0
        found.append({"s": s, "what": said(who, happens, len(same), sets), "path": path, "who": who,
                      "happens": happens, "count": len(same), "sets": sets})  # fmt: skip
    for at, groups, off in run.waits:
        racks = int(run.plan.arrays.group[groups, Group.COUNT].sum())
        words = "stay off until what cools them has power" if off else "run again: what cools them has power"
        found.append({"s": at - run.origin_s, "what": f"{racks:,} racks {words}"})
    return found


def pattern(names: Sequence[str]) -> str:
    """Names that differ by their numbers as one, with a star where they do: ``b*/b*-h*/ups``."""
    parts = zip(*(PARTS.split(name) for name in names), strict=True)
    return "".join(part[0] if len(set(part)) == 1 else "*" for part in parts)


STARTS = ("generator starts", "generator failed to start")
# Words of the path as a reader says them; the others are said as they are.
WORDS = {
    "loses its source": "without power",
    "transferred": "goes over to what is left of its feeds",
    "retransferred": "back on its own feed",
    "generator starts": "of its generators start",
    "generator failed to start": "of its generators do not start",
    "generator ready": "generator carries load",
    "load accepted": "taken by the generators",
    "load shed": "shed by the generators",
    "walk-in ends": "off the battery",
    "recharged": "battery recharged",
    "back": "has power again",
    "dropped": "stops without power",
}


def said(who: str, happens: str, count: int, sets: int = 0) -> str:
    """``55 x b*/b*-h*/ups: on battery``; of ``sets`` their number stands before the words."""
    words = f"{sets:,} {WORDS[happens]}" if sets else WORDS.get(happens, happens)
    return f"{count:,} x {who}: {words}" if count > 1 else f"{who}: {words}"


__all__ = [
    "at_blocks",
    "by_path",
    "couple",
    "dropped",
    "first_trips",
    "fuel_used",
    "rows",
    "said",
    "series_of",
    "spells",
    "told",
]
