"""The whole site at every load and outdoor temperature: power at the meter, and PUE."""

from __future__ import annotations

import numpy as np

from dashboards.chart import Chart, Key, Table, power
from dashboards.maps.cells import cells, columns
from dashboards.maps.source import MapSource
from dashboards.theme import WRONG
from twin.core.units import MW

OUTDOOR_AXIS = "outdoor dry bulb, °C"


def build(s: MapSource) -> list[Chart]:
    """Two charts side by side."""
    return [_power(s), _pue(s)]


def _power(s: MapSource) -> Chart:
    a = s.answers
    mw, contract = a.of("site_power", 1.0 / MW), a.contract_mw
    over = mw > contract
    scale = (float(np.nanmin(mw)), float(np.nanmax(np.where(over, np.nan, mw))) if not over.all() else contract)
    data = columns(mw, ",.0f" if mw.max() >= 100 else ",.2f", scale, over) | _band(s, "site_power", "MW", 1.0 / MW)
    tips = [("load", "@load"), ("outdoor", "@outdoor"), ("power at the meter", "@exact"), *_band_tip(s)]
    exact = [f"{v:,.2f} MW" for v in mw.ravel()]
    data |= {"exact": list(exact), **places(s)}
    p = cells(
        "meter-0", data, (s.outdoor_labels, s.load_labels), (OUTDOOR_AXIS, "load", "MW at the meter"), scale, tips
    )
    return Chart(
        "meter",
        "Power at the meter",
        _meter_finding(s, mw, contract),
        [p],
        grid_table(s, mw, 1, "MW at the meter"),
        keys=[Key(f"above the contract of {contract:g} MW", WRONG, "mark")] if over.any() else (),
        wide=False,
    )


def _meter_finding(s: MapSource, mw: np.ndarray, contract: float) -> str:
    hot, full = s.outdoor_labels[s.hottest], s.load_labels[-1]
    top = float(mw[-1, s.hottest])
    left = contract - top
    side = f"{power(left)} below" if left >= 0 else f"{power(-left)} above"
    return f"{power(top)} at load {full} and {hot} °C, {side} the contract of {contract:g} MW."


def _pue(s: MapSource) -> Chart:
    pue = s.answers.pue
    none = np.zeros(pue.shape, bool)
    known = pue[np.isfinite(pue)]
    scale = (float(known.min()), float(known.max())) if len(known) else (1.0, 2.0)
    data = columns(pue, ".3f", scale, none) | places(s)
    tips = [("load", "@load"), ("outdoor", "@outdoor"), ("PUE", "@text")]
    p = cells("pue-0", data, (s.outdoor_labels, s.load_labels), (OUTDOOR_AXIS, "load", "PUE"), scale, tips)
    text = f"From {scale[0]:.3f} to {scale[1]:.3f}; power at the meter per IT power at this instant, no annual figure."
    return Chart("pue", "PUE", text, [p], grid_table(s, pue, 3, "PUE"), wide=False)


def places(s: MapSource) -> dict[str, list[object]]:
    """Load and outdoor temperature of each cell in words."""
    a = s.answers
    outdoor = [f"{t:g} °C, wet bulb {w:.1f} °C" for t, w in zip(a.outdoor, a.wet, strict=True)]
    return {
        "load": [load for load in s.load_labels for _ in outdoor],
        "outdoor": [t for _ in s.load_labels for t in outdoor],
    }


def _band(s: MapSource, name: str, unit: str, scale: float) -> dict[str, list[object]]:
    band = s.answers.band(name, scale)
    if band is None:
        return {}
    return {"band": [f"{x:,.2f} to {y:,.2f} {unit}" for x, y in zip(band[0].ravel(), band[1].ravel(), strict=True)]}


def _band_tip(s: MapSource) -> list[tuple[str, str]]:
    return [("band", "@band")] if s.answers.banded else []


def grid_table(s: MapSource, values: np.ndarray, digits: int, note: str) -> Table:
    """The cells of (load, outdoor) as a table."""
    rows = [
        [load, *(f"{v:,.{digits}f}" if np.isfinite(v) else "–" for v in line)]
        for load, line in zip(s.load_labels, values, strict=True)
    ]
    return Table(("Load", *(f"{t} °C" for t in s.outdoor_labels)), rows, note=note)


__all__ = ["OUTDOOR_AXIS", "build", "grid_table", "places"]
