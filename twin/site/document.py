"""YAML text to plain data with the place of every value: composed once, constructed from the same node tree.

YAML 1.2 core schema, not 1.1: ``NO``, ``on`` and dates are text, ``12:30`` is text, ``1e3`` is a number. Refused with a
line and a column: duplicate and non-text keys, merge keys, tags, several documents, numbers that are not finite,
aliases that explode or refer to themselves. Nothing but :class:`~twin.core.errors.InputError` is raised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from twin.core.errors import InputError, Problem
from twin.site.scalars import CORE, MAP, SEQ, STR, read_scalar, tag_of

MAX_BYTES = 8_000_000
MAX_NODES = 200_000
MAX_DEPTH = 64

Path = tuple[str | int, ...]
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Mark(NamedTuple):
    """Where a value and its key stand, 1-based; an item of a list has the place of its value for both."""

    file: str
    line: int
    col: int
    key_line: int
    key_col: int


@dataclass(frozen=True)
class Document:
    """A mapping read from YAML: plain ``data``, the ``marks`` by path, the ``lines`` of the text.

    ``faults`` are what is wrong with values and keys of an else readable text; ``lost`` are the paths of the values
    among them, ``None`` in the data.
    """

    data: dict[str, Any]
    marks: Mapping[Path, Mark]
    file: str
    lines: tuple[str, ...] = ()
    faults: tuple[Problem, ...] = ()
    lost: frozenset[Path] = frozenset()

    def problem(self, path: Path, message: str, *, key: bool = False, warning: bool = False) -> Problem:
        """A problem at ``path``, placed at its value (or key), or at the key of the nearest that is written."""
        dotted = ".".join(str(part) for part in path)
        known = path
        while known and known not in self.marks:
            known = known[:-1]
        mark = self.marks.get(known)
        if mark is None:
            return Problem(dotted, message, self.file, 1, 1, warning)
        line, col = (mark.key_line, mark.key_col) if key or known != path else (mark.line, mark.col)
        return Problem(dotted, message, mark.file, line, col, warning)

    def at(self, path: Path) -> Any:
        """The data at ``path``; ``None`` when there is nothing."""
        found: Any = self.data
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found


def parse(source: bytes | str, file: str) -> Document:
    """Read one YAML document whose top is a mapping; ``file`` names it in messages.

    Raises :class:`InputError` with the line and column of every fault (one only, when the syntax is wrong).
    """
    document = read(source, file)
    if document.faults:
        raise InputError(document.faults)
    return document


def read(source: bytes | str, file: str) -> Document:
    """As :func:`parse`, but faults of single values and keys are in the result, so that the rest can be checked too."""
    text = _decode(source, file) if isinstance(source, bytes) else source.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise InputError([Problem("", f"the file is larger than {MAX_BYTES // 1_000_000} MB", file)])
    strange = FORBIDDEN.search(text)
    if strange:
        line, col = _place(text[: strange.start()])
        raise InputError([Problem("", f"the character {strange[0]!r} is not allowed in YAML", file, line, col)])
    lines = tuple(text.splitlines())
    root = _compose(text, file, lines)
    if root is None:
        raise InputError([Problem("", "the file is empty, expected a mapping of keys", file, 1, 1)])
    builder = _Builder(file)
    _refuse_bombs(root, builder)
    data = builder.value(root, ())
    if not isinstance(data, dict):
        builder.fault((), root, "expected a mapping of keys at the top of the file")
        raise InputError(builder.problems)
    return Document(data, builder.marks, file, lines, tuple(builder.problems), frozenset(builder.lost))


def _place(before: str) -> tuple[int, int]:
    """Line and column, 1-based, of what follows the text ``before``."""
    lines = f"{before}|".splitlines()
    return len(lines), len(lines[-1])


def _decode(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, col = _place(error.object[: error.start].decode("utf-8-sig", "replace"))
        raise InputError([Problem("", "the file is not UTF-8 text", file, line, col)]) from None


class _TooMuchError(Exception):
    """The node tree is too deep or too large."""

    def __init__(self, message: str, mark: Any) -> None:
        self.message, self.mark = message, mark
        super().__init__(message)


class _Loader(yaml.CSafeLoader):
    """Composes nodes only; bounded in depth and size while composing, resolves plain scalars by the core schema."""

    depth = 0
    nodes = 0
    last: Any = None

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Called for each node on the way down."""
        self.depth += 1
        self.nodes += 1
        self.last = current_node if current_node is not None else self.last
        if self.depth > MAX_DEPTH:
            raise _TooMuchError(f"nested deeper than {MAX_DEPTH} levels", self.last.start_mark)
        if self.nodes > MAX_NODES * 2:  # keys are nodes too
            raise _TooMuchError(f"more than {MAX_NODES} values", self.last.start_mark)

    def ascend_resolver(self) -> None:
        """Called for each node on the way up."""
        self.depth -= 1

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node that has none written."""
        if kind is yaml.ScalarNode:
            return tag_of(value) if implicit[0] else STR
        return SEQ if kind is yaml.SequenceNode else MAP


def _compose(text: str, file: str, lines: tuple[str, ...]) -> yaml.Node | None:
    try:
        return yaml.compose(text, _Loader)
    except _TooMuchError as error:
        message, mark = error.message, error.mark
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "the YAML is not well formed"
        if "another document" in message:
            message = "a second document begins here, expected only one"
        elif _is_tab(lines, mark):
            message = "a tab stands in the indentation: use spaces"
        elif error.context and error.context_mark:
            message = f"{message}, {error.context} that begins in line {error.context_mark.line + 1}"
    except yaml.YAMLError as error:
        raise InputError([Problem("", f"the YAML is not well formed: {error}", file)]) from None
    place = (mark.line + 1, mark.column + 1) if mark else (None, None)
    raise InputError([Problem("", message, file, *place)])


def _is_tab(lines: tuple[str, ...], mark: Any) -> bool:
    if mark is None or mark.line >= len(lines):
        return False
    return "\t" in lines[mark.line][: mark.column + 1] and not lines[mark.line][: mark.column].strip()


def _inner(node: yaml.Node) -> list[yaml.Node]:
    """The values that stand directly in a node."""
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_bombs(root: yaml.Node, builder: _Builder) -> None:
    """Count the values with aliases written out, each node once, before anything is written out."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = 0
            known = sizes[id(node)] = 1 + sum(map(size, _inner(node)))
        elif known == 0:  # counting it is not over yet
            raise builder.stop((), node, "an alias in here refers to what it stands in")
        return known

    if size(root) <= MAX_NODES:
        return
    node, inside = root, [root]
    while inside:  # down to the smallest that is too large
        node = inside[0]
        inside = [inner for inner in _inner(node) if size(inner) > MAX_NODES]
    raise builder.stop((), node, f"more than {MAX_NODES} values when the aliases are written out")


class _Builder:
    """Builds data and marks from nodes; collects faults, stops only when there is too much."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.marks: dict[Path, Mark] = {}
        self.lost: set[Path] = set()

    def fault(self, path: Path, node: yaml.Node, message: str) -> None:
        """Note a fault at a node."""
        at = node.start_mark
        dotted = ".".join(str(part) for part in path)
        self.problems.append(Problem(dotted, message, self.file, at.line + 1, at.column + 1))

    def stop(self, path: Path, node: yaml.Node, message: str) -> InputError:
        """The error for a fault after which nothing more can be read."""
        self.fault(path, node, message)
        return InputError(self.problems)

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The data of ``node``, which stands at ``path``."""
        if len(path) > MAX_DEPTH:
            raise self.stop(path, node, f"nested deeper than {MAX_DEPTH} levels")
        if node.tag not in CORE:
            self.fault(path, node, f"the tag {_tag_text(node.tag)} is not allowed")
            self.lost.add(path)
            return None
        if isinstance(node, yaml.ScalarNode):
            value, fault = read_scalar(node.tag, node.value)
            if fault:
                self.fault(path, node, fault)
                self.lost.add(path)
            return value
        return self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)

    def _list(self, node: yaml.Node, path: Path) -> list[Any]:
        if node.tag != SEQ:
            self.fault(path, node, f"the tag {_tag_text(node.tag)} does not fit a list")
        made = []
        for index, item in enumerate(node.value):
            at = (item.start_mark.line + 1, item.start_mark.column + 1)
            self.marks[(*path, index)] = Mark(self.file, *at, *at)
            made.append(self.value(item, (*path, index)))
        return made

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        if node.tag != MAP:
            self.fault(path, node, f"the tag {_tag_text(node.tag)} does not fit a mapping")
        made: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, item in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            begin, at = key_node.start_mark, item.start_mark
            if key in made:
                self.fault((*path, key), key_node, f'duplicate key "{key}", written first in line {lines[key]}')
                continue
            lines[key] = begin.line + 1
            self.marks[(*path, key)] = Mark(self.file, at.line + 1, at.column + 1, begin.line + 1, begin.column + 1)
            made[key] = self.value(item, (*path, key))
        return made

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.fault(path, node, "a key must be text, not a list or a mapping")
        elif node.tag != STR:
            self.fault(path, node, f'a key must be text: quote it, "{node.value}"')
        elif node.value == "<<":
            self.fault(path, node, "merge keys (<<) are not supported: use a template, or `base:` for a variant")
        else:
            return str(node.value)
        return None


def _tag_text(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
