"""Pumps by their curve, equal ones in parallel behind check valves, against a system: flow, speed, what the last give.

Equations (w speed per full speed; q flow of one pump, Q = m q of all that run, m3/s; heads in Pa)::

    pump     H(q) = H0 w^2 - a q^2,   a = (H0 - H_rated)/q_rated^2       (affinity: q ~ w, H ~ w^2, q H ~ w^3)
    system   H(Q) = H_s + k Q^2
    flow     Q = sqrt((H0 w^2 - H_s)/(a/m^2 + k));   0 where H0 w^2 <= H_s: the check valves stay shut
    speed    w = sqrt((H_s + k Q^2 + a (Q/m)^2)/H0)
    power    P = Q (H_s + k Q^2)/eta                                      eta from wire to water, of the CDU or loop

A pump that stands lets nothing flow back. Solved where a Plan is lowered and where something breaks; a step of the loop
knows only the share of the largest flow that the pumps with a drive can give. Valid for q >= 0 and 0 < w <= 1.
Source: physics sheet, section 2 (pumps); NVIDIA DA-12515 as quoted there asks for N+1 pumps and fail-over within 5 s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Frozen, Params, Quantity
from twin.core.units import KPA, LPM

# A pump that is a part in a thousand short of the largest flow is not short of it.
ENOUGH = 1e-3


class Pump(Params):
    """Parameters of one pump at full speed."""

    KIND: ClassVar[str] = "pump"
    FOLDER: ClassVar[str] = "pumps"

    rated_flow_lpm: Annotated[Figure, Quantity("L/min", "flow at the rated head", gt=0, le=2_000_000)]
    rated_head_kpa: Annotated[Figure, Quantity("kPa", "head at the rated flow", gt=0, le=5000)]
    shut_off_head_kpa: Annotated[Figure, Quantity("kPa", "head without any flow", gt=0, le=10_000)]
    fail_over_s: Annotated[Figure, Quantity("s", "until one that stood by carries its flow", ge=0, le=600)]

    @model_validator(mode="after")
    def _falls(self) -> Pump:
        if self.shut_off_head_kpa.value <= self.rated_head_kpa.value:
            raise PydanticCustomError(
                "curve", "shut_off_head_kpa must be above rated_head_kpa: a curve falls with flow"
            )
        return self

    def curve(self) -> Curve:
        """Its curve in Pa and m3/s."""
        head, rated = self.shut_off_head_kpa.value * KPA, self.rated_head_kpa.value * KPA
        return Curve(head, (head - rated) / (self.rated_flow_lpm.value * LPM) ** 2)


class Pumps(Frozen):
    """Equal pumps in parallel."""

    device: str = Field(description="library id of a pump")
    count: int = Field(ge=1, le=1000, description="pumps in parallel, those that stand by included")
    standby: int = Field(0, ge=0, le=999, description="of them, how many stand by until another fails")

    @model_validator(mode="after")
    def _one_runs(self) -> Pumps:
        if self.standby >= self.count:
            words = "{standby} of {count} pumps stand by: at least one has to run"
            raise PydanticCustomError("standby", words, {"standby": self.standby, "count": self.count})
        return self


@dataclass(frozen=True)
class Curve:
    """``H0 w^2 - a q^2`` of one pump: Pa, Pa s2/m6."""

    shut_off: float
    a: float


@dataclass(frozen=True)
class System:
    """``H_s + k Q^2``: what pumps work against; Pa, Pa s2/m6."""

    static: float
    k: float

    def head(self, flow: float) -> float:
        """Head at a flow, Pa."""
        return self.static + self.k * flow * flow


def system_of(flow: float, head: float, static_share: float) -> System:
    """The system that takes ``head`` Pa at ``flow`` m3/s, ``static_share`` of it at any flow."""
    return System(static_share * head, (1.0 - static_share) * head / (flow * flow))


def flow_of(curve: Curve, system: System, pumps: int, speed: float = 1.0) -> float:
    """Flow of ``pumps`` equal pumps that run at ``speed``, m3/s."""
    over = curve.shut_off * speed * speed - system.static
    if pumps < 1 or over <= 0.0:
        return 0.0
    return sqrt(over / (curve.a / pumps**2 + system.k))


def speed_of(curve: Curve, system: System, pumps: int, flow: float) -> float:
    """Speed at which ``pumps`` equal pumps move ``flow`` m3/s; above 1 where they cannot."""
    return sqrt((system.head(flow) + curve.a * (flow / pumps) ** 2) / curve.shut_off)


@dataclass(frozen=True)
class PumpBank:
    """Equal pumps of ``curve``, ``standby`` of ``count`` standing by, in a ``system`` of ``largest`` m3/s.

    A pump that fails is one that runs; ``fail_over_s`` later one that stood by has taken its place.
    """

    curve: Curve
    system: System
    largest: float
    count: int
    standby: int = 0
    fail_over_s: float = 0.0

    def running(self, lost: int = 0, waited: int | None = None) -> int:
        """Pumps that run after ``lost`` have failed, ``waited`` of them (None: all) at least the fail-over ago."""
        replaced = min(self.standby, lost if waited is None else waited)
        return max(0, self.count - self.standby - lost + replaced)

    def of_sets(self, left: int, sets: int) -> PumpBank:
        """The pumps of ``left`` of ``sets`` equal units, each with its own, against the same system."""
        return replace(
            self, largest=self.largest * left / sets, count=self.count * left // sets,
            standby=self.standby * left // sets,
        )  # fmt: skip

    def share(self, running: int) -> float:
        """What ``running`` pumps give at full speed per largest flow, 0..1."""
        part = flow_of(self.curve, self.system, running) / self.largest
        return 1.0 if part >= 1.0 - ENOUGH else part

    def after(self, share: float, before: int, left: int) -> float:
        """Flow per largest that ``left`` of ``before`` pumps give at the speed at which all gave ``share`` of it.

        The check valve of one that fails shuts once its head is below that of the others, within half a second.
        """
        if min(before, left) < 1 or share <= 0.0:
            return 0.0
        flow, a, k = share * self.largest, self.curve.a, self.system.k
        # Head at that speed above the static one: from the flow, for the difference of both loses digits.
        over = min(self.curve.shut_off - self.system.static, k * flow * flow + a * (flow / before) ** 2)
        return min(share, sqrt(max(0.0, over) / (a / left**2 + k)) / self.largest)


__all__ = ["Curve", "Pump", "PumpBank", "Pumps", "System", "flow_of", "speed_of", "system_of"]
