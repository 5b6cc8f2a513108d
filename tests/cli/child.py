"""The command in a process of its own, as a person or a script meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TWIN = (sys.executable, "-m", "twin.cli.main")
DAY = ("--from", "2028-07-01", "--to", "2028-07-02", "--every", "1h")

# The command with files that cannot grow beyond some bytes: to the process, a disk that fills up.
SMALL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from twin.cli.main import main
main()
"""


def twin(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``twin`` in the folder ``cwd``, with some more variables in its environment."""
    command = [*TWIN, *(str(part) for part in arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def small_disk(size: int, *arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``twin`` where no file can grow beyond ``size`` bytes."""
    command = [sys.executable, "-c", SMALL_DISK, str(size), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
