"""Mosquitto: the production choice, and the one that rates and losses are claimed on.

The configuration in ``config/`` is what a site copies and what the tests run. :func:`prepare` starts a development form
of it by default: on loopback, in the clear, without users, and else the same.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template

from telemetry.brokers.kind import Kind, Limit
from telemetry.brokers.running import LOOPBACK, Launch, free_ports
from twin.core.errors import one

KIND = Kind("mosquitto", "a system package; for production", durable=True)
CONFIG = Path(__file__).with_name("config")
INSTALL = 'broker "mosquitto" is not installed: apt-get install mosquitto (macOS: brew install mosquitto)'
CONFINED = (
    "where AppArmor confines mosquitto (Ubuntu), it reads nothing outside of /etc/mosquitto: `aa-disable mosquitto` "
    "on a machine for tests, or put a folder of /etc/mosquitto here"
)
WHERE = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # not on every user's PATH
QUEUE_MESSAGES = 500_000  # of one client that is away or slow
QUEUE_BYTES = 256 << 20
MAX_PACKET = (4 << 20) + (64 << 10)  # bytes, topic and header included

LIMITS: tuple[Limit, ...] = (
    Limit(
        "queue",
        "the newest messages for a client are dropped without a word beyond max_queued_bytes (256 MiB) or",
        QUEUE_MESSAGES,
        "messages",
    ),
    Limit("kill", "a kill loses what was acknowledged since the last write of the state, written every", 2.0, "s"),
    Limit("payload", "who sends a packet is disconnected where it is larger than", MAX_PACKET, "bytes"),
    Limit("forbidden", "a write without leave is acknowledged under MQTT 3.1.1 and goes nowhere"),
    Limit("silent client", "that a keep-alive ended (1.5 times it) is noticed late by up to", 5.0, "s"),
)


@dataclass(frozen=True)
class Production:
    """Files of the production form: certificates in PEM, hashed passwords, the access list (None: the shipped one)."""

    cafile: Path = Path("/etc/mosquitto/halltwin/ca.crt")
    certfile: Path = Path("/etc/mosquitto/halltwin/server.crt")
    keyfile: Path = Path("/etc/mosquitto/halltwin/server.key")
    passwords: Path = Path("/etc/mosquitto/halltwin/passwords")
    acl: Path | None = None
    user: str = "mosquitto"  # whom the broker becomes where root starts it


def executable() -> str:
    """Path of the program; InputError that says what to install."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=WHERE)
    if found is None:
        raise one(INSTALL, path="broker")
    return found


def production(
    files: Production,
    *,
    address: str = LOOPBACK,
    ports: tuple[int, int] = (8883, 8884),
    state: str = "/var/lib/mosquitto/",
    acl: str = "/etc/mosquitto/halltwin/acl",
) -> str:
    """The production configuration; ``ports``: with passwords, with client certificates."""
    return _filled(
        "mosquitto-production.conf",
        PORT=ports[0],
        MTLS_PORT=ports[1],
        ADDRESS=address,
        CAFILE=files.cafile,
        CERTFILE=files.certfile,
        KEYFILE=files.keyfile,
        PASSWORDS=files.passwords,
        ACL=files.acl or acl,
        USER=files.user,
        STATE=state,
    )


def access_list() -> str:
    """The shipped access list: the roles of the DSX Exchange."""
    return (CONFIG / "mosquitto-acl.conf").read_text()


def prepare(
    folder: Path,
    *,
    port: int | None = None,
    files: Production | None = None,
    queue_messages: int = QUEUE_MESSAGES,
    queue_bytes: int = QUEUE_BYTES,
) -> Launch:
    """Write the configuration; state goes to ``folder`` too. ``files`` make it the production form, on loopback."""
    program = executable()
    first, second = free_ports(2)
    first = port or first
    sizes = {"QUEUE_MESSAGES": queue_messages, "QUEUE_BYTES": queue_bytes}
    if files is None:
        ports = {"mqtt": first}
        text = _filled("mosquitto-development.conf", PORT=first, STATE=f"{folder}/", **sizes)
    else:
        ports = {"mqtts": first, "mtls": second}
        acl = folder / "acl"
        acl.write_text(access_list())
        text = production(files, ports=(first, second), state=f"{folder}/", acl=str(acl))
    path = folder / "mosquitto.conf"
    path.write_text(text)
    return Launch((program, "-c", str(path)), ports, {"Unable to open config file": CONFINED})


def _filled(name: str, **words: object) -> str:
    text = (CONFIG / name).read_text() + (CONFIG / "mosquitto-common.conf").read_text()
    return Template(text).substitute({"QUEUE_MESSAGES": QUEUE_MESSAGES, "QUEUE_BYTES": QUEUE_BYTES, **words})
