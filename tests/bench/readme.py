"""``python -m tests.bench.readme``: puts the table of ``build/bench.json`` into README.md between its markers."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests.bench.measure import ROOT
from tests.bench.table import markdown

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def updated(readme: str, table: str) -> str:
    """The text with the table between the markers. Raises ``ValueError`` where they are missing."""
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"no {BEGIN} .. {END} in it")
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n{table}\n{END}", readme, count=1)


def main(root: Path = ROOT) -> int:
    """Exit code 2 with one line when something is missing."""
    results, readme = root / "build" / "bench.json", root / "README.md"
    for path, remedy in ((results, "run python -m tests.bench first"), (readme, "there is nothing to update")):
        if not path.is_file():
            print(f"{path.name}: missing, {remedy}", file=sys.stderr)
            return 2
    try:
        text = updated(readme.read_text(), markdown(json.loads(results.read_text())))
    except ValueError as error:
        print(f"{readme.name}: {error}", file=sys.stderr)
        return 2
    readme.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
