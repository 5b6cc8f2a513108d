"""A run that every test of the recorder compares with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.runs import run_child


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a run of four blocks that nothing disturbed."""
    out = tmp_path_factory.mktemp("unbroken") / "run.zarr"
    assert run_child(out, 4)[0] == 0
    return out
