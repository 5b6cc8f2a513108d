"""What a run leaves: one Dataset in the words of the variable table, and the same bytes from the same inputs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

import twin
from tests.engine.runs import bytes_of, run_child
from twin.core.variables import BY_NAME, TABLE, rows
from twin.engine import period
from twin.engine.layout import FLEET
from twin.engine.prepare import prepare
from twin.engine.simulate import simulate
from twin.engine.target import free_bytes, room_for
from twin.site.figures import figure_rows
from twin.site.load import load_site

DAY: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-02", "every": 3600}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rack") / "run.zarr"
    simulate("oklahoma-10", **DAY, level="rack", out=out, intervals_per_block=7)
    return out


@pytest.fixture(scope="module")
def ds(store) -> xr.Dataset:
    return twin.open_run(store).load()


@pytest.fixture(scope="module")
def two_islands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small site twice: two buildings that share no water."""
    site = yaml.safe_load(load_site("oklahoma-10").text)
    site["buildings"]["twin"] = site["buildings"]["okc"]
    site["name"] = "two-islands"
    path = tmp_path_factory.mktemp("site") / "two.yaml"
    path.write_text(yaml.safe_dump(site, sort_keys=False))
    return path


def test_xarray_opens_the_store_as_it_is(store):
    plain = xr.open_zarr(store, consolidated=True)
    assert set(plain.sizes) == {"time", "hall", "cdu", "loop", "element", "rack"}
    assert not [name for name in plain.data_vars if name not in BY_NAME]


def test_the_store_holds_nothing_but_zarr(store):
    assert {path.name for path in store.rglob("*") if path.is_file() and "c" not in path.parts} == {"zarr.json"}


@pytest.mark.parametrize(
    ("level", "levels"),
    [
        ("site", ["site"]),
        ("hall", ["site", "hall", "loop", "element"]),
        ("cdu", ["site", "hall", "loop", "element", "cdu"]),
        ("rack", ["site", "hall", "loop", "element", "cdu", "rack"]),
    ],
)
def test_a_level_records_everything_down_to_it_and_nothing_below(level, levels):
    found = twin.simulate("oklahoma-10", start="2028-07-01", end="2028-07-01T02:00", every="1h", level=level)
    assert set(found.data_vars) == {row.name for part in levels for row in rows(part)}
    assert set(found.sizes) == {"time", *levels} - {"site"}


def test_names_units_and_cell_methods_are_those_of_the_table(ds):
    without_fleet = [row for row in TABLE if row.level not in FLEET]
    assert set(ds.data_vars) == {row.name for row in without_fleet}
    for row in without_fleet:
        variable = ds[row.name]
        assert variable.dims == (("time",) if row.level == "site" else ("time", row.level))
        assert variable.dtype == (np.float32 if row.level in ("cdu", "rack") else np.float64)
        said = {key: variable.attrs[key] for key in ("units", "long_name", "cell_methods")}
        assert said == {"units": row.units, "long_name": row.long_name, "cell_methods": row.cell_methods}


def test_time_is_the_end_of_the_interval_in_utc(ds, store):
    assert ds.time.values[0] == np.datetime64("2028-07-01T01:00")
    assert ds.time.values[-1] == np.datetime64("2028-07-02T00:00")
    raw = json.loads((store / "time" / "zarr.json").read_text())
    assert raw["data_type"] == "int64"
    assert raw["attributes"]["units"] == "seconds since 1970-01-01"


def test_every_item_says_where_it_belongs(ds):
    assert ds.hall_building.values.tolist() == ["okc", "okc"]
    assert ds.hall_energised.values[0] == np.datetime64("2025-09-22T06:00")  # midnight at UTC-6
    assert set(ds.cdu_hall.values) == set(ds.hall.values)
    assert set(ds.element_hall.values) == {*ds.hall.values, "campus"}
    assert ds.loop_building.values.tolist() == ["okc"]
    first = ds.isel(rack=0)
    assert (str(first.rack_hall.values), str(first.rack_row.values)) == ("okc/hall-1", "r-1")
    assert set(ds.rack_cdu.values) == set(ds.cdu.values)
    assert len(set(zip(ds.rack_hall.values, ds.rack_x.values, ds.rack_y.values, strict=True))) == ds.sizes["rack"]
    assert set(ds.element_kind.values) == {"busway", "ups", "transformer", "feeder", "pdu"}
    assert len(set(ds.rack.values)) == ds.sizes["rack"] == 176


def test_racks_add_up_to_their_hall(ds):
    by_hall = ds.rack_power.astype(float).groupby("rack_hall").sum().transpose("time", ...)
    np.testing.assert_allclose(by_hall.values, ds.hall_it_power.values, rtol=1e-6)


def test_codes_have_meanings(ds):
    for name in ("hall_cooling_binding", "hall_power_binding"):
        attrs = ds[name].attrs
        assert len(attrs["flag_values"]) == len(attrs["flag_meanings"].split())
        assert set(np.unique(ds[name])) <= set(attrs["flag_values"])
        assert re.fullmatch(r"[\w.+@ -]+", attrs["flag_meanings"])  # CF 1.11, 3.5
    attrs = ds.hall_power_binding.attrs
    named = dict(zip(attrs["flag_values"], attrs["flag_meanings"].split(), strict=True))
    assert named[-1] == "contract"
    assert [named[code] for code in range(ds.sizes["element"])] == [str(e).replace("/", ".") for e in ds.element.values]


def test_the_time_axis_says_that_it_holds_the_ends_of_intervals(ds):
    assert ds.time.attrs["long_name"] == "end of the interval, UTC"
    assert ds.time.attrs["comment"].startswith("values are of the 3600 s that end at this time")


def test_a_weather_that_is_asked_for_stands_in_for_nothing(ds):
    assert ds.attrs["weather_stands_in_for"] == "Oklahoma City, Oklahoma"
    named = prepare("oklahoma-10", **DAY, weather="tampa").attrs
    assert (named["weather"], named["weather_stands_in_for"]) == ("tampa", "")


def test_attributes_tell_what_decided_the_run_and_nothing_of_the_machine(ds, store):
    attrs = ds.attrs
    assert attrs["site_text"] == load_site("oklahoma-10").text
    assert attrs["site_digest"] == load_site("oklahoma-10").digest
    assert (attrs["seed"], attrs["step_s"], attrs["interval_s"], attrs["level"]) == (0, 300.0, 3600.0, "rack")
    assert (attrs["period_start"], attrs["period_end"]) == ("2028-07-01T00:00:00Z", "2028-07-02T00:00:00Z")
    assert attrs["version"] == twin.__version__
    assert attrs["weather_licence"].startswith("public domain")
    text = (store / "zarr.json").read_text()
    assert str(store.parent) not in text
    assert str(datetime.now(UTC).date()) not in text


def test_every_figure_in_use_is_in_the_dataset_with_source_and_confidence(ds):
    loaded = load_site("oklahoma-10")
    found = json.loads(ds.attrs["figures"])
    wanted = {(id, row["key"]) for id in loaded.used for row in figure_rows(loaded.library.get(id))}
    assert {(row["entry"], row["key"]) for row in found} == wanted
    assert all(row["source"] and row["confidence"] for row in found)


def test_the_result_does_not_depend_on_blocks_or_on_where_it_is_kept(ds):
    held = twin.simulate("oklahoma-10", **DAY, level="rack")
    for name in ds.data_vars:
        np.testing.assert_array_equal(held[name].values, ds[name].values, err_msg=str(name))


def test_one_thread_or_two_give_the_same_bytes(two_islands, tmp_path):
    made = []
    for threads in (1, 2):
        out = tmp_path / f"{threads}.zarr"
        simulate(two_islands, **DAY, level="rack", out=out, threads=threads, intervals_per_block=7)
        made.append(bytes_of(out))
    assert made[0] == made[1]


def test_two_equal_runs_are_equal_bytes_and_another_seed_is_not(unbroken, tmp_path):
    assert run_child(tmp_path / "again.zarr", 4)[0] == 0
    assert bytes_of(tmp_path / "again.zarr") == bytes_of(unbroken)
    assert run_child(tmp_path / "seed.zarr", 4, "seed=0")[0] == 0
    other = bytes_of(tmp_path / "seed.zarr")
    assert other.keys() == bytes_of(unbroken).keys()
    assert other["site_power/c/0"] != bytes_of(unbroken)["site_power/c/0"]


def test_netcdf_gives_back_the_same_dataset_and_the_same_bytes(store, ds, tmp_path):
    files = [twin.to_netcdf(store, tmp_path / name) for name in ("a.nc", "b.nc")]
    with xr.open_dataset(files[0], engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), ds)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.nc"]


def test_memory_does_not_grow_with_the_simulated_time(tmp_path):
    peaks = []
    for blocks in (2, 40):
        code, said = run_child(tmp_path / f"{blocks}.zarr", blocks, "level=rack")
        assert code == 0
        peaks.append(int(said.split("note peak ")[1]))
    assert peaks[1] < 1.1 * peaks[0]


def test_a_run_needs_no_xarray_and_no_linear_algebra_of_scipy():
    code = (
        "import sys, twin.cli.main, twin.engine.simulate as s;"
        "s.simulate('oklahoma-10', start='2028-07-01', end='2028-07-01T01:00', every=3600);"
        "sys.exit(any(name in sys.modules for name in ('xarray', 'dask', 'pandas', 'bokeh', 'scipy.linalg')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"start": "yesterday"}, 'start=: "yesterday" is no date or time'),
        ({"start": None}, "end=: an end needs a start: give start= as well"),
        ({"start": "2028-07-02", "end": "2028-07-01"}, "end=: the period is empty"),
        ({"step": "5 parsecs"}, 'step=: "5 parsecs" is no length of time'),
        ({"step": 0}, "step=: 0 s is out of range"),
        ({"step": 7200}, "step=: a step of 2 h is out of range, expected > 0 and <= 1 h"),
        ({"every": 450}, "every=: the output interval 450 s must be a multiple of the step 5 min"),
        ({"every": "7h"}, "every=: an output interval of 7 h does not divide the period of 24 h"),
        ({"step": 0.5, "every": 0.5}, "every=: an output interval of 0.5 s is not a whole number of seconds"),
        ({"level": "racks"}, 'level=: unknown level "racks"; did you mean "rack"?'),
        ({"load": "chatt"}, 'load=: the site has no load "chatt"; did you mean "chat"?'),
        ({"seed": -1}, "seed=: -1 is out of range, expected a whole number >= 0 and < 2^63"),
        ({"threads": 0}, "threads=: 0 is out of range, expected a whole number >= 1"),
        ({"every": "48h"}, "every=: an output interval of 48 h is longer than the period of 24 h"),
        ({"start": "1899-12-31"}, 'start=: "1899-12-31" is out of range, expected a year from 1900 to 2200'),
        ({"end": "2201-01-01"}, 'end=: "2201-01-01" is out of range, expected a year from 1900 to 2200'),
        ({"start": 5}, "start=: 5 is no date or time"),
        ({"step": True}, "step=: True is no length of time"),
        ({"every": [60]}, "every=: [60] is no length of time"),
        ({"level": 3}, 'level=: unknown level "3"'),
        ({"load": ["chat"]}, "load=: the site has no load"),
        ({"seed": 1.5}, "seed=: 1.5 is no whole number"),
        ({"seed": True}, "seed=: True is no whole number"),
        ({"seed": 2**63}, "seed=: 9223372036854775808 is out of range"),
        ({"threads": "two"}, 'threads=: "two" is no whole number'),
        ({"weather": 7}, "weather=: 7 is no weather, expected a name or a path"),
        ({"weather": "tempa"}, 'weather=: unknown weather "tempa"; did you mean "tampa"?'),
        ({"weather": "nowhere.epw"}, "nowhere.epw: weather=: no such weather file"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(tmp_path, words, message):
    with pytest.raises(twin.InputError) as caught:
        simulate("oklahoma-10", **{**DAY, **words}, out=tmp_path / "run.zarr")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_never_touched(tmp_path):
    mine = tmp_path / "photos"
    mine.mkdir()
    (mine / "cat.jpg").write_bytes(b"meow")
    choices: list[dict[str, Any]] = [{}, {"overwrite": True}, {"resume": True}]
    for options in choices:
        with pytest.raises(twin.InputError, match="is not empty and not a halltwin run: choose another out="):
            simulate("oklahoma-10", **DAY, out=mine, **options)
    assert (mine / "cat.jpg").read_bytes() == b"meow"
    with pytest.raises(twin.InputError, match="is a file"):
        simulate("oklahoma-10", **DAY, out=mine / "cat.jpg", overwrite=True)
    with pytest.raises(twin.InputError, match="cannot be"):
        simulate("oklahoma-10", **DAY, out=mine / "cat.jpg" / "run.zarr")
    with pytest.raises(twin.InputError, match="is not a halltwin run"):
        twin.open_run(mine)
    with pytest.raises(twin.InputError, match="there is no run here"):
        twin.open_run(tmp_path / "nowhere")


def test_a_place_where_nobody_may_write_is_told():
    with pytest.raises(twin.InputError, match="cannot be written"):
        simulate("oklahoma-10", **DAY, out="/proc/halltwin/run.zarr")


def test_a_finished_run_is_replaced_only_when_asked(tmp_path):
    out = tmp_path / "run.zarr"
    out.mkdir()  # an empty folder is free
    simulate("oklahoma-10", **DAY, level="site", out=out)
    with pytest.raises(twin.InputError, match="holds a finished run: replace it with overwrite=True"):
        simulate("oklahoma-10", **DAY, level="site", out=out)
    with pytest.raises(twin.InputError, match="exclude each other"):
        simulate("oklahoma-10", **DAY, level="site", out=out, resume=True, overwrite=True)
    simulate("oklahoma-10", **DAY, level="site", seed=1, out=out, overwrite=True)
    assert twin.open_run(out).attrs["seed"] == 1
    assert list(tmp_path.iterdir()) == [out]


def test_room_is_looked_for_before_the_run(tmp_path):
    free = free_bytes(tmp_path)
    assert free is not None
    assert room_for(tmp_path, 0.5 * free) is None
    warning = room_for(tmp_path, 2 * free)
    assert warning is not None
    assert "MB are free" in warning
    with pytest.raises(twin.InputError, match="choose another out=, a coarser every= or level="):
        room_for(tmp_path / "run.zarr", 20 * free)


def test_without_a_period_a_run_takes_the_first_year_with_every_hall():
    timeline = prepare("oklahoma-10").timeline
    assert period.stamp(timeline.start) == "2026-01-01T00:00:00Z"  # the last hall is energised in November 2025
    assert period.stamp(timeline.end) == "2027-01-01T00:00:00Z"
    assert (timeline.step, timeline.interval) == (300.0, 3600.0)
    midnight = datetime(2028, 1, 1, tzinfo=UTC).timestamp()
    assert period.period(None, None, midnight)[0] == midnight


def test_instants_and_lengths_are_read_as_people_write_them():
    noon = datetime(2028, 7, 1, 12, tzinfo=UTC).timestamp()
    for text in ("2028-07-01T12:00", "2028-07-01T12:00Z", "2028-07-01T06:00-06:00", "2028-07-01 12:00"):
        assert period.instant(text, "--from") == noon
    assert period.instant(date(2028, 7, 1), "--from") == noon - 43200
    lengths = ("300", "5min", "5 min", "0.5h", "90s", "1d")
    assert [period.seconds(text, "--step") for text in lengths] == [300, 300, 300, 1800, 90, 86400]
    assert period.interval(None, 300, 3600) == 300
    assert period.interval(None, 10, 3600) == 60
    assert period.period("2028-02-29", None, 0)[1] == datetime(2029, 2, 28, tzinfo=UTC).timestamp()


def test_a_named_load_drives_every_hall():
    full = twin.simulate("oklahoma-10", **DAY, load="full")
    assert float(full.hall_utilization.min()) == pytest.approx(1.0)
    assert full.attrs["load"] == "full"
