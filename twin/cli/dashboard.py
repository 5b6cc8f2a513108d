"""``twin dashboard``: a recorded run on a live page, played again or followed while it is being written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, number, write_json

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run: finished, or still being written.")]
Port = Annotated[str, typer.Option(metavar="N", help="Port of the page; 0 takes a free one.")]
Speed = Annotated[
    str | None, typer.Option(metavar="xN", help="Times as fast as the clock, as x60; default: so that it moves.")
]
Address = Annotated[str, typer.Option(metavar="A", help="Address to listen on.")]
Remote = Annotated[
    bool, typer.Option("--allow-remote", help="Serve other machines too. Nobody is asked for a password.")
]


def command(
    run: Run,
    port: Port = "5006",
    speed: Speed = None,
    address: Address = "127.0.0.1",
    allow_remote: Remote = False,
    as_json: Json = False,
) -> None:
    """Serve a page of a run until Ctrl-C: campus now, racks, headroom, measured against simulated, tokens, data age."""
    from dashboards.app import listening, serve
    from dashboards.feed import RunFeed
    from dashboards.transport import speed_of
    from twin.core.errors import Faults
    from twin.engine.stop import stop_request

    faults = Faults()
    times = None if speed is None else faults.of(speed_of, speed)
    sockets = faults.of(listening, number(port), address, allow_remote)
    feed = faults.of(RunFeed, run, times)
    faults.tell()
    assert feed is not None
    assert sockets is not None
    if allow_remote:
        typer.echo(
            f"warning: {address} may be open to other machines, and the page asks nobody for a password", err=True
        )

    def show(url: str) -> None:
        if as_json:
            write_json({"url": url, "run": str(run), "site": feed.topology.site})
        else:
            typer.echo(url)

    feed.start()
    try:
        with stop_request(lambda _: None) as stop:
            serve(feed, sockets=sockets, show=show, stop=stop)
    finally:
        feed.stop()
