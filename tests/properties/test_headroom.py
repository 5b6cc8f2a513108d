"""Headroom keeps its word: exactly that much more violates nothing, 1 % more violates the limit that was named.

Told twice: by the headroom of the changed plan, and by the engine run to its steady state.
"""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from twin.core.columns import Fac, Group, Mode, Sec
from twin.engine.headroom import headroom_block
from twin.engine.run import contract_w, headroom_scratch, reachable
from twin.engine.steady import COOLING_LIMITS

START = 1_900_000_800.0  # March 2030, on the hour
HOUR = 3600.0
SETTLED = 300 * HOUR
COOLING, POWER = 0, 1
# Relative: a limit that is met exactly may come out a few roundings above it.
ROUNDING = 1e-9


def edited(plan, **arrays):
    return dataclasses.replace(plan, arrays=plan.arrays._replace(**arrays))


def scaled(plan, array, rows, column, factor):
    """The plan with one column of some rows of an array multiplied."""
    made = getattr(plan.arrays, array).copy()
    made[rows, column] *= factor
    return edited(plan, **{array: made})


def liquid_rows(plan):
    return np.setdiff1d(np.arange(len(plan.arrays.sec)), plan.air_sec)


def tight_inlet(plan):
    """A leaky room whose racks want their inlet within 1 K of the supply."""
    sec = plan.arrays.sec.copy()
    sec[plan.air_sec, Sec.INLET_MAX] = sec[plan.air_sec, Sec.SET] + 0.6
    return edited(plan, sec=sec)


def small_exchangers(plan):
    """CDUs that cannot pass on their heat, with water in plenty: else the open valves meet the loop's limit first."""
    return scaled(scaled(plan, "sec", liquid_rows(plan), Sec.UA, 0.3), "fac", slice(None), Fac.W_MAX, 4.0)


# What makes each limit bind somewhere: the shipped proportions let flow bind nearly always.
SQUEEZES = {
    "as built": lambda plan: plan,
    "small exchangers": small_exchangers,
    "small coils": lambda plan: scaled(plan, "sec", plan.air_sec, Sec.UA, 0.15),
    "little air": lambda plan: scaled(plan, "sec", plan.air_sec, Sec.W_MAX, 0.4),
    "thin pipes": lambda plan: scaled(plan, "fac", slice(None), Fac.W_MAX, 0.4),
    "small chillers": lambda plan: scaled(plan, "fac", slice(None), Fac.CHILLER_UNIT, 0.1),
    "small towers": lambda plan: scaled(plan, "rejection", slice(None), slice(0, 2), 0.25),
    "leaky room": tight_inlet,
    "hot chips": lambda plan: scaled(plan, "group", slice(None), Group.JUNCTION, 2.5),
}


def with_extra(plan, h, extra):
    """``extra`` watts more, always, over the racks of hall ``h`` in proportion to their rating."""
    a = plan.arrays
    group = a.group.copy()
    i, j = a.hall_group[h], a.hall_group[h + 1]
    group[i:j, Group.P0] += extra * group[i:j, Group.RATED] / (group[i:j, Group.RATED] * group[i:j, Group.COUNT]).sum()
    return edited(plan, group=group)


class Campus:
    """A plan under constant weather and load, settled."""

    def __init__(self, lab, tools, plan, weather, load):
        self.plan, self.tools = plan, tools
        self.wider = lambda: Campus(lab, tools, scaled(plan, "fac", slice(None), Fac.W_MAX, 2.0), weather, load)
        engine = lab.engine(plan, START, SETTLED, HOUR, load=load, weather=weather, interval=SETTLED / 3)
        self.rows = tools.rows_of(engine)
        self.end, self.power = engine.scratch, engine.scratch.group_asked.copy()
        air = weather.sample([START + HOUR], [HOUR])
        self.air = np.array([[air.dry_bulb_c[0], air.wet_bulb_c[0], air.pressure_pa[0]]])

    def value(self, name):
        """A variable in the last third of the run."""
        return self.tools.column(self.rows, name)[-1]

    def headroom(self):
        """(hall, 4): cooling headroom, its code, power headroom, its element."""
        plan, halls = self.plan, len(self.plan.labels.hall)
        out, every = np.zeros((1, halls, 4)), np.ones((1, halls), np.uint8)
        headroom_block(
            plan.arrays, np.arange(1), every, every, self.air, contract_w(plan, np.array([START])), self.power[None],
            reachable(plan), *headroom_scratch(plan), out,
        )  # fmt: skip
        return out[0]

    def name(self, kind, code):
        if kind == COOLING:
            return COOLING_LIMITS[int(code)]
        return "contract" if code < 0 else self.plan.labels.element[int(code)]

    def asked_flows(self):
        """What the controls of each secondary loop ask for, per the largest flow, from the racks' power alone."""
        a = self.plan.arrays
        heat = np.zeros(len(a.sec))
        for g, row in enumerate(a.group):
            liquid = (row[Group.LIQUID_SHARE] + row[Group.BODY_SHARE] * (row[Group.G_BODY_PLATE] > 0)) * self.power[g]
            if a.group_liquid[g] >= 0:
                heat[a.group_liquid[g]] += liquid
            heat[a.group_air[g]] += self.power[g] - liquid
        return a.sec[:, Sec.W_PER_HEAT] * heat / a.sec[:, Sec.W_MAX]

    def violated(self, h):
        """Names of the cooling limits that hall ``h`` violates in the engine's steady state."""
        a, end = self.plan.arrays, self.end
        asked = self.asked_flows()
        found = set()
        for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
            air = j == a.hall_sec[h + 1] - 1
            if asked[j] > 1.0 + ROUNDING:
                found.add("crah_airflow" if air else "cdu_flow")
            if end.mode[j] == Mode.OPEN:
                found.add("crah_coil" if air else "cdu_exchange")
            if end.inlet[j] > a.sec[j, Sec.INLET_MAX] * (1.0 + ROUNDING):
                found.add("rack_air_inlet" if air else "rack_liquid_inlet")
        if self.value("hall_withheld_power")[h] > ROUNDING * self.power.sum():
            found.add("rack_junction")
        for f in {int(f) for f in a.sec_fac[a.hall_sec[h] : a.hall_sec[h + 1]]}:
            # A loop at its limit hides what was asked for: wider pipes show it.
            full = end.fac_w[f] >= a.fac[f, Fac.W_MAX]
            if full and self.wider().end.fac_w[f] > a.fac[f, Fac.W_MAX] * (1.0 + ROUNDING):
                found.add("loop_flow")
            if self.value("plant_unmet_share")[f] > 0.0:
                found.add("plant_capacity")
        return found

    def overloaded(self, h):
        """Names of the elements on the path of hall ``h`` that are overloaded, ``contract`` included."""
        plan = self.plan
        campus = plan.hall_elements + np.flatnonzero(reachable(plan)[h])
        path = [*range(plan.arrays.hall_element[h], plan.arrays.hall_element[h + 1]), *campus]
        loading = self.value("element_loading_maximum")
        found = {plan.labels.element[e] for e in path if loading[e] > 1.0 + ROUNDING}
        over = self.value("site_power")[0] > self.value("contract_power")[0] * (1.0 + ROUNDING)
        return found | {"contract"} if over else found


@cache
def rated(plan_name, h, lab):
    a = lab.plan(plan_name).arrays
    part = a.group[a.hall_group[h] : a.hall_group[h + 1]]
    return float((part[:, Group.RATED] * part[:, Group.COUNT]).sum())


def check(lab, tools, site, squeeze, hall, dry_bulb, humidity, load):
    """One hall, both headrooms: the limits that bind, by name."""
    plan = SQUEEZES[squeeze](tools.quiet(lab.plan(site)))
    h = hall % len(plan.labels.hall)
    weather = tools.steady_weather(dry_bulb, humidity)
    now = Campus(lab, tools, plan, weather, load)
    i, j = plan.arrays.hall_group[h], plan.arrays.hall_group[h + 1]
    it = float(now.power[i:j].sum())
    kept = []
    for kind in (COOLING, POWER):
        room, code = now.headroom()[h, 2 * kind : 2 * kind + 2]
        name = now.name(kind, code)
        if room <= -it * (1.0 - 1e-6):
            continue  # not even without load: nothing to add or to take away
        kept.append(name.split("/")[-1])
        more = max(0.01 * abs(room), 1e-4 * rated(site, h, lab))
        for extra, over in ((room, False), (room + more, True)):
            then = Campus(lab, tools, with_extra(plan, h, extra), weather, load)
            left = then.headroom()[h, 2 * kind]
            # The root's bracket is closed to 2e-7 of the rating at the least.
            assert left < 0.0 if over else left >= -1e-6 * rated(site, h, lab)
            hot = then.violated(h)
            if kind == POWER and hot:
                continue  # told for set points that hold; where cooling fails, the engine draws what is left to draw
            found = hot if kind == COOLING else then.overloaded(h)
            assert name in found if over else found == set()
    return kept


def note(limits):
    """Tell Hypothesis what was covered; a case without any limit tells nothing."""
    assume(limits)
    for name in limits:
        event(name)


SMALL = settings(deadline=None, max_examples=70, derandomize=True)


@SMALL
@given(
    squeeze=st.sampled_from(sorted(SQUEEZES)), hall=st.integers(0, 2), dry_bulb=st.floats(-20.0, 38.0),
    humidity=st.floats(0.2, 0.9), load=st.floats(0.0, 1.0),
)  # fmt: skip
def test_headroom_of_a_small_site(lab, tools, squeeze, hall, dry_bulb, humidity, load):
    assume(dry_bulb < 30.0 or humidity < 0.5)  # beyond, the air is hotter and damper than anywhere on earth
    note(check(lab, tools, "small", squeeze, hall, dry_bulb, humidity, load))


@settings(deadline=None, max_examples=12, derandomize=True)
@given(
    site=st.sampled_from(["oklahoma-10", "frontier"]), hall=st.integers(0, 1), dry_bulb=st.floats(-20.0, 36.0),
    load=st.floats(0.0, 1.0),
)  # fmt: skip
def test_headroom_of_shipped_sites(lab, tools, site, hall, dry_bulb, load):
    note(check(lab, tools, site, "as built", hall, dry_bulb, 0.45, load))


@pytest.mark.parametrize(
    ("hall", "dry_bulb", "load"),
    [(0, 33.0, 0.9), (11, 30.0, 0.7), (12, 33.0, 0.95), (16, -15.0, 0.5), (22, 35.0, 1.0)],
    ids=["wafers", "trainium", "gb200", "hgx", "hot day"],
)
def test_headroom_of_halls_of_the_campus(lab, tools, hall, dry_bulb, load):
    assert len(check(lab, tools, "prairie-750", "as built", hall, dry_bulb, 0.5, load)) == 2


@pytest.mark.parametrize(
    ("squeeze", "hall", "limit"),
    [
        ("as built", 0, "cdu_flow"), ("small exchangers", 0, "cdu_exchange"), ("small coils", 2, "crah_coil"),
        ("little air", 2, "crah_airflow"), ("thin pipes", 1, "loop_flow"), ("small chillers", 1, "plant_capacity"),
        ("leaky room", 2, "rack_air_inlet"), ("hot chips", 0, "rack_junction"), ("hot chips", 2, "rack_junction"),
    ],
)  # fmt: skip
def test_every_limit_is_met_somewhere(lab, tools, squeeze, hall, limit):
    """What the searches above rest on: each limit binds for some hall."""
    plan = SQUEEZES[squeeze](tools.quiet(lab.plan("small")))
    campus = Campus(lab, tools, plan, tools.steady_weather(32.0, 0.4), 0.5)
    assert campus.name(COOLING, campus.headroom()[hall, 1]) == limit
    assert limit in check(lab, tools, "small", squeeze, hall, 32.0, 0.4, 0.5)


def test_power_headroom_prices_no_heat_that_the_plant_cannot_take(lab, tools):
    """With the meter below its contract, and a plant that is at its limit, more racks still find power."""
    plan = SQUEEZES["small chillers"](tools.quiet(lab.plan("small")))
    weather = tools.steady_weather(34.0, 0.4)
    now = Campus(lab, tools, plan, weather, 0.9)
    assert now.value("plant_unmet_share").max() == 1.0
    near = dataclasses.replace(plan, tranche_w=np.full_like(plan.tranche_w, 1.005 * now.value("site_power")[0]))
    assert (Campus(lab, tools, near, weather, 0.9).headroom()[:, 2 * POWER] > 0.0).all()
