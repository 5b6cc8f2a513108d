"""Names of the shipped sites: those that can run, and those that wait for an overlay."""

from __future__ import annotations

from twin.site.base import read_joined
from twin.site.incomplete import unknowns_of
from twin.site.shipped import shipped


def is_incomplete(name_or_path: str) -> bool:
    """Whether a site, its bases merged, holds an unknown."""
    return any(True for _ in unknowns_of(read_joined(name_or_path).document.data))


INCOMPLETE = [name for name in shipped() if is_incomplete(name)]
COMPLETE = [name for name in shipped() if name not in INCOMPLETE]
