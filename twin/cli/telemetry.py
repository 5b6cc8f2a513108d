"""``twin telemetry``: what is in a recording, and its readings as columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.dialect import ASKED, Mapping, Options, options_of
from twin.cli.output import Json, write_json
from twin.cli.telemetry_broker import broker

if TYPE_CHECKING:
    from telemetry.dialect import Spoken
    from telemetry.recording.read import Recording

app = typer.Typer(no_args_is_help=True, help="Look into recordings of telemetry; run a broker.")
app.command()(broker)

File = Annotated[Path, typer.Argument(metavar="FILE", help="An .mcap file, a folder of them, or a DSX CSV.")]
Dialect = Annotated[str | None, typer.Option("--dialect", help=f"{ASKED}; of a CSV dsx.")]
Epoch = Annotated[str | None, typer.Option("--epoch", help="When a CSV begins, ISO 8601; default: 2026-01-01.")]


@app.command("inspect")
def inspect_(
    file: File,
    dialect: Dialect = None,
    mapping: Mapping = None,
    option: Options = None,
    epoch: Epoch = None,
    as_json: Json = False,
) -> None:
    """Summarise a recording: topics, rates, silences, units, qualities, rejects."""
    from telemetry.dialect import make_decoder
    from telemetry.inspection.inspect import inspect
    from telemetry.inspection.text import plain, render

    recording, said, epoch_ns = _opened(file, dialect, mapping, option, epoch)
    found = inspect(recording, said.name, make_decoder(*said) if said.name else None, epoch_ns)
    if as_json:
        write_json(plain(found))
    else:
        typer.echo(render(found), nl=False)


@app.command("export")
def export_(
    file: File,
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Each reading: a .parquet file; a grid: .zarr.")],
    every: Annotated[
        str | None, typer.Option("--every", metavar="T", help="Step of the grid, as 10 (s) or 1min; default: 10s.")
    ] = None,
    dialect: Dialect = None,
    mapping: Mapping = None,
    option: Options = None,
    epoch: Epoch = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the readings of a recording as columns, under the names of the twin's results.

    A grid has a group for each variable: xarray.open_zarr(PATH, group="rack_power"), or xarray.open_datatree(PATH).
    """
    from telemetry.dialect import make_decoder
    from telemetry.export.write import check_target, export
    from twin.core.errors import Faults, one

    faults = Faults()
    every_s = None if every is None else faults.of(_whole_seconds, every)
    faults.of(check_target, out, every_s, overwrite=overwrite)
    opened = faults.of(_opened, file, dialect, mapping, option, epoch)
    faults.tell()
    assert opened is not None
    recording, said, epoch_ns = opened
    if not said.name:
        raise one("the recording does not say its dialect: name it", path="--dialect")
    made = export(
        recording,
        lambda: make_decoder(*said),
        out,
        every_s=every_s,
        epoch_ns=epoch_ns,
        overwrite=overwrite,
    )
    if as_json:
        write_json({**vars(made), "path": str(made.path)})
        return
    typer.echo(f"{made.path}: {made.readings:,} readings of {made.points:,} points")
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)


def _whole_seconds(text: str) -> int:
    """A step in s, 0 where it is none of whole seconds: what is exported to says so."""
    from twin.engine.period import seconds

    found = seconds(text, "--every")
    return int(found) if found == int(found) else 0


def _opened(
    file: Path, dialect: str | None, mapping: str | None, option: list[str] | None, epoch: str | None
) -> tuple[Recording, Spoken, int | None]:
    """Recording, its dialect, epoch in ns. Raises ``InputError`` with all that is wrong."""
    from telemetry.dialect import make_decoder, spoken
    from telemetry.recording.read import open_recording
    from twin.core.errors import Faults
    from twin.engine.period import instant

    faults = Faults()
    recording = faults.of(open_recording, file)
    at_s = None if epoch is None else faults.of(instant, epoch, "--epoch")
    options = faults.of(options_of, mapping, option) or {}
    if recording is None:
        faults.of(make_decoder, dialect or "dsx", options if dialect else {})
        faults.tell()
        raise AssertionError
    said = faults.of(spoken, recording, dialect, options, "" if recording.has_dates else "dsx")
    if said is not None and (said.name or options):
        faults.of(make_decoder, *said)
    faults.tell()
    assert said is not None
    return recording, said, None if at_s is None else int(at_s) * 10**9
