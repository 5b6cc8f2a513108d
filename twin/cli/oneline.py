"""``twin oneline``: the one-line diagram of a site, as an SVG and as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Hall = Annotated[str | None, typer.Option(metavar="B/H", help="Only this hall and what feeds it.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw the diagram as SVG.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


def command(
    site: Site, hall: Hall = None, out: Out = None, overwrite: Overwrite = False, as_json: Json = False
) -> None:
    """Show the electrical path: banks with rating, loading, and loading after a loss."""
    from twin.analysis.new_files import check_files
    from twin.analysis.oneline import one_line
    from twin.core.errors import Faults
    from twin.site.load import load_site

    faults = Faults()
    loaded = faults.of(load_site, site)
    found = faults.of(one_line, loaded, hall) if loaded is not None else None
    faults.of(check_files, None, out, overwrite=overwrite)
    faults.tell()
    assert loaded is not None
    assert found is not None
    tell(loaded.warnings)
    if out is not None:
        from dashboards.oneline import write_oneline

        write_oneline(found, out)
    if as_json:
        write_json({**found.plain(), "picture": str(out) if out else None})
        return
    from twin.analysis.oneline_text import render

    typer.echo(render(found))
    if out is not None:
        typer.echo(f"picture  {out}")
