"""The integrators against matrix exponentials, and racks against a reference that knows no groups."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from twin.core.columns import Group, Sec
from twin.core.integrate import phi1, phi2, two_nodes
from twin.racks.kernel import heat_pass

START = 1_900_000_800.0


def exact_phi(z: float) -> tuple[float, float]:
    """phi1 and phi2 with 60 digits."""
    if z == 0.0:
        return 1.0, 0.5
    with localcontext() as context:
        context.prec = 60
        x = Decimal(z)
        first = (1 - (-x).exp()) / x
        return float(first), float((1 - first) / x)


@pytest.mark.parametrize(
    "z", [0.0, 1e-20, 1e-16, 0.99e-8, 1.01e-8, 1e-5, 0.999e-3, 1.001e-3, 0.1, 1.0, 30.0, 700.0, 1e12]
)
def test_phi_functions(z):
    first, second = exact_phi(z)
    assert phi1(z) == pytest.approx(first, rel=4e-16, abs=0.0)
    # Above 1e-3 the difference 1 - phi1 loses three digits, below a series does not.
    assert phi2(z) == pytest.approx(second, rel=5e-13, abs=0.0)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.floats(-15.0, 8.0))
def test_phi_functions_anywhere(exponent):
    z = 10.0**exponent
    first, second = exact_phi(z)
    assert phi1(z) == pytest.approx(first, rel=1e-15, abs=0.0)
    assert phi2(z) == pytest.approx(second, rel=5e-13, abs=0.0)


def mean_response(dt, c_p, c_b, g_p, g_b, g_pb):
    """``dt phi2(dt C^-1 K) C^-1`` by the exponential of an augmented matrix: no formula of the code under test.

    Its top right block is ``dt^2 phi2(dt A)`` (Van Loan, IEEE Trans. Autom. Control 23, 1978).
    """
    a = -np.array([[(g_p + g_pb) / c_p, -g_pb / c_p], [-g_pb / c_b, (g_b + g_pb) / c_b]])
    zero, one = np.zeros((2, 2)), np.eye(2)
    m = np.block([[a, one, zero], [zero, zero, one], [zero, zero, zero]])
    return expm(m * dt)[:2, 4:] / dt @ np.diag([1.0 / c_p, 1.0 / c_b])


CASES = {
    "cs3": (60.0, 20e3, 35e3, 1.9e3, 0.0, 500.0),
    "equal eigenvalues, apart": (60.0, 20e3, 20e3, 500.0, 500.0, 0.0),
    "equal eigenvalues, nearly coupled": (60.0, 20e3, 20e3, 500.0, 500.0, 1e-9),
    "isolated": (60.0, 20e3, 35e3, 0.0, 0.0, 0.0),
    "isolated pair": (60.0, 20e3, 35e3, 0.0, 0.0, 500.0),
    "stiff": (3600.0, 1.0, 1e6, 1e5, 10.0, 1e4),
    "short": (1e-3, 20e3, 35e3, 1.9e3, 0.0, 500.0),
    "an hour": (3600.0, 20e3, 35e3, 1.9e3, 100.0, 500.0),
}


@pytest.mark.parametrize("name", CASES)
def test_two_nodes_against_the_matrix_exponential(name):
    case = CASES[name]
    pp, pb, bb = two_nodes(*case)
    expected = mean_response(*case)
    got = np.array([[pp, pb], [pb, bb]])
    # The exponential of the augmented matrix is good to about its norm times 1e-16.
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-10 * expected.max())


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    st.floats(-2.0, 3.5), st.floats(0.0, 6.0), st.floats(0.0, 6.0), st.floats(-3.0, 4.0), st.floats(-3.0, 4.0),
    st.floats(-3.0, 4.0),
)  # fmt: skip
def test_two_nodes_anywhere(dt, c_p, c_b, g_p, g_b, g_pb):
    case = tuple(10.0**x for x in (dt, c_p, c_b, g_p, g_b, g_pb))
    pp, pb, bb = two_nodes(*case)
    # Passive: a watt into a node warms it, and the other, never more than itself without loss.
    assert 0.0 < pp <= 0.5 * case[0] / case[1] * (1 + 1e-12)
    assert 0.0 < bb <= 0.5 * case[0] / case[2] * (1 + 1e-12)
    assert -1e-15 * max(pp, bb) <= pb
    fastest = case[0] * max((case[3] + case[5]) / case[1], (case[4] + case[5]) / case[2])
    if fastest < 500.0:  # beyond, the reference itself loses its digits
        expected = mean_response(*case)
        assert np.array([[pp, pb], [pb, bb]]) == pytest.approx(expected, rel=1e-7, abs=1e-9 * expected.max())


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.floats(-2.0, 6.0), st.floats(0.0, 5e4), st.floats(0.0, 3e3), st.floats(0.0, 2e3), st.floats(10.0, 90.0))
def test_a_rack_keeps_its_energy_and_the_maximum_principle(exponent, power, g_p, g_pb, start):
    """C dT = dt (in - out) in floating point, and no node leaves the span of start, inlets and what power can add."""
    dt = 10.0**exponent
    row = np.array([0.7, 0.2, 0.1, 20e3, 35e3, g_pb, 0.0])
    t_p, t_b = np.array([start]), np.array([start])
    m = two_nodes(dt, 20e3, 35e3, g_p, 0.0, g_pb)
    liquid, air, _, _ = heat_pass(np.array([power]), t_p, t_b, row, *m, g_p, 21.0, 22.0, dt)
    stored = 20e3 * (t_p[0] - start) + 35e3 * (t_b[0] - start)
    flows = dt * (power + abs(liquid) + abs(air)) + abs(stored) + 55e3 * start
    assert abs(dt * (power - liquid - air) - stored) <= 1e-14 * flows
    assert min(t_p[0], t_b[0]) >= min(start, 21.0) - 1e-9


def test_groups_against_single_racks_with_moving_flows(lab, tools):
    """An hour of a running engine, replayed rack by rack with matrix exponentials: within 1 mK.

    The replay takes the inlets and flows that the run had in each step, and integrates every rack alone.
    """
    plan = lab.plan("small")
    step, minutes = 60.0, 60
    load = tools.own_curves(lab.site("small"), plan)
    engine = lab.engine(
        plan, START, minutes * step, step, load=load, weather=tools.steady_weather(15.0, 0.6), interval=step
    )
    engine.timeline = tools.one_interval_blocks(engine.timeline)
    a = plan.arrays
    plate, body = engine.state.t_plate.copy(), engine.state.t_body.copy()
    flows = []
    for _ in engine.blocks():
        s = engine.scratch
        flows.append(s.w.copy())
        for g, row in enumerate(a.group):
            air = int(a.group_air[g])
            liquid = int(a.group_liquid[g])
            inlet = s.inlet[liquid] if liquid >= 0 else 0.0
            conductance = 0.0
            if liquid >= 0:
                w = s.w[liquid] * row[Group.W_COOLANT] / a.sec[liquid, Sec.W_GROUPS]
                ua = row[Group.UA] * (w / row[Group.W_COOLANT]) ** row[Group.FLOW_EXPONENT]
                conductance = w * (1.0 - np.exp(-ua / w))
            k = np.array([
                [conductance + row[Group.G_BODY_PLATE], -row[Group.G_BODY_PLATE]],
                [-row[Group.G_BODY_PLATE], row[Group.G_BODY_AIR] + row[Group.G_BODY_PLATE]],
            ])  # fmt: skip
            c = np.array([row[Group.C_PLATE], row[Group.C_BODY]])
            m = np.zeros((3, 3))
            m[:2, :2] = -k / c[:, None]
            for r in range(int(a.group_rack[g]), int(a.group_rack[g + 1])):
                gains = np.array([
                    row[Group.LIQUID_SHARE] * s.power[r] + conductance * inlet,
                    row[Group.BODY_SHARE] * s.power[r] + row[Group.G_BODY_AIR] * s.inlet[air],
                ])  # fmt: skip
                m[:2, 2] = gains / c
                plate[r], body[r], _ = expm(m * step) @ np.array([plate[r], body[r], 1.0])
    assert np.ptp(np.array(flows), axis=0).max() > 0.01 * np.array(flows).max()
    assert engine.state.t_plate == pytest.approx(plate, abs=1e-3)
    assert engine.state.t_body == pytest.approx(body, abs=1e-3)
    assert max(plate.max(), body.max()) > 30.0
