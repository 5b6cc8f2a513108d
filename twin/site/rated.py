"""Rated power and heat of racks and templates: sums of library figures, at full load.

Equations::

    P_ac    = psu_n(... psu_1(P_rated))       psu(P) = P + n P_r (a + b x + c x^2) + P_added,   x = P / (n P_r)
    Q_liquid = liquid_share P_ac              Q_air = P_ac - Q_liquid

Source: ``twin.racks.rack`` and ``twin.power.loss``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from twin.cooling.rejection import Rejection, rejection_kinds
from twin.power.psu import Psu
from twin.racks.rack import Rack
from twin.site.library import Library
from twin.site.model import Template


@dataclass(frozen=True)
class Rated:
    """Rated quantities of a rack, or of a hall's racks; powers in kW at the AC input of the racks."""

    racks: int
    systems: int
    it_kw: float
    liquid_kw: float

    @property
    def air_kw(self) -> float:
        """Heat that leaves by the air, kW."""
        return self.it_kw - self.liquid_kw


def rack_counts(template: Template) -> dict[str, int]:
    """Racks of a hall by library id, in the order of the rows."""
    counts: Counter[str] = Counter()
    for row in template.rows.values():
        for group in row.groups:
            counts[group.rack] += row.count * group.count
    return dict(counts)


class StageLaw(NamedTuple):
    """A conversion stage of a rack: its loss law for all its devices together, and the loads that the rack puts on it.

    ``rated_kw`` of all devices; ``low``, ``high`` output per rating at idle and at rated power.
    """

    rated_kw: float
    a: float
    b: float
    c: float
    added_kw: float
    low: float
    high: float

    def into(self, out_kw: float) -> float:
        """Power into the stage and what joins behind it, kW."""
        x = out_kw / self.rated_kw
        return out_kw + self.rated_kw * (self.a + x * (self.b + x * self.c)) + self.added_kw


def stage_laws(rack: Rack, library: Library) -> list[StageLaw]:
    """The conversion stages of a rack, from the load upward."""
    low, high = rack.idle_power_kw.value, rack.rated_power_kw.value
    made = []
    for stage in rack.conversion:
        device = library.get(stage.device, Psu)
        rated = device.rated_kw.value * stage.count
        _, a, b, c = device.law(low / rated, high / rated)
        added = stage.added_load_kw.value if stage.added_load_kw else 0.0
        made.append(StageLaw(rated, a, b, c, added, low / rated, high / rated))
        low, high = made[-1].into(low), made[-1].into(high)
    return made


def rated_rack(rack: Rack, library: Library, load: float = 1.0) -> Rated:
    """One rack at its rated power, or at another utilisation 0..1."""
    idle = rack.idle_power_kw.value
    power = rack.rated_power_kw.value if load == 1.0 else idle + load * (rack.rated_power_kw.value - idle)
    for stage in stage_laws(rack, library):
        power = stage.into(power)
    return Rated(1, rack.systems, power, power * rack.liquid_share.value)


def rejection_of(id: str, library: Library) -> Rejection:
    """The tower or dry cooler ``id``. Raises :class:`InputError` for an id that is none."""
    bank = library.get(id, *rejection_kinds())
    assert isinstance(bank, Rejection)
    return bank


def rated_hall(template: Template, library: Library) -> Rated:
    """All racks of a hall at their rated power. Raises :class:`InputError` for ids that are no racks."""
    racks = systems = 0
    it_kw = liquid_kw = 0.0
    for id, count in rack_counts(template).items():
        one = rated_rack(library.get(id, Rack), library)
        racks += count
        systems += count * one.systems
        it_kw += count * one.it_kw
        liquid_kw += count * one.liquid_kw
    return Rated(racks, systems, it_kw, liquid_kw)
