"""Names of the shipped sites: those that can run, and those that wait for an overlay."""

from __future__ import annotations

from twin.site.incomplete import is_incomplete
from twin.site.shipped import shipped

INCOMPLETE = [name for name in shipped() if is_incomplete(name)]
COMPLETE = [name for name in shipped() if name not in INCOMPLETE]
