"""Valves and speeds that no longer move: stuck at an opening, or left as they were when their control failed.

Columns of a secondary loop that hold it::

    pump or fan   its lag is endless, so its flow stays (what the racks ask for is still told apart from what they get)
    valve         WP_MIN = WP_MAX and OPEN its share: the facility flow stays, as far as the loop's pumps bring it
    set point     far below anything: the exchanger gives what it gives at these flows

When a control fails, the exchanger goes on as it was used. The model's valve trims the duty to what the set point
needs, so UA is cut to the ``eps C_min`` that was in use, and nothing moves at that instant::

    K = Q/(T_ret - y),  eps = K/C_min,  N = ln((1 - eps C)/(1 - eps))/(1 - C)   (eps/(1 - eps) at C = 1)

Source: counterflow effectiveness as in ``twin.cooling.exchanger``, solved for the number of transfer units.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from twin.cooling.exchanger import conductance
from twin.core.columns import Sec
from twin.engine.arrays import Scratch, State
from twin.site.plan import Arrays

if TYPE_CHECKING:
    from twin.engine.modes import Place

FAR_K = -1e3
FOREVER_S = 1e18


def stick(a: Arrays, place: Place, amount: float) -> None:
    """The facility valve stands at the share ``amount`` of its opening."""
    row = a.sec[place.row]
    row[Sec.WP_MIN] = row[Sec.WP_MAX]
    row[Sec.OPEN] *= amount
    row[Sec.SET_OFFSET] = FAR_K


def as_it_was(a: Arrays, state: State, s: Scratch, j: int) -> dict[Sec, float]:
    """Columns that hold secondary loop ``j`` as the last step left it; ``a`` are the columns of that step."""
    row, f = a.sec[j], int(a.sec_fac[j])
    held = {Sec.LAG: FOREVER_S, Sec.WP_MIN: float(row[Sec.WP_MAX]), Sec.SET_OFFSET: FAR_K}
    w, wp = float(s.coil[j]), float(s.wp[j])
    through, past = (1.0 - float(row[Sec.RECIRCULATION])) * w, float(row[Sec.BYPASS])
    drop = float(s.back[j] - s.solved[f, 0])
    used = float(s.heat[j]) / drop if drop > 0.0 and through > 0.0 else 0.0
    # Air that goes past the racks mixes into what the coil gets: K/(1 - K b/W) of the coil itself.
    used = used / (1.0 - used * past / through) if used > 0.0 else 0.0
    hot = through / (1.0 - past)
    c_min, c_max = min(hot, wp), max(hot, wp)
    held[Sec.OPEN] = min(1.0, wp / float(row[Sec.WP_MAX]))
    full = float(
        conductance(row[Sec.UA], w / row[Sec.W_MAX], row[Sec.N_SECONDARY], wp / row[Sec.WP_MAX], row[Sec.N_PRIMARY])
    )
    if used <= 0.0 or c_min <= 0.0 or full <= 0.0 or state.sec_flow[j] <= 0.0:
        return held | {Sec.UA: 0.0}
    ua = transfer_units(min(used / c_min, 1.0 - 1e-12), c_min / c_max) * c_min
    return held | {Sec.UA: float(row[Sec.UA]) * min(1.0, ua / full)}


def transfer_units(effectiveness: float, ratio: float) -> float:
    """Number of transfer units of a counterflow exchanger of this effectiveness (0 <= eps < 1)."""
    if 1.0 - ratio < 1e-9:
        return effectiveness / (1.0 - effectiveness)
    return log((1.0 - effectiveness * ratio) / (1.0 - effectiveness)) / (1.0 - ratio)


__all__ = ["FOREVER_S", "as_it_was", "stick", "transfer_units"]
