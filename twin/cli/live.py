"""``twin live``: the twin beside the campus, driven by what is measured; on a broker, or on a recording."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.dialect import Mapping, Options, Rebirth, options_of
from twin.cli.login import CaFile, Cert, Key, PasswordFile, User
from twin.cli.output import INTERRUPTED, VIOLATED, Json, say_if_compiling, table, tell, write_json

if TYPE_CHECKING:
    from socket import socket

    from telemetry.live.frame import Frame
    from telemetry.live.session import Session, Wish

    LoginOf = tuple[str | None, Path | None, Path | None, Path | None, Path | None]

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Broker = Annotated[str | None, typer.Option(metavar="ADDRESS", help="mqtt://HOST[:PORT], or mqtts:// for TLS.")]
Replay = Annotated[
    Path | None, typer.Option("--replay", metavar="FILE", help="A recording instead: .mcap, a folder, a CSV of DSX.")
]
Speed = Annotated[str | None, typer.Option(metavar="N|max", help="With --replay: times as fast as it was; default 1.")]
Dialect = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="dsx, influx, plain, sparkplug; default: dsx, or what a recording says."),
]
Topics = Annotated[list[str] | None, typer.Option("--topic", metavar="FILTER", help="Default: those of the dialect.")]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="Date on which the site stands, ISO 8601, UTC; default: now.")
]
Step = Annotated[str, typer.Option(metavar="T", help="Step of the model.")]
Every = Annotated[str, typer.Option(metavar="T", help="Output interval of the run, a multiple of the step.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Write the run into this folder as it grows.")]
Record = Annotated[Path | None, typer.Option("--record", metavar="FOLDER", help="Record the messages as well.")]
Page = Annotated[bool, typer.Option("--page", help="Serve the live page on this machine; it stays after a replay.")]
Port = Annotated[int, typer.Option(metavar="N", help="Of the page; default: a free one.")]
For = Annotated[str | None, typer.Option("--for", metavar="T", help="How long, as 60s or 8h; default: until Ctrl-C.")]


def command(
    site: Site,
    broker: Broker = None,
    replay: Replay = None,
    speed: Speed = None,
    dialect: Dialect = None,
    mapping: Mapping = None,
    option: Options = None,
    topic: Topics = None,
    at: At = None,
    step: Step = "1s",
    every: Every = "10s",
    out: Out = None,
    record: Record = None,
    lasting: For = None,
    page: Page = False,
    port: Port = 0,
    rebirth: Rebirth = None,
    user: User = None,
    password_file: PasswordFile = None,
    cafile: CaFile = None,
    cert: Cert = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Run the twin of a site beside its telemetry: measured and simulated under the same names, residuals, headroom.

    What is measured (power, flows, supply temperatures, weather) drives the model, the rest it finds itself. LIVE turns
    to STALE where more than half of what drives is old, bad or silent. A recording goes through the same path.
    """
    from telemetry.live.session import Wish
    from twin.core.errors import Faults
    from twin.engine.period import seconds

    faults = Faults()
    of_login = {"user": user, "password-file": password_file, "cafile": cafile, "cert": cert, "key": key}
    faults.of(_together, broker, replay, {"speed": speed}, {"record": record, **of_login})
    held = ExitStack()
    sockets = faults.of(_bound, port, held, page=page) or []
    lasting_s = None if lasting is None else faults.of(seconds, lasting, "--for")
    wish = Wish(site, at, step, every, out, lasting_s)
    faults.of(wish.check)
    options = faults.of(options_of, mapping, option, rebirth) or {}
    topics = topic or []
    made: Callable[[], Session] | None
    if replay is not None:
        made = faults.of(_of_recording, wish, replay, speed, dialect, options, topics)
    else:
        login = (user, password_file, cafile, cert, key)
        made = faults.of(_of_broker, wish, broker or "localhost", login, dialect, options, topics, record)
    if faults.problems:
        held.close()
    faults.tell()
    assert made is not None
    with held:
        session = _gone(made, sockets, ends=lasting is not None)
    _answer(session, as_json=as_json, page=page)


def _answer(session: Session, *, as_json: bool, page: bool) -> None:
    """Tell what it came to, and end as it ended."""
    if as_json:
        write_json(session.told())
    else:
        typer.echo(_summary(session.told()))
    if session.alone:
        typer.echo(session.alone, err=True)
        raise typer.Exit(VIOLATED)
    if not session.whole and not page:
        raise typer.Exit(INTERRUPTED)


def _bound(port: int, held: ExitStack, *, page: bool) -> list[socket]:
    """Sockets of the page, closed with ``held``; none without a page."""
    if not page:
        from twin.core.errors import one

        if port:
            raise one("goes with --page", path="--port")
        return []
    from dashboards.app import listening

    return [held.enter_context(each) for each in listening(port)]


def _together(broker: str | None, replay: Path | None, of_replay: dict[str, Any], of_broker: dict[str, Any]) -> None:
    """Whom to listen to, and which options go with it."""
    from twin.core.errors import InputError, Problem, one

    problems = []
    if broker is not None and replay is not None:
        raise one("does not go with --replay: listen to a broker, or play a recording, not both", path="--broker")
    if broker is None and replay is None:
        problems.append(Problem("--broker", "give a broker to listen to, or a recording with --replay"))
    unfit = of_replay if replay is None else of_broker
    other = "--replay" if replay is None else "--broker"
    problems += [Problem(f"--{name}", f"goes with {other}") for name, value in unfit.items() if value is not None]
    if problems:
        raise InputError(problems)


def _of_broker(
    wish: Wish, broker: str, login: LoginOf, dialect: str | None, options: dict[str, str], topics: list[str],
    record: Path | None,
) -> Callable[[], Session]:  # fmt: skip
    from telemetry.address import make_login, parse_address
    from telemetry.dialect import make_decoder
    from telemetry.live.session import on_broker
    from telemetry.live.source import Listening
    from twin.core.errors import Faults

    faults, name = Faults(), dialect or "dsx"
    decoder = faults.of(make_decoder, name, options)
    address = faults.of(parse_address, broker, "--broker")
    found = None if address is None else faults.of(make_login, address, *login)
    faults.tell()
    assert decoder is not None
    assert address is not None
    assert found is not None
    listening = Listening(address, found, decoder, name, topics, record, options)
    listening.check()
    tell(found.warnings)
    return lambda: _of_wish(wish, lambda: on_broker(wish, listening, _say))


def _of_recording(
    wish: Wish, replay: Path, speed: str | None, dialect: str | None, options: dict[str, str], topics: list[str]
) -> Callable[[], Session]:
    from telemetry.live.session import on_recording
    from telemetry.replay.asked import open_played

    played = open_played(replay, dialect, options, speed=speed or "1", topics=topics)
    played.decoder()
    return lambda: _of_wish(wish, lambda: on_recording(wish, played, played.decoder, _say))


def _of_wish(wish: Wish, make: Callable[[], Session]) -> Session:
    """Make a session; the period of its model is nobody's option, but follows from its date and its interval."""
    from twin.core.errors import renamed
    from twin.core.units import DAY
    from twin.engine.period import seconds

    with renamed(start="at", end="every" if seconds(wish.every, "--every") > DAY else "at"):
        return make()


def _gone(made: Callable[[], Session], sockets: Sequence[socket], *, ends: bool) -> Session:
    """A session that has run until its end, Ctrl-C or SIGTERM, with a page where there are ``sockets`` for one.

    The page stays when a recording has ended, unless its time was given.
    """
    from twin.engine.stop import stop_request

    say_if_compiling()
    session = made()
    for line in session.lines():
        typer.echo(line, err=True)
    with stop_request(lambda _: _say("stopping")) as stop:
        if not sockets:
            session.go(stop, _Line())
            return session
        from dashboards.beside import go_with_page

        go_with_page(session, stop, sockets=sockets, show=lambda url: _say(f"page at {url}"), ends=ends)
    return session


def _say(words: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    typer.echo(f"{time.strftime('%H:%M:%S')}  {words}", err=True)


class _Line:
    """One line on a terminal, rewritten at most once a second."""

    def __init__(self) -> None:
        self._live, self._told = sys.stderr.isatty(), 0.0

    def __call__(self, frame: Frame) -> None:
        now = time.monotonic()
        if not self._live or now - self._told < 1.0:
            return
        self._told = now
        power = [
            f"{float(table[name][0]) / 1e6:,.3f}" if name in table else "-"
            for name, table in (("site_power", frame.simulated), ("site_power", frame.measured))
        ]
        line = f"{frame.mode}: site {power[0]} MW simulated, {power[1]} measured; {frame.note}"
        sys.stderr.write(f"\r\033[K{line[:100]}")
        sys.stderr.flush()


def _refused(state: dict[str, Any]) -> list[tuple[str, str]]:
    """Why messages and parts of others were refused: how many by each reason, and the words of its first."""
    kinds = (("rejects", "", "message"), ("parts", "part: ", "part of a message"))
    return [
        (reason, f"{count:,} x a {what}, first on {first['topic']!r}: {first['detail']}")
        for kind, front, what in kinds
        for reason, count in state.get(kind, {}).items()
        for first in state["samples"].get(f"{front}{reason}", ())[:1]
    ]


def _summary(told: dict[str, Any]) -> str:
    bound = told["bound"]
    state = told["state"] or {}
    rows = [
        ("steps", f"{told['frames']:,} from {told['begin_utc']} to {told['end_utc']}"),
        ("points", f"{bound['bound']:,} of {bound['points']:,} measure what the model has, "
         f"{bound['of_this_site']:,} are of this site"),
        ("readings", f"{state.get('applied', 0):,} applied, {state.get('quarantined', 0):,} quarantined, "
         f"{sum(state.get('rejects', {}).values()):,} messages refused"),
        *_refused(state),
        ("mode", f"{told['mode'] or 'none'}{': ' + told['note'] if told['note'] else ''}"),
    ]  # fmt: skip
    if told["skipped_s"]:
        rows.append(("skipped", f"{told['skipped_s']:,.0f} s"))
    rows += [("note", note) for note in told["notes"]]
    if told["run"]:
        lost = f", {told['intervals_lost']:,} lost" if told["intervals_lost"] else ""
        rows.append(("run", f"{told['run']}: {told['intervals']:,} intervals{lost}"))
    return table(rows)
