"""``twin replay``: play a recording again, through the twin's own path or to a broker, at any speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.dialect import ASKED, Mapping, Options, options_of
from twin.cli.login import CaFile, Cert, Key, PasswordFile, Remote, User, Yes, agreed
from twin.cli.output import INTERRUPTED, VIOLATED, Json, table, tell, write_json

if TYPE_CHECKING:
    from telemetry.decode import Decoder
    from telemetry.replay.asked import Played
    from telemetry.replay.play import Outcome
    from twin.core.errors import Problem

LOCAL = "mqtt://127.0.0.1:1883"

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="An .mcap file, a folder of them, or a CSV of DSX Exchange.")
]
Speed = Annotated[
    str | None, typer.Option(metavar="N|max", help="Times as fast as it was; default: max to the twin, 1 to a broker.")
]
To = Annotated[str, typer.Option("--to", metavar="mqtt|twin", help="Where to: twin shows the state at the end.")]
Broker = Annotated[str | None, typer.Option(metavar="ADDRESS", help=f"With --to mqtt; default: {LOCAL}.")]
Epoch = Annotated[
    str | None,
    typer.Option(
        metavar="now|recorded|TIME",
        help="When it begins, stamps in payloads as well; default: recorded to the twin, now to a broker.",
    ),
]
After = Annotated[
    str | None, typer.Option("--after", metavar="TIME", help="Only from here: ISO 8601, or since its begin, as 90s.")
]
Before = Annotated[str | None, typer.Option("--before", metavar="TIME", help="Only before this, likewise.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", metavar="FILTER", help="Only these topics; repeatable.")]
Prefix = Annotated[str | None, typer.Option(metavar="P", help="With --to mqtt: publish below P, as site/replay.")]
Dialect = Annotated[str | None, typer.Option(metavar="NAME", help=f"{ASKED}; of a CSV dsx.")]


def command(
    file: File,
    speed: Speed = None,
    to: To = "twin",
    broker: Broker = None,
    epoch: Epoch = None,
    after: After = None,
    before: Before = None,
    topic: Topics = None,
    prefix: Prefix = None,
    dialect: Dialect = None,
    mapping: Mapping = None,
    option: Options = None,
    allow_remote: Remote = False,
    yes: Yes = False,
    user: User = None,
    password_file: PasswordFile = None,
    cafile: CaFile = None,
    cert: Cert = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Play a recording again, by the path of live messages; commands and requests in it are never sent to a broker.

    To the twin: values by variable, what is stale, rejects, and a digest that is the same at any speed. To a broker:
    QoS and retain flags are those of the recording and are shown first; another machine's broker needs --allow-remote,
    --prefix and a yes. Exit code 1 where the broker has not acknowledged all of it.
    """
    from telemetry.replay.asked import NOW, RECORDED, open_played
    from twin.core.errors import Faults

    faults, sent = Faults(), to == "mqtt"
    login = {"user": user, "password_file": password_file, "cafile": cafile, "cert": cert, "key": key}
    faults.problems += _together(to, {"broker": broker, "prefix": prefix, "allow-remote": allow_remote, **login})
    options = faults.of(options_of, mapping, option)
    played = faults.of(
        open_played,
        file,
        dialect,
        options,
        speed=speed or ("1" if sent else "max"),
        epoch=epoch or (NOW if sent else RECORDED),
        after=after,
        before=before,
        topics=topic or (),
    )
    decoder = faults.of(_decoder, played, dialect, options)
    if sent:
        from telemetry.replay.send import target

        to_whom = faults.of(target, broker or LOCAL, prefix or "", allow_remote=allow_remote, login=login)
        faults.tell()
        assert decoder is not None
        assert played is not None
        assert to_whom is not None
        _to_broker(played, decoder, to_whom, yes=yes, as_json=as_json)
        return
    faults.tell()
    assert decoder is not None
    assert played is not None
    _to_twin(played, decoder, as_json=as_json)


def _decoder(played: Played | None, dialect: str | None, options: dict[str, str] | None) -> Decoder | None:
    """Of what is played; where that cannot be opened, of what is asked for, so that its faults are told too."""
    from telemetry.dialect import make_decoder

    if played is not None:
        return played.decoder()
    return make_decoder(dialect, options) if dialect else None


def _together(to: str, with_mqtt: dict[str, object]) -> list[Problem]:
    """What is wrong with --to, and which options need another one."""
    from twin.core.errors import Problem, did_you_mean

    if to not in ("mqtt", "twin"):
        return [
            Problem(
                "--to", f'"{to}" is nowhere to replay to, expected mqtt or twin{did_you_mean(to, ("mqtt", "twin"))}'
            )
        ]
    given = [name for name, value in with_mqtt.items() if value] if to == "twin" else []
    return [Problem(f"--{name.replace('_', '-')}", "goes with --to mqtt") for name in given]


def _to_twin(played: Played, decoder: Decoder, *, as_json: bool) -> None:
    from telemetry.clock import ReplayClock
    from telemetry.pipeline import Pipeline
    from telemetry.replay.play import to_twin
    from telemetry.replay.told import lines, outcome_lines, outcome_told, summary, told
    from twin.engine.stop import stop_request

    clock = ReplayClock(played.begin_ns, played.choice.speed)
    pipeline = Pipeline(decoder, clock)
    with stop_request(lambda _: None) as stop:
        outcome = to_twin(played, pipeline, clock, stop=stop, begun=lambda: _say_how_long(played))
    found = told(pipeline.state, outcome.last_ns)
    how = outcome_told(outcome, played, found)
    if as_json:
        write_json({**how, "state": found})
    else:
        shown = ["", table(lines(found), right=range(2, 9))] if found["variables"] else []
        typer.echo("\n".join([*outcome_lines(how), *summary(found), *shown]))
    _end(outcome)


def _to_broker(played: Played, decoder: Decoder, to: Any, *, yes: bool, as_json: bool) -> None:
    """Show what goes out, ask where that is needed, send."""
    from telemetry.clock import WallClock
    from telemetry.replay.play import outgoing
    from telemetry.replay.send import send
    from telemetry.replay.told import outcome_lines, outcome_told, stamps_line
    from twin.engine.stop import stop_request

    def say(words: str) -> None:
        typer.echo(words, err=True)

    tell(to.login.warnings)
    plan = outgoing(played, decoder, str(to.address), to.prefix)
    for line in [*plan.lines(), stamps_line(played, WallClock().now_ns())]:
        typer.echo(line, err=as_json)
    to.check(yes or (not to.address.loopback and agreed("send this to another machine's broker?")))
    with stop_request(lambda _: say("stopping; once more to stop at once")) as stop:
        outcome, undelivered = send(played, decoder, to, say, stop=stop, begun=lambda: _say_how_long(played))
    how = {**outcome_told(outcome, played), "undelivered": undelivered}
    if as_json:
        write_json({**how, "to": plan.told()})
    else:
        typer.echo("\n".join(outcome_lines(how)))
    _end(outcome)
    if undelivered:
        raise typer.Exit(VIOLATED)


def _say_how_long(played: Played) -> None:
    """On stderr, where one has to wait."""
    if played.choice.speed is not None and played.takes_s >= 5.0:
        typer.echo(f"at x{played.choice.speed:g} this takes {played.takes_s:,.0f} s; Ctrl-C ends it", err=True)


def _end(outcome: Outcome) -> None:
    if not outcome.whole:
        typer.echo("interrupted", err=True)
        raise typer.Exit(INTERRUPTED)
