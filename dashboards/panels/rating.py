"""Whether a rack draws more than its rated power: only where its meter cannot have made that up.

    over = P > OVER P_rated

Symbols: P power at the rack's AC input, as read or simulated, W; P_rated its rated power, W (NaN: not known, never
over). OVER = 1.01: a meter of class 1 may show up to 1 % more than there is (IEC 62053-21). The same limit holds for
what is simulated, and in picture, table and panel.
"""

from __future__ import annotations

from dashboards.panels.panel import Floats
from telemetry.live.frame import Bools

OVER = 1.01
BEYOND = "more than 1 %"


def over(power_w: Floats, rated_w: Floats) -> Bools:
    """Where power is beyond the rated one and the error of a meter, by rack; False where either is not known."""
    found: Bools = power_w > OVER * rated_w
    return found


__all__ = ["BEYOND", "OVER", "over"]
