"""How much of a fault: a number, or text with the unit that its mode is stated in (``5 K``, ``30 %``, ``60 s``)."""

from __future__ import annotations

import re

from twin.core.errors import one

WRITTEN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")
# Units that may stand behind the number, by the unit that the mode is stated in, and what one of them is in it.
UNITS = {"K": {"": 1.0, "K": 1.0}, "s": {"": 1.0, "s": 1.0, "min": 60.0}, "1": {"": 1.0, "%": 0.01}, "": {"": 1.0}}


def amount_of(written: str | float, what: str, unit: str, least: float, most: float, *, whole: bool) -> float:
    """The amount of a mode, in its ``unit`` (K, s, 1 for shares, empty for a count).

    Raises ``InputError`` at ``amount`` for text that is none, another unit, and what is out of range.
    """
    span = f"{least:g} to {most:g}{f' {unit}' if unit in ('K', 's') else ''}"
    shown = f"{100.0 * least:g}% to {100.0 * most:g}%, or {span}" if unit == "1" else span
    text = WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if isinstance(written, str) and text is None:
        raise one(f'"{written}" is no amount of {what}, expected {shown}', path="amount")
    number, behind = (written, "") if text is None else (float(text[1]), text[2])
    if behind not in UNITS[unit]:
        known = " or ".join(name for name in UNITS[unit] if name) or "a plain number"
        raise one(f'"{written}" is in another unit than {what}, expected {known}: {shown}', path="amount")
    found = round(float(number) * UNITS[unit][behind], 12)
    if not least <= found <= most or (whole and found % 1.0):
        raise one(f"{written} of {what} is out of range, expected {shown}", path="amount")
    return found


def shown(amount: float, unit: str) -> str:
    """An amount as it may be written: shares in %, others with their unit, a count alone."""
    return f"{100.0 * amount:g}%" if unit == "1" else f"{amount:g}{unit}"


__all__ = ["amount_of", "shown"]
