"""Days as people write them in a site: text, so that they are compared as text."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from twin.core.units import EARLIEST_YEAR, LATEST_YEAR


def _date(text: str) -> str:
    try:
        day = datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise PydanticCustomError("date", 'expected a date as "YYYY-MM-DD"') from None
    if len(text) != len("YYYY-MM-DD"):  # days are compared as text, "2026-1-5" would be out of order
        raise PydanticCustomError("date", 'expected a date as "YYYY-MM-DD", with leading zeros')
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        words = "the year {year} is out of range, expected {first} to {last}"
        context = {"year": day.year, "first": EARLIEST_YEAR, "last": LATEST_YEAR}
        raise PydanticCustomError("date", words, context)
    return text


Date = Annotated[str, AfterValidator(_date)]

__all__ = ["Date"]
