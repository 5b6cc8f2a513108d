"""``twin bands``: how far do the headline numbers hang on what nobody has published?"""

from __future__ import annotations

from typing import Annotated

import typer

from twin.cli.output import Json, Progress, number, say_if_compiling, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Weather = Annotated[
    str | None, typer.Option(metavar="W", help="A shipped year or an EPW or TMY3 file; default: the site's.")
]
Start = Annotated[
    str | None,
    typer.Option("--from", metavar="D", help="First instant (ISO 8601, UTC); default: the first year with all halls."),
]
End = Annotated[str | None, typer.Option("--to", metavar="D", help="End of the period; default: a year later.")]
Load = Annotated[str | None, typer.Option(metavar="NAME", help="Put all halls on this load of the site, or on full.")]
Samples = Annotated[str, typer.Option(metavar="N", help="Samples of what is unknown.")]
Seed = Annotated[str, typer.Option(metavar="N", help="Seed of the samples.")]
Threads = Annotated[str | None, typer.Option(metavar="N", help="Threads; default: all cores.")]


def command(
    site: Site,
    weather: Weather = None,
    start: Start = None,
    end: End = None,
    load: Load = None,
    samples: Samples = "64",
    seed: Seed = "0",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Show P10, P50 and P90 of the headline numbers, and which figures drive them."""
    from twin.analysis.bands import ask_bands, dataset
    from twin.analysis.bands_text import render, told
    from twin.analysis.headline import headline_numbers
    from twin.engine.ensemble import run_ensemble

    count = number(samples)
    asked = ask_bands(
        site,
        weather=weather,
        start=start,
        end=end,
        load=load,
        samples=count,
        seed=number(seed),
        threads=None if threads is None else number(threads),
    )
    say_if_compiling()
    found = told(dataset(run_ensemble(asked, headline_numbers, samples=count, progress=Progress())))
    if as_json:
        write_json(found)
    else:
        typer.echo(render(found), nl=False)
