"""``twin fail SITE --every cdu,pump``: all faults of some kinds from one checkpoint, worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from twin.cli.output import VIOLATED, Progress, number, say_if_compiling, tell, write_json


def run_every(
    site: str, every: str, out: Path | None, *, overwrite: bool, threads: str | None, as_json: bool, **how: Any
) -> None:
    """Sweep and tell; exit code 1 where racks trip. Raises ``InputError`` with everything that is wrong."""
    from twin.analysis.new_files import check_files
    from twin.analysis.sweep import plain, sweep, write_csv
    from twin.analysis.sweep_text import render
    from twin.core.errors import Faults
    from twin.site.load import load_site

    faults = Faults()
    loaded = faults.of(load_site, site)
    faults.of(check_files, None, out, overwrite=overwrite)
    faults.tell()
    assert loaded is not None
    tell(loaded.warnings)
    say_if_compiling()
    kinds = [text.strip() for text in every.split(",")]
    found = sweep(loaded, kinds, threads=None if threads is None else number(threads), progress=Progress(), **how)
    if out is not None:
        write_csv(found, out)
    if as_json:
        write_json({**plain(found), "table": str(out) if out else None})
    else:
        typer.echo(render(found))
        if out is not None:
            typer.echo(f"table  {out}")
    if any(case.racks_tripped for case in found.rows):
        raise typer.Exit(VIOLATED)


__all__ = ["run_every"]
