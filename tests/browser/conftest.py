"""A week of the small site as a Dataset, and a browser: what the page tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import xarray as xr
from playwright.sync_api import Browser, sync_playwright

from twin.analysis.dataset import simulate

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def week() -> xr.Dataset:
    """oklahoma-10, the first week of June 2026, steps of 15 min, output by the hour."""
    return simulate("oklahoma-10", start="2026-06-01", end="2026-06-08", step="15min", every="1h")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()
