"""A serving configuration: a model on a layout of systems, for one phase of a request or for both.

A *replica* is the least set of systems that holds the model and serves requests by itself. Tables are measured where
they are; where nothing is measured, ``twin.inference.roofline`` makes them, and the source says so.

Equations: both tables are linear between their points and held beyond the ends, and divided by their speed::

    T_p(L) = prefill_s(L)/prefill_speed,   tau(B) = decode_step_s(B)/decode_speed

A speed is 1 with a band: how far the whole table may be off, where it is no measurement of this configuration. Ask
:meth:`Serving.prefill_time` and :meth:`Serving.step_time`, not the tables. ``twin.inference.decoding`` says how a step
slows down while prompts are computed, ``twin.inference.memory`` what fits.
Source: each entry names its own; the form: P. Patel et al., Splitwise, ISCA 2024.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Params, Quantity
from twin.core.tables import Table

Floats = NDArray[np.float64]
Phase = Literal["colocated", "prefill", "decode"]
Batching = Literal["alone", "added", "mixed"]


class Serving(Params):
    """Parameters of a serving configuration."""

    KIND: ClassVar[str] = "serving"
    FOLDER: ClassVar[str] = "serving"

    model: str = Field(description="library id of a model")
    racks: list[str] = Field(min_length=1, description="library ids of the racks whose systems it may run on")
    systems_per_replica: float = Field(
        gt=0, le=10_000, description="systems of a rack in one replica (below 1: shared)"
    )
    phase: Phase = Field(description="colocated: prompt and tokens; prefill or decode: one of the two")
    prefill_s: Table | None = Field(None, description="prefill time in s over prompt tokens, one prompt at a time")
    decode_step_s: Table | None = Field(None, description="time of a decode step in s over the batch of a replica")
    prefill_speed: Annotated[Figure | None, Quantity("1", "factor on the speed of prefill_s", ge=0.01, le=100)] = None
    decode_speed: Annotated[Figure | None, Quantity("1", "factor on the speed of decode_step_s", ge=0.01, le=100)] = (
        None
    )
    kv_tokens: Annotated[Figure, Quantity("1", "KV tokens that a replica holds beside the weights", gt=0, le=1e12)]
    max_batch: Annotated[Figure, Quantity("1", "sequences that a replica decodes at once", ge=1, le=1e6)]
    memory_gb: Annotated[Figure | None, Quantity("GB", "memory of a replica (1e9 bytes)", gt=0, le=1e6)] = None
    weight_gb: Annotated[Figure | None, Quantity("GB", "weights as served, if not as the model's", gt=0, le=1e5)] = None
    kv_bytes_token: Annotated[
        Figure | None, Quantity("B", "KV cache per token as served, if not as the model's", ge=0, le=1e8)
    ] = None
    batching: Batching = Field(
        "alone",
        description="a step with a prompt makes no tokens (alone), makes them after it (added), or with it (mixed)",
    )
    chunk_tokens: int = Field(8192, ge=1, le=10_000_000, description="prompt tokens that one step takes (added)")
    link_gb_s: Annotated[Figure | None, Quantity("GB/s", "KV transfer into or out of a replica", gt=0, le=1e6)] = None
    draw: str = Field(description="library id of a draw: power of the systems while they serve")
    speculative: bool = Field(False, description="speculative decoding is part of the figures")
    measured_on: str = Field("", description="date of the figures, YYYY-MM")

    @model_validator(mode="after")
    def _phases(self) -> Serving:
        if self.phase != "decode" and self.prefill_s is None:
            raise PydanticCustomError("phase", "a configuration that takes prompts needs prefill_s")
        if self.phase != "prefill" and self.decode_step_s is None:
            raise PydanticCustomError("phase", "a configuration that makes tokens needs decode_step_s")
        for speed, table in (("prefill_speed", "prefill_s"), ("decode_speed", "decode_step_s")):
            if getattr(self, speed) is not None and getattr(self, table) is None:
                raise PydanticCustomError("speed", f"{speed} needs {table}")
        return self

    def prefill_time(self, tokens: Floats) -> Floats:
        """Time in s of prompts of ``tokens`` (n), held beyond the ends of the table; 0 without one."""
        if self.prefill_s is None:
            return np.zeros(len(tokens))
        return self.prefill_s.sample(tokens) / factor(self.prefill_speed)

    def step_time(self, batch: Floats) -> Floats:
        """Time in s of a decode step at ``batch`` (n) sequences, held beyond the ends of the table; 0 without one."""
        if self.decode_step_s is None:
            return np.zeros(len(batch))
        return self.decode_step_s.sample(batch) / factor(self.decode_speed)

    def steps(self) -> tuple[Floats, Floats]:
        """Points of the step times: batches, and times in s; one of 0 without a table."""
        if self.decode_step_s is None:
            return np.zeros(1), np.zeros(1)
        at = np.array(self.decode_step_s.at)
        return at, self.step_time(at)


def factor(speed: Figure | None) -> float:
    """The value of a speed; 1 where none is stated."""
    return 1.0 if speed is None else speed.value


__all__ = ["Batching", "Phase", "Serving", "factor"]
