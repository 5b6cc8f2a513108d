"""Pumps and CDUs that fail one by one: flows by the curves, heat in balance, what stands by takes over in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.analysis.fail import Failure, fail, told
from twin.analysis.headroom import headroom
from twin.cooling.cdu import Cdu
from twin.cooling.pump_curve import Pump, PumpBank, Pumps, flow_of, speed_of
from twin.core.columns import Fac, Group, Sec
from twin.core.errors import InputError
from twin.core.variables import slot
from twin.engine.faults import MODES, places
from twin.engine.lost import banks, without
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.model import Liquid
from twin.site.pumping import cdu_pumps

SITE, MANIFOLD, LOOP = "rubin-manifold", "b/h/manifold-01", "b/hot"
AT = "2028-07-11T18:00"
CDU, PUMP = "cdu-1350kw-3-pumps", "cdu-pump-1000lpm"


@pytest.fixture(scope="module")
def loaded() -> LoadedSite:
    return load_site(SITE)


def broken(site: LoadedSite, *elements: str, **how: Any) -> Failure:
    return fail(site, elements, **{"at": AT, "lasting_s": 60.0, "load": "full", **how})


def with_pumps(
    loaded: LoadedSite, count: int, standby: int, fail_over_s: float = 5.0, static: float = 0.1
) -> LoadedSite:  # fmt: skip
    """The site with other pumps in its CDUs."""
    cdu, pump = loaded.library.get(CDU, Cdu), loaded.library.get(PUMP, Pump)
    waits = pump.fail_over_s.model_copy(update={"value": fail_over_s})
    share = cdu.fixed_head_share.model_copy(update={"value": static})
    changed = {
        CDU: cdu.model_copy(
            update={"pumps": Pumps(device=PUMP, count=count, standby=standby), "fixed_head_share": share}
        ),
        PUMP: pump.model_copy(update={"fail_over_s": waits}),
    }
    return replace(loaded, library=loaded.library.changed(changed))


def liquid_of(loaded: LoadedSite) -> Liquid:
    liquid = loaded.site.templates["rubin"].liquid
    assert liquid is not None
    return liquid


def pumps_of(loaded: LoadedSite) -> PumpBank:
    pumps = cdu_pumps(liquid_of(loaded), loaded.library)
    assert pumps is not None
    return pumps


def flows(failure: Failure) -> tuple[Any, Any]:
    """Times (s after the fault) and coolant flow per largest, at the ends of steps, run again step by step."""
    engine = failure.prepared.engine()
    engine.faults = failure.faults
    engine.headroom_at = np.zeros((failure.prepared.timeline.intervals, 1), np.uint8)
    sec = failure.prepared.plan.arrays.sec[0]
    rows = [result.levels["cdu"][:, 0, slot("cdu_flow")] for result in engine.blocks()]
    return failure.times_s - failure.at_s, np.concatenate(rows) * sec[Sec.CP] / sec[Sec.W_MAX]


# ------------------------------------------------------------------------------------------------- flows
def test_the_others_hold_the_flow_and_until_then_give_what_their_curve_says(loaded):
    """One of two pumps on duty in each of five CDUs is lost; one stands by."""
    failure = broken(loaded, f"{MANIFOLD}:pumps=5")
    s, flow = flows(failure)
    pumps = pumps_of(loaded)
    before = flow[s <= 0.0][-1]
    assert before == pytest.approx(24 * 315 / (5 * 2025), rel=1e-3)  # the racks' design flow per the CDUs' largest
    speed = speed_of(pumps.curve, pumps.system, 10, before * pumps.largest)
    least = flow_of(pumps.curve, pumps.system, 5, speed) / pumps.largest
    most = flow_of(pumps.curve, pumps.system, 5) / pumps.largest
    # From there the speed rises with the lag of the control, by its step mean of the first second.
    target = min(before, most)
    lag = loaded.library.get(CDU, Cdu).flow_lag_s.value
    first = target + (least - target) * lag * (1.0 - np.exp(-1.0 / lag))
    assert flow[s == 1.0][0] == pytest.approx(first, rel=1e-3)
    assert flow[(s > 0.0) & (s <= 5.0)].max() < most
    assert flow[-1] == pytest.approx(before, rel=1e-3)
    assert {"s": 5.0, "what": f"{MANIFOLD}: a pump that stood by has taken over"} in told(failure)["timeline"]


def test_without_one_that_stands_by_the_flow_stays_at_what_is_left(loaded):
    site = with_pumps(loaded, 2, 0)
    _, flow = flows(broken(site, f"{MANIFOLD}:pumps=7"))
    pumps = pumps_of(site)
    most = flow_of(pumps.curve, pumps.system, 3) / pumps.largest
    assert flow[-1] == pytest.approx(most, rel=1e-3)
    assert most < flow[0]


def test_the_pumps_of_a_loop_are_lost_one_by_one_as_well(loaded):
    """Two of three: none stands by any more, and one gives less than the loop asks for."""
    failure = broken(loaded, f"{LOOP}:pumps=2", lasting_s=120.0)
    fac = failure.faults.plan.arrays.fac[0]
    one = failure.faults.arrays(failure.at_s + 60.0).fac[0, Fac.RUNNING]
    assert fac[Fac.RUNNING] == 1.0
    assert 0.4 < one < 0.8
    assert failure.faults.arrays(failure.at_s).fac[0, Fac.RUNNING] == 0.0
    assert failure.residual < 1e-9


def test_faults_on_the_same_pumps_or_units_add_up(loaded):
    failure = broken(loaded, f"{MANIFOLD}:pumps=5", f"{MANIFOLD}:pumps=10", lasting_s=20.0)
    assert failure.faults.arrays(failure.at_s + 10.0).sec[0, Sec.RUNNING] == 0.0
    for more in (1, 2):
        twice = broken(loaded, f"{MANIFOLD}:units=1", f"{MANIFOLD}:units={more}", lasting_s=20.0)
        once = broken(loaded, f"{MANIFOLD}:units={1 + more}", lasting_s=20.0)
        np.testing.assert_array_equal(twice.faults.arrays(twice.at_s).sec, once.faults.arrays(once.at_s).sec)
        np.testing.assert_array_equal(flows(twice)[1], flows(once)[1])


# --------------------------------------------------------------------------------------------- manifolds
@pytest.mark.parametrize("mode", ["units", "units=5", "pumps", "pumps=5", "facility", "leak", "sensor", "fouling"])
def test_heat_in_is_heat_out_plus_stored_whatever_fails_on_a_manifold(loaded, mode):
    assert broken(loaded, f"{MANIFOLD}:{mode}", repair_s=30.0).residual < 1e-9
    assert mode.partition("=")[0] in MODES["manifold"]


def test_four_of_five_cdus_carry_all_racks_and_three_do_not(loaded):
    one, two = (broken(loaded, f"{MANIFOLD}:units={n}", lasting_s=600.0) for n in (1, 2))
    (_, flow), (_, less) = flows(one), flows(two)
    assert told(one)["racks_tripped"] == 0
    assert flow[-1] == pytest.approx(flow[0], rel=1e-3)
    assert less[-1] == pytest.approx(3 / 5, rel=1e-3)
    # At once each of the four gives more than before, for the manifold asks for less head, and all less together.
    assert 4 / 5 * flow[0] < flow[60] < flow[0]


def test_all_cdus_on_one_manifold_are_the_sum_of_those_that_stand_alone(loaded):
    """Five alone with a fifth of the racks each: the same rows, five times as large."""
    site = load_site("zone-4a-adiabatic")
    alone = lower(site).arrays
    liquid = liquid_of(site).model_copy(update={"manifolds": 1})
    rubin = site.site.templates["rubin"].model_copy(update={"liquid": liquid})
    joined = lower(replace(site, site=site.site.model_copy(update={"templates": {"rubin": rubin}}))).arrays
    assert len(joined.sec) == 2
    extensive = [Sec.W_MAX, Sec.WP_MAX, Sec.UA, Sec.C_RETURN, Sec.PUMP_3, Sec.RATED, Sec.RATED_HEAT, Sec.W_GROUPS]
    np.testing.assert_allclose(joined.sec[0, extensive], alone.sec[:5, extensive].sum(axis=0), rtol=1e-12)
    assert joined.group[:, Group.COUNT].sum() == alone.group[:, Group.COUNT].sum()


def test_pumps_that_others_make_up_for_are_no_bank_and_the_last_leave_no_plan(loaded):
    plan = lower(loaded)
    assert banks(loaded, plan)[MANIFOLD].count == 5
    assert f"{MANIFOLD}/pumps" not in banks(loaded, plan)
    short = with_pumps(loaded, 2, 0)
    bank = banks(short, plan)[f"{MANIFOLD}/pumps"]
    assert bank.count == 10
    left = without(short, plan, f"{MANIFOLD}/pumps").arrays.sec[0, Sec.RUNNING]
    pumps = pumps_of(short)
    assert places(short, plan)[MANIFOLD].pumps == pumps
    assert left == pytest.approx(flow_of(pumps.curve, pumps.system, 9) / pumps.largest)
    with pytest.raises(InputError, match="nothing is left"):
        without(short, plan, f"{MANIFOLD}/pumps", 10)


def test_the_volume_of_a_manifold_is_that_of_its_pipe(loaded):
    """40 m of 250 mm, supply and return: 3.93 m3, 0.8 L per kW of the racks."""
    row = lower(loaded).arrays.sec[0]
    cp_rho = row[Sec.W_MAX] / (5 * 2025 / 60e3)
    assert (row[Sec.C_RETURN] + row[Sec.C_SUPPLY]) / cp_rho == pytest.approx(2 * 40 * np.pi / 4 * 0.25**2, rel=1e-9)


# -------------------------------------------------------------------------------------------------- trips
def to_trip(site: LoadedSite, lost: int) -> float:
    rows = broken(site, f"{MANIFOLD}:pumps={lost}", lasting_s=90.0, throttling=False).groups
    return min(np.inf if row["trip_s"] is None else row["trip_s"] for row in rows)


@settings(deadline=None, max_examples=8, derandomize=True)
@given(
    duty=st.integers(1, 2), lost=st.integers(1, 10), waits=st.sampled_from([0.0, 2.0, 5.0, 20.0]),
    static=st.floats(0.0, 0.6),
)  # fmt: skip
def test_a_standby_pump_never_shortens_time_to_trip_after_loss_of_a_pump(duty, lost, waits, static):
    loaded = load_site(SITE)
    lost = min(lost, 5 * duty)
    without_one = to_trip(with_pumps(loaded, duty, 0, waits, static), lost)
    with_one = to_trip(with_pumps(loaded, duty + 1, 1, waits, static), lost)
    assert with_one >= without_one - 1e-6


def test_a_pump_that_takes_over_within_five_seconds_saves_the_racks(loaded):
    """The one pump on duty in each CDU stops: with another on standby the racks ride through, else they trip."""
    assert to_trip(with_pumps(loaded, 2, 1), 5) == np.inf
    assert to_trip(with_pumps(loaded, 1, 0), 5) < 15.0


# ---------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("element", "says"),
    [
        (f"{MANIFOLD}:pumps=16", "out of range, expected 1 to 15"), (f"{MANIFOLD}:pumps=1.5", "out of range"),
        (f"{MANIFOLD}:units=6", "expected 1 to 5"), (f"{MANIFOLD}:pump=1", 'did you mean "pumps"'),
        ("b/chw:pumps=1", "nothing says how many there are"),
    ],
)  # fmt: skip
def test_what_cannot_fail_is_told(loaded, element, says):
    with pytest.raises(InputError, match=says):
        broken(loaded, element)


def test_cdus_divide_evenly_among_manifolds(tmp_path: Path):
    file = tmp_path / "uneven.yaml"
    file.write_text(f"format: 1\nbase: {SITE}\nname: uneven\ntemplates: {{rubin: {{liquid: {{manifolds: 2}}}}}}\n")
    with pytest.raises(InputError, match="5 CDUs do not divide evenly among 2 manifolds"):
        load_site(file)


# ---------------------------------------------------------------------------------------------- headroom
def test_headroom_after_one_loss_is_that_of_the_cdus_that_are_left(loaded):
    """Racks of 5.04 MW need 7,560 L/min, four CDUs give 8,100: 5.4 MW in all."""
    (row,) = headroom(loaded, [MANIFOLD], load=0.8).rows
    assert row.n_1 is not None
    assert (row.n_1.loss, row.n_1.units, row.n_1.limit) == (MANIFOLD, "1 of 5", "cdu_flow")
    assert row.it_w + row.n_1.extra_w == pytest.approx(5.04e6 * 8100 / 7560, rel=1e-3)
    assert not [single for single in row.singles if "manifold" in single.name]


def test_a_pump_that_nothing_makes_up_for_is_a_loss_that_headroom_counts(loaded):
    """Ten pumps, none of which stands by: nine give less."""
    (row,) = headroom(with_pumps(loaded, 2, 0, static=0.4), [MANIFOLD], load=0.8).rows
    lost = {room.loss: room for room in row.losses}
    pumps = lost[f"{MANIFOLD}/pumps"]
    assert pumps.units == "1 of 10"
    assert pumps.extra_w >= lost[MANIFOLD].extra_w


def test_pumps_fail_in_the_cdus_that_are_left(loaded):
    """Of 5 x (2 + 1) pumps one CDU takes three: 8 of 12 run, with eight lost the last four."""
    failure = broken(loaded, f"{MANIFOLD}:units=1", f"{MANIFOLD}:pumps=8")
    sec = failure.faults.arrays(failure.at_s + 30.0).sec[failure.faults.known[MANIFOLD].row]
    pumps = cdu_pumps(liquid_of(loaded), loaded.library)
    assert pumps is not None
    given = flow_of(pumps.curve, pumps.system, 4) / pumps.largest
    whole = failure.prepared.plan.arrays.sec[failure.faults.known[MANIFOLD].row, Sec.W_MAX]
    assert given < 0.79
    assert sec[Sec.RUNNING] * sec[Sec.W_MAX] == pytest.approx(given * whole, rel=1e-12)
    assert failure.residual < 1e-9
    none = broken(loaded, f"{MANIFOLD}:units=1", f"{MANIFOLD}:pumps=12")
    assert none.faults.arrays(none.at_s + 30.0).sec[none.faults.known[MANIFOLD].row, Sec.RUNNING] == 0.0


# -------------------------------------------------------------------------------------------- least flow
def test_coolant_below_the_least_flow_of_its_racks_is_told_when_it_falls_there(loaded):
    """At 42 degC NVIDIA asks for 1.06 L/min/kW: 71 % of the racks' design flow, 53 % of the CDUs' largest."""
    failure = broken(loaded, f"{MANIFOLD}:pumps")
    (row,) = told(failure)["coolant_below_least_flow"]
    s, flow = flows(failure)
    per_kw = flow * 5 * 2025 / (24 * 210 * 0.98)
    assert row["cooled_by"] == MANIFOLD
    assert row["from_s"] == s[np.argmax(per_kw < 1.06)]
    assert told(broken(loaded, f"{MANIFOLD}:units=1"))["coolant_below_least_flow"] == []


def test_coolant_that_a_faulty_sensor_lets_fall_below_the_dew_point_is_told():
    """Set to 21 degC and read 8 K too warm, so held at 13; the dew point of the room is 15 degC."""
    found = told(fail("oklahoma-10", ["okc/hall-1/cdu-02:sensor=-8"], at=AT, lasting_s=1200.0))
    (row,) = found["coolant_below_dew_point"]
    assert row["cooled_by"] == "okc/hall-1/cdu-02"
    assert row["supply_least_c"] == pytest.approx(13.0, abs=0.1)
    assert any("below the dew point" in line["what"] for line in found["timeline"])
    assert (
        told(fail("oklahoma-10", ["okc/hall-1/cdu-02:sensor=-5"], at=AT, lasting_s=300.0))["coolant_below_dew_point"]
        == []
    )
