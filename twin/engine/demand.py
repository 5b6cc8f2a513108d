"""The demand of a site's classes as curves that a run samples."""

from __future__ import annotations

from twin.engine.serve import ClassDemand
from twin.forcing.demand import FLAT, Growth, Scaled, Weekly
from twin.forcing.shapes import load_shape
from twin.site.inference_model import Demand
from twin.site.load import LoadedSite
from twin.site.lower import local_midnight

STEADY = "flat"
MONTHS_A_YEAR = 12.0


def class_demands(loaded: LoadedSite) -> list[ClassDemand]:
    """The demand of each class in the order of the site. Raises ``InputError`` for a faulty shape."""
    spec = loaded.site.inference
    if spec is None:
        return []
    since = float(min(local_midnight(day, loaded.site.utc_offset_h) for day in _starts(loaded)))
    return [_demand(id, demand, loaded, since) for id, demand in spec.demand.items()]


def _starts(loaded: LoadedSite) -> list[str]:
    return [hall.energised_on for building in loaded.site.buildings.values() for hall in building.halls.values()]


def _demand(id: str, demand: Demand, loaded: LoadedSite, since_s: float) -> ClassDemand:
    shape = _shape(id, demand, loaded)
    if demand.fill is not None:
        peak = max(shape.hours) * len(shape.hours) / sum(shape.hours)
        return ClassDemand(Scaled(demand.fill / peak, shape), relative=True)
    assert demand.mean_per_s is not None
    years = demand.doubling_years
    growth = Growth() if years is None else Growth.doubling(MONTHS_A_YEAR * years, since_s)
    return ClassDemand(Scaled(demand.mean_per_s, shape, growth), relative=False)


def _shape(id: str, demand: Demand, loaded: LoadedSite) -> Weekly:
    if demand.shape == STEADY:
        return FLAT
    return load_shape(loaded.paths.get(f"inference.demand.{id}.shape", demand.shape))


__all__ = ["class_demands"]
