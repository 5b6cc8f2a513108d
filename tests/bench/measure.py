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
# A process begins with the peak of the one that started it: a small one stands between, or a test's own memory counts.
LAUNCHER = """
import os, resource, sys
code = os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)[1])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(f"{used.ru_maxrss} {used.ru_utime + used.ru_stime}")
sys.exit(code)
"""


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
    with tempfile.TemporaryDirectory() as folder:
        account = Path(folder, "account")
        launched = [sys.executable, "-S", "-c", LAUNCHER, str(account), sys.executable, "-m", *command]
        begin = time.perf_counter()
        done = subprocess.run(launched, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
        wall = time.perf_counter() - begin
        if done.returncode not in codes:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        peak, cpu = account.read_text().split()
        return Cost(wall, float(cpu), float(peak) / (1024.0**2 if sys.platform == "darwin" else 1024.0), done.stdout)


__all__ = ["ROOT", "Cost", "Row", "by_turns", "child"]
