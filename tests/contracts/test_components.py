"""What must hold for every registered kind and every shipped entry: a new one is covered at once."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.cooling.chiller import Chiller
from twin.cooling.economizer import Economizer
from twin.cooling.moist_air import wet_bulb
from twin.cooling.pump_curve import Pump
from twin.cooling.rejection import ROW, Rejection, bound_reject, rejection_kinds
from twin.core.params import Figure, Params, quantity_of
from twin.core.registry import folders, kinds
from twin.core.variables import slot
from twin.engine.run import make_engine
from twin.engine.timeline import make_timeline
from twin.forcing.load import Daily
from twin.forcing.weather import load_weather
from twin.inference.draw import Draw
from twin.inference.workload import Workload
from twin.power.breaker import Breaker
from twin.power.generator import Generator
from twin.power.psu import Psu
from twin.power.store import Store
from twin.racks.rack import Rack
from twin.site.library import load_library
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.rated import rejection_of

LIBRARY = load_library()
ENTRIES = list(LIBRARY)
START = 1_900_000_800.0

SITE = """\
format: 1
name: contract
title: One of each
utc_offset_h: 0
weather: {{file: washington-dulles}}
contract: {{tranches: [{{from: "2025-01-01", mw: 50, source: "made for the tests", confidence: estimate}}]}}
electrical:
  elements:
    mv: {{device: {element}, count: 2, fed_from: grid}}
    plant: {{device: {element}, count: 2, fed_from: mv}}
templates:
  hall:
    rows: {{r: {{groups: [{{rack: {rack}, count: 2}}]}}}}
    {liquid}
    air: {{crah: {crah}, count: 3, loop: water, supply_c: 23{zones}}}
    chain:
      one: {{device: {element}, count: 4}}
      two: {{device: {element}, count: 4, mechanical: true, losses_to: hall}}
buildings:
  b:
    loops:
      water:
        supply_c: 16
        design_rise_k: 6
        flow_max_m3_h: 600
        head_kpa: 200
        volume_m3: 20
        plant:
          rejection: {{device: {rejection}, count: 2}}
          economizer: {economizer}
          chillers: {{device: {chiller}, count: 1}}
          fed_from: plant
          condenser_head_kpa: 120
          condenser_volume_m3: 20
    halls:
      h: {{template: hall, energised_on: "2025-01-01", fed_from: mv, load: some}}
loads:
  some: {{mean: 0.6, daily_amplitude: 0.2}}
"""
USUAL = {
    "element": "lv-switchgear", "rack": "cs3-x2", "cdu": "cdu-3mw", "crah": "fan-wall-400kw",
    "rejection": "tower-cell-6mw", "economizer": "economizer-plate", "chiller": "chiller-centrifugal",
}  # fmt: skip


def role_of(params: Params) -> str:
    """Where an entry stands in a site."""
    if isinstance(params, Rejection):
        return "rejection"
    if isinstance(params, Chiller):
        return "chiller"
    by_folder = {"ups": "element", "transformers": "element", "distribution": "element", "racks": "rack",
                 "cdus": "cdu", "pumps": "pump", "crahs": "crah", "workloads": "workload", "draws": "draw",
                 "models": "model", "serving": "serving", "containments": "containment", "transfer": "element",
                 "breakers": "backing", "stores": "backing", "generators": "backing",
                 "grid_rules": "grid_rule"}  # fmt: skip
    by_kind = {Economizer: "economizer", Psu: "psu"}
    return by_folder.get(params.FOLDER) or by_kind[type(params)]


def rating_w(params: Params) -> float:
    """The rating of what protects or backs an element, W or VA."""
    if isinstance(params, Breaker):
        return params.rated_va()
    assert isinstance(params, Store | Generator)
    return (params.power_kw if isinstance(params, Store) else params.rated_kw).value * 1e3


def written(cast: dict[str, str]) -> str:
    if "containment" in cast:  # of halls that are cooled by air alone
        cast = cast | {"rack": "hgx-b200-air", "zones": f", containment: {cast['containment']}"}
    rack = LIBRARY.get(cast["rack"], Rack)
    supply = min(rack.liquid_inlet_max_c.value - 2.0, 40.0)
    liquid = f"liquid: {{cdu: {cast['cdu']}, count: 1, loop: water, supply_c: {supply}, supply_max_c: {supply + 1}}}"
    return SITE.format(**({"zones": ""} | cast), liquid=liquid if rack.liquid_share.value > 0 else "note: by air alone")


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_file_of_a_kind_opens_with_its_equation_and_source(kind):
    text = sys.modules[kinds()[kind].__module__].__doc__ or ""
    first = text.splitlines()[0]
    assert len(first) > 20
    assert "Equation" in text
    assert "Source:" in text
    assert len(text.split("Source:")[1].strip()) > 15


def test_a_rejection_kind_says_all_that_the_plant_asks():
    """One that lacks a method cannot be made: the fault shows when its entry is read, not in a run."""
    assert Rejection.__abstractmethods__ == {"design_water_w_k", "design_leaving_c", "rejection_row"}
    assert not any(kind.__abstractmethods__ for kind in rejection_kinds().values())


def holds(annotation: Any, wanted: type) -> bool:
    """True where an annotation is, or may be, ``wanted``."""
    if annotation is wanted:
        return True
    return typing.get_origin(annotation) in (typing.Union, types.UnionType) and wanted in get_args(annotation)


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_number_of_a_kind_has_a_unit_bounds_and_a_meaning(kind):
    model = kinds()[kind]
    figures = [name for name, field in model.model_fields.items() if holds(field.annotation, Figure)]
    assert figures
    for name in figures:
        quantity = quantity_of(model, name)
        assert quantity is not None, name
        assert quantity.unit, name
        assert len(quantity.text) > 3, name
        assert "finite" not in quantity.bounds(), name
    for name, field in model.model_fields.items():
        if name not in figures and name != "coolant":
            assert field.description, name


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_meaning_says_what_the_number_is(kind):
    """``minimum_speed`` is not just "share": help and messages show the text of the field, not that of its type."""
    model = kinds()[kind]
    for name, field in model.model_fields.items():
        if holds(field.annotation, Figure):
            quantity = quantity_of(model, name)
            assert quantity is not None
            assert quantity.text != "share", name


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_unit_of_a_key_is_the_unit_of_its_quantity(kind):
    """``rated_kw`` is in kW: the key's end and the declared unit agree."""
    ends = {"_kw": "kW", "_kva": "kVA", "_c": "degC", "_k": "K", "_s": "s", "_lpm": "L/min", "_kpa": "kPa", "_w": "W",
            "_kw_k": "kW/K", "_kj_k": "kJ/K", "_m3_s": "m3/s", "_kg_s": "kg/s", "_l_kw": "L/kW",
            "_gb_s": "GB/s", "_pu": "1", "_hz": "Hz", "_mw": "MW", "_mw_min": "MW/min"}  # fmt: skip
    model = kinds()[kind]
    for name in model.model_fields:
        quantity = quantity_of(model, name)
        end = max((e for e in ends if name.endswith(e)), key=len, default=None)
        if quantity is not None and end is not None:
            assert quantity.unit == ends[end], name


def test_every_kind_has_a_folder_an_entry_and_a_place_in_a_site():
    used = {type(LIBRARY.entry(id).params) for id in ENTRIES}
    assert used == set(kinds().values())
    assert sum(len(found) for found in folders().values()) == len(kinds())
    assert all(role_of(LIBRARY.entry(id).params) for id in ENTRIES)


@pytest.mark.parametrize("id", ENTRIES)
def test_every_figure_of_an_entry_has_a_source_and_its_band_holds_it(id):
    params = LIBRARY.entry(id).params
    figures = params.figures()
    assert figures
    for name, figure in figures.items():
        assert len(figure.source) > 4, name
        if figure.confidence == "estimate" and figure.value != 0.0 and "prior" in figure.source:
            low = figure.value if figure.low is None else figure.low
            high = figure.value if figure.high is None else figure.high
            assert low <= figure.value <= high, name


@pytest.mark.parametrize("id", ENTRIES)
def test_every_entry_lowers_and_runs(id, tmp_path):
    """A small site with this entry in its place: it lowers, and runs for three hours in balance."""
    params = LIBRARY.entry(id).params
    role = role_of(params)
    if role == "draw":  # a part of serving configurations, in tests/inference; on its own it has a power
        assert isinstance(params, Draw)
        assert 0.0 < params.idle_w() < params.prefill_w()
        return
    if role == "psu":  # a part of racks, tested with them; on its own it has a law
        rated, a, b, c = LIBRARY.get(id, Psu).law()
        assert rated > 0.0
        assert min(a, b, c) >= 0.0
        return
    if role == "backing":  # behind an element, in tests/power; on its own it has a rating
        assert rating_w(params) > 0.0
        return
    if role == "pump":  # a part of CDUs and loops, tested with them; on its own it has a curve that falls
        curve = LIBRARY.get(id, Pump).curve()
        assert curve.shut_off > 0.0
        assert curve.a > 0.0
        return
    if role == "grid_rule":  # what a grid asks, tested in tests/power
        return
    if role == "workload":  # a demand, no equipment
        workload = LIBRARY.get(id, Workload)
        assert workload.input_tokens.mean() > 0.0
        assert workload.output_tokens.mean() > 0.0
        return
    path = tmp_path / "contract.yaml"
    path.write_text(written(USUAL | {role: id}))
    plan = lower(load_site(path))
    curves: list[Any] = [Daily(0.6, 0.2, 14.0, 1.0) for _ in plan.labels.curve]
    timeline = make_timeline(START, START + 10_800.0, 60.0, 3600.0, np.array([]))
    engine = make_engine(plan, load_weather("washington-dulles"), curves, timeline, seed=1, threads=1, racks=False)
    for result in engine.blocks():
        site = result.levels["site"][:, 0]
        assert (site[:, slot("energy_residual")] < 1e-9).all()
        assert (site[:, slot("site_it_power")] > 1e3).all()
        assert (site[:, slot("site_power")] > site[:, slot("site_it_power")]).all()
        assert np.isfinite(result.levels["loop"]).all()


# ------------------------------------------------------------------------------------------ heat rejection
REJECTS = [id for id in ENTRIES if isinstance(LIBRARY.entry(id).params, Rejection)]
reject = bound_reject()


def bank(id: str, count: int = 3) -> tuple[int, np.ndarray, float]:
    """Code, row and design capacity rate of a bank."""
    params = LIBRARY.entry(id).params
    assert isinstance(params, Rejection)
    code = list(rejection_kinds()).index(params.KIND)
    return code, np.array(params.rejection_row(count)), params.design_water_w_k() * count


OUTDOORS = st.tuples(st.floats(-20.0, 45.0), st.floats(0.0, 12.0), st.floats(7e4, 1.05e5))
FLOWS = st.floats(0.05, 1.3)


def heat(
    id: str, fan: float, flow: float, t_in: float, air: tuple[float, float, float], pads: float = 0.0
) -> tuple[float, float, float]:
    """Heat (W), conductance per water (1), evaporation (kg/J) of a bank."""
    code, row, water = bank(id)
    dry, spread, pressure = air
    wet = min(dry - spread, 33.0)
    k, t_ref, evaporation = reject(code, row, fan, pads, flow * water, t_in, dry, wet, pressure)
    assert wet - 1e-9 <= t_ref <= dry + 1e-9
    return k * (t_in - t_ref), k / (flow * water), evaporation


def test_there_are_wet_and_dry_ones():
    assert {kind.WET for kind in rejection_kinds().values()} == {True, False}
    assert {type(LIBRARY.entry(id).params) for id in REJECTS} == set(rejection_kinds().values())


@pytest.mark.parametrize("id", REJECTS)
def test_the_design_point_is_met(id):
    params: Any = LIBRARY.entry(id).params
    code, row, water = bank(id)
    assert len(row) == ROW
    if params.WET:
        wet = params.design_wet_bulb_c.value
        t_in, dry = wet + params.approach_k.value + params.range_k.value, wet + 8.0
    else:
        t_in, dry = params.entering_c.value, params.air_c.value
        wet = wet_bulb(dry, 0.0, 101_325.0)  # the design density is that of dry air
    k, t_ref, _ = reject(code, row, 1.0, 0.0, water, t_in, dry, wet, 101_325.0)
    assert k * (t_in - t_ref) == pytest.approx(3.0 * params.rated_kw.value * 1e3, rel=1e-9)


@pytest.mark.parametrize("id", REJECTS)
@settings(deadline=None, max_examples=150, derandomize=True)
@given(air=OUTDOORS, flow=FLOWS, fan=st.floats(0.01, 0.99), more=st.floats(0.002, 0.3), warmer=st.floats(0.1, 25.0))
def test_more_air_rejects_more(id, air, flow, fan, more, warmer):
    t_in = air[0] + warmer
    low, high = (heat(id, f, flow, t_in, air)[0] for f in (fan, min(1.0, fan + more)))
    assert high > low > 0.0


@pytest.mark.parametrize("id", REJECTS)
@settings(deadline=None, max_examples=150, derandomize=True)
@given(air=OUTDOORS, flow=FLOWS, fan=st.floats(0.05, 1.0), more=st.floats(0.05, 10.0), warmer=st.floats(0.1, 25.0))
def test_warmer_water_rejects_more(id, air, flow, fan, more, warmer):
    t_in = air[0] + warmer
    low, high = (heat(id, fan, flow, t, air)[0] for t in (t_in, t_in + more))
    assert high > low > 0.0


@pytest.mark.parametrize("id", REJECTS)
@settings(deadline=None, max_examples=300, derandomize=True)
@given(air=OUTDOORS, flow=FLOWS, fan=st.floats(0.0, 1.0), t_in=st.floats(-5.0, 300.0))
def test_no_water_leaves_below_the_reference(id, air, flow, fan, t_in):
    """0 <= k <= W: water is cooled toward the reference and never past it, however hot a failure makes it."""
    _, share, evaporation = heat(id, fan, flow, t_in, air)
    assert 0.0 <= share <= 1.0 + 1e-12  # a rounding above 1 where the exchanger is endless
    assert np.isfinite(evaporation)
    assert evaporation >= 0.0
    if not rejection_of(id, LIBRARY).WET:
        assert evaporation == 0.0


@pytest.mark.parametrize("id", REJECTS)
def test_without_air_or_water_nothing_is_rejected(id):
    code, row, water = bank(id)
    for fan, flow in ((0.0, water), (1.0, 0.0), (0.0, 0.0)):
        k, t_ref, evaporation = reject(code, row, fan, 1.0, flow, 40.0, 25.0, 18.0, 101_325.0)
        assert k == 0.0
        assert evaporation == 0.0
        assert np.isfinite(t_ref)
