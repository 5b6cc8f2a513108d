"""Dialects: a file each, found by walking this folder; bytes in, a batch or the reason of a refusal out.

A dialect's module has ``DIALECT`` (its name, a line of what it is) and ``make(options) -> Decoder``. A decoder does no
input or output, keeps no time of its own and never raises for what a message holds. One that follows its sources is a
:class:`Watcher` too.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import deque
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from telemetry.batch import Batch, Reject
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.points import Points


class Dialect(NamedTuple):
    """Name of a dialect and a line that says what it is.

    ``contract``: it says itself which topics are commands; else its decoder goes by custom, of whatever topic.
    ``mappings``: the folder of the shipped mappings that its option ``mapping`` may name.
    """

    name: str
    text: str
    contract: bool = True
    mappings: str = ""


class Request(NamedTuple):
    """Something that a decoder would have published: ``why`` is for people. Whoever publishes it was told to."""

    topic: str
    payload: bytes
    why: str


class Decoder(Protocol):
    """Understands the messages of one dialect.

    ``held``: readings that wait for what describes them. ``dropped``: readings that waited in vain: too many did.
    """

    points: Points

    @property
    def held(self) -> int:
        """Readings that wait now."""
        ...

    @property
    def dropped(self) -> int:
        """Readings that were given up, from the begin."""
        ...

    def decode(self, message: Message) -> Batch | Reject:
        """What ``message`` says; bad messages come out as a :class:`~telemetry.batch.Reject`, never as an error."""
        ...

    def source(self, topic: str) -> str:
        """Who publishes on ``topic``: gaps are told by source; "" where the dialect cannot tell."""
        ...

    def subscriptions(self) -> list[tuple[str, int]]:
        """Topic filters and their QoS that this dialect listens to."""
        ...

    def is_command(self, topic: str) -> bool:
        """Whether somebody acts on what is published on ``topic``: never to be replayed or emulated to a broker."""
        ...


@runtime_checkable
class Watcher(Protocol):
    """A decoder that follows its sources: it knows what did not come, and what to ask for."""

    marks: deque[Mark]

    def tick(self, now_ns: int) -> None:
        """Time passes, also where nothing comes; what is found missing goes into ``marks``, whose reader clears it."""

    def requests(self, now_ns: int) -> list[Request]:
        """What to publish now; empty unless its options allow it. Asked only where there is a connection."""
        ...

    def told(self) -> dict[str, Any]:
        """Counts of sources and of what did not come, as plain data."""
        ...


@cache
def dialects() -> dict[str, ModuleType]:
    """All dialects by name, sorted."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "DIALECT"):
            found[module.DIALECT.name] = module
    return dict(sorted(found.items()))


def make(name: str, options: Mapping[str, str] | None = None) -> Decoder:
    """A decoder of the dialect ``name``; raises KeyError where there is none."""
    decoder: Decoder = dialects()[name].make(dict(options or {}))
    return decoder
