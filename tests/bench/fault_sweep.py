"""Case ``sweep``: every CDU, pump, chiller and tower of a campus of 32,768 racks, and what following less costs."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from tests.bench.measure import Row, child
from tests.bench.process import CLI
from twin.analysis.fail import Failure, fail
from twin.analysis.sweep import sweep
from twin.engine.faults import MODES, Fault, parse
from twin.engine.sweep import Checkpoint, Reached, energised, follow, whole
from twin.site.generate import bench_site

SECONDS, TRIP_S, PEAK_K = 180.0, 0.2, 0.05
ONE_S = 5.0
FAULTS, QUICK_FAULTS = 30, 6
VIOLATED = 1


@dataclass(frozen=True)
class Apart:
    """Largest differences from the full run: trips (s), peaks (K), and groups that run in one and not in the other."""

    trip_s: float
    peak_k: float
    survivors: int
    followed: int


def random_faults(check: Checkpoint, count: int, seed: int) -> list[Fault]:
    """``count`` faults of any mode: half of CDUs, half of anything else, as they come."""
    rng = np.random.default_rng(seed)
    names = [name for name, place in check.known.items() if place.role != "grid" and energised(check, name)]
    cdus = [name for name in names if check.known[name].role == "cdu"]
    others = [name for name in names if check.known[name].role != "cdu"]
    made = []
    for n in range(count):
        name = str(rng.choice(cdus if n % 2 else others))
        mode = str(rng.choice(list(MODES[check.known[name].role])))
        made.append(parse(f"{name}:{mode}", check.at_s, inf, check.known, "fault"))
    return made


def difference(check: Checkpoint, full: Failure, found: Reached) -> Apart:
    """A fault followed as far as it reaches against the full run of the whole site."""
    a, runs, trips = check.plan.arrays, [], []
    followed = dict(zip(found.groups.tolist(), found.trip_s.tolist(), strict=True))
    for row in full.groups:
        trip = followed.get(row["group"], np.nan)
        runs.append(row["runs"] == np.isnan(trip))
        if row["trip_s"] is not None and not np.isnan(trip):
            trips.append(abs(trip - row["trip_s"]))
    halls = np.unique(a.sec_hall[a.group_air[found.groups]])
    after = full.times_s > check.at_s
    water = full.series["hall_liquid_supply_temperature_maximum"][after][:, halls].max()
    # Racks behind one CDU are not told from others of their hall by the full run: all racks of the island are then run.
    hottest = whole(check, found.fault).rack_c
    if found.island >= 0 and check.known[found.fault.element].role != "cdu":
        hottest = full.series["hall_rack_temperature_maximum"][after][:, halls].max()
    peak = max(abs(water - found.inlet_c), abs(hottest - found.rack_c))
    return Apart(max(trips, default=0.0), float(peak), int(np.sum(np.logical_not(runs))), 1)


def against_full(site: str, check: Checkpoint, faults: list[Fault], lasting_s: float) -> Apart:
    """The largest differences over faults."""
    made = [
        difference(check, fail(site, [fault.named()], at=check.at_s, lasting_s=lasting_s), follow(check, fault))
        for fault in faults
    ]
    return Apart(
        max(m.trip_s for m in made), max(m.peak_k for m in made), sum(m.survivors for m in made), len(made)
    )  # fmt: skip


def run(quick: bool, full: bool) -> list[Row]:
    """Wall times of one fault and of the sweep, whole processes; differences over random faults."""
    del full
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "bench-32k.yaml")
        site.write_text(bench_site())
        command = ("fail", str(site), "--every", "cdu,pump,chiller,tower", "--json")
        child(CLI, *command, "--for", "1min", codes=(VIOLATED,))  # compiles what is not compiled yet
        took = child(CLI, *command, codes=(VIOLATED,))
        cases = json.loads(took.stdout)["cases"]
        one = ("fail", str(site), "b1/h1/cdu-01")
        child(CLI, *one, "--for", "1min", codes=(VIOLATED,))
        single = child(CLI, *one, codes=(VIOLATED,))
        check = sweep(str(site), ["economizer"]).check
        found = against_full(str(site), check, random_faults(check, QUICK_FAULTS if quick else FAULTS, 1), 1800.0)
    work = f"bench-32k, {found.followed} random faults of 30 min against the full run"
    return [
        Row("fail", "bench-32k, a CDU, 30 min at 1 s, second process", single.wall_s, " s", ONE_S, True,
            f"{single.cpu_s:.1f} s CPU"),
        Row("sweep", f"bench-32k, {cases:,} faults of 30 min at 1 s, whole process", took.wall_s, " s", SECONDS, True,
            f"{took.cpu_s:.0f} s CPU, {took.peak_mb:.0f} MB"),
        Row("sweep / full", work + ": trips", found.trip_s, " s", TRIP_S, True),
        Row("sweep / full", work + ": peaks", found.peak_k, " K", PEAK_K, True),
        Row("sweep / full", work + ": groups that survive in one only", found.survivors, "", 0, True),
    ]  # fmt: skip


__all__ = ["against_full", "difference", "random_faults", "run"]
