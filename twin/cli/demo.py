"""``twin demo``: the sample campus, alive: broker, virtual facility, live twin and page, on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from twin.cli.output import Json, say_if_compiling, write_json

# Where nobody sits before it, it ends by itself.
UNATTENDED_S = 900.0

Site = Annotated[str, typer.Argument(metavar="[SITE]", help="A site file, or the name of a shipped site.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Date on which the site stands, ISO 8601; default: fully built."),
]
Port = Annotated[int, typer.Option(metavar="N", help="Of the page; 0: a free one.")]
Fault = Annotated[
    list[str] | None, typer.Option("--fault", metavar="FAULT", help="Of the facility, as `twin emulate` has them.")
]
For = Annotated[str | None, typer.Option("--for", metavar="T", help="How long, as 60s or 8h; default: until Ctrl-C.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Write the run into this folder as it grows.")]


def command(
    site: Site = "prairie-750",
    at: At = None,
    port: Port = 5006,
    fault: Fault = None,
    lasting: For = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Show the sample campus alive: a broker, a virtual facility, the twin that listens to it, and the page.

    All on this machine and on loopback; it ends with Ctrl-C, and takes all with it. Where standard error is no
    terminal it ends by itself after 15 minutes.
    """
    from dashboards.demo import AT, SITE, Demo, check, run
    from twin.core.errors import Faults
    from twin.core.jit import ensure_compiled
    from twin.engine.period import seconds
    from twin.engine.stop import stop_request

    faults = Faults()
    lasting_s = None if lasting is None else faults.of(seconds, lasting, "--for")
    unattended = lasting is None and not sys.stderr.isatty()
    if unattended:
        lasting_s = UNATTENDED_S
    demo = Demo(
        site, at or (AT if site == SITE else None), port, faults=tuple(fault or ()), lasting_s=lasting_s, out=out
    )
    checked = faults.of(check, demo)
    faults.tell()
    assert checked is not None
    if unattended:
        _say(f"no terminal: this ends by itself in {UNATTENDED_S / 60:.0f} min")
    say_if_compiling()
    ensure_compiled()
    with TemporaryDirectory(prefix="halltwin-demo-") as folder, stop_request(lambda _: _say("stopping")) as stop:
        session = run(checked, Path(folder), stop, say=_say, show=_show)
    if as_json:
        write_json(session.told())


def _say(words: str) -> None:
    typer.echo(f"{time.strftime('%H:%M:%S')}  {words}", err=True)


def _show(url: str) -> None:
    """The last line: what to open."""
    _say("the facility speaks up within some seconds, its meters first; Ctrl-C ends all of it")
    typer.echo(f"Open {url} in a browser.", err=True)
