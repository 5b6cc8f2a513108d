"""What a run serves: per pool and class what is asked, answered, waits and is refused, how fast, and at what power.

Definitions: a *stream* is what a class asks of the pool that answers it. Latencies over a period are those of its
requests (``twin.analysis.latency``), each interval weighted by the requests that it accepts. A promise is *kept* where
its share of the requests stays within it over the period. A class that may be put off is *put off* where it queues: its
first token is then promised a window later, and its latencies are those of the requests that are answered, for those
who wait have none yet. A *task* is ``turns`` requests, one after the other: it takes turns (TTFT + L TPOT), medians of
the period, L its mean tokens, and nothing for the tools that it calls in between, of which nothing is known. J per
token is the power of all systems of a service, idle included, per generated token. *Bound* are the hours in which a
limit holds back requests (of the pool), or in which a hall of the pool has no headroom left (power path, cooling). A
queue *grows* where it ends well above its mean, and those who come last wait longer than promised.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from pydantic import ValidationError

from twin.analysis.latency import Mixture
from twin.analysis.period import Bools, Floats, Period, flag_names, iso, labels, plain, values
from twin.core.errors import InputError
from twin.site.document import parse
from twin.site.lower_fleet import members
from twin.site.model import Site

Row = dict[str, Any]
LATENCIES = {"ttft_s": "pool_ttft", "tpot_s": "pool_tpot", "e2e_s": "pool_e2e"}
NAMES = ("p50", "p90", "p99")
SLACK = 1e-6
# A picture is one token: it says nothing of the energy or the time of a token.
MANY_TOKENS = 1.5
# A queue that grows steadily ends at twice its mean; one that is held at a limit ends at it.
GROWN = 1.2


def serving(ds: xr.Dataset, period: Period) -> Row | None:
    """Pools, services, streams and classes of a run as plain JSON types; None where the run serves nothing."""
    pools, classes = labels(ds, "pool"), labels(ds, "workload")
    if not pools or "pool_offered_rate" not in ds:
        return None
    made = _pools(ds, period, pools)
    arrays = _Arrays(ds, period)
    streams = [
        {"pool": pool, "service": service_of(pool), "class": name, **arrays.row([p], c)}
        for p, pool in enumerate(pools)
        for c, name in enumerate(classes)
        if arrays.meant[p, c]
    ]
    by_class = [{"class": name, **arrays.row(list(np.flatnonzero(arrays.meant[:, c])), c)}
                for c, name in enumerate(classes) if arrays.meant[:, c].any()]  # fmt: skip
    services = _services(made, streams)
    telling = [row for row in services if row["tokens_s"] > MANY_TOKENS * row["served_s"]]
    tokens, watts = sum(r["tokens_s"] for r in telling), sum(1e3 * r["power_mean_kw"] for r in telling)
    return {
        "tokens_s": sum(row["tokens_s"] for row in services),
        "joule_per_token": watts / tokens if tokens > 0 else None,
        "pools": made,
        "services": services,
        "streams": streams,
        "classes": by_class,
    }


def service_of(pool: str) -> str:
    """The service of a pool: ``split`` of ``split/prefill``."""
    return pool.partition("/")[0]


class _Arrays:
    """The variables of streams, read once: (time, pool, class) and (time, pool, class, percentile)."""

    def __init__(self, ds: xr.Dataset, period: Period) -> None:
        self.period = period
        names = ("offered_rate", "served_rate", "shed_rate", "token_rate", "queue_length")
        self.flow = {name: np.nan_to_num(_by(ds, f"pool_{name}")) for name in names}
        self.meant: Bools = ~np.isnan(_by(ds, "pool_offered_rate")[0])
        self.latency = {key: _by(ds, name, "percentile") for key, name in LATENCIES.items() if name in ds}
        self.promise = {
            key: np.asarray(ds[f"workload_{key}"].values, float)
            for key in ("ttft", "tpot", "share")
            if f"workload_{key}" in ds.coords
        }
        defer = ds.coords.get("workload_defer")
        turns = ds.coords.get("workload_turns")
        self.turns = np.ones(self.meant.shape[1]) if turns is None else np.asarray(turns.values, float)
        self.window = np.zeros(self.meant.shape[1]) if defer is None else np.asarray(defer.values, float)

    def row(self, pools: list[int], c: int) -> Row:
        """A class over some pools."""
        flow = {name: part[:, pools, c].sum(axis=1) for name, part in self.flow.items()}
        offered, queue = float(flow["offered_rate"].mean()), flow["queue_length"]
        shed = float(flow["shed_rate"].mean())
        row: Row = {
            "offered_s": offered,
            "served_s": float(flow["served_rate"].mean()),
            "shed_s": shed,
            "shed_share": shed / offered if offered > 0 else 0.0,
            "tokens_s": float(flow["token_rate"].mean()),
            "queue_mean": float(queue.mean()),
            "queue_peak": float(queue.max()),
            "queue_end": float(queue[-1]),
        }
        weights = self._requests(pools, c)
        mixed = {
            key: Mixture(part[:, pools, c].reshape(-1, len(NAMES)), weights.ravel())
            for key, part in self.latency.items()
        }
        for key, times in mixed.items():
            row[key] = {name: plain(times.percentile(p)) for name, p in zip(NAMES, (0.5, 0.9, 0.99), strict=True)}
        if len(self.promise) == 3 and mixed:
            row |= self._promised(mixed, pools, c, weights)
            row["growing"] = self._growing(flow, c)
        row |= self._tasks(row, float(self.turns[c]))
        if row["tokens_s"] <= MANY_TOKENS * row["served_s"] and "tpot_s" in row:
            row["tpot_s"] = dict.fromkeys(NAMES)
        return row

    def _tasks(self, row: Row, turns: float) -> Row:
        """Tasks of a class whose tasks make several requests; nothing of others."""
        if turns <= 1.0:
            return {}
        first, step = (row.get(key, {}).get("p50") for key in ("ttft_s", "tpot_s"))
        long = None
        if first is not None and step is not None and row["served_s"] > 0.0:
            long = turns * (first + step * row["tokens_s"] / row["served_s"])
        return {"turns": turns, "tasks_s": row["served_s"] / turns, "task_s": long}

    def _requests(self, pools: list[int], c: int) -> Floats:
        """Requests/s that the latencies of an interval stand for."""
        if self.window[c] > 0.0:
            return self.flow["served_rate"][:, pools, c]
        return np.maximum(self.flow["offered_rate"] - self.flow["shed_rate"], 0.0)[:, pools, c]

    def _growing(self, flow: dict[str, Floats], c: int) -> bool:
        """Whether the queue ends well above its mean, and longer than it may be.

        That of a class that may be put off is as old as the time in which so many came; where its requests are refused
        at their window it is held there.
        """
        queue, window = flow["queue_length"], self.window[c]
        if window > 0.0 and flow["shed_rate"][-1] > 0.0:
            return False
        rate = float(flow["offered_rate"].mean() if window > 0.0 else flow["served_rate"][-1])
        wait = queue[-1] / rate if rate > 0 else np.inf if queue[-1] > 0 else 0.0
        return bool(wait > (window or self.promise["ttft"][c]) and queue[-1] > GROWN * queue.mean())

    def _promised(self, mixed: dict[str, Mixture], pools: list[int], c: int, weights: Floats) -> Row:
        """Whether both promises are kept, by how many, and the hours in which they are not."""
        share = float(self.promise["share"][c])
        put_off = (self.flow["queue_length"][:, pools, c] > 0.0) & (self.window[c] > 0.0)
        row: Row = {"promise": {"share": share, "put_off_s": float(self.window[c])}, "kept": True}
        row["put_off_hours"] = float(put_off.any(axis=1).sum()) * self.period.hours
        broken = np.zeros(len(weights), bool)
        for key in ("ttft", "tpot"):
            promised, times = float(self.promise[key][c]), mixed[f"{key}_s"]
            kept, held = times.shares(promised), times.within(promised)
            if key == "ttft" and put_off.any() and weights.any():
                kept = times.shares(promised + self.window[c] * put_off.reshape(-1, 1))
                held = float(np.average(kept, weights=weights.ravel()))
            late = (kept.reshape(weights.shape) < share - SLACK) & (weights > 0.0)
            hit = late.any(axis=1)
            slowest = np.where(late, self.latency[f"{key}_s"][:, pools, c, -1], -1.0).max(axis=1)
            at = int(np.argmax(slowest))
            row["promise"] |= {
                f"{key}_s": promised,
                f"{key}_within": plain(held),
                f"{key}_at_share_s": plain(times.percentile(share)),
                f"{key}_broken_hours": float(hit.sum()) * self.period.hours,
                f"{key}_worst_at_utc": iso(self.period.end[at]) if hit.any() else None,
            }
            row["kept"] = row["kept"] and not held < share - SLACK
            broken |= hit
        row["broken_hours"] = float(broken.sum()) * self.period.hours
        return row


def _by(ds: xr.Dataset, name: str, *more: str) -> Floats:
    return np.asarray(ds[name].transpose("time", "pool", "workload", *more).values, np.float64)


def _pools(ds: xr.Dataset, period: Period, pools: list[str]) -> list[Row]:
    power, used, batch = (values(ds, f"pool_{name}") for name in ("power", "utilization", "batch"))
    systems, named, halls = values(ds, "pool_systems"), labels(ds, "pool_serving"), pool_halls(ds)
    rows = []
    for p, pool in enumerate(pools):
        rows.append(
            {
                "pool": pool,
                "service": service_of(pool),
                "serving": named[p] if named else "",
                "halls": halls.get(pool, []),
                "systems": float(systems[-1, p]),
                "utilization_mean": float(used[:, p].mean()),
                "utilization_peak": float(used[:, p].max()),
                "batch_mean": float(batch[:, p].mean()),
                "power_mean_kw": float(power[:, p].mean()) / 1e3,
                "power_peak_kw": float(power[:, p].max()) / 1e3,
                "bound": _bound(ds, period, p, halls.get(pool, [])),
            }
        )
    return rows


def _bound(ds: xr.Dataset, period: Period, p: int, halls: list[str]) -> dict[str, float]:
    """Hours in which each limit binds, most hours first; empty where nothing does."""
    codes = values(ds, "pool_binding")[:, p]
    names = flag_names(ds["pool_binding"].attrs)
    hours = {names.get(int(code), str(code)): float((codes == code).sum()) for code in np.unique(codes) if code > 0}
    known = labels(ds, "hall")
    for what in ("cooling", "power"):
        if halls and f"hall_{what}_headroom" in ds:
            at = [known.index(hall) for hall in halls if hall in known]
            on = values(ds, "hall_energised_share")[:, at] > 0
            short = float(((values(ds, f"hall_{what}_headroom")[:, at] < 0) & on).any(axis=1).sum())
            if short > 0:
                hours["cooling" if what == "cooling" else "power path"] = short
    return {name: count * period.hours for name, count in sorted(hours.items(), key=lambda item: -item[1])}


def pool_halls(ds: xr.Dataset) -> dict[str, list[str]]:
    """Halls of each pool as building/hall, from the site that the run carries; empty where it carries none."""
    try:
        site = Site.model_validate(parse(str(ds.attrs.get("site_text", "")), "site_text").data)
    except (InputError, ValidationError):
        return {}
    services = site.inference.services if site.inference else {}
    return {
        pool: [hall for hall, _ in members(site, systems)]
        for id, service in services.items()
        for pool, systems in service.pools(id).items()
    }


def _services(pools: list[Row], streams: list[Row]) -> list[Row]:
    """Each service: the power of its pools, the tokens of its streams."""
    rows = []
    for service in dict.fromkeys(row["service"] for row in pools):
        own = [row for row in streams if row["service"] == service]
        kw = sum(row["power_mean_kw"] for row in pools if row["service"] == service)
        tokens = sum(row["tokens_s"] for row in own)
        rows.append(
            {
                "service": service,
                **{key: sum(row[key] for row in own) for key in ("offered_s", "served_s", "shed_s")},
                "tokens_s": tokens,
                "power_mean_kw": kw,
                "joule_per_token": 1e3 * kw / tokens if tokens > 0 else None,
                "kept": all(row.get("kept", True) for row in own),
            }
        )
    return rows


__all__ = ["pool_halls", "service_of", "serving"]
