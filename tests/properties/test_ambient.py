"""With no load, no plant and no pumps a site ends at the temperature of the outdoor air: the ways that heat finds out.

Everything in the ``small`` site stands: racks draw nothing, pumps and fans of halls and loops are off, the plants take
nothing. Weather is constant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from twin.core.columns import Fac, Group, Sec
from twin.core.errors import InputError
from twin.core.units import HOUR
from twin.core.variables import slot
from twin.engine.arrays import State
from twin.engine.book import GROSS, OUTWARD, STORED
from twin.engine.run import Engine
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.plan import Plan
from twin.site.reduced import reduced

Floats = NDArray[np.float64]
START = 1_900_000_800.0
ULP = float(np.finfo(float).eps)
RESIDUAL = [slot("energy_residual")]
STORES = ("sec_return", "sec_supply", "fac_return", "fac_supply", "basin")


def edited(plan: Plan, group: Floats, sec: Floats, fac: Floats) -> Plan:
    return dataclasses.replace(plan, arrays=plan.arrays._replace(group=group, sec=sec, fac=fac))


def columns(plan: Plan) -> tuple[Floats, Floats, Floats]:
    a = plan.arrays
    return a.group.copy(), a.sec.copy(), a.fac.copy()


def still(plan: Plan, pipes: bool = True) -> Plan:
    """No load, no pump, no fan, no plant; with pipes that hold half as much as the headers, and a store."""
    group, sec, fac = columns(plan)
    group[:, [Group.P0, Group.P1, Group.P2]] = 0.0
    sec[:, [Sec.RUNNING, Sec.OPEN]] = 0.0
    fac[:, [Fac.RUNNING, Fac.CHILLERS, Fac.ECONOMIZER, Fac.ECONOMIZER_UA, Fac.FAN, Fac.BASIN_HEATER]] = 0.0
    if pipes:
        fac[:, Fac.C_PIPE_RETURN] = 0.5 * fac[:, Fac.C_RETURN]
        fac[:, Fac.C_PIPE_SUPPLY] = 2.0 * fac[:, Fac.C_SUPPLY]
    return edited(plan, group, sec, fac)


def leaky(plan: Plan, within_s: float, out: tuple[float, float, float] = (1, 1, 1), room: tuple[float, float] = (1, 1)):
    """Conductances with which each store alone would follow what it meets with a time constant of ``within_s``.

    Times factors: ``out`` of the loops, basins and rooms to the outdoors, ``room`` of coolant and racks to their room.
    """
    group, sec, fac = columns(plan)
    air = plan.arrays.hall_sec[1:] - 1
    water = fac[:, [Fac.C_RETURN, Fac.C_SUPPLY, Fac.C_PIPE_RETURN, Fac.C_PIPE_SUPPLY]].sum(axis=1)
    fac[:, Fac.TO_OUTDOORS] = out[0] * water / within_s
    fac[:, Fac.BASIN_TO_OUTDOORS] = out[1] * fac[:, Fac.C_BASIN] / within_s
    sec[:, Sec.TO_ROOM] = room[0] * (sec[:, Sec.C_RETURN] + sec[:, Sec.C_SUPPLY]) / within_s
    sec[air, Sec.TO_ROOM] = 1.0
    sec[air, Sec.TO_OUTDOORS] = out[2] * sec[air, Sec.C_RETURN] / within_s
    group[:, Group.TO_ROOM] = room[1] * group[:, Group.C_PLATE] / within_s
    return edited(plan, group, sec, fac)


def cooled(plan: Plan) -> NDArray[np.bool_]:
    """Racks that have coolant: the plate of another is no part of it."""
    return np.repeat(plan.arrays.group_liquid >= 0, np.diff(plan.arrays.group_rack))


def temperatures(plan: Plan, state: State) -> Floats:
    """Every temperature of a site, degC."""
    water = state.pipe[:, :, 1][state.pipe[:, :, 0] > 0.0]
    # Parcels of a pipe come and go: its coldest and its warmest stand for all.
    ends = [water.min(), water.max()] if water.size else []
    return np.concatenate([state.t_plate[cooled(plan)], state.t_body, *(getattr(state, n) for n in STORES), ends])


def heat(plan: Plan, state: State, t0: float) -> float:
    """Heat in everything above ``t0``, J."""
    a = plan.arrays
    liquid = a.group_liquid >= 0
    total = (a.group[:, Group.C_PLATE] * (state.sum_plate - a.group[:, Group.COUNT] * t0))[liquid].sum()
    total += (a.group[:, Group.C_BODY] * (state.sum_body - a.group[:, Group.COUNT] * t0)).sum()
    total += (a.sec[:, Sec.C_RETURN] * (state.sec_return - t0) + a.sec[:, Sec.C_SUPPLY] * (state.sec_supply - t0)).sum()
    total += (a.fac[:, Fac.C_RETURN] * (state.fac_return - t0) + a.fac[:, Fac.C_SUPPLY] * (state.fac_supply - t0)).sum()
    total += (a.fac[:, Fac.C_BASIN] * (state.basin - t0)).sum()
    return float(total + (state.pipe[:, :, 0] * (state.pipe[:, :, 1] - t0)).sum())


def fill(plan: Plan, state: State, t: Floats | float) -> None:
    """Set every temperature; racks of a group alike. ``t`` for all, or a source of as many as there are."""
    each: Iterator[float] = iter(np.broadcast_to(t, (10_000,)) if np.ndim(t) == 0 else np.asarray(t))
    a = plan.arrays
    for g in range(len(a.group)):
        r = slice(int(a.group_rack[g]), int(a.group_rack[g + 1]))
        state.t_plate[r], state.t_body[r] = next(each), next(each)
        state.sum_plate[g], state.sum_body[g] = state.t_plate[r].sum(), state.t_body[r].sum()
    for name in STORES:
        getattr(state, name)[:] = [next(each) for _ in getattr(state, name)]
    state.pipe[:, :, 1] = state.fac_return[:, None, None]
    state.sec_flow.fill(0.0)
    state.fac_flow.fill(0.0)


def standing(lab, tools, plan: Plan, outdoors: float, start: Floats | float, length: float, step: float) -> Engine:
    """An engine whose state is ``start``, that has not run."""
    air = tools.steady_weather(outdoors, 0.6)
    engine: Engine = lab.engine(plan, START, length, step, load=0.0, weather=air, interval=length)
    fill(plan, engine.state, start)
    return engine


def passing(engine: Engine, every: int = 1) -> Iterator[State]:
    """The state after each ``every`` steps of a run that does not settle before it; the ledger is closed in each."""
    plan = engine.plan
    whole = np.abs(heat(plan, engine.state, -1000.0)) / 1000.0
    with ThreadPoolExecutor(1) as pool:
        for index in range(engine.timeline.blocks):
            block = engine.timeline.block(index)
            forcing = engine.forcing(block)
            for first in range(0, len(block.dt), every):
                last = min(first + every, len(block.dt))
                before = heat(plan, engine.state, 0.0)
                engine.advance(block, forcing, first, last, engine.energised(START), pool)
                book = forcing.ledger[first:last].sum(axis=1)
                # Temperatures near 50 degC round to one part in 2^53: joules are told no better than that.
                rounding = 64.0 * ULP * 50.0 * whole
                residual = np.abs(book[:, OUTWARD] + book[:, STORED])
                assert (residual <= 1e-9 * (np.abs(book[:, OUTWARD]) + book[:, GROSS]) + rounding).all()
                assert forcing.ports[first:last].max() == 0.0
                moved = heat(plan, engine.state, 0.0) - before
                assert moved == pytest.approx(-book[:, OUTWARD].sum(), rel=1e-9, abs=rounding * (last - first))
                yield engine.state


@pytest.fixture(scope="module")
def dark(lab, tools) -> Plan:
    return still(tools.quiet(lab.plan("small")))


@pytest.mark.parametrize("step", [1.0, 60.0, HOUR])
@pytest.mark.parametrize(("outdoors", "start"), [(5.0, 45.0), (35.0, -5.0)])
def test_zero_load_with_plant_and_pumps_off_goes_to_ambient(lab, tools, dark, step, outdoors, start):
    """From above and from below, every temperature moves one way only and ends within 0.01 K."""
    plan = leaky(dark, 1200.0)
    engine = standing(lab, tools, plan, outdoors, start, (48 if step == HOUR else 12) * HOUR, step)
    before = temperatures(plan, engine.state)
    toward = np.sign(outdoors - start)
    for state in passing(engine, every=max(1, round(300.0 / step))):
        now = temperatures(plan, state)
        assert (toward * (now - before) > -1e-9).all()
        assert (toward * (outdoors - now) > -1e-9).all()
        before = now
    assert np.abs(before - outdoors).max() < 0.01


def test_without_these_paths_heat_stays_where_it_is(lab, tools, dark):
    engine = standing(lab, tools, dark, 5.0, 40.0, 48 * HOUR, HOUR)
    *_, state = passing(engine, 48)
    assert temperatures(dark, state) == pytest.approx(40.0, abs=1e-9)


factor = st.floats(-2.0, 2.0).map(lambda x: 10.0**x)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    st.tuples(factor, factor, factor), st.tuples(factor, factor), st.sampled_from([1.0, 15.0, 60.0, 900.0, HOUR]),
    st.floats(-30.0, 40.0), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_nothing_leaves_the_range_of_what_it_meets(lab, tools, dark, out, room, step, outdoors, seed):
    """Any conductances, any step, any start: the hottest never warms, the coldest never cools, outdoors counts."""
    plan = leaky(dark, 10 * HOUR, out, room)
    start = np.random.default_rng(seed).uniform(-20.0, 60.0, 10_000)
    engine = standing(lab, tools, plan, outdoors, start, 24 * max(step, 60.0), step)
    first = temperatures(plan, engine.state)
    low, high = min(first.min(), outdoors), max(first.max(), outdoors)
    for state in islice(passing(engine), 24):
        now = temperatures(plan, state)
        assert now.min() > low - 1e-9
        assert now.max() < high + 1e-9
        low, high = min(now.min(), outdoors), max(now.max(), outdoors)


@pytest.mark.parametrize("step", [1.0, 60.0, HOUR])
def test_what_stands_alone_follows_its_exponential_for_any_step(lab, tools, step):
    """Headers whose water stands, a basin, a room with neither aisles nor racks: T_o + (T_0 - T_o) e^{-g t/C}."""
    plan = leaky(still(tools.quiet(lab.plan("small")), pipes=False), 5 * HOUR, room=(0.0, 0.0))
    group, sec, fac = columns(plan)
    group[:, [Group.G_BODY_AIR, Group.TO_ROOM]] = 0.0
    sec[plan.arrays.hall_sec[1:] - 1, Sec.C_SUPPLY] = 1e-6
    fac[:, Fac.W_MAX] = 1e-12
    plan = edited(plan, group, sec, fac)
    engine = standing(lab, tools, plan, -3.0, 40.0, HOUR, step)
    *_, state = passing(engine, 3600)
    expected = -3.0 + 43.0 * np.exp(-1.0 / 5.0)
    for found in (state.fac_return, state.fac_supply, state.basin, state.sec_return[plan.arrays.hall_sec[1:] - 1]):
        assert found == pytest.approx(expected, abs=1e-8)


def test_the_step_matters_to_first_order_only(lab, tools, dark):
    """Rooms that coolant, racks and aisles heat: halving the step about halves what it changes."""
    plan = leaky(dark, 5 * HOUR)
    found = []
    for step in (1.0, 450.0, 900.0):
        *_, state = passing(standing(lab, tools, plan, 0.0, 40.0, 5 * HOUR, step), 100_000)
        found.append(temperatures(plan, state)[:-2])
    coarse, fine = (np.abs(found[n] - found[0]).max() for n in (2, 1))
    assert 0.0 < fine < 0.65 * coarse
    # What half a step of the first cooling is worth.
    assert coarse < 0.5 * 900.0 / (5 * HOUR) * 40.0


@pytest.mark.parametrize("step", [60.0, HOUR])
def test_more_insulation_never_speeds_up_the_cooling_down(lab, tools, dark, step):
    def after(out: tuple[float, float, float], room: tuple[float, float]) -> tuple[Floats, float]:
        plan = leaky(dark, 4 * HOUR, out, room)
        *_, state = passing(standing(lab, tools, plan, 0.0, 40.0, 6 * HOUR, step), 1000)
        return temperatures(plan, state), heat(plan, state, 0.0)

    bare, left = after((1.0, 1.0, 1.0), (1.0, 1.0))
    for out in ((0.5, 1.0, 1.0), (1.0, 0.5, 1.0), (1.0, 1.0, 0.5)):
        wrapped, more = after(out, (1.0, 1.0))
        assert (wrapped > bare - 1e-9).all()
        assert more > left
    for room in ((0.5, 1.0), (1.0, 0.5)):
        # The room itself is colder where less comes into it; what the site holds is more.
        assert after((1.0, 1.0, 1.0), room)[1] > left


def test_racks_whose_coolant_has_leaked_out_end_as_warm_as_their_room(lab, tools):
    plan = tools.quiet(lab.plan("small"))
    group, sec, fac = columns(plan)
    h = plan.labels.hall.index("b/wafer")
    g, j = int(plan.arrays.hall_group[h]), int(plan.arrays.hall_sec[h])
    group[g, [Group.P0, Group.P1, Group.P2]] = 0.0
    sec[j, [Sec.RUNNING, Sec.OPEN, Sec.LEAKS]] = 0.0, 0.0, 1.0
    plates, rooms = [], []
    for conductance in (0.0, 30.0):
        group[g, Group.TO_ROOM] = conductance
        sec[plan.arrays.group_air[g], Sec.TO_ROOM] = conductance
        engine = lab.engine(edited(plan, group, sec, fac), START, HOUR, 60.0, load=0.5)
        fill(plan, engine.state, 60.0)
        list(engine.blocks())
        plates.append(engine.state.t_plate[plan.arrays.group_rack[g]])
        rooms.append(engine.state.sec_return[plan.arrays.group_air[g]])
    assert plates[0] == pytest.approx(60.0, abs=1e-6)
    assert plates[1] == pytest.approx(rooms[1], abs=0.05)


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

    def run(plan: Plan):
        return lab.run(plan, START, 2 * HOUR, 60.0, load=0.6, weather=air, interval=HOUR)

    before = run(plain)
    group, sec, fac = columns(plain)
    fac[:, Fac.TO_OUTDOORS] = 400.0
    after = run(edited(plain, group, sec, fac))
    mean = 0.5 * (tools.column(after, "fws_supply_temperature") + tools.column(after, "fws_return_temperature"))
    saved = tools.column(before, "plant_heat") - tools.column(after, "plant_heat")
    # What a pump adds follows the flow, which the losses change a little.
    pumped = tools.column(before, "fws_pump_power") - tools.column(after, "fws_pump_power")
    halls = sum(tools.column(before, n).sum(axis=1) - tools.column(after, n).sum(axis=1) for n in ("hall_power",))
    assert saved[-1].sum() == pytest.approx(
        400.0 * (mean - outdoors)[-1].sum() + pumped[-1].sum() + halls[-1], rel=0.01
    )
    group, sec, fac = columns(plain)
    rooms = plain.arrays.hall_sec[1:] - 1
    sec[rooms, Sec.TO_OUTDOORS] = 150.0
    after = run(edited(plain, group, sec, fac))
    lost = 150.0 * (tools.column(after, "hall_return_temperature") - outdoors)[-1].sum()
    saved = (tools.column(before, "plant_heat") - tools.column(after, "plant_heat"))[-1].sum()
    rest = sum((tools.column(before, n) - tools.column(after, n))[-1].sum() for n in ("hall_power", "fws_pump_power"))
    assert saved == pytest.approx(lost + rest, rel=0.01)
    assert tools.column(after, "hall_unmet_share").max() == tools.column(before, "hall_unmet_share").max()


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


def test_lumps_lose_what_their_parts_lose(lab, tools):
    plan = leaky(still(tools.quiet(lab.plan("oklahoma-10"))), 3 * HOUR)
    lumped = reduced(plan)
    ends = []
    for p in (plan, lumped):
        *_, state = passing(standing(lab, tools, p, 0.0, 40.0, 3 * HOUR, 60.0), 1000)
        ends.append(heat(p, state, 0.0))
    assert len(lumped.arrays.sec) < len(plan.arrays.sec)
    assert ends[1] == pytest.approx(ends[0], rel=1e-9)


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
