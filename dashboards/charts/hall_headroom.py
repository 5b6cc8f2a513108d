"""Cooling headroom of every hall over time, as a heat map of the worst value in each bin."""

from __future__ import annotations

import numpy as np

from dashboards.bins import monthly
from dashboards.chart import Chart, Key, Table, num
from dashboards.charts.hall_map import hall_map, on_share
from dashboards.source import Source
from dashboards.theme import NO_DATA, WRONG

MOST_COLUMNS = 31


def build(s: Source) -> Chart | None:
    """The chart; None where the run holds no headroom."""
    if not s.summary["halls"] or not s.has("hall_cooling_headroom"):
        return None
    mw = np.where(on_share(s) > 0, s.of("hall_cooling_headroom", 1e-6), np.nan)
    names = s.labels("hall")
    short = [name for h, name in enumerate(names) if (mw[:, h] < 0).any()]
    text = (
        f"{len(short)} of {len(names)} halls lack headroom at some hour." if short else "No hall ever lacks headroom."
    )
    spans = s.rows if len(s.rows) <= MOST_COLUMNS else monthly(s.start_s)
    keys = [Key("not yet energised, or unknown", NO_DATA)]
    return Chart(
        "hall-headroom",
        f"Worst cooling headroom by hall and {s.bins.unit}",
        text + " Headroom is the extra IT power a hall could take before its first cooling limit.",
        [hall_map(s, s.bins.low(mw), "least headroom", "MW to spare")],
        Table(
            ("Hall", *spans.names()),
            [[name, *(num(v) for v in line)] for name, line in zip(names, spans.low(mw).T, strict=True)],
            note="MW, the least value in each column's span",
        ),
        keys=[*keys, *([Key("below zero", WRONG, "mark")] if short else [])],
    )
