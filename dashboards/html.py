"""Pieces of HTML: cards, legends, tables, sections. Every text that comes from a run is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bokeh.models import Model

from dashboards.chart import Chart, Key, Table


def card(label: str, value: str, below: str, *, wrong: bool = False) -> str:
    """A key figure with its name above and its circumstances below."""
    mark = '<span aria-label="violated">▲</span> ' if wrong else ""
    return (
        f'<div class="card{" wrong" if wrong else ""}"><dt>{escape(label)}</dt>'
        f"<dd><strong>{mark}{escape(value)}</strong><span>{escape(below)}</span></dd></div>"
    )


def legend(keys: Iterable[Key]) -> str:
    """The key to a chart's colours, in the order in which they stand in the picture."""
    items = "".join(
        f'<li><i class="key {key.shape}" style="--c:{"var(--ink)" if key.colour == "ink" else key.colour}"></i>'
        f"{escape(key.name)}</li>"
        for key in keys
    )
    return f'<ul class="legend">{items}</ul>' if items else ""


def table(content: Table, caption: str) -> str:
    """A table that scrolls in its own frame; the first column is the head of each row."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in content.head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in content.rows
    )
    note = f". {content.note}" if content.note else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption, quote=True)}"><table>'
        f"<caption>{escape(caption + note)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def section(chart: Chart) -> tuple[str, Sequence[Model | str], str]:
    """A chart with its finding, key and table: what stands before the picture, its parts, what stands after it."""
    key = escape(chart.key)
    label = escape(f"{chart.title}. {chart.finding} The table below holds the numbers.", quote=True)
    drawn = any(isinstance(part, Model) for part in chart.body)
    before = (
        f'<section id="{key}" class="{"wide" if chart.wide else "half"}" aria-labelledby="{key}-title">'
        f'<h2 id="{key}-title">{escape(chart.title)}</h2><p class="finding">{escape(chart.finding)}</p>'
        f'{legend(chart.keys)}<div class="picture"{f""" role="img" aria-label="{label}" """ if drawn else ""}>'
    )
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    rows = "1 row" if len(chart.table.rows) == 1 else f"{len(chart.table.rows):,} rows"
    after = (
        f'</div>{note}<details><summary>Table <span class="visually-hidden">behind {escape(chart.title)}</span>'
        f"<small>{rows}</small></summary>{table(chart.table, chart.title)}</details></section>"
    )
    return before, chart.body, after


def listed(items: Iterable[str]) -> str:
    """A plain list."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
