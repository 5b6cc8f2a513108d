"""When people may take what they see for the present: LIVE or STALE, and why.

    s(g) = values of group g that are not usable / values of g that have a point
    LIVE -> STALE   where s(g) > 1/2 of power or of cooling, or neither has a point
    STALE -> LIVE   where s(g) <= 1/4 of both, of those that have points

Groups: of what drives the model, the racks' power and the cooling (flows, supply temperatures). Values are not usable
that are old, of a source that is silent (:mod:`telemetry.state.view`: 250 s, 30 s of heartbeat), bad or never came,
or that the engine does not believe, as those of a rack in the wrong unit.
Between both limits it stays what it was, so that a banner does not flicker. Weather that is stale is told, and turns
nothing: the site's own stands in. The limits are ours (estimates). Replays keep the banner REPLAY and are told what is
not usable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from telemetry.live.bind import Measured
from telemetry.live.frame import Mode

TURNS, RETURNS = 0.5, 0.25
TOLD = 0.01  # a few values of thousands are always missing: pages tell them where they are
GROUPS = ("power", "cooling", "weather")
DECIDING = ("power", "cooling")


def group_of(variable: str) -> str:
    """Group of a variable that can drive."""
    if variable.startswith("outdoor_"):
        return "weather"
    return "power" if variable == "rack_power" else "cooling"


@dataclass(frozen=True)
class Tally:
    """Values that drive, by group: how many have a point, how many of them are usable, how many were ever heard."""

    known: dict[str, int]
    usable: dict[str, int]
    heard: dict[str, int]

    @property
    def never(self) -> dict[str, float]:
        """Shares that have not been heard yet, of groups that have points."""
        return {group: 1.0 - self.heard[group] / count for group, count in self.known.items() if count}

    @property
    def lost(self) -> dict[str, float]:
        """Shares that are not usable, of groups that have points."""
        return {group: 1.0 - self.usable[group] / count for group, count in self.known.items() if count}


def tally(drivers: Iterable[str], measured: Measured) -> Tally:
    """Count what is measured of ``drivers``, variables."""
    known, usable, heard = (dict.fromkeys(GROUPS, 0) for _ in range(3))
    for name in drivers:
        if name not in measured.bound:
            continue
        group, bound, there = group_of(name), measured.bound[name], np.isfinite(measured.values[name])
        known[group] += int(bound.sum())
        usable[group] += int((bound & there).sum())
        heard[group] += int((bound & (there | np.isfinite(measured.ages[name]))).sum())
    return Tally(known, usable, heard)


class Banner:
    """Remembers its mode; ``shares`` are those of the last look, by group, for groups that have points."""

    def __init__(self, live: Mode = Mode.LIVE) -> None:
        self._live = live
        self.mode = Mode.STALE
        self.shares: dict[str, float] = {}
        self._never: dict[str, float] = {}
        self._odd: dict[str, float] = {}

    def look(self, tally: Tally, doubted: Mapping[str, int] | None = None) -> Mode:
        """The mode that goes with what is usable now; ``doubted``: how many of it were not believed, by variable."""
        count = tally.known
        odd = dict.fromkeys(GROUPS, 0)
        for name, number in (doubted or {}).items():
            odd[group_of(name)] += number
        lost = {group: tally.known[group] - tally.usable[group] for group in GROUPS}
        self.shares = {group: (lost[group] + odd[group]) / count[group] for group in GROUPS if count[group]}
        self._never, self._odd = tally.never, {group: odd[group] / count[group] for group in self.shares}
        worst = max((self.shares[group] for group in DECIDING if group in self.shares), default=1.0)
        if worst > TURNS:
            self.mode = Mode.STALE
        elif worst <= RETURNS:
            self.mode = self._live
        return self.mode if self._live is Mode.LIVE else self._live

    @property
    def _drives(self) -> bool:
        return any(group in self.shares for group in DECIDING)

    def words(self) -> str:
        """What is not usable of what drives, and what has not been heard yet; "" where all is."""
        if not self._drives:
            return "no point of power or cooling is known that drives the model: it goes by itself"
        lost = {group: share - self._never[group] - self._odd[group] for group, share in self.shares.items()}
        found = (("not usable", lost), ("not heard yet", self._never))
        return "; ".join(f"{what}: {told}" for what, shares in found if (told := _told(shares)))


def doubts(given: Mapping[str, int], doubted: Mapping[str, int]) -> str:
    """Which readings drive nothing because the engine does not believe them, as words; "" for few or none.

    ``given``, ``doubted``: how many were given to the engine and not believed, by variable.
    """
    groups = {group: [name for name in given if group_of(name) == group] for group in GROUPS}
    sums = {group: (sum(doubted.get(n, 0) for n in of), sum(given[n] for n in of)) for group, of in groups.items()}
    words = _told({group: part / whole for group, (part, whole) in sums.items() if whole})
    return f"not believed: {words}" if words else ""


def _told(shares: Mapping[str, float]) -> str:
    """``3 % of the power, all of the cooling``."""
    return ", ".join(
        f"{'all' if share == 1.0 else f'{100 * share:.0f} %'} of the {group}"
        for group, share in shares.items()
        if share > TOLD
    )


__all__ = ["DECIDING", "GROUPS", "TOLD", "Banner", "Tally", "doubts", "group_of", "tally"]
