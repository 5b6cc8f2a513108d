"""Same site, forcing and seed, same numbers: on one thread or two, in blocks of any length."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

START = 1_900_000_800.0
HOUR = 3600.0


def go(lab, tools, site, *, step=300.0, hours=12, blocks=None, **how):
    """All rows of a run, racks included."""
    plan = lab.plan(site)
    load = tools.own_curves(lab.site(site), plan)
    engine = lab.engine(plan, START, hours * HOUR, step, load=load, interval=max(step, 1800.0), racks=True, **how)
    if blocks is not None:
        engine.timeline = dataclasses.replace(engine.timeline, intervals_per_block=blocks)
    return tools.rows_of(engine)


def same(one, other):
    """Every row bit for bit; NaN where NaN."""
    assert one.keys() == other.keys()
    for level, rows in one.items():
        assert rows.tobytes() == other[level].tobytes(), level


@pytest.mark.parametrize("site", ["small", "prairie-750"])
def test_two_threads_are_one_thread(lab, tools, site):
    same(go(lab, tools, site, threads=1, hours=6), go(lab, tools, site, threads=2, hours=6))


@pytest.mark.parametrize("site", ["small", "frontier"])
def test_the_same_seed_is_the_same_run(lab, tools, site):
    """Wherever the arrays come to lie: with few racks, loops may take a scalar way where arrays lie close together."""
    first = go(lab, tools, site, seed=3)
    between = []
    for n in range(8):
        between.append(np.empty(1000 + 7 * n))
        same(first, go(lab, tools, site, seed=3))


def test_another_seed_is_another_run(lab, tools):
    one, other = go(lab, tools, "small", seed=0), go(lab, tools, "small", seed=1)
    power, moved = tools.column(one, "rack_power"), tools.column(other, "rack_power")
    assert (power != moved).mean() > 0.99
    # Another draw of the same load: the racks differ, the campus hardly.
    assert power.sum() == pytest.approx(moved.sum(), rel=0.03)


@pytest.mark.parametrize("step", [60.0, 450.0, 1800.0])
@pytest.mark.parametrize("blocks", [1, 5])
def test_the_length_of_a_block_does_not_matter(lab, tools, step, blocks):
    """Also where a block ends inside a knot interval of the racks' wander (15 min), and beside it."""
    same(go(lab, tools, "small", step=step), go(lab, tools, "small", step=step, blocks=blocks))


def test_a_run_goes_on_where_another_stopped(lab, tools):
    plan = lab.plan("small")
    load = tools.own_curves(lab.site("small"), plan)

    def engine():
        made = lab.engine(plan, START, 6 * HOUR, 60.0, load=load, interval=HOUR)
        made.timeline = tools.one_interval_blocks(made.timeline)
        return made

    whole = [result.levels for result in engine().blocks()]
    first = engine()
    seen = [result.block.index for _, result in zip(range(3), first.blocks(), strict=False)]
    assert seen == [0, 1, 2]
    second = engine()
    for mine, theirs in zip(second.state, first.state, strict=True):
        mine[...] = theirs
    rest = [result.levels for result in second.blocks(first=3)]
    assert len(rest) == 3
    for one, other in zip(whole[3:], rest, strict=True):
        same(one, other)


def test_noise_and_spread_have_the_size_that_was_asked_for(lab, tools):
    """0.06 of lasting offset and 0.05 of wander on a utilisation of 0.5, from 32,000 draws of racks and knots."""
    plan = lab.plan("oklahoma-10")
    rows = lab.run(plan, START, 180 * 900.0, 900.0, load=0.5, interval=900.0, racks=True, weather="washington-dulles")
    power = tools.column(rows, "rack_power")
    used = (power / 23e3 - 1.0) / 0.5 - 1.0  # relative to the mean utilisation: idle is half of 46 kW
    lasting = used.mean(axis=0)
    # A step from knot to knot takes the mean of the two: half the variance of one.
    wander = (used - lasting).std() / np.sqrt(0.5)
    assert lasting.std() == pytest.approx(0.06, rel=0.15)  # 176 racks: the spread of a standard deviation is 5 %
    assert wander == pytest.approx(0.05, rel=0.02)
    assert abs(used.mean()) < 0.015
