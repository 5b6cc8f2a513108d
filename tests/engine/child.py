"""Runs a simulation in a process of its own, so that tests can kill, interrupt and starve it.

``child.py OUT BLOCKS [resume] [pause=N] [die=PLACE] [starve=N] [level=L] [seed=N] [threads=N]``: writes ``done N`` for
each block. ``pause`` waits for a line on stdin after block N; ``die`` kills the process in the midst of ``create`` (the
store is being laid out), ``chunk`` (a block is half written) or ``save`` (before its checkpoint); ``starve`` lets no
file grow beyond 300 bytes after block N.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twin.core.errors import InputError, StoppedError
from twin.engine import checkpoint, record, simulate

START = datetime(2028, 7, 1, tzinfo=UTC)
HOURS_A_BLOCK = 6
FULL_DISK = 3
STOPPED = 130


def dying(function: Any, at_call: int) -> Any:
    """The function, but its call number ``at_call`` kills the process."""
    calls = iter(range(1, 1_000_000))

    def made(*args: Any, **named: Any) -> Any:
        if next(calls) == at_call:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **named)

    return made


def peak_kib() -> int:
    """Most memory that was resident; on Linux `getrusage` begins with that of the process which started this one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))


def main(out: str, blocks: int, options: dict[str, str]) -> int:
    if options.get("die") == "create":
        record.new_array = dying(record.new_array, 30)
    if options.get("die") == "chunk":
        record._sync = dying(record._sync, 100)
    if options.get("die") == "save":
        checkpoint.save = dying(checkpoint.save, 3)

    def progress(done: int, total: int) -> None:
        sys.stdout.write(f"done {done}\n")
        sys.stdout.flush()
        if str(done) == options.get("pause"):
            sys.stdin.readline()
        if str(done) == options.get("starve"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))

    def note(text: str) -> None:
        sys.stdout.write(f"note {text}\n")
        sys.stdout.flush()

    try:
        simulate.simulate(
            "oklahoma-10",
            out=out,
            resume="resume" in options,
            start=START,
            end=START + timedelta(hours=HOURS_A_BLOCK * blocks),
            step=float(options.get("step", "300")),
            every=3600,
            level=options.get("level", "cdu"),
            seed=int(options.get("seed", "7")),
            threads=int(options.get("threads", "1")),
            intervals_per_block=HOURS_A_BLOCK,
            progress=progress,
            note=note,
        )
    except StoppedError as stopped:
        note(str(stopped))
        return STOPPED
    except InputError as error:
        note(str(error))
        return FULL_DISK
    note(f"peak {peak_kib()}")
    return 0


if __name__ == "__main__":
    _, _out, _blocks, *_rest = sys.argv
    sys.exit(main(_out, int(_blocks), dict(part.partition("=")[::2] for part in _rest)))
