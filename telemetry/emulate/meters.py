"""Power meters at the electrical elements, from the grid down to racks, pumps, fans and plants.

Every element has a meter at its output, and those that lose power one at their input, which serves it; so what a meter
reads is what the meters and racks that it serves read together, at every element and at every instant, before
noise; between input and output stand the losses. Of a site that is published in part, meters read all that hangs on
them, and serve ids that nobody publishes. While the power path follows a fault, stores stand between as well, and
generators have meters of their own (``telemetry.emulate.path``).
"""

from __future__ import annotations

import numpy as np

from telemetry.emulate import sources
from telemetry.emulate.points import Spec
from telemetry.emulate.rows import Floats, Ints, Part, Read, Rows, Scope
from twin.core.columns import Elm
from twin.core.units import KW
from twin.site.scope import GRID


def parts(scope: Scope) -> list[Part]:
    """Meters of ``scope``: of all campus elements, and of its halls and loops."""
    tree = _Tree(scope)
    at = np.array(tree.elements, np.int64)
    lossy = np.array([e for e in tree.elements if tree.loses(e)], np.int64)
    grid = [_meter(GRID, [tree.entry(e) for e in tree.top])]
    return [
        Part(grid, lambda rows: rows.of("site_power") / KW),
        Part([_meter(tree.name(e), tree.below[e]) for e in at], lambda rows: rows.of("element_power", at) / KW),
        Part([_meter(tree.entry(e), [tree.name(e)]) for e in lossy], _input(lossy)),
        *sources.parts(scope, tree.elements),
        *_halls(scope),
        *_plants(scope),
    ]


def _meter(item: str, serves: list[str]) -> Spec:
    return Spec("PowerMeter", "ActivePower", item, "power", "kW", serves=tuple(dict.fromkeys(serves)))


def _input(at: Ints) -> Read:
    return lambda rows: (rows.of("element_power", at) + rows.of("element_loss", at)) / KW


class _Tree:
    """What stands under each element that is published: names of meters, by element."""

    def __init__(self, scope: Scope) -> None:
        a, self.labels = scope.plan.arrays, scope.plan.labels
        self._element = a.element
        first, halls = scope.plan.hall_elements, len(self.labels.hall)
        inside = [e for h in scope.halls for e in range(a.hall_element[h], a.hall_element[h + 1])]
        campus = list(range(first, len(a.element)))
        self.elements: list[int] = [*inside, *campus]
        self.below: dict[int, list[str]] = {e: [] for e in range(len(a.element))}
        of = scope.hall_of_racks()
        for h in range(halls):
            low, high = int(a.hall_element[h]), int(a.hall_element[h + 1])
            self.below[low] += [scope.names[r] for r in np.flatnonzero(of == h)]
            for e in range(low, high - 1):
                self.below[e + 1].append(self.entry(e))
            mechanical = int(a.hall_mechanical[h])
            cdus = [k for k, sec in enumerate(self.labels.cdu_sec) if a.sec_hall[sec] == h]
            self.below[mechanical if mechanical >= 0 else low] += [pumps_of(self.labels.cdu[k]) for k in cdus]
            self.below[mechanical if mechanical >= 0 else low].append(fans_of(self.labels.hall[h]))
            self.below[int(a.port[h])].append(self.entry(high - 1))
        for f, name in enumerate(self.labels.loop):
            self.below[int(a.port[halls + f])].append(plant_of(name))
        self.top: list[int] = []
        for e in campus:
            for parent in a.feed[a.feed_ptr[e] : a.feed_ptr[e + 1]]:
                if parent < 0:
                    self.top.append(e)
                else:
                    self.below[int(parent)].append(self.entry(e))

    def loses(self, e: int) -> bool:
        """Whether an element has losses at all."""
        return bool(np.any(self._element[e, [Elm.A, Elm.B, Elm.C]] != 0.0))

    def name(self, e: int) -> str:
        """Name of an element and of the meter at its output."""
        return self.labels.element[e]

    def entry(self, e: int) -> str:
        """Name of the meter that an element is fed through."""
        return f"{self.name(e)}/input" if self.loses(e) else self.name(e)


def pumps_of(cdu: str) -> str:
    """Meter of the pumps of a CDU."""
    return f"{cdu}/pumps"


def fans_of(hall: str) -> str:
    """Meter of the fans of a hall's air handlers."""
    return f"{hall}/air/fans"


def plant_of(loop: str) -> str:
    """Meter of a loop's plant."""
    return f"{loop}/plant"


def _halls(scope: Scope) -> list[Part]:
    """CDU pumps one by one; the rest of a hall's mechanical power is that of its fans."""
    a, labels, h = scope.plan.arrays, scope.plan.labels, scope.halls
    hall_of_cdu = a.sec_hall[np.array(labels.cdu_sec, np.int64)]
    own = (hall_of_cdu[None, :] == h[:, None]).astype(np.float64)

    def fans(rows: Rows) -> Floats:
        left = rows.of("hall_mechanical_power", h) - rows.of("cdu_pump_power") @ own.T
        kept: Floats = np.maximum(0.0, left) / KW
        return kept

    pumps = [_meter(pumps_of(labels.cdu[k]), [labels.cdu[k]]) for k in scope.cdus]
    return [
        Part(pumps, lambda rows: rows.of("cdu_pump_power", scope.cdus) / KW),
        Part([_meter(fans_of(labels.hall[i]), [f"{labels.hall[i]}/air"]) for i in h], fans),
    ]


def _plants(scope: Scope) -> list[Part]:
    """The plant of a loop as a whole, and its parts: compressors, fans, pumps of the loop and of the condensers."""
    f, labels = scope.loops, scope.plan.labels
    parts = {
        "chillers/power": "plant_chiller_power", "rejection/fans": "plant_fan_power", "pumps": "fws_pump_power",
    }  # fmt: skip
    names = [labels.loop[i] for i in f]
    rest = "condenser-pumps"

    def whose(part: str, name: str) -> list[str]:
        owner = part.rpartition("/")[0]
        return [f"{name}/{owner}" if owner else f"{name}/rejection" if part == rest else name]

    def left(rows: Rows) -> Floats:
        return np.maximum(0.0, rows.of("plant_power", f) - sum(rows.of(v, f) for v in parts.values())) / KW

    def reads(variable: str) -> Read:
        return lambda rows: rows.of(variable, f) / KW

    return [
        Part([_meter(plant_of(n), [f"{n}/{part}" for part in (*parts, rest)]) for n in names], reads("plant_power")),
        *(Part([_meter(f"{n}/{p}", whose(p, n)) for n in names], reads(variable)) for p, variable in parts.items()),
        Part([_meter(f"{n}/{rest}", whose(rest, n)) for n in names], left),
    ]


__all__ = ["parts"]
