"""The equipment library: one YAML file per entry in ``sites/library/<folder>/``, its id the name of the file.

A site may bring its own ``library/`` of the same layout beside its file; an id stands only once over all of them.
Entries are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, overload

from twin.core.errors import InputError, Problem, did_you_mean
from twin.core.params import Params
from twin.core.registry import folders, kinds
from twin.site.document import Document, parse
from twin.site.explain import validated
from twin.site.shipped import Source, data_root, read_bytes

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Entry:
    """An entry as it was read: its parameters, its text, and its places for messages."""

    id: str
    params: Params
    text: str
    document: Document


class Library:
    """Entries by id. Reading is lazy and remembered; iteration is over the ids in order."""

    def __init__(self, sources: dict[str, tuple[str, str, Source]]) -> None:
        self._sources = dict(sorted(sources.items()))
        self._entries: dict[str, Entry] = {}
        self._faults: dict[str, InputError] = {}

    def __contains__(self, id: object) -> bool:
        return id in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def ids(self, *wanted: str | type[Params]) -> list[str]:
        """Ids of the entries of these kinds (names or classes, subclasses count), of all without any."""
        if not wanted:
            return list(self._sources)
        classes = _classes(wanted)
        rooms = {c.FOLDER for c in kinds().values() if issubclass(c, classes)}
        may_be = (id for id, (folder, _, _) in self._sources.items() if folder in rooms)
        return [id for id in may_be if isinstance(self.entry(id).params, classes)]

    def near(self, id: str, *wanted: str | type[Params]) -> str:
        """``'; did you mean "x"?'`` among the ids in the folders of these kinds; no entry is read."""
        rooms = {c.FOLDER for c in kinds().values() if not wanted or issubclass(c, _classes(wanted))}
        return did_you_mean(id, (i for i, (folder, _, _) in self._sources.items() if folder in rooms))

    def entry(self, id: str) -> Entry:
        """The entry ``id`` with its text and places. Raises :class:`InputError` when unknown or faulty."""
        if id in self._faults:
            raise self._faults[id]
        if id not in self._entries:
            if id not in self._sources:
                raise InputError([Problem("", f'the library has no "{id}"{self.near(id)}')])
            try:
                self._entries[id] = _read(id, *self._sources[id])
            except InputError as error:
                self._faults[id] = error
                raise
        return self._entries[id]

    def changed(self, params: Mapping[str, Params]) -> Library:
        """This library with other parameters in the entries ``params``; text and places stay theirs."""
        made = Library(self._sources)
        made._entries = self._entries | {id: replace(self.entry(id), params=p) for id, p in params.items()}
        return made

    @overload
    def get(self, id: str, kind: type[P], /) -> P: ...
    @overload
    def get(self, id: str, /, *wanted: str | type[Params]) -> Params: ...
    def get(self, id: str, /, *wanted: str | type[Params]) -> Params:
        """Parameters of the entry ``id``, which must be of one of the kinds ``wanted`` (names or classes) if any.

        Raises :class:`InputError` when there is no such entry, it is faulty, or it is of another kind.
        """
        params = self.entry(id).params
        if wanted and not isinstance(params, _classes(wanted)):
            raise InputError([Problem("", f'"{id}" is of kind {params.kind}, expected {kind_words(*wanted)}')])
        return params


def kind_words(*wanted: str | type[Params]) -> str:
    """The kinds that these names or classes allow, in words."""
    names = [name for name, c in kinds().items() if issubclass(c, _classes(wanted))]
    return ", ".join(names[:-1]) + (" or " if names[1:] else "") + names[-1]


def _classes(wanted: tuple[str | type[Params], ...]) -> tuple[type[Params], ...]:
    return tuple(kinds()[w] if isinstance(w, str) else w for w in wanted)


def _read(id: str, folder: str, label: str, source: Source) -> Entry:
    document = parse(read_bytes(source, label), label)
    named = document.data.get("kind")
    known = {c.KIND: c for c in folders().get(folder, [])}
    if not isinstance(named, str):
        raise InputError([document.problem(("kind",), f'missing key "kind": one of {", ".join(known)}')])
    if named not in known:
        other = kinds().get(named)
        if other:
            message = f'the kind {named} belongs into the folder "{other.FOLDER}", this is "{folder}"'
        else:
            message = f'unknown kind "{named}"{did_you_mean(named, known) or "; expected " + ", ".join(known)}'
        raise InputError([document.problem(("kind",), message)])
    params = validated(known[named], document)
    return Entry(id, params, "\n".join(document.lines), document)


def load_library(*extra: Path | None) -> Library:
    """The shipped library and the folders ``extra`` of the same layout (those that do not exist are passed over).

    Raises :class:`InputError` for an id that stands twice and for a folder that is none of the library's.
    """
    sources: dict[str, tuple[str, str, Source]] = {}
    problems: list[Problem] = []
    shipped = data_root() / "library"
    roots: list[Source] = [shipped]
    seen = {Path(str(shipped)).resolve()}
    for own in extra:
        if own is not None and own.is_dir() and own.resolve() not in seen:
            seen.add(own.resolve())
            roots.append(own)
    for root in roots:
        for folder in sorted((p for p in root.iterdir() if p.is_dir()), key=lambda p: p.name):
            label = "sites/library" if root is shipped else str(root)
            _look(folder, label, sources, problems)
    if problems:
        raise InputError(problems)
    return Library(sources)


def _look(folder: Source, label: str, sources: dict[str, tuple[str, str, Source]], problems: list[Problem]) -> None:
    """Add the entries of one folder."""
    files = sorted((p for p in folder.iterdir() if p.name.endswith(".yaml") and p.name[0] != "."), key=lambda p: p.name)
    if files and folder.name not in folders():
        hint = did_you_mean(folder.name, folders()) or f"; expected one of {', '.join(folders())}"
        problems.append(Problem("", f'"{folder.name}" is not a folder of the library{hint}', f"{label}/{folder.name}"))
        return
    for source in files:
        id, place = source.name.removesuffix(".yaml"), f"{label}/{folder.name}/{source.name}"
        if id in sources:
            problems.append(Problem("", f'"{id}" stands already in {sources[id][1]}: rename one of them', place))
        else:
            sources[id] = (folder.name, place, source)
