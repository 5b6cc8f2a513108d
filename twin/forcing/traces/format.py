"""What a trace format is, how all of them are found, and which one a file is.

A format is one file of this folder with a ``FORMAT``: nothing lists them. A file is told by the names in its first
line: the columns of a CSV header, or the keys of the first JSON object.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from twin.core.errors import did_you_mean
from twin.forcing.stream.chunk import Chunk, RateRows
from twin.forcing.stream.faults import Faults
from twin.forcing.stream.lines import BLOCK, BOM, Block, blocks
from twin.forcing.stream.sheet import Sheet, sheets
from twin.forcing.stream.times import Zone

SNIFFED = 1 << 16
SHOWN_NAMES = 8


@dataclass(frozen=True)
class Head:
    """The first lines of a file: its column names or keys, the 1-based line they stand in, ``# key: value`` above."""

    names: tuple[str, ...]
    line: int
    about: dict[str, str]
    is_json: bool


@dataclass
class Opened:
    """A file being read: its head, its faults, the zone of its times, the size of a block in bytes."""

    path: Path
    head: Head
    faults: Faults
    block: int = BLOCK
    zone: Zone = field(default_factory=Zone)

    def column(self, name: str) -> int:
        """Index of a column that is there."""
        return self.head.names.index(name)

    def has(self, name: str) -> bool:
        """Whether the file has a column."""
        return name in self.head.names

    def blocks(self) -> Iterator[Block]:
        """The file in blocks of lines."""
        return blocks(self.path, self.faults, self.block)

    def sheets(self) -> Iterator[Sheet]:
        """The rows below the header of a CSV file."""
        return sheets(self.blocks(), len(self.head.names), self.head.line, self.faults)


@dataclass(frozen=True)
class Format:
    """A trace format. ``columns`` must be there; ``one_of``: so must one of these; ``optional`` may be.

    It has either ``read`` (single requests) or ``rates`` (a rate curve).
    """

    name: str
    title: str
    columns: tuple[str, ...]
    read: Callable[[Opened], Iterator[Chunk]] | None = None
    rates: Callable[[Opened], Iterator[RateRows]] | None = None
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    fails: str = ""  # the column that tells which requests failed
    is_json: bool = False

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """The columns that a file with these ``names`` lacks."""
        lacks = [column for column in self.columns if column not in names]
        if self.one_of and not set(self.one_of) & set(names):
            lacks.append(" or ".join(self.one_of))
        return lacks

    def shared(self, names: tuple[str, ...]) -> float:
        """How much of this format's columns is there, letters of either case."""
        folded = {name.lower() for name in names}
        known = (*self.columns, *self.one_of, *self.optional)
        return sum(name.lower() in folded for name in known) / len(known)


@cache
def formats() -> dict[str, Format]:
    """All formats by name, sorted."""
    package = importlib.import_module("twin.forcing.traces")
    found: dict[str, Format] = {}
    for info in pkgutil.iter_modules(package.__path__):
        one = getattr(importlib.import_module(f"{package.__name__}.{info.name}"), "FORMAT", None)
        if isinstance(one, Format) and found.setdefault(one.name, one) is not one:
            raise RuntimeError(f"two formats share the name {one.name!r}")
    return dict(sorted(found.items()))


def recognised(path: Path, forced: str | None, faults: Faults) -> tuple[Format, Head]:
    """The format of a file and its head. Raises :class:`InputError` when it is none, or lacks a column."""
    if forced is not None and forced not in formats():
        hint = did_you_mean(forced, formats()) or f"; expected one of {', '.join(formats())}"
        faults.add(f'unknown format "{forced}"{hint}')
        faults.stop()
    head = _head(path, faults)
    same = [one for one in formats().values() if one.is_json == head.is_json]
    if forced is not None:
        found = formats()[forced]
        if found.is_json != head.is_json:
            faults.add(
                f"expected {'JSON lines' if found.is_json else 'a CSV header'} of the format {forced}", head.line
            )
            faults.stop()
    else:
        whole = [one for one in same if not one.missing(head.names)]
        near = max(same, key=lambda one: one.shared(head.names), default=None)
        if not whole and (near is None or near.shared(head.names) == 0.0):
            faults.add(f"no known trace has the columns {_shown(head.names)}; expected {_expected()}", head.line)
            faults.stop()
        found = max(whole, key=lambda one: len(one.columns)) if whole else near  # type: ignore[assignment]
    for column in found.missing(head.names):
        hint = did_you_mean(column.split(" or ")[0], [name for name in head.names if name not in found.columns])
        what = "key" if head.is_json else "column"
        faults.add(f'no {what} "{column}" of the format {found.name}{hint or "; there are " + _shown(head.names)}',
                   head.line)  # fmt: skip
    if len(set(head.names)) < len(head.names):
        double = next(name for name in head.names if head.names.count(name) > 1)
        faults.add(f'the column "{double}" stands twice', head.line)
    faults.stop_if_any()
    return found, head


def _shown(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(f'"{name[:40]}"' for name in names[:SHOWN_NAMES]) + more


def _expected() -> str:
    return "; ".join(f"{one.name}: {', '.join((*one.columns, *one.one_of[:1]))}" for one in formats().values())


def _head(path: Path, faults: Faults) -> Head:
    """The names in the first line that is neither blank nor a comment."""
    about: dict[str, str] = {}
    first = next(blocks(path, faults, SNIFFED))  # told here when it is empty or no text
    for number, raw in enumerate(first.data.removeprefix(BOM).split(b"\n"), first.first_line):
        text = raw.decode("utf-8", errors="replace").strip()
        if text.startswith("#"):
            key, colon, value = text.lstrip("# ").partition(":")
            about |= {key.strip(): value.strip()} if colon else {}
        elif text.startswith("{"):
            try:
                keys = json.loads(text)
            except ValueError:
                faults.add("expected a JSON object: is the file truncated?", number)
                faults.stop()
            return Head(tuple(map(str, keys)), number, about, is_json=True)
        elif text:
            return Head(tuple(name.strip().strip('"') for name in text.split(",")), number, about, is_json=False)
    faults.add("there is no header" if first.data.strip() else "the file is empty")
    faults.stop()


__all__ = ["Format", "Head", "Opened", "formats", "recognised"]
