"""How the process that runs the tests collects garbage."""

from __future__ import annotations

import gc

from twin.cli.main import COLLECTED_EVERY


def pytest_configure() -> None:
    """Collect as seldom as the command does: with Python's own threshold it takes a tenth of all CPU time."""
    gc.set_threshold(COLLECTED_EVERY)
