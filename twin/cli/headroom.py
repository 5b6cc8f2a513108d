"""``twin headroom``: how much more IT can each hall take, what ends it, and what does a single loss leave of it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, say_if_compiling, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Elements = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ELEMENT]...",
        help="Names as in twin trace: b1/chw, b1/b1-h1, b1/b1-h1/cdu-03, a row, a building; default: the site, its "
        "buildings, loops and halls.",
    ),
]
Moment = Annotated[
    str | None, typer.Option(metavar="TIME", help="End of the hour that is present; default: the peak hour.")
]
Load = Annotated[
    float | None, typer.Option(metavar="X", help="Hold all racks at this share of what is energised, 0 to 1.")
]
Weather = Annotated[
    str | None, typer.Option(metavar="W", help="A shipped year or an EPW or TMY3 file; default: the site's.")
]
Recirculation = Annotated[
    float,
    typer.Option(metavar="K", help="Design: warmer air into dry coolers, warmer wet bulb into towers, by so many K."),
]
Transient = Annotated[
    bool,
    typer.Option("--transient", help="Tell whether the transfer after a loss trips anything: takes a run for each."),
]
Level = Annotated[
    str | None,
    typer.Option(
        "--level",
        metavar="LEVEL,...",
        help="Rows of these levels: site, building, loop, hall, cdu, rack (one of each run of equal ones on a CDU).",
    ),
]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with a bar for every hall.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


def command(
    site: Site,
    elements: Elements = None,
    at: Moment = None,
    load: Load = None,
    weather: Weather = None,
    recirculation: Recirculation = 0.0,
    transient: Transient = False,
    level: Level = None,
    html: Html = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Tell how much more IT each element can take: present, design day, N-1, and what ends it."""
    from twin.analysis.headroom_options import DEFAULT_LEVELS, Options, ask
    from twin.analysis.new_files import check_files
    from twin.core.errors import Faults, one

    faults = Faults()
    levels = DEFAULT_LEVELS if level is None else tuple(part.strip() for part in level.split(","))
    if level is not None and elements:
        faults.of(_refuse, one("name elements, or levels: one of the two", path="--level"))
    options = Options(tuple(elements or ()), at, load, weather, recirculation, transient, levels)
    asked = faults.of(ask, site, options)
    faults.of(check_files, None, html, overwrite=overwrite)
    faults.tell()
    assert asked is not None
    tell(asked.loaded.warnings)
    say_if_compiling()
    from twin.analysis.headroom import found_for

    found = found_for(asked)
    if html is not None:
        from dashboards.headroom_page import write_headroom_page

        write_headroom_page(found, html)
    if as_json:
        from twin.analysis.headroom_text import plain

        write_json({**plain(found), "page": str(html) if html else None})
        return
    from twin.analysis.headroom_text import render

    typer.echo(render(found), nl=False)
    if html is not None:
        typer.echo(f"page  {html}")


def _refuse(error: Exception) -> None:
    raise error
