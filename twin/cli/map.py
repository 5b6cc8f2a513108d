"""``twin map``: what does the site do at every load and outdoor temperature, and what binds first?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, say_if_compiling, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Load = Annotated[str, typer.Option(metavar="R", help="Loads, as 0:1:0.1 (first:last:step) or 0.2,0.5,1.")]
Outdoor = Annotated[
    str | None, typer.Option(metavar="R", help="Outdoor dry bulbs in degC, as -10:45:5; default: the site's year.")
]
Moment = Annotated[
    str | None, typer.Option(metavar="D", help="What is energised on this day; default: the first year of all halls.")
]
Hall = Annotated[str | None, typer.Option(metavar="B/H", help="Show this hall instead of the site.")]
Humidity = Annotated[
    float | None,
    typer.Option(metavar="X", help="Relative humidity, 0 to 1; default: what the year has at the dry bulb."),
]
Weather = Annotated[
    str | None, typer.Option(metavar="W", help="A shipped year or an EPW or TMY3 file; default: the site's.")
]
Bands = Annotated[bool, typer.Option("--bands", help="Draw what is unknown: P10, P50 and P90 of every value.")]
Samples = Annotated[int, typer.Option(metavar="N", help="Samples of what is unknown.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of the samples.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the map, as .nc or .zarr.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with its pictures.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")]
BANDS = (0.1, 0.5, 0.9)


def command(
    site: Site,
    load: Load = "0:1:0.1",
    outdoor: Outdoor = None,
    at: Moment = None,
    hall: Hall = None,
    humidity: Humidity = None,
    weather: Weather = None,
    bands: Bands = False,
    samples: Samples = 64,
    seed: Seed = 0,
    out: Out = None,
    html: Html = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Map a site over load and outdoor temperature: power, headroom and what binds, in steady state."""
    from twin.analysis.map_options import Options, ask, check_hall
    from twin.analysis.new_files import check_files
    from twin.core.errors import Faults

    faults = Faults()
    options = Options(load, outdoor, BANDS if bands else (), at, humidity, weather, samples, seed)
    asked = faults.of(ask, site, options)
    if asked is not None and hall is not None:
        faults.of(check_hall, asked.loaded.site, hall)
    faults.of(check_files, out, html, overwrite=overwrite)
    faults.tell()
    assert asked is not None
    tell(asked.loaded.warnings)
    say_if_compiling()
    from twin.analysis.load_map import drawn

    made = drawn(asked)
    if out is not None:
        from twin.analysis.map_files import write_map

        write_map(made, out)
    if html is not None:
        from dashboards.map_page import write_map_page

        write_map_page(made, html, hall)
    if as_json:
        from twin.analysis.map_answers import plain_map

        files = {"map": str(out) if out else None, "page": str(html) if html else None}
        write_json({**plain_map(made), **files})
        return
    from twin.analysis.map_text import render_map

    typer.echo(render_map(made, hall), nl=False)
    for name, file in (("map", out), ("page", html)):
        if file is not None:
            typer.echo(f"{name:<5} {file}")
