"""A site file with faults, as far as it is valid: the faulty parts are left out, so that the rest can be checked too.

What was left out is remembered: a reference to it is no second fault.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError

from twin.core.errors import Problem
from twin.site.document import Document, Path
from twin.site.explain import explain
from twin.site.model import Site
from twin.site.shape import walk

# What a site cannot be without, though most checks can. Replaced when faulty; what it says is then not checked.
STAND_INS: dict[str, Any] = {
    "format": 1,
    "name": "unnamed",
    "title": "unnamed",
    "utc_offset_h": 0,
    "weather": {"file": ""},
    "contract": {"tranches": [{"from": "0001-01-01", "mw": 1, "source": "none", "confidence": "estimate"}]},
}
PASSES = 12


def read_site(document: Document) -> tuple[Site | None, list[Problem], frozenset[Path]]:
    """The site, or what of it is valid; every fault of form; the paths that were left out of it.

    ``None`` when too little is left to check.
    """
    try:
        return Site.model_validate(document.data), [], frozenset()
    except ValidationError as error:
        now = error
    problems = explain(now, Site, document)
    data, dropped = copy.deepcopy(document.data), set[Path]()
    for _ in range(PASSES):
        for item in now.errors(include_url=False):
            place = walk(Site, item["loc"])
            whole = place.path if place.union_at is None else place.union_at
            path = _leave_out(data, whole, place.required[: len(whole)])
            if not path:
                return None, problems, frozenset(dropped)
            dropped.add(path)
        try:
            return Site.model_validate(data), problems, frozenset(dropped)
        except ValidationError as again:
            now = again
    return None, problems, frozenset(dropped)


def _leave_out(data: dict[str, Any], path: Path, required: tuple[bool, ...]) -> Path:
    """Remove the smallest part around ``path`` that its parent can be without; its path, empty when there is none."""
    length = len(path)
    while length > 1 and required[length - 1]:
        length -= 1
    cut = path[:length]
    if not cut:
        return ()
    parent: Any = data
    for part in cut[:-1]:
        if not isinstance(parent, dict) or part not in parent:
            return cut  # left out already, with what it stands in
        parent = parent[part]
    if length == 1 and required[0]:
        if cut[0] not in STAND_INS:
            return ()
        data[str(cut[0])] = copy.deepcopy(STAND_INS[str(cut[0])])
    elif isinstance(parent, dict):
        parent.pop(cut[-1], None)
    return cut
