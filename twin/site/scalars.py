"""Plain scalars by the YAML 1.2 core schema: text to value and, where text must be quoted, value to text.

``null``, ``~`` and nothing; ``true``, ``false``; decimal, ``0x`` and ``0o`` integers; decimal floats; all else is text.
A decimal integer with a leading 0 is refused: it is 10 in YAML 1.2 and 8 in YAML 1.1.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

STR: Final = "tag:yaml.org,2002:str"
NULL: Final = "tag:yaml.org,2002:null"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"
SEQ: Final = "tag:yaml.org,2002:seq"
MAP: Final = "tag:yaml.org,2002:map"
CORE: Final = frozenset({STR, NULL, BOOL, INT, FLOAT, SEQ, MAP})

FORMS: Final = {
    NULL: re.compile(r"(?:null|Null|NULL|~|)\Z"),
    BOOL: re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    INT: re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    FLOAT: re.compile(
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|"
        r"\.(?:nan|NaN|NAN))\Z"
    ),
}
FIRST: Final = frozenset("nN~tTfF0123456789+-.")
INT_LIMIT: Final = 2**63
OCTAL: Final = re.compile(r"[-+]?0[0-9]+\Z")

# Words that older readers take for booleans, numbers or dates are quoted when written: nobody should misread them.
PLAIN: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./-]|[ ](?=[A-Za-z0-9_./-]))*\Z")
OLD_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
HIDDEN: Final = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\ufeff\ufffe\uffff]")


def tag_of(text: str) -> str:
    """The tag of a plain scalar."""
    if text and text[0] not in FIRST:
        return STR
    return next((tag for tag, form in FORMS.items() if form.match(text)), STR)


def read_scalar(tag: str, text: str) -> tuple[Any, str]:
    """The value of a scalar and ``""``, or ``None`` and what is wrong with it."""
    if tag == STR:
        return text, ""
    if tag not in FORMS or not (FORMS[tag].match(text) or (tag == FLOAT and FORMS[INT].match(text))):
        return None, f'"{text[:40]}" does not fit its tag'
    if tag == NULL:
        return None, ""
    if tag == BOOL:
        return text.lower() == "true", ""
    if tag == INT:
        return _integer(text)
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        return None, f"{text[:40]} is not a finite number"
    return number, ""


def _integer(text: str) -> tuple[int | None, str]:
    if OCTAL.match(text):
        return None, f"{text[:40]} begins with 0, which older readers take for octal: leave the 0 out, or quote text"
    # Python refuses to read thousands of digits; nothing here needs more than 64 bits.
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    number = int(text[2:] if base != 10 else text, base) if len(text) < 80 else INT_LIMIT
    return (number, "") if -INT_LIMIT <= number < INT_LIMIT else (None, "the number has too many digits")


def write_scalar(value: Any) -> str:
    """A scalar as YAML that this reader, and one of YAML 1.1, reads back as the same value."""
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text else text.replace("e", ".0e")
    if not isinstance(value, str):
        return json.dumps(value)
    if PLAIN.match(value) and value.lower() not in OLD_WORDS and tag_of(value) == STR:
        return value
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
