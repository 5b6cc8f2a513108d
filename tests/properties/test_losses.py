"""A site that runs and loses heat besides what its plants reject: the sums, the limits, the keys of its file."""

from __future__ import annotations

import dataclasses
from itertools import islice

import numpy as np
import pytest

from tests.properties.at_rest import START, Floats, columns, edited, leaky
from twin.core.columns import Fac, Group, Sec
from twin.core.errors import InputError
from twin.core.units import HOUR
from twin.core.variables import slot
from twin.engine.run import Engine
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.plan import Plan

Rows = dict[str, Floats]
RESIDUAL = [slot("energy_residual")]


@pytest.mark.parametrize("step", [1.0, 60.0, HOUR])
def test_a_site_that_runs_closes_its_ledger_with_losses(lab, tools, step):
    plan = leaky(lab.plan("small"), 5 * HOUR)
    air = tools.steady_weather(-10.0, 0.6)
    rows = lab.run(plan, START, 600.0 if step == 1.0 else 12 * HOUR, step, load=0.6, weather=air)
    assert tools.column(rows, "energy_residual").max() < 1e-9


@pytest.mark.parametrize("outdoors", [-10.0, 38.0])
def test_a_plant_carries_as_much_less_as_its_loops_and_halls_lose(lab, tools, outdoors):
    """In the steady state, loss by loss: its conductance times the difference that the run itself reports."""
    plain = tools.quiet(lab.plan("small"))
    air = tools.steady_weather(outdoors, 0.4)

    def run(plan: Plan) -> Rows:
        rows: Rows = lab.run(plan, START, 2 * HOUR, 60.0, load=0.6, weather=air, interval=HOUR)
        return rows

    before = run(plain)

    def less(after: Rows, *names: str) -> float:
        """By how much a run draws or carries less than the one without losses, W in the last hour."""
        return float(sum((tools.column(before, n)[-1] - tools.column(after, n)[-1]).sum() for n in names))

    group, sec, fac = columns(plain)
    fac[:, Fac.TO_OUTDOORS] = 400.0
    after = run(edited(plain, group, sec, fac))
    mean = 0.5 * (tools.column(after, "fws_supply_temperature") + tools.column(after, "fws_return_temperature"))
    lost = 400.0 * (mean - outdoors)[-1].sum()
    # What pumps and fans add follows the flows, which the losses change a little.
    assert less(after, "plant_heat") == pytest.approx(lost + less(after, "hall_power", "fws_pump_power"), rel=0.01)
    group, sec, fac = columns(plain)
    sec[plain.arrays.hall_sec[1:] - 1, Sec.TO_OUTDOORS] = 150.0
    after = run(edited(plain, group, sec, fac))
    lost = 150.0 * (tools.column(after, "hall_return_temperature") - outdoors)[-1].sum()
    assert less(after, "plant_heat") == pytest.approx(lost + less(after, "hall_power", "fws_pump_power"), rel=0.01)


def test_valves_open_wider_for_heat_that_comes_in_through_the_walls(lab, tools):
    """As much again as a fifth of the racks' air heat: coils that have room for it hold their set points."""
    plan = tools.quiet(lab.plan("small"))
    group, sec, fac = columns(plan)
    rooms = plan.arrays.hall_sec[1:] - 1
    sec[rooms, Sec.TO_OUTDOORS] = 0.2 * 0.6 * sec[rooms, Sec.RATED_HEAT] / (44.0 - 34.0)
    air = tools.steady_weather(44.0, 0.2)
    rows = lab.run(edited(plan, group, sec, fac), START, 3 * HOUR, 60.0, load=0.6, weather=air, interval=HOUR)
    assert (tools.column(rows, "hall_return_temperature")[-1] < 40.0).all()
    assert tools.column(rows, "plant_unmet_share").max() == 0.0
    assert tools.column(rows, "hall_unmet_share").max() == 0.0


def test_what_coolant_loses_to_its_room_the_air_handlers_carry(lab, tools):
    plain = tools.quiet(lab.plan("small"))
    group, sec, fac = columns(plain)
    cdu, air = plain.labels.sec.index("b/nvl/cdu-01"), plain.labels.sec.index("b/nvl/air")
    sec[cdu, Sec.TO_ROOM] = sec[air, Sec.TO_ROOM] = 200.0
    weather = tools.steady_weather(15.0, 0.5)
    runs = [
        lab.run(plan, START, 6 * HOUR, 10.0, load=0.6, weather=weather, interval=HOUR)
        for plan in (plain, edited(plain, group, sec, fac))
    ]
    k, h = plain.labels.cdu.index("b/nvl/cdu-01"), plain.labels.hall.index("b/nvl")
    coolant = 0.5 * (tools.column(runs[1], "cdu_supply_temperature") + tools.column(runs[1], "cdu_return_temperature"))
    lost = 200.0 * (coolant[-1, k] - tools.column(runs[1], "hall_return_temperature")[-1, h])
    less = tools.column(runs[0], "cdu_heat")[-1, k] - tools.column(runs[1], "cdu_heat")[-1, k]
    assert less == pytest.approx(lost, rel=0.02)
    assert tools.column(runs[1], "energy_residual").max() < 1e-9


def test_next_to_no_loss_is_next_to_none(lab, tools):
    """The equations with losses become those without, in a run at which anything moves."""
    plan = lab.plan("small")
    tiny = leaky(plan, 1e16)
    rows = [lab.run(p, START, 24 * HOUR, 300.0, load=0.6, interval=HOUR) for p in (plan, tiny)]
    for level in rows[0]:
        # The residual is rounding, of either.
        keep = slice(None) if level != "site" else [v for v in range(rows[0][level].shape[-1]) if v not in RESIDUAL]
        assert rows[1][level][..., keep] == pytest.approx(rows[0][level][..., keep], rel=1e-6, abs=1e-6, nan_ok=True)


def test_a_run_that_goes_on_from_its_state_is_the_run_that_never_stopped(lab, tools):
    plan = leaky(lab.plan("small"), 5 * HOUR)

    def made() -> Engine:
        engine: Engine = lab.engine(plan, START, 6 * HOUR, 300.0, load=0.6, weather="chicago-ohare", interval=HOUR)
        return dataclasses.replace(engine, timeline=tools.one_interval_blocks(engine.timeline))

    whole, first, second = made(), made(), made()
    rows = [result.levels for result in whole.blocks()]
    list(islice(first.blocks(), 3))
    for mine, saved in zip(second.state, first.state, strict=True):
        mine[...] = saved
    for late, result in zip(rows[3:], second.blocks(3), strict=True):
        assert all(result.levels[level].tobytes() == late[level].tobytes() for level in late)


KEYS = {
    "{cdu: cdu-3mw, count: 1,": "{coolant_to_room_w_k: 40, rack_to_room_w_k: 25, cdu: cdu-3mw, count: 1,",
    "air: {crah: fan-wall-400kw, count: 1, loop: chw, supply_c: 22}\n    chain:":
        "air: {to_outdoors_w_k_kw: 0.8, crah: fan-wall-400kw, count: 1, loop: chw, supply_c: 22}\n    chain:",
    "        volume_m3: 20\n": "        volume_m3: 20\n        to_outdoors_w_k: 300\n",
    "          condenser_volume_m3: 20\n": "          condenser_volume_m3: 20\n          basin_to_outdoors_w_k: 90\n",
}  # fmt: skip


def test_the_keys_of_a_site_file_reach_the_columns(tools, tmp_path):
    text = tools.small_text
    for old, new in KEYS.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "small.yaml"
    path.write_text(text)
    plan = lower(load_site(path))
    a, labels = plan.arrays, plan.labels
    cdu, air = labels.sec.index("b/wafer/cdu-01"), labels.sec.index("b/wafer/air")
    g = np.flatnonzero(a.group_air == air)
    rated = (a.group[g, Group.RATED] * a.group[g, Group.COUNT]).sum()
    assert a.sec[cdu, Sec.TO_ROOM] == 40.0
    assert a.sec[air, Sec.TO_ROOM] == 40.0 + 12 * 25.0
    assert a.sec[air, Sec.TO_OUTDOORS] == pytest.approx(0.8e-3 * rated, rel=1e-12)
    assert (a.group[g, Group.TO_ROOM] == 25.0).all()
    loop = labels.loop.index("b/chw")
    assert a.fac[loop, [Fac.TO_OUTDOORS, Fac.BASIN_TO_OUTDOORS]].tolist() == [300.0, 90.0]
    others = np.arange(len(a.sec)) != air
    assert not a.sec[others, Sec.TO_OUTDOORS].any()
    for good, bad in (("to_outdoors_w_k_kw: 0.8", "to_outdoors_w_k_kw: -1"), ("_w_k: 300", "_w_k: 1e9")):
        path.write_text(text.replace(good, bad))
        with pytest.raises(InputError, match="to_outdoors_w_k"):
            load_site(path)
