"""What the checks share: the site as far as it is valid, the library, the places, and the problems found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, TypeVar

from twin.core.errors import InputError, Problem, did_you_mean, nearest
from twin.core.params import Params
from twin.core.registry import kinds
from twin.site.document import Document, Path
from twin.site.library import Library, kind_words
from twin.site.model import Hall, Site

P = TypeVar("P", bound=Params)
GRID = "grid"


@dataclass
class Scope:
    """One check of one site. Problems are collected, never raised."""

    site: Site
    library: Library
    document: Document
    dropped: frozenset[Path] = frozenset()
    folders: Mapping[str, File] = field(default_factory=dict)  # of the files, by their label
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @property
    def whole(self) -> bool:
        """Nothing was left out and nothing is wrong so far: sums over the site mean something."""
        return not self.dropped and all(p.warning for p in self.problems)

    def error(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note an error at ``path``; none where the value is faulty itself."""
        if path in self.dropped:
            return
        self.problems.append(self.document.problem(path, message, key=key))

    def warn(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note a warning at ``path``."""
        self.problems.append(self.document.problem(path, message, key=key, warning=True))

    def left_out(self, path: Path) -> bool:
        """True when ``path`` was written but is faulty itself: no second fault."""
        return any(cut[: len(path)] == path or path[: len(cut)] == cut for cut in self.dropped)

    def ids(self, path: Path, known: Mapping[str, Any]) -> list[str]:
        """The ids at ``path``: the valid ones and those written with faults."""
        written = self.document.at(path)
        return list(dict.fromkeys([*known, *(written if isinstance(written, dict) else ())]))

    def template_of(self, hall: Hall) -> str:
        """Id of the template of a hall; a misspelt one is read as the nearest, whose faults are no later surprise then.

        Empty where none is near.
        """
        templates = self.site.templates
        return hall.template if hall.template in templates else nearest(hall.template, templates)

    def reference(self, path: Path, id: str, known: Iterable[str], what: str) -> bool:
        """Check that ``id`` is one of ``known``; note an error when it is not."""
        names = list(known)
        if id in names:
            return True
        if path in self.dropped:  # an incomplete site has thousands: what is near each is not worth the time
            return False
        listed = "" if len(names) > 12 else f" ({', '.join(names)})" if names else " (there are none)"
        self.error(path, f'unknown {what} "{id}"{did_you_mean(id, names) or listed}')
        return False

    def entry(self, path: Path, id: str, *wanted: type[P]) -> P | None:
        """The library entry that ``path`` names, or ``None`` after an error was noted."""
        if id not in self.library and path in self.dropped:
            return None
        params, fault = self.look_up(id, *wanted)
        if fault:
            self.error(path, fault)
        return params

    def look_up(self, id: str, *wanted: type[P]) -> tuple[P | None, str]:
        """The entry ``id`` of one of the kinds ``wanted``, or what is wrong with this reference to it.

        A fault inside the entry is noted once, at its own place; the reference itself is right then.
        """
        if id not in self.library:
            return None, f'the library has no {kind_words(*wanted)} "{id}"{self.library.near(id, *wanted)}'
        known = id in self.used
        self.used.add(id)
        try:
            params = self.library.entry(id).params
        except InputError as error:
            self.problems += [] if known else error.problems
            return None, ""
        for kind in wanted:
            if isinstance(params, kind):
                return params, ""
        return None, f'"{id}" is of kind {params.kind}, expected {kind_words(*wanted)}'


def electrical_kinds() -> tuple[type[Params], ...]:
    """Kinds that can stand in the electrical path: those with a limit of their output."""
    return tuple(kind for kind in kinds().values() if hasattr(kind, "limit_w"))
