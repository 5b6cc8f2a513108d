"""Bands of the headline numbers: their quantiles, their form, and that they are the numbers of a run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

import twin
from tests.engine.test_serving_run import SITE
from twin.analysis.bands_text import digits, render, span, told
from twin.analysis.headline import headline_numbers, headlines_of
from twin.analysis.kpi import summary
from twin.engine.ensemble import Case
from twin.engine.prepare import prepare

PERIOD: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-03"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "serving.yaml"
    path.write_text(SITE)
    return path


@pytest.fixture(scope="module")
def found(site) -> xr.Dataset:
    return twin.bands(site, **PERIOD, raw=True)


def test_headline_numbers_are_those_of_the_summary(site):
    """The same run told twice: from its blocks, and from its Dataset by ``twin kpi``."""
    prepared = prepare(site, **PERIOD, step="1h", every="1h")
    numbers = headline_numbers(Case(prepared.loaded, prepared.plan), prepared.engine().blocks())
    run = summary(twin.simulate(site, **PERIOD, step="1h", every="1h"))
    assert numbers["site_power_maximum"] == pytest.approx(run["meter"]["peak_mw"] * 1e6, rel=1e-12)
    assert numbers["site_power"] == pytest.approx(run["meter"]["mean_mw"] * 1e6, rel=1e-12)
    assert numbers["site_energy"] == pytest.approx(run["meter"]["energy_mwh"] * 3.6e9, rel=1e-12)
    assert numbers["site_it_energy"] == pytest.approx(run["it"]["energy_mwh"] * 3.6e9, rel=1e-12)
    assert numbers["pue"] == pytest.approx(run["efficiency"]["pue"], rel=1e-12)
    assert numbers["wue"] == pytest.approx(run["efficiency"]["wue_l_kwh"], rel=1e-12)
    assert numbers["site_water"] == pytest.approx(run["efficiency"]["water_m3"], rel=1e-12)
    for what in ("cooling", "power"):
        worst = [hall[f"{what}_headroom"]["worst_mw"] * 1e6 for hall in run["halls"]]
        np.testing.assert_allclose(numbers[f"hall_{what}_headroom"], worst, rtol=1e-12)
        assert numbers[f"{what}_headroom"] == min(worst)


def test_numbers_of_the_fleet_are_those_of_its_rows(site):
    prepared = prepare(site, **PERIOD, step="1h", every="1h")
    numbers = headline_numbers(Case(prepared.loaded, prepared.plan), prepared.engine().blocks())
    run = twin.simulate(site, **PERIOD, step="1h", every="1h")
    made = (run.pool_token_rate * 3600.0).sum(("time", "pool"))
    np.testing.assert_allclose(numbers["workload_tokens"], made, rtol=1e-6)  # recorded in six digits
    joules = float((run.pool_power * 3600.0).sum())
    assert float(numbers["energy_per_token"]) == pytest.approx(joules / float(made.sum()), rel=1e-6)
    weight = run.pool_served_rate
    assert float(numbers["token_rate"]) == pytest.approx(float(run.pool_token_rate.sum("pool").sum("workload").mean()))
    late = (run.pool_ttft.sel(percentile=99.0) * weight).sum(("time", "pool")) / weight.sum(("time", "pool"))
    np.testing.assert_allclose(numbers["workload_ttft_p99"], late, rtol=1e-5)


def test_quantiles_ascend_and_hold_the_samples_as_they_should(found):
    for name in [name for name in found.data_vars if f"{name}_sample" in found]:
        samples, quantiles = found[f"{name}_sample"], found[name]
        assert (quantiles.diff("quantile") >= 0).all(), name
        below = (samples <= quantiles.sel(quantile=0.9)).sum("sample")
        assert ((below >= 57) | (samples.std("sample") == 0)).all(), name


def test_every_number_says_what_it_is(found, site):
    table = headlines_of(prepare(site, **PERIOD).plan.fleet)
    for row in table:
        assert found[row.name].dims == ("quantile", *row.dims)
        assert found[f"{row.name}_central"].dims == row.dims
        assert found[row.name].attrs["units"] == row.units
        assert found[row.name].attrs["long_name"]
    assert found.attrs["samples"] == 64
    assert found["place"].dims == ("sample", "unknown")
    assert np.isfinite(found["site_power"]).all()


def test_idle_power_of_what_serves_drives_energy_and_says_whose_figure_it_is(found):
    """Power while serving lies between idle and sustained: IT power rises with both, and their source is told."""
    row = found.sel(headline="site_it_power")
    names = [name for name in row.driver_figure.values.tolist() if name]
    assert {"cs3-llm: idle_share", "cs3-llm: sustained_kw"} & set(names)
    assert set(row.driver_effect.values[: len(names)]) == {"rises"}
    first = row.isel(driver=0)
    assert first.driver_source.item().startswith("prior: uniform over the band; nobody has published it")
    assert first.driver_confidence.item() == "estimate"
    assert 0.0 < float(row.driver_share.sum()) <= 1.0 + 1e-9
    # Independently: the squared rank correlation of the places with the samples.
    index = found.unknown.values.tolist().index(names[0])
    ranks = [np.argsort(np.argsort(x)) for x in (found.place.values[:, index], found.site_it_power_sample.values)]
    assert float(first.driver_share) == pytest.approx(np.asarray(np.corrcoef(ranks))[0, 1] ** 2, abs=1e-6)


def test_speeds_drive_the_tokens_of_a_demand_that_fills_what_there_is(found):
    """gpt-oss-120b makes nine tokens in ten here; as it is asked for a share of its capacity, its speed tells."""
    band = found["token_rate"].values
    assert band[0] < band[1] < band[2]
    assert band[2] > 1.1 * band[0]
    row = found.sel(headline="token_rate")
    told_of = dict(zip(row.driver_figure.values.tolist(), row.driver_effect.values.tolist(), strict=True))
    speeds = {name: effect for name, effect in told_of.items() if "_speed" in name}
    assert speeds
    assert set(speeds.values()) == {"rises"}


def test_tokens_per_second_of_a_campus_have_a_band_and_a_speed_drives_them():
    ds = twin.bands("prairie-750", start="2029-01-01", end="2029-01-01T03:00")
    rows = told(ds)
    (row,) = [r for r in rows["headlines"] if r["name"] == "token_rate"]
    assert row["unit"] == "1e6/s"
    assert row["p10"] < row["p50"] < row["p90"]
    assert row["p90"] > 1.2 * row["p10"]
    first = row["drivers"][0]
    assert first["figure"] == "deepseek-r1-vr: decode_speed"
    assert first["source"].startswith("prior: DeepSeek-R1 671B on Rubin is not measured")
    assert any(line.startswith("Tokens per s, 1e6/s") for line in render(rows).splitlines())


def test_without_raw_there_are_no_samples(site):
    short = twin.bands(site, **PERIOD, samples=8)
    assert "sample" not in short.dims
    assert not [name for name in short.data_vars if str(name).endswith("_sample")]


def test_the_text_has_a_line_for_each_number_and_json_holds_all_of_it(found):
    rows = told(found)
    json.dumps(rows, allow_nan=False)
    text = render(rows)
    for label in ("Meter peak, MW", "PUE", "WUE, L/kWh", "Tokens chat, 1e12", "TTFT p99 agents, s", "Promises kept"):
        assert sum(line.startswith(label) for line in text.splitlines()) >= 1, label
    assert "[estimate: prior: uniform over the band" in text
    assert len(rows["headlines"]) > 20
    peak = next(row for row in rows["headlines"] if row["name"] == "site_power_maximum")
    assert peak["p10"] <= peak["p50"] <= peak["p90"]
    assert span(rows, "site_power_maximum") == f" ({digits(peak['p10'], peak)}-{digits(peak['p90'], peak)})"
    assert span(None, "pue") == ""


def test_a_site_that_serves_nothing_has_bands_of_what_it_has():
    found = twin.bands("oklahoma-10", **PERIOD, samples=8)
    assert "tokens" not in found
    assert "workload" not in found.dims
    render(told(found))


def test_a_number_has_as_many_digits_as_its_band_leaves():
    assert digits(732.4, {"p10": 690.0, "p90": 760.0}) == "732.4"
    assert digits(1.12345, {"p10": 1.11, "p90": 1.14}) == "1.1235"
    assert digits(None, {"p10": None, "p90": None}) == "-"
