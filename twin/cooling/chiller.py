"""Water-cooled chiller by temperature lift.

Equations (temperatures in K inside the quotient)::

    COP_full = eta T_e / (T_c - T_e + delta),  T_e = T_chw,out - 1.5,  T_c = T_cw,out + 1.5
    P        = q/COP_full * f(PLR),  f = EIR/EIR_full: 1.32, 0.964, 0.941, 1 at PLR 0.25, 0.5, 0.75, 1

Below PLR 0.25 a machine cycles at the 0.25 value. The lift ``T_c - T_e`` is kept at or above ``minimum_lift_k``:
condenser water is not let colder than the machine allows. Valid for chilled water 4..30 degC, lifts to 45 K.
Source: least squares over 73 centrifugal sets of at least 1.5 MW from the EnergyPlus data sets, rms 1.8 % (physics
sheet, section 4); a pure Carnot fraction would overstate warm-water COP.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from twin.core.columns import Fac
from twin.core.jit import kernel
from twin.core.params import Figure, Params, Quantity
from twin.core.units import KELVIN, KW

PINCH_K = 1.5
PART_LOAD = (1.32, 0.964, 0.941, 1.0)


class Chiller(Params):
    """Parameters of one chiller."""

    KIND: ClassVar[str] = "chiller"
    FOLDER: ClassVar[str] = "plants"

    rated_kw: Annotated[Figure, Quantity("kW", "cooling capacity", gt=0, le=50_000)]
    eta: Annotated[Figure, Quantity("1", "factor of the lift fit", gt=0.1, le=2)]
    delta_k: Annotated[Figure, Quantity("K", "offset of the lift fit", ge=0, le=60)]
    minimum_lift_k: Annotated[Figure, Quantity("K", "lowest lift the machine runs at", ge=1, le=30)]
    condenser_max_c: Annotated[Figure, Quantity("degC", "highest leaving condenser water", gt=20, le=60)]
    start_s: Annotated[Figure, Quantity("s", "from the call until a machine carries load", ge=0, le=3600)] = Figure(
        value=120, low=60, high=300, source="prior: pumps, oil, ramp of the vanes", confidence="estimate"
    )
    minimum_run_s: Annotated[Figure, Quantity("s", "from a start until a machine may stop", ge=0, le=14_400)] = Figure(
        value=1200, low=600, high=1800, source="prior: limit of about three starts an hour", confidence="estimate"
    )
    restart_s: Annotated[Figure, Quantity("s", "until a machine carries load after a loss of power", ge=0, le=7200)] = (
        Figure(value=540, low=180, high=900, source="physics sheet, section 7.2: 180-900 s", confidence="reported")
    )

    def columns(self) -> dict[Fac, float]:
        """What the plant knows of one machine."""
        return {
            Fac.CHILLER_UNIT: self.rated_kw.value * KW,
            Fac.ETA: self.eta.value,
            Fac.DELTA: self.delta_k.value,
            Fac.LIFT_MIN: self.minimum_lift_k.value,
            Fac.CONDENSER_MAX: self.condenser_max_c.value,
            Fac.START: self.start_s.value,
            Fac.MINIMUM_RUN: self.minimum_run_s.value,
            Fac.RESTART: self.restart_s.value,
        }


@kernel
def part_load_factor(plr: float) -> float:
    """EIR relative to full load at the part-load ratio; flat below 0.25, where machines cycle."""
    if plr <= 0.25:
        return 1.32
    if plr <= 0.5:
        return 1.32 + (plr - 0.25) * 4.0 * (0.964 - 1.32)
    if plr <= 0.75:
        return 0.964 + (plr - 0.5) * 4.0 * (0.941 - 0.964)
    return 0.941 + (plr - 0.75) * 4.0 * (1.0 - 0.941)


@kernel
def cop_full(t_chw_out: float, t_cw_out: float, eta: float, delta: float, lift_min: float) -> float:
    """Full-load COP; temperatures in degC."""
    t_e = t_chw_out - PINCH_K
    lift = max(lift_min, t_cw_out + PINCH_K - t_e)
    return eta * (t_e + KELVIN) / (lift + delta)
