"""``twin record``: write down what a broker delivers, so that nothing that it delivered with QoS 1 is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.dialect import Mapping, Options, Rebirth, options_of
from twin.cli.login import CaFile, Cert, Key, PasswordFile, User
from twin.cli.output import Json, table, tell, write_json

if TYPE_CHECKING:
    from telemetry.ingest.run import Run

Broker = Annotated[str, typer.Argument(metavar="BROKER", help="mqtt://HOST[:PORT], or mqtts:// for TLS.")]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where recordings go; the same one goes on.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", metavar="FILTER", help="Default: those of the dialect.")]
Dialect = Annotated[str, typer.Option(metavar="NAME", help="Of the messages: dsx, influx, plain, sparkplug.")]
ClientId = Annotated[str | None, typer.Option(metavar="ID", help="Default: one that the folder remembers.")]
Mqtt = Annotated[int, typer.Option("--mqtt", metavar="4|5", help="4 is MQTT 3.1.1, as DSX Exchange needs.")]
Status = Annotated[
    str | None, typer.Option("--status-topic", metavar="TOPIC", help='Retain "online" there, and "offline" by a will.')
]
RotateMb = Annotated[float, typer.Option("--rotate-mb", metavar="MB", help="A file ends at this size.")]
RotateMin = Annotated[float, typer.Option("--rotate-min", metavar="MIN", help="A file ends after this time.")]
KeepGb = Annotated[float | None, typer.Option("--keep-gb", metavar="GB", help="The oldest files go beyond this.")]
KeepDays = Annotated[float | None, typer.Option("--keep-days", metavar="D", help="Older files go.")]
For = Annotated[str | None, typer.Option("--for", metavar="T", help="How long, as 60s or 8h; default: until Ctrl-C.")]


def command(
    broker: Broker,
    out: Out,
    topic: Topics = None,
    dialect: Dialect = "dsx",
    mapping: Mapping = None,
    option: Options = None,
    rebirth: Rebirth = None,
    client_id: ClientId = None,
    user: User = None,
    password_file: PasswordFile = None,
    cafile: CaFile = None,
    cert: Cert = None,
    key: Key = None,
    mqtt: Mqtt = 4,
    status_topic: Status = None,
    rotate_mb: RotateMb = 256.0,
    rotate_min: RotateMin = 60.0,
    keep_gb: KeepGb = None,
    keep_days: KeepDays = None,
    lasting: For = None,
    as_json: Json = False,
) -> None:
    """Record what a broker delivers, until Ctrl-C; a message is acknowledged when the disk has it.

    The broker keeps for the client id what comes while nobody records: start again with the same --out. What may be
    missing all the same is marked in the recording, by source. It publishes nothing unless --status-topic or
    --rebirth is given.
    """
    from telemetry.address import ANONYMOUS, make_login, parse_address
    from telemetry.decode import make
    from telemetry.dialect import make_decoder
    from telemetry.ingest.run import Run, Wish
    from twin.core.errors import Faults
    from twin.engine.period import seconds

    faults = Faults()
    options = faults.of(options_of, mapping, option, rebirth)
    decoder = faults.of(make_decoder, dialect, options)
    lasting_s = None if lasting is None else faults.of(seconds, lasting, "--for")
    address = faults.of(parse_address, broker)
    login = None if address is None else faults.of(make_login, address, user, password_file, cafile, cert, key)
    wish = Wish(
        address or parse_address("localhost"), login or ANONYMOUS, decoder or make("dsx"), dialect, out,
        topic or (), client_id,
        rotate_bytes=_whole(rotate_mb, 1e6) or 0, rotate_s=rotate_min * 60.0,
        keep_bytes=_whole(keep_gb, 1e9), keep_s=None if keep_days is None else keep_days * 86_400.0,
        version=mqtt, status=status_topic, options=options or {},
    )  # fmt: skip
    faults.of(wish.check)
    faults.tell()
    tell(wish.login.warnings)
    with _until_signal() as stop:
        live = sys.stderr.isatty()
        run = Run(wish, lambda words: _say(words, live))
        heard = " ".join(run.session.filters)
        _say(f"recording {heard} of {wish.address} into {out}{'' if lasting else ', until Ctrl-C'}", live)
        try:
            run.go(stop, lasting_s, lambda r: _show(r) if live else None)
        finally:
            if live:
                _clear()
    _tell(run, heard, as_json=as_json)


def _whole(value: float | None, factor: float = 1.0) -> int | None:
    """Bytes; what is no number above 0 becomes 0, which is refused with a word."""
    if value is None:
        return None
    return int(value * factor) if 0.0 < value * factor < 1e18 else 0


def _tell(run: Run, heard: str, *, as_json: bool) -> None:
    """What it came to."""
    if not run.ingest.messages:
        typer.echo(f"nothing came on {heard}: is it published there, and may this user read it?", err=True)
    if as_json:
        write_json(run.told())
    else:
        typer.echo(_summary(run))


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second one ends at once, and loses nothing that was acknowledged."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: object) -> None:
        stop.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(words: str, live: bool) -> None:
    if live:
        _clear()
    typer.echo(f"{time.strftime('%H:%M:%S')}  {words}", err=True)


def _clear() -> None:
    sys.stderr.write("\r\033[K")
    sys.stderr.flush()


def _waiting(run: Run) -> str:
    """How many nodes wait for a birth, where any does."""
    waiting = run.told()["sources"].get("waiting", 0)
    return f", {waiting:,} nodes wait for a birth" if waiting else ""


def _show(run: Run) -> None:
    """One line on a terminal, rewritten each second."""
    ingest, width = run.ingest, os.get_terminal_size(sys.stderr.fileno()).columns or 80
    state = "connected" if ingest.listener.connected else "no connection"
    state = "disk full" if ingest.disk_full else state
    line = (
        f"{state}: {ingest.messages:,} messages, {run.rate():,.0f}/s, {ingest.backlog:,} waiting, "
        f"{sum(run.pipeline.state.counts.rejects.values()):,} rejects, {ingest.gap_marks} gaps{_waiting(run)}"
    )
    sys.stderr.write(f"\r\033[K{line[: width - 1]}")  # a line that wraps cannot be rewritten
    sys.stderr.flush()


def _sources(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Edge nodes, where the dialect knows any."""
    if not told:
        return []
    return [
        ("edge nodes", f"{told['nodes']:,}: {told['alive']:,} alive, {told['dead']:,} dead, {told['waiting']:,} wait "
         f"for a birth; {told['rebirths_asked']:,} births asked for"),
        ("by seq", f"{told['lost']:,} messages lost, {told['reordered']:,} late, {told['copies']:,} copies"),
        ("not read", ", ".join(f"{n:,} {why}" for why, n in told["unread"].items()) or "none"),
    ]  # fmt: skip


def _summary(run: Run) -> str:
    told = run.told()
    state = told["state"]
    rows = [
        ("recorded", f"{told['messages']:,} messages, {told['bytes'] / 1e6:,.1f} MB in {told['seconds']:,.0f} s"),
        ("acknowledged", f"{told['acknowledged']:,}; what comes at QoS 0 is not"),
        ("readings", f"{state['readings']:,} of {told['points']:,} points: {state['applied']:,} new, "
         f"{state['duplicates']:,} duplicates, {state['late']:,} late, {state['quarantined']:,} quarantined"),
        ("rejects", ", ".join(f"{n:,} {reason}" for reason, n in state["rejects"].items()) or "none"),
        *([("parts", ", ".join(f"{n:,} {reason}" for reason, n in state["parts"].items()))] if state["parts"] else []),
        *_sources(told["sources"]),
        ("connections", f"{told['connections']:,}, lost {told['losses']:,}"),
        ("gaps", f"{told['gaps']:,} marked"),
        ("client id", told["client_id"]),
        ("folder", told["folder"]),
    ]  # fmt: skip
    return table(rows)
