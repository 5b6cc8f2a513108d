"""Tokens a second by class of requests, over all pools; what is refused is said in words and vermilion.

tokens(class) = Σ over pools of pool_token_rate        s⁻¹
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from dashboards.panels.panel import Floats, Word, Words, opening
from dashboards.view import DASH, MEASURED, SIMULATED, View, per_second, values
from telemetry.live.frame import Frame

KEY, TITLE = "tokens", "Tokens by class"
# Fewer refused requests than this, s⁻¹, are rounding.
REFUSED = 0.005


class Tokens:
    """A row for each class: name, bar, tokens, requests."""

    def __init__(self, view: View) -> None:
        self._view = view
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td class="wide"><span class="bar"><i id="{KEY}-{i}-bar"></i>'
            f'</span></td><td id="{KEY}-{i}-rate"></td><td id="{KEY}-{i}-served"></td><td id="{KEY}-{i}-refused"></td>'
            "</tr>"
            for i, name in enumerate(view.topology.workloads)
        )
        self.parts = [
            f'{opening(KEY, TITLE)}<table class="plain"><caption class="visually-hidden">{TITLE}</caption><thead><tr>'
            '<th scope="col">Class</th><th scope="col"><span class="visually-hidden">Share</span></th>'
            '<th scope="col">tokens</th><th scope="col">requests</th><th scope="col">refused</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></section>"
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The words of all classes."""
        side = MEASURED if values(frame, MEASURED, "pool_token_rate") is not None else SIMULATED
        rate, served, shed = (self._by_class(frame, side, f"pool_{what}_rate") for what in ("token", "served", "shed"))
        most = float(np.nanmax(rate)) if np.isfinite(rate).any() else 0.0
        words: Words = {f"{KEY}-finding": f"{side}, all pools"}
        for i in range(len(self._view.topology.workloads)):
            refused = bool(shed[i] > REFUSED)
            words |= {
                f"{KEY}-{i}-bar--w": f"{rate[i] / most:.3f}" if most > 0 and np.isfinite(rate[i]) else "0",
                f"{KEY}-{i}-rate": per_second(float(rate[i])),
                f"{KEY}-{i}-rate@class": "sim" if side == SIMULATED and np.isfinite(rate[i]) else None,
                f"{KEY}-{i}-served": _requests(float(served[i])),
                f"{KEY}-{i}-refused": f"▲ {_requests(float(shed[i]))}"
                if refused
                else "none"
                if shed[i] == shed[i]
                else DASH,
                f"{KEY}-{i}-refused@class": "wrong" if refused else None,
            }
        return words

    def _by_class(self, frame: Frame, side: str, variable: str) -> Floats:
        t = self._view.topology
        found = values(frame, side, variable)
        if found is None or found.size != len(t.pools) * len(t.workloads):
            return np.full(len(t.workloads), np.nan)
        by = found.reshape(len(t.pools), len(t.workloads))
        return np.where(np.isfinite(by).any(axis=0), np.nansum(by, axis=0), np.nan)


def _requests(rate: float) -> str:
    return DASH if not np.isfinite(rate) else f"{rate:,.0f} /s" if rate >= 100 else f"{rate:.2f} /s"


def build(view: View) -> Tokens | None:
    """The panel of a site with a fleet."""
    return Tokens(view) if view.topology.pools and view.topology.workloads else None


__all__ = ["build"]
