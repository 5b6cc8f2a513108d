"""``python -m tests.bench.readme``: puts the table of ``build/bench.json`` into README.md between its markers."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import ROOT
from tests.bench.table import markdown
from tests.readme_block import write


def main(root: Path = ROOT) -> int:
    """Exit code 2 with one line when something is missing."""
    return write("bench", "python -m tests.bench", markdown, root)


if __name__ == "__main__":
    raise SystemExit(main())
