"""Containment of an air-cooled hall: how much exhaust comes back into rack inlets, and how much supply air misses them.

Equations (zones i in a row, each with the same shares; ``a_ij`` of the exhaust of i enters the inlets of j)::

    a_ii = s_own,   a_i,i-1 = a_i,i+1 = s_next / 2    (at the end of the row the other half returns)
    b    = share of the air handlers' air that passes no rack, and comes back to them as cold as it went out

With all three at 0 the aisles are sealed: every rack draws the supply air. Inlets follow from ``a`` by the D-matrix.
Source: definition of the cross-interference matrix (Tang, Gupta, Varsamopoulos, doi:10.1109/TPDS.2008.111); two
shares in place of n^2 are ours, for nobody publishes the matrix of a room, and their values are priors.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Params, Quantity, Share

# As ``recirculation`` of a hall: more of it in the inlets leaves no air for the coils, nor digits for its balance.
MOST_SHARED = 0.95


class Containment(Params):
    """Parameters of a kind of containment."""

    KIND: ClassVar[str] = "containment"
    FOLDER: ClassVar[str] = "containments"

    own_share: Annotated[Share, Quantity("1", "share of a zone's exhaust that enters its own inlets", ge=0, lt=1)]
    neighbour_share: Annotated[
        Share, Quantity("1", "share of a zone's exhaust that enters the two zones beside it, half each", ge=0, lt=1)
    ]
    bypass_share: Annotated[Share, Quantity("1", "share of the handlers' air that passes no rack", ge=0, le=0.9)]

    @model_validator(mode="after")
    def _some_returns(self) -> Containment:
        if self.own_share.value + self.neighbour_share.value > MOST_SHARED:
            words = "own_share + neighbour_share is above {most}: air must return to the air handlers"
            raise PydanticCustomError("shares", words, {"most": MOST_SHARED})
        return self

    def interference(self, zones: int) -> NDArray[np.float64]:
        """The cross-interference matrix ``a`` (zones, zones) of zones in a row."""
        half = np.full(zones - 1, 0.5 * self.neighbour_share.value)
        made: NDArray[np.float64] = np.diag(np.full(zones, self.own_share.value)) + np.diag(half, 1) + np.diag(half, -1)
        return made
