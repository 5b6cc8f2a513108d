"""JSON as RFC 8259 has it and no further: no NaN, no comments, no byte order mark, no key twice, bounded depth.

The quick reader of each dialect knows its own message only; what it refuses comes here, to be understood or to be
refused with a reason.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from telemetry.batch import Reason, Reject

MAX_BYTES = 1 << 20
DETAIL = 160

_check = msgspec.json.Decoder()


class _TwiceError(Exception):
    """A key that stands twice in one object."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _TwiceError(key)
            seen.add(key)
    return made


def refuse(reason: Reason, detail: object) -> Reject:
    """A refusal whose detail is short and harmless wherever it is shown."""
    text = str(detail)
    return Reject(reason, ascii(text[:DETAIL])[1:-1])


def printable(text: str) -> str:
    """``text`` with control characters and half characters escaped: names are whatever somebody published."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def load(payload: bytes, *, blanks: bool = False) -> Any:
    """What ``payload`` holds, or the :class:`~telemetry.batch.Reject` that says why it holds nothing.

    Numbers come as int where they are written as integers (of any size), else as float. ``blanks``: NaN and Infinity,
    which are no JSON but what some gateways write for no reading, are taken too, and come as floats.
    """
    if len(payload) > MAX_BYTES:
        return refuse(Reason.SIZE, f"{len(payload)} bytes, at most {MAX_BYTES} are read")
    try:
        if not (blanks and (b"NaN" in payload or b"Infinity" in payload)):
            _check.decode(payload)  # stricter than json: refuses NaN, 1e999, lone surrogates, marks in front
        return json.loads(payload.decode(), object_pairs_hook=_pairs)
    except _TwiceError as error:
        return refuse(Reason.KEY, f'the key "{error}" stands twice')
    except RecursionError:
        return refuse(Reason.SYNTAX, "nested too deep")
    except ValueError as error:  # of msgspec and of UTF-8 too
        return refuse(Reason.SYNTAX, error)


def parse(payload: bytes) -> dict[str, Any] | Reject:
    """As :func:`load`, for payloads that have to be an object."""
    made = load(payload)
    if isinstance(made, dict | Reject):
        return made
    return refuse(Reason.SYNTAX, f"expected an object, not {type(made).__name__}")


def integer(value: Any) -> int | None:
    """``value`` as JSON Schema understands an integer (1.0 and 1e3 are some); None where it is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
