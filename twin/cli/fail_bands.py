"""``twin fail SITE ELEMENT --bands``: time to trip over what nobody has published."""

from __future__ import annotations

from typing import Any

import typer

from twin.cli.output import VIOLATED, Progress, number, say_if_compiling, tell, write_json


def run_bands(site: str, elements: list[str], samples: str, *, as_json: bool, **how: Any) -> None:
    """Sample and tell; exit code 1 where racks trip with the entries' own figures."""
    from twin.analysis.fail_bands import fail_bands, plain, render
    from twin.core.errors import one
    from twin.site.load import load_site

    if len(elements) != 1:
        raise one(f"--bands are told of one element, got {len(elements)}", path="ELEMENT")
    loaded = load_site(site)
    tell(loaded.warnings)
    say_if_compiling()
    told = plain(fail_bands(loaded, elements[0], samples=number(samples), progress=Progress(), **how))
    if as_json:
        write_json(told)
    else:
        typer.echo(render(told))
    if told["times"]["trip_s"]["centre"] is not None:
        raise typer.Exit(VIOLATED)


__all__ = ["run_bands"]
