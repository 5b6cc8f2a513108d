"""Where a file may be written: looked at before anything is computed, and before xarray is read in (0.4 s)."""

from __future__ import annotations

from pathlib import Path

from twin.core.errors import Faults, one, option

NETCDF, ZARR = ".nc", ".zarr"


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raise ``InputError`` where no NetCDF file may be written to ``target``."""
    if target.suffix.lower() != NETCDF:
        raise one(f"expected a name that ends in {NETCDF}: a run is exported as NetCDF-4", file=str(target))
    if target.is_dir():
        raise one("is a folder, expected the name of a file", file=str(target))
    if not target.absolute().parent.is_dir():
        raise one(f"there is no folder {target.parent}: make it first, or choose another name", file=str(target))
    if target.exists() and not overwrite:
        replace = option("overwrite=True")
        raise one(f"is there already: replace it with {replace}, or choose another name", file=str(target))


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


__all__ = ["NETCDF", "check_files", "check_target"]
