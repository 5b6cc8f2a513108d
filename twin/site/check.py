"""Everything that is wrong with a site beyond its form, and what is suspicious: all at once."""

from __future__ import annotations

from twin.core.errors import InputError
from twin.site.capacity import check_capacity
from twin.site.check_air import check_air
from twin.site.check_grid import check_grid
from twin.site.check_inference import check_inference
from twin.site.check_liquid import check_liquid
from twin.site.check_power import check_independence, check_power
from twin.site.check_redundancy import check_redundancy
from twin.site.feeds import check_feeds
from twin.site.fit import check_fit
from twin.site.names import check_names
from twin.site.rated import rated_hall
from twin.site.references import check_references
from twin.site.scope import Scope

MAX_RACKS = 2_000_000
MAX_CDUS = 200_000


def check(scope: Scope) -> None:
    """Note every error and warning in ``scope.problems``. Sizes come first: nothing absurd is ever expanded."""
    if _absurd(scope):
        return
    check_references(scope)
    check_feeds(scope)
    check_power(scope)
    check_fit(scope)
    check_liquid(scope)
    check_air(scope)
    check_inference(scope)
    check_grid(scope)
    check_names(scope)
    if scope.whole:
        check_contract(scope)
        check_capacity(scope)
        check_independence(scope)
        check_redundancy(scope)


def _absurd(scope: Scope) -> bool:
    """True, with an error noted, when the site is larger than any that can be meant."""
    racks = cdus = 0
    for building in scope.site.buildings.values():
        for hall in building.halls.values():
            template = scope.site.templates.get(hall.template)
            if template is not None:
                rows = template.rows.values()
                racks += sum(row.count * sum(group.count for group in row.groups) for row in rows)
                cdus += template.liquid.count if template.liquid else 0
    before = len(scope.problems)
    for count, limit, what in ((racks, MAX_RACKS, "racks"), (cdus, MAX_CDUS, "CDUs")):
        if count > limit:
            scope.error(("buildings",), f"the halls hold {count:,} {what}, at most {limit:,} are supported", key=True)
    return len(scope.problems) > before


def check_contract(scope: Scope) -> None:
    """Warn of halls before the first tranche, and of rated IT power above the contract in force."""
    site = scope.site
    tranches = site.contract.tranches
    started: list[tuple[str, float]] = []
    for id, building in site.buildings.items():
        for name, hall in building.halls.items():
            if hall.energised_on < tranches[0].start:
                text = f"energised before the first contracted power ({tranches[0].start})"
                scope.warn(("buildings", id, "halls", name, "energised_on"), text)
            try:
                rated = rated_hall(site.templates[hall.template], scope.library)
            except InputError:
                return
            started.append((hall.energised_on, rated.it_kw / 1e3))
    for index, tranche in enumerate(tranches):
        until = tranches[index + 1].start if index + 1 < len(tranches) else "9999-12-31"
        it_mw = sum(mw for day, mw in started if day < until)
        if it_mw > tranche.mw * (1 + 1e-9):
            when = "at the end" if index + 1 == len(tranches) else f"before {until}"
            text = f"the racks energised {when} are rated {it_mw:.1f} MW, above the contract of {tranche.mw:g} MW"
            scope.warn(("contract", "tranches", index, "mw"), text)
