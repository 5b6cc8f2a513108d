"""An edge node by the npm package sparkplug-client: installed once into `build/`, run as a child process.

The package (EPL-2.0) is a tool of the tests: nothing of it is in the repository, and nothing is installed beside it.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).resolve().parent / "sparkplug_js"
BUILD = Path(__file__).resolve().parents[2] / "build"


def modules() -> Path:
    """The folder of the installed packages, made by ``npm ci`` where it is not there for exactly this lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    place = BUILD / f"sparkplug-js-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (place / "ready").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=place, check=True, timeout=120)
        (place / "ready").touch()
    return place / "node_modules"


class EdgeNode:
    """A running `edge.js`: :meth:`does` what a line says, :meth:`hears` what it says."""

    def __init__(self, url: str) -> None:
        environment = {**os.environ, "NODE_PATH": str(modules())}
        self._process = subprocess.Popen(
            ["node", str(HERE / "edge.js"), url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def does(self, *lines: str) -> None:
        """Have it do these."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines))
        self._process.stdin.flush()

    def hears(self, word: str) -> bool:
        """Whether that is the next that it says."""
        try:
            return self._lines.get(timeout=30.0) == word
        except queue.Empty:
            return False

    def kill(self) -> None:
        """As a power cut would: its broker publishes its will."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        self._listener.join()  # nobody reads what is closed
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
