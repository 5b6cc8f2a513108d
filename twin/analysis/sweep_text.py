"""A sweep over faults for a terminal: the worst cases, and what the rest do."""

from __future__ import annotations

from twin.analysis.sweep import Case, Sweep
from twin.engine.period import stamp

TOP = 20
HEAD = ("racks", "kW lost", "trip, s", "alarm, s", "rack, C", "water, C")


def render(found: Sweep, top: int = TOP) -> str:
    """Lines: the ``top`` worst cases; equal ones stand together."""
    site = found.check.prepared.loaded.site.name
    cases = sum(case.alike for case in found.rows)
    lines = [
        f"{site}, {stamp(found.check.at_s)}: {cases:,} single faults of {', '.join(found.kinds)}, each for "
        f"{found.lasting_s:,.0f} s, worst first; {found.racks:,} racks, {found.it_mw:,.1f} MW of IT",
        "",
    ]
    harm = [c for c in found.rows if c.racks_tripped or c.first_alarm_s is not None or c.first_slowed_s is not None]
    lines += [f"{'':42}" + "".join(f"{name:>10}" for name in HEAD) + "  cause"] if harm else []
    lines += [_line(case) for case in harm[:top]]
    if len(harm) > top:
        lines.append(f"  and {len(harm) - top:,} more (--json and --out have them all)")
    trips = sum(case.alike for case in found.rows if case.racks_tripped)
    calm = cases - sum(case.alike for case in harm)
    words = "case trips" if trips == 1 else "cases trip"
    lines += ["", f"{trips:,} {words} racks, {calm:,} {'takes' if calm == 1 else 'take'} no rack beyond its limits."]
    if found.without_power:
        lines.append(f"{found.without_power:,} have no power yet and cannot break.")
    lines += [f"{fault}: {why}" for fault, why in found.refused]
    if found.check.plan.fleet is not None:
        lines.append("Pools draw what they drew before: what others take over is told by twin fail of one case.")
    return "\n".join([*lines, "Trip settings are priors, not validated: see twin library show of the racks."])


def _line(case: Case) -> str:
    what = case.fault + (f" (any of {case.alike})" if case.alike > 1 else "")
    cells = (
        f"{case.racks_tripped:,}", f"{case.kw_lost:,.0f}", _time(case.first_trip_s), _time(case.first_alarm_s),
        f"{case.hottest_rack_c:.1f}", "-" if case.warmest_coolant_c is None else f"{case.warmest_coolant_c:.1f}",
    )  # fmt: skip
    return f"{what:42}" + "".join(f"{cell:>10}" for cell in cells) + f"  {case.cause or '-'}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:,.1f}"


__all__ = ["TOP", "render"]
