"""Reduced runs: a lumped campus is the campus, and samples are the same however they are run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.test_serving_run import SITE
from twin.analysis.headline import headline_numbers, headlines_of
from twin.core.columns import Group
from twin.core.errors import InputError
from twin.core.variables import rows, slot
from twin.engine import ensemble
from twin.engine.ensemble import Case, run_ensemble
from twin.engine.options import ask
from twin.engine.prepare import prepare
from twin.engine.run import make_engine
from twin.engine.uneven import Uneven
from twin.site.generate import bench_site
from twin.site.lower import lower as lower_site
from twin.site.reduced import reduced

WEEK: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-08"}
DAY: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-02"}
DAYS: dict[str, Any] = {"start": "2029-07-01", "end": "2029-07-04"}
# What is asked for in some hours only.
ROOM = {"cooling_headroom", "power_headroom", "hall_cooling_headroom", "hall_power_headroom"}


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "serving.yaml"
    path.write_text(SITE)
    return path


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "bench.yaml"
    path.write_text(bench_site(racks=2048, halls=4))
    return path


def quiet(plan):
    """The whole Plan without spread and wander."""
    group = plan.arrays.group.copy()
    group[:, [Group.SPREAD, Group.NOISE]] = 0.0
    return replace(plan, arrays=plan.arrays._replace(group=group))


def levels(prepared, plan):
    engine = make_engine(
        plan, prepared.weather, prepared.curves, prepared.timeline, seed=0, threads=2, racks=False,
        demand=prepared.demand,
    )  # fmt: skip
    results = list(engine.blocks())
    return {name: np.concatenate([r.levels[name] for r in results]) for name in ("site", "hall", "loop", "element")}


@pytest.mark.parametrize(("site", "period"), [("prairie-750", DAYS), ("frontier", WEEK)])
def test_equal_racks_and_cdus_run_as_one_just_as_they_run_apart(site, period):
    prepared = prepare(site, **period, step="1h", every="1h", threads=2)
    whole, small = quiet(prepared.plan), reduced(prepared.plan)
    assert len(small.arrays.sec) < len(whole.arrays.sec)
    assert small.arrays.group_rack[-1] == len(small.arrays.group)
    one, other = levels(prepared, whole), levels(prepared, small)
    for level, have in one.items():
        for v, row in enumerate(rows(level)):
            if row.name in ("hall_utilization", "energy_residual") or row.name.endswith("_binding"):
                continue
            # Headroom is a root to 2e-3 of itself; all else is algebra.
            close = 4e-3 if "headroom" in row.name else 1e-9
            np.testing.assert_allclose(other[level][..., v], have[..., v], rtol=close, atol=1e-6, err_msg=row.name)
    assert one["site"][..., slot("energy_residual")].max() < 1e-9
    assert other["site"][..., slot("energy_residual")].max() < 1e-9


@pytest.mark.parametrize(("name", "seed"), [("serving", 0), ("prairie-750", 0), ("prairie-750", 7), ("bench", 3)])
def test_the_centre_of_the_bands_is_the_full_run(name, seed, serving, bench):
    """All headline numbers within 0.5 %: racks with their spread and wander in steps of 300 s against hourly lumps."""
    site, period = {"serving": (serving, WEEK), "bench": (bench, DAYS)}.get(name, (name, DAYS))
    full = prepare(site, **period, step=300, every="1h", threads=2, seed=seed)
    whole = headline_numbers(Case(full.loaded, full.plan), full.engine().blocks())
    small = run_ensemble(ask(site, **period, threads=2, seed=seed), headline_numbers, samples=8).central
    assert whole.keys() == small.keys() == {h.name for h in headlines_of(full.plan.fleet)}
    for key, value in whole.items():
        np.testing.assert_allclose(small[key], value, rtol=5e-3, err_msg=key)


def test_power_of_a_parted_plan_is_that_of_every_rack_and_its_heaviest_cdu_is_the_heaviest():
    """Against the power of each rack that the whole Plan's run ends with, in a step of the same 300 s."""
    full = prepare("oklahoma-10", **DAY, step=300, every="1h", threads=1, seed=5)
    engine = full.engine()
    list(engine.blocks())
    plan = full.plan
    a, power = plan.arrays, engine.out.power_rows[23]
    uneven = Uneven(plan, 5)
    t_end, dt = np.array([full.timeline.end]), np.array([300.0])
    use = engine.use(t_end - dt, t_end)
    lumps = uneven.power(np.arange(1), t_end, dt, use)[0]
    small = uneven.parted.plan.arrays
    assert lumps.sum() == pytest.approx(power.sum(), rel=1e-12)
    for h, first in enumerate(a.hall_sec[:-1]):
        behind = {j: power[a.group_liquid == j].sum() for j in range(first, a.hall_sec[h + 1] - 1)}
        apart = small.hall_sec[h]
        assert len(behind) > 1
        assert lumps[small.group_liquid == apart].sum() == pytest.approx(max(behind.values()), rel=1e-12)
        assert max(behind.values()) > 1.001 * np.mean(list(behind.values()))


def test_samples_are_the_same_with_dask_and_without_on_any_number_of_threads(serving):
    made = [
        run_ensemble(ask(serving, **DAY, threads=threads), headline_numbers, samples=8, use_dask=use)
        for threads, use in ((1, True), (2, True), (1, False))
    ]
    for other in made[1:]:
        assert other.u.tobytes() == made[0].u.tobytes()
        for one, two in zip([made[0].central, *made[0].samples], [other.central, *other.samples], strict=True):
            assert {k: v.tobytes() for k, v in one.items()} == {k: v.tobytes() for k, v in two.items()}
    again = run_ensemble(ask(serving, **DAY, seed=1), headline_numbers, samples=8)
    assert again.u.tobytes() != made[0].u.tobytes()
    assert again.central["pue"] == made[0].central["pue"]  # without spread and wander the seed draws samples only


def test_the_hours_that_samples_look_at_hold_the_worst_of_all_hours(serving, monkeypatch):
    asked = ask(serving, start="2028-01-01", end="2028-12-31", threads=2)
    few = run_ensemble(asked, headline_numbers, samples=8)
    where = ensemble._Watch.where
    monkeypatch.setattr(ensemble._Watch, "where", lambda watch: np.ones_like(where(watch)))
    every = run_ensemble(asked, headline_numbers, samples=8)
    for one, other in zip(few.samples, every.samples, strict=True):
        for key in ("hall_cooling_headroom", "hall_power_headroom"):
            assert (one[key] >= other[key]).all()
            assert (one[key] - other[key] <= 5e3).all(), key  # of some 4 MW a hall
        assert {k: v.tolist() for k, v in one.items() if k not in ROOM} == {
            k: v.tolist() for k, v in other.items() if k not in ROOM
        }


def test_a_sample_that_cannot_be_built_is_drawn_again(serving, monkeypatch):
    lower, refused = lower_site, list[Any]()

    def refuses_once(loaded, like):
        if len(refused) < 3:
            refused.append(loaded)
            raise InputError([])
        return lower(loaded, like)

    monkeypatch.setattr(ensemble, "lower", refuses_once)
    made = run_ensemble(ask(serving, **DAY), headline_numbers, samples=8, use_dask=False)
    assert made.redrawn == 3
    assert len({row.tobytes() for row in made.u}) == 8


def test_bands_of_which_nothing_can_be_built_are_refused(serving, monkeypatch):
    from twin.core.errors import one

    def refuse(loaded, like):
        raise one("an approach of 1 K is out of reach", path="okc/hall-1")

    monkeypatch.setattr(ensemble, "lower", refuse)
    with pytest.raises(InputError, match="okc/hall-1: no sample of the bands can be built: an approach of 1 K"):
        run_ensemble(ask(serving, **DAY), headline_numbers, samples=8, use_dask=False)


def test_a_period_of_no_whole_hours_and_too_few_samples_are_told_together(serving):
    asked = ask(serving, start="2028-07-01", end="2028-07-01T01:30", step=60, every=60)
    with pytest.raises(InputError) as told:
        run_ensemble(asked, headline_numbers, samples=2)
    text = "\n".join(map(str, told.value.problems))
    assert "samples=: 2 is out of range, expected a whole number >= 8" in text
    assert "the period of 90 min must hold whole hours" in text
