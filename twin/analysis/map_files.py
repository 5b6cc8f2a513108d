"""A map as a file: NetCDF-4 or a Zarr store."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from zarr.errors import ZarrUserWarning

from twin.analysis.netcdf import check_target, to_netcdf
from twin.core.errors import Faults, one
from twin.engine.target import telling

NETCDF, ZARR = ".nc", ".zarr"


def check_files(out: Path | None, html: Path | None, *, overwrite: bool) -> None:
    """Raise ``InputError`` where a map or its page may not be written, before anything is computed."""
    faults = Faults()
    if out is not None:
        if out.suffix.lower() == ZARR:
            faults.of(_check_new, out, overwrite=overwrite)
        elif out.suffix.lower() == NETCDF:
            faults.of(check_target, out, overwrite=overwrite)
        else:
            faults.of(_refuse, f"expected a name that ends in {NETCDF} or {ZARR}", out)
    if html is not None:
        faults.of(_check_new, html, overwrite=overwrite)
        if html.is_dir():
            faults.of(_refuse, "is a folder, expected the name of a file", html)
    faults.tell()


def _refuse(what: str, file: Path) -> None:
    raise one(what, file=str(file))


def _check_new(target: Path, *, overwrite: bool) -> None:
    if not target.absolute().parent.is_dir():
        _refuse(f"there is no folder {target.parent}: make it first, or choose another name", target)
    if target.exists() and not overwrite:
        _refuse("is there already: replace it with --overwrite, or choose another name", target)
    if target.suffix.lower() == ZARR and target.exists() and not (target / "zarr.json").is_file():
        _refuse("is no Zarr store: it is not replaced", target)


def write_map(ds: xr.Dataset, out: Path) -> Path:
    """Write a map to a name that :func:`check_files` has let pass; it appears when it is whole."""
    if out.suffix.lower() == NETCDF:
        return to_netcdf(ds, out)
    texts = {name: c for name, c in ds.coords.items() if c.dtype.kind == "O"}
    stored = ds.assign_coords({name: c.astype(np.dtypes.StringDType()) for name, c in texts.items()})
    fresh = out.with_name(f".{out.name}.partial")
    with telling(out):
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            with warnings.catch_warnings():
                # Consolidated metadata of v3 are not in the standard yet; xarray writes and reads the same.
                warnings.simplefilter("ignore", ZarrUserWarning)
                stored.to_zarr(fresh, mode="w", zarr_format=3, consolidated=True)
            shutil.rmtree(out, ignore_errors=True)
            fresh.replace(out)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return out


__all__ = ["check_files", "write_map"]
