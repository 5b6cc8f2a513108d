"""What a map says: values at the middle of their bands, names of the limits, the tightest hall of each point."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.analysis.halls import binding_name
from twin.analysis.load_map import OUTDOOR, PUE
from twin.analysis.period import flag_names, labels
from twin.core.units import MW

Floats = NDArray[np.float64]
MIDDLE = 0.5
KINDS = ("cooling", "power")


@dataclass(frozen=True)
class Answers:
    """A map opened for reading; arrays are (load, outdoor[, hall])."""

    ds: xr.Dataset

    @cached_property
    def load(self) -> Floats:
        """Loads, 0..1."""
        return np.asarray(self.ds["load"].values, float)

    @cached_property
    def outdoor(self) -> Floats:
        """Outdoor dry bulbs, degC."""
        return np.asarray(self.ds[OUTDOOR].values, float)

    @cached_property
    def wet(self) -> Floats:
        """The wet bulbs that go with them, degC."""
        return np.asarray(self.ds["outdoor_wet_bulb_temperature"].values, float)

    @cached_property
    def halls(self) -> list[str]:
        """Halls as building/hall."""
        return labels(self.ds, "hall")

    @property
    def banded(self) -> bool:
        """Whether values carry a band."""
        return "quantile" in self.ds.dims

    @property
    def contract_mw(self) -> float:
        """Contracted power at the meter, MW."""
        return float(self.ds["contract_power"]) / MW

    def of(self, name: str, scale: float = 1.0) -> Floats:
        """A variable times ``scale``, at the quantile next to the middle of the band."""
        array = self.ds[name]
        if "quantile" in array.dims:
            array = array.sel(quantile=MIDDLE, method="nearest")
        return np.asarray(array.values, float) * scale

    def band(self, name: str, scale: float = 1.0) -> tuple[Floats, Floats] | None:
        """The outermost quantiles of a variable times ``scale``; None without bands."""
        if not self.banded:
            return None
        array = self.ds[name]
        low, high = (np.asarray(array.isel(quantile=i).values, float) * scale for i in (0, -1))
        return low, high

    @cached_property
    def pue(self) -> Floats:
        """Power at the meter per IT power (load, outdoor)."""
        return self.of(PUE)

    def headroom_mw(self, kind: str) -> Floats:
        """``cooling`` or ``power`` headroom, MW (load, outdoor, hall); NaN where a hall is not energised."""
        return self.of(f"hall_{kind}_headroom", 1.0 / MW)

    def bindings(self, kind: str) -> list[list[list[str]]]:
        """Names of the limits that bind, (load, outdoor, hall)."""
        name = f"hall_{kind}_binding"
        codes, flags, elements = self.of(name), flag_names(self.ds[name].attrs), labels(self.ds, "element")
        known: dict[float, str] = {}

        def named(code: float) -> str:
            if np.isnan(code):
                return "not energised"
            return known.setdefault(code, binding_name(code, kind, flags, elements))

        return [[[named(code) for code in row] for row in plane] for plane in codes.tolist()]

    def tightest(self, kind: str) -> NDArray[np.int64]:
        """The hall with the least headroom at each point (load, outdoor); -1 where none is energised."""
        room = self.headroom_mw(kind)
        found = np.argmin(np.where(np.isfinite(room), room, np.inf), axis=2)
        return np.where(np.isfinite(room).any(axis=2), found, -1)

    def largest_load(self, kind: str) -> list[float | None]:
        """The largest load up to which no hall lacks headroom, by outdoor temperature; None where there is none."""
        lacks = np.asarray((self.headroom_mw(kind) < 0.0).any(axis=2))
        found: list[float | None] = []
        for column in lacks.T:
            fine = int(np.argmax(column)) if column.any() else len(column)
            found.append(float(self.load[fine - 1]) if fine else None)
        return found


def plain_map(ds: xr.Dataset) -> dict[str, Any]:
    """A map as plain JSON types: its dimensions, its variables with units, None for what is no number."""
    answers = Answers(ds)
    tight = {
        kind: [[answers.halls[h] if h >= 0 else None for h in row] for row in answers.tightest(kind)] for kind in KINDS
    }
    return {
        "attributes": {key: value for key, value in ds.attrs.items() if key != "site_text"},
        "coordinates": {str(name): _variable(c) for name, c in ds.coords.items() if "element" not in c.dims},
        "variables": {str(name): _variable(v) for name, v in ds.data_vars.items()},
        "tightest_hall": tight,
    }


def _variable(array: xr.DataArray) -> dict[str, Any]:
    return {
        "dims": [str(d) for d in array.dims],
        "units": array.attrs.get("units"),
        "long_name": array.attrs.get("long_name"),
        **{key: array.attrs[key] for key in ("flag_values", "flag_meanings") if key in array.attrs},
        "values": _finite(array.values.tolist()),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


__all__ = ["KINDS", "Answers", "plain_map"]
