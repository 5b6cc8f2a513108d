"""MQTT topic filters: ``+`` stands for one level, ``#`` at the end for all that follow. Source: MQTT 3.1.1, 4.7."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


def matcher(filters: Sequence[str]) -> Callable[[str], bool]:
    """Whether a topic fits one of the filters; topics that begin with ``$`` need a filter that does too."""
    pattern = re.compile("|".join(_pattern(text) for text in filters), re.DOTALL)
    return lambda topic: pattern.fullmatch(topic) is not None


def _pattern(text: str) -> str:
    levels = text.split("/")
    rest = ""
    if levels[-1] == "#":
        levels, rest = levels[:-1], "(?:/.*)?" if len(levels) > 1 else ".*"
    made = "/".join("[^/]*" if level == "+" else re.escape(level) for level in levels)
    guard = "" if text.startswith("$") else r"(?!\$)"
    return f"{guard}(?:{made}{rest})"
