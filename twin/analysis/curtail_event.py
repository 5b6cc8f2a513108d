"""What a curtailment is: its event, the points at which power is held, and both runs.

Equations: a point is held where its step means stay below the target once the shed path has answered and the ramp is
over: ``t >= begin + latency + ramp``. Powers in W, instants in s since 1970 UTC, weights 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.analysis.period import values

Floats = NDArray[np.float64]
STEP_S = 300.0
# Of the target: what is left of it after the last pass.
CLOSE = 2e-3
# Steps in which a latency that is no multiple of five minutes is followed.
FINER_S = (60.0, 30.0, 10.0)


@dataclass(frozen=True)
class Event:
    """A curtailment: instants in s since 1970 UTC, the share of the first point's power at its begin that has to go.

    ``latency`` is the time in s from the begin until the shed path acts, ``step`` that of the runs.
    """

    begin: float
    end: float
    ramp: float
    share: float
    latency: float = 0.0
    step: float = STEP_S

    @property
    def acts(self) -> float:
        """When the first system comes down."""
        return self.begin + self.latency

    @property
    def due(self) -> float:
        """From when on the full cut holds."""
        return self.acts + self.ramp


@dataclass(frozen=True)
class Target:
    """A point of the electrical path and the power that it is held to, W.

    ``weight`` (service): the share of each service's power that comes through the point.
    """

    name: str
    role: str
    target_w: float
    weight: Floats

    def measured(self, ds: xr.Dataset) -> Floats:
        """Power into the point (time), W: at the meter, into a hall's chain, into an element with its loss."""
        if self.role == "site":
            return values(ds, "site_power")
        if self.role == "hall":
            return values(ds.sel(hall=self.name), "hall_power")
        here = ds.sel(element=self.name)
        return values(here, "element_power") + values(here, "element_loss")


@dataclass(frozen=True)
class Curtailment:
    """Both runs and the event; ``target_w`` of the first point, ``reached`` whether all of them were held."""

    event: Event
    policy: str
    free: xr.Dataset
    held: xr.Dataset
    target_w: float
    reached: bool
    targets: tuple[Target, ...] = ()
    services: tuple[str, ...] = ()
    service_w: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))  # means while the cut holds, free and held

    def during(self) -> NDArray[np.bool_]:
        """Intervals in which the full cut holds: after the ramp, to the end of the event."""
        end = seconds(self.free)
        return (end - self.event.step >= self.event.due) & (end <= self.event.end)


def seconds(ds: xr.Dataset) -> Floats:
    """Ends of the intervals, s since 1970 UTC."""
    return ds["time"].values.astype("datetime64[s]").astype(np.float64)


def step_for(latency_s: float) -> float:
    """The longest step in which a latency ends with a step; the shortest where none does."""
    return next((step for step in (STEP_S, *FINER_S) if latency_s % step == 0.0), FINER_S[-1])


__all__ = ["CLOSE", "STEP_S", "Curtailment", "Event", "Target", "seconds", "step_for"]
