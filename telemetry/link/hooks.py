"""What a kind of link fills in; all is called in the link's thread, which must never wait in them."""

from __future__ import annotations

import time

from telemetry.link.frames import Cut


class Hooks:
    """Of these a listener or a publisher overrides what it needs."""

    def came_up(self, session_present: bool) -> None:
        """The broker has accepted us."""

    def went_down(self, cause: str) -> None:
        """A connection that stood is lost."""

    def leaving(self) -> None:
        """We are about to say goodbye."""

    def ticked(self) -> None:
        """A turn of the thread while there is a connection, four a second at least."""

    def came(self, cut: Cut) -> None:
        """Messages came."""

    def packets(self, others: list[bytes]) -> list[bytes]:
        """Packets that are no messages came; those that are returned go to the protocol engine."""
        return others

    def sent(self, count: int) -> None:
        """So many of the packets given to :meth:`send` are out."""

    def held(self) -> bool:
        """Whether nothing is to be read now."""
        return False

    def now_ns(self) -> int:
        """The instant of a receipt, ns since 1970 UTC."""
        return time.time_ns()

    def published(self, refused: bool) -> None:
        """A message of ours (QoS 1, 2) is acknowledged."""

    def subscribed(self, refused: list[int]) -> None:
        """The broker answered a subscription, and refused these of its filters."""
