"""Runs on disk for the live page: half an hour of a small site, and the same as if a live twin had written it."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.errors import ZarrUserWarning

from telemetry.live.frame import Mode
from twin.analysis.dataset import simulate
from twin.site.generate import bench_site

RACKS, HALLS, INTERVALS = 64, 2, 30
DRIVEN = 40  # racks whose measured power drives the model; the last one is not measured
LIVE = list(Mode).index(Mode.LIVE)


def simulated(folder: Path, level: str = "rack") -> Path:
    """A finished simulation in steps of a minute."""
    site = folder / "small.yaml"
    site.write_text(bench_site(RACKS, HALLS))
    run = folder / f"{level}.zarr"
    simulate(site, start="2027-07-01T12:00", end="2027-07-01T12:30", step="60s", every="60s", level=level, out=run)
    return run


def as_live(run: Path, folder: Path, age_s: float = 2.0) -> Path:
    """A copy of a simulation with what a live run has besides: rack and site power are measured."""
    made = folder / "live.zarr"
    shutil.copytree(run, made)
    root = zarr.open_group(made, mode="r+", use_consolidated=False)
    root.attrs.update({"halltwin_kind": "live", "complete": True, "model_shift_s": 3600.0})
    rows = INTERVALS
    _put(root, "mode", np.full(rows, LIVE, np.int8), ("time",))
    _put(root, "data_age", np.full(rows, age_s), ("time",))
    for name, dims in (("rack_power", ("time", "rack")), ("site_power", ("time",))):
        array = root[name]
        assert isinstance(array, zarr.Array)
        values = np.asarray(array[:], np.float64) * 1.01
        residual = np.asarray(values - np.asarray(array[:]))
        if name == "rack_power":
            values[:, -1], residual[:, -1], residual[:, :DRIVEN] = np.nan, np.nan, np.nan
        ages = np.where(np.isfinite(values), 1.5, np.inf)
        for group, found in (("measured", values), ("residual", residual), ("age", ages)):
            _put(root.require_group(group), name, found.astype(np.float32), dims)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(made)
    return made


def _put(group: zarr.Group, name: str, values: np.ndarray[Any, Any], dims: tuple[str, ...]) -> None:
    made = group.create_array(name, shape=values.shape, dtype=values.dtype, chunks=values.shape, dimension_names=dims)
    made[...] = values


def cut(run: Path, rows: int) -> None:
    """Let a live run have so many rows and be under way: its metadata are replaced as a whole, as its writer does."""
    path = run / "zarr.json"
    about = json.loads(path.read_text())
    about["attributes"] |= {"run_complete": 0, "complete": False}
    for found in about["consolidated_metadata"]["metadata"].values():
        if found["node_type"] == "array" and found["dimension_names"][:1] == ["time"]:
            found["shape"][0] = rows
    fresh = path.with_suffix(".fresh")
    fresh.write_text(json.dumps(about))
    fresh.replace(path)


__all__ = ["DRIVEN", "HALLS", "INTERVALS", "RACKS", "as_live", "cut", "simulated"]
