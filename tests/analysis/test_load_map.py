"""The map: every point is what a long run ends with, its bands are of the unknowns alone, and faults are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from twin.analysis.load_map import OUTDOOR, PUE, load_map
from twin.analysis.map_answers import Answers, plain_map
from twin.analysis.map_files import write_map
from twin.analysis.map_text import render_map
from twin.core.columns import Group
from twin.core.errors import InputError
from twin.core.variables import slot
from twin.engine.prepare import load_curves
from twin.engine.run import make_engine
from twin.engine.serve import ClassDemand, PoolCurve
from twin.engine.still import Held, frozen, still_weather
from twin.engine.timeline import make_timeline
from twin.forcing.coincident import Air
from twin.forcing.weather import load_weather
from twin.site.load import load_site
from twin.site.lower import lower

HOUR = 3600.0
AT = 1_900_000_800.0
# Headroom is closed in on to 2e-3 of itself, and tells the lower end.
NEAR = {"hall_power": 2e-6, "hall_it_power": 2e-6, "hall_cooling_headroom": 2e-3, "hall_power_headroom": 2e-3}


def long_run(loaded, load, air, hours=240):
    """The last hour of a run of ``hours`` under the same load and weather, racks alike."""
    plan = frozen(lower(loaded), AT)
    assert (plan.arrays.group[:, [Group.SPREAD, Group.NOISE]] == 0.0).all()
    curves = [c if isinstance(c, PoolCurve) else Held(load) for c in load_curves(plan, loaded)]
    demand = [ClassDemand(Held(load), relative=True) for _ in (plan.fleet.workload if plan.fleet else [])]
    timeline = make_timeline(AT, AT + hours * HOUR, HOUR, HOUR, np.zeros(0))
    weather = still_weather(air)
    engine = make_engine(plan, weather, curves, timeline, seed=0, threads=1, racks=False, demand=demand)
    return [result.levels for result in engine.blocks()][-1]


@pytest.mark.parametrize("load", [0.0, 0.35, 1.0])
@pytest.mark.parametrize("site", ["oklahoma-10", "serves"])
def test_a_point_is_what_a_long_run_ends_with(site, load, serves):
    loaded = serves if site == "serves" else load_site(site)
    ds = load_map(loaded, load=load, outdoor=[-5.0, 31.0])
    assert ds.sizes["load"] == 1
    pressure = float(load_weather(ds.attrs["weather"]).pressure_pa.mean())
    for t in range(2):
        air = Air(float(ds[OUTDOOR][t]), float(ds["outdoor_wet_bulb_temperature"][t]), pressure)
        rows = long_run(loaded, load, air)
        for name, near in NEAR.items():
            ended = rows["hall"][-1, :, slot(name)]
            assert ds[name].isel({"load": 0, OUTDOOR: t}).values == pytest.approx(ended, rel=near)
        ended = rows["site"][-1, 0, slot("site_power")]
        assert float(ds["site_power"][0, t]) == pytest.approx(ended, rel=2e-6)
        if site == "serves":
            assert (rows["pool"][-1, :, slot("pool_systems")] == 8 * 11 * 2).all()
            tokens = np.nansum(rows["stream"][-1, :, :, slot("pool_token_rate")], axis=1)
            assert ds["pool_token_rate"][0, t].values == pytest.approx(tokens, rel=1e-9)


@pytest.fixture(scope="module")
def plain() -> xr.Dataset:
    return load_map("oklahoma-10", load="0:1:0.5", outdoor="0:30:15")


def test_idle_and_full_halls_draw_what_the_library_says_of_their_racks(plain):
    # cs3-x2: 23 kW idle and 46 kW rated; a hall has 8 rows of 11 racks.
    it = plain["hall_it_power"].isel({OUTDOOR: 0})
    assert it.sel(load=0.0).values == pytest.approx(8 * 11 * 23e3)
    assert it.sel(load=1.0).values == pytest.approx(8 * 11 * 46e3)
    assert (plain["hall_power"] > plain["hall_it_power"]).all()


def test_the_dataset_speaks_the_words_of_the_variable_table(plain):
    assert plain["hall_cooling_headroom"].dims == ("load", OUTDOOR, "hall")
    assert plain["hall_cooling_headroom"].attrs["units"] == "W"
    assert "cdu_flow" in plain["hall_cooling_binding"].attrs["flag_meanings"]
    assert plain[PUE].values == pytest.approx(plain["site_power"].values / plain["site_it_power"].values)
    assert all(variable.attrs["units"] for variable in plain.data_vars.values())
    assert "quantile" not in plain.dims


def test_more_load_never_leaves_more_headroom_nor_less_power(plain):
    assert (plain["hall_cooling_headroom"].diff("load") <= 0.0).all()
    assert (plain["hall_power_headroom"].diff("load") <= 0.0).all()
    assert (plain["site_power"].diff("load") > 0.0).all()


def test_a_hall_without_power_has_no_headroom():
    # oklahoma-10: hall-1 from 22 September 2025, hall-2 from 3 November.
    ds = load_map("oklahoma-10", load=0.5, outdoor=20, at="2025-10-15")
    room = ds["hall_cooling_headroom"].values.ravel()
    assert np.isfinite(room).tolist() == [True, False]
    assert Answers(ds).tightest("cooling").tolist() == [[0]]
    before = load_map("oklahoma-10", load=0.5, outdoor=20, at="2020-01-01")
    assert Answers(before).tightest("cooling").tolist() == [[-1]]
    assert np.isnan(before[PUE].values).all()
    assert "0 of 2 halls energised" in render_map(before)


def test_bands_are_ordered_seeded_and_the_same_on_any_number_of_threads(serves):
    how: dict[str, Any] = {"load": [0.0, 1.0], "outdoor": 20, "quantiles": (0.1, 0.5, 0.9), "samples": 6, "seed": 3}
    one, two = (load_map(serves, threads=n, **how) for n in (1, 2))
    xr.testing.assert_identical(one, two)
    width = one["hall_power"].isel(quantile=2) - one["hall_power"].isel(quantile=0)
    assert (width > 0.0).all()
    assert (one["hall_power"].diff("quantile") >= 0.0).all()
    assert one["hall_cooling_binding"].dims == ("load", OUTDOOR, "hall")
    other = load_map(serves, **(how | {"seed": 4}))
    assert not np.allclose(other["hall_power"], one["hall_power"])


def test_an_idle_wafer_hall_has_the_band_of_its_idle_share(serves):
    # idle_share uniform over 0.35..0.65 of 23 kW: stratified samples put P10 and P90 at a tenth from the ends.
    ds = load_map(serves, load=0.0, outdoor=20, quantiles=(0.1, 0.9), samples=40)
    per_system = ds["hall_it_power"].values.reshape(2, 2) / (8 * 11 * 2 * 23e3)
    assert per_system[0] == pytest.approx([0.38, 0.62], abs=0.012)


def test_a_map_as_a_file_is_the_map(plain, tmp_path: Path):
    for name, engine in (("map.nc", "h5netcdf"), ("map.zarr", "zarr")):
        path = write_map(plain, tmp_path / name)
        with xr.open_dataset(path, engine=engine) as back:
            xr.testing.assert_allclose(back.drop_vars(set(back.coords) - {"load", OUTDOOR}), plain.drop_vars(
                set(plain.coords) - {"load", OUTDOOR}))  # fmt: skip
            assert [str(h) for h in back["hall"].values] == list(plain["hall"].values)
            assert back["hall_power"].attrs["units"] == "W"


def test_the_text_names_the_tightest_hall_and_its_limit(plain):
    text = render_map(plain)
    assert "Power at the meter, MW" in text
    assert "okc/hall-1" in text
    assert max(map(len, text.splitlines())) < 200
    hall = render_map(plain, "okc/hall-2")
    assert "hall okc/hall-2" in hall
    assert "What binds" in hall
    told = plain_map(plain)
    assert told["tightest_hall"]["cooling"][0][0].startswith("okc/")
    assert told["variables"]["hall_power"]["units"] == "W"


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(InputError) as caught:
        load_map("oklahoma-10", load="0:1", outdoor="30:20:5", humidity=60, samples=1, at="soon", quantiles=(2.0,))
    told = {problem.path: problem.message for problem in caught.value.problems}
    assert set(told) == {"load=", "outdoor=", "humidity=", "samples=", "at=", "quantiles="}
    assert "60 % is 0.6" in told["humidity="]
    assert "expected first:last:step" in told["load="]
    assert "ends at 20, before it begins" in told["outdoor="]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("0:1:0", "a step of 0, expected > 0"),
        ("0:1:0.0000001", "at most 1,000"),
        ("0:2:0.5", "1.5 is out of range, expected 0 to 1"),
        ("0:x:0.1", '"x" is no number'),
        ("0.5,,1", "a number is missing"),
        ("0.5,0.2", "must ascend"),
        ([], "no points"),
        ("nan", '"nan" is no number'),
    ],
)
def test_a_faulty_range_says_what_is_wrong(asked, said):
    with pytest.raises(InputError, match="load=") as caught:
        load_map("oklahoma-10", load=asked)
    assert said in str(caught.value)


def test_a_range_holds_both_ends_without_rounding(plain):
    assert plain["load"].values.tolist() == [0.0, 0.5, 1.0]
    fine = load_map("oklahoma-10", load="0:0.3:0.1", outdoor=20)
    assert fine["load"].values.tolist() == [0.0, 0.1, 0.2, 0.3]
