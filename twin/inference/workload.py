"""A workload class: how long its requests are, how they come, what they are promised.

Equations (sub-requests/s L, prefix hits h, plain means E of the grids)::

    prefill tokens/s = L (1 - h) E[input];  decode tokens/s = L E[output];  L = turns * tasks/s

Source: prefix hits: Qin et al., Mooncake, FAST 2025; arrivals of a Fano factor: ``twin.forcing.bursts``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Params, Quantity, Share
from twin.core.tables import Quantiles


class Workload(Params):
    """Parameters of a workload class. Token counts are per sub-request; a task makes ``turns`` of them.

    Its context grows from one to the next: the grids hold all of them together.
    """

    KIND: ClassVar[str] = "workload"
    FOLDER: ClassVar[str] = "workloads"

    input_tokens: Quantiles = Field(description="prompt tokens of a sub-request, prefix hits included")
    output_tokens: Quantiles = Field(description="generated tokens of a sub-request")
    prefix_hit_share: Annotated[Share, Quantity("1", "share of prompt tokens found in a prefix cache", ge=0, le=1)]
    fano: Annotated[Figure, Quantity("1", "variance per mean of arrivals counted in 1 s", ge=0, le=1000)]
    turns: Annotated[Figure, Quantity("1", "sub-requests per task (agents)", ge=1, le=1000)]
    ttft_slo_s: Annotated[Figure, Quantity("s", "promised time to first token", gt=0, le=1e6)]
    tpot_slo_s: Annotated[Figure, Quantity("s", "promised time per output token", gt=0, le=1000)]
    slo_percentile: float = Field(0.9, gt=0, lt=1, description="share of requests that the promises are made for")
    priority: int = Field(ge=0, le=9, description="0 first")
    may_shed: bool = Field(description="requests may be refused when power or capacity is short")
    may_defer_h: float = Field(0.0, ge=0, le=168, description="hours that requests may wait; 0: not deferrable")

    @model_validator(mode="after")
    def _tokens(self) -> Workload:
        if min(self.input_tokens.values) < 0 or min(self.output_tokens.values) < 0:
            raise PydanticCustomError("tokens", "token counts must not be negative")
        return self


__all__ = ["Workload"]
