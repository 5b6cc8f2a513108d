"""Power parameters from a meter log: values, 90 % intervals, and what the data can and cannot tell.

Equations (P metered, m model, theta parameters, prior of centre theta_0 and SD s = band / sqrt 12)::

    r = (P - m(theta)) / m(theta of the round before)                 relative: residuals grow with power
    minimise  sum h r^2 / (sigma^2 c)  +  sum ((theta - theta_0) / s)^2
    theta* = theta + H^-1 [J' h e* / (sigma^2 c) + z / s]             one step per bootstrap sample

h are Huber's weights, sigma the robust SD of r, c = 1 + 2 sum of its correlations (readings are not independent),
e* blocks of residuals drawn with replacement, z standard normal. A parameter whose interval is not much narrower than
its prior's is not identified: the entry keeps the prior. Deterministic for a seed.

Range: readings of 1 s to some minutes; gaps are passed over; bounded parameters cut their interval at the bound.
Source: Kuensch, Ann. Statist. 17 (1989) 1217, doi 10.1214/aos/1176347265 (block bootstrap); Huber, Ann. Math. Statist.
35 (1964) 73, doi 10.1214/aoms/1177703732.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from twin.analysis.least_squares import jacobian, least_squares
from twin.analysis.meter_log import MeterLog
from twin.analysis.power_laws import KINDS, Law, Unknown, law_of
from twin.core.errors import did_you_mean, one, option
from twin.core.params import Figure
from twin.inference.draw import Draw
from twin.site.dump import dump

Floats = NDArray[np.float64]
SAMPLES = 400
HUBER = 1.345
ENDS = (0.05, 0.95)
IDENTIFIED, PARTLY = 0.5, 0.75  # width of the interval per that of the normal prior
NORMAL_90 = 3.29  # width of 90 % of a normal distribution, in SDs
MIDDLE, STEADY = (0.1, 0.9), 0.2  # range of the relative residuals without tokens: above it, something else works
LOOSE = 0.15  # robust SD of the relative residuals above which the law says little


@dataclass(frozen=True)
class Estimate:
    """A parameter after the fit: value and 90 % interval; ``verdict`` is identified, partly, not identified or, for
    the power without tokens where it is not steady, doubtful."""

    key: str
    unit: str
    text: str
    value: float
    low: float
    high: float
    prior_low: float
    prior_high: float
    verdict: str


@dataclass(frozen=True)
class Calibration:
    """The result: estimates, sentences on what the data can tell, and the entry for a library."""

    kind: str
    log: str
    readings: int
    interval_s: float
    most_tokens_per_s: float
    residual_sd: float
    estimates: tuple[Estimate, ...]
    says: tuple[str, ...]
    draw: Draw

    def yaml(self) -> str:
        """The entry as it stands in ``library/draws``."""
        return dump(self.draw.model_dump(exclude_none=True))


def check_kind(kind: str) -> None:
    """Raise ``InputError`` for a kind that has no law."""
    if kind not in KINDS:
        raise one(
            f'unknown kind "{kind}"{did_you_mean(kind, KINDS) or "; expected " + " or ".join(KINDS)}',
            path=option("kind="),
        )


def calibrate_power(
    log: MeterLog, kind: str, *, systems: float = 1.0, most_tokens_per_s: float | None = None, seed: int = 1
) -> Calibration:
    """Fit the law of ``kind`` (``cs3`` or ``gpu``) to ``log``, which meters ``systems`` systems.

    ``most_tokens_per_s``: the largest rate of what is metered; without it the log's own (99.9th percentile).
    """
    check_kind(kind)
    most = float(np.quantile(log.tokens_per_s, 0.999)) if most_tokens_per_s is None else most_tokens_per_s
    if most <= 0.0:
        raise one("there are no tokens in the log: power against load cannot be told", file=log.name)
    power, u = log.power_kw / systems, log.tokens_per_s / most
    if u.max() > 1.05 and most_tokens_per_s is not None:
        raise one(f"the log reaches {log.tokens_per_s.max():g} tokens/s, above --most {most:g}", file=log.name)
    law = law_of(kind, float(np.quantile(power, 0.99)))
    model = _Model(law, log.time_s, u)
    fit = _fit(model, power, seed)
    estimates = tuple(_estimate(n, v, s) for n, v, s in zip(law.unknowns, fit.x, fit.samples.T, strict=True))
    if log.interval_s > law.unknowns[-1].band[1]:  # a load that steps inside an interval looks like a lag
        estimates = (*estimates[:-1], replace(estimates[-1], verdict="not identified"))
    if unsteady := _unsteady(power, u, fit.residual):
        estimates = tuple(replace(e, verdict="doubtful") if e.key == "idle_kw" else e for e in estimates)
    told = _says(log, u, estimates, most_tokens_per_s is None)
    says = tuple(sentence for sentence in (*told, unsteady, _scatter(fit.sigma)) if sentence)
    source = f"own meter log {log.name}, {u.size} readings of {log.interval_s:g} s"
    figures = {e.key: _figure(e, n, source) for e, n in zip(estimates, law.unknowns, strict=True)}
    _apart(figures, law, float(np.quantile(power, 0.05)), log.name)
    try:
        draw = law.entry(f"Power by {log.name}", " ".join(says), figures)
    except ValidationError as error:
        words = "; ".join(str(fault["msg"]) for fault in error.errors())
        raise one(f"the figures make no draw: {words}; check units and --systems", file=log.name) from None
    return Calibration(kind, log.name, u.size, log.interval_s, most, fit.sigma, estimates, says, draw)


class _Model:
    """The law on the times of a log."""

    def __init__(self, law: Law, time_s: Floats, u: Floats) -> None:
        self.law, self.u, self.busy = law, u, (u > 0.0).astype(float)
        self.step = float(np.median(np.diff(time_s)))
        starts = np.flatnonzero(np.diff(time_s, prepend=-np.inf) > 1.5 * self.step)
        self.pieces = [slice(a, b) for a, b in zip(starts, [*starts[1:], u.size], strict=True)]

    def __call__(self, x: Floats) -> Floats:
        """Mean power (n) over each interval: the lagged law, every piece between gaps starting at rest."""
        target = self.law.power_kw(x, self.u, self.busy)
        z = self.step / x[-1]
        left, mean_left = np.exp(-z), -np.expm1(-z) / z
        out = np.empty_like(target)
        for piece in self.pieces:
            goal = target[piece]
            start = np.concatenate([goal[:1], _followed(goal, float(left))[:-1]])
            out[piece] = goal + (start - goal) * mean_left
        return out


def _followed(goal: Floats, left: float) -> Floats:
    """y_k = left y_(k-1) + (1 - left) goal_k from y = goal_0: a geometric sum by doubling."""
    first = goal[0]
    y = (1.0 - left) * (goal - first)
    reach, share = 1, left
    while reach < y.size and share > 1e-12:
        y[reach:] = y[reach:] + share * y[:-reach]
        reach, share = 2 * reach, share * share
    return np.asarray(y + first)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Parameters (p), bootstrap samples of them (s, p), relative residuals (n) and their robust SD."""

    x: Floats
    samples: Floats
    residual: Floats
    sigma: float


def _fit(model: _Model, power: Floats, seed: int) -> _Fit:
    """Weights, the scale of the residuals and the parameters in turns, until they stay."""
    unknowns = model.law.unknowns
    low, high = (np.array([getattr(n, end) for n in unknowns]) for end in ("least", "most"))
    x = centre = np.array([n.prior.value for n in unknowns])
    spread = np.array([(n.band[1] - n.band[0]) / 12**0.5 for n in unknowns])
    scale = np.full(power.size, float(np.median(power)))

    def residual(x: Floats) -> Floats:
        return np.concatenate([(power - model(x)) / scale, (x - centre) / spread])

    n, sigma, c, weight = power.size, 0.1, 1.0, np.ones(power.size)
    r = weight
    for _ in range(8):
        before = x
        x = least_squares(residual, x, low, high, np.concatenate([weight / (sigma**2 * c), np.ones(x.size)]))
        scale = np.maximum(model(x), 1e-3)  # a scale that is fitted along would draw the model upward
        r = residual(x)[:n]
        sigma = max(1.4826 * float(np.median(np.abs(r - np.median(r)))), 1e-4)
        weight = np.minimum(1.0, HUBER * sigma / np.maximum(np.abs(r), 1e-12))
        c = _correlated(np.clip(r, -3.0 * sigma, 3.0 * sigma))
        if np.max(np.abs(x - before) / spread) < 1e-4:
            break
    J = jacobian(residual, x, low, high)[:n]
    return _Fit(x, _bootstrap(x, J, r / sigma, weight, (spread, c, sigma), seed), r, sigma)


def _bootstrap(
    x: Floats, J: Floats, e: Floats, weight: Floats, scales: tuple[Floats, float, float], seed: int
) -> Floats:
    """Samples (s, p) by blocks of standardised residuals ``e``, one Newton step each; they may pass the bounds."""
    spread, c, sigma = scales
    n, J = e.size, J / sigma
    psi = weight * e
    straight = float(np.mean(np.abs(e) < HUBER)) / float(np.mean(weight))  # slope of Huber's score per its weight
    H = straight * J.T @ (weight[:, None] * J) / c + np.diag(spread**-2.0)
    psi = (psi - psi.mean()) / np.sqrt(max(1.0 - x.size * c / n, 0.25))  # what the fit took up
    draw = np.random.default_rng(seed)
    block = int(np.clip(np.ceil(10.0 * c), n ** (1 / 3), n / 10))
    blocks, offset = -(-n // block), np.arange(block)
    # An outlier counts for less where it stands, too: its place keeps the weight's root.
    score = (np.sqrt(weight / np.mean(weight))[:, None] * J).T / c
    samples = []
    for _ in range(SAMPLES):
        at = (draw.integers(0, n, blocks)[:, None] + offset).ravel()[:n] % n
        noise = score @ psi[at] + draw.standard_normal(x.size) / spread
        samples.append(x - np.linalg.solve(H, noise))
    return np.array(samples)


def _correlated(r: Floats) -> float:
    """1 + 2 sum of the correlations of ``r`` up to the first that is not positive; at most a tenth of the readings."""
    r = r - r.mean()
    total, variance = 1.0, float(r @ r)
    for k in range(1, r.size // 10):
        rho = float(r[:-k] @ r[k:]) / variance if variance > 0.0 else 0.0
        if rho <= 0.02:
            break
        total += 2.0 * rho
    return total


def _estimate(unknown: Unknown, value: float, samples: Floats) -> Estimate:
    """A parameter with its interval and verdict."""
    low, high = (float(q) for q in np.quantile(samples, ENDS))
    prior_low, prior_high = unknown.band
    width = (high - low) / (NORMAL_90 * (prior_high - prior_low) / 12**0.5)
    verdict = "identified" if width <= IDENTIFIED else "partly" if width <= PARTLY else "not identified"
    value = float(value)
    low, high = max(min(low, value), unknown.least), min(max(high, value), unknown.most)
    return Estimate(unknown.key, unknown.unit, unknown.text, value, low, high, prior_low, prior_high, verdict)


def _unsteady(power: Floats, u: Floats, residual: Floats) -> str:
    """A sentence where power without tokens does not follow the law (its lag included), else nothing."""
    without, off = power[u == 0.0], residual[u == 0.0]
    if not without.size or np.ptp(np.quantile(off, MIDDLE)) <= STEADY:
        return ""
    low, high = np.quantile(without, MIDDLE)
    return (
        f"Power without tokens goes from {low:.3g} to {high:.3g} kW: work that makes no tokens (loading, warming up) "
        "is in the log. What was fitted is no idle power; cut that time out."
    )


def _figure(estimate: Estimate, unknown: Unknown, source: str) -> Figure:
    """What the entry says: measured, measured with the prior's help, or the prior."""
    if estimate.verdict in ("not identified", "doubtful"):
        return unknown.prior
    whole = estimate.verdict == "identified"
    return Figure(
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        source=source + (", 90 % interval" if whole else ", 90 % interval, leaning on the prior"),
        confidence="measured" if whole else "estimate",
    )


def _apart(figures: dict[str, Figure], law: Law, lowest_kw: float, file: str) -> None:
    """Idle below the top: a prior of idle ends at the lowest power of the log, intervals that meet end half-way."""
    low_key, top_key = law.unknowns[0].key, law.unknowns[1].key
    idle, top = figures[low_key], figures[top_key]
    if idle is law.unknowns[0].prior and max(idle.value, idle.high or idle.value) > lowest_kw:
        ends = {k: None if (v := getattr(idle, k)) is None else min(v, lowest_kw) for k in ("low", "value", "high")}
        idle = idle.model_copy(update={**ends, "source": idle.source + ", cut at the lowest power of the log"})
    if idle.value > top.value:
        raise one(
            f"power without tokens ({idle.value:.4g} kW) is above power at the largest rate ({top.value:.4g} kW): the "
            "log does not fit this kind; check its columns, units and --systems",
            file=file,
        )
    half = 0.5 * (idle.value + top.value)
    if idle.high is not None and idle.high > half:
        idle = idle.model_copy(update={"high": half})
    if top.low is not None and top.low < half:
        top = top.model_copy(update={"low": half})
    figures[low_key], figures[top_key] = idle, top


def _says(log: MeterLog, u: Floats, estimates: tuple[Estimate, ...], assumed: bool) -> list[str]:
    """What the data can and cannot tell, in sentences."""
    idle, shape, lag = (next(e for e in estimates if e.key in keys) for keys in
                        (("idle_kw",), ("busy_weight", "half_share"), ("lag_s",)))  # fmt: skip
    zero, lowest, between = int(np.sum(u == 0.0)), float(u.min()), float(np.mean((u > 0.05) & (u < 0.8)))
    seen = f"{zero} of {u.size} readings are without tokens" if zero else f"Load never below {100 * lowest:.0f} %"
    says = [f"{seen}: {idle.key} is {_word(idle)}."]
    says.append(
        f"{100 * between:.0f} % of the readings are between 5 and 80 % of the load: {shape.key} is {_word(shape)}."
    )
    says.append(f"Readings every {log.interval_s:g} s: {lag.key} is {_word(lag)}.")
    if assumed:
        says.append("The log's largest rate stands for the largest that is possible (--most says otherwise).")
    elif u.max() < 0.9:
        says.append(f"Load never above {100 * u.max():.0f} %: power at the largest rate is extrapolated.")
    return says


def _scatter(sigma: float) -> str:
    """How close the readings lie."""
    about = f"Readings scatter by {100 * sigma:.1f} %"
    return about + (": the law hardly follows this log." if sigma > LOOSE else ".")


def _word(estimate: Estimate) -> str:
    """The verdict as it ends a sentence."""
    kept = {
        "not identified": "not identified, its band stays the prior",
        "doubtful": "doubtful, its band stays the prior",
        "partly": "identified in part, leaning on the prior",
    }
    return kept.get(estimate.verdict, estimate.verdict)


__all__ = ["Calibration", "Estimate", "calibrate_power", "check_kind"]
