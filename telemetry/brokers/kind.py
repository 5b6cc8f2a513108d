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

    ``what`` it is about, in a word or two; ``says`` it in a sentence, which ends with ``value`` and ``unit`` where it
    is a number.
    """

    what: str
    says: str
    value: float | None = None
    unit: str = ""

    def __str__(self) -> str:
        return self.says if self.value is None else f"{self.says} {self.value:,.0f} {self.unit}"
