"""A small site with its own library, written into a folder of the test, and the way to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twin.core.errors import InputError, Problem
from twin.site.dump import dump
from twin.site.load import load_site

SITE = """\
format: 1
name: small
title: A small site
utc_offset_h: -6
weather: {file: weather.epw}
contract:
  tranches:
    - {from: "2026-01-01", mw: 10, source: a test, confidence: estimate}
electrical:
  elements:
    line: {device: t-feeder, count: 2, fed_from: grid}
    east: {device: t-transformer, count: 4, fed_from: line}
    west: {device: t-transformer, count: 4, fed_from: line}
    both: {device: t-feeder, fed_from: {east: 0.5, west: 0.5}}
templates:
  wet:
    rows:
      a:
        count: 2
        groups:
          - {rack: t-wet, count: 5}
    liquid: {cdu: t-cdu, count: 2, loop: fws, supply_c: 25, supply_max_c: 30}
    air: {crah: t-crah, count: 2, loop: fws, supply_c: 24}
    chain:
      pdu: {device: t-feeder, count: 2}
      ups: {device: t-feeder, count: 2, mechanical: true}
  dry:
    rows:
      a: {count: 1, groups: [{rack: t-dry, count: 4}]}
    air: {crah: t-crah, count: 2, loop: fws, supply_c: 24}
buildings:
  B1:
    loops:
      fws:
        supply_c: 18
        design_rise_k: 8
        flow_max_m3_h: 200
        head_kpa: 200
        volume_m3: 20
        reset: {on: wet_bulb, approach_k: 4, max_c: 20}
        plant:
          rejection: {device: t-dry-cooler, count: 4}
          economizer: t-economizer
          chillers: {device: t-chiller, count: 2}
          fed_from: west
          condenser_volume_m3: 10
    halls:
      H1: {template: wet, energised_on: "2026-02-01", fed_from: both}
      H2: {template: dry, energised_on: "2026-03-01", fed_from: east, load: busy}
loads:
  default: {mean: 0.6}
  busy: {mean: 0.7, csv: busy.csv}
"""


def figure(value: float, **more: Any) -> dict[str, Any]:
    return {"value": value, "source": "a test", "confidence": "estimate", **more}


def rack(liquid: float, coolant: str = "water", **more: Any) -> dict[str, Any]:
    values = {
        "rated_power_kw": 100,
        "idle_power_kw": 40,
        "body_share": 0,
        "liquid_flow_lpm": 120,
        "liquid_inlet_max_c": 40,
        "air_inlet_max_c": 35,
        "air_rise_k": 12,
        "plate_conductance_kw_k": 8,
        "plate_capacity_kj_k": 60,
        "body_capacity_kj_k": 60,
        "body_to_plate_kw_k": 1,
        "body_to_air_kw_k": 0,
    }
    return {
        "kind": "rack",
        "title": "a rack",
        "systems": 2,
        "rating_plane": "ac_input",
        "coolant": coolant,
        "liquid_share": figure(liquid, low=liquid, high=liquid),
        **{key: figure(value) for key, value in values.items()},
        **more,
    }


def entry(kind: str, **values: float) -> dict[str, Any]:
    return {"kind": kind, "title": f"a {kind}", **{key: figure(value) for key, value in values.items()}}


LAW = {"no_load_loss": 0, "proportional_loss": 0}
LIBRARY = {
    "racks/t-wet": rack(0.8),
    "racks/t-wet-glycol": rack(0.8, "pg25"),
    "racks/t-dry": rack(0),
    "racks/t-guess": {**rack(0), "liquid_share": figure(0.8)},
    "racks/t-bus": rack(
        0,
        rating_plane="dc_bus",
        conversion=[
            {"device": "t-psu", "count": 20, "added_load_kw": figure(3)},
            {"device": "t-curved", "count": 10},
        ],
    ),
    "racks/t-two-curves": rack(
        0, rating_plane="dc_bus", conversion=[{"device": "t-curved", "count": 10}, {"device": "t-curved", "count": 10}]
    ),
    "racks/t-no-psu": rack(0, rating_plane="dc_bus", conversion=[{"device": "t-cdu", "count": 1}]),
    "psus/t-psu": entry("psu", rated_kw=10, fixed_w=50, efficiency=0.96),
    "racks/t-knee": rack(0, rating_plane="dc_bus", conversion=[{"device": "t-floors", "count": 10}]),
    "psus/t-floors": {
        **entry("psu", rated_kw=10),
        "loss_table": {
            "points": [{"load": x, "efficiency": e} for x, e in ((0.1, 0.9), (0.2, 0.94), (0.5, 0.96), (1.0, 0.91))],
            "source": "made for the tests",
            "confidence": "estimate",
        },
    },
    "psus/t-curved": entry("psu", rated_kw=20, square_loss=0.02, **LAW),
    "cdus/t-cdu": entry(
        "cdu",
        rated_kw=800,
        approach_k=4,
        secondary_flow_lpm=1200,
        primary_flow_lpm=1200,
        minimum_flow_share=0.3,
        external_head_kpa=200,
        fixed_head_share=0.2,
        pump_efficiency=0.5,
        loop_volume_l_kw=1,
        flow_lag_s=30,
    ),
    "crahs/t-crah": entry(
        "crah",
        rated_kw=300,
        airflow_m3_s=25,
        water_flow_lpm=700,
        approach_k=5,
        fan_kw=10,
        minimum_speed=0.3,
        flow_lag_s=30,
    ),
    "distribution/t-feeder": entry("feeder", rated_kw=3000, square_loss=0.01, **LAW),
    "transformers/t-transformer": entry("transformer", rated_kva=1000, no_load_loss_kw=1, load_loss_kw=8),
    "plants/t-dry-cooler": entry(
        "dry_cooler", rated_kw=500, fan_kw=20, minimum_fan=0.1, entering_c=40, leaving_c=35, air_c=30, air_rise_k=6
    ),
    "plants/t-economizer": entry("economizer", effectiveness=0.9),
    "plants/t-chiller": entry("chiller", rated_kw=1000, eta=0.7, delta_k=10, minimum_lift_k=5, condenser_max_c=45),
}

Spoil = Callable[..., list[Problem]]


def place(text: str, needle: str) -> tuple[int, int]:
    """Line and column, 1-based, where ``needle`` stands in ``text`` (once)."""
    assert text.count(needle) == 1, needle
    before = text[: text.index(needle)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small site, its library, its weather and its load."""
    for name, data in LIBRARY.items():
        file = tmp_path / "library" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump(data))
    (tmp_path / "weather.epw").write_text("")
    (tmp_path / "busy.csv").write_text("time\n")
    (tmp_path / "site.yaml").write_text(SITE)
    return tmp_path


@pytest.fixture
def spoil(folder: Path) -> Spoil:
    """Replaces parts of the small site (old, new, old, new ...) and returns the problems, warnings included."""

    def problems(*changes: str) -> list[Problem]:
        text = SITE
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        file = folder / "site.yaml"
        file.write_text(text)
        try:
            return list(load_site(file).warnings)
        except InputError as error:
            return error.problems

    return problems


@pytest.fixture
def spot(folder: Path) -> Callable[[str], tuple[int, int]]:
    """Where a text stands in the site as it was written last."""
    return lambda needle: place((folder / "site.yaml").read_text(), needle)
