"""Services of a site as they stand: entries, systems, replicas, the best they can do and the most they can take.

Equations (m_c the meant mix, R replicas, T prefill time, L output tokens, K KV tokens held, S bytes over the link)::

    a <= 0.98 R_p / sum m T                                            prefill
    a (sum m L + r_max sum m T_stolen) <= r_max R_d                    decode, or KV where memory ends the batch
    a <= link min(R_p, R_d) / sum m S                                  link
    idle: TTFT_p = T_p (+ S/link),  TPOT = tau(1)

Range: one level of priority, everything energised. ``twin.inference.service`` has the same limits step by step, and
``twin.inference.steady`` with rate 0 the same idle latencies.
Source: facts on inference, sections 6.2-6.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.core.units import GB
from twin.inference.model import Model
from twin.inference.service import FULL
from twin.inference.serving import Serving
from twin.inference.tables import batch_grid, prefill_times, transfer_bytes
from twin.inference.workload import Workload
from twin.racks.rack import Rack
from twin.site.inference_model import Service, Systems
from twin.site.library import Library
from twin.site.lower_fleet import members
from twin.site.model import Site
from twin.site.rated import rack_counts

Rows = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A pool of a service: its configuration, the model it serves, all its systems."""

    serving: Serving
    model: Model
    systems: float

    @property
    def replicas(self) -> float:
        """Replicas with everything energised."""
        return self.systems / self.serving.systems_per_replica


@dataclass(frozen=True)
class Limit:
    """Requests/s and what ends them."""

    rate: float
    binding: str


def systems_of(site: Site, library: Library, systems: Systems, serving: Serving) -> int:
    """Systems of a pool over all its halls, energised or not."""
    counts = [rack_counts(site.templates[hall.template]) for _, hall in members(site, systems)]
    return sum(count.get(id, 0) * library.get(id, Rack).systems for count in counts for id in serving.racks)


def parts(site: Site, library: Library, service: Service) -> tuple[Part, Part]:
    """The pool that computes prompts and the one that makes tokens; the same one where they are colocated."""
    made = []
    for systems in service.pools("").values():
        serving = library.get(systems.serving, Serving)
        made.append(Part(serving, library.get(serving.model, Model), systems_of(site, library, systems, serving)))
    return made[0], made[-1]


def idle_ttft(first: Serving, second: Serving, model: Model, workload: Workload) -> float:
    """Time to first token in s that ``workload.slo_percentile`` of the requests keep where nobody else is served."""
    times = prefill_times(first, workload)
    middles = (np.arange(len(times)) + 0.5) / len(times)
    return float(np.interp(workload.slo_percentile, middles, times)) + _sent(first, second, model, workload)


def _sent(first: Serving, second: Serving, model: Model, workload: Workload) -> float:
    """Time of the KV cache on an idle link, s."""
    link = link_bytes_s(first, second)
    return transfer_bytes(model, second, workload) / link if np.isfinite(link) else 0.0


def link_bytes_s(first: Serving, second: Serving) -> float:
    """Bytes/s of one replica's link; inf where prompts and tokens share the systems, and where none is stated."""
    ends = [] if first is second else [e.link_gb_s for e in (first, second)]
    return min((end.value * GB for end in ends if end is not None), default=float("inf"))


def idle_tpot(second: Serving) -> float:
    """Time per output token in s of a request alone; 0 for what makes no tokens one by one."""
    return float(second.step_time(np.ones(1))[0])


def capacity(first: Part, second: Part, mix: dict[str, float], classes: dict[str, Workload]) -> Limit:
    """Requests/s of the meant mix that a service takes with everything energised, and which limit ends it."""
    whole = sum(mix.values())
    shares = {c: share / whole for c, share in mix.items()}
    apart = first is not second
    tau, peak, by_memory = _most(second, shares, classes)
    load = tokens = stolen = moved = 0.0
    for c, share in shares.items():
        times = prefill_times(first.serving, classes[c])
        spread = np.interp((np.arange(64) + 0.5) / 64, (np.arange(len(times)) + 0.5) / len(times), times)
        mean = float(spread.mean())
        load += share * mean
        tokens += share * classes[c].output_tokens.mean()
        if not apart:
            stolen += share * max(0.0, mean - (tau if first.serving.batching == "mixed" else 0.0))
        else:
            moved += share * transfer_bytes(second.model, second.serving, classes[c])
    limits = [Limit(FULL * first.replicas / load, "prefill")] if load > 0.0 else []
    need = tokens + peak * stolen
    if need > 0.0:
        limits.append(Limit(peak * second.replicas / need, "kv" if by_memory else "decode"))
    link = link_bytes_s(first.serving, second.serving)
    if moved > 0.0 and np.isfinite(link):
        limits.append(Limit(link * min(first.replicas, second.replicas) / moved, "link"))
    return min(limits, key=lambda limit: limit.rate, default=Limit(0.0, "systems"))


def _most(part: Part, shares: dict[str, float], classes: dict[str, Workload]) -> tuple[float, float, bool]:
    """Step time in s and tokens/s of a replica at its largest batch, and whether memory ends it."""
    serving = part.serving
    batch = batch_grid(serving)
    step = np.full(len(batch), 1e-9)
    if serving.decode_step_s is not None:
        step = serving.step_time(np.maximum(batch, 1.0))
    outputs = {c: share * classes[c].output_tokens.mean() for c, share in shares.items()}
    held = sum(
        outputs[c] * (classes[c].input_tokens.mean() + 0.5 * classes[c].output_tokens.mean()) for c in shares
    ) / sum(outputs.values())
    room = serving.kv_tokens.value / max(held, 1.0)
    at = min(room, float(batch[-1]))
    most = np.maximum.accumulate(batch / step)
    return float(np.interp(at, batch, step)), float(np.interp(at, batch, most)), room < batch[-1]


def service_rows(site: Site, library: Library) -> dict[str, Rows]:
    """What each service is made of and can take, all halls energised; empty without inference load."""
    spec = site.inference
    if spec is None:
        return {}
    classes = {c: library.get(d.workload, Workload) for c, d in spec.demand.items()}
    rows = {}
    for id, service in spec.services.items():
        first, second = parts(site, library, service)
        limit = capacity(first, second, service.mix, classes)
        whole = sum(service.mix.values())
        tokens = sum(share / whole * classes[c].output_tokens.mean() for c, share in service.mix.items())
        pools = service.pools(id)
        rows[id] = {
            "mix": {c: share / whole for c, share in service.mix.items()},
            "pools": {
                pool: {"serving": systems.serving, "systems": part.systems, "replicas": part.replicas}
                for (pool, systems), part in zip(pools.items(), (first, second), strict=False)
            },
            "requests_s": limit.rate,
            "tokens_s": limit.rate * tokens,
            "binding": limit.binding,
        }
    return rows


__all__ = ["Limit", "Part", "capacity", "idle_tpot", "idle_ttft", "link_bytes_s", "parts", "service_rows", "systems_of"]
