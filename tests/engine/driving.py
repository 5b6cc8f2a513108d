"""Sites to be driven, and what a plain run of them says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.variables import BY_NAME
from twin.engine.driven import Driven
from twin.engine.driven_inputs import items
from twin.engine.prepare import Prepared, prepare

Floats = NDArray[np.float64]
# A fleet; racks whose noise passes a knot (every 900 s); a loop without chillers beside one with.
DATES = {
    "oklahoma-10": "2028-07-01T13:59:30", "frontier": "2026-07-01T13:59:30", "zone-4a-tower": "2026-07-01T13:59:30",
}  # fmt: skip


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def prepared(site: str, start: str, length_s: float, step: str = "1s", every: str = "10s") -> Prepared:
    end = datetime.fromtimestamp(seconds(start) + length_s, UTC).isoformat()
    return prepare(site, start=start + "Z", end=end, step=step, every=every, level="rack", threads=1)


def advance(twin: Driven, inputs: Mapping[str, Floats], steps: int) -> dict[str, Floats]:
    """The last of ``steps`` with the same inputs; energy closes in all."""
    outs = [twin.step(inputs) for _ in range(steps)]
    assert max(out["energy_residual"][0] for out in outs) < 1e-9
    return outs[-1]


def powers(twin: Driven, share: float = 0.7) -> Floats:
    """Every rack at a share of its rated power, W."""
    a = twin.prepared.plan.arrays
    return np.repeat(a.group[:, Group.RATED], np.diff(a.group_rack)) * share


def everywhere(run: Prepared, name: str, value: float) -> Floats:
    """The same reading at every item of a variable."""
    return np.full(items(run.plan, BY_NAME[name].level), value)
