"""The embedded broker: rumqttd (Rust) out of the wheel ``iotcore``, for demo and tests; nothing to install by hand.

Run from a configuration file, because the wheel's own defaults listen on all addresses, disconnect whoever sends
20,480 bytes, and hand a late subscriber no more than 100 retained messages.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template

from telemetry.brokers.kind import Kind, Limit
from telemetry.brokers.running import Launch, free_ports
from twin.core.errors import one

KIND = Kind("iotcore", "embedded, from a wheel; for demo and tests", durable=False)
LIMITS: tuple[Limit, ...] = ()

CONFIG = Path(__file__).with_name("config") / "iotcore.toml"
MAX_PAYLOAD = 4 << 20  # bytes
MAX_PACKETS = 250_000  # above the number of points
# rumqttd reports every packet as an error of its log; its panics go to stderr by themselves.
SERVE = """
import logging, sys
from iotcore.iotcore import IotCoreBroker
logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
IotCoreBroker(config_path=sys.argv[1]).run_forever()
"""


def prepare(folder: Path, *, port: int | None = None, packets: int = MAX_PACKETS) -> Launch:
    """Write the configuration; ``packets``: more than any late subscriber may have to get at once."""
    if find_spec("iotcore") is None:
        raise one('broker "iotcore" needs its wheel: pip install "halltwin[mqtt]"', path="broker")
    plain, new = free_ports(2)
    plain = port or plain
    text = Template(CONFIG.read_text()).substitute(
        PORT=plain, PORT5=new, PAYLOAD=MAX_PAYLOAD, PACKETS=packets, INFLIGHT=1000
    )
    path = folder / "iotcore.toml"
    path.write_text(text)
    return Launch((sys.executable, "-P", "-c", SERVE, str(path)), {"mqtt": plain, "mqtt5": new})
