"""halltwin: the digital twin of power and cooling for AI campuses on mixed hardware.

The facade: ``simulate``, ``bands``, ``headroom``, ``load_map``, ``open_run``, ``to_netcdf``, ``load_site``,
``InputError`` and ``__version__``, each imported when it is first asked for. Nobody inside the house imports through
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.analysis.bands import bands
    from twin.analysis.dataset import open_run, simulate
    from twin.analysis.headroom import headroom
    from twin.analysis.load_map import load_map
    from twin.analysis.netcdf import to_netcdf
    from twin.core.errors import InputError
    from twin.site.load import load_site

    __version__: str

_HOME = {
    "InputError": "twin.core.errors",
    "bands": "twin.analysis.bands",
    "headroom": "twin.analysis.headroom",
    "load_map": "twin.analysis.load_map",
    "load_site": "twin.site.load",
    "open_run": "twin.analysis.dataset",
    "simulate": "twin.analysis.dataset",
    "to_netcdf": "twin.analysis.netcdf",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("halltwin")
        except PackageNotFoundError:
            return "unknown"
    if name in _HOME:
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, "__version__"])


__all__ = [
    "InputError",
    "__version__",
    "bands",
    "headroom",
    "load_map",
    "load_site",
    "open_run",
    "simulate",
    "to_netcdf",
]
