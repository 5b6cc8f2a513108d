"""Recorded runs as xarray Datasets: simulate and open, open what is on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from twin.analysis.damage import check_run, telling_damage
from twin.analysis.without_dask import leave_dask
from twin.engine.caps import Caps
from twin.engine.period import Moment
from twin.engine.scenario import load_scenario
from twin.engine.simulate import Note, Progress
from twin.engine.simulate import simulate as run
from twin.site.load import LoadedSite

leave_dask()

Chunks = Mapping[str, int] | str | None


def simulate(
    site: str | Path | LoadedSite,
    *,
    weather: str | Path | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    step: float | str = 300.0,
    every: float | str | None = None,
    level: str = "hall",
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    threads: int | None = None,
    load: str | None = None,
    caps: Caps | None = None,
    scenario: str | Path | None = None,
    progress: Progress | None = None,
    note: Note | None = None,
) -> xr.Dataset:
    """Simulate a site and return its Dataset: read from the folder ``out``, or held in memory without one.

    ``site`` is a path, a shipped name or a loaded site; ``weather`` (a shipped name or a file) replaces the site's. The
    period runs from ``start`` to ``end`` (ISO 8601 text, dates or datetimes; UTC unless an offset is given): by
    default the first calendar year in which every hall has power. ``step`` (default 300 s) and ``every`` (the output
    interval: 1 h, or 60 s for less than a day) are s or text as ``5min``. ``level`` records everything down to
    ``site``, ``hall``, ``cdu`` or ``rack``. ``load`` puts all halls on one load curve of the site, or on ``full``.
    ``caps`` hold services back over time (:class:`twin.engine.caps.Caps`); ``scenario``, a shipped name or a file, lays
    its warmer or colder days over the weather (its faults are followed by :func:`twin.analysis.fail.fail`).
    ``resume``, ``overwrite``, ``progress`` and ``note`` as in :func:`twin.engine.simulate.simulate`.

    Raises ``InputError`` for bad input and a full disk, ``StoppedError`` after SIGINT or SIGTERM.
    """
    done = run(
        site,
        out=out,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        note=note,
        weather=weather,
        start=start,
        end=end,
        step=step,
        every=every,
        level=level,
        seed=seed,
        threads=threads,
        load=load,
        caps=caps,
        scenario=None if scenario is None else load_scenario(scenario),
    )
    if done.path is not None:
        return open_run(done.path)
    return _opened(done.store, None).load()


def open_run(path: str | Path, *, partial: bool = False, chunks: Chunks = None) -> xr.Dataset:
    """Open the Dataset of a recorded run, read as it is used; with ``chunks`` (as xarray) into dask arrays.

    ``partial`` opens an unfinished run as far as it is recorded; that of a live twin always opens so. Raises
    ``InputError`` when there is no run at ``path``, an unfinished one without ``partial``, and where a file of the run
    is lost. Numbers are decoded as they are used: read them inside ``twin.analysis.damage.telling_damage`` to be told
    which file is broken.
    """
    folder = Path(path)
    recorded = check_run(folder, partial=partial)
    with telling_damage(folder):
        dataset = _opened(folder, chunks)
    return dataset if recorded is None else dataset.isel(time=slice(0, recorded))


def _opened(store: Any, chunks: Chunks) -> xr.Dataset:
    dataset = xr.open_zarr(store, consolidated=True, chunks=chunks)  # type: ignore[arg-type]
    # Labels as Python text: NumPy's own type of text cannot be cast or grouped everywhere yet.
    texts = [name for name, variable in dataset.variables.items() if variable.dtype.kind == "T"]
    plain: xr.Dataset = dataset.assign_coords({name: dataset[name].astype(object).compute() for name in texts})
    return plain
