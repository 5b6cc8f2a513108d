"""The campus side of a block: what halls and plants draw, carried up to the grid meter, and the energy ledger.

Equations: every element delivers the sum of its children's inputs times their shares, ``P_in`` follows by its loss law
(``twin.power.loss``); the grid meter reads the sum of what the roots draw. Elements stand children before parents,
so one pass is exact. Ledger of a step, every term in J::

    residual = |E_grid - (rejected + losses outdoors + stored)| / (|E_grid| + |out| + sum |C dT|)

with a floor of 1e-6 of the rated energy of a step in the denominator.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Elm
from twin.core.jit import inner, kernel
from twin.core.variables import slot
from twin.engine.book import E_LOSS, E_MAX, E_POWER, GROSS, N_MEAN_ELEMENT, OUTWARD, STORED, flush
from twin.engine.hall import element_input
from twin.site.plan import Arrays

LIMIT = int(Elm.LIMIT)
S_POWER, S_IT, S_COOLING = slot("site_power"), slot("site_it_power"), slot("site_cooling_power")
S_LOSS, S_DB, S_WB = (
    slot("site_electrical_loss"),
    slot("outdoor_dry_bulb_temperature"),
    slot("outdoor_wet_bulb_temperature"),
)
S_MAX, S_RESIDUAL, S_CONTRACT = slot("site_power_maximum"), slot("energy_residual"), slot("contract_power")


@inner
def element_pass(a: Arrays, flows: np.ndarray, acc: np.ndarray, first: int, dt: float) -> tuple[float, float]:
    """Carry the loads of the campus elements upward: (power at the meter, losses), W."""
    grid = 0.0
    loss = 0.0
    for e in range(first, a.element.shape[0]):
        row = a.element[e]
        flow = flows[e]
        into = element_input(row, flow)
        loss += into - flow
        for i in range(a.feed_ptr[e], a.feed_ptr[e + 1]):
            if a.feed[i] < 0:
                grid += a.feed_share[i] * into
            else:
                flows[a.feed[i]] += a.feed_share[i] * into
        cell = acc[e]
        cell[E_POWER] += flow * dt
        cell[E_LOSS] += (into - flow) * dt
        if row[LIMIT] > 0.0:
            cell[E_MAX] = max(cell[E_MAX], flow / row[LIMIT])
    return grid, loss


@kernel
def run_campus(
    a: Arrays,
    flows: np.ndarray,
    acc: np.ndarray,
    rows: np.ndarray,
    first: int,
    dts: np.ndarray,
    closes: np.ndarray,
    interval_s: float,
    weather: np.ndarray,
    port_power: np.ndarray,
    ledger: np.ndarray,
    contract: np.ndarray,
    rated: float,
    site: np.ndarray,
    site_rows: np.ndarray,
) -> None:
    """Close a block.

    ``flows`` (element) W scratch, ``acc`` and ``rows`` of the elements, ``first`` campus element, ``rated`` IT power
    (W), ``site`` accumulators, ``site_rows`` (interval, variable). IT, cooling and loss means follow from the halls'
    rows in ``twin.engine.run``; here power, maxima and the residual.
    """
    for n in range(dts.shape[0]):
        dt = dts[n]
        for e in range(first, a.element.shape[0]):
            flows[e] = 0.0
        for i in range(a.port.shape[0]):
            flows[a.port[i]] += port_power[n, i]
        grid, loss = element_pass(a, flows, acc, first, dt)
        outward = loss * dt
        stored = 0.0
        gross = 0.0
        for i in range(ledger.shape[1]):
            outward += ledger[n, i, OUTWARD]
            stored += ledger[n, i, STORED]
            gross += ledger[n, i, GROSS]
        scale = max(abs(grid * dt) + abs(outward) + gross, 1e-6 * rated * dt)
        residual = abs(grid * dt - outward - stored) / scale
        site[S_POWER] += grid * dt
        site[S_LOSS] += loss * dt
        site[S_DB] += weather[n, 0] * dt
        site[S_WB] += weather[n, 1] * dt
        site[S_MAX] = max(site[S_MAX], grid)
        site[S_RESIDUAL] = max(site[S_RESIDUAL], residual)
        site[S_CONTRACT] = contract[n]
        if closes[n] >= 0:
            for v in range(site.shape[0]):
                site_rows[closes[n], v] = site[v] / interval_s if v < S_MAX else site[v]
                site[v] = 0.0
            flush(acc, rows[closes[n]], N_MEAN_ELEMENT, first, a.element.shape[0], interval_s)
