"""The engine with measured boundary conditions: without any it is the engine; with some, energy closes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.engine.driving import DATES, Floats, advance, everywhere, powers, prepared
from twin.core.variables import BY_NAME, rows
from twin.engine.driven import BOUNDS, Driven
from twin.engine.prepare import Prepared

LENGTH_S = 60
SITES = ("oklahoma-10", "frontier")


@pytest.fixture(scope="module", params=SITES)
def run(request: pytest.FixtureRequest) -> Prepared:
    return prepared(request.param, DATES[request.param], LENGTH_S)


@pytest.fixture
def twin(run: Prepared) -> Iterator[Driven]:
    made = Driven(run, run.timeline.start)
    yield made
    made.close()


def simulated(run: Prepared) -> dict[str, Floats]:
    """Rows of a plain run by level."""
    results = list(run.engine().blocks())
    return {level: np.concatenate([r.levels[level] for r in results]) for level in results[0].levels}


def recorded(twin: Driven, steps: int, *inputs: dict[str, Floats]) -> dict[str, Floats]:
    """Rows of the intervals of so many steps by level; ``inputs`` take turns."""
    found: dict[str, list[Floats]] = {}
    for n in range(steps):
        twin.step(inputs[n % len(inputs)])
        for level, part in twin.interval.levels.items() if twin.interval else ():
            found.setdefault(level, []).append(part)
    return {level: np.concatenate(parts) for level, parts in found.items()}


def test_without_readings_it_is_the_run_of_simulate(run: Prepared, twin: Driven) -> None:
    nothing = {name: everywhere(run, name, (np.nan, np.inf, -np.inf)[n % 3]) for n, name in enumerate(BOUNDS)}
    found = recorded(twin, LENGTH_S, {}, nothing)
    for level, expected in simulated(run).items():
        np.testing.assert_allclose(found[level], expected, rtol=1e-12, atol=1e-12, err_msg=level)


def test_a_hall_that_gets_power_within_a_step_is_that_of_simulate() -> None:
    run = prepared("oklahoma-10", "2025-11-03T05:59:13", 120, "5s", "20s")
    begins = run.plan.hall_start_s.max() - run.timeline.start
    assert 0 < begins < 120
    assert begins % 5 != 0
    twin = Driven(run, run.timeline.start, 5.0, 20.0)
    found = recorded(twin, 24, {})
    for level, expected in simulated(run).items():
        np.testing.assert_allclose(found[level], expected, rtol=1e-9, atol=1e-9, err_msg=level)
    twin.close()


def test_a_site_without_power_yet_has_nothing_to_say() -> None:
    run = prepared("frontier", "2001-01-01T00:00:00", 60)
    twin = Driven(run, run.timeline.start)
    out = advance(twin, {name: everywhere(run, name, 20.0) for name in BOUNDS}, 12)
    assert out["site_it_power"][0] == 0.0
    assert np.isnan(out["rack_temperature"]).all()
    assert np.isnan(out["cdu_return_temperature"]).all()
    assert set(twin.used) == {"outdoor_dry_bulb_temperature", "outdoor_wet_bulb_temperature"}
    assert twin.interval is None
    twin.close()


def test_readings_of_a_hall_without_power_drive_nothing() -> None:
    run = prepared("oklahoma-10", "2025-10-15T12:00:00", 60)
    twin = Driven(run, run.timeline.start)
    power = powers(twin)
    out = advance(twin, {"rack_power": power}, 3)
    on = ~np.isnan(out["rack_temperature"])
    assert 0 < on.sum() < len(on)
    np.testing.assert_allclose(out["rack_power"], np.where(on, power, 0.0), rtol=1e-12)
    np.testing.assert_array_equal(np.isnan(twin.used["rack_power"]), ~on)
    twin.close()


def test_the_step_is_told_by_name_over_the_items(twin: Driven) -> None:
    out = twin.step({})
    levels = {name: values.shape for name, values in out.items()}
    assert set(out) >= {row.name for level in ("site", "hall", "cdu", "loop", "element", "rack") for row in rows(level)}
    assert levels["site_power"] == (1,)
    assert levels["rack_power"] == (twin.prepared.plan.racks,)
    assert all(BY_NAME[name].level != "stream" or len(shape) == 2 for name, shape in levels.items())
    assert np.isfinite(out["hall_power_headroom"]).any()


def test_racks_draw_what_is_measured_also_beyond_their_rating_and_none_where_they_stand(twin: Driven) -> None:
    power = powers(twin) * np.linspace(0.0, 2.0, twin.prepared.plan.racks)
    out = advance(twin, {"rack_power": power}, 5)
    np.testing.assert_allclose(out["rack_power"], power, rtol=1e-12, atol=1e-6)
    assert out["rack_power"][0] == 0.0
    assert out["site_it_power"][0] == pytest.approx(power.sum(), rel=1e-12)
    out = advance(twin, {"rack_power": power * 10.0}, 2)
    np.testing.assert_allclose(out["rack_power"], power * 10.0, rtol=1e-12, atol=1e-6)


def test_readings_below_zero_are_none_and_what_is_no_number_is_not_measured(twin: Driven) -> None:
    power = powers(twin)
    power[:3] = -5.0, np.inf, np.nan
    out = advance(twin, {"rack_power": power}, 2)
    assert out["rack_power"][0] == 0.0
    assert (out["rack_power"][1:3] > 0.0).all()
    np.testing.assert_allclose(out["rack_power"][3:], power[3:], rtol=1e-12)


def test_a_meter_the_wrong_way_round_is_not_believed_and_counted(twin: Driven) -> None:
    power = powers(twin)
    plain, turned = advance(twin, {}, 1), power.copy()
    turned[:4] *= -1.0
    turned[4] *= -1e-3
    flow = -plain["cdu_flow"]
    out = advance(twin, {"rack_power": turned, "cdu_flow": flow}, 2)
    assert np.isnan(twin.used["rack_power"][:4]).all()
    assert (out["rack_power"][:4] > 0.0).all()
    assert out["rack_power"][4] == 0.0
    assert twin.doubted == {"rack_power": 4, "cdu_flow": np.count_nonzero(flow < 0.0)}
    assert "cdu_flow" not in twin.used


def test_a_reading_that_is_lost_leaves_the_rack_to_the_model_until_it_is_back(run: Prepared, twin: Driven) -> None:
    model = Driven(run, run.timeline.start)
    plain, power = advance(model, {}, 3), powers(twin, 0.9)
    some = power.copy()
    some[::3] = np.nan
    out = advance(twin, {"rack_power": some}, 3)
    np.testing.assert_allclose(out["rack_power"][::3], plain["rack_power"][::3], rtol=1e-9)
    plain = advance(model, {}, 40)
    out = advance(twin, {}, 40)
    np.testing.assert_allclose(out["rack_power"], plain["rack_power"], rtol=1e-9)
    out = advance(twin, {"rack_power": power}, 1)
    np.testing.assert_allclose(out["rack_power"], power, rtol=1e-12)
    model.close()


def test_utilisation_is_what_the_law_of_the_rack_makes_of_its_power(run: Prepared, twin: Driven) -> None:
    model = Driven(run, run.timeline.start)
    plain = model.step({})
    out = twin.step({"rack_power": plain["rack_power"]})
    np.testing.assert_allclose(out["hall_utilization"], plain["hall_utilization"], rtol=1e-9)
    model.close()


def test_measured_air_takes_the_place_of_the_weather(twin: Driven) -> None:
    dry, wet = "outdoor_dry_bulb_temperature", "outdoor_wet_bulb_temperature"
    out = advance(twin, {dry: np.array([31.0]), wet: np.array([19.0])}, 2)
    assert (out[dry][0], out[wet][0]) == (pytest.approx(31.0), pytest.approx(19.0))
    out = advance(twin, {dry: np.array([-4.0])}, 2)
    assert out[dry][0] == pytest.approx(-4.0)
    assert -15.0 < out[wet][0] <= -4.0
    out = advance(twin, {wet: np.array([40.0])}, 2)
    assert out[dry][0] >= out[wet][0] == pytest.approx(40.0)


def test_a_run_goes_on_from_where_it_was_saved(twin: Driven) -> None:
    power = {"rack_power": powers(twin)}
    advance(twin, power, 13)
    saved = twin.save()
    first = [twin.step(power) for _ in range(7)][-1]
    kept = twin.interval
    twin.load(saved)
    second = [twin.step(power) for _ in range(7)][-1]
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)
    assert kept is not None
    assert twin.interval is not None
    np.testing.assert_array_equal(kept.levels["site"], twin.interval.levels["site"])


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"rack_powr": np.zeros(3)}, 'did you mean "rack_power"'),
        ({"site_power": np.zeros(1)}, "does not drive"),
        ({"rack_power": np.zeros(3)}, "expected one for each"),
    ],
)
def test_what_cannot_drive_is_refused(twin: Driven, inputs: dict[str, Floats], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        twin.step(inputs)


def test_a_run_that_begins_anew_is_one_that_begins_there(run: Prepared, twin: Driven) -> None:
    inputs = {
        "rack_power": 0.3 * powers(twin),
        "cdu_supply_temperature": everywhere(run, "cdu_supply_temperature", 30.0),
    }
    advance(twin, {"rack_power": powers(twin)}, 7)
    twin.anew()
    fresh = Driven(run, twin.time_s)
    for _ in range(3):
        out, expected = advance(twin, inputs, 1), advance(fresh, inputs, 1)
        for name, values in expected.items():
            if "headroom" not in name and BY_NAME[name].level != "latency":  # they are told when an interval ends
                np.testing.assert_array_equal(out[name], values, err_msg=name)
    # The output interval goes on.
    assert twin.interval is not None
    assert twin.interval.block.t_end.tolist() == [run.timeline.start + 10.0]
    assert fresh.interval is None
    fresh.close()


def test_steps_must_fill_the_interval(run: Prepared) -> None:
    with pytest.raises(ValueError, match="multiple"):
        Driven(run, run.timeline.start, 3.0, 10.0)
