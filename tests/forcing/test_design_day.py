"""Design conditions and design days."""

from __future__ import annotations

import numpy as np
import psychrolib
import pytest

from twin.forcing.design_day import KINDS, Kind, conditions_of_year, design_conditions, design_day_weather
from twin.forcing.weather import load_weather, shipped_weather

HEADER = (
    "DESIGN CONDITIONS,1,A Handbook,,Heating,1,-19,-16,-25,0.4,-19,Cooling,7,10.4,33,23.4,31,23,30,22,"
    "25.6,31.4,24,29,Extremes,12"
)
DAY = """ SizingPeriod:DesignDay,
  Somewhere Ann {name},     !- Name
  7, 21, SummerDesignDay,   !- Month, day, type in \xb0C
  {dry}, {range}, DefaultMultipliers, , Wetbulb,
  {wet},                    !- Wetbulb at Maximum Dry-Bulb {{C}}
  , , , , 98934.;
"""
DDY = "".join(
    [
        " ! comment; with a semicolon\nSite:Location, Somewhere, 41.98, -87.92, -6.0, 201.0;\n",
        DAY.format(name="Htg 99.6% Condns DB", dry=-21, range=0.0, wet=-21),
        DAY.format(name="Clg .4% Condns DB=>MWB", dry=34, range=11.5, wet=24),
        DAY.format(name="Clg 1% Condns DB=>MWB", dry=31, range=11.5, wet=23),
        DAY.format(name="Clg .4% Condns WB=>MDB", dry=32, range=11.5, wet=26),
    ]
)


def with_header(lines, header):
    return [lines[0], header, *lines[2:]]


def figures(conditions):
    return (
        conditions.cooling_dry_bulb_c,
        conditions.cooling_coincident_wet_bulb_c,
        conditions.wet_bulb_c,
        conditions.wet_bulb_coincident_dry_bulb_c,
        conditions.heating_dry_bulb_c,
        conditions.daily_range_k,
    )


def test_the_ddy_file_beside_the_epw_comes_first(epw_lines, write):
    path = write(with_header(epw_lines(), HEADER))
    write(DDY.encode("latin-1"), "some.ddy")
    conditions = design_conditions(load_weather(path))
    assert conditions.origin == "design days of some.ddy"
    assert figures(conditions) == (34.0, 24.0, 26.0, 32.0, -21.0, 11.5)


def test_the_20_year_extreme_comes_from_the_header_beside_either(epw_lines, write):
    """The line of Washington-Dulles as EnergyPlus ships it: 39.7 degC in 20 years."""
    extremes = "Extremes,9.2,8.2,7.3,28.9,-17.2,36.2,4.6,1.9,-20.4,37.5,-23.1,38.7,-25.7,39.7,-29,41.1"
    path = write(with_header(epw_lines(), HEADER.replace("Extremes,12", extremes)))
    assert design_conditions(load_weather(path)).extreme_dry_bulb_c == 39.7
    write(DDY.encode("latin-1"), "some.ddy")
    found = design_conditions(load_weather(path))
    assert (found.origin, found.extreme_dry_bulb_c) == ("design days of some.ddy", 39.7)
    write(with_header(epw_lines(), HEADER))
    assert design_conditions(load_weather(path)).extreme_dry_bulb_c is None
    write(with_header(epw_lines(), HEADER.replace("Extremes,12", extremes.replace("39.7", "20"))))
    assert design_conditions(load_weather(path)).extreme_dry_bulb_c is None


def test_else_the_header_of_the_epw(epw_lines, write):
    conditions = design_conditions(load_weather(write(with_header(epw_lines(), HEADER))))
    assert conditions.origin == "header of some.epw (A Handbook)"
    assert figures(conditions) == (33.0, 23.4, 25.6, 31.4, -19.0, 10.4)


@pytest.mark.parametrize(
    "header",
    [
        "DESIGN CONDITIONS,0",
        HEADER.replace("33,", "n/a,"),
        HEADER.replace("23.4", "53.4"),
        HEADER.replace("Heating,1,-19", "Heating,1,50"),
        "DESIGN CONDITIONS,1,A Handbook,,Heating,-19,Cooling,33,23",
    ],
)
def test_else_percentiles_of_the_year(header, epw_lines, write):
    weather = load_weather(write(with_header(epw_lines(), header)))
    conditions = design_conditions(weather)
    assert conditions.origin == "percentiles of the hours of some"
    assert conditions == conditions_of_year(weather)


def test_a_ddy_file_without_the_needed_days_is_passed_over(epw_lines, write):
    path = write(with_header(epw_lines(), HEADER))
    write(DDY.replace("WB=>MDB", "Enth=>MDB").encode("latin-1"), "some.ddy")
    assert design_conditions(load_weather(path)).origin.startswith("header")


@pytest.mark.parametrize("name", shipped_weather())
def test_percentiles_of_the_shipped_years(name):
    weather = load_weather(name)
    conditions = design_conditions(weather)
    assert conditions.origin == f"percentiles of the hours of {name}"
    assert conditions.is_possible()
    # 0.4 % of 8760 hours are 35.04; equal readings share a rank.
    assert np.sum(weather.dry_bulb_c > conditions.cooling_dry_bulb_c) <= 36
    assert np.sum(weather.wet_bulb_c > conditions.wet_bulb_c) <= 36
    assert np.sum(weather.dry_bulb_c < conditions.heating_dry_bulb_c) <= 36


def test_coincident_values_and_the_daily_range_by_another_way(chicago):
    conditions = conditions_of_year(chicago)
    hours = list(zip(chicago.dry_bulb_c.tolist(), chicago.wet_bulb_c.tolist(), strict=True))
    wet = [wet for dry, wet in hours if abs(dry - conditions.cooling_dry_bulb_c) <= 0.5]
    dry = [dry for dry, wet in hours if abs(wet - conditions.wet_bulb_c) <= 0.5]
    assert conditions.cooling_coincident_wet_bulb_c == pytest.approx(sum(wet) / len(wet))
    assert conditions.wet_bulb_coincident_dry_bulb_c == pytest.approx(sum(dry) / len(dry))
    # July is the hottest month of this year: its days begin 181 days after New Year.
    july = [chicago.dry_bulb_c[24 * day : 24 * day + 24].tolist() for day in range(181, 212)]
    assert conditions.daily_range_k == pytest.approx(sum(max(day) - min(day) for day in july) / 31)


def test_a_short_series_has_no_percentiles(chicago):
    with pytest.raises(ValueError, match="percentiles need a year"):
        conditions_of_year(design_day_weather(chicago))


@pytest.mark.parametrize("name", shipped_weather())
def test_the_day_peaks_at_15_with_the_design_condition(name):
    weather = load_weather(name)
    conditions = design_conditions(weather)
    days: list[tuple[Kind, float, float]] = [
        ("dry-bulb", conditions.cooling_dry_bulb_c, conditions.cooling_coincident_wet_bulb_c),
        ("wet-bulb", conditions.wet_bulb_coincident_dry_bulb_c, conditions.wet_bulb_c),
    ]
    for kind, dry, wet in days:
        day = design_day_weather(weather, kind)
        assert int(np.argmax(day.dry_bulb_c)) == 14
        assert day.dry_bulb_c[14] == pytest.approx(dry, abs=1e-9)
        assert day.wet_bulb_c[14] == pytest.approx(wet, abs=1e-6)
        assert np.ptp(day.dry_bulb_c) == pytest.approx(conditions.daily_range_k, abs=1e-9)
        assert conditions.origin in day.source


def test_the_heating_day_is_constant_and_saturated(chicago):
    day = design_day_weather(chicago, "heating")
    cold = design_conditions(chicago).heating_dry_bulb_c
    np.testing.assert_allclose(day.dry_bulb_c, cold)
    np.testing.assert_allclose(day.wet_bulb_c, cold, atol=1e-6)
    np.testing.assert_allclose(day.relative_humidity, 1.0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_of_a_day_belong_together(kind, chicago):
    day = design_day_weather(chicago, kind)
    psychrolib.SetUnitSystem(psychrolib.SI)
    for t, rh, p, dew, wet, w in zip(
        day.dry_bulb_c,
        day.relative_humidity,
        day.pressure_pa,
        day.dew_point_c,
        day.wet_bulb_c,
        day.humidity_ratio,
        strict=True,
    ):
        assert wet == pytest.approx(psychrolib.GetTWetBulbFromRelHum(t, rh, p), abs=0.01)
        assert dew == pytest.approx(psychrolib.GetTDewPointFromRelHum(t, rh), abs=0.01)
        assert w == pytest.approx(psychrolib.GetHumRatioFromRelHum(t, rh, p), rel=1e-6)


def test_a_day_repeats_on_every_day_of_any_year(chicago):
    day = design_day_weather(chicago)
    week = day.sample(1_750_000_000 + 600 * np.arange(7 * 144), 600).dry_bulb_c.reshape(7, 144)
    np.testing.assert_allclose(week, np.broadcast_to(week[0], (7, 144)), rtol=1e-12)
    assert week.max() == pytest.approx(day.dry_bulb_c.max(), abs=0.1)
