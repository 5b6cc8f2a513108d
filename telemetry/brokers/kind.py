"""What a module of a broker kind says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """``name`` as people write it, ``about`` in a line, ``durable``: keeps sessions and retained messages on disk."""

    name: str
    about: str
    durable: bool


@dataclass(frozen=True)
class Limit:
    """Something that a kind cannot do.

    ``what`` it is about, one word of few; ``value`` in ``unit`` where it is a number; ``says`` it in a sentence.
    """

    what: str
    says: str
    value: float | None = None
    unit: str = ""
