"""Heat rejection to the outdoors: what a tower and a dry cooler share, and how the plant calls either.

A *rejection kind* is a file of this room with a ``Params`` that derives from :class:`Rejection` and one kernel::

    reject(row, fan, wet, water, t_in, t_db, t_wb, p) -> (k, t_ref, evaporation)

    row          this kind's coefficients for the whole bank (``ROW`` of them, made by ``rejection_row``)
    fan          air-flow fraction of the bank, 0..1
    wet          1: pads ahead of the coils are wetted, 0: dry; a kind without pads ignores it
    water        capacity rate of the water through the bank, W/K
    t_in         water entering, degC;  t_db, t_wb outdoor dry and wet bulb, degC;  p pressure, Pa
    k, t_ref     heat rejected is ``k (t_in - t_ref)``: W/K and degC
    evaporation  water evaporated, kg per J rejected; blowdown and drift are added by the plant

The bank's fan power is ``fan_w`` times the fan curve and goes outdoors. Kinds are found by the registry's walk and
bound into one compiled function by ``twin.core.dispatch``: nothing here names them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, ClassVar

from twin.core.columns import WITHOUT, Fac
from twin.core.dispatch import bind
from twin.core.params import Figure, Params, Quantity, Share
from twin.core.registry import kinds

ROW = 12


class Rejection(Params, ABC):
    """What every heat-rejection unit states."""

    FOLDER: ClassVar[str] = "plants"
    WET: ClassVar[bool]
    """Whether the water itself meets the air: the bank works toward the wet bulb."""

    rated_kw: Annotated[Figure, Quantity("kW", "heat rejected at the design point", gt=0, le=100_000)]
    fan_kw: Annotated[Figure, Quantity("kW", "fan power at full air flow", ge=0, le=5000)]
    minimum_fan: Annotated[Share, Quantity("1", "lowest fan speed before fans cycle", ge=0, le=1)]

    def columns(self, count: int) -> dict[Fac, float]:
        """What the plant knows of ``count`` units besides their row: frost, pads, water. Here: none of these."""
        return {Fac.LOWEST_LEAVING: -WITHOUT, Fac.PAD_TRIGGER: WITHOUT, Fac.PAD_FROST: WITHOUT}

    @abstractmethod
    def design_water_w_k(self) -> float:
        """Design capacity rate of the water through one unit, W/K."""

    @abstractmethod
    def design_leaving_c(self) -> float:
        """Water leaving at the design point, degC."""

    @abstractmethod
    def rejection_row(self, count: int) -> list[float]:
        """``ROW`` coefficients of ``count`` equal units in parallel."""


def rejection_kinds() -> dict[str, type[Rejection]]:
    """The registered heat-rejection kinds by name, in the order of their codes."""
    return {name: kind for name, kind in kinds().items() if issubclass(kind, Rejection)}


def bound_reject() -> Callable[..., tuple[float, float, float]]:
    """The kernels of all rejection kinds as one: ``reject(kind, row, fan, wet, water, t_in, t_db, t_wb, p)``."""
    modules = [kind.__module__ for kind in rejection_kinds().values()]
    return bind("reject_any", modules, "reject", "row, fan, wet, water, t_in, t_db, t_wb, p")
