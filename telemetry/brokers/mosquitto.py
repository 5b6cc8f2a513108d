"""Mosquitto: the production choice, and the one that rates and losses are claimed on.

The configuration in ``config/`` is what a site copies and what the tests run; a development form of it, on loopback and
without users, is what :func:`prepare` starts by default.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template

from telemetry.brokers.kind import Kind, Limit
from telemetry.brokers.running import Launch, free_ports
from twin.core.errors import one

KIND = Kind("mosquitto", "a system package; for production", durable=True)
LIMITS: tuple[Limit, ...] = ()

CONFIG = Path(__file__).with_name("config")
INSTALL = 'broker "mosquitto" is not installed: apt-get install mosquitto (macOS: brew install mosquitto)'


def executable() -> str:
    """Path of the program; InputError that says what to install."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if found is None:
        raise one(INSTALL, path="broker")
    return found


def prepare(folder: Path, *, port: int | None = None) -> Launch:
    """Write the configuration; state goes to ``folder`` too."""
    program = executable()
    port = port or free_ports(1)[0]
    parts = [CONFIG / "mosquitto-development.conf", CONFIG / "mosquitto-common.conf"]
    text = Template("".join(part.read_text() for part in parts)).substitute(PORT=port, STATE=f"{folder}/")
    path = folder / "mosquitto.conf"
    path.write_text(text)
    return Launch((program, "-c", str(path)), {"mqtt": port})
