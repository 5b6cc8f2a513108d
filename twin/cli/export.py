"""``twin export``: a run as one NetCDF file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.nc", help="The NetCDF-4 file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write a run as a NetCDF-4 file (CF conventions)."""
    from twin.analysis.dataset import open_run, to_netcdf
    from twin.core.errors import one

    dataset = open_run(run)
    if file.exists() and not overwrite:
        raise one("is there already: replace it with --overwrite, or choose another name", file=str(file))
    typer.echo(str(to_netcdf(dataset, file)))
