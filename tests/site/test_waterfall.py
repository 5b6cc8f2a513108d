"""The capacity waterfall next to sums done by hand, and the figures of an entry."""

from __future__ import annotations

import pytest

from twin.site.figures import figure_rows, settings
from twin.site.load import LoadedSite, load_site
from twin.site.rated import rated_rack
from twin.site.waterfall import waterfall


@pytest.fixture
def small(folder) -> LoadedSite:
    return load_site(folder / "site.yaml")


def test_ratings_and_rated_power_of_the_small_site(small):
    rows = waterfall(small.site, small.library)
    # 2 x 5 wet racks of 100 kW behind `both` (half from east, half from west), 4 dry ones behind `east`.
    under = {row["id"]: row["it_mw"] for row in rows["elements"]}
    assert under == pytest.approx({"line": 1.4, "east": 0.9, "west": 0.5, "both": 1.0})
    # 2 feeders of 3 MW; 4 transformers of 1000 kVA at a power factor of 0.98.
    ratings = {row["id"]: row["rating_mw"] for row in rows["elements"]}
    assert ratings == pytest.approx({"line": 6.0, "east": 3.92, "west": 3.92, "both": 3.0})
    assert rows["contract"] == [
        {"from": "2026-01-01", "mw": 10, "it_mw": pytest.approx(1.4), "share": pytest.approx(0.14)}
    ]
    wet = rows["buildings"]["B1"]["halls"]["H1"]
    assert (wet["it_mw"], wet["liquid_mw"], wet["air_mw"]) == pytest.approx((1.0, 0.8, 0.2))
    assert (wet["rack_count"], wet["systems"], wet["racks"]) == (10, 20, {"t-wet": 10})
    assert wet["cdu"] == {"device": "t-cdu", "count": 2, "duty_mw": 1.6}
    assert [link["id"] for link in wet["chain"]] == ["pdu", "ups"]
    loop = rows["buildings"]["B1"]["loops"]["fws"]
    assert loop["heat_mw"] == pytest.approx(1.4)
    assert (loop["rejection"]["duty_mw"], loop["chillers"]["duty_mw"]) == (2.0, 2.0)
    # 200 m3/h of water at 22 degC over 8 K: 998 kg/m3 and 4.18 kJ/(kg K).
    assert loop["flow_duty_mw"] == pytest.approx(200 / 3600 * 998 * 4.18e-3 * 8, rel=2e-3)
    assert rows["totals"]["rack_count"] == 14


def test_elements_stand_after_those_that_feed_them(small):
    order = [row["id"] for row in waterfall(small.site, small.library)["elements"]]
    assert order == ["line", "east", "west", "both"]


def test_conversion_stages_add_their_losses_and_loads(small):
    # 20 supplies: (100 + 20 x 0.05)/0.96 = 105.2083; 3 kW join; 10 of 20 kW with 2 % square loss at 108.2083 kW.
    first = (100 + 20 * 0.05) / 0.96 + 3
    second = first + 200 * 0.02 * (first / 200) ** 2
    rated = rated_rack(small.library.get("t-bus"), small.library)
    assert rated.it_kw == pytest.approx(second, rel=1e-12)


def test_the_figures_of_an_entry_are_rows_with_unit_and_meaning(small):
    rows = {row["key"]: row for row in figure_rows(small.library.get("t-bus"))}
    assert rows["rated_power_kw"]["unit"] == "kW"
    assert rows["rated_power_kw"]["meaning"] == "sustained power at full load"
    assert rows["liquid_share"]["meaning"] == "share of the AC power that leaves by the coolant"
    assert rows["conversion.0.added_load_kw"]["value"] == 3
    assert settings(small.library.get("t-bus"))["conversion.1.device"] == "t-curved"
