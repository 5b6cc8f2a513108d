"""A week of the small site as a Dataset: what the page tests share."""

from __future__ import annotations

import pytest
import xarray as xr

from twin.analysis.dataset import simulate


@pytest.fixture(scope="session")
def week() -> xr.Dataset:
    """oklahoma-10, the first week of June 2026, steps of 15 min, output by the hour."""
    return simulate("oklahoma-10", start="2026-06-01", end="2026-06-08", step="15min", every="1h")
