"""The power path in a failure: who rides, who stands, who is dark from when, and where every joule comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.analysis.beside import expected
from twin.analysis.fail import Failure, fail, told
from twin.analysis.fail_power import pattern
from twin.core.columns import Elm, Fac
from twin.core.errors import InputError
from twin.engine.faults import RESET_S, make_faults
from twin.engine.outage import SEQUENCE_S
from twin.engine.power_ledger import PowerLedger
from twin.power.machine_gear import HOLD_UP_S
from twin.power.store import Store

AT = "2028-07-11T18:00"
BACKED = """\
format: 1
base: oklahoma-10
name: backed
electrical:
  elements:
    plant: {{device: tr-2500-eu-tier2, count: 2, fed_from: mv{plant}}}
templates:
  cs3-hall:
    chain:
      ups: {{device: ups-99-eco, count: 3, mechanical: true, store: {{device: ups-battery-90s, count: {stores}}}}}
      lv: {{device: lv-switchgear, count: 3{sets}}}
"""
SETS = ", generators: {{device: genset-2500kw, count: {}}}"
# Two systems are lost of four: what hangs on both of them, and nothing else, is dark.
QUAD = """\
format: 1
base: oklahoma-10
name: quad
templates:
  cs3-hall:
    chain:
      rpp: {device: rpp-500kw, count: 24, systems: 4, own: true}
      ups: {device: ups-galaxy-vxl-1250, count: 4, systems: 4, mechanical: true}
      lv: {device: lv-switchgear, count: 4, systems: 4}
      transformer: {device: tr-2500-eu-tier2, count: 4, systems: 4, losses_to: outdoors}
inference:
  demand: {chat: {workload: chat, fill: 0.9}}
  services:
    chat: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1, okc/hall-2]}, mix: {chat: 1}}
"""


@pytest.fixture
def site(tmp_path):
    """A writer of sites: sets at the halls and at the plant, batteries of a hall."""

    def write(sets: int = 3, plant: int = 2, stores: int = 3) -> str:
        path = tmp_path / f"backed-{sets}-{plant}-{stores}.yaml"
        path.write_text(BACKED.format(
            plant=SETS.format(plant) if plant else "", sets=SETS.format(sets) if sets else "", stores=stores
        ))  # fmt: skip
        return str(path)

    return write


@pytest.fixture(scope="module")
def quad(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("quad") / "quad.yaml"
    path.write_text(QUAD)
    return str(path)


def lost(site: str, *elements: str, **how: Any) -> Failure:
    asked: dict[str, Any] = {"at": AT, "lasting_s": 300.0, "load": "full", **how}
    return fail(site, elements or ("grid:outage",), **asked)


def happened(failure: Failure, what: str, node: str = "") -> list[float]:
    """When ``what`` happens to nodes whose name holds ``node``, s after the loss."""
    return [e["s"] for e in told(failure)["power"]["events"] if e["what"] == what and node in e["node"]]


def at(failure: Failure, seconds: float) -> int:
    """Index of the step that ends so long after the loss."""
    return int(np.searchsorted(failure.times_s, failure.at_s + seconds))


# ------------------------------------------------------------------------------------------- loss of utility
def test_sets_that_start_within_what_the_water_stores_keep_every_rack(site):
    """Batteries, start, block loads, walk-in, chillers, recharge, retransfer; no rack minds and the ledger closes."""
    failure = lost(site(), lasting_s=1500.0, repair_s=600.0)
    answer, series = told(failure), failure.series
    assert answer["racks_tripped"] == 0
    assert answer["power"]["dropped"] == []
    order = ["on battery", "generator starts", "load accepted", "walk-in ends", "recharged", "retransferred"]
    first = [min(happened(failure, what)) for what in order]
    assert first == sorted(first)
    assert first[0] == 0.0
    # The meter stands still from the loss to the retransfer; then it carries everything again.
    away = slice(at(failure, 1), at(failure, first[-1] - 1) + 1)
    assert np.ptp(series["site_power"][away]) == series["site_power"][at(failure, 2)] == 0.0
    assert series["site_power"][-1] > series["site_it_power"][-1]
    assert np.ptp(series["site_it_power"]) < 1.0
    assert series["racks_dark"].max() == 0.0
    assert failure.residual < 1e-9
    assert failure.power is not None
    assert failure.power.ledger.residual < 1e-9


def test_what_batteries_gave_is_put_back_from_upstream(site):
    """Over the whole sequence the stores end as they began; what was lost in them came from grid and sets."""
    failure = lost(site(), lasting_s=1500.0, repair_s=600.0)
    energy, series = told(failure)["power"]["energy_mwh"], failure.series
    assert told(failure)["power"]["state_of_charge"]["least_at_end"] == pytest.approx(1.0)
    store = failure.prepared.loaded.library.get("ups-battery-90s", Store)
    round_trip = store.charge_efficiency.value * store.discharge_efficiency.value
    assert energy["discharged"] == pytest.approx(round_trip * energy["charged"], rel=1e-6)
    # It is drawn while they charge: more than what the site draws once they are full.
    full = max(happened(failure, "recharged"))
    drawn = series["site_power"] + series["generation_power"]
    assert drawn[at(failure, full - 20)] > drawn[at(failure, full + 20)] + 0.5e6


def test_a_plant_comes_back_in_order(site):
    failure = lost(site(), lasting_s=900.0)
    plant = happened(failure, "back", "okc/chw")[0]
    edge = float(np.ceil(plant))
    heat, capacity = failure.series["plant_heat"][:, 0], failure.series["plant_capacity"][:, 0]
    restart = float(failure.prepared.plan.arrays.fac[0, Fac.RESTART])
    assert heat[at(failure, 2) : at(failure, edge + SEQUENCE_S)] == pytest.approx(0.0, abs=1.0)
    assert capacity[at(failure, edge + SEQUENCE_S + 5)] < 0.5 * capacity[0]
    assert capacity[at(failure, edge + restart - 2)] < 0.5 * capacity[0]
    assert capacity[at(failure, edge + restart + 2)] > 0.9 * capacity[0]


def test_a_plant_without_sets_is_a_loss_of_its_pumps_and_racks_trip_by_the_closed_form(site):
    """The utility is back after a quarter of an hour: all racks trip before, as their water says."""
    failure = lost(site(plant=0), lasting_s=300.0, repair_s=900.0)
    plan, loaded, begin = failure.prepared.plan, failure.prepared.loaded, failure.at_s
    same = make_faults(plan, loaded, [("okc/chw:pumps", begin, np.inf)])
    closed = expected(failure.present, same, throttling=True, lasting_s=300.0)
    rows = [row for row in failure.groups if row["trip_s"] is not None]
    assert len(rows) == len(failure.groups)
    assert {row["cause"] for row in rows} == {"coolant_inlet"}
    for row in rows:
        assert row["trip_s"] == pytest.approx(closed[row["group"]].trip_s, rel=0.05)
    assert failure.residual < 1e-9


def test_without_sets_batteries_end_at_the_closed_form_racks_go_dark_and_cool_down(site):
    failure = lost(site(sets=0, plant=0, stores=2), lasting_s=600.0)
    answer = told(failure)
    store = failure.prepared.loaded.library.get("ups-battery-90s", Store)
    drawn = [e["value"] for e in answer["power"]["events"] if e["what"] == "on battery"]
    ends = happened(failure, "battery empty")
    assert len(ends) == len(drawn) == 2
    for end, watts in zip(ends, drawn, strict=True):
        assert end == pytest.approx(2 * store.usable_j() / watts, rel=1e-3)
    assert answer["racks_tripped"] == answer["racks"]
    assert answer["racks_at_end"] == 0
    assert {row["cause"] for row in answer["groups"]} == {"power"}
    for row in answer["groups"]:
        assert row["trip_s"] == pytest.approx(ends[0] + HOLD_UP_S, abs=1e-3)
    dropped = answer["power"]["dropped"]
    assert sum(row["racks"] for row in dropped) == answer["racks"]
    assert sum(row["kw"] for row in dropped) == pytest.approx(1e3 * answer["it_mw"]["before"], rel=1e-6)
    hottest = failure.series["hall_rack_temperature_maximum"].max(axis=1)
    assert hottest[-1] < hottest[at(failure, ends[0])] - 2.0
    # What racks drew from their loss to the edge of the step is no more than a second of it.
    assert 0.0 < answer["power"]["unserved_to_the_edge_mj"] < 1.1 * answer["it_mw"]["before"]
    assert failure.residual < 1e-9


def test_a_set_that_does_not_start_is_made_up_for_by_the_one_to_spare_and_else_its_hall_goes_dark(site):
    """10 % of eight sets is one; a hall needs two of three. Without one to spare its batteries run empty."""
    spare = lost(site(), "grid:outage", "generators:fail=10%", lasting_s=300.0)
    assert len(happened(spare, "generator failed to start")) == 1
    assert told(spare)["racks_tripped"] == 0
    bare = lost(site(sets=2), "grid:outage", "generators:fail=17%", lasting_s=1000.0, repair_s=600.0)
    failed = [e["node"] for e in told(bare)["power"]["events"] if e["what"] == "generator failed to start"]
    assert len(failed) == 1
    hall = failed[0].rpartition("/")[0]
    assert hall, "the draw of this seed is to hit a hall"
    assert {row["block"].rpartition("/")[0] for row in told(bare)["power"]["dropped"]} == {hall}
    (end,) = happened(bare, "battery empty")
    assert {round(row["trip_s"] - end, 3) for row in bare.groups if row["hall"] == hall} == {HOLD_UP_S}
    assert all(row["trip_s"] is None for row in bare.groups if row["hall"] != hall)
    # The set that runs has no room for its racks: they wait until the utility carries the hall again.
    dark, back = bare.series["racks_dark"], max(happened(bare, "retransferred", hall))
    assert back - end > 5 * RESET_S
    assert dark[at(bare, back - 1)] == dark.max() > 0.0
    assert dark[at(bare, back + 2)] == 0.0
    assert max(spare.residual, bare.residual) < 1e-9


def test_the_old_assumption_stays_where_an_amount_is_given(site):
    failure = lost(site(), "grid:outage=60s")
    assert failure.power is None
    assert "power" not in told(failure)
    assert lost("oklahoma-10").power is None


# ---------------------------------------------------------------------------------------------- elements
def test_one_ups_of_four_systems_is_lost_and_nobody_minds(quad):
    failure = lost(quad, "okc/hall-1/ups-B", lasting_s=120.0, repair_s=60.0, load=None)
    answer, series = told(failure), failure.series
    run = failure.power
    assert run is not None
    ups = [n for n, name in enumerate(run.site.name) if "hall-1/ups-" in name]
    share = sum(run.machine.state.live.out[ups]) / sum(run.site.net.rated[ups])
    assert 0.65 < share <= 0.75
    assert (answer["racks_tripped"], answer["power"]["dropped"]) == (0, [])
    n = at(failure, 0.0)
    assert series["tokens"][n:] == pytest.approx(series["tokens"][n], rel=1e-9)
    assert series["racks_dark"].max() == 0.0
    assert failure.residual < 1e-9


def test_blocks_on_two_dead_systems_are_dark_by_themselves_and_take_their_tokens_along(quad):
    failure = lost(quad, "okc/hall-1/ups-A", "okc/hall-1/ups-B", lasting_s=400.0, repair_s=60.0, load=None)
    answer, run = told(failure), failure.power
    assert run is not None
    dark = {row["block"] for row in answer["power"]["dropped"]}
    net, name = run.site.net, run.site.name
    on_both = {
        name[n] for n, role in enumerate(run.site.role) if role == "racks" and "hall-1" in name[n] and {
            name[f].rpartition("/")[2][:5] for f in net.feed[net.feed_ptr[n] : net.feed_ptr[n + 1]]
        } == {"rpp-A", "rpp-B"}
    }  # fmt: skip
    assert dark == on_both
    assert 0 < len(dark) < sum(role == "racks" for role in run.site.role) / 4
    dropped = sum(row["racks"] for row in answer["power"]["dropped"])
    assert failure.series["racks_dark"].max() == dropped
    # Somebody looks before they run again: then all do.
    assert failure.series["racks_dark"][at(failure, 60 + RESET_S - 1)] == dropped
    assert failure.series["racks_dark"][at(failure, 60 + RESET_S + 2)] == 0.0
    assert answer["racks_at_end"] == answer["racks"]
    assert failure.series["tokens"].min() < failure.series["tokens"][0]
    assert failure.residual < 1e-9


def test_a_panel_that_is_opened_on_purpose_says_who_is_hit(quad):
    """Panel and its partner of the same racks: their block alone; either alone: nobody."""
    alone = lost(quad, "okc/hall-1/rpp-A-01:breaker", lasting_s=30.0, load=None)
    assert told(alone)["power"]["dropped"] == []
    both = lost(quad, "okc/hall-1/rpp-A-01:breaker", "okc/hall-1/rpp-B-01:breaker", lasting_s=30.0, load=None)
    assert [row["block"] for row in told(both)["power"]["dropped"]] == ["okc/hall-1/racks-001"]


def test_a_sag_locks_nothing_once_and_a_ups_can_be_put_on_battery_and_on_bypass_by_hand(site):
    sag = lost(site(), "grid:sag=50%", lasting_s=60.0, repair_s=1.0)
    assert len(happened(sag, "on battery")) == 2
    assert happened(sag, "locked on battery") == []
    assert told(sag)["racks_tripped"] == 0
    assert sag.series["soc_least"].min() < 1.0
    held = lost(site(), "okc/hall-1/ups:locked", lasting_s=90.0, repair_s=30.0)
    assert happened(held, "locked on battery", "hall-1") == [0.0]
    assert happened(held, "walk-in ends", "hall-1")[0] > 30.0
    passed = lost(site(), "okc/hall-1/ups:bypass", lasting_s=30.0)
    assert happened(passed, "on bypass", "hall-1") == [0.0]
    assert passed.series["soc_least"].min() == 1.0


# ---------------------------------------------------------------------------------------- ledger and words
def test_a_joule_that_nobody_gave_shows_in_the_ledger():
    heat = np.array([[50.0, 20.0, 20.0]])  # out, stored, gross
    terms = {"grid": 60.0, "generation": 10.0, "discharged": 20.0, "charged": 5.0, "cut": 1.0, "lost": 16.0}
    ledger = PowerLedger(rated_w=100.0, interval_s=1.0)
    ledger.add(1.0, terms, outdoors=14.0, late=2.0, heat=heat)
    assert ledger.residual == 0.0
    ledger.add(1.0, terms | {"grid": 61.0}, outdoors=14.0, late=2.0, heat=heat)
    assert ledger.residual == pytest.approx(1.0 / (91.0 + 5.0 + 50.0 + 20.0))


def test_elements_alike_are_one_line_with_stars_where_their_numbers_differ():
    assert pattern(["b1/b1-h1/ups", "b2/b2-h1/ups"]) == "b*/b*-h1/ups"
    assert pattern(["b1/h-4n3/rpp-A-01", "b1/h-4n3/rpp-A-02"]) == "b1/h-4n3/rpp-A-*"
    assert pattern(["yard"]) == "yard"


def test_losses_of_a_chain_stand_in_its_rooms_as_the_path_has_them(site):
    """On battery nothing flows through the switchgear and transformers above a UPS, and nothing is lost there."""
    failure = lost(site(), lasting_s=10.0)
    run, labels = failure.power, failure.prepared.plan.labels.element
    assert run is not None
    columns = run.arrays(failure.prepared.plan.arrays).element
    lost_w = dict(zip(labels, (columns[:, Elm.RATED] * columns[:, Elm.A]).tolist(), strict=True))
    assert lost_w["okc/hall-1/lv"] == lost_w["okc/hall-1/transformer"] == 0.0
    assert lost_w["okc/hall-1/ups"] > 1e4
    assert lost_w["okc/hall-1/rpp"] > 1e3


# --------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (["okc/hall-1/upz"], 'did you mean "okc/hall-1/ups"'),
        (["okc/hall-1/ups:bypas"], 'did you mean "bypass"'),
        (["okc/hall-1/lv:locked"], 'no mode "locked"'),
        (["okc/hall-1/ups:units=4"], "out of range, expected 1 to 3"),
        (["grid:sag=120%"], "out of range"),
        (["generators:fail=2"], "out of range"),
        (["grid:outage=60s", "okc/hall-1/ups"], "leave its amount out"),
    ],
)
def test_what_cannot_break_like_that_is_told(site, elements, words):
    with pytest.raises(InputError, match=words):
        lost(site(), *elements)


def test_a_ups_without_a_battery_cannot_be_locked_on_it(quad):
    with pytest.raises(InputError, match="has no battery to be locked on"):
        lost(quad, "okc/hall-1/ups-A:locked")
