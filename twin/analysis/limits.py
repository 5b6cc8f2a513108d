"""The limits of a run, each with where it comes from: read back from the site and the figures in its attributes.

Limits of the site are told by their place in it, those of the library by entry, source and confidence. A run that
carries neither (made by hand, or of a site that this version refuses) has no limits here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import xarray as xr
from pydantic import ValidationError

from twin.core.ashrae import SOURCE, WATER
from twin.core.coolant import density
from twin.core.errors import InputError
from twin.core.units import KW, M3H
from twin.site.document import parse
from twin.site.lower_hall import HALF_RISE_K
from twin.site.model import ChainLink, Element, Hall, Loop, Site
from twin.site.rated import rack_counts


@dataclass(frozen=True)
class Limit:
    """A limit and where it comes from."""

    value: float
    source: str


@dataclass(frozen=True)
class Limits:
    """Limits by what they bind: halls (degC, ``throttle`` at the junction; W for all units together), loops (kg/s),
    elements (source only)."""

    liquid_inlet: dict[str, Limit] = field(default_factory=dict)
    air_inlet: dict[str, Limit] = field(default_factory=dict)
    cdu_supply: dict[str, Limit] = field(default_factory=dict)
    cdu_duty: dict[str, Limit] = field(default_factory=dict)
    air_duty: dict[str, Limit] = field(default_factory=dict)
    throttle: dict[str, Limit] = field(default_factory=dict)
    loop_flow: dict[str, Limit] = field(default_factory=dict)
    water: dict[str, Limit] = field(default_factory=dict)  # of loops that name a class, degC
    rating: dict[str, str] = field(default_factory=dict)
    contract: dict[float, str] = field(default_factory=dict)  # by MW
    cdus: dict[str, int] = field(default_factory=dict)


class _Figures:
    """The library's figures behind a run, by entry and key."""

    def __init__(self, text: str) -> None:
        self._rows: dict[tuple[str, str], Any] = {(row["entry"], row["key"]): row for row in json.loads(text)}

    def limit(self, entry: str, key: str, factor: float = 1.0, words: str = "") -> Limit:
        row = self._rows[entry, key]
        return Limit(row["value"] * factor, f"{words}{entry}.{key}: {row['source']} ({row['confidence']})")

    def has(self, entry: str, key: str) -> bool:
        return (entry, key) in self._rows

    def value(self, entry: str, key: str) -> float:
        return float(self._rows[entry, key]["value"])

    def rating(self, item: Element | ChainLink) -> str:
        key = "rated_kva" if (item.device, "rated_kva") in self._rows else "rated_kw"
        return self.limit(item.device, key, words=f"{item.count} x ").source


def limits_of(ds: xr.Dataset) -> Limits:
    """The limits behind a run."""
    found = Limits()
    try:
        site = Site.model_validate(parse(str(ds.attrs.get("site_text", "")), "site_text").data)
        figures = _Figures(ds.attrs.get("figures", "[]"))
    except (InputError, ValidationError):
        return found
    for id, element in site.electrical.elements.items():
        found.rating[id] = figures.rating(element)
    for id, building in site.buildings.items():
        for name, loop in building.loops.items():
            found.loop_flow[f"{id}/{name}"] = _flow(loop, f"buildings.{id}.loops.{name}.flow_max_m3_h of the site")
            if loop.ashrae_class is not None:
                source = f"buildings.{id}.loops.{name}.ashrae_class of the site, {loop.ashrae_class}; {SOURCE}"
                found.water[f"{id}/{name}"] = Limit(WATER[loop.ashrae_class], source)
        for name, hall in building.halls.items():
            _hall(found, f"{id}/{name}", site, hall, figures)
    for tranche in site.contract.tranches:
        found.contract[tranche.mw] = f"{tranche.source} ({tranche.confidence})"
    return found


def _flow(loop: Loop, source: str) -> Limit:
    return Limit(loop.flow_max_m3_h * M3H * density(loop.coolant, loop.supply_c + HALF_RISE_K), source)


def _hall(found: Limits, name: str, site: Site, hall: Hall, figures: _Figures) -> None:
    template = site.templates[hall.template]
    liquid, air, racks = template.liquid, template.air, list(rack_counts(template))
    for id, link in template.chain.items():
        found.rating[f"{name}/{id}"] = figures.rating(link)
    found.air_inlet[name] = _lowest(figures.limit(rack, "air_inlet_max_c") for rack in racks)
    slows = [figures.limit(rack, "throttle_c") for rack in racks if figures.has(rack, "throttle_c")]
    if slows:
        found.throttle[name] = _lowest(slows)
    found.air_duty[name] = figures.limit(air.crah, "rated_kw", KW * air.count, f"{air.count} x ")
    wet = [rack for rack in racks if figures.value(rack, "liquid_share") > 0]
    if liquid is not None and wet:
        found.liquid_inlet[name] = _lowest(figures.limit(rack, "liquid_inlet_max_c") for rack in wet)
        place = f"templates.{hall.template}.liquid.supply_max_c of the site"
        found.cdu_supply[name] = Limit(liquid.supply_max_c, place)
        found.cdu_duty[name] = figures.limit(liquid.cdu, "rated_kw", KW * liquid.count, f"{liquid.count} x ")
        found.cdus[name] = liquid.coolant_loops


def _lowest(limits: Iterable[Limit]) -> Limit:
    return min(limits, key=lambda limit: limit.value)
