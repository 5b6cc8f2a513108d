"""The key figures of the campus now: power at the meter of its contract, IT power, PUE, the tightest hall, tokens.

    PUE = site_power / site_it_power        headroom = the least of power and cooling headroom of all halls

Each is measured where it is measured; what is simulated stands beside it, dashed, and never in its place unsaid; where
the measured value drives the model there is nothing to compare it with, and the card says so. Of
thousands of racks a few are always silent: where they draw at most a hundredth of the IT power by the model, theirs is
taken for them, and IT power and PUE are said to be estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np

from dashboards.panels import room
from dashboards.panels.panel import Word, Words, flag
from dashboards.view import (
    DASH,
    DRIVES,
    ESTIMATED,
    MEASURED,
    SIMULATED,
    Side,
    View,
    apart,
    degrees,
    measured_racks,
    per_second,
    value,
    values,
    watts,
)
from telemetry.live.frame import Frame

CARDS = {
    "meter": "At the meter",
    "it": "IT power",
    "pue": "PUE now",
    "room": "Least headroom",
    "token": "Tokens",
    "outdoor": "Outdoor",
}

FILLED = 0.01  # of the IT power, at most, is the model's where it is called estimated (ours)
# A line without words.
NO_WIDTH = "\u200b"


class KeyFigures:
    """Six cards."""

    def __init__(self, view: View) -> None:
        self._view = view
        has_fleet = bool(view.topology.pools)
        made = "".join(_card(key, name) for key, name in CARDS.items() if key != "token" or has_fleet)
        self.parts = [f'<dl class="cards" id="key-figures" role="status" aria-live="polite">{made}</dl>']
        self._fleet = has_fleet
        self._doubled: set[str] = set()

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The words of all cards."""
        words = {**self._meter(frame), **self._it(frame), **_pue(frame), **self._room(frame), **_outdoor(frame),
                 **(_tokens(frame) if self._fleet else {})}  # fmt: skip
        return words | self._kept(words)

    def _kept(self, words: Words) -> Words:
        """The second line of a card stays once it was there: measurements come and go, and nothing below may move."""
        self._doubled |= {key for key in CARDS if words.get(f"{key}-beside")}
        empty = [key for key in self._doubled if not words.get(f"{key}-beside")]
        return {f"{key}-beside": NO_WIDTH for key in empty} | {f"{key}-beside@hidden": None for key in empty}

    def _meter(self, frame: Frame) -> Words:
        contract = value(frame, SIMULATED, "contract_power")
        both = [value(frame, side, "site_power") for side in (MEASURED, SIMULATED)]
        shown = both[0] if math.isfinite(both[0]) else both[1]
        words = _pair("meter", both)
        over = shown > contract > 0
        share = shown / contract if contract > 0 else math.nan
        words["meter-note"] = f"{100 * share:.1f} % of {watts(contract)} contract" if math.isfinite(share) else (
            "no contract stated")  # fmt: skip
        words["meter-bar--w"] = f"{min(max(share, 0.0), 1.0):.4f}" if math.isfinite(share) else "0"
        return words | _wrong("meter", over)

    def _it(self, frame: Frame) -> Words:
        known, side = _it_power(frame)
        # An estimate is made of readings that drive, and of the model itself.
        drives = "rack_power" in frame.used if side == ESTIMATED else _drives(frame, "site_it_power")
        words = _pair("it", (known, value(frame, SIMULATED, "site_it_power")), side=side, drives=drives)
        racks = values(frame, MEASURED, "rack_power")
        total = len(self._view.topology.racks)
        count = 0 if racks is None else int(np.isfinite(racks).sum())
        words["it-note"] = "" if not total else f"{total:,} racks" if racks is None else measured_racks(count, total)
        if 0 < count < total and math.isnan(known):
            words["it-note"] = f"{words['it-note']}, so no sum"
        return words

    def _room(self, frame: Frame) -> Words:
        t = self._view.topology
        found = room.tightest(t, frame)
        if found is None:
            return {
                **_pair("room", (math.nan, math.nan)),
                "room-note": "no hall with power" if t.halls else "no halls: record the run with --level hall",
                **_wrong("room", False),
            }
        words = _pair("room", (math.nan, found.watts))
        words["room-note"] = f"{apart(found.hall)}: {found.what}, {found.binding}" if found.binding else found.hall
        return words | _wrong("room", found.watts < 0)


def _it_power(frame: Frame) -> tuple[float, Side]:
    """IT power by measurement, W, and what it is called: estimated where the model stands in for a few racks."""
    whole = value(frame, MEASURED, "site_it_power")
    racks, model = (values(frame, side, "rack_power") for side in (MEASURED, SIMULATED))
    if math.isfinite(whole) or racks is None or model is None:
        return whole, MEASURED
    # Of readings only those that drive: what the engine does not believe would be a part of the estimate.
    told = np.isfinite(racks) & frame.used.get("rack_power", np.ones(len(racks), np.bool_))
    total, by_model = float(np.where(told, racks, model).sum()), float(model[~told].sum())
    return (total, ESTIMATED) if told.any() and by_model <= FILLED * total else (math.nan, MEASURED)


def _pue(frame: Frame) -> Words:
    known, side = _it_power(frame)
    pairs = ((MEASURED, known), (SIMULATED, value(frame, SIMULATED, "site_it_power")))
    both = [value(frame, of, "site_power") / it if it > 0 else math.nan for of, it in pairs]
    cooling, loss = (value(frame, SIMULATED, f"site_{part}") for part in ("cooling_power", "electrical_loss"))
    words = _pair("pue", both, lambda x: f"{x:.3f}" if math.isfinite(x) else DASH, side=side)
    words["pue-note"] = f"cooling {watts(cooling)}, losses {watts(loss)}" if math.isfinite(cooling) else ""
    impossible = both[0] < 1.0
    if impossible:  # two meters that contradict each other, and nobody knows which of them is right
        words["pue-note"] = "▲ the site's meter shows less than its racks"
    return words | _wrong("pue", impossible)


def _outdoor(frame: Frame) -> Words:
    dry, wet = (
        [value(frame, side, f"outdoor_{bulb}_bulb_temperature") for side in (MEASURED, SIMULATED)]
        for bulb in ("dry", "wet")
    )
    words = _pair("outdoor", dry, degrees, drives=_drives(frame, "outdoor_dry_bulb_temperature"))
    known = wet[0] if math.isfinite(wet[0]) else wet[1]
    words["outdoor-note"] = f"wet bulb {degrees(known)}" if math.isfinite(known) else ""
    return words


def _tokens(frame: Frame) -> Words:
    sums = []
    for side in (MEASURED, SIMULATED):
        rate = values(frame, side, "pool_token_rate")
        known = np.zeros(0) if rate is None else rate[np.isfinite(rate)]
        sums.append(float(known.sum()) if len(known) else math.nan)
    shed = values(frame, SIMULATED, "pool_shed_rate")
    refused = float(np.nansum(shed)) if shed is not None else 0.0
    words = _pair("token", sums, per_second)
    words["token-note"] = f"{refused:,.1f} requests/s refused" if refused > 0.05 else "no request refused"
    return words | _wrong("token", refused > 0.05)


def _card(key: str, name: str) -> str:
    bar = f'<i class="meter" id="{key}-bar"></i>' if key == "meter" else ""
    return (
        f'<div class="card" id="{key}"><dt>{escape(name)} <span class="side" id="{key}-side"></span></dt><dd><strong '
        f'id="{key}-value">–</strong>{bar}<span class="beside"><span class="sim" id="{key}-beside" hidden></span>'
        "</span>"
        f'<span class="under" id="{key}-note"></span></dd></div>'
    )


def _drives(frame: Frame, variable: str) -> bool:
    """Whether all that is known of a measured variable drives the model, or is a sum of what does."""
    found, used = values(frame, MEASURED, variable), frame.used.get(variable)
    known = None if found is None else np.isfinite(found)
    return known is not None and used is not None and bool(known.any() and np.ravel(used)[known].all())


def _pair(
    key: str, both: Sequence[float], form: Callable[[float], str] = watts, side: Side = MEASURED, drives: bool = False
) -> Words:
    """Measured large where there is a measurement, with what is simulated beside it; else simulated, and marked so.

    ``side``: what the first is called. ``drives``: it drives the model, so that the two are no two findings.
    """
    measured, simulated = both
    double = math.isfinite(measured) and math.isfinite(simulated)
    shown, side = (measured, side) if math.isfinite(measured) else (simulated, SIMULATED)
    return {
        f"{key}-value": form(shown),
        f"{key}-value@class": "sim" if side == SIMULATED and math.isfinite(shown) else None,
        f"{key}-side": side if math.isfinite(shown) else "not known",
        f"{key}-beside": "" if not double else DRIVES if drives else f"simulated {form(simulated)}",
        f"{key}-beside@class": "sim" if double and not drives else None,
        f"{key}-beside@hidden": flag(not double),
    }


def _wrong(key: str, wrong: bool) -> Words:
    return {f"{key}@class": "card wrong" if wrong else "card"}


def build(view: View) -> KeyFigures:
    """The cards."""
    return KeyFigures(view)


__all__ = ["build"]
