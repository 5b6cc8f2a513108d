"""The hidden truth: the site with what nobody has published of it drawn from its bands, as ``twin bands`` draws it.

Nothing of it is published. It can be written to a file, for whoever tests an estimator against it. Not drawn are
settings (limits of voltage and frequency, instantaneous trips) and nameplates of the power path: they are such that
a building runs at all. Drawn by themselves, they would leave some buildings dark from the first instant on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twin.core.errors import InputError, one, option
from twin.site.load import LoadedSite
from twin.site.lower import lower
from twin.site.plan import Plan
from twin.site.unknowns import Unknown, drawn, places_of, unknowns

ATTEMPTS = 100
SETTINGS = frozenset(("low_pu", "bypass_pu", "frequency_hz", "instantaneous"))
PATH = frozenset(("ups", "sts", "ats", "feeder", "busway", "pdu", "transformer", "generator"))


@dataclass(frozen=True)
class Truth:
    """A site with drawn figures, its Plan, and where each unknown stands in its band (``places``, 0..1)."""

    loaded: LoadedSite
    plan: Plan
    unknowns: tuple[Unknown, ...]
    places: tuple[float, ...]
    seed: int

    def figures(self, believed: LoadedSite) -> list[dict[str, Any]]:
        """Drawn figures beside those of the library, as plain data."""
        found = []
        for unknown, place in zip(self.unknowns, self.places, strict=True):
            for entry, key in unknown.members:
                was, now = (loaded.library.get(entry).figures()[key] for loaded in (believed, self.loaded))
                found.append(
                    {
                        "entry": entry, "key": key, "true": now.value, "library": was.value, "low": was.low,
                        "high": was.high, "place": place, "source": was.source, "confidence": was.confidence,
                    }
                )  # fmt: skip
        return found


def draw(loaded: LoadedSite, seed: int, *, believed: Plan | None = None) -> Truth:
    """The site with its unknowns drawn by ``seed``; drawn once more where a sample breaks a rule of its kind.

    Raises ``InputError`` where no sample of the bands can be built.
    """
    found, fault = tuple(unknown for unknown in unknowns(loaded) if _hidden(loaded, unknown)), InputError([])
    for attempt in range(ATTEMPTS):
        places = places_of(found, 0, 1, seed, attempt)
        try:
            true = drawn(loaded, dict(zip(found, places.tolist(), strict=True)))
            return Truth(true, lower(true, believed), found, tuple(places.tolist()), seed)
        except InputError as error:
            fault = error
    raise InputError([replace(p, message=f"no sample of the bands can be built: {p.message}") for p in fault.problems])


def _hidden(loaded: LoadedSite, unknown: Unknown) -> bool:
    """Whether nobody can read it off."""
    entry, key = unknown.members[0]
    return key not in SETTINGS and not (key == "rated_kw" and loaded.library.get(entry).kind in PATH)


def as_it_is(loaded: LoadedSite, plan: Plan, seed: int) -> Truth:
    """The site as the library has it, nothing drawn."""
    return Truth(loaded, plan, (), (), seed)


def write(path: Path, about: Mapping[str, Any]) -> None:
    """Write the truth as JSON. Raises ``InputError`` for a file that is there or cannot be written."""
    text = json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise one("is there already", path=option("truth="), file=str(path)) from None
    except OSError as error:
        raise one(f"cannot be written: {error.strerror}", path=option("truth="), file=str(path)) from None


__all__ = ["Truth", "as_it_is", "draw", "write"]
