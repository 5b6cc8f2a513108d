"""Links of tests, with pauses that do not keep anybody waiting; whoever makes one puts it where it is closed."""

from __future__ import annotations

from telemetry.address import ANONYMOUS, parse_address
from telemetry.clock import WallClock
from telemetry.link.listener import Listener, Publisher
from tests.telemetry.inbox import acknowledge
from tests.telemetry.script import Script
from tests.telemetry.until import until

QUICK = (0.02, 0.1)
WAIT_S = 30.0  # for what only a hang keeps from coming
Links = list[Listener | Publisher]


def listener(links, address, inbox, name="listener", filters=(("#", 1),), acked=True, said=None, **how) -> Listener:
    """One that runs; ``said`` takes what the protocol engine tells of its work."""
    how = {"pause_s": QUICK, **how}
    made = Listener(parse_address(address), ANONYMOUS, name, filters, inbox, WallClock(), **how)
    links.append(made)
    if said is not None:
        made._client._paho.on_log = lambda client, data, level, words: said.append(words)
    if acked:
        inbox.after = acknowledge(made)
    made.start()
    return made


def subscribed(listener: Listener) -> bool:
    """Wait until the broker has answered to the subscription: of a new session, it drops what comes before."""
    return listener.wait(WAIT_S) and until(lambda: listener.counters.reads >= 2)  # the answer to CONNECT was the first


def publisher(links, address, name="publisher", **how) -> Publisher:
    made = Publisher(parse_address(address), ANONYMOUS, name, pause_s=QUICK, **how)
    links.append(made)
    made.connect(WAIT_S)
    return made


def scripted(script: Script) -> str:
    return f"mqtt://127.0.0.1:{script.port}"
