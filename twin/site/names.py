"""Names of a site's items, and the check of what ``telemetry.names`` calls them: twin's name to id in the telemetry.

Items are racks (``building/hall/row/place``), CDUs or manifolds (``building/hall/cdu-01``), the air of a hall
(``building/hall/air``), halls, loops (``building/loop``), elements (of the campus by their id, of a hall
``building/hall/link``). Where nothing is written the id is the twin's name.
"""

from __future__ import annotations

from collections.abc import Iterator

from twin.core.errors import did_you_mean
from twin.site.document import Path
from twin.site.lower_hall import coolant_loop_name
from twin.site.model import Site, Template
from twin.site.scope import Scope

NAMES = ("telemetry", "names")
FEW = 12


def items_of(site: Site) -> Iterator[str]:
    """Names of all items of a site, as its results and its telemetry have them."""
    for building_id, building in site.buildings.items():
        for hall_id, hall in building.halls.items():
            name = f"{building_id}/{hall_id}"
            template = site.templates.get(hall.template)
            if template is not None:
                yield from (f"{name}/{inner}" for inner in _inside(template))
            yield name
        yield from (f"{building_id}/{loop}" for loop in building.loops)
    yield from site.electrical.elements


def _inside(template: Template) -> Iterator[str]:
    """Names of what a hall of a template holds, behind the hall's."""
    for row_id, row in template.rows.items():
        racks = sum(group.count for group in row.groups)
        for n in range(1, row.count + 1):
            yield from (f"{row_id}-{n}/{place:02d}" for place in range(1, racks + 1))
    if template.liquid is not None:
        for k in range(template.liquid.coolant_loops):
            yield coolant_loop_name("", template.liquid, k).removeprefix("/")
    yield "air"
    yield from template.chain


def check_names(scope: Scope) -> None:
    """Keys of ``telemetry.names`` are items of the site, and no id is given to two of them."""
    site = scope.site
    if site.telemetry is None or not site.telemetry.names:
        return
    items = {*items_of(site), *scope.ids(("electrical", "elements"), site.electrical.elements)}
    whole = all(_elsewhere(scope, path) for path in scope.dropped)
    first: dict[str, str] = {}
    strange = 0  # of names of another site only the first are compared with ours: it takes long
    for item, id in site.telemetry.names.items():
        path = (*NAMES, item)
        if item not in items and whole:
            strange += 1
            near = did_you_mean(item, _near(item, items)) if strange <= FEW else ""
            scope.error(path, f'the site has no item "{item}"{near or _listed(items)}', key=True)
        if not id:
            scope.error(path, "expected an id of the telemetry, got an empty text")
        elif id in first:
            scope.error(path, f'"{id}" is the id of {first[id]} already: an id names one item')
        else:
            first[id] = item


def _elsewhere(scope: Scope, path: Path) -> bool:
    """Whether a faulty value changes no item: else what is named there may be right."""
    if path[0] == "buildings":
        leaf = len(path) > 5 or (len(path) == 5 and path[-1] != "template")
    elif path[0] == "templates":
        leaf = path[2:3] == ("air",) or (len(path) > 3 and path[-1] not in ("count", "manifolds", "groups"))
        leaf = leaf and not (path[2:3] in (("rows",), ("chain",)) and len(path) == 4)
    else:
        return True
    return leaf and not isinstance(scope.document.at(path), dict | list | None)


def _near(item: str, items: set[str]) -> list[str]:
    """Items that begin as ``item`` does where there are many: comparing with all would take long."""
    beginning = item[: item.rfind("/") + 1]
    return sorted(name for name in items if name.startswith(beginning)) if len(items) > 1000 else sorted(items)


def _listed(items: set[str]) -> str:
    return f" ({', '.join(sorted(items))})" if len(items) <= FEW else "; twin trace names racks building/hall/row/place"


__all__ = ["check_names", "items_of"]
