"""A bank of the one-line diagram and what stands around it: pure data, and what the library says of a device.

A rating is what the entry of a device states under ``rated_*`` or ``power_kw``; an entry without has none, and
the picture says so. Ratings in units of their own; powers in W inside, kW in :class:`Load`.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.core.params import Params, quantity_of
from twin.power.loss import LossLaw, input_power
from twin.power.transformer import Transformer
from twin.site.library import Library
from twin.site.model import Backed, ChainLink, Element


@dataclass(frozen=True)
class Part:
    """What stands behind a bank: its breaker, its store, its generators. ``rating`` is empty where none is known."""

    role: str
    device: str
    count: int
    rating: str


@dataclass(frozen=True)
class Bank:
    """Equal units on one busbar. Loadings are per rating; None: not known, or nothing is left.

    ``ideal``: a device without rating that loses nothing. ``least``: loads of unknown power hang on it, so loadings are
    lower bounds. ``system``: its letter where there are several side by side; ``reserve``: it stands by.
    """

    key: str
    id: str
    device: str
    kind: str
    units: int
    rating: str
    normal: float | None = None
    one_lost: float | None = None
    system_lost: float | None = None
    least: bool = False
    ideal: bool = False
    system: str = ""
    reserve: bool = False
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Load:
    """What takes power: racks, halls, pumps and fans, a plant; ``kw`` None where it is no rating.

    ``role`` ``transfer``: static transfer switches, which pass on what they take.
    """

    key: str
    role: str
    title: str
    kw: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """``source`` feeds ``target`` with this share of what it takes; 0 stands by."""

    source: str
    target: str
    share: float


@dataclass(frozen=True)
class Source:
    """What feeds a drawing from outside: a key of its feeds, and what that is."""

    key: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """One picture: ``banks`` and ``loads`` in order of feeding; ``rows`` of keys where it is laid out by rows."""

    key: str
    title: str
    sources: tuple[Source, ...]
    banks: tuple[Bank, ...]
    loads: tuple[Load, ...]
    feeds: tuple[Feed, ...]
    rows: tuple[tuple[str, ...], ...] = ()


def limit_w(library: Library, item: Element | ChainLink, power_factor: float) -> float:
    """Largest active output of one unit, W."""
    device = library.get(item.device)
    assert isinstance(device, LossLaw | Transformer)
    return device.limit_w(power_factor)


def input_w(library: Library, item: Element | ChainLink, out: float, power_factor: float, units: int = 0) -> float:
    """Power into ``units`` (0: all) of an element that delivers ``out`` together, W."""
    device = library.get(item.device)
    assert isinstance(device, LossLaw | Transformer)
    rated, a, b, c = device.law(power_factor)
    return float(input_power(out, rated * (units or item.count), a, b, c)) if out > 0.0 else 0.0


def is_ideal(library: Library, item: Element | ChainLink) -> bool:
    """True for a connection that loses nothing: its rating means nothing."""
    return limit_w(library, item, 1.0) == input_w(library, item, limit_w(library, item, 1.0), 1.0, 1)


def parts_of(library: Library, item: Backed) -> tuple[Part, ...]:
    """Breaker, store and generators of an element."""
    found = [("breaker", item.breaker, 1)] if item.breaker else []
    found += [("store", item.store.device, item.store.count)] if item.store else []
    found += [("generator", item.generators.device, item.generators.count)] if item.generators else []
    return tuple(Part(role, device, count, rating_of(library, device)) for role, device, count in found)


def rating_of(library: Library, device: str) -> str:
    """The rating of one unit with its unit; empty where its entry has none."""
    params = library.get(device)
    for key, figure in params.figures().items():
        if key.startswith("rated_") or key == "power_kw":
            return _scaled(figure.value, _unit(params, key))
    return ""


def _unit(params: Params, key: str) -> str:
    quantity = quantity_of(type(params), key)
    return "" if quantity is None or quantity.unit == "1" else quantity.unit


def _scaled(value: float, unit: str) -> str:
    """Thousands of a kilo-unit are mega-units."""
    if unit.startswith("k") and value >= 1000.0:
        return f"{value / 1e3:,.5g} M{unit[1:]}"
    return f"{value:,.5g} {unit}".rstrip()


__all__ = [
    "Bank",
    "Drawing",
    "Feed",
    "Load",
    "Part",
    "Source",
    "input_w",
    "is_ideal",
    "limit_w",
    "parts_of",
    "rating_of",
]
