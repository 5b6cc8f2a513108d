"""With no load, no plant and no pumps a site ends at the temperature of the outdoor air: the ways that heat finds out.

Everything in the ``small`` site stands: racks draw nothing, pumps and fans of halls and loops are off, the plants take
nothing. Weather is constant.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.at_rest import (
    START,
    Floats,
    columns,
    edited,
    fill,
    heat,
    leaky,
    passing,
    standing,
    still,
    temperatures,
)  # fmt: skip
from twin.core.columns import Fac, Group, Sec
from twin.core.units import HOUR
from twin.site.plan import Plan
from twin.site.reduced import reduced


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


@pytest.mark.parametrize("step", [1.0, 60.0])
def test_racks_in_air_that_stands_meet_the_room_and_not_what_is_left_in_the_cold_aisle(lab, tools, dark, step):
    """Else a rack colder than the room would warm it: no fan moves the aisle's air past it."""
    plan = leaky(dark, 100 * HOUR)
    a, engine = plan.arrays, standing(lab, tools, plan, 30.0, 30.0, HOUR, step)
    room = a.hall_sec[1:] - 1
    engine.state.sec_return[room], engine.state.sec_supply[room] = 40.0, 20.0
    state = next(passing(engine))
    in_air = np.repeat(a.group[:, Group.G_BODY_AIR] > 0.0, np.diff(a.group_rack))
    assert in_air.any()
    assert (state.t_body[in_air] > 30.0).all()
    assert (state.sec_return[room] < 40.0).all()


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


def test_lumps_lose_what_their_parts_lose(lab, tools):
    plan = leaky(still(tools.quiet(lab.plan("oklahoma-10"))), 3 * HOUR)
    lumped = reduced(plan)
    ends = []
    for p in (plan, lumped):
        *_, state = passing(standing(lab, tools, p, 0.0, 40.0, 3 * HOUR, 60.0), 1000)
        ends.append(heat(p, state, 0.0))
    assert len(lumped.arrays.sec) < len(plan.arrays.sec)
    assert ends[1] == pytest.approx(ends[0], rel=1e-9)
