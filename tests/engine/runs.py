"""A run in a child process, and what a folder holds."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")


def start_child(out: Path, blocks: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(out), str(blocks), *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_child(out: Path, blocks: int, *options: str) -> tuple[int, str]:
    with start_child(out, blocks, *options) as child:
        said, _ = child.communicate()
    return child.returncode, said


def bytes_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its place."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
