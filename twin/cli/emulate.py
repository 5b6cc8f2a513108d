"""``twin emulate``: a virtual facility that publishes what its engine does, as a building's management system would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.login import CaFile, Cert, Key, PasswordFile, Remote, User, Yes, agreed
from twin.cli.output import Json, number, say_if_compiling, write_json

if TYPE_CHECKING:
    from telemetry.emulate.play import Played
    from telemetry.emulate.session import Target
    from telemetry.emulate.virtual import Virtual

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Date of the model, ISO 8601, UTC; default: the scenario's, else the first full year.",
    ),
]
Speed = Annotated[str, typer.Option(metavar="N", help="How much faster than the clock the model goes.")]
For = Annotated[str | None, typer.Option("--for", metavar="T", help="How long, as 60s; default: until Ctrl-C.")]
Every = Annotated[str, typer.Option(metavar="T", help="How often points are read, 0.5s to 10s.")]
Racks = Annotated[str | None, typer.Option(metavar="N|HALL", help="Only the first N racks, or those of a hall.")]
Sensors = Annotated[str, typer.Option(metavar="NAME", help="How sensors err: ideal, typical or poor.")]
Seed = Annotated[str, typer.Option(metavar="N", help="Seed of the hidden figures, of sensors and of the load.")]
AsBuilt = Annotated[bool, typer.Option("--as-built", help="Take the figures of the library, hide nothing.")]
Fault = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="WHAT:MODE",
        help="WHAT:MODE[=AMOUNT][@START][+LENGTH], repeatable: an element of the twin with a mode of twin fail, or "
        "ITEM/POINT or ITEM with stuck, drift=UNIT/h, bias=UNIT, bad, null, silent, leak; bms:offline.",
    ),
]
Scenario = Annotated[str | None, typer.Option(metavar="FILE", help="A scenario file, or a shipped one, as cdu-loss.")]
Weather = Annotated[str | None, typer.Option(metavar="W", help="A shipped weather or a file instead of the site's.")]
Load = Annotated[str | None, typer.Option(metavar="NAME", help="Put all halls on this load of the site, or on full.")]
Broker = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="As mqtt://127.0.0.1:1883; default: one is started here.")
]
Port = Annotated[str | None, typer.Option(metavar="N", help="Of the broker that is started; default: a free one.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Record into a new folder instead, as fast as it goes.")
]
Truth = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the hidden figures and errors as JSON.")]
Qos = Annotated[str, typer.Option(metavar="0|1", help="Quality of service; the contract has 0.")]
Prefix = Annotated[str, typer.Option(metavar="P", help="Publish below P, as demo/one.")]


def command(
    site: Site,
    at: At = None,
    speed: Speed = "1",
    lasting: For = None,
    every: Every = "2s",
    racks: Racks = None,
    sensors: Sensors = "typical",
    seed: Seed = "0",
    as_built: AsBuilt = False,
    fault: Fault = None,
    scenario: Scenario = None,
    weather: Weather = None,
    load: Load = None,
    broker: Broker = None,
    port: Port = None,
    out: Out = None,
    truth: Truth = None,
    qos: Qos = "0",
    prefix: Prefix = "",
    allow_remote: Remote = False,
    yes: Yes = False,
    user: User = None,
    password_file: PasswordFile = None,
    cafile: CaFile = None,
    cert: Cert = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Publish a virtual facility on DSX Exchange (MQTT): the engine with hidden figures, seen through its sensors.

    Values on change and every 100 s, metadata retained, a heartbeat every 10 s. Requests are never published. Another
    machine's broker needs --allow-remote, --prefix and a yes. Times of --fault are those of the messages.
    """
    from telemetry.emulate.virtual import Wanted, virtual
    from twin.core.errors import Faults
    from twin.engine.period import seconds

    faults = Faults()
    lasting_s = None if lasting is None else faults.of(seconds, lasting, "--for")
    period_s = faults.of(seconds, every, "--every")
    pace = faults.of(_number, speed, "--speed")
    login = {"user": user, "password_file": password_file, "cafile": cafile, "certfile": cert, "keyfile": key}
    to_whom = faults.of(_target, broker, port, out, login, qos=qos, prefix=prefix)
    if out is not None and lasting is None:
        faults.of(_needs_an_end)
    if to_whom is not None:
        to_whom = _consented(to_whom, allow_remote=allow_remote, yes=yes)
        faults.of(to_whom.check)
    wanted = Wanted(
        site, at, lasting_s, 1.0 if pace is None else pace, period_s or 2.0, number(seed), racks, sensors, not as_built,
        fault or (), scenario, weather, load,
    )  # fmt: skip
    if not faults.problems:
        say_if_compiling()
    made = faults.of(virtual, wanted) if not faults.problems else faults.of(_checked, wanted)
    faults.tell()
    assert made is not None
    assert to_whom is not None
    try:
        _run(made, to_whom, out, truth, lasting_s, as_json=as_json)
    finally:
        made.close()


def _checked(wanted: Any) -> None:
    """Tell what else is wrong, beside faults that are known."""
    from telemetry.emulate.virtual import check

    check(wanted)


def _number(text: str, place: str) -> float:
    from twin.core.errors import one

    try:
        return float(text)
    except ValueError:
        raise one(f'"{text}" is no number', path=place) from None


def _needs_an_end() -> None:
    from twin.core.errors import one

    raise one("a recording needs an end: give --for as well", path="--out")


def _target(broker: str | None, port: str | None, out: Path | None, login: Any, *, qos: str, prefix: str) -> Target:
    from telemetry.address import ANONYMOUS, make_login, parse_address
    from telemetry.emulate.session import target
    from twin.core.errors import Faults, one

    faults, found = Faults(), ANONYMOUS
    if out is not None and (broker is not None or port is not None):
        raise one("goes with no broker: it records what would be published", path="--out")
    if broker is not None:
        address = faults.of(parse_address, broker, "--broker")
        found = (faults.of(make_login, address, **login) if address else None) or ANONYMOUS
    elif any(value is not None for value in login.values()):
        raise one("a login goes with --broker", path="--user")
    made = faults.of(
        target, None if faults.problems else broker, found, qos=number(qos), prefix=prefix,
        port=None if port is None else number(port),
    )  # fmt: skip
    faults.tell()
    assert made is not None
    return made


def _consented(where: Target, *, allow_remote: bool, yes: bool) -> Target:
    """The target with what was said to it; who sits at a terminal is asked where only the yes is lacking."""
    from dataclasses import replace

    remote = where.address is not None and not where.address.loopback
    said = yes or (remote and allow_remote and bool(where.prefix) and agreed("publish to another machine's broker?"))
    return replace(where, allow_remote=allow_remote, yes=said)


def _run(
    made: Virtual, to_whom: Target, out: Path | None, truth: Path | None, lasting_s: float | None, *, as_json: bool
) -> None:
    from telemetry.emulate.session import to_broker, to_folder
    from telemetry.emulate.truth import write
    from twin.engine.stop import stop_request

    def say(text: str) -> None:
        typer.echo(text, err=True)

    if truth is not None:
        write(truth, made.told())
    for line in made.lines():
        say(line)
    with stop_request(lambda _: say("stopping")) as stop:
        if out is not None:
            played = to_folder(made, out, qos=to_whom.qos, prefix=to_whom.prefix, lasting_s=lasting_s, stop=stop)
            beside: dict[str, int | str] = {"recording": str(out)}
        else:
            played, beside = to_broker(made, to_whom, lasting_s=lasting_s, stop=stop, note=say)
    _tell(made, played, beside, as_json=as_json)


def _tell(made: Virtual, played: Played, beside: dict[str, int | str], *, as_json: bool) -> None:
    names = ("messages", "metadata", "lasted_s", "latest_s", "late_s", "ended")
    of_run = {name: getattr(played, name) for name in names}
    found = {"site": made.site, "points": len(made.layout.specs) + 2, **of_run, **beside}
    if as_json:
        write_json(found)
        return
    rate = played.messages / played.lasted_s if played.lasted_s else 0.0
    lost = f" ({beside['unsent']:,} of them did not reach the broker)" if beside.get("unsent") else ""
    typer.echo(f"{played.messages:,} messages{lost} in {played.lasted_s:,.1f} s, {rate:,.0f} a second: {played.ended}")
    if not beside.pop("flushed", 1):
        typer.echo("the broker had not taken all of it when this ended", err=True)
    typer.echo("\n".join(f"{name:10}{value}" for name, value in beside.items()))
