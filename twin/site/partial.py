"""A site file with faults, as far as it is valid: the faulty parts are left out, so that the rest can be checked too.

A number that is needed is replaced instead, so that one wrong digit does not take a whole loop or hall away. What was
left out or replaced is remembered: what follows from it is no second fault.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError

from twin.core.errors import Problem
from twin.core.params import quantity_of
from twin.core.units import EARLIEST_YEAR, LATEST_YEAR
from twin.site.document import Document, Path
from twin.site.explain import explain
from twin.site.model import Site
from twin.site.shape import Place, fields_of, members, plain, walk

# What a site cannot be without, though most checks can. Replaced when faulty; what it says is then not checked.
STAND_INS: dict[str, Any] = {
    "format": 1,
    "name": "unnamed",
    "title": "unnamed",
    "utc_offset_h": 0,
    "weather": {"file": ""},
    "contract": {"tranches": [{"from": f"{EARLIEST_YEAR}-01-01", "mw": 1, "source": "none", "confidence": "estimate"}]},
}
# A hall without a date still has a template and a feed.
DAYS = {"energised_on": f"{LATEST_YEAR}-12-31"}
PASSES = 12


def read_site(document: Document) -> tuple[Site | None, list[Problem], frozenset[Path]]:
    """The site, or what of it is valid; every fault of form; the paths that were left out or replaced.

    ``None`` when too little is left to check.
    """
    problems, mended = list(document.faults), set[Path]()
    try:
        return Site.model_validate(document.data), problems, document.lost | mended
    except ValidationError as error:
        now = error
    # What could not be read is not of the wrong kind too.
    told = {".".join(map(str, path)) for path in document.lost}
    problems += [problem for problem in explain(now, Site, document) if problem.path not in told]
    data = copy.deepcopy(document.data)
    for _ in range(PASSES):
        for item in now.errors(include_url=False):
            path = _mend(data, walk(Site, item["loc"]), mended)
            if not path:
                return None, problems, document.lost | mended
            mended.add(path)
        try:
            return Site.model_validate(data), problems, document.lost | mended
        except ValidationError as again:
            now = again
    return None, problems, document.lost | mended


def _mend(data: dict[str, Any], place: Place, mended: set[Path]) -> Path:
    """Replace a number, or leave out the smallest part that its parent can be without; where, ``()`` for nowhere."""
    path = place.path if place.union_at is None else place.union_at
    if not path:
        return ()
    needed = place.required[: len(path)]
    value = _stand_in(place) if path == place.path and path not in mended else None
    if value is not None and needed[-1] and path[0] not in STAND_INS:
        _put(data, path, value)
        return path
    length = len(path)
    while length > 1 and needed[length - 1]:
        length -= 1
    if length == 1 and needed[0] and path[0] not in STAND_INS:
        return ()
    cut = path[:length]
    _put(data, cut, copy.deepcopy(STAND_INS[str(cut[0])]) if length == 1 and needed[0] else None)
    return cut


def _put(data: dict[str, Any], path: Path, value: Any) -> None:
    """Write a value, or remove it with ``None``; nothing when its parent was left out before."""
    parent: Any = data
    for part in path[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return
    if not isinstance(parent, dict):
        return
    if value is None:
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = value


def _stand_in(place: Place) -> Any:
    """A valid value for the field at ``place`` when it is a number or a day, else ``None``."""
    name, info = fields_of(place.model).get(str(place.path[-1]), ("", None)) if place.model else ("", None)
    if info is None or place.model is None:
        return None
    if plain(members(info.annotation)[0]) not in (float, int):
        return DAYS.get(name)
    quantity = quantity_of(place.model, name)
    if quantity is None:
        return 1
    low = next((bound for bound in (quantity.ge, quantity.gt) if bound is not None), 0.0)
    high = next((bound for bound in (quantity.le, quantity.lt) if bound is not None), low + 2.0)
    return 0.5 * (low + high)
