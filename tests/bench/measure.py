"""What a case hands back, and how time and memory are taken."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """A line of the table. ``at_most``: the bar is an upper one, else a lower one."""

    case: str
    work: str
    value: float
    unit: str
    bar: float
    at_most: bool
    detail: str = ""

    @property
    def met(self) -> bool:
        """True when the measured value keeps the bar."""
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def cells(self) -> list[str]:
        """Case, work, measured, bar, verdict as text."""
        sign = "<=" if self.at_most else ">="
        measured = f"{self.value:.3g}{self.unit}" + (f" ({self.detail})" if self.detail else "")
        return [self.case, self.work, measured, f"{sign} {self.bar:g}{self.unit}", "met" if self.met else "MISSED"]


@dataclass(frozen=True)
class Cost:
    """What a child process cost: wall and CPU time (s), peak resident memory (MiB), and what it printed."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    stdout: str


def by_turns(work: dict[str, Callable[[], None]], repeat: int) -> dict[str, float]:
    """Least CPU seconds of each function over ``repeat`` rounds in which they take turns, after one round unmeasured.

    Turns, so that a busy machine hits all alike; the minimum, because noise only ever adds.
    """
    for run in work.values():
        run()
    best = dict.fromkeys(work, float("inf"))
    for _ in range(repeat):
        for name, run in work.items():
            begin = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - begin)
    return best


def child(*command: str, cache: Path | None = None, codes: tuple[int, ...] = (0,)) -> Cost:
    """Run ``python -m command`` and account for it. Raises ``RuntimeError`` with its messages when it fails."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)])}
    if cache is not None:
        env["HALLTWIN_CACHE"] = str(cache)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begin = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=out, stderr=err, cwd=ROOT, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode not in codes:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{err.read()[-2000:]}")
        peak = usage.ru_maxrss / (1024.0**2 if sys.platform == "darwin" else 1024.0)
        return Cost(wall, usage.ru_utime + usage.ru_stime, peak, out.read())


__all__ = ["ROOT", "Cost", "Row", "by_turns", "child"]
