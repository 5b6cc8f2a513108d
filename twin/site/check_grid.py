"""Check: the section ``grid`` names rules that the library has, files that are there, and agrees with the rest."""

from __future__ import annotations

from twin.power.grid_rule import GridRule
from twin.site.references import is_file, written_in
from twin.site.scope import Scope


def check_grid(scope: Scope) -> None:
    """Rules, files of prices and intensities, and the power factor."""
    grid = scope.site.grid
    if grid is None:
        return
    most = max(tranche.mw for tranche in scope.site.contract.tranches)
    rules = [scope.entry(("grid", "rules", n), id, GridRule) for n, id in enumerate(grid.rules)]
    for n, (id, rule) in enumerate(zip(grid.rules, rules, strict=True)):
        threshold = rule.threshold_mw if isinstance(rule, GridRule) else None
        if threshold is not None and most < threshold.value:
            text = f"{id} holds from {threshold.value:g} MW, the contract of the site is {most:g} MW"
            scope.warn(("grid", "rules", n), text)
    for key, part in (("price", grid.price), ("carbon", grid.carbon)):
        path = ("grid", key, "csv")
        if part is not None and part.csv is not None and not is_file(written_in(scope, path) / part.csv):
            scope.error(path, f'there is no file "{part.csv}" beside {scope.document.marks[path].file}')
    asked = [(rule.power_factor_min.value, id) for rule, id in zip(rules, grid.rules, strict=True)
             if isinstance(rule, GridRule) and rule.power_factor_min is not None]  # fmt: skip
    if grid.power_factor_min is not None:
        asked.append((grid.power_factor_min, "grid.power_factor_min"))
    has = scope.site.electrical.power_factor
    for least, who in asked:
        if has < least - 1e-12:
            scope.warn(("grid",), f"the power factor of the site is {has:g}, {who} asks for {least:g}", key=True)


__all__ = ["check_grid"]
