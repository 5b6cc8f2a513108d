"""The demand of a site's classes as curves that a run samples."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from twin.core.errors import Faults
from twin.engine.serve import ClassDemand
from twin.forcing.bursts import Bursty
from twin.forcing.demand import FLAT, Growth, RecordedRate, Scaled, Weekly, recorded
from twin.forcing.shapes import load_shape
from twin.forcing.traces.read import read_curve
from twin.inference.workload import Workload
from twin.site.inference_model import Demand
from twin.site.load import LoadedSite
from twin.site.lower import local_midnight

STEADY = "flat"
MONTHS_A_YEAR = 12.0


def class_demands(loaded: LoadedSite, seed: int | None = None) -> list[ClassDemand]:
    """The demand of each class in the order of the site, with the bursts of ``seed`` (None: mean rates).

    Raises ``InputError`` for faulty shapes and recordings.
    """
    spec = loaded.site.inference
    if spec is None:
        return []
    since = float(min(local_midnight(day, loaded.site.utc_offset_h) for day in _starts(loaded)))
    faults = Faults()
    found = [faults.of(_demand, id, demand, loaded, since) for id, demand in spec.demand.items()]
    faults.tell()
    made = zip(spec.demand.items(), [demand for demand in found if demand is not None], strict=True)
    return [
        _bursting(id, asked, demand, loaded, seed) if asked.bursts and seed is not None else demand
        for (id, asked), demand in made
    ]


def _bursting(id: str, asked: Demand, demand: ClassDemand, loaded: LoadedSite, seed: int) -> ClassDemand:
    """A demand with bursts of its own, minute by minute: those within a minute are in the latencies.

    Not finer: seconds above what a service takes at its working point would queue, while batches last for many seconds
    and average over them.
    """
    assert isinstance(demand.curve, Scaled)
    fano = loaded.library.get(asked.workload, Workload).fano.value
    own = int.from_bytes(sha256(f"{seed}/{id}".encode()).digest()[:8], "big")
    return ClassDemand(Bursty(demand.curve, fano, own, even_minutes=True), relative=False)


def _starts(loaded: LoadedSite) -> list[str]:
    return [hall.energised_on for building in loaded.site.buildings.values() for hall in building.halls.values()]


def _demand(id: str, demand: Demand, loaded: LoadedSite, since_s: float) -> ClassDemand:
    mean = _mean_per_s(demand, loaded)
    if demand.trace is not None:
        return ClassDemand(_recorded(id, demand, loaded, since_s, mean), relative=False)
    shape = _shape(id, demand, loaded)
    if demand.fill is not None:
        peak = max(shape.hours) * len(shape.hours) / sum(shape.hours)
        return ClassDemand(Scaled(demand.fill / peak, shape), relative=True)
    assert mean is not None
    years = demand.doubling_years
    growth = Growth() if years is None else Growth.doubling(MONTHS_A_YEAR * years, since_s)
    return ClassDemand(Scaled(mean, shape, growth), relative=False)


def _mean_per_s(demand: Demand, loaded: LoadedSite) -> float | None:
    """The mean rate of requests that a demand states, of tasks times what each makes of them; None without."""
    if demand.tasks_per_s is None:
        return demand.mean_per_s
    return demand.tasks_per_s * loaded.library.get(demand.workload, Workload).turns.value


def _recorded(id: str, demand: Demand, loaded: LoadedSite, since_s: float, mean: float | None) -> RecordedRate:
    """The rate of a recording, whose calendar is not asked: it begins at local midnight of ``starts``."""
    path = str(loaded.paths[f"inference.demand.{id}.trace"])
    start = since_s if demand.starts is None else float(local_midnight(demand.starts, loaded.site.utc_offset_h))
    curve = recorded(read_curve(path), start, mean_rps=mean, repeat=demand.repeat, file=path)
    return curve if demand.scale is None else replace(curve, factor=demand.scale * curve.factor)


def _shape(id: str, demand: Demand, loaded: LoadedSite) -> Weekly:
    if demand.shape == STEADY:
        return FLAT
    return load_shape(loaded.paths.get(f"inference.demand.{id}.shape", demand.shape))


__all__ = ["class_demands"]
