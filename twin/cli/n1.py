"""``twin n1``: every element of both paths lost by itself: what it takes with it, what the survivors carry."""

from __future__ import annotations

from typing import Annotated

import typer

from twin.cli.output import VIOLATED, Json, Progress, say_if_compiling, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Load = Annotated[
    str,
    typer.Option(
        metavar="LOAD", help="Power of the racks: rated, peak (the peak hour of the load), or a share 0 to 1."
    ),
]
Top = Annotated[int, typer.Option(metavar="N", min=1, help="Rows of each table.")]
Elements = Annotated[
    bool, typer.Option("--elements", help="Show what each electrical element carries: allocated, N and N-1.")
]
Voltage = Annotated[
    bool,
    typer.Option(
        "--voltage",
        help="Show with the elements (implies --elements) their voltage, kvar and losses by two sweeps, beside those "
        "of the law. A UPS or converter regulates its output: what stands behind it is at nominal voltage.",
    ),
]
Transient = Annotated[
    bool, typer.Option("--transient", help="Add the time to the first trip after each loss of cooling: takes minutes.")
]


def command(
    site: Site,
    load: Load = "rated",
    top: Top = 20,
    elements: Elements = False,
    voltage: Voltage = False,
    transient: Transient = False,
    as_json: Json = False,
) -> None:
    """Lose every element of power and cooling by itself, ranked by margin; exit code 1 where N-1 does not hold."""
    from twin.analysis.n1 import n1, with_trips
    from twin.site.load import load_site

    loaded = load_site(site)
    tell(loaded.warnings)
    say_if_compiling()
    found = n1(loaded, _load(load))
    if transient:
        found = with_trips(found, Progress())
    if voltage:
        from twin.analysis.n1_voltage import plain_with, render_with, with_voltage

        volts = with_voltage(found)
        if as_json:
            write_json(plain_with(volts))
        else:
            typer.echo(render_with(volts))
    elif as_json:
        from twin.analysis.n1_text import plain

        write_json(plain(found))
    else:
        from twin.analysis.n1_text import render, render_elements

        typer.echo(render_elements(found) if elements else render(found, top, trips=transient))
    if found.violations:
        raise typer.Exit(VIOLATED)


def _load(text: str) -> str | float:
    """A share as a number; other text as it is, for the checks to refuse."""
    try:
        return float(text)
    except ValueError:
        return text
