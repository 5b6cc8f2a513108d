"""Small networks for the tests of the machine: nodes by name, children before parents."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from twin.core.params import Figure, Params
from twin.power.machine import Behind, Event, Machine
from twin.power.network import GRID, Network
from twin.site.library import load_library


@cache
def library():
    return load_library()


def entry(id: str, **figures: Any) -> Any:
    """A library entry, with other numbers where they are given; what is no figure is set as it is."""
    params: Params = library().get(id)
    held = {
        key: Figure(value=number, source="made for the tests", confidence="estimate")
        if isinstance(getattr(params, key), Figure | None) and isinstance(number, float)
        else number
        for key, number in figures.items()
    }
    return type(params).model_validate({**dict(params), **held})


class Node(NamedTuple):
    """A node of a test: its feeds by name ("grid" too) with their shares, and its bank."""

    name: str
    feeds: dict[str, float]
    behind: Behind = Behind()
    rated: float = 0.0
    law: tuple[float, float, float] = (0.0, 0.0, 0.0)
    units: int = 1


def network(nodes: list[Node]) -> Network:
    """The network of the nodes; each must stand before those that feed it."""
    place = {node.name: i for i, node in enumerate(nodes)} | {"grid": GRID}
    feeds = [[(place[f], share) for f, share in node.feeds.items()] for node in nodes]
    assert all(f == GRID or f > i for i, part in enumerate(feeds) for f, _ in part)
    n = len(nodes)
    law = np.array([node.law for node in nodes], np.float64)
    return Network(
        np.array([node.rated for node in nodes], np.float64), law[:, 0].copy(), law[:, 1].copy(), law[:, 2].copy(),
        np.full(n, np.inf), np.full(n, np.inf), np.array([node.units for node in nodes], np.int64),
        np.concatenate([[0], np.cumsum([len(part) for part in feeds])]).astype(np.int64),
        np.array([f for part in feeds for f, _ in part], np.int64),
        np.array([s for part in feeds for _, s in part], np.float64),
    )  # fmt: skip


class Bench:
    """A machine that is spoken to by names; remembers all events."""

    def __init__(self, nodes: list[Node], demand: dict[str, float], **options: Any) -> None:
        self.at = {node.name: i for i, node in enumerate(nodes)}
        self.names = [node.name for node in nodes]
        if "failing" in options:
            options["failing"] = {self.at[k]: v for k, v in options["failing"].items()}
        self.machine = Machine(network(nodes), [node.behind for node in nodes], **options)
        self.sets = {node.name for node in nodes if node.behind.generator is not None}
        self.demand = np.zeros(len(nodes))
        self.events: list[Event] = []
        self.draw(**demand)
        self.machine.advance(self.now, self.now, self.demand)

    @property
    def now(self) -> float:
        return self.machine.state.now

    def draw(self, **demand: float) -> None:
        for name, power in demand.items():
            self.demand[self.at[name]] = power

    def to(self, t: float) -> list[tuple[float, str, str]]:
        """Go on to ``t``; what happened, by name."""
        return self._kept(self.machine.advance(self.now, t, self.demand))

    def utility(self, t: float, volt: float, hertz: float | None = None) -> list[tuple[float, str, str]]:
        return self.to(t) + self._kept(self.machine.utility(t, volt, hertz))

    def lose(self, t: float, name: str, units: int = 1) -> list[tuple[float, str, str]]:
        return self.to(t) + self._kept(self.machine.lose(t, self.at[name], units))

    def lose_sets(self, t: float, name: str, sets: int) -> list[tuple[float, str, str]]:
        return self.to(t) + self._kept(self.machine.lose_sets(t, self.at[name], sets))

    def mend(self, t: float, name: str, units: int = 1) -> list[tuple[float, str, str]]:
        return self.to(t) + self._kept(self.machine.mend(t, self.at[name], units))

    def reset(self, t: float, name: str) -> list[tuple[float, str, str]]:
        return self.to(t) + self._kept(self.machine.reset(t, self.at[name]))

    def switch(self, t: float, name: str, mode: int) -> list[tuple[float, str, str]]:
        return self.to(t) + self._kept(self.machine.switch(t, self.at[name], mode))

    def _kept(self, events: list[Event]) -> list[tuple[float, str, str]]:
        self.events += events
        return [(e.t_s, self.names[e.node], e.what) for e in events]

    def when(self, what: str, name: str = "") -> list[float]:
        """All instants of an event, of a node or of any."""
        return [e.t_s for e in self.events if e.what == what and (not name or self.names[e.node] == name)]

    def who(self, what: str) -> list[str]:
        """The nodes of an event, each once, in order."""
        return list(dict.fromkeys(self.names[e.node] for e in self.events if e.what == what))

    def power(self, name: str) -> float:
        """Input of a node now, W."""
        return float(self.machine.flows.into[self.at[name]])

    def powered(self, name: str) -> bool:
        return bool(self.machine.powered[self.at[name]])

    def soc(self, name: str) -> float:
        return float(self.machine.soc[self.at[name]])

    def energy(self, name: str) -> float:
        """Energy in the store, J."""
        return float(self.machine.state.live.energy[self.at[name]])
