"""Small fleets made by hand, and a way to run them without a site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.variables import rows, slot
from twin.inference.decoding import BATCHING
from twin.inference.erlang import wait_table
from twin.inference.fleet import PERCENTILES, Class, Fleet, Held, Pool, new_flow, new_held, serving_order
from twin.inference.step import serve_block
from twin.inference.ttft import cell_edges, ttft_table

Floats = NDArray[np.float64]
POINTS = 64
BATCH = np.concatenate([[0.0, 0.1, 0.25, 0.5], np.geomspace(1.0, 256.0, POINTS - 4)])
IDLE_W, PREFILL_W = 2_900.0, 10_500.0


def power(batch: Floats) -> Floats:
    """Saturates as servers do: three quarters of the way at a batch of eight."""
    return IDLE_W + 6_500.0 * (1.0 - np.exp(-batch / 6.0))


@dataclass(frozen=True)
class Kind:
    """A pool: step time ``step + slope batch``, prefill seconds, KV tokens, power curve."""

    step_s: float = 0.03
    slope_s: float = 2e-4
    prefill_s: float = 0.09
    kv: float = 4e5
    draw: Any = power
    lag_s: float = 0.0
    systems: float = 1.0
    batching: str = "alone"


@dataclass(frozen=True)
class Workload:
    """A class: tokens in and out, promised time, whether it may be shed, priority, window, promised share."""

    tokens_in: float = 1_155.0
    tokens_out: float = 211.0
    ttft_s: float = 1.0
    shed: bool = False
    priority: int = 0
    defer_s: float = 0.0
    share: float = 0.9


CHAT = Workload()


@cache
def table() -> Floats:
    """TTFT over prefill times that spread as prompts do; the kernels scale it by each class's mean."""
    return ttft_table(cell_edges(0.09 * np.linspace(0.2, 1.8, 16)))


def fleet(
    pools: list[Kind],
    classes: list[Workload],
    services: list[tuple[int, int]],
    mix: list[list[float]],
    link: list[float] | None = None,
    transfer: float = 0.0,
    weight: list[float] | None = None,
) -> Fleet:
    """A fleet: ``services`` as (prefill pool, decode pool), ``mix`` (service, class)."""
    step = np.array([k.step_s + k.slope_s * BATCH for k in pools])
    rate = BATCH / step
    order, level = serving_order([(w.priority, w.defer_s) for w in classes])
    pool = np.zeros((len(pools), len(Pool)))
    for p, k in enumerate(pools):
        pool[p] = [k.systems, IDLE_W, PREFILL_W, k.kv, k.lag_s, BATCHING[k.batching], 8192.0]
    cls = np.zeros((len(classes), len(Class)))
    for c, w in enumerate(classes):
        cls[c, : Class.OUTPUT_50] = [
            w.tokens_out, w.tokens_in + 0.5 * w.tokens_out, w.ttft_s, float(w.shed), w.tokens_in, 1.0,
        ]  # fmt: skip
        cls[c, Class.OUTPUT_50 : Class.DEFER] = w.tokens_out * np.array([0.8, 2.0, 3.0])
        cls[c, Class.DEFER :] = [w.defer_s, w.share]
    prefill = np.array([[k.prefill_s * w.tokens_in / 1_155.0 for w in classes] for k in pools])
    return Fleet(
        pool=pool,
        batch=np.tile(BATCH, (len(pools), 1)),
        step=step,
        rate=rate,
        most=np.maximum.accumulate(rate, axis=1),
        draw=np.array([k.draw(BATCH) for k in pools]),
        prefill=prefill,
        prefill_square=1.5 * prefill**2,
        ttft=table()[None],
        ttft_of=np.where(np.array(mix) > 0.0, 0, -1),
        waits=wait_table(),
        prefilling=np.array([p for p, _ in services]),
        decoding=np.array([d for _, d in services]),
        link=np.array(link or [np.inf] * len(services)),
        transfer=np.array([[transfer if p != d else 0.0 for _ in classes] for p, d in services]),
        mix=np.array(mix, dtype=float) / np.sum(mix, axis=1, keepdims=True),
        weight=np.array(weight or [0.0] * len(services)),
        cls=cls,
        order=order,
        level=level,
    )


@dataclass(frozen=True)
class Run:
    """Rows of every step."""

    streams: Floats  # (step, service, class, variable)
    pools: Floats  # (step, pool, variable)
    delays: Floats  # (step, service, class, percentile, variable)
    watts: Floats  # (step, pool)
    held: Held
    capacity: Floats
    dt: Floats

    def stream(self, name: str) -> Floats:
        """A variable of the streams, (step, service, class)."""
        return self.streams[..., slot(name)]

    def delay(self, name: str) -> Floats:
        """A latency, (step, service, class, percentile)."""
        return self.delays[..., slot(name)]

    def pool(self, name: str) -> Floats:
        """A variable of the pools, (step, pool)."""
        return self.pools[..., slot(name)]


def run(
    f: Fleet,
    rates: Any,
    *,
    dt: float = 60.0,
    systems: Any = 5.0,
    caps: Any = np.inf,
    most: Any = np.inf,
    relative: bool = False,
    left: Any = 1.0,
    rank: list[int] | None = None,
    held: Held | None = None,
    every: int = 1,
) -> Run:
    """Serve ``rates`` (step, class) requests/s; ``every`` so many steps are an interval."""
    services, classes = f.mix.shape
    rates = np.atleast_2d(np.asarray(rates, dtype=float))
    n, pools = len(rates), len(f.pool)
    held, flow = held or new_held(f), new_flow(f)
    nothing, intervals = np.zeros_like(rates), n // every
    closes = np.full(n, -1, np.int64)
    closes[every - 1 :: every] = np.arange(intervals)
    stream_rows = np.zeros((intervals, services, classes, len(rows("stream"))))
    delay_rows = np.zeros((intervals, services, classes, len(PERCENTILES), len(rows("latency"))))
    pool_rows, watts = np.zeros((intervals, pools, len(rows("pool")))), np.zeros((n, pools))
    serve_block(
        f, held, flow, np.broadcast_to(np.asarray(systems, dtype=float), (pools,)).copy(),
        np.broadcast_to(np.asarray(left, dtype=float), (n, pools)).copy(), np.full(n, dt),
        nothing if relative else rates, rates if relative else nothing,
        np.broadcast_to(np.asarray(caps, dtype=float), (n, services)).copy(),
        np.broadcast_to(np.asarray(most, dtype=float), (n, pools)).copy(), np.array(rank or [], np.int64),
        np.zeros(services + classes), closes, dt * every, np.zeros(1), np.zeros(stream_rows.shape[1:]),
        np.zeros(pool_rows.shape[1:]), np.zeros(delay_rows.shape[1:]), stream_rows, pool_rows, delay_rows, watts,
    )  # fmt: skip
    return Run(stream_rows, pool_rows, delay_rows, watts, held, flow.capacity.copy(), np.full(n, dt))
