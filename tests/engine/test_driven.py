"""The engine with measured boundary conditions: without any it is the engine; with some, energy closes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.variables import BY_NAME, rows
from twin.engine.driven import Driven
from twin.engine.prepare import Prepared, prepare

Floats = NDArray[np.float64]
# A site with a fleet, and one whose racks wander; noise passes a knot (every 900 s) in the period.
SITES = {"oklahoma-10": "2028-07-01T13:59:30", "frontier": "2026-07-01T13:59:30"}
LENGTH_S = 60


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def prepared(site: str, every: str = "10s") -> Prepared:
    start = seconds(SITES[site])
    end = datetime.fromtimestamp(start + LENGTH_S, UTC).isoformat()
    return prepare(site, start=SITES[site] + "Z", end=end, step="1s", every=every, level="rack", threads=1)


@pytest.fixture(scope="module", params=SITES)
def run(request: pytest.FixtureRequest) -> Prepared:
    return prepared(request.param)


@pytest.fixture
def twin(run: Prepared) -> Iterator[Driven]:
    made = Driven(run, run.timeline.start)
    yield made
    made.close()


def simulated(run: Prepared) -> dict[str, Floats]:
    """Rows of a plain run by level."""
    results = list(run.engine().blocks())
    return {level: np.concatenate([r.levels[level] for r in results]) for level in results[0].levels}


def advance(twin: Driven, inputs: Mapping[str, Floats], steps: int) -> dict[str, Floats]:
    outs = [twin.step(inputs) for _ in range(steps)]
    assert max(out["energy_residual"][0] for out in outs) < 1e-9
    return outs[-1]


def powers(twin: Driven, share: float = 0.7) -> Floats:
    a = twin.prepared.plan.arrays
    return np.repeat(a.group[:, Group.RATED], np.diff(a.group_rack)) * share


def test_without_readings_it_is_the_run_of_simulate(run: Prepared, twin: Driven) -> None:
    found: dict[str, list[Floats]] = {}
    nothing = {
        name: np.full(n, np.nan) for name, n in (("rack_power", run.plan.racks), ("outdoor_dry_bulb_temperature", 1))
    }
    for n in range(LENGTH_S):
        twin.step(nothing if n % 2 else {})
        assert (twin.interval is not None) == (n % 10 == 9)
        for level, part in twin.interval.levels.items() if twin.interval else ():
            found.setdefault(level, []).append(part)
    for level, expected in simulated(run).items():
        np.testing.assert_allclose(np.concatenate(found[level]), expected, rtol=1e-12, atol=1e-12, err_msg=level)


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


def test_steps_must_fill_the_interval(run: Prepared) -> None:
    with pytest.raises(ValueError, match="multiple"):
        Driven(run, run.timeline.start, 3.0, 10.0)
