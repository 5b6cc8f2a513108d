"""``twin fail``: break something, and see who alarms, slows down, trips, and what is left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.output import VIOLATED, Json, Progress, say_if_compiling, write_json

if TYPE_CHECKING:
    from twin.analysis.fail import Failure
    from twin.core.errors import Problem

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Elements = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ELEMENT...",
        help="What breaks: ELEMENT[:MODE[=AMOUNT]], as b1/b1-h1/cdu-01:facility, grid:outage=60s; names as in the "
        "results.",
    ),
]
Scenario = Annotated[
    str | None, typer.Option(metavar="FILE", help="A scenario file, or the name of a shipped one, as loss-of-utility.")
]
Every = Annotated[
    str | None,
    typer.Option(
        "--every",
        metavar="KIND,...",
        help="Break every cdu, pump (of a loop), chiller, tower, economizer or air, one after the other, instead of "
        "elements; KIND[:MODE[=AMOUNT]], as cdu:facility.",
    ),
]
Bands = Annotated[
    bool, typer.Option("--bands", help="P10, P50, P90 of the times of one loss over what nobody has published.")
]
Samples = Annotated[str, typer.Option(metavar="N", help="With --bands: samples of what is unknown.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE.csv", help="With --every: write all cases as CSV.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]
Threads = Annotated[str | None, typer.Option("--threads", metavar="N", help="With --every; default: all cores.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="When, ISO 8601, UTC unless an offset is given.")]
For = Annotated[
    str | None, typer.Option("--for", metavar="T", help="How long to follow it, as 30min; default: the scenario's.")
]
Repair = Annotated[
    str | None, typer.Option("--repair", metavar="T", help="How long until the ELEMENTs are mended, as 10min.")
]
Throttling = Annotated[bool, typer.Option(help="Whether racks slow down before they trip.")]
Weather = Annotated[
    str | None, typer.Option("--weather", metavar="W", help="A shipped weather or a file instead of the site's.")
]
Load = Annotated[
    str | None, typer.Option("--load", metavar="NAME", help="A load curve of the site for all halls, or full.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the racks' spread and noise.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with a picture of the course.")]
LINES = 32
# The letter of a system in the name of an element.
SYSTEM = re.compile(r"-[A-H](?=-|/|$)")
# What goes as it should: the first to be left out where a timeline is too long for a screen.
EXPECTED = ("walk-in ends", "recharged", "load accepted", "generator ready", "back", "retransferred")


def command(
    site: Site,
    elements: Elements = None,
    scenario: Scenario = None,
    every: Every = None,
    bands: Bands = False,
    samples: Samples = "64",
    at: At = None,
    lasting: For = None,
    repair: Repair = None,
    throttling: Throttling = True,
    weather: Weather = None,
    load: Load = None,
    seed: Seed = 0,
    html: Html = None,
    out: Out = None,
    overwrite: Overwrite = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Break something: the timeline by the second, and the survivors; exit code 1 where racks trip or a rule breaks.

    Modes, the first where none is named. CDU: pumps=N, facility, leak, sensor=K, fouling=%, valve=%, control; of a
    manifold units=N as well. Air of a hall (b1/b1-h1/air): units=N, sensor=K, fouling=%, valve=%, control. Loop
    (b1/chw): pumps=N, power=s. Its parts: b1/chw/chillers units=N, power; b1/chw/rejection units=N, power, fouling=%;
    b1/chw/economizer units. grid: outage=s until generators carry the plants; outage without a time is followed
    through the stores and generators that the site has; sag=% of the voltage that is left. Elements of the power path
    (b1/b1-h1/ups, .../ups-A, .../rpp-A-07, yard): lost, units=N, breaker (opened for work); of a UPS bypass, locked
    (on battery). generators: fail=% do not start.
    """
    from twin.analysis.fail import LASTING_S, fail
    from twin.analysis.new_files import check_files
    from twin.core.errors import Faults
    from twin.engine.period import instant, seconds
    from twin.engine.scenario import load_scenario
    from twin.site.load import load_site

    faults, many = Faults(), every is not None
    loaded = faults.of(load_site, site)
    written = None if scenario is None else faults.of(load_scenario, scenario)
    begin = None if at is None else faults.of(instant, at, "--at")
    lasting_s = None if lasting is None else faults.of(seconds, lasting, "--for")
    repair_s = None if repair is None else faults.of(seconds, repair, "--repair")
    faults.of(check_files, None, html, overwrite=overwrite)
    faults.problems += _together(
        (many and (elements or scenario), "--every", "breaks one after the other: leave ELEMENT and --scenario out"),
        (out and not many, "--out", "goes with --every"),
        (bands and (many or repair or scenario), "--bands", "goes with one element that stays broken"),
        (html and (many or bands), "--html", "goes with elements or a scenario, one run"),
    )
    faults.problems += written.problems if written is not None and faults.problems else ()
    faults.tell()
    assert loaded is not None
    how: dict[str, Any] = {"at": begin, "throttling": throttling, "weather": weather, "load": load, "seed": seed}
    if many or bands:
        from twin.cli.fail_bands import run_bands
        from twin.cli.fail_every import run_every

        how["lasting_s"] = lasting_s or LASTING_S
        if every is not None:
            run_every(site, every, out, overwrite=overwrite, threads=threads, as_json=as_json, **how)
        else:
            run_bands(site, elements or [], samples, as_json=as_json, **how)
        return
    say_if_compiling()
    how |= {"scenario": written, "lasting_s": lasting_s, "repair_s": repair_s, "picture": bool(html)}
    how["progress"] = Progress()
    _tell(fail(loaded, elements or (), **how), html, as_json)


def _together(*options: tuple[object, str, str]) -> list[Problem]:
    """What options do not go together: (whether they are given, which, words)."""
    from twin.core.errors import Problem

    return [Problem(path, words) for wrong, path, words in options if wrong]


def _tell(failure: Failure, html: Path | None, as_json: bool) -> None:
    from twin.analysis.fail import told

    found = told(failure)
    if html is not None:
        from dashboards.fail_page import write_fail_page

        write_fail_page(failure, html)
    if as_json:
        write_json({**found, "page": str(html) if html else None})
    else:
        typer.echo(_text(found) + (f"\npage  {html}" if html else ""))
    if found["racks_tripped"] or found.get("power", {}).get("grid_rules", {}).get("violated"):
        raise typer.Exit(VIOLATED)


def _text(found: dict[str, Any]) -> str:
    from twin.analysis.beside import lines as closed_form_lines
    from twin.analysis.fail_carried import lines as power_lines
    from twin.analysis.fail_grid import lines as grid_lines
    from twin.analysis.fail_warmest import lines as warmest_lines
    from twin.analysis.fail_warmest import outdoors

    least = found["racks"] - found["racks_tripped"]
    what = found["title"] or ", ".join(found["faults"])
    lines = [f"{found['site']}, {found['at_utc']}: {what}"]
    if found["title"]:
        lines.append(f"source: {found['source']}")
    lines += [f"{outdoors(found['dry_bulb_c'])}, wet bulb to {found['wet_bulb_c']['most']:.1f} degC", ""]
    lines += _fitting(found["timeline"])
    lines += [] if found["timeline"] else [f"{'':12}  nothing breaks, no rack minds"]
    lines += [
        "",
        f"{'after ' + format(found['lasting_s'], ',.0f') + ' s':22}{'before':>16}{'least':>16}{'end':>16}",
        f"{'racks that run':22}{found['racks']:16,}{least:16,}{found['racks_at_end']:16,}",
    ]
    # On batteries and generators the same power does not come from the grid.
    assumed = "power" not in found and any(name.startswith("grid:") for name in found["faults"])
    meter = "drawn, MW" if assumed else "at the meter, MW"
    shown_as = (("IT power, MW", "it_mw", 2), (meter, "site_mw", 2), ("tokens/s", "tokens_per_s", 0))
    for name, key, digits in shown_as:
        if key in found:
            row = found[key]
            # Plus 0: nothing is not shown as -0.
            cells = (round(row[at], digits) + 0.0 for at in ("before", "least", "end"))
            lines.append(f"{name:22}" + "".join(f"{cell:16,.{digits}f}" for cell in cells))
    lines += ["", *power_lines(found["power"])] if "power" in found else [""]
    lines += warmest_lines(found["warmest"])
    beside = closed_form_lines(found["closed_form"])
    lines += ["", *beside] if beside else []
    rules = grid_lines(found["power"]["grid_rules"]) if "power" in found else []
    lines += ["", *rules] if rules else []
    lines += ["", *found["warnings"]] if found["warnings"] else []
    lines += ["", "Trip settings are priors, not validated: see twin library show of the racks."]
    return "\n".join(lines)


def together(
    timeline: Sequence[dict[str, Any]], keys: tuple[str, ...], *, letters: bool = False
) -> list[dict[str, Any]]:
    """The timeline with what racks alike in ``keys`` do as one row, at its first instant; elements alike as well.

    ``letters``: systems A, B, ... of a link are alike too.
    """
    from twin.analysis.fail_power import said

    rows, merged = list[dict[str, Any]](), dict[tuple[str, ...], list[dict[str, Any]]]()
    path: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in timeline:
        if "event" in row:
            merged.setdefault(tuple(row[key] for key in keys), []).append(row)
        elif "happens" in row:
            who = SYSTEM.sub("-*", row["path"]) if letters else row["path"]
            path.setdefault((who, row["happens"]), []).append(row)
        else:
            rows.append(row)
    quiet = {who for who, happens in path if happens == "loses its source"}
    for (who, happens), alike in path.items():
        if who in quiet and happens in ("loses its source", "back"):
            continue  # it follows from what stands above and below it
        last, count = alike[-1]["s"], sum(row["count"] for row in alike)
        span = f" until {last:.1f} s" if last > alike[0]["s"] else ""
        shown = {row["who"] for row in alike}
        what = said(shown.pop() if len(shown) == 1 else who, happens, count, sum(row["sets"] for row in alike))
        rows.append({"s": alike[0]["s"], "what": what + span, "happens": happens})
    for alike in merged.values():
        first, last, halls = alike[0], alike[-1]["s"], {row["hall"] for row in alike}
        span = f" until {last:.1f} s" if last > first["s"] else ""
        where = next(iter(halls)) if len(halls) == 1 else f"{len(halls)} halls"
        racks = sum(row["racks"] for row in alike)
        rows.append({"s": first["s"], "what": f"{racks:,} x {first['rack']}: {first['event']}{span}, in {where}"})
    return sorted(rows, key=lambda row: (row["s"], "broken" not in row, row["what"]))


def _fitting(timeline: list[dict[str, Any]]) -> list[str]:
    """Lines of a timeline for a screen: alike things together; where that is not enough, the expected goes first."""
    rows = timeline
    for keys, letters in (
        (("hall", "rack", "event"), False),
        (("hall", "rack", "event"), True),
        (("rack", "event"), True),
    ):
        rows = together(timeline, keys, letters=letters) if len(rows) > LINES else rows
    kept, over = [], len(rows) - LINES
    for row in reversed(rows):
        if over > 0 and row.get("happens") in EXPECTED:
            over -= 1
        else:
            kept.append(row)
    lines = [f"{row['s']:10.1f} s  {row['what']}" for row in kept[::-1][:LINES]]
    more = len(rows) - len(lines)
    return lines + ([f"{'':12}  and {more} more (--json has them all)"] if more else [])
