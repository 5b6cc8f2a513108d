"""The process that runs the tests: it collects garbage seldom, begins with what takes longest, and has a browser."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from twin.cli.main import COLLECTED_EVERY

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# What takes longest: begun last, one of them leaves the other worker idle. Two of them mostly wait (live_process and
# live_hour): each goes beside one that computes.
FIRST = (
    "telemetry/test_live_process.py",
    "cli/test_export_and_damage.py",
    "browser/test_live_hour.py",
    "cli/test_fail.py",
    "cli/test_simulate.py",
    "analysis/test_curtail.py",
    "engine/test_resume.py",
    "engine/test_ensemble.py",
    "cli/test_options.py",
)


# An example has as long as it takes: a machine that is held up for 0.2 s, Hypothesis' own deadline, is no fault.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")


def pytest_configure() -> None:
    """Collect as seldom as the command does: with Python's own threshold it takes a tenth of all CPU time."""
    gc.set_threshold(COLLECTED_EVERY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of ``FIRST`` before all others, whose order stays random."""
    place = {name: at for at, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get("/".join(item.path.parts[-2:]), len(FIRST)))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for tests of any folder: a process can have but one."""
    from tests.browser.chromium import launched  # only who needs it waits for it

    with launched() as chromium:
        yield chromium
