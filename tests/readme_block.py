"""A table in README.md that a program writes: what stands between ``<!-- name -->`` and ``<!-- /name -->``."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def marks(name: str) -> tuple[str, str]:
    """First and last line of the block."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def updated(readme: str, name: str, block: str) -> str:
    """The text with the block between its markers. Raises ``ValueError`` where they are missing."""
    begin, end = marks(name)
    if begin not in readme or end not in readme:
        raise ValueError(f"no {begin} .. {end} in it")
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return between.sub(lambda _: f"{begin}\n{block}\n{end}", readme, count=1)


def block_of(readme: str, name: str) -> str:
    """What stands between the markers."""
    begin, end = marks(name)
    return readme.split(begin, 1)[1].split(end, 1)[0].strip("\n")


def write(name: str, made_by: str, markdown: Callable[[dict[str, Any]], str], root: Path = ROOT) -> int:
    """Puts ``build/NAME.json`` into README.md. Exit code 2 with one line when something is missing."""
    results, readme = root / "build" / f"{name}.json", root / "README.md"
    for path, remedy in ((results, f"run {made_by} first"), (readme, "there is nothing to update")):
        if not path.is_file():
            sys.stderr.write(f"{path.name}: missing, {remedy}\n")
            return 2
    try:
        text = updated(readme.read_text(), name, markdown(json.loads(results.read_text())))
    except ValueError as error:
        sys.stderr.write(f"{readme.name}: {error}\n")
        return 2
    readme.write_text(text)
    return 0
