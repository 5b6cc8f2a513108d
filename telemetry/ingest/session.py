"""What a folder of recordings remembers of its session at the broker, in ``session.json`` beside the recordings.

The broker keeps messages for a client id; so the id has to stay the same, and who comes back has to know whether the
broker should still know him (else messages are lost) and which filters he asked for before (else the broker goes on
sending them). There is nothing secret in it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from telemetry.address import Address
from telemetry.recording.folder import sync

FILE = "session.json"


class Session(msgspec.Struct):
    """``known``: whether the broker has accepted us under this id before."""

    client_id: str
    broker: str
    filters: list[str] = msgspec.field(default_factory=list)
    known: bool = False


def resume(
    folder: Path, address: Address, client_id: str | None, filters: Sequence[str]
) -> tuple[Session, list[str], Session | None]:
    """The session of ``folder`` at ``address``, filters that are no longer asked for, and a session that is left.

    Another id or broker is a new session, and the old one is left: its broker goes on keeping messages for nobody.
    Without an id the remembered one goes on, or a random one begins. A file that cannot be read is as good as none.
    """
    try:
        old = msgspec.json.decode((folder / FILE).read_bytes(), type=Session)
    except (OSError, msgspec.DecodeError):
        old = None
    if old is None or old.broker != str(address) or client_id not in {None, old.client_id}:
        # At most 23 letters and digits: every broker has to take these (MQTT 3.1.1, 3.1.3.1).
        new = Session(client_id or f"halltwin{secrets.token_hex(6)}", str(address), list(filters))
        return new, [], old if old is not None and old.known else None
    dropped = [each for each in old.filters if each not in filters]
    return Session(old.client_id, old.broker, list(filters), old.known), dropped, None


def remember(folder: Path, session: Session) -> None:
    """Write it, whole or not at all, also where the power fails. Raises ``OSError``."""
    part = folder / f".{FILE}.part"
    with part.open("wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(session), indent=2) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, folder / FILE)
    sync(folder)
