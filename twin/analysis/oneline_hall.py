"""A hall in the one-line diagram: the systems of its chain side by side, its racks on their cords.

Equations (S systems that carry, k the cord share, all pairs of systems in turn)::

    share of system j   = (k per pair of which it is the first + (1 - k) per pair of which it is the second)/pairs
    once i is lost      = the same, and each pair with i gives all of it to the other
    with a reserve      = 1/S each; the reserve takes what the lost one carried
    one unit lost       = normal n/(n - 1) on a busbar; of a single unit what the other systems then carry; where units
                          feed racks of their own, what their fullest partner then carries (of the unit, not the bank)
    system lost, own    = the same of the fullest unit, with all units of one system gone

Source: physics sheet 1.3 (2N 50 %, 3N2 66.7 %, 4N3 75 % of what one system can carry, 100 % after one is lost).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from string import ascii_uppercase

from twin.analysis.oneline_bank import (
    Bank,
    Drawing,
    Feed,
    Load,
    Source,
    input_w,
    is_ideal,
    limit_w,
    parts_of,
    rating_of,
)
from twin.cooling.cdu import Cdu
from twin.cooling.crah import Crah
from twin.core.units import KPA, KW, LPM
from twin.site.cords import blocks
from twin.site.library import Library
from twin.site.model import ChainLink, Hall, Site, Template
from twin.site.rated import rack_counts, rated_hall
from twin.site.systems import letters_of, one_cord


def hall_drawing(site: Site, library: Library, id: str, halls: Mapping[str, Hall]) -> tuple[Drawing, float]:
    """The drawing of a template as ``halls`` have it, and the power into one of them, W."""
    template = site.templates[id]
    chain = _Chain(library, id, template, site.electrical.power_factor)
    named = [name for name, link in template.chain.items() if link.mechanical]
    joins = (named or list(template.chain))[-1:]  # the top link where none says that pumps and fans join there
    for name, link in template.chain.items():
        chain.add(name, link, mechanical=name in joins)
    sources = chain.close([_above(halls.values(), letter) for letter in letters_of(template)])
    title = f"{len(halls)} x hall {id}, each" if len(halls) > 1 else f"hall {', '.join(halls)} ({id})"
    rows = tuple(tuple(row) for row in reversed(chain.rows))
    drawing = Drawing(id, title, sources, tuple(chain.banks), tuple(chain.loads), tuple(chain.feeds), rows)
    return drawing, sum(chain.flow)


def _above(halls: Iterable[Hall], letter: str) -> str:
    """What feeds this system of the halls."""
    named = (h.fed_from if isinstance(h.fed_from, str) else h.fed_from[letter] for h in halls)
    return ", ".join(dict.fromkeys(named))


def shares(systems: int, reserve: int, cord_share: float, lost: int | None = None) -> list[float]:
    """What each system carries of the racks, with system ``lost`` gone; sums to 1 while one that may carry is left."""
    carry = systems - reserve
    made = [0.0] * systems
    if reserve or carry == 1:
        for j in range(carry):
            made[carry if j == lost and reserve else j] += 0.0 if j == lost and not reserve else 1.0 / carry
        return made
    pairs = list(combinations(range(carry), 2))
    for first, second in pairs:
        parts = {first: cord_share, second: 1.0 - cord_share}
        if lost in parts:
            parts = {j: float(j != lost) for j in parts}
        for j, part in parts.items():
            made[j] += part / len(pairs)
    return made


def fullest_units(template: Template, racks: int) -> list[tuple[float, float]]:
    """Of units that feed racks of their own, by system: share of the hall's racks on the fullest unit.

    First with any one unit lost, then with any one system lost; racks on two cords go over to their other one.
    """
    systems = next(iter(template.chain.values())).systems
    normal: defaultdict[tuple[int, int], float] = defaultdict(float)
    over: defaultdict[tuple[int, int], defaultdict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
    for block in blocks(template, 0, racks):
        (a, first), (b, second) = (((cord.system, cord.unit), cord.share) for cord in block.cords)
        part = len(block.racks) / racks
        normal[a] += first * part
        normal[b] += second * part
        over[a][b] += second * part
        over[b][a] += first * part
    found = []
    for j in range(systems):
        own = [unit for unit in normal if unit[0] == j]
        one = max(normal[unit] + max(over[unit].values()) for unit in own)
        system = max(
            normal[unit] + sum(part for lost, part in over[unit].items() if lost[0] == i)
            for unit in own for i in range(systems)
        )  # fmt: skip
        found.append((one, system))
    return found


def mechanical_kw(template: Template, library: Library) -> float:
    """Rated power of the pumps of the hall's CDUs and of the fans of its air handlers, kW."""
    crah = library.get(template.air.crah, Crah)
    power = crah.fan_kw.value * template.air.count
    if template.liquid is not None:
        cdu = library.get(template.liquid.cdu, Cdu)
        flow = cdu.secondary_flow_lpm.value * LPM
        power += template.liquid.count * flow * cdu.external_head_kpa.value * KPA / cdu.pump_efficiency.value / KW
    return power


class _Chain:
    """The chain from the racks upward: what flows in each system, and the banks so far."""

    def __init__(self, library: Library, id: str, template: Template, power_factor: float) -> None:
        self.library, self.id, self.template, self.power_factor = library, id, template, power_factor
        self.banks: list[Bank] = []
        self.loads: list[Load] = []
        self.feeds: list[Feed] = []
        self.rows: list[list[str]] = []
        lowest = next(iter(template.chain.values()), None)
        self.systems, self.reserve = (lowest.systems, lowest.reserve) if lowest else (1, 0)
        racks = rated_hall(template, library)
        watts = self.racks_w = racks.it_kw * KW
        self.one_cord = one_cord(template)
        carry, held = self.systems, self.reserve
        lost = [*range(self.systems)] if self.systems > 1 else []
        # By the system that is lost; racks with one cord go with it, unless their own link has one in reserve.
        if self.one_cord and not held and lost:
            self.flow = [watts / carry] * carry
            self.worst = [[watts / carry * (j != i) for j in range(carry)] for i in lost]
        else:
            self.flow = [watts * part for part in shares(carry, held, template.cord_share)]
            self.worst = [[watts * part for part in shares(carry, held, template.cord_share, i)] for i in lost]
        self._racks(racks.it_kw)

    def _racks(self, kw: float) -> None:
        counts = rack_counts(self.template)
        notes = [f"{n} x {rack}" for rack, n in counts.items()]
        letters = ascii_uppercase[: self.systems]
        if self.systems > 1 and not self.one_cord:
            notes.append("two cords: " + ", ".join(a + b for a, b in combinations(letters, 2)))
        elif self.systems > 1:
            notes.append("one cord")
        key = f"{self.id}/racks"
        self.loads.append(Load(key, "racks", f"{sum(counts.values()):,} racks", kw, tuple(notes)))
        self.rows.append([key])
        self.waiting = [[(key, 1.0 / self.systems)] for _ in range(self.systems)]
        if self.reserve:
            carry = self.systems - self.reserve
            self._switch(key, f"{', '.join(letters[:carry])}, else {', '.join(letters[carry:])}")

    def _switch(self, racks: str, note: str) -> None:
        """Static transfer switches between the systems and the racks."""
        key = f"{self.id}/transfer"
        self.loads.append(Load(key, "transfer", "static transfer switches (STS)", None, (note,)))
        self.feeds.append(Feed(key, racks, 1.0))
        self.rows.append([key])
        self.waiting = [[(key, float(part > 0.0))] for part in self.flow]

    def add(self, name: str, link: ChainLink, *, mechanical: bool) -> None:
        """One link, above what is there."""
        if link.reserve and link.systems == len(self.flow) + link.reserve:
            self._stand_by(link.reserve)
        elif link.systems != len(self.flow):
            self._join(link.systems)
        if mechanical:
            self._mechanical()
        keys = []
        own_reserve = link.reserve or (self.reserve if link.systems == self.systems else 0)
        for j in range(link.systems):
            letter = ascii_uppercase[j] if link.systems > 1 else ""
            key = f"{self.id}/{name}" + (f"/{letter}" if letter else "")
            keys.append(key)
            self.banks.append(self._bank(key, name, link, j, letter, stands_by=j >= link.systems - own_reserve))
            self.feeds += [Feed(key, below, share) for below, share in self.waiting[j]]
        self.rows.append(keys)
        self.waiting = [[(key, 1.0)] for key in keys]
        units = link.count // link.systems
        self.flow = [input_w(self.library, link, out, self.power_factor, units) for out in self.flow]
        self.worst = [[input_w(self.library, link, out, self.power_factor, units) for out in one] for one in self.worst]

    def _stand_by(self, reserve: int) -> None:
        """Beside the systems below stand others that take over what one of them carried."""
        held = [0.0] * (reserve - 1)
        self.worst = [
            [*(0.0 if j == lost else watts for j, watts in enumerate(self.flow)), self.flow[lost], *held]
            for lost in range(len(self.flow))
        ]
        below = [(key, 0.0) for items in self.waiting for key, _ in items]
        self.waiting = [*self.waiting, *(list(below) for _ in range(reserve))]
        self.flow = [*self.flow, *([0.0] * reserve)]

    def _join(self, systems: int) -> None:
        """All that is below meets on the busbars of another number of systems."""
        below = [item for items in self.waiting for item in items]
        self.waiting = [below if j == 0 or systems > 1 else [] for j in range(systems)]
        self.flow = [sum(self.flow) / systems] * systems
        self.worst = [[sum(one) / systems] * systems for one in self.worst] if systems > 1 else []

    def _mechanical(self) -> None:
        """Pumps and fans join on the busbars of this link, evenly over the systems that carry."""
        kw = mechanical_kw(self.template, self.library)
        key = f"{self.id}/mechanical"
        liquid, air = self.template.liquid, self.template.air
        notes = ([f"{liquid.count} x {liquid.cdu}"] if liquid else []) + [f"{air.count} x {air.crah}"]
        self.loads.append(Load(key, "mechanical", "pumps and fans", kw, tuple(notes)))
        self.rows[-1].append(key)
        carry = [j for j, watts in enumerate(self.flow) if watts > 0.0]
        for j in carry:
            self.flow[j] += kw * KW / len(carry)
            self.waiting[j].append((key, 1.0 / len(carry)))
        for one in self.worst:
            live = [j for j, watts in enumerate(one) if watts > 0.0]
            for j in live:
                one[j] += kw * KW / len(live)

    def _bank(self, key: str, name: str, link: ChainLink, j: int, letter: str, *, stands_by: bool) -> Bank:
        units = link.count // link.systems
        ideal = is_ideal(self.library, link)
        limit = limit_w(self.library, link, self.power_factor) * units
        normal = None if ideal else self.flow[j] / limit
        lost = max((one[j] for one in self.worst), default=None)
        system = None if ideal or lost is None else lost / limit
        shared = units > 1 and not link.own
        one_lost = normal * units / (units - 1) if shared and normal is not None else system
        if link.own and not (ideal or self.one_cord):
            one, whole = fullest_units(self.template, sum(rack_counts(self.template).values()))[j]
            one_lost, system = (self.racks_w * part * units / limit for part in (one, whole))
        return Bank(
            key, name, link.device, self.library.get(link.device).kind, units, rating_of(self.library, link.device),
            normal, one_lost, system, ideal=ideal, system=letter, reserve=stands_by,
            parts=parts_of(self.library, link),
        )  # fmt: skip

    def close(self, above: Sequence[str]) -> tuple[Source, ...]:
        """What feeds the hall, ``above`` by system, feeds the links on top; without any, the racks, pumps and fans."""
        if not self.template.chain:
            self._mechanical()
        for feeder, items in zip(above, self.waiting, strict=True):
            self.feeds += [Feed(f"{self.id}/feed/{feeder}", key, share) for key, share in items]
        return tuple(Source(f"{self.id}/feed/{feeder}", (f"from {feeder}",)) for feeder in dict.fromkeys(above))


__all__ = ["fullest_units", "hall_drawing", "mechanical_kw", "shares"]
