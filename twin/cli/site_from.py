"""``twin site from-telemetry``: a site file from what a recording's metadata tell, and an overlay that completes it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.output import Json, write_json

if TYPE_CHECKING:
    from telemetry.topology.write import Made

MOST_NAME, LEAST_TITLE = 64, 3


def from_telemetry(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="An .mcap file, a folder, or a DSX CSV.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="SITE.yaml", help="Default: to stdout.")] = None,
    overlay: Annotated[
        Path | None, typer.Option("--overlay", metavar="FILE", help="Write estimates that complete it, too.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the site; default: that of the file.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Of the site.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Kept in the site file.")] = None,
    dialect: Annotated[
        str | None, typer.Option("--dialect", help="dsx; default: what the recording says, else dsx.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Build a site from DSX metadata: racks, CDUs, meters, loops, and what feeds what.

    No metadata hold a limit or a rating: `unknown` stands there, and validation lists it until an overlay says it.
    """
    from telemetry.recording.read import open_recording
    from telemetry.topology.write import site_from
    from twin.core.errors import Faults

    faults = Faults()
    called = faults.of(_name, name, out or recording)
    over = faults.of(_name, None, overlay) if overlay is not None else None
    faults.of(_check_text, title, note)
    faults.of(_check_targets, recording, out, overlay, overwrite=overwrite)
    opened = faults.of(open_recording, recording)
    if opened is None or called is None:
        faults.tell()
        return
    made = faults.of(site_from, opened, called, title=title or "", note=note or "", dialect=dialect)
    faults.tell()
    assert made is not None
    if out is not None:
        _write(out, made.text)
    if overlay is not None and out is not None and over is not None:
        _write(overlay, made.overlay(over, _base(out, overlay)))
    _tell(made, out, overlay, as_json=as_json)


def _name(name: str | None, file: Path) -> str:
    """The name of a site: as given, else from that of its file."""
    from twin.core.errors import one

    if name is None:
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", file.resolve().stem).strip("-._")[:MOST_NAME] or "site"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", name):
        raise one(f'expected letters, digits, "_", ".", "-", at most {MOST_NAME}, got "{name[:80]}"', path="--name")
    return name


def _check_text(title: str | None, note: str | None) -> None:
    from twin.core.errors import InputError, Problem

    given = (("--title", title or ""), ("--note", note or ""))
    problems = [
        Problem(option, "is not UTF-8 text") for option, text in given if text.encode(errors="ignore").decode() != text
    ]
    if title is not None and len(title) < LEAST_TITLE:
        problems.append(Problem("--title", f"expected {LEAST_TITLE} characters at least"))
    if problems:
        raise InputError(problems)


def _base(out: Path, overlay: Path) -> str:
    """How an overlay names the site below it: a path from its folder; a shipped site has a name."""
    from twin.site.base import find_site

    before, shipped, name = find_site(out).identity.partition("shipped:")
    if shipped and not before:
        return name
    return Path(os.path.relpath(out.resolve(), overlay.resolve().parent)).as_posix()


def _check_targets(recording: Path, out: Path | None, overlay: Path | None, *, overwrite: bool) -> None:
    from twin.core.errors import InputError, Problem

    problems = []
    if overlay is not None and out is None:
        problems.append(Problem("--overlay", "needs --out: the overlay has the site file as its base"))
    if overlay is not None and out is not None and overlay.resolve() == out.resolve():
        problems.append(Problem("--overlay", "is the site file itself: name another"))
    for option, file in (("--out", out), ("--overlay", overlay)):
        wrong = "" if file is None else _wrong(file, recording, overwrite=overwrite)
        if wrong:
            problems.append(Problem(option, wrong, str(file)))
    if problems:
        raise InputError(problems)


def _wrong(file: Path, recording: Path, *, overwrite: bool) -> str:
    """Why a file is not written, "" where it can be."""
    try:
        if file.is_dir() or not file.parent.is_dir():
            return "is a folder" if file.is_dir() else "there is no such folder"
        if not file.exists():
            return ""
        inside = file.resolve() == recording.resolve() or file.resolve().parent == recording.resolve()
    except OSError as error:
        return f"cannot be written: {error.strerror or error}"
    if inside:
        return "is a part of the recording, which is never replaced"
    return "" if overwrite else "is there already: --overwrite replaces it"


def _write(file: Path, text: str) -> None:
    from twin.core.errors import one

    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise one(f"cannot be written: {error.strerror or error}", file=str(file)) from None


def _tell(made: Made, out: Path | None, overlay: Path | None, *, as_json: bool) -> None:
    counts = made.counts()
    if as_json:
        files = {"site": None if out is None else str(out), "overlay": None if overlay is None else str(overlay)}
        text = made.text if out is None else None
        write_json({"name": made.name, **counts, "files": files, "notes": list(made.notes), "text": text})
        return
    for line in made.notes:
        typer.echo(f"note: {line}", err=True)
    if out is None:
        typer.echo(made.text, nl=False)
        return
    parts = ((counts[f"{what}s"], what.replace("cdu", "CDU")) for what in ("hall", "rack", "cdu", "element", "loop"))
    words = ", ".join(f"{count} {what}{'s'[: count != 1]}" for count, what in parts)
    typer.echo(f"{out}: {words}; {counts['unknown']} unknown")
    if overlay is not None:
        typer.echo(f"{overlay}: an estimate for each")


__all__ = ["from_telemetry"]
