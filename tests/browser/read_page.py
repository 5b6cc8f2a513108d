"""All numbers of a live page in one look: words, lengths of bars, tables, lines of the trend, the picture of racks.

"simulated 453 kW" -> ("simulated #", [(453e3, 0.5e3)])        value and half of its last digit, in SI
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from playwright.sync_api import Page

from tests.browser.served import ALIVE

Number = tuple[float, float]
Seen = dict[str, Any]
# Words with # for each number, and the numbers that belong there; a text that is whole stands for itself.
Wanted = str | tuple[Any, ...]

UNITS = {
    "": 1.0, "MW": 1e6, "kW": 1e3, "W": 1.0, "%": 1e-2, "°C": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "/s": 1.0,
    "k/s": 1e3, "M/s": 1e6,
}  # fmt: skip
WRITTEN = re.compile(r"([+−]?)(\d+(?:,\d{3})*)(?:\.(\d+))?(?: (MW|kW|W|%|°C|min|h|s|[kM]?/s)(?![\w/]))?")
ROUNDING = 1e-6
OPEN = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
OPENED = "[...document.querySelectorAll('table[id]')].every(t => t.tBodies[0].rows.length)"
READ = r"""() => {
  const texts = {}, widths = {}, tables = {};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const own = walk.currentNode.parentElement, said = walk.currentNode.data;
    if (!/\d|drives/.test(said) || own.closest("script, style, noscript, option, table[id] tbody, [hidden]")) continue;
    const id = own.closest("[id]")?.id ?? "";
    texts[id] = (texts[id] ?? "") + said;
  }
  for (const e of document.querySelectorAll("[style*='--w']")) widths[e.id] = Number(e.style.getPropertyValue("--w"));
  for (const e of document.querySelectorAll("table[id]"))
    tables[e.id] = [...e.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  const doc = Bokeh.documents[0], named = (name) => doc.get_model_by_name(name), trend = named("trend-figure");
  const lines = Object.fromEntries(Object.entries(named("trend-lines").data).map(([k, v]) => [k, [...v]]));
  const cells = named("heat-cells").data.image[0];
  const visible = trend.renderers.filter((r) => r.glyph.line_alpha.value);
  return {texts, widths, tables, lines, label: trend.left[0].axis_label, cells: [...cells], shape: cells.shape,
    drawn: Object.fromEntries(visible.map((r) => [r.name, r.glyph.y.field]))};
}"""


def looked(page: Page, url: str, lines: int) -> Seen:
    """What stands on the page when all its tables are open and its trend has so many points."""
    page.goto(url)
    page.wait_for_function(ALIVE)
    page.evaluate(OPEN)
    page.wait_for_function(f"{OPENED} && Bokeh.documents[0].get_model_by_name('trend-lines').data.x.length === {lines}")
    seen: Seen = page.evaluate(READ)
    seen["cells"] = np.array(seen["cells"], np.float32).reshape(seen["shape"])
    return seen


def read(text: str, names: Iterable[str] = ()) -> tuple[str, list[Number]]:
    """A text as words and numbers; ``names`` are no numbers."""
    text = text.replace("\u00a0", " ")
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "@")
    found: list[Number] = []

    def number(match: re.Match[str]) -> str:
        sign, whole, part, unit = match.groups()
        size = UNITS[unit or ""]
        value = float(f"{'-' if sign == '−' else ''}{whole.replace(',', '')}.{part or 0}")
        found.append((value * size, 0.5 * size * 10.0 ** -len(part or "")))
        return "#"

    return WRITTEN.sub(number, text), found


def differs(what: str, text: str, wanted: Wanted, names: Sequence[str]) -> list[str]:
    """How a text differs from what should stand there, as a list of one sentence or none."""
    if isinstance(wanted, str):
        return [] if text.replace("\u00a0", " ") == wanted else [f"{what}: {text!r} is not {wanted!r}"]
    words, numbers = read(text, names)
    for name in sorted(names, key=len, reverse=True):
        wanted = (wanted[0].replace(name, "@"), *wanted[1:])
    near = len(numbers) == len(wanted) - 1 and all(
        abs(shown - value) <= half * (1.0 + ROUNDING) + ROUNDING * abs(value)
        for (shown, half), value in zip(numbers, wanted[1:], strict=True)
    )
    return [] if words == wanted[0] and near else [f"{what}: {text!r} is not {wanted!r}"]


__all__ = ["Seen", "Wanted", "differs", "looked", "read"]
