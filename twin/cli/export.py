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
    from twin.analysis.damage import check_run, telling_damage
    from twin.analysis.new_files import check_target
    from twin.core.errors import Faults

    faults = Faults()
    faults.of(check_run, run)
    faults.of(check_target, file, overwrite=overwrite)
    faults.tell()
    from twin.analysis.dataset import open_run
    from twin.analysis.netcdf import to_netcdf

    with telling_damage(run):
        made = to_netcdf(open_run(run), file)
    typer.echo(str(made))
