"""A rack at its junction limit: met when the closed form says, held at every step length, never below idle."""

from __future__ import annotations

import dataclasses
from math import exp, log
from typing import Any

import numpy as np
import pytest

from twin.core.columns import Group, Sec
from twin.core.variables import slot
from twin.site.plan import Plan

# On the hour, after all halls of the small site are energised.
START = 1_850_000_400.0


def with_limit(plan: Plan, limit_c: float) -> Plan:
    """The same with another junction limit for all racks."""
    group = plan.arrays.group.copy()
    group[:, Group.THROTTLE] = limit_c
    return dataclasses.replace(plan, arrays=plan.arrays._replace(group=group))


@pytest.mark.parametrize("step", [1.0, 60.0, 3600.0])
def test_no_junction_goes_above_its_limit_and_energy_closes(lab, tools, step):
    limit = 41.0
    plan = with_limit(lab.plan("small"), limit)
    rows = lab.run(plan, START, 3 * 3600.0 if step > 1.0 else 900.0, step, load=0.9, interval=step, racks=True)
    group = np.repeat(plan.arrays.group, np.diff(plan.arrays.group_rack), axis=0)
    rise = group[:, Group.JUNCTION] / group[:, Group.RATED] * tools.column(rows, "rack_power")
    assert tools.column(rows, "hall_slowed_share").max() > 0.5
    at_floor = tools.column(rows, "rack_power") <= group[:, Group.FLOOR] * (1.0 + 1e-9)
    junction = tools.column(rows, "rack_temperature") + rise
    assert (junction[~at_floor] < limit + 1e-6).all()
    assert tools.column(rows, "energy_residual").max() < 1e-9


@pytest.mark.parametrize("load", [0.9, 1.0])
def test_no_junction_goes_above_its_limit_where_the_plant_is_at_its_end(lab, tools, load):
    """There the water's temperature hangs on the last thousandth of what the plant can take."""
    limit = 55.0
    plan = with_limit(lab.plan("small"), limit)
    air = tools.steady_weather(53.0, 0.5)
    rows = lab.run(plan, START, 6 * 3600.0, 1800.0, load=load, weather=air, interval=1800.0, racks=True)
    assert (tools.column(rows, "plant_unmet_share") > 0.0).any()
    group = np.repeat(plan.arrays.group, np.diff(plan.arrays.group_rack), axis=0)
    power = tools.column(rows, "rack_power")
    junction = tools.column(rows, "rack_temperature") + group[:, Group.JUNCTION] / group[:, Group.RATED] * power
    assert junction[power > group[:, Group.FLOOR] * (1.0 + 1e-9)].max() < limit + 1e-3
    assert tools.column(rows, "energy_residual").max() < 1e-9


def test_the_limit_is_met_when_the_closed_form_says(lab, tools):
    """One node, inlet and conductance held: T = T_inf + (T_0 - T_inf) e^{-t/tau}; slowed from then on."""
    plan = tools.quiet(lab.plan("small"))
    plan.arrays.group[:, Group.FLOW_EXPONENT] = 0.0
    nvl = plan.labels.group_kind.index("gb200-nvl72")
    row = plan.arrays.group[nvl]
    start = float(plan.hall_start_s[plan.labels.hall.index("b/nvl")])
    before = lab.run(plan, start, 600.0, 1.0, load=0.8, interval=1.0, racks=True)
    rack = int(plan.arrays.group_rack[nvl])
    t0 = tools.column(before, "rack_temperature")[0, rack]
    inlet = before["cdu"][..., slot("cdu_supply_temperature")][:, plan.labels.cdu.index("b/nvl/cdu-01")]
    assert np.ptp(tools.column(before, "rack_temperature")[:, rack]) < 0.5  # a run begins in the steady state
    assert np.ptp(inlet) < 0.5
    # The load rises: the plate goes up with its own time constant.
    stepped = [Stepped(start + 60.0, 0.8, 1.0) for _ in plan.labels.curve]
    free = lab.run(plan, start, 240.0, 1.0, load=stepped, interval=1.0, racks=True)
    plate, drawn = tools.column(free, "rack_temperature")[:, rack], tools.column(free, "rack_power")[:, rack]
    full = row[Group.JUNCTION]
    final = plate[119]
    limit = t0 + 0.6 * (final - t0) + full
    tau = -30.0 / log((final - plate[89]) / (final - plate[59]))
    crossing = 60.0 - tau * log((final + full - limit) / (final - plate[59]))
    rows = lab.run(with_limit(plan, limit), start, 240.0, 1.0, load=stepped, interval=1.0, racks=True)
    hall = plan.labels.hall.index("b/nvl")
    first = int(np.argmax(tools.column(rows, "hall_withheld_power")[:, hall] > 0.0))
    assert first + 1 == pytest.approx(crossing, abs=1.5)
    assert tools.column(rows, "rack_power")[first - 1, rack] == drawn[first - 1]


@dataclasses.dataclass(frozen=True)
class Stepped:
    """A load that steps at an instant."""

    at_s: float
    before: float
    after: float

    def sample(self, start_s: Any, end_s: Any, utc_offset_s: int) -> Any:
        del utc_offset_s
        return np.where(end_s <= self.at_s, self.before, self.after)


def test_a_slowed_rack_draws_what_its_inlet_takes_away(lab, tools):
    """Steady state of a plate at its limit: P = (T_lim - x)/(share/G + R), body as warm as the plate."""
    plan = tools.quiet(with_limit(lab.plan("small"), 42.0))
    rows = lab.run(plan, START, 6 * 3600.0, 300.0, load=1.0, interval=300.0, racks=True)
    wafer = plan.labels.group_kind.index("cs3-x2")
    row, rack = plan.arrays.group[wafer], int(plan.arrays.group_rack[wafer])
    cdu = plan.labels.cdu.index("b/wafer/cdu-01")
    sec = plan.arrays.sec[plan.labels.cdu_sec[cdu]]
    x = rows["cdu"][-1, cdu, slot("cdu_supply_temperature")]
    flow = rows["cdu"][-1, cdu, slot("cdu_flow")] * sec[Sec.CP]
    w = flow * row[Group.W_COOLANT] / sec[Sec.W_GROUPS]
    g = w * (1.0 - exp(-row[Group.UA] / w))
    expected = (42.0 - x) / (row[Group.LIQUID_SHARE] / g + row[Group.JUNCTION] / row[Group.RATED])
    assert tools.column(rows, "rack_power")[-1, rack] == pytest.approx(expected, rel=1e-4)
    assert expected < row[Group.RATED]


def test_nothing_is_slowed_below_its_power_without_work(lab, tools):
    plan = with_limit(lab.plan("small"), 25.0)
    rows = lab.run(plan, START, 3600.0, 60.0, load=1.0, interval=3600.0, racks=True)
    floor = np.repeat(plan.arrays.group[:, Group.FLOOR], np.diff(plan.arrays.group_rack))
    on = np.repeat(tools.column(rows, "hall_energised_share")[0] > 0, _racks_by_hall(plan))
    assert tools.column(rows, "rack_power")[0, on] == pytest.approx(floor[on], rel=1e-9)
    assert tools.column(rows, "energy_residual").max() < 1e-9


def _racks_by_hall(plan: Plan) -> Any:
    return np.diff(plan.arrays.group_rack[plan.arrays.hall_group])
