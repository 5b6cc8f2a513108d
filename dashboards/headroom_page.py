"""Headroom as ONE self-contained HTML page: a bar for every hall, the steps of those that are tight, tables."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Template

from dashboards.chart import Chart, Table, power
from dashboards.html import card, section
from dashboards.rooms.bars import KEYS, STEP_KEYS, bars, steps
from twin.analysis.headroom import Headroom, Room, Row
from twin.analysis.headroom_text import (
    MEANS,
    NOT_ADDITIVE,
    basis,
    detailed,
    kw,
    loss_words,
    mark,
    room_words,
    single_words,
    step_name,
)
from twin.core.units import MW
from twin.engine.identity import halltwin_version
from twin.engine.target import write_whole

HEAD = ("Element", "IT now, kW", "Present, kW", "Design, kW", "20-year, kW", "N-1, kW", "Binds at present",
        "Binds at design", "Loss that binds")  # fmt: skip


def write_headroom_page(found: Headroom, html_path: str | Path) -> Path:
    """Write the page and return its path; the same headroom gives the same bytes.

    Raises ``InputError`` where the page cannot be written.
    """
    path = Path(html_path)
    text = headroom_page(found)
    write_whole(path, text)
    return path


def headroom_page(found: Headroom) -> str:
    """The text of the page."""
    site = found.asked.loaded.site
    charts = [_chart("elements", "Named elements", found.rows)] if found.named else _charts(found)
    charts += [_steps(row, n) for n, row in enumerate(detailed(found), 1)]
    text: str = Template(_file("feed.html")).render(
        badge="SIMULATED",
        verb="headroom",
        title=f"{site.name}, headroom, halltwin",
        heading=f"How much more IT {site.title} can take",
        facts=". ".join(f"{line[0].upper()}{line[1:]}" for line in basis(found)) + ".",
        cards=_cards(found.rows),
        sections=[section(chart) for chart in charts],
        together="",
        footer=f"Headroom: {MEANS}; {NOT_ADDITIVE}. Made by halltwin {halltwin_version()}.",
        page_css=_file("report.css") + _file("feed.css") + _file("headroom.css"),
    )
    return text


def _charts(found: Headroom) -> list[Chart]:
    halls = [row for row in found.rows if row.role == "hall"]
    wider = [row for row in found.rows if row.role != "hall"]
    return [_chart("halls", "Headroom of halls", halls), _chart("wider", "Site, buildings and loops", wider)]


def _chart(key: str, title: str, rows: Sequence[Row]) -> Chart:
    finding = _finding(rows)
    return Chart(key, title, finding, [bars(rows, f"{title}. {finding}")], _table(rows), keys=KEYS)


def _finding(rows: Sequence[Row]) -> str:
    """The tightest in N-1, and how many lack some."""
    known = [(row.n_1, row) for row in rows if row.n_1 is not None]
    if not known:
        return "Nothing here is energised."
    room, row = min(known, key=lambda pair: pair[0].extra_w / pair[1].rated_w)
    lack = sum(one.extra_w < 0.0 for one, _ in known)
    said = f"Tightest: {row.name}, {power(room.extra_w / MW)} after a loss; {loss_words(room)}."
    return f"{said} {lack} of {len(known)} lack some after one loss." if lack else said


def _table(rows: Sequence[Row]) -> Table:
    body = []
    for row in rows:
        rooms = (row.present, row.design, row.extreme, row.n_1)
        numbers = [kw(None if room is None else room.extra_w) for room in rooms]
        body.append([row.name, kw(row.it_w), *numbers, room_words(row.present), room_words(row.design),
                     loss_words(row.n_1)])  # fmt: skip
    return Table(HEAD, body)


def _steps(row: Row, number: int) -> Chart:
    """Every limit of a row, and what is lost with what stands alone."""
    binding = next((step for step in row.steps if step.rank == 1), None)
    second = next((step for step in row.steps if step.rank == 2), None)
    finding = "" if binding is None else f"At design {step_name(binding)} binds"
    finding += "." if second is None else f", {step_name(second)} would come second."
    title = f"{row.name}: every limit from the meter to the chips"
    rows = [
        [step_name(s), f"{100 * s.loading:.1f} %", kw(s.present_w), kw(s.design_w), mark(s)] for s in row.steps
    ] + [[f"after the loss of {room.loss} ({room.units})", "", "", kw(room.extra_w), room_words(room)]
         for room in row.losses]  # fmt: skip
    note = "; ".join(single_words(one) for one in row.singles)
    return Chart(
        f"steps-{number}", title, finding, [steps(row, f"{title}. {finding}")],
        Table(("Limit", "Loaded", "Present, kW", "Design, kW", ""), rows), keys=STEP_KEYS,
        note=f"Without a spare, racks are lost with {note}." if note else "",
    )  # fmt: skip


def _cards(rows: Sequence[Row]) -> str:
    """Present, design and N-1 of the first element, which is the site unless others are asked for."""
    row = rows[0]
    made = []
    told: list[tuple[str, Room | None, str]] = [
        ("Present", row.present, room_words(row.present)),
        ("Design", row.design, room_words(row.design)),
        ("N-1", row.n_1, loss_words(row.n_1)),
    ]
    for name, room, said in told:
        if room is not None:
            made.append(card(f"{name}, {row.name}", power(room.extra_w / MW), said, wrong=room.extra_w < 0.0))
    return f'<dl class="cards">{"".join(made)}</dl>' if made else ""


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["headroom_page", "write_headroom_page"]
