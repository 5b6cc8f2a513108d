"""``twin ramp``: how fast does the power at the meter change, why, and what storage would keep the grid's limit?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import VIOLATED, Json, say_if_compiling, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Begin, ISO 8601; default: the local day of the peak hour.")
]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End, at most 7 days later; default: a day.")]
Limit = Annotated[
    float | None, typer.Option("--limit-mw-min", metavar="R", help="Limit of ramps in place of the site's, MW/min.")
]
Flank = Annotated[
    float | None, typer.Option("--limit-mw-s", metavar="R", help="Limit of the swings' flanks in place of the site's.")
]
Stage = Annotated[
    list[float] | None,
    typer.Option("--stage-s", metavar="S", help="A first-order stage between racks and meter, s; may be given often."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the racks' spread and noise.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with the day and its steepest ramps.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


def command(
    site: Site,
    start: From = None,
    end: To = None,
    limit_mw_min: Limit = None,
    limit_mw_s: Flank = None,
    stage_s: Stage = None,
    seed: Seed = 0,
    html: Html = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Tell the steepest ramps over 1 and 5 min, and swings below; exit code 1 where a limit is not kept."""
    from twin.analysis.new_files import check_files
    from twin.core.errors import Faults

    faults = Faults()
    faults.of(check_files, None, html, overwrite=overwrite)
    from twin.analysis.ramp import Options, ask, ramps
    from twin.analysis.ramp_swings import SUPPLY_S

    stages = (SUPPLY_S,) if not stage_s else tuple(stage_s)
    options = Options(start, end, limit_mw_min, limit_mw_s, stages, seed)
    asked = faults.of(ask, site, options)
    faults.tell()
    assert asked is not None
    tell(asked.loaded.warnings)
    say_if_compiling()
    found = ramps(asked.loaded, options)
    if html is not None:
        from dashboards.ramp_page import write_ramp_page

        write_ramp_page(found, html)
    from twin.analysis.ramp_text import plain, render

    if as_json:
        write_json({**plain(found), "page": str(html) if html else None})
    else:
        typer.echo(render(found), nl=False)
        if html is not None:
            typer.echo(f"page  {html}")
    if found.violated:
        raise typer.Exit(VIOLATED)
