"""``twin library``: which equipment is known, and how well?"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.cli.output import Json, table, write_json

app = typer.Typer(help="Look into the equipment library.", no_args_is_help=True, rich_markup_mode=None)

Own = Annotated[
    Path | None, typer.Option("--with", metavar="FOLDER", help="A library of your own to look into as well.")
]


@app.command("list")
def list_entries(
    kind: Annotated[str | None, typer.Option("--kind", metavar="K", help="Only entries of this kind.")] = None,
    own: Own = None,
    as_json: Json = False,
) -> None:
    """List the entries with their kind."""
    from twin.core.errors import did_you_mean, one
    from twin.core.registry import kinds
    from twin.site.library import load_library

    if kind is not None and kind not in kinds():
        raise one(f'unknown kind "{kind}"{did_you_mean(kind, kinds()) or "; expected " + ", ".join(kinds())}')
    library = _opened(own, load_library)
    entries = [(id, library.get(id)) for id in library.ids(*([kind] if kind else []))]
    if as_json:
        write_json([{"id": id, "kind": entry.kind, "title": entry.title} for id, entry in entries])
    else:
        typer.echo(table([("id", "kind", "title"), *((id, e.kind, e.title) for id, e in entries)]))


@app.command()
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The id of an entry.")],
    own: Own = None,
    as_json: Json = False,
) -> None:
    """Show an entry: every figure with unit, band, source and confidence."""
    from twin.site.figures import figure_rows, settings
    from twin.site.library import load_library

    entry = _opened(own, load_library).entry(id)
    params = entry.params
    rows, stated = figure_rows(params), settings(params)
    if as_json:
        head = {"id": id, "kind": params.kind, "title": params.title, "note": params.note}
        write_json({**head, "file": entry.document.file, "settings": stated, "figures": rows})
        return
    typer.echo(f"{id}: {params.title} ({params.kind}, {entry.document.file})")
    if params.note:
        typer.echo(textwrap.fill(params.note, 118, initial_indent="  ", subsequent_indent="  "))
    if stated:
        typer.echo("\n" + table(list(stated.items()), indent="  "))
    head_row = ("figure", "value", "unit", "band", "confidence", "meaning")
    body = [(r["key"], f"{r['value']:g}", _unit(r), _band(r), r["confidence"], r["meaning"]) for r in rows]
    typer.echo("\n" + table([head_row, *body], right=(1,), indent="  "))
    typer.echo("\nSources")
    typer.echo(table([(r["key"], r["source"]) for r in rows], indent="  "))


def _opened(own: Path | None, load: Any) -> Any:
    """The library, with the folder of the user's own."""
    from twin.core.errors import one

    if own is not None and not own.is_dir():
        raise one("there is no such folder", file=str(own))
    return load(own)


def _unit(row: dict[str, Any]) -> str:
    return "" if row["unit"] == "1" else str(row["unit"])


def _band(row: dict[str, Any]) -> str:
    if row["low"] is None and row["high"] is None:
        return ""
    low, high = (row["value"] if row[end] is None else row[end] for end in ("low", "high"))
    return f"{low:g} .. {high:g}"
