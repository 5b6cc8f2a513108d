"""Measured flows and supply temperatures: physical sentences, and energy that closes whatever is measured."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.driving import DATES, Floats, advance, everywhere, powers, prepared
from tests.shipped_sites import COMPLETE
from twin.core.columns import Fac, Group, Sec
from twin.core.variables import BY_NAME
from twin.engine.driven import BOUNDS, Driven, Saved
from twin.engine.prepare import Prepared
from twin.site.plan import Arrays

FLEET = ("pool", "stream", "latency")


@pytest.fixture(scope="module", params=DATES)
def run(request: pytest.FixtureRequest) -> Prepared:
    return prepared(request.param, DATES[request.param], 60)


@pytest.fixture(scope="module")
def oklahoma() -> Prepared:
    """One loop with chillers, CDUs and air; racks that wander little."""
    return prepared("oklahoma-10", DATES["oklahoma-10"], 60)


@pytest.fixture
def twin(oklahoma: Prepared) -> Iterator[Driven]:
    made = Driven(oklahoma, oklahoma.timeline.start)
    yield made
    made.close()


def steady(twin: Driven) -> dict[str, Floats]:
    """Racks held at 70 %, air at 25 degC."""
    run = twin.prepared
    dry, wet = (everywhere(run, f"outdoor_{bulb}_bulb_temperature", t) for bulb, t in (("dry", 25.0), ("wet", 18.0)))
    return {
        "rack_power": powers(twin), "outdoor_dry_bulb_temperature": dry, "outdoor_wet_bulb_temperature": wet,
    }  # fmt: skip


def test_what_a_plain_run_says_as_input_gives_what_it_says_besides(run: Prepared) -> None:
    model, twin = (Driven(run, run.timeline.start) for _ in range(2))
    model.step({})
    twin.load(model.save())
    for _ in range(60):
        plain = model.step({})
        out = twin.step({name: plain[name] for name in BOUNDS})
        for name, expected in plain.items():
            if BY_NAME[name].level not in FLEET and name != "energy_residual":
                # The root of a headroom is closed in to a fifth of a percent.
                rtol = 2e-3 if "headroom" in name else 1e-6
                np.testing.assert_allclose(out[name], expected, rtol=rtol, atol=1e-6, err_msg=name)
    model.close()
    twin.close()


def test_what_is_measured_is_what_the_twin_has(twin: Driven) -> None:
    run, plain = twin.prepared, twin.step({})
    inputs = {
        "cdu_flow": plain["cdu_flow"] * 0.8, "cdu_primary_flow": plain["cdu_primary_flow"] * 1.1,
        "cdu_supply_temperature": plain["cdu_supply_temperature"] + 0.5,
        "hall_supply_air_temperature": plain["hall_supply_air_temperature"] - 1.0,
        "fws_supply_temperature": plain["fws_supply_temperature"] - 2.0, "fws_flow": plain["fws_flow"] * 1.2,
    }  # fmt: skip
    out = advance(twin, inputs, 5)
    for name, values in inputs.items():
        np.testing.assert_allclose(out[name], values, rtol=1e-9, atol=1e-4, err_msg=name)
        np.testing.assert_array_equal(twin.used[name], values)
    cp = run.plan.arrays.sec[run.plan.labels.cdu_sec, Sec.CP]
    rise = out["cdu_return_temperature"] - out["cdu_supply_temperature"]
    np.testing.assert_allclose(out["cdu_heat"], cp * out["cdu_flow"] * rise, rtol=1e-6)


def test_air_that_handlers_are_measured_to_move_carries_the_heat_at_its_rise(twin: Driven) -> None:
    inputs = steady(twin)
    plain = advance(twin, inputs, 1)
    inputs["hall_handler_airflow"] = 1.3 * plain["hall_handler_airflow"]
    twin.settle(inputs)
    out = advance(twin, inputs, 5)
    np.testing.assert_allclose(out["hall_handler_airflow"], inputs["hall_handler_airflow"], rtol=1e-9)
    rise, before = (o["hall_return_temperature"] - o["hall_supply_air_temperature"] for o in (out, plain))
    # Fans that turn faster bring a little heat of their own.
    np.testing.assert_allclose(rise, before / 1.3 * out["hall_air_heat"] / plain["hall_air_heat"], rtol=0.02)


def test_a_supply_two_kelvin_warmer_shows_in_the_racks_with_their_time_constant(twin: Driven) -> None:
    a = twin.prepared.plan.arrays
    plain = twin.step(inputs := steady(twin))
    inputs |= {name: plain[name] for name in ("cdu_flow", "cdu_supply_temperature")}
    twin.settle(inputs)
    before = advance(twin, inputs, 1)["rack_temperature"]
    inputs["cdu_supply_temperature"] = inputs["cdu_supply_temperature"] + 2.0
    seen = [advance(twin, inputs, 1)["rack_temperature"][0] - before[0] for _ in range(90)]
    expected = [response(a, plain["cdu_flow"][0], t) * 2.0 for t in range(1, 91)]
    np.testing.assert_allclose(seen, expected, atol=0.02)
    assert expected[2] < 0.5
    assert expected[-1] > 1.6


def response(a: Arrays, flow: float, t: float) -> float:
    """Rise of the plate of the first rack at ``t`` s per kelvin of its coolant, in closed form."""
    row, sec = a.group[0], a.sec[a.group_liquid[0]]
    w = flow * sec[Sec.CP] * row[Group.W_COOLANT] / sec[Sec.W_GROUPS]
    g = w * (1.0 - exp(-row[Group.UA] * (w / row[Group.W_COOLANT]) ** row[Group.FLOW_EXPONENT] / w))
    between, air = row[Group.G_BODY_PLATE], row[Group.G_BODY_AIR]
    rates = np.array([[g + between, -between], [-between, between + air]]) / row[[Group.C_PLATE, Group.C_BODY]][:, None]
    end = np.linalg.solve(rates, [g / row[Group.C_PLATE], 0.0]) if between + air > 0.0 else np.array([1.0, 0.0])
    values, vectors = np.linalg.eig(rates)
    return float((end - vectors @ (np.exp(-values * t) * np.linalg.solve(vectors, end)))[0])


def test_a_supply_that_no_exchanger_could_reach_is_supplied_and_shows_in_the_facility_water(twin: Driven) -> None:
    inputs = steady(twin)
    plain = advance(twin, inputs, 1)
    colder = plain["fws_supply_temperature"].min() - 3.0
    inputs["cdu_supply_temperature"] = np.full_like(plain["cdu_supply_temperature"], np.nan)
    inputs["cdu_supply_temperature"][0] = colder
    out = advance(twin, inputs, 30)
    assert out["cdu_supply_temperature"][0] == pytest.approx(colder, abs=1e-3)
    assert out["cdu_heat"][0] > plain["cdu_heat"][0]
    assert out["plant_heat"][0] > plain["plant_heat"][0]
    np.testing.assert_allclose(out["cdu_supply_temperature"][1:], plain["cdu_supply_temperature"][1:], atol=0.2)


def test_a_plant_draws_the_power_for_colder_water_than_it_could_make(twin: Driven) -> None:
    inputs = steady(twin)
    plain = advance(twin, inputs, 1)
    inputs["fws_supply_temperature"] = np.array([1.0])
    out = advance(twin, inputs, 20)
    assert out["fws_supply_temperature"][0] == pytest.approx(1.0, abs=1e-3)
    assert out["plant_heat"][0] > plain["plant_heat"][0]
    assert out["plant_chiller_power"][0] > 1.2 * plain["plant_chiller_power"][0]
    # Warmer than what comes back: the plant takes nothing and heats nothing.
    inputs["fws_supply_temperature"] = plain["fws_return_temperature"] + 5.0
    out = advance(twin, inputs, 2)
    assert out["plant_heat"][0] == pytest.approx(0.0, abs=1.0)
    assert out["fws_supply_temperature"][0] < inputs["fws_supply_temperature"][0] - 1.0
    assert np.isnan(twin.used["fws_supply_temperature"]).all()
    assert twin.doubted["fws_supply_temperature"] == 0


def test_fans_do_not_race_at_the_digits_of_a_sensor() -> None:
    run = prepared("rubin-manifold", "2028-07-01T12:00:00", 60)
    twin = Driven(run, run.timeline.start)
    plain = advance(twin, {}, 2)
    digit = np.where(plain["plant_chillers_on"] == 0.0, 0.05, 0.0)  # K, where the air alone cools
    assert digit.any()
    fans, heat = [], []
    for n in range(60):
        out = advance(twin, {"fws_supply_temperature": plain["fws_supply_temperature"] - digit * (n // 7 % 2)}, 1)
        fans.append(out["plant_fan_power"])
        heat.append(out["plant_rejected_heat"])
    # In one step of 1 s the basin would follow only with fans at full speed, which is 300 times their power here.
    np.testing.assert_allclose(fans, np.broadcast_to(plain["plant_fan_power"], (60, len(digit))), rtol=0.4)
    np.testing.assert_allclose(heat, np.broadcast_to(plain["plant_rejected_heat"], (60, len(digit))), rtol=0.15)
    # It does follow: after minutes at another supply it is as much colder.
    before = advance(twin, {"fws_supply_temperature": plain["fws_supply_temperature"] - digit}, 1)
    out = advance(twin, {"fws_supply_temperature": plain["fws_supply_temperature"] - 1.0 - digit}, 600)
    fell = before["plant_condenser_temperature"] - out["plant_condenser_temperature"]
    np.testing.assert_allclose(fell[digit > 0.0], 1.0, atol=0.1)
    twin.close()


def test_branches_that_take_more_than_the_loop_has_are_all_reduced_alike(twin: Driven) -> None:
    inputs = steady(twin)
    plain = advance(twin, inputs, 1)
    inputs |= {"cdu_primary_flow": plain["cdu_primary_flow"], "fws_flow": 0.5 * plain["fws_flow"]}
    out = advance(twin, inputs, 3)
    assert out["fws_flow"][0] == pytest.approx(0.5 * plain["fws_flow"][0])
    share = out["cdu_primary_flow"] / plain["cdu_primary_flow"]
    assert share.max() < 0.6
    np.testing.assert_allclose(share, share[0], rtol=1e-9)
    # They have driven it: how the loop's water is shared out among them is theirs.
    np.testing.assert_array_equal(twin.used["cdu_primary_flow"], inputs["cdu_primary_flow"])


def test_water_that_could_not_carry_the_heat_is_not_believed_where_the_supply_is_measured(twin: Driven) -> None:
    """A supply that is measured is supplied: 1 % of the water would go back at hundreds of degrees and harm nobody."""
    inputs = steady(twin)
    plain = advance(twin, inputs, 1)
    inputs |= {name: plain[name].copy() for name in ("cdu_supply_temperature", "cdu_primary_flow")}
    inputs["cdu_primary_flow"][0] *= 0.01
    out = advance(twin, inputs, 5)
    assert twin.doubted["cdu_primary_flow"] == 1
    assert np.isnan(twin.used["cdu_primary_flow"]).tolist() == [True] + [False] * (len(plain["cdu_primary_flow"]) - 1)
    cp = twin.prepared.plan.arrays.sec[twin.prepared.plan.labels.cdu_sec, Sec.CP_PRIMARY]
    assert (out["cdu_heat"] < 60.0 * cp * out["cdu_primary_flow"]).all()


def test_a_meter_at_nought_heats_the_racks_until_it_is_not_believed(twin: Driven) -> None:
    inputs = steady(twin)
    advance(twin, inputs, 1)
    inputs["cdu_flow"] = everywhere(twin.prepared, "cdu_flow", 0.0)
    out = advance(twin, inputs, 10)
    assert (out["cdu_flow"] == 0.0).all()
    hottest = [advance(twin, inputs, 1)["rack_temperature"].max() for _ in range(400)]
    assert hottest[0] > 30.0
    assert 120.0 < max(hottest) < 135.0
    # The first steady state does not believe it at all.
    fresh = Driven(twin.prepared, twin.start_s)
    assert fresh.step(inputs)["rack_temperature"].max() < 60.0
    fresh.close()


def test_measured_racks_are_not_slowed_at_their_junction_limit(twin: Driven) -> None:
    inputs = steady(twin)
    inputs["cdu_supply_temperature"] = everywhere(twin.prepared, "cdu_supply_temperature", 85.0)
    out = advance(twin, inputs, 120)
    np.testing.assert_allclose(out["rack_power"], inputs["rack_power"], rtol=1e-12)
    assert (out["hall_withheld_power"] == 0.0).all()
    slowed = Driven(twin.prepared, twin.start_s)
    out = advance(slowed, {name: values for name, values in inputs.items() if name != "rack_power"}, 3)
    assert (out["hall_withheld_power"] > 0.0).any()
    slowed.close()


def test_when_readings_end_the_site_goes_back_to_its_own_state(twin: Driven) -> None:
    plain = advance(twin, {}, 1)
    inputs = {name: plain[name] * (0.9 if "flow" in name else 1.0) + 0.5 for name in BOUNDS}
    advance(twin, inputs, 30)
    model = Driven(twin.prepared, twin.start_s)
    outs = [(twin.step({}), model.step({})) for _ in range(1200)]
    out, expected = outs[-1]
    for name in ("cdu_supply_temperature", "cdu_return_temperature", "fws_return_temperature", "rack_temperature"):
        np.testing.assert_allclose(out[name], expected[name], atol=0.1, err_msg=name)
    model.close()


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[Driven, dict[str, Floats], Saved]]:
    run = prepared("zone-4a-tower", DATES["zone-4a-tower"], 60)
    twin = Driven(run, run.timeline.start)
    plain = twin.step({})
    yield twin, plain, twin.save()
    twin.close()


SHARES = st.one_of(st.just(np.nan), st.sampled_from([0.0, 1.0, -1.0, np.inf, 1e300, 5e-324]), st.floats(0.0, 3.0))


@given(st.lists(st.dictionaries(st.sampled_from(sorted(BOUNDS)), st.lists(SHARES, min_size=1, max_size=4)), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_energy_closes_and_everything_stays_finite_whatever_is_measured(
    small: tuple[Driven, dict[str, Floats], Saved], mix: list[dict[str, list[float]]]
) -> None:
    twin, plain, begin = small
    twin.load(begin)
    for told in mix:
        inputs = {name: plain[name] * np.resize(shares, plain[name].shape) for name, shares in told.items()}
        out = advance(twin, inputs, 3)
        assert all(np.isfinite(out[name]).all() for name in ("rack_temperature", "plant_power", "cdu_heat"))
    assert np.isfinite(advance(twin, {}, 2)["fws_return_temperature"]).all()


@pytest.mark.parametrize("site", COMPLETE)
def test_every_shipped_site_steps_with_what_can_be_measured(site: str) -> None:
    run = prepared(site, "2030-07-01T14:00:00", 60)
    twin = Driven(run, run.timeline.start)
    plain = twin.step({})
    out = advance(twin, {name: plain[name] for name in BOUNDS}, 2)
    assert out["site_power"][0] == pytest.approx(plain["site_power"][0], rel=0.02)
    assert run.plan.arrays.fac[:, Fac.MET].sum() == 0.0
    twin.close()
