"""The table of the rows, for people, for programs and for the README."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.measure import Row

HEAD = ["case", "work", "measured", "bar", "verdict"]
BUSY = 0.5


def text(rows: list[Row]) -> str:
    """Aligned columns."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown(found: dict[str, Any]) -> str:
    """A Markdown table of what ``build/bench.json`` holds, with the machine under it."""
    lines = ["| Case | Work | Measured | Bar | |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(Row(**row).cells()) + " |" for row in found["rows"]]
    machine = found["machine"]
    lines += ["", f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, Numba {machine['numba']}."]
    return "\n".join(lines)


def document(rows: list[Row], load_before: float) -> dict[str, Any]:
    """What goes into ``build/bench.json``."""
    machine = {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numba": version("numba"),
        "load_before": round(load_before, 2),
    }
    return {"machine": machine, "rows": [asdict(row) for row in rows], "met": all(row.met for row in rows)}


def busy(load_before: float) -> str:
    """A line of warning when others used the machine, else nothing."""
    if load_before < BUSY:
        return ""
    return f"The machine was busy before this began (load {load_before:.1f}): wall times are too long, not corrected."


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


__all__ = ["busy", "document", "markdown", "text"]
