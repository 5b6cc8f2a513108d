"""``twin.headroom`` keeps its word on the design day and after a loss: told by the engine, run to its steady state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.properties.test_headroom import Campus, edited
from twin.analysis.headroom import headroom
from twin.analysis.headroom_state import at_banks
from twin.cooling.moist_air import humidity_ratio, relative_humidity, wet_bulb
from twin.core.columns import Group
from twin.engine.lost import banks, without
from twin.engine.room import Rooms, energised, spread_over
from twin.engine.still import still_weather
from twin.forcing.coincident import Air

AT = "2030-03-17T12:00"
START = 1_900_000_800.0
LIMITS = ("cdu_flow", "cdu_exchange", "rack_liquid_inlet", "crah_airflow", "crah_coil", "rack_air_inlet", "loop_flow",
          "plant_capacity", "rack_junction")  # fmt: skip


def more(plan, share, extra):
    """``extra`` watts more, always, over groups of racks by ``share``."""
    group = plan.arrays.group.copy()
    group[:, Group.P0] += extra * share / group[:, Group.COUNT]
    return edited(plan, group=group)


def racks_of(plan, role, name):
    """How many racks of each group an element has, from the names of the plan alone."""
    a, labels = plan.arrays, plan.labels
    hall = [labels.hall[int(np.searchsorted(a.hall_group, g, side="right")) - 1] for g in range(len(a.group))]
    cdu = [labels.sec[j] if j >= 0 else "" for j in a.group_liquid]
    own = {"site": lambda g: True, "hall": lambda g: hall[g] == name, "cdu": lambda g: cdu[g] == name}[role]
    return np.array([own(g) for g in range(len(a.group))]) * a.group[:, Group.COUNT]


def told_by_the_engine(lab, tools, plan, air, load, halls):
    """Names of all limits that halls violate in the steady state: cooling by kind, electrical by element."""
    then = Campus(lab, tools, plan, still_weather(air), load)
    return set().union(*(then.violated(h) | then.overloaded(h) for h in halls))


@pytest.mark.parametrize("column", ["present", "design", "n_1"])
@pytest.mark.parametrize(
    ("site", "element", "load"),
    [("oklahoma-10", "okc/hall-2", 0.7), ("oklahoma-10", "grid", 0.4), ("oklahoma-10", "okc/hall-1/cdu-03", 0.9),
     ("frontier", "e102/hall", 0.5), ("azure-dgx", "az/forty", 0.5), ("azure-dgx", "grid", 0.8)],
)  # fmt: skip
def test_that_much_more_violates_nothing_and_one_percent_more_the_limit_that_is_named(
    lab, tools, site, element, load, column
):
    loaded = lab.site(site)
    found = headroom(loaded, [element], at=AT, load=load)
    row = found.rows[0]
    room = getattr(row, column)
    whole = tools.quiet(lab.plan(site))
    plan = without(loaded, whole, room.loss) if room.loss else whole
    air = found.air if column == "present" else found.days[room.day]
    racks = racks_of(plan, "site" if element == "grid" else row.role, row.name)
    share = racks * plan.arrays.group[:, Group.RATED]
    share /= share.sum()
    halls = [
        h
        for h in range(len(plan.labels.hall))
        if share[plan.arrays.hall_group[h] : plan.arrays.hall_group[h + 1]].any()
    ]
    name = room.limit if room.limit in LIMITS else "contract" if room.limit == "contract" else room.where
    if room.unmet:  # a CDU alone cannot make up for a chiller
        assert room.extra_w == pytest.approx(-row.it_w)
        assert name in told_by_the_engine(lab, tools, more(plan, share, room.extra_w), air, load, halls)
        return
    assert told_by_the_engine(lab, tools, more(plan, share, room.extra_w), air, load, halls) == set()
    over = room.extra_w + max(0.01 * abs(room.extra_w), 1e-3 * row.rated_w)
    assert name in told_by_the_engine(lab, tools, more(plan, share, over), air, load, halls)


class Setting:
    """A site whose racks draw what they draw at a load, whatever the weather."""

    def __init__(self, lab, tools, site, load):
        self.loaded, self.plan = lab.site(site), tools.quiet(lab.plan(site))
        self.on, self.contract = energised(self.plan, START)
        group = self.plan.arrays.group
        self.power = group[:, Group.COUNT] * (
            group[:, Group.P0] + load * group[:, Group.P1] + load * load * group[:, Group.P2]
        )

    def rooms(self, air, plan=None, recirculation=0.0):
        plan = self.plan if plan is None else plan
        return Rooms(plan, self.on, self.contract, self.power, air, at_banks(plan, air, recirculation))

    def spreads(self, rooms):
        """The site, and each of its halls."""
        a = self.plan.arrays
        for h in (None, *range(len(self.plan.labels.hall))):
            racks = a.group[:, Group.COUNT].copy()
            if h is not None:
                racks[: a.hall_group[h]] = 0.0
                racks[a.hall_group[h + 1] :] = 0.0
            yield spread_over(self.plan, self.on, self.power, racks, rooms.places)


# Relative to the rating: conductances of a bank follow the water's temperature in a fixed number of passes.
PASSES = 2e-3


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    site=st.sampled_from(["small", "oklahoma-10", "frontier"]), load=st.floats(0.2, 1.0), dry_bulb=st.floats(5.0, 36.0),
    humidity=st.floats(0.15, 0.8), warmer=st.floats(0.2, 6.0), damper=st.booleans(),
)  # fmt: skip
def test_hotter_or_damper_air_never_raises_headroom(lab, tools, site, load, dry_bulb, humidity, warmer, damper):
    """Hotter at the same humidity ratio, or a higher wet bulb at the same dry bulb."""
    p, setting = 1e5, Setting(lab, tools, site, load)
    ratio = humidity_ratio(dry_bulb, humidity, p)
    cool = Air(dry_bulb, wet_bulb(dry_bulb, ratio, p), p)
    hot = Air(dry_bulb + warmer, wet_bulb(dry_bulb + warmer, ratio, p), p)
    if damper:
        hot = Air(dry_bulb, min(dry_bulb, cool.wet_bulb_c + warmer), p)
    assume(hot.wet_bulb_c <= 30.0)
    assume(relative_humidity(cool.dry_bulb_c, ratio, p) <= 1.0)
    before, after = setting.rooms(cool), setting.rooms(hot)
    for spread in setting.spreads(before):
        assert after.room(spread).extra_w <= before.room(spread).extra_w + PASSES * spread.rated_w


@pytest.mark.parametrize("site", ["small", "oklahoma-10", "frontier", "prairie-750"])
def test_recirculation_at_the_banks_never_raises_headroom(lab, tools, site):
    setting = Setting(lab, tools, site, 0.9)
    rooms = [setting.rooms(Air(33.0, 24.0, 1e5), recirculation=k) for k in (0.0, 1.0, 3.0, 6.0)]
    for spread in setting.spreads(rooms[0]):
        found = [one.room(spread).extra_w for one in rooms]
        assert np.diff(found).max() <= PASSES * spread.rated_w


@pytest.mark.parametrize("site", ["small", "oklahoma-10", "frontier", "prairie-750"])
@pytest.mark.parametrize("load", [0.4, 0.9])
def test_a_loss_never_raises_the_room_under_what_it_takes_away(lab, tools, site, load):
    """A chiller, a cell, an air handler: cooling. A unit of a chain or the campus: what is left of it.

    A whole site may gain under its contract: one UPS less has less no-load loss.
    """
    setting = Setting(lab, tools, site, load)
    air = Air(33.0, 24.0, 1e5)
    design = setting.rooms(air)
    at = design.places
    cooling = np.array([limit in LIMITS for limit in at.limit])
    whole = next(setting.spreads(design))
    tried = 0
    for name, bank in banks(setting.loaded, setting.plan).items():
        if bank.count < 2:
            continue
        lost = setting.rooms(air, without(setting.loaded, setting.plan, name))
        own = cooling.copy()
        if bank.kind in ("link", "element"):
            own = np.arange(at.count) == at.element + bank.index
            if setting.plan.arrays.element[bank.index, 4] == 0.0:
                continue
        assert lost.room(whole, own).extra_w <= design.room(whole, own).extra_w + PASSES * whole.rated_w
        tried += 1
    assert tried > 0


@pytest.mark.parametrize("site", ["oklahoma-10", "frontier", "azure-dgx"])
def test_the_columns_are_in_order_and_the_steps_hold_the_one_that_binds(site):
    found = headroom(site, recirculation_k=1.0)
    for row in found.rows:
        assert row.n_1 is not None
        assert row.design is not None
        assert row.n_1.extra_w <= row.design.extra_w
        assert [room.extra_w for room in row.losses] == sorted(room.extra_w for room in row.losses)
        binding = min(step.design_w for step in row.steps if step.rank and step.design_w is not None)
        assert binding == pytest.approx(row.design.extra_w, rel=1e-3, abs=1e-3 * row.rated_w)


def test_halls_have_the_room_that_a_run_records(lab, tools):
    """Against the headroom of the year's loop, which looks for a hall's limits in its own way."""
    plan = tools.quiet(lab.plan("prairie-750"))
    air = Air(31.0, 23.0, 101_325.0)
    campus = Campus(lab, tools, plan, still_weather(air), 0.8)
    on, contract = energised(plan, START)
    rooms = Rooms(plan, on, contract, campus.power, air)
    recorded = campus.headroom()
    a = plan.arrays
    for h in range(len(plan.labels.hall)):
        racks = np.zeros(len(a.group))
        part = slice(a.hall_group[h], a.hall_group[h + 1])
        racks[part] = a.group[part, Group.COUNT]
        spread = spread_over(plan, on, campus.power, racks, rooms.places)
        assert spread is not None
        assert rooms.room(spread).extra_w == pytest.approx(min(recorded[h, 0], recorded[h, 2]), rel=3e-3)
