"""The capacity waterfall as text."""

from __future__ import annotations

from typing import Any

from twin.cli.output import table
from twin.core.units import amount

Rows = dict[str, Any]


def text_of(rows: Rows) -> str:
    """The rows of ``twin.site.waterfall`` as lines for people."""
    blocks = [f"{rows['title']} ({rows['site']})", _contract(rows), _elements(rows)]
    for id, building in rows["buildings"].items():
        blocks += [_loops(id, building), _halls(id, building), _chains(id, building)]
    return "\n\n".join([*(block for block in [*blocks, services(rows["services"])] if block), _totals(rows["totals"])])


def services(rows: Rows) -> str:
    """What each service can take with all halls energised, a line for each of its pools; empty without any."""
    head = ("service", "mix", "pool", "serving", "systems", "replicas", "requests/s", "tokens/s", "bound by")
    body: list[tuple[str, ...]] = []
    for id, row in rows.items():
        mix = ", ".join(f"{name} {_share(share)}" for name, share in row["mix"].items())
        most = (amount(row["requests_s"]), amount(row["tokens_s"]), row["binding"])
        for n, (pool, part) in enumerate(row["pools"].items()):
            own = (pool.rpartition("/")[2] if "/" in pool else "both", part["serving"])
            counts = (f"{part['systems']:,}", f"{part['replicas']:,.6g}")
            body.append((id, mix, *own, *counts, *most) if n == 0 else ("", "", *own, *counts))
    title = "Services, all halls energised: what each can take of its mix\n"
    return title + table([head, *body], right=(4, 5, 6, 7), indent="  ") if rows else ""


def _mw(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _feeds(fed_from: str | dict[str, Any]) -> str:
    """What feeds something: one, several with their shares, or one for each system."""
    if isinstance(fed_from, str):
        return fed_from
    words = {
        key: f"{key}: {value}" if isinstance(value, str) else key if value == 1 else f"{key} {_share(value)}"
        for key, value in fed_from.items()
    }
    return ", ".join(words.values())


def _racks(racks: dict[str, int]) -> str:
    return ", ".join(f"{count} x {id}" for id, count in racks.items())


def _bank(bank: Rows | None) -> tuple[str, str]:
    return (f"{bank['count']} x {bank['device']}", _mw(bank["duty_mw"])) if bank else ("-", "-")


def _contract(rows: Rows) -> str:
    head = ("from", "contract MW", "rated IT MW", "share")
    body = [(t["from"], _mw(t["mw"]), _mw(t["it_mw"]), _share(t["share"])) for t in rows["contract"]]
    return "Contract at the meter, and the racks energised before the next tranche\n" + table(
        [head, *body], right=(1, 2, 3), indent="  "
    )


def _element_row(row: Rows) -> tuple[str, ...]:
    device = f"{row['count']} x {row['device']}"
    rating = ("?", "?") if row["rating_mw"] is None else (_mw(row["rating_mw"]), _share(row["share"]))
    return (row["id"], device, rating[0], _mw(row["it_mw"]), rating[1])


def _elements(rows: Rows) -> str:
    head = ("element", "device", "rating MW", "rated IT MW under it", "share", "fed from")
    body = []
    for row in rows["elements"]:
        body.append((*_element_row(row), _feeds(row["fed_from"])))
    return "Electrical path, from the grid down\n" + table([head, *body], right=(2, 3, 4), indent="  ")


def _loops(id: str, building: Rows) -> str:
    head = ("loop", "supply degC", "rated heat MW", "flow MW", "rejection", "MW", "chillers", "MW", "fed from")
    body = [
        (
            name,
            f"{loop['supply_c']:g}",
            _mw(loop["heat_mw"]),
            _mw(loop["flow_duty_mw"]),
            *_bank(loop["rejection"]),
            *_bank(loop["chillers"]),
            _feeds(loop["fed_from"]),
        )
        for name, loop in building["loops"].items()
    ]
    return f"Building {id}: facility water\n" + table([head, *body], right=(1, 2, 3, 5, 7), indent="  ")


def _halls(id: str, building: Rows) -> str:
    head = (
        *("hall", "from", "racks", "systems", "IT MW", "liquid", "air", "CDUs", "MW", "air handlers", "MW"),
        *("load", "fed from"),
    )
    body = [
        (
            name,
            hall["energised_on"],
            _racks(hall["racks"]),
            str(hall["systems"]),
            *(_mw(hall[part]) for part in ("it_mw", "liquid_mw", "air_mw")),
            *_bank(hall["cdu"]),
            *_bank(hall["crah"]),
            hall["load"],
            _feeds(hall["fed_from"]),
        )
        for name, hall in building["halls"].items()
    ]
    return f"Building {id}: halls\n" + table([head, *body], right=(3, 4, 5, 6, 8, 10), indent="  ")


def _chains(id: str, building: Rows) -> str:
    """The chain of each template, once for all its halls in the building."""
    halls = building["halls"].values()
    body: list[tuple[str, ...]] = []
    for template in dict.fromkeys(hall["template"] for hall in halls):
        alike = [hall for hall in halls if hall["template"] == template]
        body += [(f"{len(alike)} x {template}", *_element_row(row)) for row in reversed(alike[0]["chain"])]
    head = ("halls", "element", "device", "rating MW", "rated IT MW", "share")
    title = f"Building {id}: inside each hall, from its feed down to the racks\n"
    return title + table([head, *body], right=(3, 4, 5), indent="  ") if body else ""


def _totals(totals: Rows) -> str:
    return "Total\n" + table(
        [
            ("buildings, halls", f"{totals['buildings']}, {totals['halls']}"),
            ("racks", f"{totals['rack_count']} ({_racks(totals['racks'])})"),
            ("systems", str(totals["systems"])),
            ("rated IT", f"{_mw(totals['it_mw'])} MW, of it {_mw(totals['liquid_mw'])} MW to liquid"),
        ],
        indent="  ",
    )
