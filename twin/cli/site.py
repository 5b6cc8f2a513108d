"""``twin site``: is this site right, and what does it hold?"""

from __future__ import annotations

from typing import Annotated

import typer

from twin.cli.output import Json, problem_rows, tell, write_json
from twin.cli.site_from import from_telemetry

app = typer.Typer(help="Check and show sites, make one from telemetry.", no_args_is_help=True, rich_markup_mode=None)
app.command("from-telemetry")(from_telemetry)

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]


@app.command()
def validate(
    site: Site,
    as_json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    """Check a site: every error and warning with file, line and column."""
    from twin.cli.climate import warnings_of
    from twin.core.errors import InputError
    from twin.site.load import load_site
    from twin.site.serving_site import service_rows

    loaded = load_site(site)
    warnings = warnings_of(loaded)
    services = service_rows(loaded.site, loaded.library)
    if strict and warnings:
        raise InputError(warnings)
    if as_json:
        write_json(
            {
                "valid": True,
                "site": loaded.site.name,
                "file": loaded.file,
                "digest": loaded.digest,
                "services": services,
                "problems": problem_rows(warnings),
            }
        )
    else:
        tell(warnings)
        count = len(warnings)
        typer.echo(f"{loaded.file}: ok" + (f", {count} warning{'s'[: count != 1]}" if count else ""))
        if services:
            from twin.cli.waterfall import services as text_of

            typer.echo(text_of(services))


@app.command()
def show(site: Site, as_json: Json = False) -> None:
    """Show the capacity waterfall from the contract down to the racks."""
    from twin.cli.waterfall import text_of
    from twin.site.load import load_site
    from twin.site.waterfall import waterfall

    loaded = load_site(site)
    rows = waterfall(loaded.site, loaded.library)
    if as_json:
        write_json(rows)
    else:
        tell(loaded.warnings)
        typer.echo(text_of(rows))


@app.command()
def schema(
    scenario: Annotated[bool, typer.Option("--scenario", help="Of a scenario file, as twin fail reads.")] = False,
) -> None:
    """Write the JSON schema of a site file, for editors."""
    if scenario:
        from twin.engine.scenario_schema import schema_text
    else:
        from twin.site.schema import schema_text

    typer.echo(schema_text(), nl=False)
