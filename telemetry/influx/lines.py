"""Line protocol taken apart: series, fields and time of each line of a text.

    measurement[,tag=value]... field=value[,field=value]... [time]

Fields are numbers (24.5), integers (41i, 41u), truth (t, true, F ...) or text in double quotes, in which lines may end.
A backslash before a comma, a blank or = (in names) and before a quote or a backslash (in quoted text) takes its meaning
away, and is a sign like any other elsewhere. Lines that begin with # say nothing.
Source: InfluxData, "Line protocol", InfluxDB OSS v2 reference. Valid range: names of a series up to ``LONGEST`` signs.
The time that all this takes goes with the length of the text, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 1024
FIRST_I64, LAST_I64, LAST_U64 = -(2**63), 2**63 - 1, 2**64 - 1
TRUTH = dict.fromkeys(("t", "T", "true", "True", "TRUE"), True) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), False
)

# Loops are unrolled and never step back: the time that they take goes with the length of the text.
_KEY = r"(?!=)[^,= \\\n]*+(?:\\[,= ]?+[^,= \\\n]*+)*+"
_TEXT = r'"[^"\\]*+(?:\\["\\]?+[^"\\]*+)*+"'
_VALUE = rf'(?:[^", \t\r\n][^, \t\r\n]*+|{_TEXT})'
_SERIES = r"(?![# ])[^ \\\n]*+(?:\\ ?+[^ \\\n]*+)*+"
_END = r"[ \t\r]*+(?:\n|\Z)"
LINE = re.compile(rf"[ \t]*+({_SERIES}) ++({_KEY}={_VALUE}(?:,{_KEY}={_VALUE})*+)(?: ++(-?[0-9]{{1,20}}))?{_END}")
SILENT = re.compile(rf"[ \t]*+(?:#[^\n]*+)?{_END}")
# A quote opens a text right behind the = only: elsewhere it is a sign of a value that is none.
FIELD = re.compile(rf"({_KEY})=([-+0-9.eE]*+)((?<==){_TEXT}|[^, \t\r\n]*+),?+")
_NAME = re.compile(r"\\([,= ])")
_QUOTED = re.compile(r'\\(["\\])')
_COMMA, _EQUALS = re.compile(r"(?<!\\),"), re.compile(r"(?<!\\)=")
WHOLE = re.compile(r"[-+]?[0-9]{1,20}")
Field = tuple[str, str, str]
"""Key as it is written, the signs of a number, and what else stands there."""


class Line(NamedTuple):
    """A line: series and fields as they are written, and its time, "" where it has none."""

    series: str
    fields: list[Field]
    stamp: str


def lines(text: str) -> Iterator[Line | None]:
    """The lines of ``text``; None for one that is none. What says nothing is passed over."""
    at, end = 0, len(text)
    while at < end:
        found = LINE.match(text, at)
        if found is not None:
            at = found.end()
            yield Line(found[1], FIELD.findall(found[2]), found[3] or "")
            continue
        silent = SILENT.match(text, at)
        if silent is None:
            yield None
        at = silent.end() if silent is not None else (text.find("\n", at) + 1 or end)


class Series(NamedTuple):
    """Measurement and tags, and all of it in an order that does not change (``identity``, still escaped)."""

    measurement: str
    tags: dict[str, str]
    identity: str


def series(written: str) -> Series | str:
    """What a series is; words for what is wrong with it."""
    if len(written) > LONGEST:
        return f"a series of more than {LONGEST} signs"
    head, *rest = _COMMA.split(written)
    pairs = [_EQUALS.split(part) for part in rest]
    if not head:
        return "a line without a measurement"
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        return "a tag that is not key=value"
    tags = {name(key): name(value) for key, value in pairs}
    if len(tags) < len(pairs):
        return "a tag that stands twice"
    return Series(name(head), tags, ",".join([head, *sorted(rest)]))


def name(written: str) -> str:
    """A name without its escapes."""
    return _NAME.sub(r"\1", written) if "\\" in written else written


def value(number: str, rest: str) -> float | bool | str | None:
    """The value of a field, None where it is none."""
    if number:
        try:
            return float(number) if not rest else _whole(number, rest)
        except ValueError:
            return None
    return _QUOTED.sub(r"\1", rest[1:-1]) if rest.startswith('"') else TRUTH.get(rest)


def _whole(number: str, suffix: str) -> float | None:
    if suffix not in ("i", "u") or not WHOLE.fullmatch(number):
        return None
    low, high = (FIRST_I64, LAST_I64) if suffix == "i" else (0, LAST_U64)
    return float(number) if low <= int(number) <= high else None
