"""Physical sentences about whole sites."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shipped_sites import COMPLETE
from twin.cooling.plant import capacity
from twin.core.columns import Fac, Group, Sec
from twin.core.units import DAY
from twin.site.load import load_site
from twin.site.lower import lower

START = 1_900_000_800.0
HOUR = 3600.0
SITES = ["small", "oklahoma-10", "frontier"]


def steady_power(lab, tools, plan, weather, load):
    """Site power after two days of constant weather and load, W."""
    rows = lab.run(plan, START, 48 * HOUR, HOUR, load=load, weather=weather, interval=12 * HOUR)
    return float(tools.column(rows, "site_power")[-1, 0])


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("air", [(-15.0, 0.7), (8.0, 0.6), (20.0, 0.6), (33.0, 0.45)])
def test_more_load_never_lowers_the_site_power(lab, tools, site, air):
    plan = tools.quiet(lab.plan(site))
    powers = [steady_power(lab, tools, plan, tools.steady_weather(*air), float(u)) for u in np.linspace(0.0, 1.0, 9)]
    assert np.diff(powers).min() > 0.0


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.sampled_from(["small", "oklahoma-10"]), st.floats(-15.0, 36.0), st.floats(0.0, 0.98), st.floats(0.005, 0.05))
def test_a_little_more_load_never_lowers_the_site_power(lab, tools, site, dry_bulb, load, more):
    plan, air = tools.quiet(lab.plan(site)), tools.steady_weather(dry_bulb, 0.45)
    low, high = (steady_power(lab, tools, plan, air, u) for u in (load, min(1.0, load + more)))
    assert high > low


def plant_capacity(plan, f, wet_bulb, *, dt, share, rise, guess):
    """Heat that the plant of loop ``f`` takes at a wet bulb, at ``share`` of the flow, ``rise`` K above the supply."""
    fac, row = plan.arrays.fac[f], plan.arrays.rejection[f]
    t_ret = fac[Fac.SET] + rise
    a, b = capacity(
        fac, row, share * fac[Fac.W_MAX], fac[Fac.SET], t_ret, guess, guess, dt, wet_bulb + 4.0, wet_bulb, 1e5,
        fac[Fac.CHILLERS],
    )  # fmt: skip
    return a + b * t_ret


LOOPS = [("oklahoma-10", 0), ("frontier", 0), ("frontier", 1), ("prairie-750", 0), ("prairie-750", 2),
         ("prairie-750", 3), ("prairie-750", 8)]  # fmt: skip


@pytest.mark.parametrize(("site", "f"), LOOPS)
@pytest.mark.parametrize("dt", [60.0, 3600.0, 1e9])
@pytest.mark.parametrize("guess", [5.0, 25.0])
def test_hotter_outdoor_air_never_raises_the_capacity_of_a_plant(lab, site, f, dt, guess):
    plan = lab.plan(site)
    for share, rise in ((0.3, 4.0), (0.7, 6.0), (1.0, 10.0)):
        wet = np.arange(-25.0, 33.0, 0.25)
        taken = np.array([plant_capacity(plan, f, w, dt=dt, share=share, rise=rise, guess=guess) for w in wet])
        # Relative 1e-3: conductances follow the water's temperature in a fixed number of passes.
        assert (np.diff(taken) <= 1e-3 * np.abs(taken[:-1]) + 1.0).all(), (share, rise, np.diff(taken).max())


@pytest.mark.parametrize(("site", "f"), LOOPS)
def test_the_capacity_of_a_plant_does_not_hang_on_the_first_guess(lab, site, f):
    """In the steady state; 1 % is what the fixed number of passes may leave."""
    plan = lab.plan(site)
    for wet in (-20.0, -5.0, 10.0, 20.0, 26.0, 30.0):
        taken = [plant_capacity(plan, f, wet, dt=1e9, share=0.8, rise=7.0, guess=g) for g in (0.0, 15.0, 30.0, 40.0)]
        assert max(taken) - min(taken) <= 0.01 * abs(max(taken)) + 1.0


@pytest.mark.parametrize("month", ["01", "07"])
@pytest.mark.parametrize("step", [600.0, 3600.0])
def test_a_plant_with_room_holds_its_set_point_all_the_month(lab, tools, month, step):
    """Prairie at 95 % load, frost to heat: towers, chillers and dry coolers are sized for it."""
    plan = tools.quiet(lab.plan("prairie-750"))
    start = np.datetime64(f"2029-{month}-08T06:00").astype("datetime64[s]").astype(float)
    rows = lab.run(plan, float(start), 8 * DAY, step, load=0.95, interval=HOUR)
    assert np.nanmax(tools.column(rows, "plant_unmet_share")) == 0.0
    excess = tools.column(rows, "fws_supply_temperature") - tools.column(rows, "fws_set_temperature")
    assert np.nanmax(excess) < 1e-6


@pytest.mark.parametrize("site", [*COMPLETE, "small"])
def test_racks_without_work_draw_their_idle_power(lab, tools, site):
    plan = lab.plan(site)
    rows = lab.run(plan, START, 2 * HOUR, HOUR, load=0.0)
    group = plan.arrays.group
    idle = float((group[:, Group.IDLE] * group[:, Group.COUNT]).sum())
    assert tools.column(rows, "site_it_power")[:, 0] == pytest.approx([idle, idle], rel=1e-12)
    assert tools.column(rows, "hall_utilization").max() == 0.0


def test_a_hall_before_its_date_draws_nothing(lab, tools):
    plan = lab.plan("small")
    h = plan.labels.hall.index("b/nvl")
    date = float(plan.hall_start_s[h])
    rows = lab.run(plan, date - 2 * HOUR, 4 * HOUR, 60.0, load=0.7, interval=HOUR)
    for name in ("hall_it_power", "hall_power", "hall_mechanical_power", "hall_electrical_loss", "hall_air_heat"):
        assert (tools.column(rows, name)[:2, h] == 0.0).all(), name
        assert (tools.column(rows, name)[2:, h] > 0.0).all(), name
    a = plan.arrays
    elements = slice(int(a.hall_element[h]), int(a.hall_element[h + 1]))
    assert (tools.column(rows, "element_loss")[:2, elements] == 0.0).all()
    assert (tools.column(rows, "element_loss")[2:, elements] > 0.0).all()
    assert np.isnan(tools.column(rows, "hall_rack_inlet_temperature")[:2, h]).all()
    assert np.isfinite(tools.column(rows, "hall_rack_inlet_temperature")[2:, h]).all()
    warm = plan.labels.loop.index("b/warm")
    assert (tools.column(rows, "plant_power")[:2, warm] == 0.0).all()
    assert (tools.column(rows, "plant_power")[2:, warm] > 0.0).all()


def test_the_order_and_the_names_of_halls_do_not_matter(lab, tools, tmp_path):
    """The racks' noise follows their place, so it is off; sums change by rounding only."""
    lines = tools.small_text
    first, rest = lines.split("    halls:\n")
    halls, loads = rest.split("loads:\n")
    rows = [line for line in halls.splitlines() if line.strip()]
    renamed = [line.replace("  wafer:", "  zebra:", 1) for line in reversed(rows)]
    assert renamed != rows
    path = tmp_path / "other.yaml"
    path.write_text(first + "    halls:\n" + "\n".join(renamed) + "\nloads:\n" + loads)
    plans = [tools.quiet(lab.plan("small")), tools.quiet(lower(load_site(path)))]
    assert plans[0].labels.hall != plans[1].labels.hall
    runs = [lab.run(plan, START, DAY, 300.0, load=0.6, interval=HOUR) for plan in plans]
    for name in ("site_power", "site_it_power", "site_cooling_power", "site_electrical_loss", "site_water_flow"):
        one, other = (tools.column(run, name) for run in runs)
        assert one == pytest.approx(other, rel=1e-12), name


def test_pue_is_at_least_one_always(lab, tools):
    for site in SITES:
        plan = lab.plan(site)
        load = tools.own_curves(lab.site(site), plan)
        rows = lab.run(plan, START, 7 * DAY, HOUR, load=load)
        pue = tools.column(rows, "site_power") / tools.column(rows, "site_it_power")
        assert pue.min() > 1.0
        assert pue.max() < 2.0


@pytest.mark.parametrize("site", ["small", "oklahoma-10"])
def test_a_day_has_the_same_energy_in_steps_of_a_second_and_of_an_hour(lab, tools, site):
    """Within 1 %, with noise: IT by the exact means of load and wander, plant by weather and load of the step."""
    plan = lab.plan(site)
    load = tools.own_curves(lab.site(site), plan)
    brief, coarse = (lab.run(plan, START, DAY, step, load=load, interval=HOUR) for step in (1.0, HOUR))
    for name, within in (("site_it_power", 1e-3), ("site_power", 0.01), ("site_cooling_power", 0.02)):
        one, other = (float(tools.column(rows, name).mean()) for rows in (brief, coarse))
        assert one == pytest.approx(other, rel=within), name


def test_racks_warm_with_their_load_and_with_their_coolant(lab, tools):
    plan = tools.quiet(lab.plan("small"))
    warmer = plan.arrays.sec.copy()
    warmer[:, [Sec.SET, Sec.SET_MAX]] += 1.0
    hot = dataclasses.replace(plan, arrays=plan.arrays._replace(sec=warmer))
    air = tools.steady_weather(10.0, 0.6)
    top = [
        tools.column(lab.run(p, START, DAY, HOUR, load=u, weather=air), "hall_rack_temperature_maximum")[-1]
        for p, u in ((plan, 0.4), (plan, 0.9), (hot, 0.4))
    ]
    assert (top[1] > top[0] + 1.0).all()
    assert top[2] == pytest.approx(top[0] + 1.0, abs=0.05)


def test_the_warmest_coolant_is_that_of_the_worst_cdu_and_step(lab, tools):
    """One CDU whose exchanger is fouled supplies warmer water than its set point; the hall's mean hides it."""
    plan = tools.quiet(lab.plan("oklahoma-10"))
    sec = plan.arrays.sec.copy()
    sec[0, Sec.UA] *= 0.05
    fouled = dataclasses.replace(plan, arrays=plan.arrays._replace(sec=sec))
    rows = lab.run(fouled, START, 2 * HOUR, 60.0, load=0.9, interval=HOUR)
    warmest = tools.column(rows, "hall_liquid_supply_temperature_maximum")[-1, 0]
    supplies = tools.column(rows, "cdu_supply_temperature")[-1, : plan.arrays.hall_sec[1] - 1]
    assert supplies[0] > supplies[1:].max() + 1.0
    assert warmest == pytest.approx(supplies[0], abs=0.2)


def test_less_coolant_makes_a_plate_hotter_as_the_power_law_of_its_flow_says(lab, tools):
    """At rest: T = x + q/(w (1 - e^{-UA/w})), UA ~ (w/w_rated)^n, with the flows that the run has."""
    plan = tools.quiet(lab.plan("small"))
    seen = []
    for load in (0.3, 1.0):
        engine = lab.engine(plan, START, 6 * 3600.0, 300.0, load=load, weather=tools.steady_weather(15.0, 0.6))
        list(engine.blocks())
        a, s, t = plan.arrays, engine.scratch, engine.state.t_plate
        for g, row in enumerate(a.group):
            j = int(a.group_liquid[g])
            if j < 0 or row[Group.G_BODY_PLATE] > 0.0:
                continue
            w = s.w[j] * row[Group.W_COOLANT] / a.sec[j, Sec.W_GROUPS]
            ua = row[Group.UA] * (w / row[Group.W_COOLANT]) ** 0.65
            rack = int(a.group_rack[g])
            q = row[Group.LIQUID_SHARE] * s.power[rack]
            assert t[rack] - s.inlet[j] == pytest.approx(q / (w * (1.0 - np.exp(-ua / w))), rel=1e-4)
            seen.append(w / row[Group.W_COOLANT])
    assert min(seen) < 0.7 * max(seen)
