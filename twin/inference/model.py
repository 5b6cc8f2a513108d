"""A language or image model: what serving time and memory follow from.

Equations (A active, P all parameters; 2 FLOP per parameter and token)::

    flop per token = 2 A;   KV bytes of a sequence = kv_bytes_token * tokens (+ kv_bytes_sequence once)

Range: any transformer; an image model has no KV cache, its tokens are latent patches and its steps are repeated passes.
Source: J. Kaplan et al., arXiv 2001.08361 (2 FLOP per parameter); shapes from the configuration file of each model.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from twin.core.params import Figure, Params, Quantity


class Model(Params):
    """Parameters of a model."""

    KIND: ClassVar[str] = "model"
    FOLDER: ClassVar[str] = "models"

    parameters_b: Annotated[Figure, Quantity("1e9", "parameters", gt=0, le=100_000)]
    active_parameters_b: Annotated[Figure, Quantity("1e9", "parameters used per token", gt=0, le=100_000)]
    layers: int = Field(ge=1, le=1000, description="transformer layers")
    hidden: int = Field(ge=1, le=1_000_000, description="width of the residual stream")
    weight_gb: Annotated[Figure, Quantity("GB", "weights in memory (1e9 bytes)", gt=0, le=100_000)]
    kv_bytes_token: Annotated[Figure, Quantity("B", "KV cache per token", ge=0, le=1e8)]
    kv_bytes_sequence: Annotated[Figure | None, Quantity("B", "KV cache per sequence (windowed layers)", ge=0)] = None


__all__ = ["Model"]
