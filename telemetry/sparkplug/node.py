"""One edge node: born, alive, dead; what it wants of us; what of it is to be told.

    unheard --NBIRTH--> alive --NDEATH of the same bdSeq--> dead --NBIRTH--> alive

An NDEATH of another bdSeq is the will of a session that is over, and changes nothing. An NBIRTH that comes within
:data:`LATE_NS` after the death of its own bdSeq was overtaken by it, and does not revive: later it does, for some nodes
never count their bdSeq up. A DBIRTH is taken of a node whose own birth was missed: the device can be read, the node
still waits. The stamp of a death is that of the node's clock: its newest stamp, and as much later as we received it; so
no reading of before is newer, and none of a later birth is older.
Source: Eclipse Sparkplug specification 3.0.0, sections 5 and 6.4; the second and the times between requests are ours
(estimates).
"""

from __future__ import annotations

from enum import Enum, auto

from telemetry.clock import NS
from telemetry.sparkplug.place import Place
from telemetry.sparkplug.rows import Rows
from telemetry.sparkplug.sequence import REORDER_NS, Sequence

LATE_NS = 1 * NS
TOLERANCE_NS = 5 * NS  # as of the state
FIRST_ASK_NS, LAST_ASK_NS = 30 * NS, 3600 * NS
LAST_NS = 4_102_444_800 * NS - 1
WHYS = ("unknown", "gap")  # what no birth told of; messages that did not come


class Life(Enum):
    """What is known of a node."""

    UNHEARD = auto()  # it may live: its birth was not seen
    ALIVE = auto()
    DEAD = auto()


class Node:
    """``place``: whose it is (device "")."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.life = Life.UNHEARD
        self.rows, self.sequence = Rows(), Sequence()
        self._bdseq: int | None = None
        self._birth: tuple[int | None, int | None, int | None] = (None, None, None)
        self._died_ns = 0
        self._newest_ns = self._newest_received_ns = self._ahead_ns = 0
        self._asked_ns, self._pause_ns = 0, FIRST_ASK_NS
        self._wants: dict[str, int] = {}  # since when a birth is wanted, by why

    @property
    def want(self) -> str:
        """Why a birth is wanted, "" where it is not; ``unknown`` says more than ``gap``."""
        return next((why for why in WHYS if why in self._wants), "")

    def heard(self, stamp_ns: int, received_ns: int) -> None:
        """Note a stamp of the node's clock (0: none); one ahead of ours is believed when the one before agrees."""
        if not stamp_ns:
            return
        ahead, before = stamp_ns - received_ns, self._ahead_ns
        self._ahead_ns = ahead
        believed = ahead <= TOLERANCE_NS or abs(ahead - before) <= TOLERANCE_NS
        if believed and stamp_ns > self._newest_ns:
            self._newest_ns, self._newest_received_ns = stamp_ns, received_ns

    def end_ns(self, received_ns: int) -> int:
        """When something of the node ended of which we heard at an instant, by the node's clock."""
        if not self._newest_ns:
            return received_ns
        return min(self._newest_ns + max(0, received_ns - self._newest_received_ns), LAST_NS)

    def is_late_birth(self, bdseq: int | None, received_ns: int) -> bool:
        """Whether a birth was overtaken by its own death."""
        return self.life is Life.DEAD and bdseq == self._bdseq and 0 <= received_ns - self._died_ns < LATE_NS

    def is_copy(self, bdseq: int | None, seq: int | None, stamp_ms: int | None) -> bool:
        """Whether a birth is the very one that the node lives by, delivered again."""
        return self.life is Life.ALIVE and stamp_ms is not None and self._birth == (bdseq, seq, stamp_ms)

    def born(self, bdseq: int | None, seq: int | None, stamp_ms: int | None) -> None:
        """A birth is taken."""
        self._birth = bdseq, seq, stamp_ms
        self.life, self._bdseq = Life.ALIVE, bdseq
        self._wants.clear()

    def device_born(self) -> None:
        """A birth of a device is taken: what was unknown may have been its; what still is says so again."""
        if self.life is Life.ALIVE:
            self._wants.pop("unknown", None)

    def dies(self, bdseq: int | None, received_ns: int) -> bool:
        """Whether a death is that of the present session. Nobody is asked for a birth who may just have died."""
        if self.life is Life.UNHEARD:
            self._wants.clear()
        if self.life is not Life.ALIVE or bdseq != self._bdseq:
            return False
        self.life, self._died_ns = Life.DEAD, received_ns
        self._wants.clear()
        return True

    def needs(self, why: str, received_ns: int) -> None:
        """A birth is wanted. What a node said before it died is no reason.

        A birth that came is no reason to ask sooner the next time: some nodes never name what they send.
        """
        if self.life is Life.DEAD and 0 <= received_ns - self._died_ns < LATE_NS:
            return
        if not self._wants and not 0 <= received_ns - self._asked_ns < LAST_ASK_NS:
            self._asked_ns, self._pause_ns = 0, FIRST_ASK_NS
        self._wants.setdefault(why, received_ns)

    def asks(self, now_ns: int, *, on_gap: bool) -> bool:
        """Whether to ask for a birth now; asked again after 30 s, then after twice as long each time, up to an hour.

        After an hour without a wish it begins anew. While messages may only be late, so may the birth that is wanted.
        """
        want = self.want
        if not want or (want == "gap" and not on_gap):
            return False
        if want == "unknown" and self.sequence.missing and 0 <= now_ns - self._wants[want] < REORDER_NS:
            return False
        if self._asked_ns and 0 <= now_ns - self._asked_ns < self._pause_ns:
            return False
        if self._asked_ns:
            self._pause_ns = min(2 * self._pause_ns, LAST_ASK_NS)
        self._asked_ns = now_ns
        return True
