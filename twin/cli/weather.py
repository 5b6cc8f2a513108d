"""``twin weather``: which weather is there, and how hot and humid does it get?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from twin.cli.output import Json, table, write_json

app = typer.Typer(help="Look into the weather.", no_args_is_help=True, rich_markup_mode=None)
COLUMNS = ("name", "station", "hours", "dry bulb degC", "wet bulb degC", "source")


@app.command("list")
def list_weather(as_json: Json = False) -> None:
    """List the shipped years with their hottest hours (0.4 % of the year is above)."""
    from twin.forcing.weather import shipped_weather

    rows = [_about(name) for name in shipped_weather()]
    if as_json:
        write_json(rows)
        return
    body = [
        (
            row["name"],
            row["station"],
            str(row["hours"]),
            f"{row['design']['cooling_dry_bulb_c']:.1f}",
            f"{row['design']['wet_bulb_c']:.1f}",
            row["source"],
        )
        for row in rows
    ]
    typer.echo(table([COLUMNS, *body], right=(2, 3, 4)))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped year, or an EPW or TMY3 file.")],
    as_json: Json = False,
) -> None:
    """Show a year: its station, source, licence and design conditions."""
    row = _about(name)
    if as_json:
        write_json(row)
        return
    design = row.pop("design")
    lines = [(key.replace("_", " "), "-" if value is None else str(value)) for key, value in row.items()]
    typer.echo(table(lines))
    if design is not None:
        values = [(key, f"{value:.1f}" if isinstance(value, float) else str(value)) for key, value in design.items()]
        typer.echo("\nDesign conditions\n" + table(values, indent="  "))


def _about(name: str) -> dict[str, Any]:
    """What is known of a weather; without design conditions where it is shorter than a year."""
    from twin.forcing.design_day import design_conditions
    from twin.forcing.weather import TYPICAL_HOURS, load_weather

    weather = load_weather(name)
    hours = int(weather.dry_bulb_c.size)
    return {
        "name": weather.name,
        "station": weather.station,
        "source": weather.source,
        "licence": weather.licence,
        "latitude": weather.latitude,
        "longitude": weather.longitude,
        "elevation_m": weather.elevation_m,
        "utc_offset_h": weather.utc_offset_h,
        "hours": hours,
        "measured": weather.measured,
        "filled_hours": weather.filled_hours,
        "design": asdict(design_conditions(weather)) if hours >= TYPICAL_HOURS else None,
    }
