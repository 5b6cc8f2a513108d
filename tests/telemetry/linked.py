"""Links of tests, with pauses that do not keep anybody waiting; whoever makes one puts it where it is closed."""

from __future__ import annotations

from telemetry.address import ANONYMOUS, parse_address
from telemetry.clock import WallClock
from telemetry.link.listener import Listener, Publisher
from tests.telemetry.inbox import acknowledge
from tests.telemetry.script import Script

QUICK = (0.02, 0.1)
Links = list[Listener | Publisher]


def listener(links, address, inbox, name="listener", filters=(("#", 1),), acked=True, **how) -> Listener:
    how = {"pause_s": QUICK, **how}
    made = Listener(parse_address(address), ANONYMOUS, name, filters, inbox, WallClock(), **how)
    links.append(made)
    if acked:
        inbox.after = acknowledge(made)
    made.start()
    return made


def publisher(links, address, name="publisher", **how) -> Publisher:
    made = Publisher(parse_address(address), ANONYMOUS, name, pause_s=QUICK, **how)
    links.append(made)
    made.connect(5)
    return made


def scripted(script: Script) -> str:
    return f"mqtt://127.0.0.1:{script.port}"
