"""What pumps of CDUs and fans of air handlers draw at the steady flows that a power of the racks asks for.

Equations, as in ``twin.engine.steady``: heat of a secondary loop from its groups, flow ``w = clip(W_PER_HEAT q)``, of
CDUs at most what their pumps with a drive give, power the cubic of the flow fraction. Valid for the steady state; the
power of the plants is that of ``twin.engine.room``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group, Sec
from twin.site.plan import Floats, Plan


def mechanical_w(plan: Plan, on: NDArray[np.uint8], power: Floats) -> Floats:
    """Power of each secondary loop's pumps or fans, W (sec), with ``power`` (group) W; 0 in halls that are not on."""
    a = plan.arrays
    body = np.where(a.group[:, Group.G_BODY_PLATE] > 0.0, a.group[:, Group.BODY_SHARE], 0.0)
    liquid = (a.group[:, Group.LIQUID_SHARE] + body) * power
    wet = a.group_liquid >= 0
    heat = np.zeros(len(a.sec))  # not a bin count: of nothing it would be of integers
    heat += np.bincount(a.group_liquid[wet], liquid[wet], len(a.sec))
    heat += np.bincount(a.group_air, power - liquid, len(a.sec))
    sec = a.sec
    w = np.minimum(sec[:, Sec.W_MAX], np.maximum(sec[:, Sec.W_MIN], sec[:, Sec.W_PER_HEAT] * heat))
    cdu = np.zeros(len(sec), bool)
    cdu[plan.labels.cdu_sec] = True
    w = np.where(cdu, np.minimum(w, sec[:, Sec.W_MAX] * sec[:, Sec.RUNNING]), w)
    x = w / sec[:, Sec.W_MAX]
    drawn = sec[:, Sec.PUMP_0] + x * (sec[:, Sec.PUMP_1] + x * (sec[:, Sec.PUMP_2] + x * sec[:, Sec.PUMP_3]))
    return np.maximum(0.0, drawn) * on[a.sec_hall]


__all__ = ["mechanical_w"]
