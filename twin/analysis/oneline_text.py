"""The one-line diagram for a terminal: a table of banks for each drawing, from the source down, and the loads."""

from __future__ import annotations

from twin.analysis.feed_text import table
from twin.analysis.oneline import CAMPUS, OneLine
from twin.analysis.oneline_bank import Bank, Drawing

MEANS = (
    "load: all racks at full load, losses of the path, rated pumps and fans of halls, per rating; >= plants on top",
    "N-1: one unit of the bank lost; system: one of the systems lost; ? not known; - no other unit; ! above 100 %",
)
HEAD = ("bank", "units", "rating", "load", "N-1", "system", "behind it", "fed from")
LOADS = ("load", "kW", "what", "fed from")


def render(found: OneLine) -> str:
    """Tables of all drawings."""
    blocks = ["\n".join([f"{found.title} ({found.site}): one-line diagram", *MEANS])]
    for drawing in found.drawings:
        banks = [HEAD, *(_bank(drawing, bank) for bank in drawing.banks)]
        loads = [LOADS, *_loads(drawing)]
        outside = ", ".join(note for source in drawing.sources for note in source.notes)
        blocks.append(f"{drawing.title}; {outside}\n{table(banks, (3, 4, 5))}")
        blocks.append(table(loads, (1,)))
    return "\n\n".join(blocks)


def _bank(drawing: Drawing, bank: Bank) -> tuple[str, ...]:
    name = bank.key if drawing.key == CAMPUS else bank.key.partition("/")[2]
    rating = "ideal" if bank.ideal else bank.rating or "?"
    behind = ", ".join(f"{part.count} x {part.device} ({part.rating or '?'})" for part in bank.parts)
    least = ">= " if bank.least else ""
    shares = (_share(share, least, bank) for share in (bank.normal, bank.one_lost, bank.system_lost))
    name += " (stands by)" if bank.reserve else ""
    return (name, f"{bank.units} x {bank.device}", rating, *shares, behind or "-", _above(drawing, bank.key))


def _share(share: float | None, least: str, bank: Bank) -> str:
    if share is None:
        return "?" if bank.normal is None and not bank.ideal else "-"
    return f"{'! ' if share > 1.0 else ''}{least}{100.0 * share:.1f} %"


def _above(drawing: Drawing, key: str) -> str:
    feeds = [feed for feed in drawing.feeds if feed.target == key]
    named = [(_short(drawing, feed.source), feed.share) for feed in feeds]
    return ", ".join(
        name if share == 1.0 or len(named) == 1 else f"{name} {100.0 * share:.0f} %" for name, share in named
    )


def _short(drawing: Drawing, key: str) -> str:
    outside = {source.key: source.notes[0] for source in drawing.sources}
    if key in outside and drawing.key != CAMPUS:
        return outside[key].removeprefix("from ")
    return key if drawing.key == CAMPUS else key.partition("/")[2]


def _loads(drawing: Drawing) -> list[tuple[str, ...]]:
    return [
        (
            load.title,
            "-" if load.role == "transfer" else "?" if load.kw is None else f"{load.kw:,.1f}",
            "; ".join(load.notes),
            _above(drawing, load.key),
        )
        for load in drawing.loads
    ]


__all__ = ["render"]
