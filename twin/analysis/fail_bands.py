"""Time to alarm, slowing down and trip after a loss, over what nobody has published: P10, P50, P90, what drives them.

Each sample draws every figure with a band of the racks that a canonical loss reaches and of their CDUs
(``twin.site.unknowns``), and how pumps run down, one in each stratum of its band (``twin.core.strata``). The site with
these figures is settled and run to the instant; what the loss does is the closed form (``twin.analysis.closed_form``),
which stands beside the run where the figures are the entries' own. All of it is prior, not validated.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from twin.analysis.beside import expected
from twin.analysis.closed_form import Coast, Expected, closed_form, loss_of
from twin.analysis.drivers import drivers
from twin.analysis.fail import LEAD_S, LONGEST_S, STEP_S, begin_of, check_length
from twin.core.columns import Group
from twin.core.errors import Faults as Problems
from twin.core.errors import InputError, one, option
from twin.core.strata import places
from twin.engine.ensemble import ATTEMPTS, SAMPLES, check_samples
from twin.engine.faults import Fault, Faults, parse
from twin.engine.options import ask
from twin.engine.period import stamp
from twin.engine.prepare import Prepared, pool_curve, read_in
from twin.engine.serve import PoolCurve
from twin.engine.sweep import checkpoint
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.unknowns import Unknown, drawn, places_of, unknowns

QUANTILES = (0.1, 0.5, 0.9)
WORDS = "prior, not validated"
TIMES = ("alarm_s", "slowed_s", "trip_s", "junction_s")
# Stands for "not within the time looked at" among ranks and quantiles.
NOT_WITHIN = 1e12
LEAST_SHARE = 0.005
SOURCE = "physics sheet, Corrections 1: t_c 1-3 s, friction 0.03-0.1; no data sheet has them"
PUMPS = (
    Unknown("pump\0coast_down_s", (("pumps", "coast_down_s"),), SOURCE, "estimate"),
    Unknown("pump\0friction", (("pumps", "friction"),), SOURCE, "estimate"),
)
COAST_DOWN_S, FRICTION = (1.0, 3.0), (0.03, 0.1)


@dataclass(frozen=True)
class FailBands:
    """Times of the first racks of a fault (sample, ``TIMES``), inf: not within; ``u`` places (sample, unknown)."""

    prepared: Prepared
    fault: Fault
    racks: int
    lasting_s: float
    throttling: bool
    unknowns: tuple[Unknown, ...]
    u: Any
    central: dict[str, float]
    samples: dict[str, Any]
    redrawn: int


def fail_bands(
    site: str | Path | LoadedSite, element: str, *, at: float | str | None = None, lasting_s: float = 1800.0,
    throttling: bool = True, weather: str | Path | None = None, load: str | None = None, samples: int = SAMPLES,
    seed: int = 0, progress: Callable[[int, int], None] | None = None,
) -> FailBands:  # fmt: skip
    """Bands of one canonical loss (loop flow, facility flow, heat rejection); else as ``twin.analysis.fail.fail``.

    Raises ``InputError`` with everything that is wrong, and where no sample of the bands can be built.
    """
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    problems = Problems()
    problems.of(check_length, lasting_s, STEP_S, option("lasting="))
    problems.of(check_samples, samples)
    begin = problems.of(begin_of, loaded, at, weather, load)
    problems.tell()
    assert begin is not None
    asked = ask(
        loaded, start=stamp(begin - LEAD_S), end=stamp(begin), step=STEP_S, every=STEP_S, weather=weather, load=load,
        seed=seed,
    )  # fmt: skip
    prepared = read_in(asked)
    fault, groups, central = _centre(prepared, element, lasting_s, throttling)
    kinds = prepared.plan.labels.group_kind
    ids = sorted({*(kinds[g] for g in groups), *_cdus(prepared, groups)})
    found = (*unknowns(prepared.loaded, ids), *PUMPS)
    done, lock = iter(range(1, samples + 1)), Lock()

    def task(index: int) -> tuple[dict[str, float], Any, int]:
        made = _sample(prepared, fault, found, index, samples, lasting_s, throttling)
        if progress:
            with lock:
                progress(next(done), samples)
        return made

    with ThreadPoolExecutor(prepared.threads) as pool:
        made = list(pool.map(task, range(samples)))
    count = int(prepared.plan.arrays.group[list(groups), Group.COUNT].sum())
    return FailBands(
        prepared, fault, count, lasting_s, throttling, found, np.array([u for _, u, _ in made]), central,
        {key: np.array([times[key] for times, _, _ in made]) for key in TIMES}, sum(n for _, _, n in made),
    )  # fmt: skip


def _centre(
    prepared: Prepared, element: str, lasting_s: float, throttling: bool
) -> tuple[Fault, tuple[int, ...], dict[str, float]]:
    """The fault, the groups that it reaches, and the times with the entries' own figures."""
    check = checkpoint(prepared, STEP_S, throttling=throttling)
    fault = parse(element, check.at_s, inf, check.known, "ELEMENT")
    if loss_of(fault, check.known[fault.element]) is None:
        what = "has no closed form: bands are told of pumps and facility of a CDU, pumps and all rejection of a loop"
        raise one(f"{fault.named()} {what}", path="ELEMENT")
    faults = Faults(check.plan, prepared.loaded, (fault,), check.known)
    found = expected(check.present, faults, throttling=throttling, lasting_s=lasting_s)
    if not found:
        raise one(f"no racks that run hang on {fault.element} then", path="ELEMENT")
    return fault, tuple(found), _first(found, lasting_s)


def _first(found: dict[int, Expected], lasting_s: float) -> dict[str, float]:
    """The first of the groups for each time, inf: none within ``lasting_s``."""
    made = {}
    for key in TIMES:
        times = [t for one_ in found.values() if (t := getattr(one_, key)) is not None and t <= lasting_s]
        made[key] = min(times, default=inf)
    return made


def _cdus(prepared: Prepared, groups: tuple[int, ...]) -> set[str]:
    """Library ids of the CDUs of the halls of groups."""
    a, site, found = prepared.plan.arrays, prepared.loaded.site, set()
    for h in {int(a.sec_hall[a.group_air[g]]) for g in groups}:
        building, _, hall = prepared.plan.labels.hall[h].partition("/")
        liquid = site.templates[site.buildings[building].halls[hall].template].liquid
        if liquid is not None:
            found.add(liquid.cdu)
    return found


def _sample(
    prepared: Prepared, fault: Fault, found: tuple[Unknown, ...], index: int, samples: int, lasting_s: float,
    throttling: bool,
) -> tuple[dict[str, float], Any, int]:  # fmt: skip
    """Times of a sample, its places (unknown), and how often it had to be drawn again."""
    problem: InputError | None = None
    for attempt in range(ATTEMPTS):
        figures = found[: -len(PUMPS)]
        u = places_of(figures, index, samples, prepared.seed, attempt)
        try:
            loaded = drawn(prepared.loaded, dict(zip(figures, u.tolist(), strict=True)))
            plan = lower(loaded, prepared.plan)
        except InputError as error:
            problem = error
            continue
        curves = [
            pool_curve(plan, loaded, i) if isinstance(curve, PoolCurve) else curve
            for i, curve in enumerate(prepared.curves)
        ]
        check = checkpoint(
            replace(prepared, loaded=loaded, plan=plan, curves=curves, threads=1), STEP_S, throttling=throttling
        )
        v = [places(unknown.name, samples, prepared.seed)[index] for unknown in PUMPS]
        coast = Coast(*(low + x * (high - low) for x, (low, high) in zip(v, (COAST_DOWN_S, FRICTION), strict=True)))
        made = closed_form(
            check.present, fault, check.known[fault.element], throttling=throttling, within_s=lasting_s, coast=coast
        )
        return _first(made, lasting_s), np.concatenate([u, v]), attempt
    assert problem is not None
    raise problem


def plain(found: FailBands) -> dict[str, Any]:
    """The answer as plain JSON types."""
    times = {}
    for key in TIMES:
        values = np.where(np.isfinite(found.samples[key]), found.samples[key], NOT_WITHIN)
        p10, p50, p90 = (_within(v) for v in np.quantile(values, QUANTILES, method="hazen"))
        times[key] = {
            "p10": p10, "p50": p50, "p90": p90, "centre": _within(found.central[key]),
            "share_within": float(np.isfinite(found.samples[key]).mean()), "drivers": _drivers(found, values),
        }  # fmt: skip
    return {
        "site": found.prepared.loaded.site.name,
        "at_utc": stamp(found.fault.at_s),
        "fault": found.fault.named(),
        "racks": found.racks,
        "lasting_s": found.lasting_s,
        "throttling": found.throttling,
        "samples": len(found.u),
        "samples_redrawn": found.redrawn,
        "unknowns": len(found.unknowns),
        "confidence": WORDS,
        "times": times,
    }


def _within(value: float) -> float | None:
    return float(value) if value < LONGEST_S else None


def _drivers(found: FailBands, values: Any) -> list[dict[str, Any]]:
    made = []
    for driver in drivers(found.u, values):
        unknown = found.unknowns[driver.unknown]
        made.append(
            {
                "figure": unknown.label, "share": driver.share, "effect": "longer" if driver.rises else "shorter",
                "confidence": unknown.confidence, "source": unknown.source,
            }
        )  # fmt: skip
    return made


def render(told: dict[str, Any]) -> str:
    """Lines for a terminal."""
    lines = [
        f"{told['site']}, {told['at_utc']}: {told['fault']}, {told['racks']:,} racks; closed form over "
        f"{told['samples']} samples of {told['unknowns']} figures: {told['confidence']}",
        "",
        f"{'s after the loss':34}{'P10':>10}{'P50':>10}{'P90':>10}{'centre':>10}{'happens':>10}",
    ]
    names = {
        "alarm_s": "inlets beyond what they allow", "slowed_s": "racks slow down", "trip_s": "racks trip",
        "junction_s": "by the junction alone, it would be",
    }  # fmt: skip
    for key, name in names.items():
        row = told["times"][key]
        cells = "".join(f"{_cell(row[q]):>10}" for q in ("p10", "p50", "p90", "centre"))
        lines.append(f"{name:34}{cells}{row['share_within']:>10.0%}")
    for key, name in names.items():
        found = told["times"][key]["drivers"]
        if found:
            lines += ["", f"What drives it: {name}"]
            told_of = [row for row in found if row["share"] >= LEAST_SHARE]
            lines += [f"  {row['share']:5.0%}  {row['effect']:8} with {row['figure']}" for row in told_of]
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


__all__ = ["TIMES", "WORDS", "FailBands", "fail_bands", "plain", "render"]
