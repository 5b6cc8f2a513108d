"""``twin fail``: break something, and see who alarms, slows down, trips, and what is left."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from twin.cli.output import VIOLATED, Json, write_json

Elements = Annotated[
    list[str],
    typer.Argument(help="What breaks: ELEMENT[:MODE[=AMOUNT]], as b1/b1-h1/cdu-01:facility; names as in the results."),
]
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
    elements: Elements,
    at: At = None,
    lasting: For = "30min",
    repair: Repair = None,
    throttling: Throttling = True,
    weather: Weather = None,
    load: Load = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Break something: the timeline by the second, and the survivors; exit code 1 where racks trip."""
    from twin.analysis.fail import fail, told
    from twin.core.errors import Faults
    from twin.engine.period import instant, seconds

    faults = Faults()
    begin = None if at is None else faults.of(instant, at, "--at")
    lasting_s = faults.of(seconds, lasting, "--for")
    repair_s = None if repair is None else faults.of(seconds, repair, "--repair")
    faults.tell()
    assert lasting_s is not None
    found = told(
        fail(
            site, elements, at=begin, lasting_s=lasting_s, repair_s=repair_s, throttling=throttling, weather=weather,
            load=load, seed=seed,
        )
    )  # fmt: skip
    if as_json:
        write_json(found)
    else:
        typer.echo(_text(found))
    if found["racks_tripped"]:
        raise typer.Exit(VIOLATED)


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
