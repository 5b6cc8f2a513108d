"""A site before and after some halls change what they serve with, side by side and apart from the rest.

What changes hands is a *group*: the halls that are converted, those that the new layout names besides, and every split
service that loses systems to it. In both sites the group has its own classes of requests (``chat~``), so what it serves
is not mixed with what the rest of the campus does; colocated services give away their halls and go on with the others.
Routing is in proportion in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from twin.core.errors import Faults, did_you_mean, one, option
from twin.inference.memory import too_small
from twin.inference.model import Model
from twin.inference.serving import Serving
from twin.site.inference_model import Inference, Service, Systems
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.lower_fleet import members, pool_of
from twin.site.model import Site
from twin.site.rated import rack_counts
from twin.site.serving_site import systems_of

# Marks what belongs to the group; no id of a site can end so.
MARK = "~"
NEW = f"converted{MARK}"
FORM = "expected a serving configuration, or PREFILL[@HALL,...]+DECODE[@HALL,...]"
Racks = set[tuple[str, str]]  # (building/hall, rack)


@dataclass(frozen=True)
class Part:
    """One side of the new layout: a serving configuration, and the halls it is put on."""

    serving: str
    halls: tuple[str, ...]


@dataclass(frozen=True)
class Conversion:
    """Two sites that differ in their group alone.

    ``slices`` says which service of the site each service of the group before was, and whether it is all of it.
    ``halls`` are all halls that change, ``parts`` the new layout.
    """

    before: LoadedSite
    after: LoadedSite
    slices: Mapping[str, str]
    group_after: tuple[str, ...]
    classes: tuple[str, ...]
    halls: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def replaced(self) -> tuple[str, ...]:
        """Services of the group that are not there any more."""
        return tuple(id for id in self.slices if id not in self.group_after)

    def name(self, id: str) -> str:
        """A service of the group as people know it; the new one by the only service that it takes the place of."""
        if id == NEW and len(self.replaced) == 1:
            return self.replaced[0].removesuffix(MARK)
        return id.removesuffix(MARK)


def conversion(loaded: LoadedSite, halls: Sequence[str], service: str | None, layout: str) -> Conversion:
    """The two sites. Raises ``InputError`` for halls that serve nothing, and for a layout that cannot be put there."""
    site, library = loaded.site, loaded.library
    if site.inference is None:
        raise one("the site has no inference load: its halls serve nothing that could be converted", path="inference")
    faults = Faults()
    chosen = faults.of(_chosen, site, tuple(halls), service)
    asked = faults.of(_read, layout, site, library)
    faults.tell()
    assert chosen is not None
    assert asked is not None
    owner = _owners(site, library)
    parts = _placed(site, library, asked, chosen, owner)
    taken = {(hall, rack) for part in parts for hall in part.halls for rack in _racks(site, library, part, hall)}
    mix = _mix(site, library, [cell for cell in taken if cell[0] in chosen], owner)
    touched = {id: site.inference.services[id] for id in site.inference.services if id in {*_values(owner, taken)}}
    before, slices, after = _sides(site, library, touched, taken)
    after[NEW] = _new(parts, mix)
    classes = tuple(dict.fromkeys(c for id in (*slices, NEW) for c in {**before, **after}[id].mix))
    rest = {id: s for id, s in site.inference.services.items() if id not in touched}
    group_after = tuple(id for id in after if id == NEW or id in slices)
    made = [
        _variant(loaded, rest | side, group, classes) for side, group in ((before, tuple(slices)), (after, group_after))
    ]
    changed = tuple(dict.fromkeys(hall for hall, _ in sorted(taken, key=lambda cell: (cell[0] not in chosen, cell))))
    return Conversion(made[0], made[1], slices, group_after, classes, changed, parts)


def _chosen(site: Site, halls: tuple[str, ...], service: str | None) -> tuple[str, ...]:
    """The halls that are converted."""
    assert site.inference is not None
    if bool(halls) == (service is not None):
        raise one(f"give either {option('hall=')} or {option('service=')}", path=option("hall="))
    if service is None:
        _known_halls(site, halls, option("hall="))
        return halls
    known = site.inference.services
    if service not in known:
        hint = did_you_mean(service, known) or f"; expected one of {', '.join(known)}"
        raise one(f'the site has no service "{service}"{hint}', path=option("service="))
    pools = known[service].pools(service).values()
    return tuple(dict.fromkeys(name for systems in pools for name, _ in members(site, systems)))


def _known_halls(site: Site, halls: Iterable[str], place: str) -> None:
    known = [f"{b}/{h}" for b, building in site.buildings.items() for h in building.halls]
    wrong = [hall for hall in halls if hall not in known]
    if wrong:
        hint = did_you_mean(wrong[0], known) or f"; expected building/hall, as {known[0]}"
        raise one(f'the site has no hall "{wrong[0]}"{hint}', path=place)


def _read(layout: str, site: Site, library: Library) -> list[Part]:
    """The parts of a layout as they are written, prefill first."""
    place, texts = option("to="), layout.split("+")
    if len(texts) > 2 or not all(texts):
        raise one(f'"{layout}" is no layout, {FORM}', path=place)
    found = []
    for text, phase in zip(texts, ["colocated"] if len(texts) == 1 else ["prefill", "decode"], strict=True):
        id, at, named = text.partition("@")
        halls = tuple(named.split(",")) if at else ()
        _known_halls(site, halls, place)
        if id not in library.ids(Serving):
            raise one(f'the library has no serving configuration "{id}"{library.near(id, Serving)}', path=place)
        serving = library.get(id, Serving)
        model = library.get(serving.model, Model)
        if serving.phase != phase and not (phase == "colocated" and serving.phase == "prefill" and _draws(model)):
            wanted = f"here one that is {phase} is expected"
            both = f'; {FORM}, as "{id}+..."' if phase == "colocated" else ""
            raise one(f'"{id}" is {serving.phase}, {wanted}{both}', path=place)
        short = too_small(id, model, serving)
        if short is not None:
            raise one(short, path=place)
        found.append(Part(id, halls))
    if len(found) == 2:
        models = [library.get(part.serving, Serving).model for part in found]
        if models[0] != models[1]:
            raise one(f"prefill of {models[0]} does not go with decode of {models[1]}: one model", path=place)
    return found


def _draws(model: Model) -> bool:
    """Whether a model makes pictures: a request is one long prefill, there are no tokens one by one."""
    return model.kv_bytes_token.value == 0.0


def _placed(
    site: Site, library: Library, asked: list[Part], chosen: tuple[str, ...], owner: Mapping[tuple[str, str], str]
) -> tuple[Part, ...]:
    """The parts with their halls: those that are named, else those of the converted ones that have the racks."""
    problems, made = Faults(), []
    for part in asked:
        halls = part.halls or tuple(hall for hall in chosen if _racks(site, library, part, hall))
        problems.of(_has_racks, site, library, part, part.halls or chosen, bool(part.halls), bool(halls))
        made.append(Part(part.serving, halls))
    used = {hall for part in made for hall in part.halls}
    for hall in chosen:
        problems.of(_serves, site, hall, owner)
        if hall not in used and not problems.problems:
            problems.of(_refuse, f'hall {hall} has no rack that "{asked[-1].serving}" runs on: leave it out')
    problems.tell()
    for part in made:
        problems.of(_replica, site, library, part)
    before = {owner[hall, rack] for hall in chosen for rack in _kinds(site, hall) if (hall, rack) in owner}
    problems.of(_same_kind_of_answer, site, library, made, before)
    problems.tell()
    return tuple(made)


def _replica(site: Site, library: Library, part: Part) -> None:
    """Raise ``InputError`` where the halls of a part do not hold one replica."""
    serving = library.get(part.serving, Serving)
    systems = systems_of(site, library, Systems(serving=part.serving, halls=list(part.halls)), serving)
    if systems < serving.systems_per_replica * (1.0 - 1e-9):
        takes = f"a replica of {part.serving} takes {serving.systems_per_replica:g}"
        raise one(f"{', '.join(part.halls)} hold {systems} systems, {takes}", path=option("to="))


def _same_kind_of_answer(site: Site, library: Library, parts: list[Part], services: set[str]) -> None:
    """Raise ``InputError`` where what makes tokens is asked for pictures, or the other way round."""
    assert site.inference is not None
    new = _draws(library.get(library.get(parts[0].serving, Serving).model, Model))
    for id in sorted(services):
        for systems in site.inference.services[id].pools(id).values():
            taken = any(set(library.get(systems.serving, Serving).racks) & _racks(site, library, p, h)
                        for p in parts for h in p.halls)  # fmt: skip
            if taken and _draws(library.get(library.get(systems.serving, Serving).model, Model)) != new:
                kinds = ("pictures", "tokens") if new else ("tokens", "pictures")
                raise one(f"{parts[0].serving} makes {kinds[0]}, {id} is asked for {kinds[1]}", path=option("to="))


def _has_racks(site: Site, library: Library, part: Part, halls: tuple[str, ...], named: bool, any_: bool) -> None:
    """Raise ``InputError`` where a part has nothing to run on, with what does run there."""
    lacking = [hall for hall in halls if not _racks(site, library, part, hall)] if named or not any_ else []
    if not lacking:
        return
    hall = lacking[0]
    racks = _kinds(site, hall)
    serving = library.get(part.serving, Serving)
    fits = [
        id
        for id in library.ids(Serving)
        if library.get(id, Serving).phase == serving.phase and set(library.get(id, Serving).racks) & racks
    ]
    elsewhere = "" if serving.phase == "colocated" else "; or name halls with @"
    raise one(
        f'"{part.serving}" runs on {", ".join(serving.racks)}, hall {hall} has {", ".join(sorted(racks))}, on which '
        f"these run: {', '.join(fits) or 'none'}{elsewhere}",
        path=option("to="),
    )


def _serves(site: Site, hall: str, owner: Mapping[tuple[str, str], str]) -> None:
    if not any((hall, rack) in owner for rack in _kinds(site, hall)):
        assert site.inference is not None
        services = ", ".join(site.inference.services)
        raise one(f"hall {hall} is in no service, it follows a utilisation curve; services: {services}",
                  path=option("hall="))  # fmt: skip


def _refuse(what: str) -> None:
    raise one(what, path=option("to="))


def _kinds(site: Site, hall: str) -> set[str]:
    """Ids of the racks of a hall."""
    building, _, name = hall.partition("/")
    template = site.templates[site.buildings[building].halls[name].template]
    return {group.rack for row in template.rows.values() for group in row.groups}


def _racks(site: Site, library: Library, part: Part, hall: str) -> set[str]:
    """Racks of a hall that a part runs on."""
    return set(library.get(part.serving, Serving).racks) & _kinds(site, hall)


def _owners(site: Site, library: Library) -> dict[tuple[str, str], str]:
    """The service of each (hall, rack) that serves."""
    assert site.inference is not None
    service = {pool: id for id, s in site.inference.services.items() for pool in s.pools(id)}
    return {cell: service[pool] for cell, pool in pool_of(site, library).items()}


def _values(owner: Mapping[tuple[str, str], str], taken: Racks) -> list[str]:
    return [owner[cell] for cell in sorted(taken) if cell in owner]


def _mix(
    site: Site, library: Library, cells: list[tuple[str, str]], owner: dict[tuple[str, str], str]
) -> dict[str, float]:
    """What the converted racks are asked for: the mixes of their services, each by its number of racks."""
    assert site.inference is not None
    weight: dict[str, float] = {}
    for hall, rack in sorted(cells):
        building, _, name = hall.partition("/")
        count = rack_counts(site.templates[site.buildings[building].halls[name].template]).get(rack, 0)
        id = owner.get((hall, rack))
        if id is not None:
            weight[id] = weight.get(id, 0.0) + float(count)
    if not weight:
        raise one("none of the racks that the layout runs on serves anything now", path=option("to="))
    mix: dict[str, float] = {}
    whole = sum(weight.values())
    for id, racks in weight.items():
        shares = site.inference.services[id].mix
        for c, share in shares.items():
            mix[c] = mix.get(c, 0.0) + racks / whole * share / sum(shares.values())
    return mix


def _sides(
    site: Site, library: Library, touched: Mapping[str, Service], taken: Racks
) -> tuple[dict[str, Service], dict[str, str], dict[str, Service]]:
    """Services before, which of them are the group and of which service, and what is left of them after."""
    before: dict[str, Service] = {}
    slices: dict[str, str] = {}
    after: dict[str, Service] = {}
    for id, service in touched.items():
        kept = {pool: _without(site, library, systems, taken) for pool, systems in service.pools(id).items()}
        if service.serve is not None:
            (left,) = kept.values()
            gone = _halls(site, service.serve, [h for h in _names(site, service.serve) if h not in (left or ())])
            before[id + MARK], slices[id + MARK] = service.model_copy(update={"serve": gone}), id
            if left:
                rest = service.model_copy(update={"serve": _halls(site, service.serve, left)})
                before[id], after[id] = rest, rest
            continue
        before[id + MARK], slices[id + MARK] = service, id
        empty = [pool for pool, left in kept.items() if not left]
        if len(empty) == 1:
            what = f"{empty[0]} would have no hall left while the other side of {id} stands: convert both of its sides"
            raise one(what, path=option("to="))
        if not empty:
            pools = dict(zip(("prefill", "decode"), service.pools(id).items(), strict=True))
            change = {side: _halls(site, systems, kept[pool] or []) for side, (pool, systems) in pools.items()}
            after[id + MARK] = service.model_copy(update=change)
    return before, slices, after


def _names(site: Site, systems: Systems) -> list[str]:
    return [name for name, _ in members(site, systems)]


def _halls(site: Site, systems: Systems, halls: Sequence[str]) -> Systems:
    return systems.model_copy(update={"templates": [], "halls": list(halls)})


def _without(site: Site, library: Library, systems: Systems, taken: Racks) -> list[str]:
    """The halls of a pool without those that are taken. Raises ``InputError`` where only some racks of a hall are."""
    left = []
    for hall in _names(site, systems):
        racks = _racks(site, library, Part(systems.serving, ()), hall)
        gone = {rack for rack in racks if (hall, rack) in taken}
        if gone and gone != racks:
            raise one(
                f"the layout runs on {', '.join(sorted(gone))} of hall {hall}, which serve together with "
                f"{', '.join(sorted(racks - gone))}", path=option("to="),
            )  # fmt: skip
        if not gone:
            left.append(hall)
    return left


def _new(parts: tuple[Part, ...], mix: dict[str, float]) -> Service:
    systems = [Systems(serving=part.serving, halls=list(part.halls)) for part in parts]
    if len(systems) == 1:
        return Service(serve=systems[0], mix=mix)
    return Service(prefill=systems[0], decode=systems[1], mix=mix)


def _variant(
    loaded: LoadedSite, services: dict[str, Service], group: tuple[str, ...], classes: tuple[str, ...]
) -> LoadedSite:
    """The site with these services, those of the group asked for their own classes."""
    spec = loaded.site.inference
    assert spec is not None
    named = {
        id: s.model_copy(update={"mix": {c + MARK: share for c, share in s.mix.items()}}) if id in group else s
        for id, s in services.items()
    }
    demand = spec.demand | {c + MARK: spec.demand[c] for c in classes}
    changed: Inference = spec.model_copy(update={"policy": "proportional", "services": named, "demand": demand})
    return replace(loaded, site=loaded.site.model_copy(update={"inference": changed}))


__all__ = ["MARK", "NEW", "Conversion", "Part", "conversion"]
