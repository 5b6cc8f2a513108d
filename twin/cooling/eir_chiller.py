"""Water-cooled chiller by a DOE-2 EIR set, inside the range of the set and beyond it.

Equations (T_e leaving chilled water, T_c entering condenser water, both degC; PLR load per available capacity)::

    Q_av = Q_r f1(T_e, T_c),   f1, f2 = c0 + c1 T_e + c2 T_e^2 + c3 T_c + c4 T_c^2 + c5 T_e T_c
    P    = Q_av/COP_r f2(T_e, T_c) f3(PLR),   f3 = c0 + c1 PLR + c2 PLR^2

Below ``unload_minimum`` f3 keeps its value there (hot-gas bypass), below ``load_minimum`` a machine cycles. Control of
the head pressure mixes the water that enters condensers up to ``condenser_mix_c``.

Beyond the range, with T* the nearest point inside, the lift fit of ``twin.cooling.chiller`` takes over, scaled to meet
the set at the edge::

    COP  = COP_set(T*) L(T)/L(T*),  L = T_e'/(T_c' - T_e' + delta) at the same rise of the condenser water
    Q_av = Q_set(T*) plus what f1 falls along its tangent at T*: never above the capacity at the edge

Hours beyond are counted (``plant_beyond_range_share``).
Source: EnergyPlus engineering reference, Chiller:Electric:EIR; physics sheet, section 4 and correction 9.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.cooling.chiller import Chiller, cop_full
from twin.core.columns import Fac
from twin.core.jit import kernel
from twin.core.params import Confidence, Figure, Frozen, Quantity, Share

COP, UNIT = int(Fac.COP), int(Fac.CHILLER_UNIT)
CAPACITY_T, EIR_T, EIR_LOAD = int(Fac.CAPACITY_T), int(Fac.EIR_T), int(Fac.EIR_LOAD)
CHILLED_LOW, CHILLED_HIGH = int(Fac.CHILLED_LOW), int(Fac.CHILLED_HIGH)
CONDENSER_LOW, CONDENSER_HIGH = int(Fac.CONDENSER_LOW), int(Fac.CONDENSER_HIGH)
CONDENSER_MIN = int(Fac.CONDENSER_MIN)
LOAD_MIN, UNLOAD_MIN = int(Fac.LOAD_MIN), int(Fac.UNLOAD_MIN)
ETA, DELTA, LIFT_MIN = int(Fac.ETA), int(Fac.DELTA), int(Fac.LIFT_MIN)


class Curve(Frozen):
    """Coefficients of a fitted curve, lowest power first, and where they come from."""

    coefficients: list[float] = Field(min_length=3, max_length=6, description="c0, c1 ... as in the equations")
    source: str = Field(min_length=3, description="where the coefficients come from")
    confidence: Confidence = Field(description="vendor, measured, reported or estimate")


class EirChiller(Chiller):
    """Parameters of one chiller with an EIR set; ``eta`` and ``delta_k`` serve beyond its range."""

    KIND: ClassVar[str] = "eir_chiller"

    rated_cop: Annotated[Figure, Quantity("1", "COP at the set's reference point", gt=1, le=20)]
    chilled_low_c: Annotated[Figure, Quantity("degC", "coldest chilled water of the set", ge=-10, le=30)]
    chilled_high_c: Annotated[Figure, Quantity("degC", "warmest chilled water of the set", ge=-10, le=40)]
    condenser_low_c: Annotated[Figure, Quantity("degC", "coldest entering condenser water of the set", ge=0, le=40)]
    condenser_high_c: Annotated[Figure, Quantity("degC", "warmest entering condenser water of the set", ge=10, le=60)]
    condenser_mix_c: Annotated[Figure, Quantity("degC", "no colder water enters a condenser", ge=0, le=40)]
    load_minimum: Annotated[Share, Quantity("1", "part load below which a machine cycles", gt=0, le=1)]
    unload_minimum: Annotated[Share, Quantity("1", "part load below which power no longer falls", gt=0, le=1)]
    capacity_by_temperature: Curve = Field(description="f1, six coefficients")
    eir_by_temperature: Curve = Field(description="f2, six coefficients")
    eir_by_load: Curve = Field(description="f3, three coefficients")

    @model_validator(mode="after")
    def _fits(self) -> EirChiller:
        for name, count in (("capacity_by_temperature", 6), ("eir_by_temperature", 6), ("eir_by_load", 3)):
            found = len(getattr(self, name).coefficients)
            if found != count:
                words = "{name} has {found} coefficients, expected {count}"
                raise PydanticCustomError("curve", words, {"name": name, "found": found, "count": count})
        chilled = (self.chilled_low_c.value, self.chilled_high_c.value)
        condenser = (self.condenser_low_c.value, self.condenser_high_c.value)
        if not (chilled[0] < chilled[1] and condenser[0] < condenser[1]):
            raise PydanticCustomError("range", "a range of the set is empty: low must be below high")
        for curve in (self.capacity_by_temperature, self.eir_by_temperature):
            c0, c1, c2, c3, c4, c5 = curve.coefficients
            powers = np.array([[c0, c3, c4], [c1, c5, 0.0], [c2, 0.0, 0.0]])
            if np.polynomial.polynomial.polygrid2d(chilled, condenser, powers).min() <= 0.0:
                raise PydanticCustomError("curve", "a curve of temperature is not above 0 at an edge of its range")
        return self

    def columns(self) -> dict[Fac, float]:
        """What the plant knows of one machine."""
        runs = (
            (CAPACITY_T, self.capacity_by_temperature),
            (EIR_T, self.eir_by_temperature),
            (EIR_LOAD, self.eir_by_load),
        )
        curves = {Fac(first + i): c for first, curve in runs for i, c in enumerate(curve.coefficients)}
        return (
            super().columns()
            | {
                Fac.EIR: 1.0,
                Fac.COP: self.rated_cop.value,
                Fac.CHILLED_LOW: self.chilled_low_c.value,
                Fac.CHILLED_HIGH: self.chilled_high_c.value,
                Fac.CONDENSER_LOW: self.condenser_low_c.value,
                Fac.CONDENSER_HIGH: self.condenser_high_c.value,
                Fac.CONDENSER_MIN: self.condenser_mix_c.value,
                Fac.LOAD_MIN: self.load_minimum.value,
                Fac.UNLOAD_MIN: self.unload_minimum.value,
            }
            | curves
        )


@kernel
def biquadratic(c: np.ndarray, first: int, x: float, y: float) -> float:
    """``c0 + c1 x + c2 x^2 + c3 y + c4 y^2 + c5 x y`` with the coefficients from ``c[first]`` on."""
    return c[first] + x * (c[first + 1] + c[first + 2] * x + c[first + 5] * y) + y * (c[first + 3] + c[first + 4] * y)


@kernel
def eir_at(fac: np.ndarray, t_e: float, t_c: float, rise: float) -> tuple[float, float, float]:
    """Capacity of a machine (W), its full-load COP, and 1 beyond the range of the set (else 0).

    ``t_e`` leaving chilled and ``t_c`` entering condenser water, degC; ``rise`` of the condenser water, K.
    """
    c = max(t_c, fac[CONDENSER_MIN])
    e_in = min(fac[CHILLED_HIGH], max(fac[CHILLED_LOW], t_e))
    c_in = min(fac[CONDENSER_HIGH], max(fac[CONDENSER_LOW], c))
    capacity = biquadratic(fac, CAPACITY_T, e_in, c_in)
    cop = fac[COP] / biquadratic(fac, EIR_T, e_in, c_in)
    if e_in == t_e and c_in == c:
        return fac[UNIT] * capacity, cop, 0.0
    by_e = fac[CAPACITY_T + 1] + 2.0 * fac[CAPACITY_T + 2] * e_in + fac[CAPACITY_T + 5] * c_in
    by_c = fac[CAPACITY_T + 3] + 2.0 * fac[CAPACITY_T + 4] * c_in + fac[CAPACITY_T + 5] * e_in
    capacity += min(0.0, by_e * (t_e - e_in)) + min(0.0, by_c * (c - c_in))
    here = cop_full(t_e, c + rise, fac[ETA], fac[DELTA], fac[LIFT_MIN])
    edge = cop_full(e_in, c_in + rise, fac[ETA], fac[DELTA], fac[LIFT_MIN])
    return fac[UNIT] * max(0.0, capacity), cop * here / edge, 1.0


@kernel
def eir_most(fac: np.ndarray, t_e: float, t_c: float) -> float:
    """The largest capacity (W) of a machine with condenser water of ``t_c``: it can be mixed up, never down.

    Some sets give more with warmer water; a machine short of capacity is then run there.
    """
    most = eir_at(fac, t_e, t_c, 0.0)[0]
    e = min(fac[CHILLED_HIGH], max(fac[CHILLED_LOW], t_e))
    if fac[CAPACITY_T + 4] < 0.0:
        peak = -0.5 * (fac[CAPACITY_T + 3] + fac[CAPACITY_T + 5] * e) / fac[CAPACITY_T + 4]
        most = max(most, eir_at(fac, t_e, max(t_c, min(peak, fac[CONDENSER_HIGH])), 0.0)[0])
    return max(most, eir_at(fac, t_e, max(t_c, fac[CONDENSER_HIGH]), 0.0)[0])


@kernel
def eir_load_factor(fac: np.ndarray, plr: float) -> float:
    """Power per heat relative to full load at a part-load ratio above 0."""
    x = max(plr, fac[UNLOAD_MIN], fac[LOAD_MIN])
    on = min(1.0, plr / fac[LOAD_MIN])
    return (fac[EIR_LOAD] + x * (fac[EIR_LOAD + 1] + fac[EIR_LOAD + 2] * x)) * on / plr
