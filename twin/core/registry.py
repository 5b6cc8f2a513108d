"""A kind is one file: every ``Params`` subclass with a ``KIND`` found by walking the rooms of components.

Nothing lists the kinds: a new file in a room of components is found by the walk, and the contract tests, the library
reader and the schema cover it at once.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from twin.core.params import Params

ROOMS = ("twin.racks", "twin.power", "twin.cooling", "twin.inference")


@cache
def kinds() -> dict[str, type[Params]]:
    """All registered kinds by name, sorted."""
    found: dict[str, type[Params]] = {}
    for room in ROOMS:
        package = importlib.import_module(room)
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{room}.{info.name}")
            for item in vars(module).values():
                if not (isinstance(item, type) and issubclass(item, Params) and "KIND" in item.__dict__):
                    continue
                if found.setdefault(item.KIND, item) is not item:
                    raise RuntimeError(f"two kinds share the name {item.KIND!r}")
    return dict(sorted(found.items()))


@cache
def folders() -> dict[str, list[type[Params]]]:
    """Kinds by their folder of ``sites/library``."""
    by_folder: dict[str, list[type[Params]]] = {}
    for params in kinds().values():
        by_folder.setdefault(params.FOLDER, []).append(params)
    return by_folder
