"""Properties of the network: energy is conserved, no cord counts twice, names and order mean nothing, losses lower."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.power.network import GRID, Network, solve

MOST = settings(max_examples=150, deadline=None)


@st.composite
def networks(draw):
    """A random network, its demand, what is left of its banks, and own sources: children before parents."""
    n = draw(st.integers(3, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    feeds, shares, ptr = [], [], [0]
    for i in range(n):
        above = [*range(i + 1, n), GRID]
        count = min(len(above), int(rng.integers(1, 4)))
        chosen = rng.choice(above, count, replace=False)
        part = rng.random(count) * (rng.random(count) > 0.3)
        part = part / part.sum() if part.sum() > 0.0 else np.eye(count)[0]
        feeds += chosen.tolist()
        shares += part.tolist()
        ptr.append(len(feeds))
    demand = rng.random(n) * 1e6 * (rng.random(n) > 0.5)
    up = np.where(rng.random(n) < 0.25, 0.0, np.where(rng.random(n) < 0.3, 0.75, 1.0))
    source = (rng.random(n) < 0.1).astype(float)
    law = rng.random((4, n)) * np.array([2e6, 0.02, 0.05, 0.05])[:, None]
    net = Network(
        law[0], law[1], law[2], law[3], np.full(n, 1e6), np.full(n, np.nan), np.ones(n, np.int64),
        np.array(ptr, np.int64), np.array(feeds, np.int64), np.array(shares),
    )  # fmt: skip
    return net, demand, up, source


def lost_in(net, flows, up):
    """Losses by the law itself, W (node)."""
    x = np.divide(flows.out, net.rated * up, out=np.zeros_like(flows.out), where=net.rated * up > 0.0)
    law = net.rated * up * (net.a + x * (net.b + x * net.c))
    return np.where(flows.out > 0.0, law, 0.0)


@MOST
@given(networks(), st.booleans())
def test_what_comes_in_is_what_is_served_and_what_is_lost(made, grid):
    net, demand, up, source = made
    flows = solve(net, demand, up, source, grid=grid)
    served = (flows.alive * demand).sum()
    assert flows.grid + flows.own.sum() == pytest.approx(served + lost_in(net, flows, up).sum(), rel=1e-12, abs=1e-6)


@MOST
@given(networks())
def test_no_cord_counts_twice(made):
    net, demand, up, source = made
    flows = solve(net, demand, up, source)
    for n in range(len(demand)):
        live = flows.live[net.feed_ptr[n] : net.feed_ptr[n + 1]]
        fed = flows.alive[n] and source[n] == 0.0
        assert live.sum() == pytest.approx(1.0 if fed else 0.0, abs=1e-12)
        assert np.all(live >= 0.0)


@MOST
@given(networks())
def test_nothing_draws_on_what_is_dead_and_the_dead_carry_nothing(made):
    net, demand, up, source = made
    flows = solve(net, demand, up, source, grid=False)
    drawn = (flows.live > 0.0) & (net.feed >= 0)
    assert np.all(flows.alive[net.feed[drawn]] == 1)
    assert np.all(flows.live[net.feed == GRID] == 0.0)
    assert flows.grid == 0.0
    assert np.all(flows.out[flows.alive == 0] == 0.0)


@MOST
@given(networks(), st.integers(0, 2**32 - 1))
def test_any_order_in_which_children_stand_before_parents_gives_the_same(made, seed):
    net, demand, up, source = made
    n, rng = len(demand), np.random.default_rng(seed)
    children = np.bincount(net.feed[net.feed >= 0], minlength=n)
    ready, order = [i for i in range(n) if children[i] == 0], []
    while ready:
        order.append(ready.pop(int(rng.integers(len(ready)))))
        for feed in net.feed[net.feed_ptr[order[-1]] : net.feed_ptr[order[-1] + 1]]:
            if feed >= 0:
                children[feed] -= 1
                if children[feed] == 0:
                    ready.append(int(feed))
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    spans = [slice(net.feed_ptr[i], net.feed_ptr[i + 1]) for i in order]
    feed = np.concatenate([net.feed[s] for s in spans])
    again = Network._make([
        *(column[order] for column in net[:7]), np.cumsum([0, *(s.stop - s.start for s in spans)]),
        np.where(feed >= 0, place[feed], GRID), np.concatenate([net.share[s] for s in spans]),
    ])  # fmt: skip
    one, other = solve(net, demand, up, source), solve(again, demand[order], up[order], source[order])
    assert np.array_equal(one.alive[order], other.alive)
    assert other.out == pytest.approx(one.out[order], rel=1e-12, abs=1e-6)
    assert other.grid == pytest.approx(one.grid, rel=1e-12, abs=1e-6)


@MOST
@given(networks(), st.integers(0, 13))
def test_a_loss_never_brings_anything_back(made, k):
    net, demand, up, source = made
    before = solve(net, demand, up, source)
    left = up.copy()
    left[k % len(up)] = 0.0
    after = solve(net, demand, left, source)
    assert np.all(after.alive <= before.alive)
