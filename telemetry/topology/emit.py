"""A site file as text: every line with a comment that says what it rests on; the same tree, the same bytes.

A tree is mappings of :class:`Line` (a value, a comment, for what is unknown an estimate with its basis) or of further
mappings. The file has the values; the overlay the estimates of what is unknown, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Union

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
WORDS = frozenset(("null", "true", "false", "nan", "inf", "yes", "no", "on", "off"))
WIDTH = 112
LONG = 80  # letters of a text that is folded


class Estimate(NamedTuple):
    """A figure of ours, and what it rests on."""

    value: Any
    basis: str


class Line(NamedTuple):
    """A value and what it rests on; ``estimate`` where the value is, or holds, an unknown.

    None for the value: a line of the overlay alone.
    """

    value: Any
    comment: str = ""
    estimate: Estimate | None = None


Tree = Mapping[str, Union[Line, "Tree"]]


def site_text(tree: Tree, head: str) -> str:
    """The site file of a tree; ``head`` stands in front as comment."""
    return "".join(f"{line}\n" for line in (*_head(head), *_lines(tree, "")))


def overlay_text(tree: Tree, head: str, first: Tree) -> str:
    """The estimates of a tree as an overlay, behind the lines of ``first``."""
    return "".join(f"{line}\n" for line in (*_head(head), *_lines(first, ""), *_lines(_estimates(tree), "")))


def _estimates(tree: Tree) -> Tree:
    made: dict[str, Line | Tree] = {}
    for key, part in tree.items():
        if isinstance(part, Line):
            if part.estimate is not None:
                made[key] = Line(part.estimate.value, f"estimate: {part.estimate.basis}")
        elif inner := _estimates(part):
            made[key] = inner
    return made


def _head(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from (f"# {part}" for part in _wrapped(_clean(line), WIDTH))


def _lines(tree: Tree, indent: str) -> Iterator[str]:
    for key, part in tree.items():
        if isinstance(part, Line) and part.value is None:
            continue
        if isinstance(part, Line) and not part.comment and _folds(part.value):
            yield from _folded(key, str(part.value), indent)
        elif isinstance(part, Line):
            yield from _line(f"{indent}{quoted(key)}: {flow(part.value)}", part.comment, indent)
        else:
            yield f"{indent}{quoted(key)}:"
            yield from _lines(part, f"{indent}  ")


def _folded(key: str, text: str, indent: str) -> Iterator[str]:
    """Long text as a folded block."""
    yield f"{indent}{quoted(key)}: >-"
    yield from (f"{indent}  {part}" for part in _wrapped(text, WIDTH - len(indent)))


def _folds(value: Any) -> bool:
    """Whether a value is long text that is the same when it is folded."""
    if not isinstance(value, str) or len(value) <= LONG:
        return False
    return value.isascii() and value.isprintable() and value == " ".join(value.split())


def _line(written: str, comment: str, indent: str) -> Iterator[str]:
    """The comment stands behind where there is room, else in front."""
    about = f"# {_clean(comment)}" if comment else ""
    if about and len(written) + 2 + len(about) > WIDTH:
        yield from (f"{indent}# {part}" for part in _wrapped(_clean(comment), WIDTH - len(indent)))
        yield written
    else:
        yield f"{written}  {about}".rstrip()


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line


def flow(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, int | float) else quoted(str(value))


def quoted(text: str) -> str:
    """Text as a YAML scalar that is read as this text."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    escaped = (f"\\{sign}" if sign in '"\\' else sign if " " <= sign <= "~" else f"\\U{ord(sign):08x}" for sign in text)
    return '"' + "".join(escaped) + '"'


def _clean(text: str) -> str:
    """A comment in one line of what YAML takes."""
    return "".join(sign if sign.isprintable() and sign <= "\ud7ff" else "?" for sign in text)


__all__ = ["Estimate", "Line", "Tree", "flow", "overlay_text", "quoted", "site_text"]
