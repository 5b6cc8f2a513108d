"""A serving configuration, a draw and workload classes as rows of the fleet's columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twin.core.kept import kept
from twin.core.units import HOUR
from twin.inference.decoding import BATCHING
from twin.inference.draw import Draw
from twin.inference.fleet import PERCENTILES, Class, Pool
from twin.inference.memory import kv_bytes_token
from twin.inference.model import Model
from twin.inference.serving import Serving, factor
from twin.inference.ttft import TABLE, cell_edges, ttft_table
from twin.inference.workload import Workload

Floats = NDArray[np.float64]
# Below one active sequence a replica is busy part of the time; above, powers of the batch.
PART_OF_THE_TIME = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)
POINTS = 64
# What only computes prompts (or a picture) has its answer with them.
AT_ONCE_S = 1e-9


def batch_grid(serving: Serving) -> Floats:
    """Batches (POINTS) of a replica, ascending from 0 to its largest."""
    if serving.decode_step_s is None:
        return np.linspace(0.0, 1.0, POINTS)
    top = max(serving.max_batch.value, 1.0 + 1e-6)
    return np.concatenate([PART_OF_THE_TIME, np.geomspace(1.0, top, POINTS - len(PART_OF_THE_TIME))])


def pool_tables(serving: Serving, draw: Draw) -> dict[str, Floats]:
    """``batch, step, rate, most, draw`` (POINTS) of a pool; see :class:`twin.inference.fleet.Fleet`."""
    batch = batch_grid(serving)
    if serving.decode_step_s is None:
        step = np.full(POINTS, AT_ONCE_S)
    else:
        step = serving.step_time(np.maximum(batch, 1.0))
    rate = batch / step
    most = np.maximum.accumulate(rate)
    return {"batch": batch, "step": step, "rate": rate, "most": most, "draw": draw.decode_w(batch, rate / most[-1])}


def pool_row(serving: Serving, draw: Draw) -> list[float]:
    """Row of :class:`Pool` columns."""
    row = [0.0] * len(Pool)
    row[Pool.SYSTEMS], row[Pool.IDLE], row[Pool.PREFILL] = serving.systems_per_replica, draw.idle_w(), draw.prefill_w()
    row[Pool.KV], row[Pool.LAG] = serving.kv_tokens.value, draw.lag_s.value
    row[Pool.BATCHING], row[Pool.CHUNK] = BATCHING[serving.batching], serving.chunk_tokens
    return row


def class_row(workload: Workload) -> list[float]:
    """Row of :class:`Class` columns."""
    tokens_in, tokens_out = workload.input_tokens.mean(), workload.output_tokens.mean()
    row = [0.0] * len(Class)
    row[Class.OUTPUT], row[Class.HELD] = tokens_out, tokens_in + 0.5 * tokens_out
    row[Class.TTFT], row[Class.SHED] = workload.ttft_slo_s.value, float(workload.may_shed)
    row[Class.PROMPT], row[Class.FANO] = float(prompt_tokens(workload).mean()), workload.fano.value
    row[Class.OUTPUT_50 : Class.OUTPUT_99 + 1] = output_percentiles(workload)
    row[Class.DEFER], row[Class.SHARE] = HOUR * workload.may_defer_h, workload.slo_percentile
    return row


def prompt_tokens(workload: Workload) -> Floats:
    """Quantiles of the prompt tokens that have to be computed: prefix hits are not."""
    return np.array(workload.input_tokens.values) * (1.0 - workload.prefix_hit_share.value)


def output_percentiles(workload: Workload) -> list[float]:
    """Generated tokens that 50, 90 and 99 % of the requests stay below."""
    values = workload.output_tokens.values
    middles = (np.arange(len(values)) + 0.5) / len(values)
    return [float(np.interp(p / 100.0, middles, values)) for p in PERCENTILES]


def ttft_tables(pairs: list[tuple[Serving, Workload]]) -> Floats:
    """A table of TTFT for each pair, side by side on threads: each takes 0.3 s, once for all processes.

    It has no scale, so it is made of the times without their speed: samples of the speed share it.
    """
    times = [np.maximum(_table_times(*pair), 1e-9).tobytes() for pair in pairs]
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(_ttft_table, times))
    return np.ascontiguousarray(made)


@lru_cache(maxsize=128)
def _ttft_table(times: bytes) -> Floats:
    """The table of a distribution of prefill times; samples of what is unknown of power and speed share it."""
    return kept("ttft", times, TABLE, lambda: ttft_table(cell_edges(np.frombuffer(times))))


def prefill_times(serving: Serving, workload: Workload) -> Floats:
    """Quantiles of the prefill time on a replica, s; beyond the table along its last slope."""
    return _table_times(serving, workload) / factor(serving.prefill_speed)


def _table_times(serving: Serving, workload: Workload) -> Floats:
    """The same at a speed of 1."""
    table = serving.prefill_s
    if table is None:
        return np.zeros(len(workload.input_tokens.values))
    tokens = prompt_tokens(workload)
    slope = (table.values[-1] - table.values[-2]) / (table.at[-1] - table.at[-2])
    return np.asarray(table.sample(tokens) + slope * np.maximum(0.0, tokens - table.at[-1]))


def transfer_bytes(model: Model, serving: Serving, workload: Workload) -> float:
    """Mean KV bytes of a request that go from prefill to decode, as ``serving`` stores them."""
    once = model.kv_bytes_sequence.value if model.kv_bytes_sequence else 0.0
    return kv_bytes_token(model, serving) * float(prompt_tokens(workload).mean()) + once


__all__ = [
    "POINTS",
    "batch_grid",
    "class_row",
    "pool_row",
    "pool_tables",
    "prefill_times",
    "transfer_bytes",
    "ttft_tables",
]
