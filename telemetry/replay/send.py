"""Sends a replay to a broker: who that is, what has to be given first, and a connection that is flushed at the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from telemetry.address import Address, Login, make_login, parse_address
from telemetry.clock import ReplayClock
from telemetry.decode import Decoder
from telemetry.link.listener import LinkError, Publisher
from telemetry.replay.asked import Played
from telemetry.replay.play import Outcome, to_broker
from telemetry.safety import MAYBE_DROPPED, check_prefix, check_target
from twin.core.errors import Faults, one, option

CONNECT_S, FLUSH_S = 5.0, 30.0


@dataclass(frozen=True, slots=True)
class Target:
    """A broker, who we are to it, and below which levels we publish."""

    address: Address
    login: Login
    prefix: str
    allow_remote: bool

    def check(self, yes: bool) -> None:
        """Raise ``InputError`` for what is not given and has to be (:func:`~telemetry.safety.check_target`)."""
        check_target(self.address, allow_remote=self.allow_remote, prefix=self.prefix, yes=yes)


def target(address: str, prefix: str, *, allow_remote: bool, login: Mapping[str, Any]) -> Target:
    """A target from what people write; all but the yes is checked, before anything is read or shown.

    ``login``: ``user``, ``password_file``, ``cafile``, ``cert``, ``key``. Raises ``InputError`` with all faults.
    """
    faults = Faults()
    broker = faults.of(parse_address, address, option("broker="))
    bare, who = faults.of(check_prefix, prefix) if prefix else "", None
    if broker is not None:
        faults.of(check_target, broker, allow_remote=allow_remote, prefix=prefix, yes=True)
        files = (login[name] for name in ("password_file", "cafile", "cert", "key"))
        who = faults.of(make_login, broker, login["user"], *files)
    faults.tell()
    assert broker is not None
    assert who is not None
    assert bare is not None
    return Target(broker, who, bare, allow_remote)


def send(
    played: Played,
    decoder: Decoder,
    to: Target,
    say: Callable[[str], None],
    *,
    clock: ReplayClock | None = None,
    window: int = 200,
    stop: threading.Event | None = None,
    **how: Any,
) -> tuple[Outcome, int]:
    """Replay to ``to``, which was checked; how it went, and how many messages the broker has not acknowledged.

    ``clock``: that of whoever listens with us, which begins when the connection stands. ``stop`` and ``how`` go to
    :func:`~telemetry.replay.play.replay`.
    Raises ``InputError`` where there is no broker, or it refuses us.
    """
    client = f"halltwin-replay-{os.getpid()}"
    with Publisher(to.address, to.login, client, window=window, say=say, stop=stop) as publisher:
        try:
            publisher.connect(CONNECT_S)
            clock = clock or ReplayClock(played.begin_ns, played.choice.speed)
            outcome = to_broker(played, publisher, clock, decoder, to.prefix, stop=stop, **how)
            publisher.flush(FLUSH_S)
        except LinkError as error:
            raise one(str(error), path=option("broker=")) from None
        if to.login.named:
            say(MAYBE_DROPPED)
        return outcome, publisher.in_flight + publisher.lost
