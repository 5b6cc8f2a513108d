"""The fleet over a block of steps: demand, routing, admission, service, power, and the ledger of requests.

Equations of a service and class (q waiting, n in service, lambda routed, a taken, T = L tau_eff)::

    a dt <= lambda dt + q                     queue' = q + lambda dt - a dt - shed
    dn/dt = a - n/T                           exact over the step: n* = a T, n' = n* + (n - n*) e^{-dt/T}
    completed = a dt - (n' - n)               so that offered = completed + shed + change of (queue + n), always
    P = P* + (P_0 - P*) e^{-t/lag}            power follows its working point with a first-order lag, step mean kept

Who is refused and who is put off says ``twin.inference.patience``.
"""

from __future__ import annotations

from math import exp

import numpy as np

from twin.core.integrate import phi1
from twin.core.jit import constant, inner, kernel
from twin.core.variables import rows, slot
from twin.inference.fleet import Binding, Class, Fleet, Flow, Held, Pool
from twin.inference.latency import SLOWEST, add_latencies
from twin.inference.patience import fill_patience, leave_queue
from twin.inference.routing import route
from twin.inference.service import FULL, admit, system_power, working_point

OUTPUT = int(Class.OUTPUT)
SYSTEMS, IDLE, LAG = int(Pool.SYSTEMS), int(Pool.IDLE), int(Pool.LAG)
NONE, BY_POWER, BY_HEAT = constant(Binding.NONE), constant(Binding.POWER), constant(Binding.HEAT)
# Percentiles cost as much as the rest of a step: for the hours of a year, one in five minutes tells as much.
LATENCY_EVERY_S = 300.0
LIMIT_STEPS = 32
LIMIT_CLOSE = 12
MUCH = 1e9
UNCAPPED = 1e18
OFFERED, COMPLETED, REFUSED = slot("pool_offered_rate"), slot("pool_served_rate"), slot("pool_shed_rate")
TOKENS, QUEUE, ACTIVE = slot("pool_token_rate"), slot("pool_queue_length"), slot("pool_active_requests")
BACKLOG = slot("pool_backlog")
WATTS, BATCH, BUSY, STEP_S = slot("pool_power"), slot("pool_batch"), slot("pool_utilization"), slot("pool_step_time")
BOUND, ENERGISED = slot("pool_binding"), slot("pool_systems")
DELAY_MEANS = constant(len(rows("latency", "mean")))
STREAM_MEANS, POOL_MEANS = constant(len(rows("stream", "mean"))), constant(len(rows("pool", "mean")))


@inner
def _replicas(fleet: Fleet, systems: np.ndarray, s: int) -> tuple[float, float]:
    p, d = fleet.prefilling[s], fleet.decoding[s]
    return systems[p] / fleet.pool[p, SYSTEMS], systems[d] / fleet.pool[d, SYSTEMS]


@inner
def capacities(fleet: Fleet, flow: Flow, systems: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` (service) with requests/s of each service's meant mix, all classes alike (no priority)."""
    for s in range(fleet.mix.shape[0]):
        r_p, r_d = _replicas(fleet, systems, s)
        out[s] = meant_capacity(fleet, flow, s, r_p, r_d, 1.0)


@inner
def meant_capacity(fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, limit: float) -> float:
    """Requests/s of the meant mix that a service can take, found with one request/s of it and the limits' slopes."""
    low, high = 0.0, MUCH
    if r_p <= 0.0 or r_d <= 0.0:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high) if low > 0.0 else high * 1e-3
        for c in range(flow.offered.shape[0]):
            flow.offered[c] = middle * fleet.mix[s, c]
        _, _, _, bound = admit(fleet, flow, s, r_p, r_d, limit)
        if bound == NONE:
            low = middle
        else:
            high = middle
        if high - low <= 1e-12 * high:
            break
    return low


@inner
def present(flow: Flow, systems: np.ndarray, left: np.ndarray, n: int) -> bool:
    """Fill ``flow.systems`` with what is left of the energised systems in step ``n``; whether that has changed."""
    changed = n == 0
    for p in range(systems.shape[0]):
        now = systems[p] * left[n, p]
        changed = changed or now != flow.systems[p]
        flow.systems[p] = now
    return changed


@inner
def _power(fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, limit: float) -> tuple[float, float]:
    """Power of a system of each pool with the service's capacity scaled by ``limit``, at the pools' speeds, W."""
    p, d = fleet.prefilling[s], fleet.decoding[s]
    fast_p, fast_d = r_p * flow.speed[p], r_d * flow.speed[d]
    load, tokens, _, _ = admit(fleet, flow, s, fast_p, fast_d, limit)
    rho, batch, _, _ = working_point(fleet, flow, s, load, tokens, fast_p, fast_d)
    first, second = system_power(fleet, s, rho, batch)
    return slowed_power(fleet, flow, p, first), slowed_power(fleet, flow, d, second)


@inner
def slowed_power(fleet: Fleet, flow: Flow, p: int, full: float) -> float:
    """Power of a system that draws ``full`` (W) at full speed: above idle, work costs the same energy at any speed."""
    idle = fleet.draw[p, 0]
    return idle + flow.speed[p] * (full - idle)


@inner
def _fits(
    fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, share: float, cap: float, most: np.ndarray, slow: bool
) -> bool:
    """Whether a service stays under ``cap`` (W) with ``share`` of its capacity, or (``slow``) under what its racks can
    draw, ``most`` (pool) W of a system, with those of its pools that are too hot at ``share`` of their speed."""
    p, d = fleet.prefilling[s], fleet.decoding[s]
    if not slow:
        first, second = _power(fleet, flow, s, r_p, r_d, share)
        return first * r_p * fleet.pool[p, SYSTEMS] + (second * r_d * fleet.pool[d, SYSTEMS] if p != d else 0.0) <= cap
    # Never nought: what is in service where nothing can be drawn stays in service.
    speed = max(share, SLOWEST)
    flow.speed[p] = speed if most[p] < UNCAPPED else 1.0
    flow.speed[d] = speed if most[d] < UNCAPPED else 1.0
    first, second = _power(fleet, flow, s, r_p, r_d, 1.0)
    return first <= most[p] and second <= most[d]


@inner
def _largest(
    fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, cap: float, most: np.ndarray, slow: bool
) -> float:
    """Largest share at which a service fits; power need not be monotone in it."""
    if _fits(fleet, flow, s, r_p, r_d, 1.0, cap, most, slow):
        return 1.0
    high = 1.0
    for n in range(LIMIT_STEPS):
        low = 1.0 - (n + 1.0) / LIMIT_STEPS
        if _fits(fleet, flow, s, r_p, r_d, low, cap, most, slow):
            for _ in range(LIMIT_CLOSE):
                middle = 0.5 * (low + high)
                if _fits(fleet, flow, s, r_p, r_d, middle, cap, most, slow):
                    low = middle
                else:
                    high = middle
            _fits(fleet, flow, s, r_p, r_d, low, cap, most, slow)
            return low
        high = low
    return 0.0


@inner
def _held_back(fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, cap: float, most: np.ndarray) -> float:
    """Set the speeds of a service's pools to what their racks' heat leaves; the share of its capacity under ``cap``."""
    p, d = fleet.prefilling[s], fleet.decoding[s]
    flow.speed[p] = flow.speed[d] = 1.0
    if min(most[p], most[d]) < UNCAPPED:
        _largest(fleet, flow, s, r_p, r_d, cap, most, True)
    return _largest(fleet, flow, s, r_p, r_d, cap, most, False) if cap < UNCAPPED else 1.0


@inner
def _limits(fleet: Fleet, flow: Flow, caps: np.ndarray, most: np.ndarray) -> None:
    """Fill ``flow.limit``: the share of its capacity that caps and hot racks leave to each service at its meant mix."""
    for s in range(caps.shape[0]):
        p, d = fleet.prefilling[s], fleet.decoding[s]
        for c in range(flow.offered.shape[0]):
            flow.offered[c] = fleet.mix[s, c] * flow.capacity[s]
        r_p, r_d = _replicas(fleet, flow.systems, s)
        flow.limit[s] = _held_back(fleet, flow, s, r_p, r_d, caps[s], most) * min(flow.speed[p], flow.speed[d])


@inner
def _advance_class(
    fleet: Fleet, held: Held, flow: Flow, s: int, c: int, tau: float, dt: float, out: np.ndarray
) -> float:
    """Queue and requests in service of a class over a step; returns the step-mean requests in service."""
    arrived, taken = flow.routed[s, c] * dt, flow.taken[c]
    time = fleet.cls[c, OUTPUT] * tau
    n0 = held.active[s, c]
    z = dt / time if time > 1e-9 * dt else 1e9
    steady = taken * time
    n1 = steady + (n0 - steady) * exp(-min(z, 700.0))
    mean: float = steady + (n0 - steady) * phi1(z)
    queue, shed = leave_queue(fleet, held, flow, s, c, arrived, dt)
    # From the balances, so that the ledger closes in floating point.
    entered = held.queue[s, c] + arrived - queue - shed
    completed = entered - (n1 - n0)
    held.queue[s, c] = queue
    held.active[s, c] = n1
    row = out[s, c]
    row[OFFERED] += arrived
    row[COMPLETED] += completed
    row[REFUSED] += shed
    row[TOKENS] += fleet.cls[c, OUTPUT] * (mean / time * dt if z < 1e9 else completed)
    row[QUEUE] += queue * dt
    row[ACTIVE] += mean * dt
    row[BACKLOG] = queue + n1
    return mean


@inner
def _pool_out(
    held: Held, fleet: Fleet, p: int, systems: float, power: float, batch: float, busy: float, tau: float, bound: int,
    dt: float, most: float, out: np.ndarray,
) -> float:  # fmt: skip
    """Book a pool's step; returns the step-mean power of a system after its lag, W.

    Below ``UNCAPPED``, ``most`` is what its racks draw at their junction limit, measured, not predicted.
    """
    before = held.power[p] if held.power[p] >= 0.0 else power
    lag = fleet.pool[p, LAG]
    z = dt / lag if lag > 0.0 else 1e9
    held.power[p] = power + (before - power) * exp(-min(z, 700.0))
    mean: float = power + (before - power) * phi1(z)
    if most < UNCAPPED:
        mean = most
    row = out[p]
    row[WATTS] += mean * systems * dt
    row[BATCH] += batch * dt
    row[BUSY] += busy * dt
    row[STEP_S] += tau * dt
    row[BOUND] = max(row[BOUND], float(bound))
    row[ENERGISED] = systems
    return mean


@inner
def _advance_service(
    fleet: Fleet, held: Held, flow: Flow, s: int, cap: float, most: np.ndarray, dt: float, since: float,
    streams: np.ndarray, pools: np.ndarray, delays: np.ndarray, watts: np.ndarray,
) -> None:  # fmt: skip
    """One service over one step; writes the step-mean power of a system of its pools to ``watts``.

    ``since`` > 0: latencies stand for the last so many seconds; none are found where ``delays`` has no percentiles.
    """
    p, d = fleet.prefilling[s], fleet.decoding[s]
    systems = flow.systems
    r_p, r_d = _replicas(fleet, systems, s)
    classes = flow.offered.shape[0]
    for c in range(classes):
        flow.offered[c] = flow.routed[s, c] + held.queue[s, c] / dt
    limit = _held_back(fleet, flow, s, r_p, r_d, cap, most)
    fast_p, fast_d = r_p * flow.speed[p], r_d * flow.speed[d]
    load, tokens, used, bound = admit(fleet, flow, s, fast_p, fast_d, limit)
    if limit < 1.0 and bound != NONE:
        bound = BY_POWER
    elif min(flow.speed[p], flow.speed[d]) < 1.0:
        bound = BY_HEAT
    rho, steady, tau, stall = working_point(fleet, flow, s, load, tokens, fast_p, fast_d)
    tau /= flow.speed[d]
    if bound != NONE:
        fill_patience(fleet, flow, s, r_p, r_d, steady)
    serving = 0.0
    for c in range(classes):
        serving += _advance_class(fleet, held, flow, s, c, tau, dt, streams)
    if since > 0.0 and delays.shape[2] > 0:
        add_latencies(fleet, flow, held.queue[s], held.age[s], s, r_p, r_d, steady, stall, since, delays[s])
    mean_batch = serving / r_d if r_d > 0.0 else 0.0
    first, second = system_power(fleet, s, rho, mean_batch)
    flow.full[p] = first
    flow.full[d] = second
    first, second = slowed_power(fleet, flow, p, first), slowed_power(fleet, flow, d, second)
    prompts = rho / FULL
    busy = max(prompts, used) if p == d else used
    watts[d] = _pool_out(held, fleet, d, systems[d], second, mean_batch, busy, tau, bound, dt, most[d], pools)
    if p != d:
        watts[p] = _pool_out(held, fleet, p, systems[p], first, 0.0, prompts, 0.0, bound, dt, most[p], pools)


@kernel
def serve_block(
    fleet: Fleet, held: Held, flow: Flow, systems: np.ndarray, left: np.ndarray, dts: np.ndarray, absolute: np.ndarray,
    relative: np.ndarray, caps: np.ndarray, most: np.ndarray, rank: np.ndarray, room: np.ndarray, closes: np.ndarray,
    interval_s: float, since: np.ndarray, streams: np.ndarray, pools: np.ndarray, delays: np.ndarray,
    stream_rows: np.ndarray, pool_rows: np.ndarray, delay_rows: np.ndarray, watts: np.ndarray,
) -> None:  # fmt: skip
    """Advance the fleet over steps between two events.

    ``systems`` (pool) energised, ``left`` (step, pool) the share of them that is not lost; ``dts`` (step) s; demand of
    a class is ``absolute`` (step, class) requests/s plus ``relative`` (step, class) per capacity of the energised
    services that are meant for it; ``caps`` (step, service) W, inf without; ``most`` (step, pool) W of a system whose
    racks are at their junction limit, inf without; ``rank`` (service) order of filling, empty: in proportion;
    ``closes`` (step) interval that ends here, -1 none. Adds to ``since`` (1) s without latencies, ``streams`` (service,
    class, variable), ``pools`` (pool, variable) and ``delays`` (service, class, percentile, variable; no latencies
    where it holds no percentiles), flushes them to the rows of the interval and writes ``watts`` (step, pool),
    step-mean power of a system.
    """
    services, classes = fleet.mix.shape
    rates = room[services:]
    capacities(fleet, flow, systems, flow.built)
    for n in range(dts.shape[0]):
        if present(flow, systems, left, n):
            capacities(fleet, flow, flow.systems, flow.capacity)
        for c in range(classes):
            own = 0.0
            for s in range(services):
                own += fleet.mix[s, c] * flow.built[s]
            rates[c] = absolute[n, c] + relative[n, c] * own
        _limits(fleet, flow, caps[n], most[n])
        route(fleet, flow, rates, rank, room[:services])
        since[0] += dts[n]
        told = since[0] if since[0] >= LATENCY_EVERY_S or closes[n] >= 0 else 0.0
        for s in range(services):
            _advance_service(fleet, held, flow, s, caps[n, s], most[n], dts[n], told, streams, pools, delays, watts[n])
        if told > 0.0:
            since[0] = 0.0
        if closes[n] >= 0:
            for s in range(services):
                for c in range(classes):
                    _flush(streams[s, c], stream_rows[closes[n], s, c], STREAM_MEANS, interval_s)
                    for i in range(delays.shape[2]):
                        _flush(delays[s, c, i], delay_rows[closes[n], s, c, i], DELAY_MEANS, interval_s)
            for p in range(pools.shape[0]):
                _flush(pools[p], pool_rows[closes[n], p], POOL_MEANS, interval_s)


@inner
def _flush(acc: np.ndarray, row: np.ndarray, means: int, elapsed: float) -> None:
    """Write accumulators as an interval and clear them."""
    for v in range(acc.shape[0]):
        row[v] = acc[v] / elapsed if v < means else acc[v]
        acc[v] = 0.0


__all__ = ["capacities", "serve_block"]
