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
CONFIG = Path(__file__).with_name("config") / "iotcore.toml"
MAX_PAYLOAD = 4 << 20  # bytes of a packet behind its fixed header
MAX_PACKETS = 250_000  # above the number of points
SEGMENT = 16 << 20  # bytes; ten of them for each filter that is subscribed
SEGMENTS = 10
IN_FLIGHT = 100  # rumqttd's own constant: `max_inflight_count` does not change it

LIMITS: tuple[Limit, ...] = (
    Limit("restart", "nothing is kept: sessions and retained messages are gone after a stop or a kill"),
    Limit("retained", "a late subscriber at QoS 0 gets, without a word, no more than", MAX_PACKETS, "messages"),
    Limit(
        "retained at QoS 1",
        "metadata are subscribed at QoS 0, where all come; at QoS 1 or 2 a late subscriber gets no more than",
        IN_FLIGHT,
        "messages",
    ),
    Limit("retained again", "a session that subscribes again gets no retained messages: read them on a clean one"),
    Limit(
        "in flight", "messages that a subscriber has not acknowledged, then it waits: at most", IN_FLIGHT, "messages"
    ),
    Limit("queue", "the oldest messages for a filter are dropped without a word beyond", SEGMENT * SEGMENTS, "bytes"),
    Limit("payload", "who sends a packet is disconnected where it is larger than", MAX_PAYLOAD, "bytes"),
    Limit("overlap", "overlapping filters of one client get a copy each"),
    Limit("$SYS", "a client that subscribes $SYS is disconnected"),
    Limit("MQTT 5", "has a port of its own"),
    Limit("users", "neither users, access list nor TLS here: loopback only"),
)

# rumqttd reports every packet as an error of its log; its panics go to stderr by themselves.
SERVE = """
import logging, sys
from iotcore.iotcore import IotCoreBroker
logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
IotCoreBroker(config_path=sys.argv[1]).run_forever()
"""


def prepare(folder: Path, *, port: int | None = None, packets: int = MAX_PACKETS, segment: int = SEGMENT) -> Launch:
    """Write the configuration.

    ``packets``: more than a late subscriber may have to get at once. ``segment``: a tenth of the bytes that are kept
    for those who are away or slow, for each filter that is subscribed.
    """
    if find_spec("iotcore") is None:
        raise one('broker "iotcore" needs its wheel: pip install "halltwin[mqtt]"', path="broker")
    plain, new = free_ports(2)
    plain = port or plain
    text = Template(CONFIG.read_text()).substitute(
        PORT=plain, PORT5=new, PAYLOAD=MAX_PAYLOAD, PACKETS=packets, SEGMENT=segment, SEGMENTS=SEGMENTS
    )
    path = folder / "iotcore.toml"
    path.write_text(text)
    return Launch((sys.executable, "-P", "-c", SERVE, str(path)), {"mqtt": plain, "mqtt5": new})
