"""Flows and supply temperatures that are measured, as columns of a Plan whose rows are altered for a step.

    flow       the pumps and fans stand at W = c_p m for a step: their state is W, their lag endless
    primary    the valve is open as far as WP_MAX, and passes OPEN = c_p m / WP_MAX of it
    loop       its pumps move W at least and at most; branches that ask for more get their share
    supply     the set point is the reading, it is met (``MET``), and no water or air stands behind the exchanger:
               C_SUPPLY is so small that the supply follows at once

*What does not fit.* A supply that the exchanger of the model could not reach is supplied all the same: the heat
``W (T_ret - T_supply)`` leaves the loop, and what shows it is what is not measured: the racks' return, the return and
the flow of the facility water. A plant takes what brings its loop to the supply, also beyond its capacity, and draws
the power for it; one whose water comes back colder than the reading takes nothing, for it cannot heat. Branches of a
loop that take more than its own meter shows are all reduced alike. Where handlers are measured to move far less air
than the racks draw, these take room air for the rest. Energy closes in every step: what stands behind an exchanger is
left out while its supply is measured, and is as warm as the last reading when it is not any more.

*What is not believed.* A flow with which racks get hotter than ``HOT_C``, and a flow of facility water that its heat
would warm by more than ``MOST_RISE_K``: of a loop, and of a CDU whose supply is measured as well, for that is supplied
whatever the flow, and no rack would get hot. Where a run settles, any flow that its heat would warm by more than that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Fac, Group, Sec
from twin.engine.driven_inputs import Floats, Hands
from twin.engine.step import HELD_S, LEAST_FLOW

# Pumps and fans that answer within an age; fans that do no sooner than HELD_S let the racks draw room air.
ENDLESS_S, SLOWEST_S = 1e15, 0.99 * HELD_S
# Handlers that move less than this share of what the model has the racks draw leave them short of air (estimate).
SHORT_SHARE = 0.7
# What stands behind an exchanger is renewed so many times in a step at the largest flow.
RENEWED = 1e4
# No rack runs hotter, no facility water comes back warmer (estimates).
HOT_C, MOST_RISE_K = 120.0, 60.0
# Reset, offset and approach that change nothing.
NO_APPROACH_K = -1e6
SUPPLY = 1  # of the two ways of a loop's pipes
Chosen = NDArray[np.int64]


def cdus(hands: Hands) -> Chosen:
    """Secondary loop of each CDU."""
    return np.asarray(hands.site.labels.cdu_sec, np.int64)


def pick(values: Floats, rows: Chosen) -> tuple[Chosen, Floats]:
    """The rows that are measured, and what is measured there."""
    known = ~np.isnan(values)
    return rows[known], values[known]


def cdu_flow(hands: Hands, values: Floats) -> None:
    """Coolant of CDUs, kg/s."""
    rows, _ = _hold(hands, cdus(hands), values, hands.site.arrays.sec[cdus(hands), Sec.CP])
    hands.plan.arrays.sec[rows, Sec.W_PER_HEAT] = 0.0


def handler_airflow(hands: Hands, values: Floats) -> None:
    """Air that the handlers of halls move, kg/s; a share of it passes no rack."""
    sec = hands.site.arrays.sec[hands.site.air_sec]
    through = (1.0 - sec[:, Sec.BYPASS]) / (1.0 - sec[:, Sec.RECIRCULATION])
    rows, w = _hold(hands, hands.site.air_sec, values, sec[:, Sec.CP] * through)
    enough = w >= SHORT_SHARE * hands.scratch.asked_flow[rows]
    hands.plan.arrays.sec[rows[enough], Sec.LAG] = SLOWEST_S


def _hold(hands: Hands, loops: Chosen, values: Floats, per_flow: Floats) -> tuple[Chosen, Floats]:
    """Let the pumps or fans of loops stand at ``values`` (kg/s), ``per_flow`` W/K each; which stand, and at what."""
    _believe(hands, loops, values, per_flow, np.full(len(loops), hands.steady))
    rows, w = pick(values * per_flow, loops)
    hands.plan.arrays.sec[rows, Sec.LAG], hands.plan.arrays.sec[rows, Sec.W_MIN] = ENDLESS_S, w
    hands.state.sec_flow[rows] = w
    return rows, w


def _believe(hands: Hands, loops: Chosen, values: Floats, per_flow: Floats, now: NDArray[np.bool_]) -> None:
    """Put NaN for flows that cook racks, and where ``now`` is for those that are too small for the last step's heat."""
    small = now & (values * per_flow * MOST_RISE_K < hands.scratch.heat[loops])
    values[_hot(hands)[loops] | small] = np.nan


def _hot(hands: Hands) -> NDArray[np.bool_]:
    """Secondary loops that cool racks which are hotter than racks are."""
    a, state = hands.site.arrays, hands.state
    count, plate = a.group[:, Group.COUNT], a.group[:, Group.MAIN_NODE] == 1.0
    hot = np.where(plate, state.sum_plate, state.sum_body) > HOT_C * count
    found = np.zeros(len(a.sec), bool)
    found[a.group_liquid[hot & (a.group_liquid >= 0)]] = True
    found[a.group_air[hot]] = True
    return found


def cdu_primary_flow(hands: Hands, values: Floats) -> None:
    """Facility water of CDUs, kg/s."""
    a, sec, fac = hands.site.arrays, hands.plan.arrays.sec, hands.plan.arrays.fac
    met = sec[cdus(hands), Sec.MET] == 1.0
    _believe(hands, cdus(hands), values, a.sec[cdus(hands), Sec.CP_PRIMARY], met | hands.steady)
    rows, flow = pick(values, cdus(hands))
    w, most = flow * a.sec[rows, Sec.CP_PRIMARY], a.sec[rows, Sec.WP_MAX]
    sec[rows, Sec.WP_MIN], sec[rows, Sec.OPEN] = most, w / most
    # The loop's pumps move what its branches are measured to take, and as much as ever for the others.
    fac[:, Fac.RUNNING] += np.bincount(a.sec_fac[rows], w, len(fac)) / fac[:, Fac.W_MAX]
    _at_least(hands, np.unique(a.sec_fac[rows]))


def fws_flow(hands: Hands, values: Floats) -> None:
    """Facility water of loops, kg/s."""
    loops, flow = pick(values, np.arange(len(hands.site.arrays.fac)))
    fac, most = hands.plan.arrays.fac, hands.site.arrays.fac[loops, Fac.W_MAX]
    w = np.maximum(flow * fac[loops, Fac.CP], LEAST_FLOW * most)
    believed = w >= _least(hands, loops)
    values[loops[~believed]] = np.nan
    fac[loops[believed], Fac.W_MIN] = w[believed]
    fac[loops[believed], Fac.RUNNING] = (w / most)[believed]


def _least(hands: Hands, loops: Chosen) -> Floats:
    """What the last step's heat needs at least, W/K."""
    found: Floats = np.maximum(0.0, hands.scratch.solved[loops, 1]) / MOST_RISE_K
    return found


def _at_least(hands: Hands, loops: Chosen) -> None:
    """Keep enough water in loops for the heat that is in them, whatever their branches are measured to take."""
    fac, least = hands.plan.arrays.fac, _least(hands, loops)
    fac[loops, Fac.W_MIN] = np.maximum(fac[loops, Fac.W_MIN], least)
    fac[loops, Fac.RUNNING] = np.maximum(fac[loops, Fac.RUNNING], least / fac[loops, Fac.W_MAX])


def cdu_supply(hands: Hands, values: Floats) -> None:
    """Coolant that CDUs supply, degC."""
    _supply(hands, *pick(values, cdus(hands)))


def air_supply(hands: Hands, values: Floats) -> None:
    """Air that the handlers of halls supply, degC."""
    _supply(hands, *pick(values, hands.site.air_sec))


def _supply(hands: Hands, rows: Chosen, t: Floats) -> None:
    sec = hands.plan.arrays.sec
    sec[rows, Sec.SET] = sec[rows, Sec.SET_MAX] = t
    sec[rows, Sec.APPROACH], sec[rows, Sec.MET] = NO_APPROACH_K, 1.0
    sec[rows, Sec.C_SUPPLY] = sec[rows, Sec.W_MAX] * hands.shortest_s / RENEWED
    _at_least(hands, np.unique(hands.site.arrays.sec_fac[rows]))


def fws_supply(hands: Hands, values: Floats) -> None:
    """Facility water that loops supply, degC."""
    loops, t = pick(values, np.arange(len(hands.site.arrays.fac)))
    fac = hands.plan.arrays.fac
    fac[loops, Fac.SET], fac[loops, Fac.RESET_ON], fac[loops, Fac.MET] = t, 0.0, 1.0
    fac[loops, Fac.C_SUPPLY] = fac[loops, Fac.W_MAX] * hands.shortest_s / RENEWED
    fac[loops, Fac.C_PIPE_SUPPLY] = 0.0
    pipe = hands.state.pipe[loops, SUPPLY]
    pipe[:, 1] = t[:, None]
    hands.state.pipe[loops, SUPPLY] = pipe


__all__ = [
    "air_supply",
    "cdu_flow",
    "cdu_primary_flow",
    "cdu_supply",
    "fws_flow",
    "fws_supply",
    "handler_airflow",
]
