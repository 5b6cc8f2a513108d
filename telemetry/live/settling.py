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

from telemetry.clock import NS
from telemetry.live.banner import DECIDING, GROUPS, TOLD, Tally
from telemetry.replay.told import stamp

MORE = 0.05
QUIET_NS = 2 * NS
WAITS_NS = 100 * NS
FORGETS_NS = 600 * NS


class Settling:
    """Remembers with what the engine began. ``early``: it does not stand yet on what is measured."""

    def __init__(self) -> None:
        self.early, self._due = True, False
        self._began: dict[str, int] | None = None  # None: with the next step
        self._most = dict.fromkeys(GROUPS, 0)
        self._lost = dict[str, float]()  # shares that were missing when it had settled
        self._known = self._rose_ns = 0
        self._since_ns: int | None = None  # when the first value came that is waited with for the others
        self._stale_ns: int | None = None  # when the banner turned STALE
        self._was_live = self._forgot = self._returns = False
        self._stage = 0  # 1: has begun anew with some of the cooling, 2: with all of it, and waits for the last

    def begun(self) -> None:
        """The engine begins anew with the next step, for a reason of others."""
        self._returns |= not self.early
        self.early, self._began, self._since_ns, self._stale_ns = True, None, None, None
        self._forgot, self._stage, self._most = False, 0, dict.fromkeys(GROUPS, 0)

    def look(self, tally: Tally, at_ns: int, *, stale: bool) -> bool:
        """Whether the engine begins anew with the step that ends at ``at_ns``; ``stale``: the banner before it."""
        if self._began is None:
            self._began = dict(tally.usable)
        self._rise(tally, at_ns)
        if self._lasts(at_ns, stale=stale):
            return False
        self._due = any(tally.usable[g] - self._began[g] > MORE * tally.known[g] for g in GROUPS)
        self.early = self.early or self._due
        if not self.early:
            self._since_ns = None
            return False
        if not any(tally.usable[g] for g in DECIDING):
            return False
        self._since_ns = at_ns if self._since_ns is None else self._since_ns
        quiet = at_ns - self._rose_ns >= QUIET_NS
        if (quiet and all(self._there(group, tally) for group in GROUPS)) or at_ns - self._since_ns >= WAITS_NS:
            self.early, self._stage, self._returns, self._since_ns, self._lost = False, 0, False, None, tally.lost
            begins = any(tally.usable[g] > self._began[g] for g in GROUPS)
        else:
            stage = 2 if self._there("cooling", tally) else 1
            begins = self._due and quiet and not stale and stage > self._stage
            self._stage = stage if begins else self._stage
        if begins:
            self._began, self._due = dict(tally.usable), False
        return begins

    def _rise(self, tally: Tally, at_ns: int) -> None:
        """Note when points were described or more became usable than ever."""
        known = sum(tally.known.values())
        rose = [g for g in GROUPS if tally.usable[g] - self._most[g] > TOLD * tally.known[g]]
        if rose or known != self._known:
            self._known, self._rose_ns = known, at_ns
            self._most |= {g: tally.usable[g] for g in rose}

    def _lasts(self, at_ns: int, *, stale: bool) -> bool:
        """Whether a loss lasts for which the model has forgotten what was measured."""
        if not stale:
            self._was_live, self._stale_ns, self._forgot = True, None, False
        elif self._was_live:
            self._stale_ns = at_ns if self._stale_ns is None else self._stale_ns
            self._forgot = at_ns - self._stale_ns > FORGETS_NS
        if self._forgot:
            self.early, self._stage, self._returns, self._since_ns = True, 0, True, None
            self._began, self._most = dict.fromkeys(GROUPS, 0), dict.fromkeys(GROUPS, 0)
        return self._forgot

    def _there(self, group: str, tally: Tally) -> bool:
        """Whether all of a group is there that may be expected."""
        if self._returns:
            return tally.lost.get(group, 0.0) <= self._lost.get(group, 1.0) + TOLD
        return tally.never.get(group, 0.0) <= TOLD

    def words(self) -> str:
        """What people should know of it, "" where the engine has begun with what is measured."""
        if self._forgot and self._stale_ns is not None:
            return (
                f"the model goes by itself since {_clock(self._stale_ns)}, and begins anew when what drives it is back"
            )
        if self._due and self._since_ns is not None:
            return f"the model began without some of it: it begins anew by {_clock(self._since_ns + WAITS_NS)}"
        return ""


def _clock(at_ns: int) -> str:
    return f"{stamp(at_ns)[11:19]} UTC"


__all__ = ["WAITS_NS", "Settling"]
