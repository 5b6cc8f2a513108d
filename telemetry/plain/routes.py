"""What dialects that are read by rules have in common: a topic is looked up once, a bad message is refused.

source(topic) = that of its rule, else the first levels of the topic behind the prefix
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from telemetry import strict, topics
from telemetry.batch import Batch, Reason, Reject
from telemetry.message import Message
from telemetry.plain.mapping import Pattern, Rule, fill

FIRST_NS, LAST_NS = 946_684_800 * 10**9, 4_102_444_800 * 10**9  # 2000-01-01, 2100-01-01
PER = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class Sourced(Protocol):
    """What is known of a topic: who publishes there, and more."""

    @property
    def source(self) -> str:
        """Who publishes."""
        ...


Known = TypeVar("Known", bound=Sourced)


class RefusedError(Exception):
    """A message, or a part of one, that cannot be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class Filter(NamedTuple):
    """Topics that are read: their filter in MQTT, its QoS, the pattern, and the rule, None: as they are."""

    text: str
    qos: int
    pattern: Pattern
    rule: Rule | None


class Routes(Generic[Known]):
    """What is known of topics, at most ``most`` of them: then all is looked up anew.

    ``make(topic, source, rule, captured)`` makes what is known of one. ``levels``: of a topic, which are its source
    where no rule says it.
    """

    def __init__(
        self,
        filters: Sequence[Filter],
        prefix: str,
        make: Callable[[str, str, Any, dict[str, str]], Known],
        *,
        levels: int,
        most: int,
    ) -> None:
        self.known: dict[str, Known] = {}
        self._filters, self._front, self._make = filters, topics.Front(prefix), make
        self._levels, self._most = levels, most

    def of(self, topic: str) -> Known:
        """What is known of a topic. Raises :class:`RefusedError` where no filter fits, or it is no topic."""
        return self.known[topic] if topic in self.known else self._look_up(topic)

    def source(self, topic: str) -> str:
        """Who publishes on ``topic``; "" where no filter fits."""
        try:
            return self.of(topic).source
        except RefusedError:
            return ""

    def subscriptions(self) -> list[tuple[str, int]]:
        """Filters behind the prefix and their QoS."""
        return [(f"{self._front.text}{filter.text}", filter.qos) for filter in self._filters]

    def _look_up(self, topic: str) -> Known:
        wrong = topics.fault(topic)
        if wrong:
            raise RefusedError(Reason.TOPIC, wrong)
        front, bare = self._front.cut(topic)
        for filter in self._filters:
            captured = filter.pattern.match(bare)
            if captured is not None:
                written = None if filter.rule is None else filter.rule.written.source
                source = "/".join(bare.split("/")[: self._levels]) if written is None else fill(written, captured)
                if len(self.known) >= self._most:
                    self.known.clear()
                known = self.known[topic] = self._make(front + bare, front + source, filter.rule, captured)
                return known
        ruled = any(filter.rule is not None for filter in self._filters)
        raise RefusedError(
            Reason.TOPIC,
            "no rule of the mapping fits the topic" if ruled else "not a topic of the dialect's options",
        )


def of_rules(rules: Sequence[Rule]) -> list[Filter]:
    """The filters of a mapping, in the order of its rules."""
    return [Filter(rule.filter, rule.written.qos, rule.pattern, rule) for rule in rules]


def refusing(read: Callable[[Message], Batch | Reject], message: Message) -> Batch | Reject:
    """What ``read`` makes of a message; whatever it raises is a refusal: an error would end the network's thread."""
    try:
        return read(message)
    except RefusedError as refused:
        return strict.refuse(refused.reason, refused.detail)
    except Exception as error:
        return strict.refuse(Reason.INTERNAL, f"{type(error).__name__}: {error}")


def no_time(number: int | None, unit: str, units: Mapping[str, int] = PER) -> str:
    """Why a time is none of this century, and in which unit it would be one."""
    fits = [name for name, ns in units.items() if number is not None and FIRST_NS <= number * ns < LAST_NS]
    return f"the time is not one of 2000..2100 in {unit}{'; it is in ' + fits[0] if fits else ''}"


__all__ = ["FIRST_NS", "LAST_NS", "PER", "Filter", "RefusedError", "Routes", "no_time", "of_rules", "refusing"]
