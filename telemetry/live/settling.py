"""When the engine begins anew from the steady state of what is measured: as few times as the model would else be wrong.

    n(g)   values of group g that are usable;  N(g) those that have a point;  b(g) = n(g) as the engine began
    due    where n(g) - b(g) > MORE N(g) in any group: the engine began without so much of what drives it now
    first  as soon as it is due, the banner is LIVE and neither n nor N has risen for QUIET
    again  the same, where all but TOLD of the cooling has been heard and had not been at the first
    last   where n(g) > b(g), as soon as all but TOLD of N has been heard and nothing has risen for QUIET; else, where
           some never comes, WAITS after the first value of power or cooling

An engine begins with the steady state of its first inputs. Water in pipes and tanks takes minutes to hours to forget
that, so what it began without shows for as long as a residual that is none. WAITS is the period of the DSX contract, in
which values that do not change are told again: what has not come within it is missing, and the model goes on with its
own figures for it. A flow or a supply that comes at last moves the water of a whole CDU; the last racks do not. Until
the last of its beginnings frames are ``early``. What comes later still, more than MORE of it, is waited for in the same
way.

*What is lost and comes back.* While a source is silent the model goes by itself, from where it stood. Where the banner
says STALE for longer than FORGETS, the time in which the water of most halls and loops forgets, it stands where its own
figures have led it: it begins anew when the banner is LIVE again and no more comes, and once more when as much is
usable as before the loss, or WAITS later. Nothing begins anew for less: where a quarter of the cooling is lost for
hours, the rest has held the model.

All of it is in the time of the messages: a replay does the same at any speed. b falls only with a loss of more than
FORGETS, so there is no circle. MORE, QUIET and FORGETS are ours (estimates).
"""

from __future__ import annotations

from collections.abc import Mapping

from telemetry.clock import NS
from telemetry.live.banner import DECIDING, GROUPS, TOLD, Tally
from telemetry.replay.told import stamp

MORE = 0.05
QUIET_NS = 2 * NS
WAITS_NS = 100 * NS
FORGETS_NS = 600 * NS


class Rising:
    """Remembers how much was usable at most, and when it was last more, or points were described."""

    def __init__(self) -> None:
        self._known = self._rose_ns = 0
        self._most = dict.fromkeys(GROUPS, 0)

    def anew(self) -> None:
        """Nothing of what was usable counts any more."""
        self._most = dict.fromkeys(GROUPS, 0)

    def look(self, tally: Tally, at_ns: int) -> None:
        """Take what is usable at ``at_ns``."""
        known = sum(tally.known.values())
        rose = [g for g in GROUPS if tally.usable[g] - self._most[g] > TOLD * tally.known[g]]
        if rose or known != self._known:
            self._known, self._rose_ns = known, at_ns
            self._most |= {g: tally.usable[g] for g in rose}

    def quiet(self, at_ns: int) -> bool:
        """Whether it has not risen for QUIET."""
        return at_ns - self._rose_ns >= QUIET_NS


class Loss:
    """Remembers since when the banner is STALE that was LIVE: ``since_ns``, None while it is not."""

    def __init__(self) -> None:
        self.since_ns: int | None = None
        self.lasts = False  # longer than FORGETS: the model has forgotten what was measured
        self._was_live = False

    def anew(self) -> None:
        """It counts from now on."""
        self.since_ns, self.lasts = None, False

    def look(self, at_ns: int, *, stale: bool) -> None:
        """Take the banner at ``at_ns``."""
        if not stale:
            self._was_live = True
            self.anew()
        elif self._was_live:
            self.since_ns = at_ns if self.since_ns is None else self.since_ns
            self.lasts = at_ns - self.since_ns > FORGETS_NS


class Settling:
    """Remembers with what the engine began. ``early``: it does not stand yet on what is measured."""

    def __init__(self) -> None:
        self.early = True
        self._due = False  # it began without some of what is usable
        self._misses = False  # some has not been heard, or is not back
        self._rising, self._loss = Rising(), Loss()
        self._began: dict[str, int] | None = None  # None: with the next step
        self._since_ns: int | None = None  # when the first value came that is waited with for the others
        self._stage = 0  # 1: has begun anew with some of the cooling, 2: with all of it, and waits for the last
        self._returns = False  # it had settled before: no more is waited for than there was then
        self._missed = dict[str, float]()  # shares that were not usable when it had settled

    def begun(self) -> None:
        """The engine begins anew with the next step, for a reason of others."""
        self._wait(returns=self._returns or not self.early)
        self._began = None
        self._loss.anew()

    def look(self, tally: Tally, at_ns: int, *, stale: bool) -> bool:
        """Whether the engine begins anew with the step that ends at ``at_ns``; ``stale``: the banner before it."""
        if self._began is None:
            self._began = dict(tally.usable)
        self._rising.look(tally, at_ns)
        self._loss.look(at_ns, stale=stale)
        if self._loss.lasts:
            self._wait(returns=True)
            self._began = dict.fromkeys(GROUPS, 0)
            return False
        self._due = any(tally.usable[g] - self._began[g] > MORE * tally.known[g] for g in GROUPS)
        self.early = self.early or self._due
        if not self.early:
            self._since_ns = None
            return False
        if not any(tally.usable[g] for g in DECIDING):
            return False
        self._since_ns = at_ns if self._since_ns is None else self._since_ns
        begins = self._begins(tally, self._began, at_ns, stale=stale)
        if begins:
            self._began, self._due = dict(tally.usable), False
        return begins

    def _wait(self, *, returns: bool) -> None:
        """Wait for what drives the model from now on."""
        self.early, self._returns, self._since_ns, self._stage = True, returns, None, 0
        self._rising.anew()

    def _begins(self, tally: Tally, began: Mapping[str, int], at_ns: int, *, stale: bool) -> bool:
        """While it is early: whether the engine begins anew now; with the last of its beginnings it is settled."""
        assert self._since_ns is not None
        quiet, self._misses = self._rising.quiet(at_ns), not all(self._there(group, tally) for group in GROUPS)
        if (quiet and not self._misses) or at_ns - self._since_ns >= WAITS_NS:
            self.early, self._returns, self._since_ns, self._stage = False, False, None, 0
            self._missed = tally.lost
            return any(tally.usable[g] > began[g] for g in GROUPS)
        stage = 2 if self._there("cooling", tally) else 1
        begins = self._due and quiet and not stale and stage > self._stage
        self._stage = stage if begins else self._stage
        return begins

    def _there(self, group: str, tally: Tally) -> bool:
        """Whether all of a group is there that may be expected."""
        if self._returns:
            return tally.lost.get(group, 0.0) <= self._missed.get(group, 1.0) + TOLD
        return tally.never.get(group, 0.0) <= TOLD

    def words(self) -> str:
        """What people should know of it, "" where the engine has begun with what is measured."""
        if self._loss.lasts and self._loss.since_ns is not None:
            since = _clock(self._loss.since_ns)
            return f"the model goes by itself since {since}, and begins anew when what drives it is back"
        if self._since_ns is None or not (self._due or self._misses):
            return ""
        begins = f"begins anew with what comes until {_clock(self._since_ns + WAITS_NS)}"
        return f"the model began without some of it, and {begins}" if self._due else f"the model {begins}"


def _clock(at_ns: int) -> str:
    return f"{stamp(at_ns)[11:19]} UTC"


__all__ = ["WAITS_NS", "Settling"]
