"""What is never sent to a broker, and what has to be given before anything is sent to one that is not this machine.

A recording can hold a request on which a building acts (to cut the power of a rack, say), and whoever publishes under
the topics of a building impersonates it. So: commands are never sent, by whatever prefix they are hidden; and a broker
that is not on loopback needs ``--allow-remote``, a topic prefix that nobody listens to by his contract, and a yes.

Commands are what any dialect calls one, and of contracts without a dialect here: load targets and enforcement of DSX
Flex 1.7.0 (``grid/v1/...``), NCMD, DCMD and STATE of Sparkplug B 3.0 (2.2: ``STATE/...``), and by custom of brokers
topics that end in ``set``, ``set/...``, ``write`` or ``request`` or have a level ``cmd``, ``cmnd``, ``command`` or
``rpc``. Where a contract writes capitals, small letters hide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from telemetry.decode import Decoder, dialects, make
from telemetry.topics import MAX_BYTES, MAX_LEVELS
from twin.core.errors import Faults, InputError, Problem, one, option

# Said where we publish as somebody: with 3.1.1 a broker answers the same to what it drops.
MAYBE_DROPPED = "the broker acknowledges what its access list forbids this user too (MQTT 3.1.1): see if it arrives"

# The topics behind which DSX gateways of a central space put the originals are a prefix that consumers look through.
LISTENED_TO = ("bms", "grid", "cpc", "spbv1.0", "state", "nico")
ANY = re.IGNORECASE | re.DOTALL  # a level may hold an end of line
FLEX = re.compile(r"(?:^|/)grid/v\d+/(?:.*/)?(?:loadtarget/set|enforcement)(?:/|$)", ANY)
SPARKPLUG = re.compile(r"(?:^|/)spBv1\.0/(?:[^/]*/(?:NCMD|DCMD)(?:/|$)|STATE(?:/|$))", ANY)
OLD_STATE = re.compile(r"(?:^|/)STATE/[^/]+$")
REQUEST = re.compile(r"(?:^|/)BMS/v\d+/[^/]*/Value/.*Request(?:/|$)", ANY)
INTEGRATION = re.compile(r"(?:^|/)BMS/v\d+/(?!PUB/)[^/]*/(?:Value|Metadata)/", ANY)
TAGGED = re.compile(r"(?:^|/)BMS/v\d+/PUB/(?:Value|Metadata)/[^/]*/[^/]*/")
CUSTOM = re.compile(
    r"(?:^|/)(?:cmd|cmnd|command|commands|rpc)(?:/|$)|(?:^|/)(?:write|request)/?$|(?:^|/)set(?:/[^/]*)?$", ANY
)


class Target(Protocol):
    """A broker's address."""

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        ...


@cache
def _decoders() -> tuple[Decoder, ...]:
    """One decoder of every dialect that has a contract and can be made without options."""
    made = []
    for name, module in dialects().items():
        if not module.DIALECT.contract:
            continue  # what it calls a command by custom may be a reading by another's contract
        try:
            made.append(make(name))
        except (InputError, KeyError, ValueError, TypeError):
            continue  # it needs options: whoever has these asks that decoder as well
    return tuple(made)


@lru_cache(maxsize=65_536)
def is_command(topic: str) -> bool:
    """Whether somebody may act on what is published on ``topic``, alone or behind any prefix.

    A topic that is far longer than any dialect reads counts as one: to look behind each of its levels may take hours.
    """
    if len(topic) > 4 * MAX_BYTES or topic.count("/") >= 4 * MAX_LEVELS:
        return True
    if any(rule.search(topic) for rule in (FLEX, SPARKPLUG, OLD_STATE, REQUEST, INTEGRATION)):
        return True
    tagged = TAGGED.search(topic)  # tags are a site's own words: only what stands before them is looked at
    if CUSTOM.search(topic if tagged is None else f"{topic[: tagged.start()]}/BMS"):
        return True
    levels = topic.split("/")
    behind = ("/".join(levels[begin:]) for begin in range(len(levels)))
    return any(decoder.is_command(tail) for tail in behind for decoder in _decoders())


def check_prefix(prefix: str, place: str = "") -> str:
    """``prefix`` without slashes around it; raises ``InputError`` where topics behind it may be taken for originals."""
    place, bare = place or option("prefix="), prefix.strip("/")
    if not bare or any(c in bare for c in "+#\0") or bare.startswith("$") or any(not x for x in bare.split("/")):
        raise one(f'"{prefix}" is no prefix of topics, expected levels as site/replay, without + # $', path=place)
    if len(bare.encode("utf-8", "surrogatepass")) > 200 or not bare.isprintable():
        raise one("expected at most 200 printable bytes", path=place)
    heard = [level for level in bare.split("/") if level.lower() in LISTENED_TO]
    if heard:
        raise one(f'consumers take what is below "{heard[0]}" for the original: choose another prefix', path=place)
    return bare


def check_target(address: Target, *, allow_remote: bool, prefix: str, yes: bool) -> None:
    """Refuse to publish to a broker that is not on loopback without the flag, a prefix and a yes.

    Raises ``InputError`` with all that is lacking. A tunnel that begins on loopback looks like this machine.
    """
    faults = Faults()
    if prefix:
        faults.of(check_prefix, prefix)
    if not address.loopback:
        lacking = (
            (allow_remote, "allow_remote=True", "is needed: what is published there is seen by others"),
            (prefix, "prefix=", "is needed, so that nobody takes it for the original"),
            (yes, "yes=True", "is needed: type yes on a terminal or give it"),
        )
        faults.problems += [
            Problem(option(name), f"{address} is not on this machine: this {words}")
            for given, name, words in lacking
            if not given
        ]
    faults.tell()


class Outgoing(NamedTuple):
    """What is about to be published: counts of messages by QoS, and what is left out, messages by topic."""

    address: str
    prefix: str
    topics: int
    qos: dict[int, int]
    retained: int
    will: str = ""
    left_out: Mapping[str, int] = MappingProxyType({})

    @property
    def messages(self) -> int:
        """How many are sent."""
        return sum(self.qos.values())

    def told(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "address": self.address,
            "prefix": self.prefix,
            "messages": self.messages,
            "topics": self.topics,
            "qos": {str(qos): count for qos, count in sorted(self.qos.items())},
            "retained": self.retained,
            "will": self.will or None,
            "left_out": dict(sorted(self.left_out.items())),
        }

    def lines(self) -> list[str]:
        """The same for people, to be shown before anything is sent."""
        by_qos = ", ".join(f"{count:,} at QoS {qos}" for qos, count in sorted(self.qos.items()) if count)
        lines = [
            f"to        {self.address}",
            f"prefix    {self.prefix or 'none: under the topics of the recording'}",
            f"messages  {self.messages:,} on {self.topics:,} topics" + (f": {by_qos}" if by_qos else ""),
            f"retained  {self.retained:,}"
            + (": the broker keeps them; telemetry/README.md says how to clear them" if self.retained else ""),
            f"will      {self.will or 'none'}",
            f"left out  {sum(self.left_out.values()):,} commands and requests: never sent",
        ]
        return lines + [f"          {count:6,}  {topic}" for topic, count in _some(self.left_out.items())]


def _some(rows: Iterable[tuple[str, int]], most: int = 8) -> list[tuple[str, int]]:
    return sorted(rows)[:most]
