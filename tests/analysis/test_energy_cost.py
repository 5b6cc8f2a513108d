"""Cost, demand charge and carbon of a run made by hand, and of a real one with recorded prices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from twin import InputError
from twin.analysis.dataset import simulate
from twin.analysis.energy_cost import grid_costs
from twin.analysis.kpi import summary
from twin.analysis.period import period_of
from twin.analysis.summary_text import render
from twin.site.load import load_site

MW = 1e6
HEAD = "format: 1\nbase: oklahoma-10\nname: priced\n"
SOURCED = 'source: "made for the tests", confidence: estimate'


def text(grid: str, folder: Path) -> str:
    """The resolved text of a site with this section."""
    path = folder / "priced.yaml"
    path.write_text(f"{HEAD}grid:\n{grid}")
    return load_site(path).text


def made(site_text: str, mw: list[float], interval_s: int = 900, start: str = "2027-01-31T22:00") -> xr.Dataset:
    """A run by hand: power at the meter by interval, half of it IT; local time is UTC - 6 h."""
    end = np.datetime64(start, "s") + (1 + np.arange(len(mw))) * np.timedelta64(interval_s, "s")
    power = np.array(mw) * MW
    data = {"site_power": ("time", power), "site_it_power": ("time", 0.5 * power),
            "site_power_maximum": ("time", 1.1 * power)}  # fmt: skip
    attrs = {"interval_s": interval_s, "step_s": 300, "utc_offset_h": -6, "site_text": site_text}
    return xr.Dataset(data, {"time": end.astype("datetime64[ns]")}, attrs)


def costs(ds: xr.Dataset) -> dict:
    found = grid_costs(ds, period_of(ds))
    assert found is not None
    return found


def test_a_flat_price(tmp_path):
    """10 MW for 15 min and 20 MW for 15 min are 7.5 MWh; at 40 USD/MWh 300 USD."""
    found = costs(made(text(f"  price: {{usd_mwh: 40, {SOURCED}}}\n", tmp_path), [10.0, 20.0]))
    assert found["energy"]["usd"] == pytest.approx(300.0)
    assert found["energy"]["price_paid_usd_mwh"] == pytest.approx(40.0)
    assert found["total_usd"] == pytest.approx(300.0)
    assert found["usd_per_mwh"] == pytest.approx(40.0)


def test_prices_by_the_hour_of_the_local_day(tmp_path):
    """22:00 UTC is 16:00 at the site: an hour at 16 USD/MWh and 4 MW, an hour at 17 and 12 MW."""
    hours = ", ".join(str(h) for h in range(24))
    ds = made(text(f"  price: {{hourly_usd_mwh: [{hours}], {SOURCED}}}\n", tmp_path), [4.0] * 4 + [12.0] * 4)
    found = costs(ds)["energy"]
    assert found["usd"] == pytest.approx(4 * 16 + 12 * 17)
    assert found["price_mean_usd_mwh"] == pytest.approx(16.5)
    assert found["price_paid_usd_mwh"] == pytest.approx((4 * 16 + 12 * 17) / 16)
    # An interval over both hours has their mean.
    both = made(ds.attrs["site_text"], [8.0], interval_s=7200)
    assert costs(both)["energy"]["usd"] == pytest.approx(16 * 16.5)


def test_the_demand_charge_of_each_local_month(tmp_path):
    """Local midnight of 1 February is 06:00 UTC: the highest 15 min before and after it, each on its month."""
    mw = [5.0] * 32 + [3.0, 9.0, 3.0, 3.0]
    mw[10] = 7.0
    found = costs(made(text("  demand_charge_usd_kw_month: 12\n", tmp_path), mw))["demand"]
    assert [(row["month"], row["highest_mw"], row["whole"]) for row in found["months"]] == [
        ("2027-01", pytest.approx(7.0), False), ("2027-02", pytest.approx(9.0), False),
    ]  # fmt: skip
    assert found["usd"] == pytest.approx(12 * (7000 + 9000))
    assert (found["window_s"], found["exact"]) == (900.0, True)


def test_minutes_are_gathered_to_15_min_on_the_clock(tmp_path):
    """30 min with 15 MW in one of the minutes: 5 + 10/15."""
    mw = [5.0] * 30
    mw[20] = 15.0
    site = text("  demand_charge_usd_kw_month: 1\n", tmp_path)
    found = costs(made(site, mw, interval_s=60))["demand"]
    assert found["months"][0]["highest_mw"] == pytest.approx(5.0 + 10.0 / 15.0)
    # From 22:10 on the first five minutes are a part of a quarter and say nothing.
    late = [50.0] * 5 + [5.0] * 15
    found = costs(made(site, late, interval_s=60, start="2027-01-31T22:10"))["demand"]
    assert found["months"][0]["highest_mw"] == pytest.approx(5.0)


def test_longer_intervals_say_what_stands_in(tmp_path):
    found = costs(made(text("  demand_charge_usd_kw_month: 1\n", tmp_path), [5.0, 6.0], interval_s=3600))["demand"]
    assert found["months"][0]["highest_mw"] == pytest.approx(6.6)
    assert (found["window_s"], found["exact"]) == (300.0, False)


def test_a_whole_month_is_one(tmp_path):
    ds = made(text("  demand_charge_usd_kw_month: 2\n", tmp_path), [4.0] * 28 * 24, 3600, "2027-02-01T06:00")
    (row,) = costs(ds)["demand"]["months"]
    assert row["whole"] is True


def test_carbon_and_cue(tmp_path):
    """1 h at 10 MW and 400 kg/MWh: 4 t; half of the power is IT: 0.8 kg/kWh."""
    found = costs(made(text(f"  carbon: {{kg_mwh: 400, {SOURCED}}}\n", tmp_path), [10.0] * 4))["carbon"]
    assert found["kg"] == pytest.approx(4000.0)
    assert found["cue_kg_kwh"] == pytest.approx(0.8)


def test_a_site_without_prices_is_told_nothing(tmp_path):
    assert grid_costs(made("", [1.0]), period_of(made("", [1.0]))) is None
    ds = made(text("  ramp_limit_mw_min: 20\n", tmp_path), [1.0])
    assert grid_costs(ds, period_of(ds)) is None


RECORDED = f"""  price: {{csv: p.csv, {SOURCED}}}
  carbon: {{csv: c.csv, {SOURCED}}}
  demand_charge_usd_kw_month: 10
"""


def test_recorded_prices_travel_with_the_run(tmp_path):
    """The file may be gone when the run is read."""
    (tmp_path / "p.csv").write_text("time,value\n2028-07-01,30\n2028-07-01T03:00,90\n2028-07-01T12:00,50\n")
    (tmp_path / "c.csv").write_text("time,value\n2028-07-01T00:00-06:00,100\n2028-07-02T00:00-06:00,200\n")
    text(RECORDED, tmp_path)
    ds = simulate(tmp_path / "priced.yaml", start="2028-07-01", end="2028-07-01T06:00", step="5min", every="5min")
    (tmp_path / "p.csv").unlink()
    found = summary(ds)
    energy = ds["site_power"].values / MW / 12
    price = np.repeat([30.0, 90.0], 36)
    grid = found["grid"]
    assert grid["energy"]["usd"] == pytest.approx(float(energy @ price))
    # Midnight at the site is 06:00 UTC: the intensity begins where the run ends.
    assert grid["carbon"]["kg"] is None
    assert grid["carbon"]["covered_share"] == 0.0
    quarters = energy.reshape(-1, 3).sum(axis=1) * 4
    assert grid["demand"]["usd"] == pytest.approx(10 * 1e3 * quarters.max())
    assert grid["total_usd"] == pytest.approx(grid["energy"]["usd"] + grid["demand"]["usd"])
    shown = render(found)
    assert "USD/MWh paid" in shown
    assert "CO2    unknown" in shown
    assert "(1 of them in part)" in shown


def test_a_faulty_recording_is_told_at_its_lines(tmp_path):
    (tmp_path / "p.csv").write_text("time,value\n2028-07-01,30\nnoon,x\n2028-07-01,5\n")
    (tmp_path / "c.csv").write_text("time,value\n2028-07-01,1\n2028-07-02,1\n")
    text(RECORDED, tmp_path)
    with pytest.raises(InputError) as caught:
        simulate(tmp_path / "priced.yaml", start="2028-07-01", end="2028-07-01T06:00", level="site")
    told = [str(problem) for problem in caught.value.problems]
    assert any("p.csv:3:1: time: expected an ISO 8601 time, got 'noon'" in line for line in told)
    assert any("p.csv:3:2: value: expected a number, got 'x'" in line for line in told)


def test_no_section_no_attribute():
    ds = simulate("oklahoma-10", start="2028-07-01", end="2028-07-01T01:00", level="site")
    assert "grid_series" not in ds.attrs
    assert "grid" not in summary(ds)
