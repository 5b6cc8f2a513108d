"""The pumps of CDUs and loops where a site or its library gives them, each against what it pumps through.

Head at the largest flow and its part that does not fall with flow are those of the CDU (``fixed_head_share``) or of the
loop (``FIXED_HEAD``); pumps of CDUs on one manifold work in parallel on it.
"""

from __future__ import annotations

from twin.cooling.cdu import Cdu
from twin.cooling.pump_curve import Pump, PumpBank, Pumps, System, system_of
from twin.core.units import KPA, LPM, M3H
from twin.site.library import Library
from twin.site.model import Liquid, Loop

# A third of a facility loop's head does not fall with flow (valve authority and static control pressure; estimate).
FIXED_HEAD = 1.0 / 3.0


def cdu_pumps(liquid: Liquid, library: Library) -> PumpBank | None:
    """The pumps behind one coolant loop of a hall, those of all its CDUs; None where the CDU's entry names none."""
    cdu = library.get(liquid.cdu, Cdu)
    if cdu.pumps is None:
        return None
    flow = cdu.secondary_flow_lpm.value * LPM * liquid.cdus_each
    system = system_of(flow, cdu.external_head_kpa.value * KPA, cdu.fixed_head_share.value)
    return _bank(cdu.pumps, liquid.cdus_each, system, flow, library)


def loop_pumps(loop: Loop, library: Library) -> PumpBank | None:
    """The pumps of a facility-water loop; None where the site gives it none."""
    if loop.pumps is None:
        return None
    flow = loop.flow_max_m3_h * M3H
    return _bank(loop.pumps, 1, system_of(flow, loop.head_kpa * KPA, FIXED_HEAD), flow, library)


def _bank(pumps: Pumps, sets: int, system: System, largest: float, library: Library) -> PumpBank:
    pump = library.get(pumps.device, Pump)
    return PumpBank(pump.curve(), system, largest, pumps.count * sets, pumps.standby * sets, pump.fail_over_s.value)


__all__ = ["FIXED_HEAD", "cdu_pumps", "loop_pumps"]
