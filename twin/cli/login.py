"""Who we are to a broker, and whether it may be another machine's: options that several verbs have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Remote = Annotated[bool, typer.Option("--allow-remote", help="The broker may be another machine's.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before sending to another machine's broker.")]
User = Annotated[str | None, typer.Option(metavar="NAME", help="At the broker; its password: HALLTWIN_MQTT_PASSWORD.")]
PasswordFile = Annotated[Path | None, typer.Option(metavar="FILE", help="A file whose first line is the password.")]
CaFile = Annotated[Path | None, typer.Option("--cafile", metavar="FILE", help="CAs that are trusted, PEM.")]
Cert = Annotated[Path | None, typer.Option("--cert", metavar="FILE", help="Our certificate, PEM.")]
Key = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="Its key, PEM.")]


def agreed(question: str) -> bool:
    """Whether somebody at a terminal types yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    typer.echo(f"{question} type yes: ", err=True, nl=False)
    return sys.stdin.readline().strip().lower() == "yes"
