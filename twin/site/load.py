"""Loads a site: finds the file, joins its bases, reads the library, checks everything, and says all that is wrong.

The result carries the resolved text and a digest over it and the library entries used: the same digest, the same site.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twin.core.errors import InputError, Problem
from twin.site.base import read_joined
from twin.site.check import check
from twin.site.check_inference import FLAT
from twin.site.document import Document
from twin.site.dump import dump
from twin.site.fit import exposed
from twin.site.incomplete import without_unknowns
from twin.site.library import Library, load_library
from twin.site.model import Site
from twin.site.partial import read_site
from twin.site.references import is_file, written_in
from twin.site.scope import Scope
from twin.site.shipped import shipped


@dataclass(frozen=True)
class LoadedSite:
    """A valid site with all it was made of.

    ``text`` is the resolved YAML (bases merged, in the written order), ``digest`` the SHA-256 of it and of the library
    entries in ``used``; ``paths`` holds the files that the site names (``weather.file``, ``loads.<id>.csv``,
    ``templates.<id>.air.cross_interference``, ``grid.price.csv``, ``grid.carbon.csv``, and ``shape`` and ``trace`` of
    ``inference.demand.<id>``) by their place
    in it, shipped ones excepted. ``exposed`` are warnings for whoever knows the weather: what freezes where the air
    gets colder than 0 degC.
    """

    site: Site
    library: Library
    file: str
    text: str
    digest: str
    used: tuple[str, ...]
    paths: Mapping[str, Path]
    warnings: tuple[Problem, ...]
    exposed: tuple[Problem, ...] = ()


def load_site(name_or_path: str | Path) -> LoadedSite:
    """Load a shipped site by name or a site file by path.

    Raises :class:`InputError` with every error that could be found, each at its line and column; of an incomplete site
    every ``unknown`` with what is needed.
    """
    joined = read_joined(name_or_path)
    document = without_unknowns(joined.document)
    site, faults, dropped = read_site(document)
    try:
        library = load_library(*(file.folder / "library" for file in joined.files))
    except InputError as error:
        raise InputError([*faults, *error.problems]) from None
    if site is None:
        raise InputError(faults)
    folders = {file.label: file.folder for file in joined.files}
    scope = Scope(site, library, document, dropped, folders, list(faults))
    check(scope)
    problems = sorted(
        dict.fromkeys(scope.problems), key=lambda p: (p.file != document.file, p.file or "", p.line or 0, p.col or 0)
    )
    if any(not problem.warning for problem in problems):
        raise InputError(problems)
    text, used = dump(document.data), tuple(sorted(scope.used))
    digest, paths = _digest(text, library, used), _paths(scope, document)
    return LoadedSite(site, library, document.file, text, digest, used, paths, tuple(problems), exposed(scope))


def _digest(text: str, library: Library, used: tuple[str, ...]) -> str:
    """SHA-256 over the site's text and its library entries; lengths keep the parts apart."""
    made = hashlib.sha256()
    for name, part in [("", text), *((id, library.entry(id).text) for id in used)]:
        raw = part.encode()
        made.update(f"{name}\0{len(raw)}\0".encode())
        made.update(raw)
    return made.hexdigest()


def _paths(scope: Scope, document: Document) -> dict[str, Path]:
    """The files that the site names, from the folder of the file that names each."""
    places: list[tuple[str | int, ...]] = []
    if scope.site.weather.file not in shipped(".csv", "weather"):
        places.append(("weather", "file"))
    places += [("loads", id, "csv") for id, load in scope.site.loads.items() if load.csv is not None]
    templates = scope.site.templates.items()
    places += [("templates", id, "air", "cross_interference") for id, t in templates if t.air.cross_interference]
    priced = scope.site.grid
    parts = (("price", priced.price), ("carbon", priced.carbon)) if priced else ()
    places += [("grid", key, "csv") for key, part in parts if part is not None and part.csv is not None]
    demand = scope.site.inference.demand if scope.site.inference else {}
    for id, asked in demand.items():
        if asked.trace is not None:
            places.append(("inference", "demand", id, "trace"))
        elif asked.shape != FLAT and asked.shape not in shipped(".csv", "demand"):
            places.append(("inference", "demand", id, "shape"))
    found = {".".join(map(str, p)): written_in(scope, p) / document.at(p) for p in places}
    return {place: path for place, path in found.items() if is_file(path)}
