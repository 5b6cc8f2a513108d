"""How warm racks, coolant, air and facility water get in a failure, each where it rises most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Words, the series, and which labels its columns have.
SHOWN = (
    ("hottest rack", "hall_rack_temperature_maximum", "hall"),
    ("coolant to racks", "hall_liquid_supply_temperature_maximum", "hall"),
    ("air at racks", "hall_rack_inlet_temperature", "hall"),
    ("facility water", "fws_supply_temperature", "loop"),
)


def warmest(series: Mapping[str, Floats], labels: Mapping[str, Sequence[str]], n: int) -> list[dict[str, Any]]:
    """Of each of ``SHOWN`` the hall or loop that rises most from interval ``n`` on, degC: before, most, end.

    ``series`` are (time, hall) or (time, loop), NaN where there is none; ``labels`` the names of their columns.
    """
    found = []
    for what, name, level in SHOWN:
        values = series[name]
        known = np.flatnonzero(np.isfinite(values[n - 1 :]).all(axis=0))
        if not len(known):
            continue
        before, most = values[n - 1, known], values[n:, known].max(axis=0)
        # Equal ones: the first.
        k = int(np.argmax(np.round(most - before, 3)))
        found.append({
            "what": what, "where": labels[level][int(known[k])], "before_c": float(before[k]),
            "most_c": float(most[k]), "end_c": float(values[-1, known[k]]),
        })  # fmt: skip
    return found


def outdoors(dry_bulb_c: Mapping[str, float]) -> str:
    """The dry bulb from its least to its most, once where they are the same to a tenth."""
    least, most = (f"{dry_bulb_c[key]:.1f}" for key in ("least", "most"))
    return f"outdoors {least if least == most else f'{least} to {most}'} degC"


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A table for a terminal, in the columns of what is left."""
    if not rows:
        return []
    head = f"{'degC, where it rises most':22}{'before':>13}{'most':>16}{'end':>16}"
    return [head, *(
        f"{row['what']:22}" + "".join(f"{row[key]:16.1f}" for key in ("before_c", "most_c", "end_c"))
        + f"  {row['where']}"
        for row in rows
    )]  # fmt: skip


__all__ = ["lines", "outdoors", "warmest"]
