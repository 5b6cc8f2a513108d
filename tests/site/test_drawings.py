"""What racks that follow a pool take from its draw: power without work, and how far power wanders."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.columns import Group
from twin.inference.wafer_draw import WaferDraw
from twin.racks.kernel import KNOT_S
from twin.site.load import load_site
from twin.site.lower import lower


def mean_sd(sd: float, memory_s: float, k: int) -> float:
    """SD of the mean of ``k`` readings a second apart, from the covariance of every pair."""
    phi = np.exp(-1.0 / memory_s) if memory_s > 0.0 else 0.0
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    covariance = sd**2 * np.where(apart == 0, 1.0, phi**apart)
    return float(np.sqrt(covariance.sum()) / k)


def test_racks_of_a_pool_wander_as_the_residual_of_their_draw_does_besides_their_own_percent():
    loaded = load_site("prairie-750")
    plan = lower(loaded)
    draw = loaded.library.get("cs3-llm", WaferDraw)
    parts = [mean_sd(part.sd, part.memory_s, round(KNOT_S)) for part in draw.residual_parts(1.0)]
    index = plan.labels.curve.index("pool:wafer-chat|cs3-x2")
    rows = plan.arrays.group[plan.arrays.group_curve == index]
    assert rows[:, Group.NOISE] == pytest.approx(np.hypot(0.01, np.linalg.norm(parts)), rel=1e-6)
    assert rows[:, Group.FLOOR] == pytest.approx(2 * draw.idle_w())
