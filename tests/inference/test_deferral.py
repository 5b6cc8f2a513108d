"""Work that may be put off gives way first, is caught up, and is refused or late only when its window has passed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.fleets import CHAT, IDLE_W, Kind, Workload, fleet, run
from tests.inference.test_fleet import CAPACITY, residual
from twin.inference.fleet import serving_order

HOUR = 3600.0
BATCH = Workload(defer_s=4 * HOUR)
PICTURES = Workload(defer_s=HOUR, shed=True)


def both(deferrable: Workload, other: Workload = CHAT):
    return fleet([Kind()], [other, deferrable], [(0, 0)], [[1.0, 1.0]])


def alone(deferrable: Workload):
    return fleet([Kind()], [deferrable], [(0, 0)], [[1.0]])


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    rates=st.lists(st.floats(0.0, 2.0 * CAPACITY), min_size=2, max_size=20),
    dt=st.sampled_from([1.0, 60.0, 300.0, 3600.0]),
    window=st.sampled_from([10.0, 1800.0, 7200.0]),
    shed=st.booleans(),
    caps=st.lists(st.floats(0.0, 1.2), min_size=20, max_size=20),
)
def test_no_request_vanishes_while_work_is_put_off_and_caught_up(rates, dt, window, shed, caps):
    f = both(Workload(defer_s=window, shed=shed))
    limits = 5 * 10_000.0 * np.array(caps[: len(rates)])[:, None]
    result = run(f, np.outer(rates, [0.5, 0.5]), dt=dt, caps=limits)
    assert residual(result).max() < 1e-12
    for name in ("pool_queue_length", "pool_active_requests", "pool_served_rate", "pool_shed_rate"):
        assert result.stream(name).min() >= -1e-9, name
    assert result.held.age.min() >= 0.0
    assert (result.stream("pool_shed_rate")[:, 0, 0] == 0.0).all()


def test_who_may_be_put_off_comes_after_all_who_may_not():
    order, level = serving_order([(0, 5.0), (3, 0.0), (1, 0.0), (0, 9.0), (1, 0.0)])
    assert order.tolist() == [2, 4, 1, 0, 3]
    assert level.tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("priority", [0, 5])
def test_work_that_may_be_put_off_gives_way_first_whatever_its_priority(priority):
    f = both(Workload(defer_s=HOUR, priority=priority), Workload(priority=3))
    result = run(f, np.full((10, 2), 0.8 * CAPACITY))
    assert result.stream("pool_served_rate")[-1, 0, 0] == pytest.approx(0.8 * CAPACITY, rel=1e-6)
    assert result.stream("pool_queue_length")[:, 0, 0].max() == 0.0
    assert result.stream("pool_queue_length")[-1, 0, 1] > 0.0


def test_a_cap_moves_the_work_and_every_token_of_it_is_made_later():
    steps, cut = 12 * 60, slice(120, 300)
    caps = np.full((steps, 1), np.inf)
    rates = np.full((steps, 2), 0.35 * CAPACITY)
    free = run(both(BATCH), rates)
    caps[cut] = 5 * IDLE_W + 0.6 * (free.pool("pool_power")[-1, 0] - 5 * IDLE_W)
    held = run(both(BATCH), rates, caps=caps)
    made, was = held.stream("pool_token_rate")[:, 0], free.stream("pool_token_rate")[:, 0]
    assert made[:, 0].sum() == pytest.approx(was[:, 0].sum(), rel=0.01)
    assert made[cut, 1].sum() < 0.8 * was[cut, 1].sum()
    assert made[cut.stop :, 1].max() > 1.2 * was[:, 1].max()
    assert made[:, 1].sum() == pytest.approx(was[:, 1].sum(), rel=1e-3)
    assert held.pool("pool_power")[cut.stop :, 0].max() > 1.01 * free.pool("pool_power")[:, 0].max()
    assert held.held.queue[0, 1] == 0.0
    assert held.stream("pool_shed_rate").max() == 0.0


def test_nothing_is_refused_within_the_window_even_while_nothing_is_taken():
    left = np.ones((120, 1))
    left[10:65] = 0.0  # 55 min of an hour's window
    result = run(alone(PICTURES), np.full((120, 1), 0.4 * CAPACITY), left=left)
    assert result.stream("pool_shed_rate").max() == 0.0
    assert result.held.queue[0, 0] == 0.0


def test_what_has_waited_its_window_is_refused_where_it_may_be():
    """Twice what fits: the queue is what comes in a window, and half of all is refused from then on."""
    result = run(alone(PICTURES), np.full((300, 1), 2.0 * CAPACITY))
    shed, queue = result.stream("pool_shed_rate")[:, 0, 0], result.stream("pool_queue_length")[:, 0, 0]
    assert shed[:119].max() == 0.0  # the queue is an hour old after two
    assert shed[-1] == pytest.approx(CAPACITY, rel=1e-6)
    assert queue[-1] == pytest.approx(2.0 * CAPACITY * HOUR, rel=1e-6)
    assert result.delay("pool_ttft")[-1, 0, 0, 0] == pytest.approx(HOUR, rel=1e-3)


def test_what_may_not_be_refused_goes_on_waiting_beyond_its_window():
    result = run(alone(Workload(defer_s=HOUR)), np.full((300, 1), 2.0 * CAPACITY))
    assert result.stream("pool_shed_rate").max() == 0.0
    # Those whose turn it is after 5 h came after 2.5 h.
    assert result.delay("pool_ttft")[-1, 0, 0, 0] == pytest.approx(2.5 * HOUR, rel=5e-3)


EVEN, UNEVEN = np.full(8, 0.6), np.array([0.4, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("deferrable", "hours"),
    [(BATCH, EVEN), (BATCH, UNEVEN), (PICTURES, EVEN), (Workload(defer_s=900.0, shed=True), EVEN)],
)
def test_tokens_agree_at_steps_of_a_second_a_minute_and_an_hour_while_work_is_put_off(deferrable, hours):
    """Two hours in which both together ask for more than there is, two in which systems are lost, and four after."""
    present = np.array([1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0])
    made = {}
    for dt in (1.0, 60.0, 3600.0):
        n = int(HOUR / dt)
        rates = np.repeat(np.column_stack([UNEVEN, hours]) * CAPACITY, n, axis=0)
        result = run(both(deferrable), rates, dt=dt, left=np.repeat(present, n)[:, None])
        made[dt] = result.stream("pool_token_rate").mean(axis=0)[0], result.stream("pool_shed_rate").mean()
        assert residual(result).max() < 1e-12
    for dt in (60.0, 3600.0):
        assert made[dt][0] == pytest.approx(made[1.0][0], rel=0.01), dt
        assert made[dt][1] == pytest.approx(made[1.0][1], rel=0.01, abs=1e-9), dt
