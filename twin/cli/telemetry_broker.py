"""``twin telemetry broker``: a broker in the foreground, or the configuration of one for production."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, write_json

MQTT_PORT = 1883
LOOPBACK = "127.0.0.1"


def broker(
    kind: Annotated[str, typer.Option(help="iotcore: embedded, for a demo; mosquitto: where it is installed.")] = (
        "iotcore"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")] = MQTT_PORT,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep state and log here; default: a folder that goes with it.")
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print Mosquitto's configuration for production instead.")
    ] = False,
    show_acl: Annotated[bool, typer.Option("--show-acl", help="Print the access list that belongs to it.")] = False,
    bind: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help=f"With --show-config: where it listens; default: {LOOPBACK}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run an MQTT broker on loopback until Ctrl-C: for a demo, for trials, for tests."""
    if show_config or show_acl:
        _show(show_config, show_acl, bind or LOOPBACK, as_json)
    elif bind is not None:
        _needs_config()
    elif folder is not None:
        _run(kind, port, folder, as_json)
    else:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="halltwin-broker-") as temporary:
            _run(kind, port, Path(temporary), as_json)


def _needs_config() -> None:
    from twin.core.errors import one

    raise one("goes with --show-config: a broker that is run here listens on loopback only", path="--bind")


def _show(config: bool, acl: bool, bind: str, as_json: bool) -> None:
    from ipaddress import ip_address

    from telemetry.brokers import mosquitto
    from twin.core.errors import one

    try:
        ip_address(bind)
    except ValueError as error:
        raise one(f'"{bind}" is no IP address', path="--bind") from error
    texts = {}
    if config:
        texts["configuration"] = mosquitto.production(mosquitto.Production(), address=bind)
    if acl:
        texts["access_list"] = mosquitto.access_list()
    if as_json:
        write_json(texts)
    else:
        typer.echo("\n".join(texts.values()), nl=False)


def _run(kind: str, port: int, folder: Path, as_json: bool) -> None:
    from telemetry.brokers import BrokerError, TakenError, start
    from twin.core.errors import one

    try:
        running = start(kind, folder, port=port or None)
    except BrokerError as error:
        hint = "; --port 0 takes a free one" if isinstance(error, TakenError) else ""
        raise one(f"{error}{hint}", path="broker") from error
    except OSError as error:
        raise one(f"a broker cannot keep its state here: {error.strerror or error}", file=str(folder)) from error
    with running, suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        if as_json:
            write_json({"kind": kind, "pid": running.pid, "address": running.address, "addresses": running.addresses})
        else:
            typer.echo(running.address)
        typer.echo(f"{kind} runs until Ctrl-C; its log: {running.log}", err=True)
        status = running.wait()
        raise RuntimeError(f"{kind} ended by itself, status {status}; its log: {running.log}")
