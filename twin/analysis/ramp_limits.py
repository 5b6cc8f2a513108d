"""What the grid allows, from the site, the rules that it names, or an option; and whether each of them is kept.

A rule that a run of ramps cannot judge (recovery, ride-through, distortion) is told as not judged, never as kept.
Equation of the voltage step: ``twin.power.ride_through.voltage_step`` with X/R = 10 (estimate for a 110-345 kV grid).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from twin.core.params import Figure
from twin.core.units import MW, amount
from twin.power.grid_rule import GridRule
from twin.power.ride_through import voltage_step
from twin.power.swing import band_share
from twin.site.load import LoadedSite

if TYPE_CHECKING:
    from twin.analysis.ramp import Swings

MINUTE = 60.0
# Steps that belong to normal operation.
NORMAL = ("start of the largest job", "start of the largest hall", "largest energisation")


@dataclass(frozen=True)
class Limits:
    """The limits that hold, None where there is none: ramps and flanks in W/s, range in W; each with its source."""

    ramp_w_s: float | None
    ramp_source: str
    flank_w_s: float | None
    flank_source: str
    range_w: float | None
    rules: tuple[tuple[str, GridRule], ...]


@dataclass(frozen=True)
class Verdict:
    """One limit and what the site does: ``kept`` None where it cannot be judged here; texts carry their units."""

    what: str
    limit: str
    found: str
    kept: bool | None
    source: str


def limits_for(loaded: LoadedSite, limit_mw_min: float | None, limit_mw_s: float | None) -> Limits:
    """The limits of a site, the tightest of its own and of its rules; options replace them."""
    grid = loaded.site.grid
    rules = tuple((id, loaded.library.get(id, GridRule)) for id in (grid.rules if grid else ()))
    ramp: list[tuple[float, str]] = []
    if limit_mw_min is not None:
        ramp = [(limit_mw_min, "as asked for")]
    elif grid is not None:
        ramp = [(grid.ramp_limit_mw_min, "grid.ramp_limit_mw_min of the site")] if grid.ramp_limit_mw_min else []
        ramp += [(rule.ramp_mw_min.value, _sourced(id, "ramp_mw_min", rule.ramp_mw_min))
                 for id, rule in rules if rule.ramp_mw_min is not None]  # fmt: skip
    tightest = min(ramp, default=None)
    flank = limit_mw_s if limit_mw_s is not None else grid.swing_limit_mw_s if grid else None
    return Limits(
        None if tightest is None else tightest[0] * MW / MINUTE,
        "" if tightest is None else tightest[1],
        None if flank is None else flank * MW,
        "as asked for" if limit_mw_s is not None else "grid.swing_limit_mw_s of the site",
        None if grid is None or grid.swing_range_mw is None else grid.swing_range_mw * MW,
        rules,
    )


def verdicts(
    loaded: LoadedSite, limits: Limits, ramps: Mapping[float, float], swings: Swings, steps: Mapping[str, float]
) -> list[Verdict]:
    """Every limit against what was found; ``ramps`` the steepest of each window (s), >= 0 W/s, ``steps`` in W."""
    found = []
    if limits.ramp_w_s is not None:
        for window, rate in sorted(ramps.items()):
            limit = f"{limits.ramp_w_s * MINUTE / MW:g} MW/min"
            kept = rate <= limits.ramp_w_s * (1.0 + 1e-9)
            said = f"{rate * MINUTE / MW:.3g} MW/min"
            found.append(Verdict(f"ramp over {window / MINUTE:g} min", limit, said, kept, limits.ramp_source))
    if limits.flank_w_s is not None and swings.jobs:
        kept = swings.flank_w_s <= limits.flank_w_s
        said = f"{amount(swings.flank_w_s / MW)} MW/s" if swings.flank_w_s < inf else "without limit"
        limit = f"{limits.flank_w_s / MW:g} MW/s"
        found.append(Verdict("flank of swings", limit, said, kept, limits.flank_source))
    if limits.range_w is not None and swings.jobs:
        kept = swings.range_w <= limits.range_w
        said, limit = f"{swings.range_w / MW:.3g} MW", f"{limits.range_w / MW:g} MW"
        found.append(Verdict("range of swings", limit, said, kept, "grid.swing_range_mw of the site"))
    for id, rule in limits.rules:
        found += _of_rule(loaded, id, rule, swings, steps)
    return found


def _of_rule(loaded: LoadedSite, id: str, rule: GridRule, swings: Swings, steps: Mapping[str, float]) -> list[Verdict]:
    """What one rule asks for beyond ramps."""
    found = []
    if rule.band_share and rule.band_low_hz and rule.band_high_hz and swings.jobs:
        band = (rule.band_low_hz.value, rule.band_high_hz.value)
        share = band_share([one.seen for one in swings.jobs], band, swings.stages_s)
        found.append(
            Verdict(
                f"energy of swings at {band[0]:g}-{band[1]:g} Hz", f"{100 * rule.band_share.value:g} %",
                f"{100 * share:.0f} %", share <= rule.band_share.value, _sourced(id, "band_share", rule.band_share),
            )
        )  # fmt: skip
    has, slack = loaded.site.electrical.power_factor, 1e-12
    if (least := rule.power_factor_min) is not None:
        source = _sourced(id, "power_factor_min", least)
        found.append(Verdict("power factor, least", f"{least.value:g}", f"{has:g}", has >= least.value - slack, source))
    if (most := rule.power_factor_max) is not None:
        source = _sourced(id, "power_factor_max", most)
        found.append(Verdict("power factor, most", f"{most.value:g}", f"{has:g}", has <= most.value + slack, source))
    if rule.voltage_step is not None:
        found.append(_voltage(loaded, id, rule.voltage_step, steps))
    if rule.recovery_share and rule.recovery_s:
        limit = f"{100 * rule.recovery_share.value:g} % within {rule.recovery_s.value:g} s"
        source = _sourced(id, "recovery_share", rule.recovery_share)
        found.append(Verdict("recovery after a sag", limit, "not judged by ramps", None, source))
    if rule.sag_pu and rule.sag_s:
        limit = f"{rule.sag_pu.value:g} pu for {rule.sag_s.value:g} s"
        found.append(Verdict("ride-through", limit, "not judged by ramps", None, _sourced(id, "sag_pu", rule.sag_pu)))
    if rule.distortion_max is not None:
        limit = f"{100 * rule.distortion_max.value:g} %"
        source = _sourced(id, "distortion_max", rule.distortion_max)
        found.append(Verdict("harmonic distortion", limit, "not judged by ramps", None, source))
    return found


def _voltage(loaded: LoadedSite, id: str, limit: Figure, steps: Mapping[str, float]) -> Verdict:
    """The sudden change of voltage of the largest step of normal operation."""
    grid, source = loaded.site.grid, _sourced(id, "voltage_step", limit)
    text = f"{100 * limit.value:g} %"
    if grid is None or grid.short_circuit_mva is None:
        return Verdict("voltage step", text, "unknown: the site has no grid.short_circuit_mva", None, source)
    name, largest = max(((n, w) for n, w in steps.items() if n in NORMAL), key=lambda item: abs(item[1]))
    change = abs(voltage_step(largest, loaded.site.electrical.power_factor, grid.short_circuit_mva * MW))
    return Verdict("voltage step", text, f"{100 * change:.2g} % ({name})", change <= limit.value, source)


def _sourced(id: str, key: str, figure: Figure) -> str:
    return f"{id}.{key}: {figure.source} ({figure.confidence})"


__all__ = ["Limits", "Verdict", "limits_for", "verdicts"]
