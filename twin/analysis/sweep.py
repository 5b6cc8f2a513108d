"""Every fault of some kinds, one after the other from one checkpoint, worst first.

What a fault does is followed as far as it reaches (``twin.engine.sweep``). Equal units of a bank are as many cases with
one answer. Worst is what trips most racks, then what costs most power, then what trips first.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from io import StringIO
from math import inf
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from twin.analysis.fail import LEAD_S, STEP_S, begin_of, check_length
from twin.core.columns import Group
from twin.core.errors import Faults as Problems
from twin.core.errors import InputError, Problem, did_you_mean, one, option
from twin.core.units import KW, MW
from twin.engine.faults import MODES, Fault, parse
from twin.engine.options import ask
from twin.engine.period import stamp
from twin.engine.prepare import read_in
from twin.engine.sweep import Checkpoint, Reached, checkpoint, energised, follow
from twin.engine.target import write_whole
from twin.engine.trip import CAUSES
from twin.site.load import LoadedSite, load_site

# What people call them, and the roles of ``twin.engine.faults``.
KINDS: dict[str, tuple[str, ...]] = {
    "cdu": ("cdu", "manifold"), "pump": ("loop",), "chiller": ("chillers",), "tower": ("rejection",),
    "economizer": ("economizer",), "air": ("air",),
}  # fmt: skip
EVERY = ("cdu", "pump", "chiller", "tower")


@dataclass(frozen=True)
class Case:
    """A fault and what it does; ``alike`` equal units of which each would do the same. Times s after it."""

    fault: str
    kind: str
    alike: int
    racks_tripped: int
    racks_left: int
    kw_lost: float
    first_trip_s: float | None
    cause: str | None
    first_alarm_s: float | None
    first_slowed_s: float | None
    hottest_rack_c: float
    warmest_coolant_c: float | None
    followed: str  # "cdu": its racks, the rest lumped; "island": all halls that share water


@dataclass(frozen=True)
class Sweep:
    """The cases, worst first; ``refused``: faults that leave nothing to follow, with what was said."""

    check: Checkpoint
    kinds: tuple[str, ...]
    throttling: bool
    lasting_s: float
    racks: int
    it_mw: float
    rows: tuple[Case, ...]
    without_power: int
    refused: tuple[tuple[str, str], ...]


def sweep(
    site: str | Path | LoadedSite, every: Sequence[str] = EVERY, *, at: float | str | None = None,
    lasting_s: float = 1800.0, throttling: bool = True, weather: str | Path | None = None, load: str | None = None,
    seed: int = 0, threads: int | None = None, progress: Callable[[int, int], None] | None = None,
) -> Sweep:  # fmt: skip
    """What each fault of the kinds ``every`` (``KIND[:MODE[=AMOUNT]]``) does in ``lasting_s`` s; else as ``fail``.

    Raises ``InputError`` with everything that is wrong.
    """
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    problems = Problems()
    problems.of(check_length, lasting_s, STEP_S, option("lasting="))
    for text in every:
        problems.of(_kind, text)
    begin = problems.of(begin_of, loaded, at, weather, load)
    problems.tell()
    assert begin is not None
    asked = ask(
        loaded, start=stamp(begin - LEAD_S), end=stamp(begin), step=STEP_S, every=STEP_S, weather=weather, load=load,
        seed=seed, threads=threads,
    )  # fmt: skip
    prepared = read_in(asked)
    check = checkpoint(prepared, lasting_s, throttling=throttling)
    found, dark = _faults(check, every)
    told, lock = iter(range(1, len(found) + 1)), Lock()
    if progress:
        progress(0, len(found))

    def task(item: tuple[str, Fault, int]) -> Case | tuple[str, str]:
        kind, fault, alike = item
        try:
            return _case(check, kind, alike, follow(check, fault))
        except InputError as error:
            return fault.named(), "; ".join(problem.message for problem in error.problems)
        finally:
            if progress:
                with lock:
                    progress(next(told), len(found))

    with ThreadPoolExecutor(prepared.threads) as pool:
        made = list(pool.map(task, found))
    rows = sorted((case for case in made if isinstance(case, Case)), key=_worst)
    runs = _running(check)
    power = float(check.present.step.group_power[runs].sum()) / MW
    refused = tuple(case for case in made if not isinstance(case, Case))
    return Sweep(check, tuple(every), throttling, lasting_s, _count(check, runs), power, tuple(rows), dark, refused)


def _kind(text: str) -> tuple[str, str]:
    """Kind and ``MODE=AMOUNT`` of what is asked for."""
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise one(f'no kind is called "{kind}"{did_you_mean(kind, KINDS)}, expected {known}', path=option("every="))
    # What is lost of a manifold only, some of its CDUs, is no mode of a CDU that stands alone.
    mode, modes = rest.partition("=")[0], list(dict.fromkeys(mode for role in KINDS[kind] for mode in MODES[role]))
    if mode and mode not in modes:
        what = f'{kind} has no mode "{mode}"{did_you_mean(mode, modes)}, expected {", ".join(modes)}'
        raise one(what, path=option("every="))
    return kind, rest


def _faults(check: Checkpoint, every: Sequence[str]) -> tuple[list[tuple[str, Fault, int]], int]:
    """Kind, fault and how many are alike of each case that has power; how many have none."""
    found, dark, problems = [], 0, Problems()
    for text in dict.fromkeys(every):
        (kind, rest), own = _kind(text), Problems()
        mode = rest.partition("=")[0]
        alike = [(name, place) for name, place in check.known.items() if place.role in KINDS[kind]]
        able = [(name, place) for name, place in alike if not mode or mode in MODES[place.role]]
        if alike and not able:
            problems.of(_unable, kind, mode, alike[0][1].role)
        for name, place in able:
            if not energised(check, name):
                dark += 1
                continue
            written = f"{name}:{rest}" if rest else name
            fault = own.of(parse, written, check.at_s, inf, check.known, option("every="))
            if fault is not None:
                one_of_many = MODES[place.role][fault.mode].units and fault.amount == 1.0
                found.append((kind, fault, place.units if one_of_many else 1))
        problems.problems += _counted(own.problems)
    problems.tell()
    return found, dark


def _unable(kind: str, mode: str, role: str) -> None:
    raise one(f'no {kind} here has the mode "{mode}", expected {", ".join(MODES[role])}', path=option("every="))


def _counted(problems: Sequence[Problem]) -> list[Problem]:
    """The first of many problems that are of one kind of element, and how many more have it."""
    more = f" (and {len(problems) - 1} more of them)" if len(problems) > 1 else ""
    return [replace(problem, message=problem.message + more) for problem in problems[:1]]


def _running(check: Checkpoint) -> Any:
    """Groups that have power and run at the checkpoint."""
    a = check.plan.arrays
    hall = np.repeat(np.arange(len(a.hall_group) - 1), np.diff(a.hall_group))
    return np.flatnonzero((check.on[hall] > 0) & (check.present.state.tripped_by <= 0))


def _count(check: Checkpoint, groups: Any) -> int:
    return int(check.plan.arrays.group[groups, Group.COUNT].sum())


def _case(check: Checkpoint, kind: str, alike: int, found: Reached) -> Case:
    tripped = ~np.isnan(found.trip_s)
    off = found.groups[tripped]
    lost = float(check.present.step.group_power[off].sum() + found.withheld_w.sum())
    first = int(np.argmin(found.trip_s[tripped])) if len(off) else -1

    def least(values: Any) -> float | None:
        known = values[~np.isnan(values)]
        return float(known.min()) if len(known) else None

    return Case(
        found.fault.named(), kind, alike, _count(check, off), _count(check, _running(check)) - _count(check, off),
        lost / KW, least(found.trip_s), CAUSES[int(found.cause[tripped][first])] if len(off) else None,
        least(found.alarm_s), least(found.slowed_s), found.rack_c,
        None if np.isnan(found.inlet_c) else found.inlet_c, "cdu" if found.island < 0 else "island",
    )  # fmt: skip


def _worst(case: Case) -> tuple[float, float, float, float, str]:
    return (
        -case.racks_tripped,
        -round(case.kw_lost, 6),
        inf if case.first_trip_s is None else case.first_trip_s,
        inf if case.first_alarm_s is None else case.first_alarm_s,
        case.fault,
    )


def plain(found: Sweep) -> dict[str, Any]:
    """The answer as plain JSON types."""
    return {
        "site": found.check.prepared.loaded.site.name,
        "at_utc": stamp(found.check.at_s),
        "lasting_s": found.lasting_s,
        "throttling": found.throttling,
        "kinds": list(found.kinds),
        "cases": sum(case.alike for case in found.rows),
        "followed": len(found.rows),
        "without_power": found.without_power,
        "racks": found.racks,
        "it_mw": found.it_mw,
        "pools_held": found.check.plan.fleet is not None,
        "refused": [{"fault": fault, "why": why} for fault, why in found.refused],
        "rows": [asdict(case) for case in found.rows],
    }


def write_csv(found: Sweep, target: Path) -> None:
    """Write the cases as CSV, one a line, worst first; an empty cell: never, none.

    Raises ``InputError`` where it cannot be written.
    """
    stream = StringIO()
    writer = csv.DictWriter(stream, list(Case.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(case) for case in found.rows)
    write_whole(target, stream.getvalue())


__all__ = ["EVERY", "KINDS", "Case", "Sweep", "plain", "sweep", "write_csv"]
