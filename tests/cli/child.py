"""The command in a process of its own, as a person or a script meets it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from twin.cli import main

TWIN = (sys.executable, "-m", "twin.cli.main")
DAY = ("--from", "2028-07-01", "--to", "2028-07-02", "--every", "1h")

# The command with files that cannot grow beyond some bytes: to the process, a disk that fills up.
SMALL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from twin.cli.main import main
main()
"""

# A help that loads nothing heavy takes no more than this, as :func:`help_cost` counts.
HELP_COST = 3.2
# A command of one option and nothing behind it.
BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False)
@app.command()
def command(number: int = 1) -> None: "Does nothing."
app(["--help"])
"""


def twin(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``twin`` in the folder ``cwd``, with some more variables in its environment."""
    command = [*TWIN, *(str(part) for part in arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def here(*arguments: str | Path) -> Result:
    """Run ``twin`` in this process and folder: for one more of what other tests see in a process of its own."""
    return CliRunner().invoke(main.app, [str(part) for part in arguments])


def small_disk(size: int, *arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``twin`` where no file can grow beyond ``size`` bytes."""
    command = [sys.executable, "-c", SMALL_DISK, str(size), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def help_cost(*arguments: str) -> float:
    """CPU time of a help in that of a command which loads nothing but typer: 2.1 to 2.5; with NumPy loaded, 4.

    The best of four, in turns: so it is the same on a slow or busy machine, and where bytecode is compiled first.
    """
    asked, bare = [*TWIN, *arguments, "--help"], [sys.executable, "-c", BARE]
    times = [(_cpu_s(asked), _cpu_s(bare)) for _ in range(4)]
    return min(time for time, _ in times) / min(time for _, time in times)


def _cpu_s(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Usage:" in shown.stdout
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
