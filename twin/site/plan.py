"""The Plan: a site as NumPy columns. Everything the kernels read, and the labels that people read, apart.

Order: racks of a group are contiguous, groups of a hall are contiguous, secondary loops of a hall are contiguous (CDUs
first, the hall's air last), hall elements of a hall are contiguous from the racks upward, campus elements follow,
children before parents. Offsets are CSR: ``ptr[i] .. ptr[i + 1]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.site.lower_fleet import FleetPlan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


# What the names of curves begin with that follow a pool: ``pool:<pool>|<rack>``.
POOL = "pool:"


class Arrays(NamedTuple):
    """Numeric columns (see ``twin.core.columns``), passed as one argument to the kernels."""

    group: Floats  # (group, Group)
    group_rack: Ints  # (group + 1) first rack
    group_liquid: Ints  # (group) secondary loop of the coolant, -1 none
    group_air: Ints  # (group) secondary loop of the air
    group_curve: Ints  # (group) column of the utilisation curves
    hall_group: Ints  # (hall + 1) first group
    hall_sec: Ints  # (hall + 1) first secondary loop
    hall_element: Ints  # (hall + 1) first hall element
    hall_mechanical: Ints  # (hall) element where pumps and fans join
    sec: Floats  # (sec, Sec)
    sec_fac: Ints  # (sec) facility loop
    sec_hall: Ints  # (sec)
    zones: Floats  # matrices of halls with zones, flat, row by row (``twin.engine.zones``)
    fac: Floats  # (fac, Fac)
    rejection: Floats  # (fac, ROW)
    element: Floats  # (element, Elm)
    element_sink: Ints  # (element) Sink
    feed_ptr: Ints  # (element + 1) feeds of an element
    feed: Ints  # parent element, -1 the grid
    feed_share: Floats
    port: Ints  # (hall + fac) campus element that feeds a hall's top or a plant
    island_ptr: Ints  # (island + 1) halls of an island in ``island_hall``
    island_hall: Ints
    island_fac_ptr: Ints
    island_fac: Ints


@dataclass(frozen=True)
class Labels:
    """Names of everything, in the order of the columns."""

    hall: list[str]
    hall_building: list[str]
    hall_kind: list[str]
    hall_class: list[str]  # ASHRAE air class, empty where none is named
    group_kind: list[str]
    group_zone: list[str]  # empty where the hall has no zones
    rack_row: list[str]
    cdu: list[str]
    cdu_sec: list[int]
    sec: list[str]
    loop: list[str]
    element: list[str]
    curve: list[str]


@dataclass(frozen=True)
class Plan:
    """A site ready to run."""

    name: str
    digest: str
    arrays: Arrays
    labels: Labels
    hall_start_s: Ints  # (hall) energisation, s since 1970 UTC
    tranche_start_s: Ints
    tranche_w: Floats
    utc_offset_s: int
    power_factor: float
    fleet: FleetPlan | None = None

    @property
    def racks(self) -> int:
        """Number of racks."""
        return int(self.arrays.group_rack[-1])

    @property
    def air_sec(self) -> Ints:
        """The air loop of each hall (the last secondary loop of the hall)."""
        return self.arrays.hall_sec[1:] - 1

    @property
    def hall_elements(self) -> int:
        """Number of elements inside halls; campus elements follow them."""
        return int(self.arrays.hall_element[-1])


def rack_names(plan: Plan) -> list[str]:
    """Names of the racks as in ``twin trace``: building/hall/row/place."""
    a, labels = plan.arrays, plan.labels
    hall = np.searchsorted(a.group_rack[a.hall_group], np.arange(plan.racks), side="right") - 1
    places: dict[tuple[int, str], int] = {}
    names = []
    for h, row in zip(hall, labels.rack_row, strict=True):
        places[int(h), row] = places.get((int(h), row), 0) + 1
        names.append(f"{labels.hall[h]}/{row}/{places[int(h), row]:02d}")
    return names
