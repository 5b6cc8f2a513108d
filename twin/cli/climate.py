"""The warnings about a site in its weather: the site's own, and what freezes in the coldest hour of the year."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.core.errors import Problem
    from twin.site.load import LoadedSite


def warnings_of(loaded: LoadedSite, weather: str | None = None) -> tuple[Problem, ...]:
    """Warnings of a site in its own weather or in another; the weather is read only where something could freeze."""
    if not loaded.exposed:
        return loaded.warnings
    from twin.forcing.weather import coldest_dry_bulb

    named = weather if weather is not None else loaded.paths.get("weather.file", loaded.site.weather.file)
    coldest = coldest_dry_bulb(named)
    if coldest >= 0.0:
        return loaded.warnings
    text = f"it freezes at the {coldest:.1f} degC of {named}: use pg25"
    return (*loaded.warnings, *(replace(problem, message=f"{problem.message}: {text}") for problem in loaded.exposed))
