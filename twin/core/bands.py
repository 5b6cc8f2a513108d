"""Samples of what nobody has published: every figure with a band, drawn between its ends.

Equation (u uniform in 0..1, one per figure; the same u for the same key gives common random numbers)::

    value = low + u (high - low)          a missing end is the value itself

A sample is an entry of the same kind whose sampled figures have no band any more: sampling it again changes nothing.
A band that is not symmetric about the value has another middle: the central run is that of the entry, not u = 1/2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.core.params import Figure, Params

P = TypeVar("P", bound=Params)


def banded(params: Params) -> tuple[str, ...]:
    """Keys of the figures with a band, in the order of the fields: what a sample has to choose."""
    return tuple(key for key, figure in params.figures().items() if _ends(figure)[0] < _ends(figure)[1])


def sampled(params: P, u: Mapping[str, float] | Sequence[float] | NDArray[np.float64]) -> P:
    """``params`` with every banded figure at its place ``u`` in the band.

    ``u`` is by key (a key that is not named stays at its value) or in the order of :func:`banded`, each 0..1.
    Raises ``ValueError`` for a key without a band, a wrong count, a number outside 0..1, or a sample that breaks a
    rule of the kind (bands that overlap where they must not), unless the kind says which figure gives way
    (:meth:`Params.reconciled`).
    """
    keys = banded(params)
    if isinstance(u, Mapping):
        places = dict(u)
    elif len(u) == len(keys):
        places = dict(zip(keys, map(float, u), strict=True))
    else:
        raise ValueError(f"{len(u)} places for {len(keys)} figures with a band: {', '.join(keys)}")
    if unknown := sorted(set(places) - set(keys)):
        raise ValueError(f"no band: {', '.join(unknown)}; figures with a band: {', '.join(keys)}")
    if wrong := [key for key, place in places.items() if not 0.0 <= place <= 1.0]:
        raise ValueError(f"outside 0..1: {', '.join(wrong)}")
    figures = params.figures()
    given = {key: figure.value for key, figure in figures.items()}
    numbers = type(params).reconciled(given | {key: _at(figures[key], place) for key, place in places.items()})
    # What is drawn, or gives way to what is drawn, has no band any more.
    changed = {k: figures[k] for k, number in numbers.items() if k in places or number != given[k]}
    return type(params).model_validate({**dict(params), **{k: _plain(f, numbers[k]) for k, f in changed.items()}})


def _ends(figure: Figure) -> tuple[float, float]:
    """Low and high end of the band."""
    return (
        figure.value if figure.low is None else figure.low,
        figure.value if figure.high is None else figure.high,
    )


def _at(figure: Figure, place: float) -> float:
    """The number at a place of a band."""
    low, high = _ends(figure)
    return min(low + place * (high - low), high)  # a rounding may pass the end


def _plain(figure: Figure, value: float) -> Figure:
    """The figure with another number and no band."""
    return Figure(value=value, low=None, high=None, source=figure.source, confidence=figure.confidence)


__all__ = ["banded", "sampled"]
