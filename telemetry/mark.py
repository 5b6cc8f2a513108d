"""What happened to a stream, beside its messages: connections, gaps, jumps of the clock; kept in the recording."""

from __future__ import annotations

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """One event of a stream.

    ``what``: connected, lost, gap, clock-jump, skew, full, flood. Of a gap, ``from_ns`` and ``to_ns`` bound
    the time in which messages of ``source`` ("" for all) may be missing, and ``cause`` says why.
    """

    what: str
    at_ns: int
    source: str = ""
    from_ns: int = 0
    to_ns: int = 0
    cause: str = ""
