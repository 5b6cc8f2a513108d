"""A recorded trace replayed by each service of a site in closed form (``twin.inference.predict``): no run, no events.

Each service serves the whole trace by itself on its systems, with the token lengths of the recording and nothing found
in a prefix cache. Times per token are counted as splitwise-sim does, (E2E - TTFT)/L.

Equations (window w, prefill load rho, batch B)::

    P_w = (1 - rho_w) P_dec(B_w) + rho_w P_pre         J per token = sum P_w N / sum L        N systems

Range: colocated services. A window is *bound* by prefill where prompts outgrow the replicas, by decode or KV where the
batch is at its largest: from there on tokens lag behind, which latencies per token do not show.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.analysis.period import plain
from twin.core.errors import one, option
from twin.forcing.traces.read import Trace
from twin.inference.draw import Draw
from twin.inference.predict import Prediction, predict
from twin.inference.serving import Serving
from twin.inference.tables import pool_tables
from twin.inference.workload import Workload
from twin.racks.rack import Rack
from twin.site.inference_model import Service, Systems
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.lower_fleet import members
from twin.site.model import Site
from twin.site.rated import rack_counts

Row = dict[str, Any]
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
FULL_BATCH = 0.999


def replay(loaded: LoadedSite, trace: Trace, services: list[str], hall: str | None = None) -> Row:
    """What each of ``services`` makes of a trace, as plain JSON types; with ``hall`` on the systems of that hall alone.

    Raises ``InputError`` where none of them is colocated.
    """
    spec = loaded.site.inference
    assert spec is not None
    chosen = {id: spec.services[id] for id in services}
    fitting = {id: s for id, s in chosen.items() if s.serve is not None and _tokens(loaded.library, s.serve)}
    if not fitting:
        text = f"{', '.join(chosen)}: a trace is replayed by services that compute prompts and make tokens together"
        raise one(text, path=option("service="))
    rows = [_row(loaded, id, service, trace, hall) for id, service in fitting.items()]
    return {
        "requests": len(trace),
        "span_s": float(trace.arrival_s[-1] - trace.arrival_s[0]),
        "input_tokens_mean": float(trace.input_tokens.mean()),
        "output_tokens_mean": float(trace.output_tokens.mean()),
        "services": rows,
        "left_out": [id for id in chosen if id not in fitting],
    }


def _tokens(library: Library, systems: Systems) -> bool:
    return library.get(systems.serving, Serving).phase == "colocated"


def _systems(site: Site, library: Library, systems: Systems, serving: Serving, hall: str | None) -> float:
    """Systems of a pool, of one hall or of all."""
    own = [h for name, h in members(site, systems) if hall is None or name == hall]
    counts = [rack_counts(site.templates[h.template]) for h in own]
    return float(sum(c.get(id, 0) * library.get(id, Rack).systems for c in counts for id in serving.racks))


def _row(loaded: LoadedSite, id: str, service: Service, trace: Trace, hall: str | None) -> Row:
    library, systems, spec = loaded.library, service.serve, loaded.site.inference
    assert systems is not None
    assert spec is not None
    serving = library.get(systems.serving, Serving)
    count = _systems(loaded.site, library, systems, serving, hall)
    classes = {name: library.get(spec.demand[name].workload, Workload) for name in service.mix}
    asked = sorted({*PERCENTILES.values(), *(w.slo_percentile for w in classes.values())})
    replicas = count / serving.systems_per_replica
    found = predict(
        serving, trace.arrival_s, trace.input_tokens.astype(float), trace.output_tokens.astype(float),
        replicas=replicas, percentiles=tuple(asked),
    )  # fmt: skip
    span = max(float(trace.arrival_s[-1] - trace.arrival_s[0]), 1.0)
    tokens = float(np.maximum(trace.output_tokens, 1).sum()) / span
    watts = _watts(library, serving, found) * count
    return {
        "service": id,
        "serving": systems.serving,
        "systems": count,
        "replicas": replicas,
        "offered_s": len(trace) / span,
        "tokens_s": tokens,
        "ttft_s": {name: plain(found.ttft[p]) for name, p in PERCENTILES.items()},
        "tbt_s": {**{name: plain(found.tbt[p]) for name, p in PERCENTILES.items()}, "mean": found.tbt_mean},
        "e2e_mean_s": found.e2e_mean,
        "dispersion": found.dispersion,
        "prefill_load_mean": float(found.prefill_load.mean()),
        "prefill_load_peak": float(found.prefill_load.max()),
        "batch_mean": float(found.batch.mean()),
        "batch_peak": float(found.batch.max()),
        "power_mean_kw": float(watts.mean()) / 1e3,
        "power_peak_kw": float(watts.max()) / 1e3,
        "joule_per_token": float(watts.mean()) / tokens,
        "windows": len(found.rate),
        "bound": _bound(serving, trace, found),
        "promises": {name: _promise(workload, found) for name, workload in classes.items()},
    }


def _watts(library: Library, serving: Serving, found: Prediction) -> np.ndarray:
    """Power of one system in each window, W."""
    draw = library.get(serving.draw, Draw)
    assert isinstance(draw, Draw)
    tables = pool_tables(serving, draw)
    rho = np.clip(found.prefill_load, 0.0, 1.0)
    return np.asarray((1.0 - rho) * np.interp(found.batch, tables["batch"], tables["draw"]) + rho * draw.prefill_w())


def _bound(serving: Serving, trace: Trace, found: Prediction) -> dict[str, int]:
    """Windows in which a limit binds."""
    held = float(np.mean(trace.input_tokens + 0.5 * trace.output_tokens))
    room = serving.kv_tokens.value / max(1.0, held)
    most = min(serving.max_batch.value, room)
    full = int((found.batch >= FULL_BATCH * most).sum())
    limits = {"prefill": int(found.overloaded.sum()), "kv" if room < serving.max_batch.value else "decode": full}
    return {name: windows for name, windows in limits.items() if windows > 0}


def _promise(workload: Workload, found: Prediction) -> Row:
    """A class's promise held against the trace at the share that it is made for."""
    share, ttft, tpot = workload.slo_percentile, workload.ttft_slo_s.value, workload.tpot_slo_s.value
    return {
        "share": share,
        "ttft_s": ttft,
        "ttft_at_share_s": plain(found.ttft[share]),
        "tpot_s": tpot,
        "tbt_at_share_s": plain(found.tbt[share]),
        "kept": bool(found.ttft[share] <= ttft and found.tbt[share] <= tpot),
    }


__all__ = ["replay"]
