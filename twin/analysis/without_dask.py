"""xarray that does not load dask to ask whether an array is one of dask's: 0.4 s of each process that makes a Dataset.

Where nobody has loaded ``dask.array`` there is no such array; where somebody has, all is as it was.
"""

from __future__ import annotations

import sys
from functools import cache
from types import SimpleNamespace
from typing import Any

from xarray.namedarray import pycompat

LOOK_UP = "_get_cached_duck_array_module"
NOT_LOADED = SimpleNamespace(module=None, type=(), available=False)


@cache
def leave_dask() -> None:
    """Have xarray look for dask's arrays only once dask has any; of an xarray that asks otherwise nothing changes."""
    look_up: Any = getattr(pycompat, LOOK_UP, None)
    if look_up is None:
        return

    def look_up_loaded(module: str) -> Any:
        return NOT_LOADED if module == "dask" and "dask.array" not in sys.modules else look_up(module)

    setattr(pycompat, LOOK_UP, look_up_loaded)


__all__ = ["leave_dask"]
