"""Voltage, reactive power and losses of the normal state beside what N-1 says of each element.

The law of the year run takes nominal voltage and one power factor; two sweeps over the same network
(``twin.site.power_trees``) say what that is worth. Both totals count every loss from the racks' inputs to the grid.
Busbars below 0.95 or above 1.05 per unit are told: the range A of ANSI C84.1 for the voltage of a service, ours too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.analysis.n1 import N1
from twin.analysis.n1_text import plain, render_elements
from twin.core.units import KW
from twin.site.power_trees import SiteVoltage, site_voltage

LOW_PU, HIGH_PU = 0.95, 1.05
NAMED = 6


@dataclass(frozen=True)
class WithVoltage:
    """An N-1 with the voltages of its normal state."""

    found: N1
    flow: SiteVoltage

    @property
    def elements(self) -> NDArray[np.bool_]:
        """Nodes that are elements of the path, no loads."""
        return np.array([role in ("link", "element") for role in self.found.path.site.role], bool)

    @property
    def busbars(self) -> NDArray[np.bool_]:
        """Elements whose voltage follows from the flow."""
        return self.elements & ~self.flow.held & np.isfinite(self.flow.voltage)

    def names(self, which: NDArray[np.bool_]) -> list[str]:
        """Names of nodes, the lowest voltage first."""
        nodes = np.flatnonzero(which)
        return [self.found.path.site.name[n] for n in nodes[np.argsort(self.flow.voltage[nodes], kind="stable")]]


def with_voltage(found: N1) -> WithVoltage:
    """The voltages of the normal state; raises ``InputError`` where they collapse."""
    path = found.path
    factor = found.loaded.site.electrical.power_factor
    return WithVoltage(found, site_voltage(path.site, path.demand, path.normal, factor))


def totals(made: WithVoltage) -> dict[str, Any]:
    """Both forms' losses, what the grid gives, the lowest voltage, busbars out of the range, what has no drop."""
    flow, path = made.flow, made.found.path
    busbars = made.busbars
    lowest = int(np.argmin(np.where(busbars, flow.voltage, np.inf))) if busbars.any() else None
    return {
        "loss_without_kw": float(flow.law_w.sum()) / KW, "loss_with_kw": float(flow.loss_w.sum()) / KW,
        "trees_without_kw": float(flow.law_w[~flow.held].sum()) / KW,
        "trees_with_kw": float(flow.loss_w[~flow.held].sum()) / KW,
        "grid_without_kw": path.normal.grid / KW, "grid_with_kw": flow.grid_w / KW, "grid_kvar": flow.grid_var / KW,
        "grid_power_factor": flow.grid_w / float(np.hypot(flow.grid_w, flow.grid_var)) if flow.grid_w > 0.0 else None,
        "load_power_factor": made.found.loaded.site.electrical.power_factor,
        "lowest_pu": None if lowest is None else float(flow.voltage[lowest]),
        "lowest_at": None if lowest is None else path.site.name[lowest],
        "low_pu": LOW_PU, "high_pu": HIGH_PU,
        "below": made.names(busbars & (flow.voltage < LOW_PU)), "above": made.names(busbars & (flow.voltage > HIGH_PU)),
        "without_impedance": made.names(busbars & ~flow.drops),
        "without_impedance_by_device": _devices(made, busbars & ~flow.drops),
        "held": int((made.elements & flow.held).sum()),
    }  # fmt: skip


def _devices(made: WithVoltage, which: NDArray[np.bool_]) -> dict[str, int]:
    """How many elements of each library entry; a busbar without a device is ``ideal``."""
    items = [made.found.path.site.backed[n] for n in np.flatnonzero(which)]
    return dict(
        sorted(Counter("ideal" if item is None else str(getattr(item, "device", "")) for item in items).items())
    )


def plain_with(made: WithVoltage) -> dict[str, Any]:
    """The answer of N-1 as plain JSON types, its elements with their voltage, and ``voltage`` with the totals."""
    told, at, flow = plain(made.found), made.found.path.site.index, made.flow
    for row in told["elements"]:
        n = at[row["element"]]
        row |= {
            "voltage_pu": _finite(flow.voltage[n]), "held": bool(flow.held[n]), "kvar": _finite(flow.q_var[n] / KW),
            "tap": float(flow.tap[n]), "impedance": bool(flow.drops[n]),
            "loss_without_kw": float(flow.law_w[n]) / KW, "loss_with_kw": float(flow.loss_w[n]) / KW,
        }  # fmt: skip
    return told | {"voltage": totals(made)}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def render_with(made: WithVoltage) -> str:
    """The table of elements with voltage (``held``: by electronics), kvar drawn, loss without and with; the totals."""
    site, flow = made.found.path.site, made.flow
    nodes = np.flatnonzero(made.elements)
    volts = {
        n: "held" if flow.held[n] else f"{flow.voltage[n]:.4f}" if np.isfinite(flow.voltage[n]) else "-" for n in nodes
    }
    kvar = {n: f"{flow.q_var[n] / KW:,.0f}" if np.isfinite(flow.q_var[n]) else "-" for n in nodes}
    columns = {
        "V pu": volts, "kvar": kvar, "loss kW": {n: f"{flow.law_w[n] / KW:,.2f}" for n in nodes},
        "with V": {n: f"{flow.loss_w[n] / KW:,.2f}" for n in nodes},
    }  # fmt: skip
    more = {head: {site.name[n]: cell for n, cell in cells.items()} for head, cells in columns.items()}
    return "\n".join([render_elements(made.found, more=more), "", *_lines(totals(made))])


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [
        f"Losses: {told['loss_without_kw']:,.1f} kW without voltage (the law), {told['loss_with_kw']:,.1f} kW with it"
        f"{_change(told['loss_without_kw'], told['loss_with_kw'])}; above what regulates its output "
        f"{told['trees_without_kw']:,.1f} and {told['trees_with_kw']:,.1f} kW"
        f"{_change(told['trees_without_kw'], told['trees_with_kw'])}.",
        f"Grid: {told['grid_without_kw']:,.0f} kW without, {told['grid_with_kw']:,.0f} kW with voltage and "
        f"{told['grid_kvar']:,.0f} kvar"
        + (f", power factor {told['grid_power_factor']:.3f}" if told["grid_power_factor"] else "")
        + f" (loads {told['load_power_factor']:g}).",
    ]
    if told["lowest_at"] is not None:
        lines.append(f"Lowest voltage: {told['lowest_pu']:.4f} pu at {told['lowest_at']}.")
    for key, word, limit in (("below", "below", LOW_PU), ("above", "above", HIGH_PU)):
        if told[key]:
            count = f"{len(told[key]):,} busbar{'s' if len(told[key]) > 1 else ''}"
            lines.append(f"Warning: {count} {word} {limit:g} pu (range A of ANSI C84.1): {_some(told[key])}.")
    if told["without_impedance"]:
        names = told["without_impedance"]
        count = f"{len(names):,} element{'s' if len(names) > 1 else ''}"
        kinds = (f"{n:,} {device}" for device, n in told["without_impedance_by_device"].items())
        lines.append(f"{count} without an impedance: no drop ({', '.join(kinds)}).")
    if told["held"]:
        lines.append(f"{told['held']:,} UPSs, converters and what stands behind them: held at nominal voltage.")
    return lines


def _change(without: float, with_it: float) -> str:
    return f" ({100.0 * (with_it / without - 1.0):+.2f} %)" if without > 0.0 else ""


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


__all__ = ["HIGH_PU", "LOW_PU", "WithVoltage", "plain_with", "render_with", "totals", "with_voltage"]
