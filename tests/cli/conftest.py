"""A run that tests of the command look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.child import DAY, twin
from twin.core.jit import ensure_compiled


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Whichever test comes first: none of them is the first start, which says on stderr that it compiles."""
    ensure_compiled()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of one day at its default name."""
    folder = tmp_path_factory.mktemp("place")
    done = twin("simulate", "oklahoma-10", *DAY, "--no-page", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder
