"""Does a model fit its hardware, and how many sequences does the rest of the memory hold?

Equations (M memory of a replica, W weights as served, kappa KV bytes per token)::

    there = 0.95 M,   kv_tokens <= (there - W)/kappa,   N = kv_tokens/(L_in + L_out/2 + windowed share)

5 % of the memory is kept for activations and buffers. Range: any.
Source: facts of this project on SRAM and HBM (``sites/library/serving``), windowed layers: gpt-oss model card, 2025.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.inference.model import Model
from twin.inference.serving import Serving

RESERVE = 0.05
GB = 1e9


@dataclass(frozen=True)
class Fit:
    """Bytes that a replica needs and has; ``kv_tokens``: what the rest could hold, 0 where the weights do not fit."""

    weights: float
    cache: float
    there: float
    kv_tokens: float

    @property
    def short(self) -> float:
        """Bytes that are missing; 0 where it fits."""
        return max(0.0, self.weights + self.cache - self.there)


def weight_bytes(model: Model, serving: Serving) -> float:
    """Weights as they are served."""
    return GB * (model.weight_gb if serving.weight_gb is None else serving.weight_gb).value


def kv_bytes_token(model: Model, serving: Serving) -> float:
    """KV bytes per token as they are served."""
    return (model.kv_bytes_token if serving.kv_bytes_token is None else serving.kv_bytes_token).value


def fit(model: Model, serving: Serving) -> Fit | None:
    """What a replica needs and has; None where the entry does not say how much memory it has."""
    if serving.memory_gb is None:
        return None
    weights, per_token = weight_bytes(model, serving), kv_bytes_token(model, serving)
    there = (1.0 - RESERVE) * GB * serving.memory_gb.value
    room = max(0.0, there - weights)
    return Fit(weights, serving.kv_tokens.value * per_token, there, room / per_token if per_token > 0.0 else 0.0)


def too_small(name: str, model: Model, serving: Serving) -> str | None:
    """The sentence for an entry that its hardware cannot hold: by how much, and what would fit; None where it fits."""
    found = fit(model, serving)
    # Figures of entries are rounded to three or four digits.
    if found is None or found.short <= 0.002 * found.there:
        return None
    need = f"{(found.weights + found.cache) / GB:.1f} GB ({found.weights / GB:.1f} of weights)"
    text = f'"{name}" needs {need}, a replica has {found.there / GB:.1f} GB: {found.short / GB:.1f} GB short'
    if found.weights >= found.there:
        return f"{text}; the weights alone do not fit"
    return f"{text}; kv_tokens could be {found.kv_tokens:.0f}"


def sequences(kv_tokens: float, prompt: float, output: float, per_sequence: float = 0.0) -> float:
    """Sequences that ``kv_tokens`` hold on average, each ``L_in + L_out/2`` (and ``per_sequence`` tokens' worth)."""
    return kv_tokens / max(prompt + 0.5 * output + per_sequence, 1.0)


__all__ = ["RESERVE", "Fit", "fit", "kv_bytes_token", "sequences", "too_small", "weight_bytes"]
