"""Sparkplug B 3.0 of SCADA gateways: births teach names, types, units and aliases; data by alias are read by them.

Topics ``spBv1.0/{group}/{NBIRTH|NDATA|NDEATH|DBIRTH|DDATA|DDEATH|NCMD|DCMD}/{node}[/{device}]`` and
``spBv1.0/STATE/{host}``, behind any prefix. Commands and STATE are understood, and say nothing of the plant. The state
machine of nodes, losses and names are in ``telemetry/sparkplug/``. Options: ``prefix``; ``mapping``, a file that names
points; ``rebirth``, when :meth:`Decoder.requests` asks for births: ``never``, ``on_unknown`` or ``on_gap`` (both).
Source: Eclipse Sparkplug specification 3.0.0 (EPL-2.0), written anew here; nothing of it is copied.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from telemetry import strict, topics
from telemetry.batch import NOTHING, Batch, Reason, Reject
from telemetry.decode import Dialect, Request
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.points import Points
from telemetry.sparkplug.place import Place, Route
from twin.core.errors import Faults, Problem, did_you_mean

if TYPE_CHECKING:
    from telemetry.sparkplug.births import Namer
    from telemetry.sparkplug.nodes import Nodes

DIALECT = Dialect("sparkplug", "Sparkplug B 3.0 (births, data by alias, deaths)", mappings="mappings/sparkplug")

MAX_POINTS = 200_000
MAX_ROUTES = 200_000
ROOT = re.compile(r"(?:^|(?<=/))spBv1\.0/")
ACTS = re.compile(r"(?:^|/)spBv1\.0/(?:[^/]+/[ND]CMD/|STATE/)")
OF_NODE, OF_DEVICE = ("NBIRTH", "NDATA", "NDEATH"), ("DBIRTH", "DDATA", "DDEATH")
NEVER, ON_UNKNOWN, ON_GAP = POLICIES = ("never", "on_unknown", "on_gap")
WHY = {"unknown": "of what it sends no birth told"}
AT_ONCE = 10  # requests at one time: a thousand births together are a flood of their own


@cache
def _room() -> Any:
    """What reads payloads, loaded with the first one: for most who look for a dialect it is another."""
    return import_module("telemetry.sparkplug.nodes")


class Decoder:
    """Reads Sparkplug B; ``marks`` tells of losses, ``dropped`` counts metrics that no birth had told of."""

    held = 0

    # Values come when they change: a point is as old as the last word of its node, which may be slow.
    quiet_s, value_s, by_source = 250.0, float("inf"), True

    def __init__(
        self, prefix: str = "", namer: Namer | None = None, rebirth: str = NEVER, max_points: int = MAX_POINTS
    ) -> None:
        self.points = Points()
        self.marks: deque[Mark] = deque()
        self._prefix, self._namer, self._rebirth, self._max_points = prefix, namer, rebirth, max_points
        self._routes: dict[str, Route | None] = {}
        self._nodes: Nodes | None = None

    @property
    def nodes(self) -> Nodes:
        """The edge nodes."""
        if self._nodes is None:
            self._nodes = _room().Nodes(self.points, self._namer, self._max_points, self.marks)
        return self._nodes

    @property
    def dropped(self) -> int:
        """Metrics that no birth had told of."""
        return 0 if self._nodes is None else self._nodes.unknown

    def decode(self, message: Message) -> Batch | Reject:
        """What ``message`` says."""
        try:
            topic = message.topic
            route = self._routes[topic] if topic in self._routes else self._route(topic)
            if isinstance(route, Reject):
                return route
            return NOTHING if route is None else self.nodes.take(route, message)
        except Exception as error:  # an exception here would end the thread of the network
            return strict.refuse(Reason.INTERNAL, f"{type(error).__name__}: {error}")

    def source(self, topic: str) -> str:
        """The edge node that publishes on ``topic``, behind the prefix; "" of commands and of what is no topic."""
        route = self._routes[topic] if topic in self._routes else self._route(topic)
        return "" if route is None or isinstance(route, Reject) else route.place.source

    def subscriptions(self) -> list[tuple[str, int]]:
        """Births, data and deaths, no commands; QoS 1 at most, of which only deaths make use."""
        root = f"{self._prefix}spBv1.0/+"
        return [*((f"{root}/{kind}/+", 1) for kind in OF_NODE), *((f"{root}/{kind}/+/+", 1) for kind in OF_DEVICE)]

    def is_command(self, topic: str) -> bool:
        """Whether somebody acts on it: NCMD and DCMD on edge nodes, STATE of a host makes them give birth."""
        return ACTS.search(topic) is not None

    def tick(self, now_ns: int) -> None:
        """Give up waiting for messages of nodes that say nothing more; what is lost is in ``marks``."""
        if self._nodes is not None:
            self._nodes.tick(now_ns)

    def requests(self, now_ns: int) -> list[Request]:
        """Births to ask for, as far as the option ``rebirth`` allows; whoever calls this publishes them."""
        if self._rebirth == NEVER or self._nodes is None:
            return []
        found, command = self._nodes.asks(now_ns, AT_ONCE, on_gap=self._rebirth == ON_GAP), _room().rebirth(now_ns)
        return [
            Request(
                f"{self._behind(place.front)}spBv1.0/{place.group}/NCMD/{place.node}", command,
                f"asking {strict.printable(place.source)} for its birth: {WHY.get(why, why)}",
            )
            for place, why in found
        ]  # fmt: skip

    def told(self) -> dict[str, Any]:
        """What became of edge nodes and their messages, as plain data; empty where none came."""
        return {} if self._nodes is None else self._nodes.told()

    def _behind(self, front: str) -> str:
        """What stands in front of the topics of a node; the prefix of ours is no part of identities."""
        return front if "+" in self._prefix else f"{self._prefix}{front}"

    def _route(self, topic: str) -> Route | Reject | None:
        """Take a topic apart; None of what says nothing of the plant."""
        wrong, root = topics.fault(topic), ROOT.search(topic)
        if wrong or root is None:
            return strict.refuse(Reason.TOPIC, wrong or "not a topic of spBv1.0")
        parts = topic[root.end() :].split("/")
        kind = parts[1] if len(parts) > 2 else ""
        route: Route | None = None
        if not all(parts):
            return strict.refuse(Reason.TOPIC, "a level is empty")
        if kind in (*OF_NODE, *OF_DEVICE) and len(parts) == 3 + (kind in OF_DEVICE):
            front = topic[: root.start()]
            front = front.removeprefix(self._prefix) if self._prefix and "+" not in self._prefix else front
            route = Route(kind, Place(front, parts[0], *parts[2:]))
        elif not self.is_command(topic):
            return strict.refuse(Reason.TOPIC, "expected {group}/{NBIRTH, NDATA ...}/{node}, of D... with /{device}")
        if len(self._routes) < MAX_ROUTES:
            self._routes[topic] = route
        return route


def rehearsal() -> list[Message]:
    """Messages after which nothing is left to be compiled."""
    made: list[Message] = import_module("telemetry.sparkplug.rehearsal").messages()
    return made


def make(options: Mapping[str, str]) -> Decoder:
    """A decoder; options: ``prefix``, ``mapping`` (a shipped mapping or a file) and ``rebirth``.

    ``mapping_text``: what the mapping holds, as a recording keeps it; then ``mapping`` is its name.

    Raises :class:`~twin.core.errors.InputError` with every fault, of a mapping at its line and column.
    """
    known = ("mapping", "mapping_text", "prefix", "rebirth")
    problems = [
        Problem(name, f"sparkplug has no such option{did_you_mean(name, known)}")
        for name in sorted(options.keys() - set(known))
    ]
    faults = Faults()
    faults.problems += problems
    policy, mapping = options.get("rebirth", NEVER), options.get("mapping")
    if policy not in POLICIES:
        faults.problems.append(Problem("rebirth", f'"{policy}" is none of {", ".join(POLICIES)}'))
    prefix = faults.of(topics.prefix, options.get("prefix", ""))
    namer = None
    if mapping is not None:
        namer = faults.of(import_module("telemetry.sparkplug.mapping").Mapping, mapping, options.get("mapping_text"))
    faults.tell()
    return Decoder(prefix or "", namer, policy)
