"""Pumps that fail one by one: how many run at an instant, and where the flow falls to when the first check valve shuts.

At the instant of a fault the flow falls to what the pumps that are left give at the speed they had; from there their
speed rises with the lag of the control, to full speed at most. A fail-over time later those that stood by have taken
the places of those that failed. Where none is left the flow runs down (``twin.cooling.pump.coast_down``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING

from twin.cooling.pump_curve import PumpBank
from twin.core.columns import Sec
from twin.engine.arrays import State

if TYPE_CHECKING:
    from twin.engine.faults import Faults
    from twin.engine.modes import Fault, Place


def fail_over_at(fault: Fault, pumps: PumpBank) -> float:
    """When pumps that stood by have taken the place of those lost, s; inf: none does before they are mended."""
    at = fault.at_s + pumps.fail_over_s
    return at if pumps.standby and at < fault.until_s else inf


def pumps_running(faults: Iterable[Fault], pumps: PumpBank, t: float) -> int:
    """Pumps that run at ``t`` with ``faults`` on them, each active then with so many lost."""
    lost = waited = 0
    for fault in faults:
        n = int(fault.amount or pumps.count)
        lost += n
        waited += n if t >= fail_over_at(fault, pumps) else 0
    return pumps.running(min(lost, pumps.count), min(waited, pumps.count))


def let_fall(faults: Faults, state: State, t: float) -> None:
    """Let the coolant of loops in which pumps or CDUs fail at ``t`` fall to what the others give at their speed.

    Without a curve each CDU of a manifold keeps its flow.
    """
    now = faults.active(t)
    before = [fault for fault in faults.acting if fault.at_s < t < fault.until_s]
    for element in dict.fromkeys(fault.element for fault in now if fault.at_s == t):
        place = faults.known[element]
        if place.role not in ("cdu", "manifold"):
            continue
        (cdus, pumps), (cdus_left, left) = (_left(faults, element, place, active, t) for active in (before, now))
        w_max = faults.plan.arrays.sec[place.row, Sec.W_MAX]
        if place.pumps is not None and 0 < left < pumps:
            state.sec_flow[place.row] = w_max * place.pumps.after(state.sec_flow[place.row] / w_max, pumps, left)
        elif place.pumps is None and 0 < cdus_left < cdus:
            state.sec_flow[place.row] *= cdus_left / cdus


def _left(faults: Faults, element: str, place: Place, active: Sequence[Fault], t: float) -> tuple[int, int]:
    """CDUs of a coolant loop that are left, and pumps that run in them."""
    cdus = place.units - faults.units_lost(active).get(element, 0)
    return cdus, faults.running(element, active, t) if place.pumps else 0


__all__ = ["fail_over_at", "let_fall", "pumps_running"]
