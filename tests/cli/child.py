"""The command in a process of its own, as a person or a script meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TWIN = (sys.executable, "-m", "twin.cli.main")
DAY = ("--from", "2028-07-01", "--to", "2028-07-02", "--every", "1h")


def twin(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``twin`` in the folder ``cwd``, with some more variables in its environment."""
    command = [*TWIN, *(str(part) for part in arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
