"""A map as a file: NetCDF-4 or a Zarr store."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from zarr.errors import ZarrUserWarning

from twin.analysis.netcdf import to_netcdf
from twin.analysis.new_files import NETCDF
from twin.engine.target import telling


def write_map(ds: xr.Dataset, out: Path) -> Path:
    """Write a map to a name that ``new_files.check_files`` has let pass; it appears when it is whole."""
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


__all__ = ["write_map"]
