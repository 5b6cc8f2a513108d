"""The headline numbers of a run, from its blocks: what a band is drawn around.

Equations (t hours of the run, c classes, p pools; boundaries as in ``twin.analysis.kpi``)::

    PUE = sum P_meter/sum P_IT,   WUE = sum water/sum E_IT
    tokens_c = sum_t sum_p token rate * h
    J/token = sum_t sum_p P_p h/tokens          of services that make tokens; prefill pools count with their decode pool
    TTFT p99_c = sum served * p99/sum served                            the hours' 99th percentile, weighted by requests
    kept_c = sum of requests served in (hour, pool) with TTFT and TPOT within the promise/sum of requests served

The promise of a class is made for a share of its requests (``slo_percentile``): it is held against the recorded
percentile at or above it. Peaks are those of steps, headrooms the least of a hall's hours with a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.units import HOUR
from twin.core.variables import slot
from twin.engine.ensemble import Case, Numbers
from twin.engine.run import Result
from twin.inference.fleet import PERCENTILES
from twin.inference.serving import Serving
from twin.inference.workload import Workload
from twin.site.lower_fleet import FleetPlan

Floats = NDArray[np.float64]
P99 = PERCENTILES.index(99.0)
POWER, IT, WATER, PEAK = (
    slot("site_power"), slot("site_it_power"), slot("site_water_flow"), slot("site_power_maximum"),
)  # fmt: skip
COOLING_ROOM, POWER_ROOM = slot("hall_cooling_headroom"), slot("hall_power_headroom")
SERVED, QUEUE, TOKENS = slot("pool_served_rate"), slot("pool_queue_length"), slot("pool_token_rate")
TTFT, TPOT, WATTS = slot("pool_ttft"), slot("pool_tpot"), slot("pool_power")


@dataclass(frozen=True)
class Headline:
    """A headline number: name in the Dataset, dimensions, unit, meaning, and how a terminal shows it."""

    name: str
    dims: tuple[str, ...]
    units: str
    long_name: str
    label: str
    shown_as: str
    per: float  # shown number = value/per


HEADLINES = [
    Headline("site_power_maximum", (), "W", "peak power at the grid meter", "Meter peak", "MW", 1e6),
    Headline("site_power", (), "W", "mean power at the grid meter", "Meter mean", "MW", 1e6),
    Headline("site_energy", (), "J", "energy at the grid meter", "Meter energy", "GWh", 3.6e12),
    Headline("site_it_power", (), "W", "mean IT power at the racks' AC input", "IT mean", "MW", 1e6),
    Headline("site_it_energy", (), "J", "IT energy at the racks' AC input", "IT energy", "GWh", 3.6e12),
    Headline("pue", (), "1", "power usage effectiveness, category 3", "PUE", "", 1.0),
    Headline("wue", (), "L kWh-1", "make-up water per IT energy", "WUE", "L/kWh", 1.0),
    Headline("site_water", (), "m3", "make-up water", "Water", "1000 m3", 1e3),
    Headline("cooling_headroom", (), "W", "least cooling headroom of any hall", "Cooling room", "MW", 1e6),
    Headline("power_headroom", (), "W", "least power headroom of any hall", "Power room", "MW", 1e6),
    Headline("hall_cooling_headroom", ("hall",), "W", "least cooling headroom", "Cooling room", "MW", 1e6),
    Headline("hall_power_headroom", ("hall",), "W", "least power headroom", "Power room", "MW", 1e6),
]
FLEET_HEADLINES = [
    Headline("tokens", (), "1", "tokens generated", "Tokens", "1e12", 1e12),
    Headline("token_rate", (), "s-1", "mean tokens generated per second", "Tokens per s", "1e6/s", 1e6),
    Headline("energy_per_token", (), "J", "energy of the serving systems per token", "Energy per token", "J", 1.0),
    Headline("slo_kept", (), "1", "share of requests served within their promises", "Promises kept", "%", 0.01),
    Headline("workload_tokens", ("workload",), "1", "tokens generated", "Tokens", "1e12", 1e12),
    Headline("workload_ttft_p99", ("workload",), "s", "99th percentile of time to first token", "TTFT p99", "s", 1.0),
    Headline("workload_slo_kept", ("workload",), "1", "share of requests served in time", "Promises kept", "%", 0.01),
    Headline("pool_energy_per_token", ("pool",), "J", "energy of the systems per token", "Energy per token", "J", 1.0),
]


def headlines_of(fleet: FleetPlan | None) -> list[Headline]:
    """The headline numbers that a site has."""
    return HEADLINES + (FLEET_HEADLINES if fleet else [])


def headline_numbers(case: Case, results: Iterator[Result]) -> Numbers:
    """The headline numbers of a run in hour steps, by name; arrays in the shape of their dimensions."""
    power, it, water, peak = 0.0, 0.0, 0.0, -np.inf
    room = np.full((2, len(case.plan.labels.hall)), np.inf)
    fleet = _FleetSums(case) if case.plan.fleet else None
    hours = 0
    for result in results:
        site, hall = result.levels["site"][:, 0], result.levels["hall"]
        hours += len(site)
        power, it, water = (
            power + float(site[:, POWER].sum()), it + float(site[:, IT].sum()), water + float(site[:, WATER].sum()),
        )  # fmt: skip
        peak = max(peak, float(site[:, PEAK].max()))
        least = np.where(np.isnan(hall), np.inf, hall).min(axis=0)
        room = np.minimum(room, least[:, [COOLING_ROOM, POWER_ROOM]].T)
        if fleet:
            fleet.add(result)
    room = np.where(np.isinf(room), np.nan, room)
    energy_it = it * HOUR
    known = not np.isnan(room).all()
    found = {
        "site_power_maximum": peak,
        "site_power": power / hours,
        "site_energy": power * HOUR,
        "site_it_power": it / hours,
        "site_it_energy": energy_it,
        "pue": power / it if it > 0.0 else np.nan,
        "wue": water * HOUR / (energy_it / 3.6e6) if it > 0.0 else np.nan,
        "site_water": water * HOUR / 1e3,
        "cooling_headroom": np.nanmin(room[0]) if known else np.nan,
        "power_headroom": np.nanmin(room[1]) if known else np.nan,
        "hall_cooling_headroom": room[0],
        "hall_power_headroom": room[1],
        **(fleet.numbers() if fleet else {}),
    }
    return {name: np.asarray(value, np.float64) for name, value in found.items()}


class _FleetSums:
    """What a run's pools and classes come to."""

    def __init__(self, case: Case) -> None:
        assert case.plan.fleet is not None
        assert case.loaded.site.inference is not None
        self.plan, self.fleet, library = case.plan.fleet, case.plan.fleet.fleet, case.loaded.library
        demand = case.loaded.site.inference.demand.values()
        classes = [library.get(d.workload, Workload) for d in demand]
        n, pools = len(classes), len(self.plan.pool)
        self._promise = np.array([[w.ttft_slo_s.value, w.tpot_slo_s.value] for w in classes])
        self._window = np.array([HOUR * w.may_defer_h for w in classes])
        at = [np.searchsorted(np.array(PERCENTILES) / 100.0, w.slo_percentile - 1e-9) for w in classes]
        self._at = np.minimum(at, len(PERCENTILES) - 1)
        # A picture is no token: what makes none is not counted in J per token.
        self._speaks = np.array([library.get(s, Serving).decode_step_s is not None for s in self.plan.serving])
        self._served, self._kept, self._late, self._tokens = np.zeros((4, n))
        self._made, self._joules = np.zeros(pools), np.zeros(pools)
        self._hours = 0

    def add(self, result: Result) -> None:
        """Add the hours of a block."""
        stream, delay = np.nan_to_num(result.levels["stream"]), result.levels["latency"]
        served, tokens = stream[..., SERVED], stream[..., TOKENS]
        classes = np.arange(served.shape[2])
        due = delay[:, :, classes, self._at]  # (hour, pool, class, variable)
        # Who is put off is promised the first token a window later.
        first = self._promise[:, 0] + np.where(stream[..., QUEUE] > 0.0, self._window, 0.0)
        with np.errstate(invalid="ignore"):
            kept = (due[..., TTFT] <= first) & (due[..., TPOT] <= self._promise[:, 1])
        self._hours += len(served)
        self._served += served.sum(axis=(0, 1))
        self._kept += (served * kept).sum(axis=(0, 1))
        self._late += (served * np.nan_to_num(delay[..., P99, TTFT])).sum(axis=(0, 1))
        self._tokens += HOUR * tokens[:, self._speaks].sum(axis=(0, 1))
        self._made += HOUR * tokens.sum(axis=(0, 2))
        self._joules += HOUR * result.levels["pool"][..., WATTS].sum(axis=0)

    def numbers(self) -> dict[str, Floats]:
        """The headline numbers of the fleet."""
        joules = np.full(len(self._made), np.nan)
        for p, d in zip(self.fleet.prefilling, self.fleet.decoding, strict=True):
            joules[d] = self._joules[d] + (self._joules[p] if p != d else 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            per_pool = np.where(self._speaks & (self._made > 0.0), joules / self._made, np.nan)
            total = self._tokens.sum()
            return {
                "tokens": total,
                "token_rate": total / (HOUR * self._hours),
                "energy_per_token": np.nansum(joules[self._speaks]) / total,
                "slo_kept": self._kept.sum() / self._served.sum(),
                "workload_tokens": np.where(self._tokens > 0.0, self._tokens, np.nan),
                "workload_ttft_p99": self._late / self._served,
                "workload_slo_kept": self._kept / self._served,
                "pool_energy_per_token": per_pool,
            }


__all__ = ["HEADLINES", "Headline", "headline_numbers", "headlines_of"]
