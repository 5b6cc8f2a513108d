"""Topics: which may be a topic at all, and which may stand in front of one.

Bounds of ours: 512 bytes and 32 levels (the example exchange of DSX already has 16). A broker may deliver topics that
MQTT forbids (with wildcards, NUL, or empty), so that every dialect asks here before it believes one.
"""

from __future__ import annotations

import re

from twin.core.errors import one

MAX_BYTES = 512
MAX_LEVELS = 32
FORBIDDEN = "#+\0"
ACTS = re.compile(r"(?:^|/)(?:cmd|cmnd|commands?)(?:/|$)|(?:^|/)(?:set|write|request)$", re.IGNORECASE)
"""Topics on which somebody acts, by custom: they end in set, write or request, or go through cmd."""


def fault(topic: str) -> str:
    """What is wrong with ``topic`` as the name of a topic; "" where nothing is."""
    return _unfit(topic) or ("the topic holds a wildcard or NUL" if _wild(topic) else "")


def filter_fault(text: str) -> str:
    """What is wrong with a filter: ``+`` is any level, ``#`` at the end all levels behind; "" where nothing is."""
    levels = text.split("/")
    if levels[-1] == "#":
        levels = levels[:-1] or ["x"]
    plain = "/".join("x" if level == "+" else level for level in levels)
    return _unfit(plain) or ("the topic has + or # beside other signs of a level, or NUL" if _wild(plain) else "")


def _wild(topic: str) -> bool:
    return any(sign in topic for sign in FORBIDDEN)


def _unfit(topic: str) -> str:
    """What is wrong with a topic or filter, whatever signs it holds."""
    if not topic:
        return "the topic is empty"
    if len(topic) > MAX_BYTES:
        return f"the topic is longer than {MAX_BYTES} bytes"
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return "the topic is not UTF-8 text"
    if size > MAX_BYTES:
        return f"the topic is longer than {MAX_BYTES} bytes"
    if topic.count("/") >= MAX_LEVELS:
        return f"the topic has more than {MAX_LEVELS} levels"
    return ""


def prefix(text: str) -> str:
    """A prefix of topics with the slash behind it, "" for none; + stands for any level.

    Raises :class:`~twin.core.errors.InputError` for what cannot stand in front of a topic.
    """
    if not text:
        return ""
    text = text if text.endswith("/") else f"{text}/"
    wrong = fault("/".join("x" if level == "+" else level for level in text.split("/")))
    if wrong:
        raise one(wrong, path="prefix")
    return text


class Front:
    """A prefix, of :func:`prefix`, that may stand in front of a dialect's topics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._pattern = re.compile(re.escape(text).replace(r"\+", "[^/]+"))

    def cut(self, topic: str) -> tuple[str, str]:
        """What stays in front of identities and sources, and the topic behind the prefix.

        Where the prefix has a + the levels there tell several sites apart and stay; else nothing does.
        """
        found = self._pattern.match(topic)
        bare = topic[found.end() :] if found else topic
        return topic.removesuffix(bare) if "+" in self.text else "", bare
