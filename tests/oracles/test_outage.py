"""Loss of utility of the large site at full load on its design day, held against the hand (U01 to U04).

U01 the sets start and no rack minds, U02 the plants wait for the utility, U03 one set in ten does not start, U04 none.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from twin.analysis.beside import expected
from twin.analysis.fail import Failure, fail, told
from twin.engine.faults import make_faults
from twin.power.generator import Generator
from twin.power.machine_gear import USUAL
from twin.power.store import Store

AT = "2029-07-18T20:00"  # everything is energised; 33.3 degC
PLANTS = tuple(f"b{n}-plant:breaker" for n in range(1, 10))
LAW = "closed form by hand, figures of the library entries"


@cache
def lost(*elements: str, lasting_s: float, repair_s: float | None = None) -> Failure:
    return fail("prairie-750", elements, at=AT, load="full", lasting_s=lasting_s, repair_s=repair_s)


def events(failure: Failure, what: str, last: str = "") -> list[dict[str, Any]]:
    """What happened to nodes whose name ends like that."""
    return [e for e in told(failure)["power"]["events"] if e["what"] == what and e["node"].endswith(last)]


def batteries(failure: Failure, node: str) -> tuple[Store, int]:
    """The store behind a UPS, and how many."""
    run = failure.power
    assert run is not None
    backed = run.site.backed[run.site.index[node]]
    assert backed is not None
    assert backed.store is not None
    return failure.prepared.loaded.library.get(backed.store.device, Store), backed.store.count


def ledger(validation_row, case: str, failure: Failure) -> None:
    what = "loss of utility, prairie-750: defect of the joint ledger of a step"
    validation_row(case, what, 0.0, failure.residual, abs=1e-9, source="conservation of energy", basis="checked")


def test_sets_start_within_what_the_water_stores(validation_row):
    failure = lost("grid:outage", lasting_s=1500.0, repair_s=600.0)
    answer = told(failure)
    sets = failure.prepared.loaded.library.get("genset-2500kw", Generator)
    first = min(e["s"] for e in events(failure, "generator ready"))
    by_hand = sets.detect_s.value + sets.start_s.value
    validation_row("U01", "first set ready, s", by_hand, first, abs=1e-6, source=LAW, basis="checked")
    # On battery until taken, the input good for a while, then half of the power over the walk-in.
    ends = {e["node"]: e["s"] for e in events(failure, "walk-in ends")}
    given = sum(e["value"] * (ends[e["node"]] - 0.5 * float(USUAL["walk_in_s"])) for e in events(failure, "on battery"))
    got = answer["power"]["energy_mwh"]["discharged"]
    validation_row("U01", "energy from 55 banks of batteries, MWh", given / 3.6e9, got, rel=2e-3, source=LAW,
                   basis="checked")  # fmt: skip
    dark = answer["racks_tripped"] + sum(row["racks"] for row in answer["power"]["dropped"])
    validation_row("U01", "racks that trip or go dark", 0.0, dark, abs=0.0, source="asked of the site", basis="checked")
    validation_row("U01", "state of charge at the end", 1.0, answer["power"]["state_of_charge"]["least_at_end"],
                   abs=1e-9, source=LAW, basis="checked")  # fmt: skip
    ledger(validation_row, "U01", failure)


def test_plants_that_wait_a_quarter_of_an_hour_lose_their_racks_when_the_closed_form_says(validation_row):
    failure = lost("grid:outage", *PLANTS, lasting_s=300.0, repair_s=900.0)
    plan, begin = failure.prepared.plan, failure.at_s
    asked = [(f"{loop}:pumps", begin, np.inf) for loop in plan.labels.loop]
    same = make_faults(plan, failure.prepared.loaded, asked)
    closed = expected(failure.present, same, throttling=True, lasting_s=300.0)
    rows = [row for row in failure.groups if row["group"] in closed and closed[row["group"]].trip_s is not None]
    assert len(rows) > 500
    for kind in sorted({row["rack"] for row in rows}):
        first = min((row for row in rows if row["rack"] == kind), key=lambda row: row["trip_s"] or np.inf)
        assert first["cause"] == "coolant_inlet"
        by_hand = closed[first["group"]].trip_s
        assert by_hand is not None
        validation_row("U02", f"no plant: first trip of {kind}, s", by_hand, first["trip_s"], rel=0.01,
                       source="closed form of a loss of facility flow", basis="checked")  # fmt: skip
    ledger(validation_row, "U02", failure)


def test_of_one_set_in_ten_that_does_not_start_halls_go_dark_whose_others_cannot_carry_them(validation_row):
    failure = lost("grid:outage", "generators:fail=10%", lasting_s=500.0)
    run, sets = failure.power, failure.prepared.loaded.library.get("genset-2500kw", Generator)
    assert run is not None
    starting = {e["node"].rpartition("/")[0]: e["value"] for e in events(failure, "generator starts", "/lv")}
    into = {e["node"].rpartition("/")[0]: e["value"] for e in events(failure, "on battery", "/ups")}
    set_w = 1e3 * sets.rated_kw.value
    short = {hall for hall, watts in into.items() if 1.05 * watts > set_w * starting.get(hall, 0.0)}
    empty = {e["node"].rpartition("/")[0] for e in events(failure, "battery empty", "/ups")}
    # Where a plant has lost sets as well, the water trips racks first, and what is left may fit.
    watered = {row["hall"] for row in failure.groups if row["cause"] == "coolant_inlet"}
    assert empty <= short
    short -= watered - empty
    missing = sum(e["value"] for e in events(failure, "generator failed to start"))
    all_sets = sum(plant.sets for plant in run.machine.plants)
    validation_row("U03", "sets that fail, of all", 0.1, missing / all_sets, abs=0.5 / all_sets, source=LAW,
                   basis="checked")  # fmt: skip
    validation_row("U03", "halls whose batteries run empty", len(short), len(empty), abs=0.0, source=LAW,
                   basis="checked")  # fmt: skip
    ledger(validation_row, "U03", failure)


def test_without_sets_batteries_end_at_the_closed_form(validation_row):
    failure = lost("grid:outage", "generators:fail=100%", lasting_s=500.0)
    # Halls of air-cooled racks outlast the others; what they draw stays as it is.
    for hall in ("b2/b2-h6", "b5/b5-h6"):
        store, count = batteries(failure, f"{hall}/ups")
        (watts,) = [e["value"] for e in events(failure, "on battery") if e["node"] == f"{hall}/ups"]
        (end,) = [e["s"] for e in events(failure, "battery empty") if e["node"] == f"{hall}/ups"]
        validation_row("U04", f"battery of {hall} empty, s", count * store.usable_j() / watts, end, rel=0.01,
                       source=LAW, basis="checked")  # fmt: skip
    answer = told(failure)
    validation_row("U04", "racks that run at the end", 0.0, answer["racks_at_end"], abs=0.0, source=LAW,
                   basis="checked")  # fmt: skip
    hottest = np.nanmax(failure.series["hall_rack_temperature_maximum"], axis=1)
    assert hottest[-1] < hottest.max() - 5.0
    ledger(validation_row, "U04", failure)
    assert answer["it_mw"]["end"] == pytest.approx(0.0, abs=1e-6)
