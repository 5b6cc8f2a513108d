"""Bands: what the headline numbers of a run become when nobody knows what the library only believes.

Every figure with a band is drawn between its ends (``twin.core.bands``), one sample in each stratum
(``twin.core.strata``), and the site is run with it on a reduced Plan in hour steps (``twin.engine.ensemble``). A
quantile over n samples is Hazen's, sample i standing at (i - 1/2)/n. What the site itself states - its loads, demand,
sizes, weather - is not drawn: a band says what figures of equipment do, not what users will ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from twin.analysis.drivers import MOST, drivers
from twin.analysis.headline import Headline, headline_numbers, headlines_of
from twin.analysis.without_dask import leave_dask
from twin.core.errors import Faults
from twin.engine.ensemble import SAMPLES, Ensemble, check_samples, hourly, run_ensemble
from twin.engine.identity import halltwin_version
from twin.engine.options import Asked, ask
from twin.engine.period import Moment, stamp
from twin.site.load import LoadedSite

leave_dask()

QUANTILES = (0.1, 0.5, 0.9)
Told = list[tuple[str, float, str, str, str]]
NOT_TOLD = ("", np.nan, "", "", "")


def bands(
    site: str | Path | LoadedSite,
    *,
    weather: str | Path | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    load: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    threads: int | None = None,
    raw: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """P10, P50 and P90 of every headline number of a site, and which figures drive them.

    ``site``, ``weather``, ``start``, ``end``, ``load`` as in :func:`twin.simulate`; the period must hold whole hours.
    ``samples`` (default 64) are drawn with ``seed``; equal seeds give equal bytes on any number of threads. With
    ``raw`` the Dataset holds ``<name>_sample`` and the places of the unknowns besides; see :func:`dataset`.

    Raises ``InputError`` for input that cannot be used.
    """
    asked = ask_bands(
        site, weather=weather, start=start, end=end, load=load, samples=samples, seed=seed, threads=threads
    )
    return dataset(run_ensemble(asked, headline_numbers, samples=samples, progress=progress), raw=raw)


def ask_bands(site: str | Path | LoadedSite, *, samples: int, **inputs: Any) -> Asked:
    """Check what bands are asked for. Raises ``InputError`` with the faults of all options."""
    faults = Faults()
    faults.of(check_samples, samples)
    asked = faults.of(ask, site, step=3600.0, **inputs)
    by_hours = faults.of(hourly, asked) if asked else None
    faults.tell()
    assert by_hours is not None
    return by_hours


def dataset(made: Ensemble, *, raw: bool = False) -> xr.Dataset:
    """An ensemble as a Dataset.

    ``<name>`` (quantile, ...) and ``<name>_central`` (...), the entries' own figures, in the units of the attributes;
    ``driver_figure``, ``driver_share`` (share of the variance), ``driver_effect``, ``driver_confidence`` and
    ``driver_source`` (headline, driver) for the numbers without a dimension of their own, blank where no more is told
    from chance. With ``raw`` also ``<name>_sample`` (sample, ...) and ``place`` (sample, unknown), 0..1 in the band.
    """
    plan = made.prepared.plan
    variables: dict[str, Any] = {}
    table = headlines_of(plan.fleet)
    for row in table:
        attrs = {"units": row.units, "long_name": row.long_name}
        values = np.array([sample[row.name] for sample in made.samples])
        quantiles = np.quantile(values, QUANTILES, axis=0, method="hazen")
        variables[row.name] = (("quantile", *row.dims), quantiles, attrs)
        variables[f"{row.name}_central"] = (row.dims, made.central[row.name], attrs)
        if raw:
            variables[f"{row.name}_sample"] = (("sample", *row.dims), values, attrs)
    scalars = [row for row in table if not row.dims]
    coords: dict[str, Any] = {
        "quantile": ("quantile", np.array(QUANTILES), {"units": "1", "long_name": "share of samples below"}),
        "hall": ("hall", np.array(plan.labels.hall, object)),
        "headline": ("headline", np.array([row.name for row in scalars], object)),
    }
    if plan.fleet:
        coords["workload"] = ("workload", np.array(plan.fleet.workload, object))
        coords["pool"] = ("pool", np.array(plan.fleet.pool, object))
    if raw:
        coords["unknown"] = ("unknown", np.array([unknown.label for unknown in made.unknowns], object))
        variables["place"] = (("sample", "unknown"), made.u, {"units": "1", "long_name": "place in the band"})
    variables |= _driver_variables(made, scalars)
    return xr.Dataset(variables, coords, _attributes(made))


def _driver_variables(made: Ensemble, scalars: list[Headline]) -> dict[str, Any]:
    told = [_told(made, row.name) for row in scalars]
    columns = [[[entry[i] for entry in rows] for rows in told] for i in range(len(NOT_TOLD))]
    names = ("figure", "share", "effect", "confidence", "source")
    found: dict[str, Any] = {}
    for name, column in zip(names, columns, strict=True):
        kind, attrs = (np.float64, {"units": "1"}) if name == "share" else (object, {})
        found[f"driver_{name}"] = (("headline", "driver"), np.array(column, kind), attrs)
    return found


def _told(made: Ensemble, name: str) -> Told:
    """The drivers of a number, padded to as many as are told at most."""
    result = np.array([sample[name] for sample in made.samples])
    rows: Told = []
    for driver in drivers(made.u, result):
        unknown = made.unknowns[driver.unknown]
        effect = "rises" if driver.rises else "falls"
        rows.append((unknown.label, driver.share, effect, unknown.confidence, unknown.source))
    return rows + [NOT_TOLD] * (MOST - len(rows))


def _attributes(made: Ensemble) -> dict[str, Any]:
    prepared = made.prepared
    site, timeline = prepared.loaded.site, prepared.timeline
    return {
        "title": site.title,
        "site": site.name,
        "site_digest": prepared.loaded.digest,
        "weather": prepared.weather.name,
        "period_start": stamp(timeline.start),
        "period_end": stamp(timeline.end),
        "step_s": timeline.step,
        "seed": prepared.seed,
        "samples": len(made.samples),
        "samples_redrawn": made.redrawn,
        "unknowns": len(made.unknowns),
        "version": halltwin_version(),
        "comment": "equal racks and CDUs of a hall run as one, without spread among them; loads and demand not drawn",
    }


__all__ = ["QUANTILES", "ask_bands", "bands", "dataset"]
