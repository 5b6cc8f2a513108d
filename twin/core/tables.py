"""Sourced curves and distributions: what a :class:`~twin.core.params.Figure` is to one number."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Confidence, Frozen

Floats = NDArray[np.float64]


class Table(Frozen):
    """Values over an ascending axis (units of both stand with the key), linear between, held beyond the ends."""

    at: list[float] = Field(min_length=2, description="axis, ascending")
    values: list[float] = Field(min_length=2, description="a value for each point of the axis")
    source: str = Field(min_length=3, description="where the values come from")
    confidence: Confidence = Field(description="vendor, measured, reported (by others) or estimate (our prior)")

    @model_validator(mode="after")
    def _fits(self) -> Table:
        if len(self.at) != len(self.values):
            raise PydanticCustomError("table", "at and values must have the same length")
        if any(b <= a for a, b in pairwise(self.at)):
            raise PydanticCustomError("table", "at must ascend")
        return self

    def sample(self, x: Floats) -> Floats:
        """Values at ``x`` (n)."""
        return np.interp(x, self.at, self.values)


class Quantiles(Frozen):
    """A distribution as values at the probabilities (i + 1/2)/n: equal weights, so a mean is a plain mean."""

    values: list[float] = Field(min_length=1, max_length=64, description="not descending")
    source: str = Field(min_length=3, description="where the values come from")
    confidence: Confidence = Field(description="vendor, measured, reported (by others) or estimate (our prior)")

    @model_validator(mode="after")
    def _ordered(self) -> Quantiles:
        if any(b < a for a, b in pairwise(self.values)):
            raise PydanticCustomError("quantiles", "values must not descend")
        return self

    def mean(self) -> float:
        """Mean of the distribution."""
        return float(np.mean(self.values))


__all__ = ["Quantiles", "Table"]
