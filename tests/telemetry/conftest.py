"""Links that are closed, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.telemetry.linked import Links


@pytest.fixture
def links() -> Iterator[Links]:
    made: Links = []
    yield made
    for each in made:
        each.close()
        assert not each.alive
