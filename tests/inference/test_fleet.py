"""The fleet in plain sentences: nothing vanishes, limits hold, priority counts, steps of any length agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.fleets import CHAT, IDLE_W, PREFILL_W, Kind, Workload, fleet, power, run
from twin.inference.fleet import Binding, new_held

ONE = fleet([Kind()], [CHAT], [(0, 0)], [[1.0]])
CAPACITY = float(run(ONE, [[0.0]]).capacity[0])


def residual(result):
    """Requests that a step lost or found, per what went through it: (step)."""
    backlog = result.stream("pool_backlog").sum(axis=(1, 2))
    change = np.diff(backlog, prepend=0.0)
    offered, served, shed = (
        (result.stream(f"pool_{name}_rate") * result.dt[:, None, None]).sum(axis=(1, 2))
        for name in ("offered", "served", "shed")
    )
    return np.abs(offered - served - shed - change) / np.maximum(1.0, np.abs(offered) + backlog)


RATES = st.lists(st.floats(0.0, 3.0 * CAPACITY), min_size=2, max_size=20)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(rates=RATES, dt=st.sampled_from([1.0, 60.0, 300.0, 3600.0]), cap=st.floats(0.0, 1.2), shed=st.booleans())
def test_no_request_vanishes_under_overload_and_caps(rates, dt, cap, shed):
    classes = [Workload(shed=shed), Workload(tokens_in=200, tokens_out=900, priority=1)]
    two = fleet([Kind(), Kind(), Kind(prefill_s=0.02)], classes, [(0, 0), (2, 1)], [[1, 1], [1, 0]], transfer=1e8,
                link=[np.inf, 4e9])  # fmt: skip
    result = run(two, np.outer(rates, [1.0, 0.3]), dt=dt, caps=cap * 5 * 10_000.0)
    assert residual(result).max() < 1e-12
    for name in ("pool_queue_length", "pool_active_requests", "pool_served_rate", "pool_shed_rate"):
        assert result.stream(name).min() >= -1e-9, name


def test_below_capacity_everything_is_served_and_nothing_waits():
    result = run(ONE, np.full((30, 1), 0.8 * CAPACITY))
    assert result.stream("pool_served_rate")[-1, 0, 0] == pytest.approx(0.8 * CAPACITY, rel=1e-9)
    assert result.stream("pool_queue_length").max() == 0.0
    assert (result.pool("pool_binding") == Binding.NONE).all()


def test_above_capacity_the_queue_grows_and_the_rest_is_served():
    result = run(ONE, np.full((60, 1), 1.5 * CAPACITY))
    assert result.stream("pool_served_rate")[-1, 0, 0] == pytest.approx(CAPACITY, rel=1e-6)
    waiting = result.stream("pool_queue_length")[:, 0, 0]
    assert np.diff(waiting) == pytest.approx(0.5 * CAPACITY * 60.0, rel=1e-6)
    assert (result.pool("pool_binding")[1:] == Binding.DECODE).all()


def test_a_queue_drains_when_the_demand_falls():
    rates = np.concatenate([np.full(10, 1.5), np.full(40, 0.5)])[:, None] * CAPACITY
    waiting = run(ONE, rates).stream("pool_queue_length")[:, 0, 0]
    assert waiting[9] > 0.0
    assert waiting[-1] == 0.0


@pytest.mark.parametrize(("kind", "promise_s"), [(Kind(), 2.0), (Kind(prefill_s=2.0, step_s=1e-4, slope_s=0.0), 60.0)])
@pytest.mark.parametrize(("share", "which"), [(0.5, 0), (0.9, 1), (0.99, 2)])
def test_what_is_accepted_in_overload_keeps_its_promise_at_the_promised_percentile(kind, promise_s, share, which):
    """Tokens bind, or prompts do: the queue leaves room for what the first token takes by itself."""
    f = fleet([kind], [Workload(shed=True, ttft_s=promise_s, share=share)], [(0, 0)], [[1.0]])
    most = float(run(f, [[0.0]]).capacity[0])
    result = run(f, np.full((30, 1), 2.0 * most))
    assert result.delay("pool_ttft")[-1, 0, 0, which] == pytest.approx(promise_s, rel=1e-9)
    assert 0.0 < result.stream("pool_queue_length")[-1, 0, 0] < promise_s * most
    assert result.stream("pool_shed_rate")[-1, 0, 0] == pytest.approx(most, rel=1e-6)


def test_a_promise_between_the_recorded_percentiles_leaves_a_queue_between_theirs():
    def waits(share):
        f = fleet([Kind()], [Workload(shed=True, ttft_s=2.0, share=share)], [(0, 0)], [[1.0]])
        return run(f, np.full((30, 1), 2.0 * CAPACITY)).stream("pool_queue_length")[-1, 0, 0]

    assert waits(0.5) > waits(0.8) > waits(0.9) > waits(0.95) > waits(0.99) > 0.0


def test_nobody_queues_for_a_promise_that_full_load_cannot_keep():
    f = fleet([Kind()], [Workload(shed=True, ttft_s=0.01)], [(0, 0)], [[1.0]])
    result = run(f, np.full((30, 1), 2.0 * CAPACITY))
    assert result.stream("pool_queue_length").max() == 0.0
    assert result.stream("pool_shed_rate")[-1, 0, 0] == pytest.approx(CAPACITY, rel=1e-6)


def test_the_first_priority_is_served_first():
    f = fleet([Kind()], [Workload(priority=1), Workload(priority=0)], [(0, 0)], [[1.0, 1.0]])
    result = run(f, np.full((10, 2), 0.8 * CAPACITY))
    assert result.stream("pool_served_rate")[-1, 0, 1] == pytest.approx(0.8 * CAPACITY, rel=1e-6)
    assert result.stream("pool_queue_length")[-1, 0, 1] == 0.0
    assert result.stream("pool_queue_length")[-1, 0, 0] > 0.0


def test_equal_priorities_share_alike():
    f = fleet([Kind()], [CHAT, CHAT], [(0, 0)], [[1.0, 1.0]])
    served = run(f, np.tile([1.2 * CAPACITY, 0.6 * CAPACITY], (10, 1))).stream("pool_served_rate")[-1, 0]
    assert served[0] == pytest.approx(2.0 * served[1], rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "binding"),
    [
        (Kind(prefill_s=0.4), Binding.DECODE),
        (Kind(kv=2e4), Binding.KV),
        (Kind(prefill_s=2.0, step_s=1e-4, slope_s=0.0), Binding.PREFILL),
    ],
)
def test_the_limit_that_binds_is_named(kind, binding):
    f = fleet([kind], [CHAT], [(0, 0)], [[1.0]])
    assert run(f, np.full((3, 1), 1e4)).pool("pool_binding")[-1, 0] == binding


def test_memory_bounds_the_batch():
    f = fleet([Kind(kv=2e4)], [CHAT], [(0, 0)], [[1.0]])
    result = run(f, np.full((60, 1), 1e4))
    assert result.pool("pool_batch")[-1, 0] == pytest.approx(2e4 / (1155 + 105.5), rel=1e-3)


@pytest.mark.parametrize("dt", [10.0, 300.0, 3600.0])
def test_the_queue_of_a_second_priority_does_not_shut_it_out_where_memory_ends(dt):
    """Five per cent too much of what comes second leaves as much of it served as fits: what was served before."""
    classes = [CHAT, Workload(tokens_in=20_000.0, tokens_out=500.0, priority=1)]
    f = fleet([Kind(kv=2e5, prefill_s=0.001)], classes, [(0, 0)], [[0.8, 0.2]])
    full = float(run(f, [[0.0, 0.0]]).capacity[0]) * np.array([0.8, 0.2])
    result = run(f, np.tile(full * [1.0, 1.05], (int(6 * 3600 / dt), 1)), dt=dt)
    assert (result.pool("pool_binding") == Binding.KV).all()
    assert result.stream("pool_served_rate")[-1, 0] == pytest.approx(full, rel=1e-4)
    assert residual(result).max() < 1e-12


def test_no_systems_no_service_but_nothing_lost():
    result = run(ONE, np.full((5, 1), 10.0), systems=0.0)
    assert result.stream("pool_served_rate").max() == 0.0
    assert (result.pool("pool_binding") == Binding.SYSTEMS).all()
    assert result.held.queue[0, 0] == pytest.approx(5 * 60 * 10.0)


def test_power_is_idle_without_load_and_never_above_the_curves():
    assert run(ONE, np.zeros((3, 1))).watts[-1, 0] == pytest.approx(IDLE_W)
    busy = run(ONE, np.full((60, 1), 2.0 * CAPACITY)).watts
    assert IDLE_W < busy[-1, 0] < PREFILL_W


def test_power_lags_by_its_time_constant():
    f = fleet([Kind(lag_s=5.0)], [CHAT], [(0, 0)], [[1.0]])
    held = new_held(f)
    run(f, [[0.0]], dt=1.0, held=held)
    before = float(held.power[0])
    held.active[0, 0] = 200.0  # all at once
    watts = run(f, np.full((60, 1), 0.0), dt=1e-3, held=held).watts[:, 0]
    target = power(np.array([40.0]))[0]
    assert watts[0] - before == pytest.approx((target - before) * 0.5e-3 / 5.0, rel=0.05)


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_a_cap_holds_and_costs_tokens(share):
    free = run(ONE, np.full((30, 1), CAPACITY))
    most = free.pool("pool_power")[-1, 0]
    cap = 5 * IDLE_W + share * (most - 5 * IDLE_W)
    capped = run(ONE, np.full((30, 1), CAPACITY), caps=cap)
    assert capped.pool("pool_power")[-1, 0] <= cap * (1.0 + 1e-6)
    assert capped.pool("pool_power")[-1, 0] > 0.97 * cap
    assert capped.stream("pool_token_rate")[-1, 0, 0] < free.stream("pool_token_rate")[-1, 0, 0]
    assert capped.pool("pool_binding")[-1, 0] == Binding.POWER


def test_a_cap_finds_the_largest_batch_below_a_hump():
    """Power that falls again at large batches (host-bound experts): the far side of the hump is allowed."""

    def hump(batch):
        return IDLE_W + 5_000.0 * np.exp(-(np.log(np.maximum(batch, 0.1) / 8.0) ** 2) / 2.0)

    f = fleet([Kind(prefill_s=0.0, draw=hump)], [CHAT], [(0, 0)], [[1.0]])
    capped = run(f, np.full((60, 1), 1e4), caps=5 * (IDLE_W + 2_500.0))
    assert capped.pool("pool_batch")[-1, 0] > 200.0


def test_prefill_link_and_decode_each_can_bind():
    def bound(prefill=0.02, link=1e12, systems=(5.0, 5.0)):
        f = fleet([Kind(prefill_s=prefill), Kind()], [CHAT], [(0, 1)], [[1.0]], link=[link], transfer=1e8)
        result = run(f, np.full((40, 1), 1e4), systems=np.array(systems))
        return int(result.pool("pool_binding")[-1, 1]), float(result.stream("pool_served_rate")[-1, 0, 0])

    assert bound()[0] == Binding.DECODE
    assert bound(prefill=2.0) == (Binding.PREFILL, pytest.approx(0.98 * 5 / 2.0, rel=1e-6))
    assert bound(link=1e8) == (Binding.LINK, pytest.approx(5.0, rel=1e-6))
    assert bound(systems=(5.0, 0.0))[0] == Binding.SYSTEMS


def test_disaggregated_decode_is_not_slowed_by_prompts():
    apart = fleet([Kind(), Kind()], [CHAT], [(0, 1)], [[1.0]])
    together = run(ONE, np.full((40, 1), 20.0)).pool("pool_step_time")[-1, 0]
    assert run(apart, np.full((40, 1), 20.0)).pool("pool_step_time")[-1, 1] < 0.8 * together


@pytest.mark.parametrize("level", [0.5, 0.97])
def test_tokens_and_power_agree_at_steps_of_a_second_a_minute_and_an_hour(level):
    """A day's shape of demand, not above capacity: within 1 %."""
    hours = 12
    made = {}
    for dt in (1.0, 60.0, 3600.0):
        n = int(hours * 3600 / dt)
        edges = 2 * np.pi * np.arange(n + 1) / n
        shape = 1.0 - 0.5 * np.diff(np.sin(edges)) / np.diff(edges)  # exact means
        result = run(ONE, (level / 1.5 * CAPACITY * shape)[:, None], dt=dt)
        made[dt] = (result.stream("pool_token_rate").mean(), result.pool("pool_power").mean())
    for dt in (60.0, 3600.0):
        assert made[dt] == pytest.approx(made[1.0], rel=0.01), dt


def test_demand_that_fills_what_is_energised_reaches_its_share():
    f = fleet([Kind(), Kind(kv=1e5)], [CHAT, Workload(tokens_out=50)], [(0, 0), (1, 1)], [[1.0, 0.5], [0.2, 1.0]])
    for systems in (3.0, 30.0):
        result = run(f, np.full((40, 2), 0.97), relative=True, systems=systems)
        served = result.stream("pool_served_rate")[-1].sum(axis=1)
        assert served == pytest.approx(0.97 * result.capacity, rel=1e-6)
        assert result.stream("pool_queue_length").max() == 0.0


def test_ranked_services_fill_in_order():
    f = fleet([Kind(), Kind()], [CHAT], [(0, 0), (1, 1)], [[1.0], [1.0]])
    low = run(f, np.full((5, 1), 0.5 * CAPACITY), rank=[1, 0]).stream("pool_offered_rate")[-1, :, 0]
    assert low.tolist() == [0.0, pytest.approx(0.5 * CAPACITY)]
    high = run(f, np.full((5, 1), 1.5 * CAPACITY), rank=[1, 0]).stream("pool_offered_rate")[-1, :, 0]
    assert high == pytest.approx([0.6 * CAPACITY, 0.9 * CAPACITY], rel=1e-6)


def test_fixed_weights_share_requests_out_whatever_the_services_can_take():
    f = fleet([Kind(), Kind()], [CHAT], [(0, 0), (1, 1)], [[1.0], [1.0]], weight=[3.0, 1.0])
    for systems in ([5.0, 5.0], [2.0, 8.0]):
        asked = run(f, np.full((5, 1), 0.5 * CAPACITY), systems=systems).stream("pool_offered_rate")[-1, :, 0]
        assert asked == pytest.approx([0.375 * CAPACITY, 0.125 * CAPACITY], rel=1e-9)
    alone = run(f, np.full((5, 1), 0.5 * CAPACITY), systems=[0.0, 5.0]).stream("pool_offered_rate")[-1, :, 0]
    assert alone == pytest.approx([0.0, 0.5 * CAPACITY], rel=1e-9)


def test_latencies_rise_with_the_load_and_with_the_percentile():
    made = [run(ONE, np.full((30, 1), share * CAPACITY)) for share in (0.1, 0.5, 0.9)]
    for name in ("pool_ttft", "pool_tpot", "pool_e2e"):
        last = np.array([r.delay(name)[-1, 0, 0] for r in made])
        assert (np.diff(last, axis=0) > 0.0).all(), name
        assert (np.diff(last, axis=1) > 0.0).all(), name


def test_overload_makes_the_first_token_wait_for_the_queue():
    result = run(ONE, np.full((30, 1), 1.5 * CAPACITY))
    waiting = result.stream("pool_queue_length")[-1, 0, 0] / CAPACITY
    assert result.delay("pool_ttft")[-1, 0, 0, 0] == pytest.approx(waiting, rel=0.05)


def test_the_second_priority_waits_longer_for_its_first_token():
    f = fleet([Kind()], [CHAT, Workload(priority=1)], [(0, 0)], [[1.0, 1.0]])
    ttft = run(f, np.full((30, 2), 0.45 * CAPACITY)).delay("pool_ttft")[-1, 0]
    assert (ttft[1, 1:] > ttft[0, 1:]).all()


def test_a_step_that_does_both_loses_less_to_prompts():
    mixed = fleet([Kind(batching="mixed")], [CHAT], [(0, 0)], [[1.0]])
    assert run(mixed, [[0.0]]).capacity[0] > 1.1 * CAPACITY
    rate = np.full((30, 1), 0.8 * CAPACITY)
    assert run(mixed, rate).pool("pool_step_time")[-1, 0] < run(ONE, rate).pool("pool_step_time")[-1, 0]


def test_a_slow_link_delays_the_first_token():
    def ttft(link):
        f = fleet([Kind(), Kind()], [CHAT], [(0, 1)], [[1.0]], link=[link], transfer=3e8)
        return run(f, np.full((30, 1), 5.0)).delay("pool_ttft")[-1, 0, 0, 0]

    assert ttft(1e10) - ttft(1e15) == pytest.approx(3e8 / 1e10 / (1.0 - 5.0 / 5 * 3e8 / 1e10), rel=1e-4)


def test_lost_systems_cost_capacity_in_the_same_step_and_demand_stays():
    left = np.array([1.0, 1.0, 0.5, 0.5, 1.0])[:, None]
    result = run(ONE, np.full((5, 1), 0.8), relative=True, left=left)
    served = result.stream("pool_served_rate")[:, 0, 0]
    assert result.stream("pool_offered_rate")[:, 0, 0] == pytest.approx(0.8 * CAPACITY)
    assert served[3] == pytest.approx(0.5 * CAPACITY, rel=0.05)
    assert result.pool("pool_systems")[:, 0].tolist() == [5.0, 5.0, 2.5, 2.5, 5.0]
    assert residual(result).max() < 1e-12


def test_where_heat_leaves_nothing_to_draw_what_is_in_service_stays_in_service():
    most = np.array([np.inf, np.inf, 0.999 * IDLE_W, 0.999 * IDLE_W, np.inf, np.inf])[:, None]
    result = run(ONE, np.full((6, 1), 0.8 * CAPACITY), most=most)
    served, active = result.stream("pool_served_rate")[:, 0, 0], result.stream("pool_active_requests")[:, 0, 0]
    assert active[2:4] == pytest.approx(result.stream("pool_backlog")[1, 0, 0], rel=1e-6)
    assert served[2:4] == pytest.approx(0.0, abs=1e-6 * CAPACITY)
    assert result.stream("pool_token_rate")[2:4].max() < 1e-6 * CAPACITY * CHAT.tokens_out
    assert (result.pool("pool_binding")[2:4] == Binding.HEAT).all()
    assert served[5] > 0.8 * CAPACITY
    assert residual(result).max() < 1e-12


def test_hot_prefill_systems_leave_decoding_its_time():
    """What the decode systems have at hand is finished at their own pace, not at once."""
    f = fleet([Kind(), Kind()], [Workload(tokens_out=2_000.0)], [(0, 1)], [[1.0]])
    most = np.array([np.inf] * 60 + [0.999 * IDLE_W] * 3)[:, None] * np.array([1.0, np.inf])
    active = run(f, np.full((63, 1), 1.0), dt=10.0, most=most).stream("pool_backlog")[59:, 0, 0]
    queued = 10.0 * np.arange(4)
    assert (active - queued)[1:] / (active - queued)[:-1] == pytest.approx(np.exp(-10.0 / 62.0), rel=0.02)


def test_requests_go_where_no_cap_holds_them_back():
    f = fleet([Kind(), Kind()], [CHAT], [(0, 0), (1, 1)], [[1.0], [1.0]])
    half = 5 * (IDLE_W + 3_000.0)
    offered = run(f, np.full((3, 1), 0.8 * CAPACITY), caps=[[np.inf, half]]).stream("pool_offered_rate")[-1, :, 0]
    assert offered[0] > 1.2 * offered[1] > 0.0
    assert offered.sum() == pytest.approx(0.8 * CAPACITY)
