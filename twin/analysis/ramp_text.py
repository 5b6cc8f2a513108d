"""Ramps as plain JSON types and as text for a terminal: the same figures, the unit in every key or head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from twin.analysis.curtail import seconds
from twin.analysis.period import values
from twin.analysis.ramp import EFFICIENCY, RESTORE_S, STEP_S, Change, Ramps
from twin.analysis.ramp_causes import Cause
from twin.analysis.ramp_limits import MINUTE, Verdict
from twin.analysis.ramp_swings import SUPPLY_S, Training
from twin.core.units import MW, MWH
from twin.engine.period import stamp
from twin.power.ramp import Need
from twin.power.swing import CRITICAL_HZ, TRAINING_HZ

MOST_CAUSES = 3


def plain(found: Ramps) -> dict[str, Any]:
    """Every figure as plain JSON types."""
    end, limits, store = seconds(found.run), found.limits, found.store
    return {
        "site": found.loaded.site.name,
        "begins_utc": stamp(end[0] - STEP_S),
        "ends_utc": stamp(end[-1]),
        "step_s": STEP_S,
        "metered_peak_mw": float(values(found.run, "site_power").max()) / MW,
        "limit_mw_per_min": None if limits.ramp_w_s is None else limits.ramp_w_s * MINUTE / MW,
        "limit_source": limits.ramp_source,
        "steepest": [_change(one) for one in found.changes],
        "storage": None if store is None else _need(store.need) | {
            "efficiency_one_way": EFFICIENCY, "restored_in_s": RESTORE_S,
            "charge_at_begin_mwh": store.charge_j / MWH,
        },
        "swings": _swings(found),
        "steps": [
            {"name": one.name, "what": one.what, "mw": one.power_w / MW,
             "storage": None if one.need is None else _need(one.need)}
            for one in found.steps
        ],
        "limits": [vars(one) for one in found.verdicts],
        "violated": found.violated,
    }  # fmt: skip


def _change(one: Change) -> dict[str, Any]:
    return {
        "window_s": one.window_s,
        "direction": direction(one),
        "mw_per_min": one.rate_w_s * MINUTE / MW,
        "ends_utc": stamp(one.end_s),
        "causes": [
            {"name": cause.name, "mw": cause.power_w / MW, "energised": list(cause.energised)} for cause in one.causes
        ],
    }


def direction(one: Change) -> str:
    """``up`` or ``down``; changes stand in pairs, the rise first."""
    return "down" if one.rate_w_s < 0.0 else "up"


def _need(need: Need) -> dict[str, Any]:
    return {"mw": need.power_w / MW, "mwh": need.energy_j / MWH, "lasts_s": need.lasts_s}


def _swings(found: Ramps) -> dict[str, Any]:
    swings = found.swings
    return {
        "stages_s": list(swings.stages_s),
        "range_mw": swings.range_w / MW,
        "rms_mw": swings.rms_w / MW,
        "flank_mw_per_s": swings.flank_w_s / MW if swings.flank_w_s < float("inf") else None,
        "energy_share_critical_band": swings.critical_share,
        "energy_share_training_band": swings.training_share,
        "bands_hz": {"critical": list(CRITICAL_HZ), "training": list(TRAINING_HZ)},
        "jobs": [_job(one) for one in swings.jobs],
    }


def _job(one: Training) -> dict[str, Any]:
    up, down = one.left.up_w_s / MW, one.left.down_w_s / MW
    return {
        "load": one.load,
        "halls": list(one.halls),
        "racks": one.racks,
        "period_s": one.job.period_s,
        "duty": one.job.duty,
        "amplitude_mw": one.job.amplitude_w / MW,
        "range_behind_stages_mw": one.left.range_w / MW,
        "up_mw_per_s": up if up < float("inf") else None,
        "down_mw_per_s": down if down < float("inf") else None,
        "start_mw": one.start_w / MW,
        "shelves_kwh": one.stored_j / (MWH / 1e3),
        "taken_by_shelves_mw": (one.job.amplitude_w - one.seen.amplitude_w) / MW,
        "store_mw": one.job.store_w / MW,
        "store_kwh": one.job.store_j / (MWH / 1e3),
    }


def render(found: Ramps) -> str:
    """Text for a terminal."""
    told = plain(found)
    limit = told["limit_mw_per_min"]
    against = "no limit of ramps is known" if limit is None else f"limit {limit:g} MW/min ({told['limit_source']})"
    lines = [
        f"{told['site']}: {told['begins_utc']} .. {told['ends_utc']}, steps of {STEP_S:g} s, "
        f"peak {told['metered_peak_mw']:.1f} MW; {against}",
        "",
        f"{'over':8}{'MW/min':>9}  {'at':22}because of",
        *(_line(one) for one in found.changes),
        "",
        *_store_lines(told),
        *_swing_lines(told["swings"]),
        "",
        f"{'step':26}{'MW':>9}{'store MWh':>11}{'min':>8}  what",
        *(_step_line(one) for one in told["steps"]),
        "",
        *_verdict_lines(found.verdicts),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _line(one: Change) -> str:
    sign = "-" if one.rate_w_s < 0 else "+" if one.rate_w_s > 0 else " "
    rate = f"{sign}{abs(one.rate_w_s) * MINUTE / MW:.3g}"
    when = stamp(one.end_s) if one.rate_w_s else "never"
    return f"{one.window_s / MINUTE:g} min{'':3}{rate:>9}  {when:22}{causes_text(one.causes) if one.rate_w_s else ''}"


def causes_text(causes: Sequence[Cause]) -> str:
    """The largest parts of a change in words."""
    parts = []
    for one in causes[:MOST_CAUSES]:
        fresh = f", {', '.join(one.energised)} energised" if one.energised else ""
        parts.append(f"{one.name} {_signed(one.power_w / MW)} MW{fresh}")
    return "; ".join(parts)


def _signed(mw: float) -> str:
    """With its sign, to 0.01 MW; what is less than 0.1 MW to two figures, never as 0."""
    return f"{mw:+.2f}" if abs(mw) >= 0.095 or mw == 0.0 else f"{mw:+.2g}"


def _store_lines(told: dict[str, Any]) -> Iterable[str]:
    store = told["storage"]
    if told["limit_mw_per_min"] is None:
        return ["No storage is sized: give --limit-mw-min, or the site a grid.ramp_limit_mw_min."]
    if store is None:
        return ["The period keeps the limit without storage."]
    return [f"Storage that keeps the limit in this period: {store['mw']:.2f} MW, {store['mwh']:.3f} MWh."]


def _swing_lines(swings: dict[str, Any]) -> list[str]:
    if not swings["jobs"]:
        return ["No hall trains: nothing swings faster than a step."]
    stages = ", ".join(f"{1e3 * tau:g} ms" for tau in swings["stages_s"]) or "none"
    prior = ", the supplies' hold-up, an estimate" if swings["stages_s"] == [SUPPLY_S] else ""
    lines = [
        f"Swings at the meter behind stages of {stages}{prior}: range {swings['range_mw']:.1f} MW, flanks "
        f"{flank(swings['flank_mw_per_s'])}, {100 * swings['energy_share_training_band']:.0f} % of their energy at "
        f"0.2-3 Hz, {100 * swings['energy_share_critical_band']:.0f} % at 0.1-20 Hz"
    ]
    for one in swings["jobs"]:
        lines.append(
            f"  {one['load']}: {len(one['halls'])} halls, {one['racks']:,} racks, {one['amplitude_mw']:.1f} MW every "
            f"{one['period_s']:g} s (duty {one['duty']:g}); {one['store_mw']:.1f} MW and {one['store_kwh']:.1f} kWh "
            "of storage take it away"
        )
        if one["shelves_kwh"]:
            taken = f"{one['taken_by_shelves_mw']:.1f} of the {one['amplitude_mw']:.1f} MW at best"
            lines.append(f"    supercapacitors of its racks hold {one['shelves_kwh']:.2f} kWh: they take {taken}")
    return lines


def flank(mw_s: float | None) -> str:
    """A flank in words; without a stage it has no limit."""
    return "without limit" if mw_s is None else f"{mw_s:.0f} MW/s"


def _step_line(one: dict[str, Any]) -> str:
    store = one["storage"]
    mwh, lasts = ("-", "-") if store is None else (f"{store['mwh']:.2f}", f"{store['lasts_s'] / MINUTE:.1f}")
    return f"{one['name']:26}{one['mw']:+9.1f}{mwh:>11}{lasts:>8}  {one['what']}"


def _verdict_lines(found: Sequence[Verdict]) -> list[str]:
    if not found:
        return ["No limit is known: nothing is violated."]
    mark = {True: "kept", False: "VIOLATED", None: "not judged"}
    return [f"{mark[one.kept]:11}{one.what}: {one.found}, allowed {one.limit} ({one.source})" for one in found]


__all__ = ["causes_text", "direction", "flank", "plain", "render"]
