"""Sentences on what a run serves: promises that are broken, queues that do not drain, requests that are refused."""

from __future__ import annotations

from typing import Any

from twin.core.units import HOUR, amount

Row = dict[str, Any]
WORDS = {"ttft": "first token", "tpot": "token after token"}


def broken(serving: Row | None) -> list[str]:
    """A sentence for each promise that is not kept over the period, and for each queue that outgrows its promise."""
    found = []
    for row in serving["streams"] if serving else []:
        who = f"class {row['class']} at {row['pool']}"
        promise = row.get("promise")
        for key, words in WORDS.items() if promise else ():
            held, share = promise[f"{key}_within"], promise["share"]
            if held is None or held >= share - 1e-6:
                continue
            later = promise["put_off_s"] / HOUR if key == "ttft" else 0.0
            found.append(
                f"The promise to {who} is broken: {_percent(held)} of the requests get their {words} within "
                f"{promise[f'{key}_s']:g} s{f' ({later:g} h more where put off)' if later else ''}, "
                f"promised to {_percent(share)} of them "
                f"(p{100 * share:g} is {_time(promise[f'{key}_at_share_s'])}), in "
                f"{promise[f'{key}_broken_hours']:,.1f} h, most at {promise[f'{key}_worst_at_utc']}."
            )
        if row.get("growing"):
            more = "more than come in the time that they may be put off" if promise["put_off_s"] else (
                "more than it answers in the time that is promised"
            )  # fmt: skip
            found.append(
                f"The queue of {who} does not drain: {amount(row['queue_end'])} requests wait at the end, {more}."
            )
    return found


def refused(serving: Row | None) -> list[str]:
    """A sentence for each class that is refused requests, which its entry allows."""
    return [
        f"{_percent(row['shed_share'])} of the requests of class {row['class']} at {row['pool']} are refused "
        f"({amount(row['shed_s'])} a second on average)."
        for row in (serving["streams"] if serving else [])
        if row["shed_share"] > 1e-9
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    return "beyond all bounds" if seconds >= 1e8 else f"{seconds:.3g} s"


__all__ = ["broken", "refused"]
