"""Bands as plain JSON types and as lines for a terminal."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from twin.analysis.headline import FLEET_HEADLINES, HEADLINES, Headline
from twin.analysis.period import plain

Bands = dict[str, Any]
HEAD = ("", "centre", "P10", "P50", "P90", "driven most by")
# Figures that are named with their source below the table; JSON has all.
MOST_FIGURES = 8
# Halls that a terminal shows, by their least room; and shares of the variance that it does not.
MOST_HALLS = 3
LEAST_SHARE = 0.01


def told(ds: xr.Dataset) -> Bands:
    """A Dataset of :func:`twin.analysis.bands.dataset` as plain JSON types.

    ``headlines`` is a list of rows: name, label of a hall, workload or pool (empty for the site), unit, centre, p10,
    p50, p90, and up to five drivers. What a site does not have is null.
    """
    rows: list[Bands] = []
    for head in [*HEADLINES, *FLEET_HEADLINES]:
        if head.name not in ds:
            continue
        labels = ds[head.dims[0]].values.tolist() if head.dims else [""]
        quantiles = np.atleast_2d(ds[head.name].values.reshape(ds.sizes["quantile"], -1))
        central = ds[f"{head.name}_central"].values.reshape(-1)
        rows += [_row(ds, head, label, central[i], quantiles[:, i]) for i, label in enumerate(labels)]
    attrs = {k: plain(v) if isinstance(v, float) else v for k, v in ds.attrs.items()}
    return {**attrs, "headlines": rows}


def _row(ds: xr.Dataset, head: Headline, label: str, centre: float, quantiles: np.ndarray) -> Bands:
    p10, p50, p90 = (plain(float(q) / head.per) for q in quantiles)
    row = {
        "name": head.name,
        "of": label,
        "label": head.label,
        "unit": head.shown_as,
        "centre": plain(float(centre) / head.per),
        "p10": p10,
        "p50": p50,
        "p90": p90,
    }
    return row if head.dims else {**row, "drivers": _drivers(ds, head.name)}


def _drivers(ds: xr.Dataset, name: str) -> list[Bands]:
    part = ds.sel(headline=name)
    keys = ("figure", "share", "effect", "confidence", "source")
    rows = [dict(zip(keys, row, strict=True)) for row in zip(*(part[f"driver_{k}"].values for k in keys), strict=True)]
    return [{**row, "share": float(row["share"])} for row in rows if row["figure"]]


def render(found: Bands) -> str:
    """Text of :func:`told`: a line for each number, then the figures that drive them."""
    rows = _shown([row for row in found["headlines"] if row["p50"] is not None])
    lines = [
        f"{found['site']}: {found['title']}",
        f"{found['period_start']} to {found['period_end']}, weather {found['weather']}; bands of {found['samples']} "
        f"samples of {found['unknowns']} unknowns, seed {found['seed']}",
        "Equal racks and CDUs run as one, in hour steps. Loads, demand and weather are the site's and are not drawn.",
    ]
    if any(row["name"] == "tokens" for row in rows):
        lines.append("A demand that is stated as fill is a share of what a sample can take: it follows the speeds.")
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    for line in cells:
        left, *middle, last = line
        numbers = "  ".join(c.rjust(w) for c, w in zip(middle, widths[1:-1], strict=True))
        lines.append(f"{left.ljust(widths[0])}  {numbers}  {last}".rstrip())
    return "\n".join([*lines, *figures(found)]) + "\n"


def _shown(rows: list[Bands]) -> list[Bands]:
    """The rows without those of halls but the few with the least room."""
    kept = [row for row in rows if not row["name"].startswith("hall_")]
    for name in ("hall_power_headroom", "hall_cooling_headroom"):
        halls = sorted((row for row in rows if row["name"] == name), key=lambda row: (row["p10"], row["of"]))
        at = next(i for i, row in enumerate(kept) if row["name"] == name.removeprefix("hall_")) if halls else 0
        kept[at + 1 : at + 1] = halls[:MOST_HALLS]
    return kept


def _cells(row: Bands) -> tuple[str, ...]:
    name = row["label"] + (f" {row['of']}" if row["of"] else "") + (f", {row['unit']}" if row["unit"] else "")
    numbers = [digits(row[key], row) for key in ("centre", "p10", "p50", "p90")]
    first = row.get("drivers", [])[:1]
    return (name, *numbers, *([f"{d['figure']} ({100 * d['share']:.0f} %)" for d in first] or [""]))


def figures(found: Bands) -> list[str]:
    """The figures that drive the numbers of the site, those with the largest shares first, with their sources."""
    by_figure: dict[str, list[tuple[float, str, Bands]]] = {}
    for row in found["headlines"]:
        for driver in row.get("drivers", []):
            by_figure.setdefault(driver["figure"], []).append((driver["share"], row["label"], driver))
    if not by_figure:
        return ["No figure is told from chance by these samples."]
    order = sorted(by_figure.items(), key=lambda item: -max(share for share, _, _ in item[1]))
    lines = ["Figures that drive them (share of the variance):"]
    for figure, uses in [item for item in order if item[1] and max(u[0] for u in item[1]) >= LEAST_SHARE][
        :MOST_FIGURES
    ]:
        uses.sort(key=lambda use: -use[0])
        told_of = [use for use in uses[:3] if use[0] >= LEAST_SHARE]
        drives = ", ".join(f"{label} {100 * share:.0f} %" for share, label, _ in told_of)
        lines.append(f"  {figure} -> {drives}  [{uses[0][2]['confidence']}: {uses[0][2]['source']}]")
    return lines


def digits(value: float | None, row: Bands) -> str:
    """A number with as many digits as its band leaves it."""
    if value is None:
        return "-"
    width = abs((row["p90"] or 0.0) - (row["p10"] or 0.0))
    wanted = 3 if width == 0.0 else int(np.clip(2 - np.floor(np.log10(width)), 0, 5))
    return f"{value:,.{wanted}f}"


def span(found: Bands | None, name: str) -> str:
    """``" (690-760)"``, the P10 to P90 of a number of the site; nothing without bands."""
    row = next((r for r in (found or {}).get("headlines", []) if r["name"] == name), None)
    if row is None or row["p10"] is None:
        return ""
    low, high = digits(row["p10"], row), digits(row["p90"], row)
    return f" ({low} to {high})" if row["p10"] < 0 else f" ({low}-{high})"


__all__ = ["Bands", "digits", "figures", "render", "span", "told"]
