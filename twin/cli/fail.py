"""``twin fail``: break something, and see who alarms, slows down, trips, and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from twin.cli.output import VIOLATED, Json, write_json

Elements = Annotated[
    list[str] | None,
    typer.Argument(help="What breaks: ELEMENT[:MODE[=AMOUNT]], as b1/b1-h1/cdu-01:facility; names as in the results."),
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
At = Annotated[str | None, typer.Option("--at", help="When, ISO 8601, UTC unless an offset is given.")]
For = Annotated[str, typer.Option("--for", help="How long to follow it, as 30min.")]
Repair = Annotated[str | None, typer.Option("--repair", help="How long until it is mended, as 10min.")]
Throttling = Annotated[bool, typer.Option(help="Whether racks slow down before they trip.")]
Weather = Annotated[str | None, typer.Option("--weather", help="A shipped weather or a file instead of the site's.")]
Load = Annotated[str | None, typer.Option("--load", help="A load curve of the site for all halls, or full.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the racks' spread and noise.")]
LINES = 24


def command(
    site: Annotated[str, typer.Argument(help="A shipped site or the path of a site file.")],
    elements: Elements = None,
    every: Every = None,
    bands: Bands = False,
    samples: Samples = "64",
    at: At = None,
    lasting: For = "30min",
    repair: Repair = None,
    throttling: Throttling = True,
    weather: Weather = None,
    load: Load = None,
    seed: Seed = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Break something: the timeline by the second, and the survivors; exit code 1 where racks trip."""
    from twin.analysis.fail import fail, told
    from twin.core.errors import Faults, one
    from twin.engine.period import instant, seconds

    faults = Faults()
    begin = None if at is None else faults.of(instant, at, "--at")
    lasting_s = faults.of(seconds, lasting, "--for")
    repair_s = None if repair is None else faults.of(seconds, repair, "--repair")
    if bool(elements) == bool(every):
        faults.of(_refuse, one("name what breaks, or every kind that does with --every: one of the two"))
    if every is None and out is not None:
        faults.of(_refuse, one("--out goes with --every", path="--out"))
    if bands and (every or repair):
        faults.of(_refuse, one("--bands goes with one element that stays broken", path="--bands"))
    faults.tell()
    assert lasting_s is not None
    how: dict[str, Any] = {
        "at": begin, "lasting_s": lasting_s, "throttling": throttling, "weather": weather, "load": load, "seed": seed,
    }  # fmt: skip
    if every:
        from twin.cli.fail_every import run_every

        run_every(site, every, out, overwrite=overwrite, threads=threads, as_json=as_json, **how)
        return
    if bands:
        from twin.cli.fail_bands import run_bands

        run_bands(site, elements or [], samples, as_json=as_json, **how)
        return
    found = told(fail(site, elements or [], repair_s=repair_s, **how))
    if as_json:
        write_json(found)
    else:
        typer.echo(_text(found))
    if found["racks_tripped"]:
        raise typer.Exit(VIOLATED)


def _refuse(error: Exception) -> None:
    raise error


def _text(found: dict[str, Any]) -> str:
    from twin.analysis.beside import lines as closed_form_lines

    least = found["racks"] - found["racks_tripped"]
    lines = [f"{found['site']}, {found['at_utc']}: {', '.join(found['faults'])}", ""]
    shown = found["timeline"][:LINES]
    lines += [f"{row['s']:10.1f} s  {row['what']}" for row in shown]
    more = len(found["timeline"]) - len(shown)
    lines += [f"{'':12}  and {more} more (--json has them all)"] if more else []
    lines += [
        "",
        f"{'after ' + format(found['lasting_s'], ',.0f') + ' s':22}{'before':>16}{'least':>16}{'end':>16}",
        f"{'racks that run':22}{found['racks']:16,}{least:16,}{found['racks_at_end']:16,}",
    ]
    shown_as = (("IT power, MW", "it_mw", 2), ("at the meter, MW", "site_mw", 2), ("tokens/s", "tokens_per_s", 0))
    for name, key, digits in shown_as:
        if key in found:
            row = found[key]
            lines.append(f"{name:22}" + "".join(f"{row[at]:16,.{digits}f}" for at in ("before", "least", "end")))
    beside = closed_form_lines(found["closed_form"])
    lines += ["", *beside] if beside else []
    lines += ["", "Trip settings are priors, not validated: see twin library show of the racks."]
    return "\n".join(lines)
