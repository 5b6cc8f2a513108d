"""What a meter log is fitted to: the power of a system against its token rate, by kind, with what is believed before.

Equations (u token rate per the largest, b 1 where there are tokens and 0 where not; kW at the AC input)::

    cs3    P = idle + (sustained - idle) [w b + (1 - w) u]            as twin.inference.wafer_draw
    gpu    P = idle + (busy - idle) u (1 + half) / (u + half)         as twin.inference.device_draw, curve c)

Both follow their target with a first-order lag. A log has no batch: that is why the gpu law goes by the token rate.
Priors of a cs3 are those of the library entry ``cs3-llm``; of a gpu they hang on the highest power of the log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.core.params import Figure
from twin.inference.device_draw import DeviceDraw
from twin.inference.draw import Draw
from twin.inference.wafer_draw import WaferDraw
from twin.site.library import load_library

Floats = NDArray[np.float64]
RESIDUAL = ("residual_decode", "residual_prefill", "residual_memory_s", "residual_decode_slow",
            "residual_prefill_slow", "residual_slow_memory_s")  # fmt: skip
METERED = Figure(value=0.0, source="part of the metered power of the system", confidence="measured")


@dataclass(frozen=True)
class Unknown:
    """A parameter: unit, what is believed before (centre and uniform band, with its source), what is possible."""

    key: str
    unit: str
    text: str
    prior: Figure
    least: float
    most: float

    @property
    def band(self) -> tuple[float, float]:
        """Ends of the prior."""
        low, high = self.prior.low, self.prior.high
        return (self.prior.value if low is None else low, self.prior.value if high is None else high)


class Law(ABC):
    """A law of one kind; parameters come in the order of ``unknowns``, the lag last."""

    KIND: ClassVar[str]
    unknowns: tuple[Unknown, ...]

    @abstractmethod
    def power_kw(self, x: Floats, u: Floats, busy: Floats) -> Floats:
        """Power (n) without lag for parameters ``x`` (p)."""

    @abstractmethod
    def entry(self, title: str, note: str, figures: Mapping[str, Figure]) -> Draw:
        """The library entry from a figure for every unknown."""


class Wafer(Law):
    """A CS-3."""

    KIND = "cs3"

    def __init__(self) -> None:
        self.base = load_library().get("cs3-llm", WaferDraw)
        rated, lag = self.base.rated_kw.value, self.base.lag_s
        share = self.base.idle_share
        self.unknowns = (
            Unknown("idle_kw", "kW", "power without tokens", _scaled(share, rated), 0.05 * rated, rated),
            Unknown(
                "sustained_kw", "kW", "power at the largest rate", self.base.sustained_kw, 0.2 * rated, 1.3 * rated
            ),
            Unknown("busy_weight", "1", "w: rise that comes with any work", self.base.busy_weight, 0.0, 1.0),
            Unknown("lag_s", "s", "first-order lag", lag, 0.05, 60.0),
        )

    def power_kw(self, x: Floats, u: Floats, busy: Floats) -> Floats:
        """See the equations of the file."""
        idle, sustained, w, _ = x
        return np.asarray(idle + (sustained - idle) * (w * busy + (1.0 - w) * u))

    def entry(self, title: str, note: str, figures: Mapping[str, Figure]) -> Draw:
        """A wafer draw; where the log is above the published peak, the log's figure is the peak."""
        made = dict(figures)
        top = max(f.value if f.high is None else f.high for f in (made["sustained_kw"], made["idle_kw"]))
        rated = self.base.rated_kw
        if top > rated.value:
            rated = Figure(value=top, source=made["sustained_kw"].source, confidence=made["sustained_kw"].confidence)
        idle = made.pop("idle_kw")
        untouched = idle is self.unknowns[0].prior and rated is self.base.rated_kw
        idle = self.base.idle_share if untouched else _scaled(idle, 1.0 / rated.value)
        return WaferDraw.model_validate(
            {**dict(self.base), "title": title, "note": note, "rated_kw": rated, "idle_share": idle, **made}
        )


class Servers(Law):
    """A GPU server or rack, as one device."""

    KIND = "gpu"

    def __init__(self, highest_kw: float) -> None:
        self.base = load_library().get("b200x8-air-llm", DeviceDraw)

        def prior(value: float, low: float, high: float, source: str) -> Figure:
            return Figure(value=value, low=low, high=high, source=source, confidence="estimate")

        of_highest = "prior: share of the log's highest power"
        top = highest_kw
        self.unknowns = (
            Unknown("idle_kw", "kW", "power without tokens",
                    prior(0.3 * top, 0.15 * top, 0.5 * top, of_highest), 0.0, 1.2 * top),
            Unknown("busy_kw", "kW", "power at the largest rate",
                    prior(1.0 * top, 0.8 * top, 1.2 * top, of_highest), 0.2 * top, 2.0 * top),
            Unknown("half_share", "1", "half: how early power rises",
                    prior(0.15, 0.02, 0.6, "prior: plateau from 0.1-0.3 of the load, arXiv 2603.18383"), 1e-3, 10.0),
            Unknown("lag_s", "s", "first-order lag", self.base.lag_s, 0.05, 60.0),
        )  # fmt: skip

    def power_kw(self, x: Floats, u: Floats, busy: Floats) -> Floats:
        """See the equations of the file."""
        idle, top, half, _ = x
        return np.asarray(idle + (top - idle) * u * (1.0 + half) / (u + half))

    def entry(self, title: str, note: str, figures: Mapping[str, Figure]) -> Draw:
        """A device draw of one device that stands for the whole system."""
        busy = figures["busy_kw"]
        prefill = Figure(value=busy.value * 1e3, source="prior: as decoding at the largest rate; " + busy.source,
                         confidence="estimate")  # fmt: skip
        data: dict[str, Any] = {
            "kind": DeviceDraw.KIND, "title": title, "note": note, "devices": 1,
            "device_idle_w": _scaled(figures["idle_kw"], 1e3), "decode_high_w": _scaled(busy, 1e3),
            "device_prefill_w": prefill, "decode_half_share": figures["half_share"], "lag_s": figures["lag_s"],
            "psu_efficiency": METERED.model_copy(update={"value": 1.0}),
            **dict.fromkeys(("host_idle_w", "host_busy_w", "network_w", "fan_floor_w", "fan_full_w"), METERED),
            **{key: getattr(self.base, key) for key in RESIDUAL},
        }  # fmt: skip
        return DeviceDraw.model_validate(data)


def law_of(kind: str, highest_kw: float) -> Law:
    """The law of a kind (``cs3`` or ``gpu``)."""
    return Wafer() if kind == Wafer.KIND else Servers(highest_kw)


def _scaled(figure: Figure, factor: float) -> Figure:
    """A figure in another unit."""
    ends = {end: None if (v := getattr(figure, end)) is None else v * factor for end in ("low", "high")}
    return figure.model_copy(update={"value": figure.value * factor, **ends})


KINDS = (Wafer.KIND, Servers.KIND)
__all__ = ["KINDS", "Law", "Unknown", "law_of"]
