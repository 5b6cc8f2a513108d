"""N-1 for a terminal, and as plain JSON types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from twin.analysis.headroom_text import WORDS, air_words
from twin.analysis.n1 import N1, Case
from twin.analysis.n1_power import BUSBAR, UTILITY
from twin.core.units import KW
from twin.engine.period import stamp
from twin.site.plan import rack_names

TOP = 20
ALIKE = re.compile(r"\d+")
HEAD = ("lost", "", "loading", "margin", "on", "limits", "holds", "racks", "kW lost")


def plain(found: N1, racks: bool = True) -> dict[str, Any]:
    """The answer as plain JSON types; ``racks``: with the list of those lost in each case."""
    names = rack_names(found.plan)
    return {
        "site": found.loaded.site.name,
        "at_utc": stamp(found.at_s),
        "load": found.load,
        "it_kw": found.it_kw,
        "holds": not found.violations,
        "violations": len(found.violations),
        "days": {day: [air.dry_bulb_c, air.wet_bulb_c] for day, air in found.days.items()},
        "cases": [_plain(case, names if racks else None) for case in found.cases],
        "elements": elements(found),
    }


def _plain(case: Case, names: list[str] | None) -> dict[str, Any]:
    """A case; times that are endless are None, as those that nobody states are."""
    made = {
        "path": case.path, "kind": case.kind, "element": case.element, "units": case.units, "violates": case.violates,
        "margin": case.margin, "loading": case.loading, "where": case.where or None, "limit": case.limit or None,
        "within_normal": case.normal, "within_emergency": case.emergency, "allowed_s": _finite(case.allowed_s),
        "unknown_ratings": case.unknown, "on_generators": list(case.on_generators),
        "racks_without_source": len(case.dark), "kw_without_source": case.dark_kw,
        "racks_without_cooling": len(case.uncooled), "kw_without_cooling": case.uncooled_kw,
        "first_trip_s": _finite(case.trip_s),
    }  # fmt: skip
    if names is None:
        return made
    lists = {key: [names[i] for i in of] for key, of in (("dark", case.dark), ("uncooled", case.uncooled))}
    return made | {"racks": lists}


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or not np.isfinite(seconds) else float(seconds)


def elements(found: N1) -> list[dict[str, Any]]:
    """Each node of the electrical path: limits, allocated, with all there (N), after the worst single loss (N-1)."""
    path, rows = found.path, []
    for n, name in enumerate(path.site.name):
        item = path.site.backed[n]
        if path.site.role[n] not in ("link", "element"):
            continue
        normal, emergency = float(path.site.net.normal[n]), float(path.site.net.emergency[n])
        known = bool(np.isfinite(normal))
        rows.append({
            "element": name, "device": None if item is None else getattr(item, "device", None),
            "units": int(path.site.net.units[n]),
            "normal_kw": normal / KW if known else None,
            "emergency_kw": emergency / KW if np.isfinite(emergency) else None,
            "allocated_kw": float(found.allocated[n]) / KW, "n_kw": float(path.normal.out[n]) / KW,
            "allocated": float(found.allocated[n]) / normal if known else None,
            "n": float(path.before[n]) if known else None,
            "n_1": float(path.worst[n]) if known else None, "n_1_loss": path.worst_by[n] or None,
        })  # fmt: skip
    return rows


def render(found: N1, top: int = TOP, *, trips: bool = False) -> str:
    """Lines: the least margins, the most racks lost, single points and the utility, the verdict."""
    load = f"{found.load} load" if isinstance(found.load, str) else f"load {found.load:g}"
    days = "; ".join(f"{name} {air_words(air)}" for name, air in found.days.items())
    grouped = list(_alike(found.cases))
    counted = [one for one in grouped if one[0].kind not in (BUSBAR, UTILITY)]
    lost = sorted((one for one in counted if one[0].kw_lost > 0.0), key=lambda one: -one[0].kw_lost)
    points = sorted((one for one in grouped if one[0].kind in (BUSBAR, UTILITY)), key=lambda one: -one[0].kw_lost)
    lines = [
        f"{found.loaded.site.name}, {stamp(found.at_s)}: {len(found.cases):,} single losses, racks at {load}, "
        f"{found.it_kw:,.0f} kW; the worse of {days}",
        *_block("Least margin after a single loss", [one for one in counted if one[0].margin is not None], top, trips),
        *_block("Racks lost with a single unit or system", lost, top, trips),
        *_block("Single points by design: busbars of banks, and the utility", points, top, trips),
        "",
        _verdict(found),
    ]
    unknown = [row["element"] for row in elements(found) if row["normal_kw"] is None]
    if unknown:
        lines.append(f"Rating not known (?), so no margin is: {', '.join(unknown[:6])}{_more(len(unknown) - 6)}.")
    return "\n".join(lines)


def _more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""


def _alike(cases: Iterable[Case]) -> Iterable[tuple[Case, int]]:
    """Cases that differ by numbers in their names alone, once with how many they are, in the order of the first."""
    found: dict[tuple[Any, ...], list[Case]] = {}
    for case in cases:
        key = (
            case.path, case.kind, ALIKE.sub("#", case.element), case.units, len(case.dark), len(case.uncooled),
            round(case.kw_lost), None if case.loading is None else round(case.loading, 3), case.normal, case.emergency,
            case.trip_s is None,
        )  # fmt: skip
        found.setdefault(key, []).append(case)
    return [(same[0], len(same)) for same in found.values()]


def _block(title: str, cases: list[tuple[Case, int]], top: int, trips: bool) -> list[str]:
    if not cases:
        return []
    rows = [(*HEAD, *(("trip, s",) if trips else ())), *(_row(case, alike, trips) for case, alike in cases[:top])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = (0, 1, 4, 5)
    body = [
        "  " + "  ".join(c.ljust(widths[i]) if i in left else c.rjust(widths[i]) for i, c in enumerate(row)).rstrip()
        for row in rows
    ]
    rest = [f"  and {len(cases) - top:,} more (--top, --json)"] if len(cases) > top else []
    return ["", title, *body, *rest]


def _row(case: Case, alike: int, trips: bool) -> tuple[str, ...]:
    where = case.where if case.limit in ("rating", "") else f"{WORDS.get(case.limit, case.limit)} of {case.where}"
    verdict = "normal" if case.normal else {True: "emergency", False: "OVER", None: "OVER ?"}[case.emergency]
    cells = (
        case.element + (f" (+{alike - 1:,} alike)" if alike > 1 else ""), case.units,
        "-" if case.loading is None else f"{100 * case.loading:.1f} %",
        "-" if case.margin is None else f"{100 * case.margin:+.1f} %",
        where or "-", "-" if case.loading is None else verdict + (" ?" if case.unknown else ""),
        _time(case.allowed_s), f"{len(case.dark) + len(case.uncooled):,}", f"{case.kw_lost:,.0f}",
    )  # fmt: skip
    return (*cells, "-" if case.trip_s is None else f"{case.trip_s:,.1f}") if trips else cells


def _time(seconds: float | None) -> str:
    if seconds is None or not np.isfinite(seconds):
        return "-"
    return f"{seconds:,.1f} s" if seconds < 120.0 else f"{seconds / 60.0:,.0f} min"


def _verdict(found: N1) -> str:
    bad = found.violations
    if not bad:
        return "N-1 holds: no single unit or system takes racks with it or leaves something beyond its limits."
    drops = sum(case.kw_lost > 0.0 for case in bad)
    over = sum(not (case.normal or case.emergency) for case in bad)
    took, left = ("loss takes" if drops == 1 else "losses take"), ("leaves" if over == 1 else "leave")
    return f"N-1 does not hold: {drops:,} single {took} racks along, {over:,} {left} something over its limits."


def render_elements(found: N1, top: int | None = None, more: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """A table of the electrical path: allocated, N and N-1 loading of each element, the largest N-1 first.

    ``more`` are further columns: by their head, then by element.
    """
    more = more or {}
    rows = sorted(elements(found), key=lambda row: -1e9 if row["n_1"] is None else -row["n_1"])[:top]
    head = ("element", "units", "limit kW", "emergency kW", "allocated", "N", "N-1", "with the loss of", *more)
    body = [
        (
            row["element"], f"{row['units']} x {row['device']}", _kw(row["normal_kw"]), _kw(row["emergency_kw"]),
            _share(row["allocated"]), _share(row["n"]), _share(row["n_1"]), row["n_1_loss"] or "-",
            *(column[row["element"]] for column in more.values()),
        )
        for row in rows
    ]  # fmt: skip
    table = [head, *body]
    widths = [max(len(line[i]) for line in table) for i in range(len(head))]
    return "\n".join(
        "  ".join(c.ljust(widths[i]) if i in (0, 1, 7) else c.rjust(widths[i]) for i, c in enumerate(line)).rstrip()
        for line in table
    )


def _kw(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "?" if value is None else f"{100 * value:.1f} %"


__all__ = ["TOP", "elements", "plain", "render", "render_elements"]
