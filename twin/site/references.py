"""Check: every id that a site names exists and is of a kind that fits; every file it names is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as File

from twin.cooling.cdu import Cdu
from twin.cooling.chiller import Chiller
from twin.cooling.containment import Containment
from twin.cooling.crah import Crah
from twin.cooling.economizer import Economizer
from twin.cooling.rejection import rejection_kinds
from twin.core.errors import did_you_mean
from twin.power.psu import Psu
from twin.power.store import Store
from twin.racks.rack import Rack
from twin.site.document import Path
from twin.site.model import Building, Template
from twin.site.rated import stage_laws
from twin.site.scope import GRID, Scope, electrical_kinds
from twin.site.shipped import shipped


def check_references(scope: Scope) -> None:
    """Templates, buildings, electrical elements and files."""
    site = scope.site
    for id, element in site.electrical.elements.items():
        scope.entry(("electrical", "elements", id, "device"), element.device, *electrical_kinds())
    for id, template in site.templates.items():
        _template(scope, id, template)
    for id, building in site.buildings.items():
        _building(scope, id, building)
    _files(scope)


def _template(scope: Scope, id: str, template: Template) -> None:
    path = ("templates", id)
    for name, row in template.rows.items():
        for index, group in enumerate(row.groups):
            rack = scope.entry((*path, "rows", name, "groups", index, "rack"), group.rack, Rack)
            if rack is not None:
                _rack(scope, group.rack, rack)
    if template.liquid is not None:
        scope.entry((*path, "liquid", "cdu"), template.liquid.cdu, Cdu)
    scope.entry((*path, "air", "crah"), template.air.crah, Crah)
    if template.air.containment is not None:
        scope.entry((*path, "air", "containment"), template.air.containment, Containment)
    for name, link in template.chain.items():
        scope.entry((*path, "chain", name, "device"), link.device, *electrical_kinds())
    mechanical = [name for name, link in template.chain.items() if link.mechanical]
    for name in mechanical[1:]:
        text = f'"{mechanical[0]}" has it already: pumps and fans join behind one link only'
        scope.error((*path, "chain", name, "mechanical"), text)


def _rack(scope: Scope, id: str, rack: Rack) -> None:
    """The conversion stages and the store of a rack; faults stand in the library file, once."""
    document = scope.library.entry(id).document
    curved = 0
    found = [scope.look_up(stage.device, Psu) for stage in rack.conversion]
    laws = stage_laws(rack, scope.library) if all(psu for psu, _ in found) else []
    for index, (psu, named) in enumerate(found):
        fault = named
        if psu is not None and (psu.loss_table is not None or psu.law()[3] > 0):
            curved += 1
            fault = "more than one stage has a square-law loss: only one may" if curved > 1 else ""
        if psu is not None and psu.loss_table is not None and laws and not fault:
            fault = psu.loss_table.fit(laws[index].low, laws[index].high).fault
        problem = document.problem(("conversion", index, "device"), fault)
        if fault and problem not in scope.problems:
            scope.problems.append(problem)
    if rack.store is not None:
        fault = scope.look_up(rack.store.device, Store)[1]
        problem = document.problem(("store", "device"), fault)
        if fault and problem not in scope.problems:
            scope.problems.append(problem)


def _building(scope: Scope, id: str, building: Building) -> None:
    site, path = scope.site, ("buildings", id)
    templates = scope.ids(("templates",), site.templates)
    loads = scope.ids(("loads",), site.loads)
    feeds = [GRID, *scope.ids(("electrical", "elements"), site.electrical.elements)]
    loops = scope.ids((*path, "loops"), building.loops)
    told: set[tuple[str, str]] = set()
    for name, hall in building.halls.items():
        here = (*path, "halls", name)
        scope.reference((*here, "template"), hall.template, templates, "template")
        scope.reference((*here, "load"), hall.load, loads, "load")
        _feeds(scope, (*here, "fed_from"), hall.fed_from, feeds)
        used = scope.template_of(hall)
        if not used:
            continue
        template = site.templates[used]
        for side in ("liquid", "air"):
            part = template.liquid if side == "liquid" else template.air
            if part is not None and part.loop not in loops and (used, side) not in told:
                told.add((used, side))
                hint = did_you_mean(part.loop, loops) or f" ({', '.join(loops)})"
                text = f'building {id}, where hall {name} uses this template, has no loop "{part.loop}"{hint}'
                scope.error(("templates", used, side, "loop"), text)
    for name, loop in building.loops.items():
        at, plant = (*path, "loops", name, "plant"), loop.plant
        scope.entry((*at, "rejection", "device"), plant.rejection.device, *rejection_kinds().values())
        scope.entry((*at, "economizer"), plant.economizer, Economizer)
        if plant.chillers is not None:
            scope.entry((*at, "chillers", "device"), plant.chillers.device, Chiller)
        _feeds(scope, (*at, "fed_from"), plant.fed_from, feeds)


def _feeds(scope: Scope, path: Path, fed_from: str | Mapping[str, float] | Mapping[str, str], feeds: list[str]) -> None:
    """The campus elements that a hall (by system) or a plant (with shares) names."""
    if isinstance(fed_from, str):
        scope.reference(path, fed_from, feeds, "electrical element")
        return
    for key, value in fed_from.items():
        scope.reference((*path, key), value if isinstance(value, str) else key, feeds, "electrical element")


def _files(scope: Scope) -> None:
    names = shipped(".csv", "weather")
    weather = ("weather", "file")
    named = scope.site.weather.file
    if not scope.left_out(weather) and named not in names and not is_file(written_in(scope, weather) / named):
        hint = did_you_mean(named, names) or f" ({', '.join(names) or 'none is shipped'})"
        scope.error(weather, f'"{named}" is neither a shipped year nor a file{hint}')
    tables: dict[tuple[str, ...], str | None] = {
        ("loads", id, "csv"): load.csv for id, load in scope.site.loads.items()
    }
    templates = scope.site.templates.items()
    tables |= {("templates", id, "air", "cross_interference"): t.air.cross_interference for id, t in templates}
    for path, file in tables.items():
        if file is not None and not is_file(written_in(scope, path) / file):
            scope.error(path, f'there is no file "{file}" beside {scope.document.marks[path].file}')


def written_in(scope: Scope, path: tuple[str | int, ...]) -> File:
    """The folder of the file in which the value at ``path`` is written: relative paths start there."""
    mark = scope.document.marks.get(path)
    return scope.folders.get(mark.file if mark else scope.document.file, File())


def is_file(path: File) -> bool:
    """True for a file; names that no file can have are none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
