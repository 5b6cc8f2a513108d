"""What the loss of an element of the power path leaves to the others: who carries more, which racks are hit.

Equations: loading = what an element delivers / (what it may carry for ever x share of its units that are there). W,
shares of 1, s after the first fault. "Before" is just before the first fault, "most" the largest at the end of a step
after it; units that are lost at the end are taken off for both of the latter.
Source: definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from twin.engine.power_run import PowerRun
from twin.site.plan import rack_names

NUMBERS = re.compile(r"\d+")
LISTED = 8
# A rise that is worth a line, per limit.
RISE = 0.02


def carried(run: PowerRun) -> list[dict[str, Any]]:
    """Elements that carry more than before, the fullest first: kW, and their share of what they may carry for ever."""
    site, live = run.site, run.machine.state.live
    whole, limit = site.net.normal, site.net.normal * live.up
    found = []
    for n in np.flatnonzero(run.live & np.isfinite(limit) & (limit > 0.0)):
        before, most, end = (
            float(w) for w in (run.carried[n] / whole[n], run.most[n] / limit[n], live.out[n] / limit[n])
        )
        if site.device[n] is not None and most > before + RISE:
            found.append({
                "element": site.name[n], "limit_kw": float(limit[n]) / 1e3, "kw_before": float(run.carried[n]) / 1e3,
                "kw_most": float(run.most[n]) / 1e3, "before": before, "most": most, "end": end,
            })  # fmt: skip
    return sorted(found, key=lambda row: (-round(row["most"], 6), row["element"]))


def hit(run: PowerRun) -> list[dict[str, Any]]:
    """Blocks of racks that a loss of one of their sources leaves running on the other: when, which racks."""
    racks, names = run.site.racks, rack_names(run.plan)
    first: dict[int, float] = {}
    for e in run.events:
        if e.what == "transferred" and run.site.role[e.node] == "racks" and run.concerns(e):
            first.setdefault(e.node, e.t_s)
    return [
        {"block": run.site.name[n], "s": s, "racks": len(racks[n]), "first": names[racks[n].start],
         "last": names[racks[n].stop - 1]}
        for n, s in first.items()
    ]  # fmt: skip


def lines(power: dict[str, Any]) -> list[str]:
    """The same for a terminal, with who is without power and what batteries and generators gave."""
    return [*_dark(power["dropped"]), *_hit(power["hit"]), *_carried(power["carried"]), *_sources(power)]


def _dark(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    by_hall: dict[tuple[str, str, bool], list[dict[str, Any]]] = {}
    for row in rows:
        key = (row["block"].rpartition("/")[0], f"{row['s']:.1f}", row["runs"])
        by_hall.setdefault(key, []).append(row)
    shown = [
        f"  {_count(sum(row['racks'] for row in alike), 'rack')} of {hall}{_one_range(alike)}, "
        f"{sum(row['kw'] for row in alike):,.0f} kW, from {s} s, "
        f"{'run again at the end' if runs else 'still off at the end'}"
        for (hall, s, runs), alike in by_hall.items()
    ]
    return ["without power", *_first(shown), ""]


def _hit(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    by_hall: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_hall.setdefault(row["block"].rpartition("/")[0], []).append(row)
    shown = [
        f"  {_count(sum(row['racks'] for row in alike), 'rack')} of {hall}{_ranges(alike)}"
        for hall, alike in by_hall.items()
    ]
    return ["on what is left of their feeds", *_first(shown), ""]


def _one_range(rows: list[dict[str, Any]]) -> str:
    return _ranges(rows) if len(rows) == 1 else f" in {len(rows)} blocks"


def _ranges(rows: list[dict[str, Any]]) -> str:
    spans = [f"{_place(row['first'])} to {_place(row['last'])}" for row in rows]
    more = f" and {len(spans) - LISTED} more blocks" if len(spans) > LISTED else ""
    return f": {', '.join(spans[:LISTED])}{more}"


def _place(rack: str) -> str:
    """Row and place of a rack, without its hall."""
    return "/".join(rack.split("/")[-2:])


def _carried(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        cells = (f"{row['limit_kw']:,.0f}", *(f"{100.0 * row[at]:.1f} %" for at in ("before", "most", "end")))
        alike.setdefault((NUMBERS.sub("*", row["element"]), *cells), []).append(row)
    table = [
        (same[0]["element"] + (f" (+{len(same) - 1} alike)" if len(same) > 1 else ""), cells)
        for (_, *cells), same in alike.items()
    ]
    wide = max(len(name) for name, _ in table[:LISTED])
    wide = max(wide, len("carries more, per limit"))
    head = f"{'carries more, per limit':{wide}}" + "".join(f"{c:>12}" for c in ("limit, kW", "before", "most", "end"))
    shown = [f"{name:{wide}}" + "".join(f"{cell:>12}" for cell in cells) for name, cells in table]
    return [head, *_first(shown), ""]


def _sources(power: dict[str, Any]) -> list[str]:
    charge, energy = power["state_of_charge"], power["energy_mwh"]
    given = []
    if charge is not None and energy["discharged"] > 0.0:
        given.append(
            f"batteries gave {energy['discharged']:,.3f} MWh: the emptiest at {100.0 * charge['least']:.0f} % charge, "
            f"{100.0 * charge['least_at_end']:.0f} % at the end"
        )
    if energy["generation"] > 0.0:
        given.append(f"generators gave {energy['generation']:,.2f} MWh for {power['fuel_l']:,.0f} L of fuel")
    return [*given, ""] if given else []


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _first(rows: Iterable[str]) -> list[str]:
    listed = list(rows)
    more = len(listed) - LISTED
    return listed[:LISTED] + ([f"  and {more:,} more (--json has them all)"] if more > 0 else [])


__all__ = ["carried", "hit", "lines"]
