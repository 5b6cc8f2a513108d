"""States of what stands behind the power path: UPS on battery, generators that run and what they give.

Told of every UPS and of all generators, fault or none: in an ordinary run no UPS is on battery and no set runs. A UPS
is hung on its meter, as the contract has it; generators are an object of their own that serves its busbar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from telemetry.emulate.points import AVAILABLE, RUNNING, Spec, States
from telemetry.emulate.rows import Floats, Ints, Part, Path, Read, Rows, Scope
from twin.core.units import KW
from twin.site.model import ChainLink, Element

ON_BATTERY: States = ((0, "OnMains"), (1, "OnBattery"))
# Of a bank that walks back to the mains: it is on battery while that gives most of its input.
MOST = 0.5


def parts(scope: Scope, elements: Sequence[int]) -> list[Part]:
    """Points of the UPS and generators among the rows ``elements`` of the Plan."""
    found = _ups(scope, ups_of(scope, elements))
    known = devices(scope)
    sets = [e for e in elements if (item := known.get(scope.plan.labels.element[e])) and item.generators]
    return found + (_generators(scope, sets) if sets else [])


def devices(scope: Scope) -> dict[str, ChainLink | Element]:
    """What the site says of its elements, by name: campus, and halls that are published."""
    found: dict[str, ChainLink | Element] = dict(scope.loaded.site.electrical.elements)
    for h in scope.halls:
        found |= {f"{scope.plan.labels.hall[h]}/{id}": link for id, link in scope.template(int(h)).chain.items()}
    return found


def ups_of(scope: Scope, elements: Sequence[int]) -> Ints:
    """Rows of the UPS among ``elements``."""
    known, library, names = devices(scope), scope.loaded.library, scope.plan.labels.element
    kinds = {e: library.get(known[names[e]].device).kind for e in elements if names[e] in known}
    return np.array([e for e in elements if kinds.get(e) == "ups"], np.int64)


def _ups(scope: Scope, at: Ints) -> list[Part]:
    names = [scope.plan.labels.element[e] for e in at]

    def made(point: str, states: States, *area: str) -> list[Spec]:
        return [Spec("UPS", point, name, "state", area=area, states=states, part_of=name) for name in names]

    return [
        Part(made("Status", RUNNING), lambda rows: (rows.of("element_power", at) > 0.0).astype(np.float64)),
        Part(made("Available", AVAILABLE), lambda rows: np.ones((len(rows.humidity), len(at)))),
        Part(
            made("GenericPoint", ON_BATTERY, "OnBattery"),
            _path(at, lambda path: (path.battery > MOST).astype(np.float64)),
        ),
    ]


def _path(at: Ints, values: Callable[[Path], Floats]) -> Read:
    """Of the path where it follows a fault, else nothing."""

    def read(rows: Rows) -> Floats:
        if rows.path is None:
            return np.zeros((len(rows.humidity), len(at)))
        return values(rows.path)[:, at]

    return read


def _generators(scope: Scope, elements: list[int]) -> list[Part]:
    at, names = np.array(elements, np.int64), [scope.plan.labels.element[e] for e in elements]
    own = [f"{name}/generators" for name in names]

    def made(kind: str, point: str, states: States = ()) -> list[Spec]:
        return [Spec(kind, point, n, "state", serves=(e,), states=states) for n, e in zip(own, names, strict=True)]

    meters = [Spec("PowerMeter", "ActivePower", n, "power", "kW", serves=(e,)) for n, e in zip(own, names, strict=True)]
    return [
        Part(meters, _path(at, lambda path: path.own / KW)),
        Part(made("Generator", "Status", RUNNING), _path(at, lambda path: path.running)),
        Part(made("Generator", "Available", AVAILABLE), lambda rows: np.ones((len(rows.humidity), len(at)))),
    ]


__all__ = ["devices", "parts", "ups_of"]
