"""Finds a site file and joins it with the sites it builds on: ``base:`` is a path from the file, or a shipped name.

Mappings are merged by key, lists and single values are replaced, ``null`` deletes what the base has. Every value keeps
the place where it was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.core.errors import InputError, Problem, did_you_mean
from twin.site.document import Document, Mark, read
from twin.site.document import Path as Place
from twin.site.explain import got
from twin.site.shipped import Source, data_root, read_bytes, shipped

MAX_BASES = 8


@dataclass(frozen=True)
class Found:
    """A site file: where it is, what it is called in messages, and what tells it from another."""

    source: Source
    label: str
    identity: str

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return Path(str(self.source)).parent


@dataclass(frozen=True)
class Joined:
    """A site with its bases merged: the ``files`` from the site itself down to the last base."""

    document: Document
    files: tuple[Found, ...]


def find_site(name_or_path: str | Path, beside: Path | None = None) -> Found:
    """The shipped site of that name, else the file of that path (from the folder ``beside``).

    Raises :class:`InputError` with the nearest name and the list of shipped ones.
    """
    text, names = str(name_or_path), shipped()
    if isinstance(name_or_path, str) and text in names:
        return Found(names[text], f"sites/{text}.yaml", f"shipped:{text}")
    path = Path(beside or "", text)
    try:
        if path.is_file():
            return Found(path, str(path), _identity(path))
        if text and path.is_dir():
            raise InputError([Problem("", "is a folder, expected a site file or the name of a shipped site", text)])
    except InputError:
        raise
    except (OSError, ValueError):
        pass  # no name that a file can have
    shown = ", ".join(names) or "none"
    message = f'there is no site "{text[:200]}"{did_you_mean(text, names)}: expected a file or a shipped site ({shown})'
    raise InputError([Problem("", message)])


def _identity(path: Path) -> str:
    """The same for the same file, however it is reached."""
    real, root = path.resolve(), Path(str(data_root())).resolve()
    return f"shipped:{real.stem}" if real.parent == root and real.suffix == ".yaml" else str(real)


def read_joined(name_or_path: str | Path) -> Joined:
    """Read a site and all its bases and merge them; faults of single values are left in the document.

    Raises :class:`InputError` where there is nothing to merge.
    """
    found = find_site(name_or_path)
    files, documents = [found], [read(read_bytes(found.source, found.label), found.label)]
    while "base" in documents[-1].data:
        if ("base",) in documents[-1].lost:
            raise InputError(documents[-1].faults)
        last = documents[-1]
        if len(files) > MAX_BASES:
            raise InputError([last.problem(("base",), f"more than {MAX_BASES} bases, one upon the other")])
        found = _base_of(last, files[-1])
        if any(found.identity == earlier.identity for earlier in files):
            chain = " -> ".join(f.label for f in [*files, found])
            raise InputError([last.problem(("base",), f"the bases go round in a circle: {chain}")])
        files.append(found)
        documents.append(read(read_bytes(found.source, found.label), found.label))
    joined = documents.pop()
    while documents:
        joined = _merge(joined, documents.pop())
    return Joined(joined, tuple(files))


def _base_of(document: Document, file: Found) -> Found:
    named = document.data["base"]
    if not isinstance(named, str) or not named:
        message = f"expected the path of a site file or the name of a shipped site, got {got(named)}"
        raise InputError([document.problem(("base",), message)])
    try:
        return find_site(named, file.folder)
    except InputError as error:
        raise InputError([document.problem(("base",), p.message) for p in error.problems]) from None


def _merge(base: Document, over: Document) -> Document:
    """``over`` upon ``base``."""
    problems: list[Problem] = []
    marks = {path: mark for path, mark in base.marks.items() if path != ("base",)}
    below: dict[Place, list[Place]] = {}
    for path in marks:
        for length in range(1, len(path)):
            below.setdefault(path[:length], []).append(path)

    def forget(path: Place) -> None:
        for old in (path, *below.get(path, ())):
            marks.pop(old, None)

    def join(lower: dict[str, Any], upper: dict[str, Any], path: Place) -> dict[str, Any]:
        made = dict(lower)
        for key, value in upper.items():
            here = (*path, key)
            if here == ("base",):
                continue
            if value is None and here not in over.lost:
                if key not in lower:
                    text = f'null deletes a key of the base, which has no "{key}"{did_you_mean(key, lower)}'
                    problems.append(over.problem(here, text))
                made.pop(key, None)
                forget(here)
            elif isinstance(value, dict) and isinstance(lower.get(key), dict):
                made[key] = join(lower[key], value, here)
                marks[here] = over.marks[here]
            else:
                made[key] = value
                forget(here)
                marks.update(_written(over, here))
        return made

    lower = {key: value for key, value in base.data.items() if key != "base"}
    data = join(lower, over.data, ())
    faults = (*base.faults, *over.faults, *problems)
    return Document(data, marks, over.file, over.lines, faults, base.lost | over.lost)


def _written(document: Document, path: Place) -> Iterable[tuple[Place, Mark]]:
    """The marks of a path and all below it."""
    todo: list[tuple[Place, Any]] = [(path, document.at(path))]
    while todo:
        here, value = todo.pop()
        yield here, document.marks[here]
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        todo += [((*here, key), item) for key, item in inner]
