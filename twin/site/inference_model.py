"""The part of a site file that says what its racks serve: demand by class, services, routing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Frozen, Quantity
from twin.site.dates import Date

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
# In proportion to the meant mix and to what each service can take under its cap; or one after the other.
Policy = Literal["proportional", "latency", "energy", "cost", "weights"]


class Demand(Frozen):
    """Requests of one workload class over time: a shape and how high it goes, or a recording."""

    workload: str = Field(description="library id of a workload")
    shape: str = Field("flat", description="name of a shipped shape, the path of a weekly shape (CSV), or `flat`")
    trace: str | None = Field(None, description="path of recorded requests, or of a rate curve, in any known format")
    starts: Date | None = Field(
        None, description="local day on which the recording begins; default: when the first hall is energised"
    )
    scale: Annotated[float | None, Quantity("1", "factor on the rate of the recording", gt=0, le=1e6)] = None
    repeat: bool = Field(False, description="the recording goes on from its beginning, before it and after it")
    mean_per_s: Annotated[float | None, Quantity("1/s", "mean rate of requests in the first year", gt=0, le=1e9)] = None
    tasks_per_s: Annotated[
        float | None, Quantity("1/s", "mean rate of tasks in the first year, each of `turns` requests", gt=0, le=1e9)
    ] = None
    fill: Annotated[
        float | None, Quantity("1", "peak rate per capacity of what is energised and meant for it", gt=0, le=2)
    ] = None
    bursts: bool = Field(
        False, description="arrivals are drawn as counts of the workload's Fano factor; else they are the mean rate"
    )
    doubling_years: Annotated[float | None, Quantity("a", "time in which the rate doubles", gt=0, le=100)] = None

    @model_validator(mode="after")
    def _scaled(self) -> Demand:
        given = self.model_fields_set
        if self.trace is not None:
            other = [key for key in ("shape", "fill", "bursts", "doubling_years") if key in given]
            if other:
                raise PydanticCustomError("demand", f"a trace does not go with {', '.join(other)}")
            if sum(value is not None for value in (self.scale, self.mean_per_s, self.tasks_per_s)) > 1:
                raise PydanticCustomError("demand", "expected one of scale, mean_per_s and tasks_per_s beside a trace")
            return self
        lone = [key for key in ("starts", "scale", "repeat") if key in given]
        if lone:
            raise PydanticCustomError("demand", f"{', '.join(lone)} needs a trace")
        if sum(value is not None for value in (self.mean_per_s, self.tasks_per_s, self.fill)) != 1:
            raise PydanticCustomError("demand", "expected one of mean_per_s, tasks_per_s and fill, or a trace")
        if self.fill is not None and self.bursts:
            raise PydanticCustomError("demand", "bursts are counts of requests: they need mean_per_s or tasks_per_s")
        if self.fill is not None and self.doubling_years is not None:
            raise PydanticCustomError("demand", "fill follows what is energised: it does not go with doubling_years")
        return self


class Systems(Frozen):
    """The systems of a pool: those racks of the named halls that the serving configuration runs on."""

    serving: str = Field(description="library id of a serving configuration")
    templates: list[str] = Field(default_factory=list, description="all halls of these templates")
    halls: list[str] = Field(default_factory=list, description="halls as building/hall")
    cost_usd_h: Annotated[
        float | None, Quantity("$/h", "what an hour of one system costs you, for the policy `cost`", gt=0, le=1e6)
    ] = None

    @model_validator(mode="after")
    def _some(self) -> Systems:
        if not self.templates and not self.halls:
            raise PydanticCustomError("systems", "expected templates or halls")
        return self


class Service(Frozen):
    """Systems that answer requests: prompts and tokens on the same ones, or prefill and decode apart."""

    serve: Systems | None = Field(None, description="prompts and tokens on the same systems")
    prefill: Systems | None = Field(None, description="systems that compute prompts only")
    decode: Systems | None = Field(None, description="systems that make tokens only")
    mix: dict[Id, Annotated[float, Quantity("1", "share of the requests as it is meant", gt=0, le=1)]] = Field(
        min_length=1, description="classes that the service is meant for"
    )
    weight: Annotated[
        float | None,
        Quantity("1", "its part of the requests of each of its classes, for the policy `weights`", gt=0, le=1e6),
    ] = None

    @model_validator(mode="after")
    def _layout(self) -> Service:
        both = self.prefill is not None and self.decode is not None
        neither = self.prefill is None and self.decode is None
        if not (neither if self.serve is not None else both):
            raise PydanticCustomError("layout", "expected either serve, or prefill and decode")
        return self

    def pools(self, id: str) -> dict[str, Systems]:
        """The pools of a service by name, the one that computes prompts first."""
        if self.serve is not None:
            return {id: self.serve}
        assert self.prefill is not None
        assert self.decode is not None
        return {f"{id}/prefill": self.prefill, f"{id}/decode": self.decode}


class Inference(Frozen):
    """Demand, services, and how requests find them."""

    policy: Policy = Field("proportional", description="order in which services are filled")
    demand: dict[Id, Demand] = Field(min_length=1, description="workload classes")
    services: dict[Id, Service] = Field(min_length=1)

    @model_validator(mode="after")
    def _costs(self) -> Inference:
        parts = [systems for id, service in self.services.items() for systems in service.pools(id).values()]
        if self.policy == "cost" and any(systems.cost_usd_h is None for systems in parts):
            raise PydanticCustomError("cost", "the policy cost needs cost_usd_h of the systems of every service")
        if self.policy == "weights" and any(service.weight is None for service in self.services.values()):
            raise PydanticCustomError("weights", "the policy weights needs the weight of every service")
        return self


__all__ = ["Demand", "Inference", "Policy", "Service", "Systems"]
