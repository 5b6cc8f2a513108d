"""``twin convert``: what does a hall gain or lose when it serves with another layout?"""

from __future__ import annotations

from typing import Annotated

import typer

from twin.cli.output import Json, say_if_compiling, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
To = Annotated[
    str,
    typer.Option("--to", metavar="LAYOUT", help="A serving configuration, or PREFILL[@HALL,...]+DECODE[@HALL,...]."),
]
Hall = Annotated[list[str] | None, typer.Option(metavar="B/H", help="A hall that is converted; may be repeated.")]
Service = Annotated[str | None, typer.Option(metavar="S", help="All halls of a service instead.")]
Moment = Annotated[
    str | None, typer.Option(metavar="D", help="What is energised on this day; default: the first year of all halls.")
]
Outdoor = Annotated[
    str | None, typer.Option(metavar="T", help="Outdoor dry bulb in degC; default: the hottest hour of the year.")
]
Weather = Annotated[
    str | None, typer.Option(metavar="W", help="A shipped year or an EPW or TMY3 file; default: the site's.")
]
Samples = Annotated[int, typer.Option(metavar="N", help="Samples of what is unknown; 0: central values alone.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of the samples.")]


def command(
    site: Site,
    to: To,
    hall: Hall = None,
    service: Service = None,
    at: Moment = None,
    outdoor: Outdoor = None,
    weather: Weather = None,
    samples: Samples = 64,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare halls before and after a change of layout: tokens/s, latencies, power, headroom, with bands."""
    from twin.analysis.convert_options import ask

    asked = ask(
        site, halls=hall or (), service=service, to=to, at=at, outdoor=outdoor, weather=weather, samples=samples,
        seed=seed,
    )  # fmt: skip
    tell(asked.loaded.warnings)
    say_if_compiling()
    from twin.analysis.convert import convert
    from twin.analysis.convert_text import render_conversion

    told = convert(asked)
    if as_json:
        write_json(told)
    else:
        typer.echo(render_conversion(told), nl=False)
