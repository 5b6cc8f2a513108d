"""xarray loads no dask by itself, and knows dask's arrays as soon as somebody has one."""

from __future__ import annotations

import sys

import dask.array
import numpy as np
import xarray as xr
from xarray.namedarray.pycompat import array_type

from twin.analysis.without_dask import leave_dask


def test_dask_is_asked_only_where_it_is_loaded(monkeypatch):
    leave_dask()
    assert array_type("dask") == (dask.array.Array,)
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "dask.array")
        assert array_type("dask") == ()
        assert xr.Dataset({"a": ("x", np.arange(3.0))}).a.sum() == 3.0
        assert "dask.array" not in sys.modules
    assert array_type("dask") == (dask.array.Array,)


def test_an_array_of_dask_is_still_one():
    ones = xr.Dataset({"a": ("x", dask.array.ones(4, chunks=2))})
    assert ones.chunks == {"x": (2, 2)}
    assert ones.chunk({"x": 4}).a.sum().compute() == 4.0
