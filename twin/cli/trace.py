"""``twin trace``: what feeds an element, what does it feed, and what depends on it alone?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, tell, write_json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Elements = Annotated[
    list[str],
    typer.Argument(
        metavar="ELEMENT...",
        help="Names as in the results: grid, mv, b1/chw, b1/b1-h1, b1/b1-h1/cdu-03, b1/b1-h1/r-1/04, a pool; "
        "role:name tells namesakes apart.",
    ),
]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with a picture of the paths.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


def command(
    site: Site, elements: Elements, html: Html = None, overwrite: Overwrite = False, as_json: Json = False
) -> None:
    """Trace power and cooling: what feeds an element, what it feeds, what depends on it alone."""
    from twin.analysis.feed_paths import plain, trace
    from twin.analysis.new_files import check_files
    from twin.core.errors import Faults
    from twin.site.load import load_site

    faults = Faults()
    loaded = faults.of(load_site, site)
    found = None if loaded is None else faults.of(trace, loaded, elements)
    faults.of(check_files, None, html, overwrite=overwrite)
    faults.tell()
    assert loaded is not None
    assert found is not None
    tell(loaded.warnings)
    if html is not None:
        from dashboards.feed_page import write_feed_page

        write_feed_page(found, html)
    if as_json:
        write_json({**plain(found), "page": str(html) if html else None})
        return
    from twin.analysis.feed_text import render

    typer.echo(render(found), nl=False)
    if html is not None:
        typer.echo(f"page  {html}")
