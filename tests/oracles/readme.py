"""``python -m tests.oracles.readme``: puts the table of ``build/validate.json`` into README.md between its markers.

Of the rows of a case with one basis stands the one that takes most of its tolerance; a row that is missed stands for
itself, a control stands by its mildest row. The physics is one line per reference package.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.oracles.rows import BASES, NotRun, Row
from tests.readme_block import ROOT, write

CASES = [f"I{i:02d}" for i in range(1, 14)]
HEAD = ["Case", "What", "Expected", "Got", "Tolerance", "Basis", "Verdict"]
ORACLE_HEAD = ["Reference", "Cases", "Rows", "Nearest to its bound", "Error per bound"]
PACKAGES = {"EnergyPlus": "EnergyPlus", "pandapower": "pandapower", "CoolProp": "CoolProp", "ht": "ht",
            "tespy": "tespy", "ExaDigiT RAPS": "ExaDigiT RAPS", "DSX example exchange": "DSX example"}  # fmt: skip
REST = "printed values, laws, conservation"


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(head: list[str], lines: list[list[str]]) -> list[str]:
    """Markdown."""
    return [line(head), "|" + "---|" * len(head), *map(line, lines)]


def number(value: float) -> str:
    """Four digits, with a comma in thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.4g}"


def group(row: Row) -> tuple[str, ...]:
    """What shares a line: case and basis; of the controls the name, too; a missed row is alone."""
    if row.basis == "control":
        return row.case, "z", row.what.split(":")[0]
    return (row.case, "y", row.what) if row.gap else (row.case, str(list(BASES).index(row.basis)))


def shown(rows: list[Row]) -> list[str]:
    """The line of a group."""
    control = rows[0].basis == "control"
    row = (min if control else max)(rows, key=lambda row: row.used)
    which = f" ({'mildest' if control else 'widest'} of {len(rows)})" if len(rows) > 1 else ""
    failed = any(not row.as_it_should for row in rows)
    verdict = "FAILED" if failed else row.verdict
    return [row.case, row.what + which, number(row.expected), number(row.got), row.bound, row.basis, verdict]


def cases(rows: list[Row], absent: list[NotRun]) -> list[list[str]]:
    """Lines of the inference cases, sorted."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[group(row)].append(row)
    lines = [((key[0], key[1]), shown(of)) for key, of in sorted(groups.items())]
    for gone in absent:
        lines.append(((gone.case, "x"), [gone.case, gone.what, "", "", "", "", f"not run: {gone.why}"]))
    return [cells for _, cells in sorted(lines, key=lambda pair: pair[0])]


def oracle(row: Row) -> str:
    """The reference package of a row, from its source."""
    return next((name for start, name in PACKAGES.items() if row.source.split(",")[0].startswith(start)), REST)


def oracles(rows: list[Row]) -> list[list[str]]:
    """One line per reference package. Recorded spreads, arithmetic and controls are counted only: the first have no
    bound, the second no model of ours, the last have to fail."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[oracle(row)].append(row)
    lines = []
    for name in (*PACKAGES.values(), REST):
        of = groups.get(name, [])
        bounded = [row for row in of if not row.recorded and row.basis not in ("arithmetic", "control")]
        if not bounded:
            continue
        worst, recorded = max(bounded, key=lambda row: row.used), sum(row.recorded for row in of)
        count = f"{len(of)}" + (f", {recorded} recorded" if recorded else "")
        names = ", ".join(sorted({row.case for row in of}))
        lines.append([name, names, count, f"{worst.case} {worst.what}", f"{worst.used:.2g}"])
    return lines


def markdown(found: dict[str, Any]) -> str:
    """Both tables. Raises ``ValueError`` when a case is neither among the rows nor among those not run."""
    rows, absent = [Row(**row) for row in found["rows"]], [NotRun(**gone) for gone in found["not_run"]]
    inference = [row for row in rows if row.case.startswith("I")]
    missing = set(CASES) - {row.case for row in inference} - {gone.case for gone in absent}
    if missing:
        raise ValueError(f"no row of {', '.join(sorted(missing))}: are the shared data beside this checkout?")
    physics = [row for row in rows if not row.case.startswith("I")]
    gone = [one for one in absent if one.case.startswith("I")]
    return "\n".join(
        [*table(HEAD, cases(inference, gone)), "", *table(ORACLE_HEAD, oracles(physics))]
    )  # fmt: skip


def main(root: Path = ROOT) -> int:
    """Exit code 2 with one line when something is missing."""
    return write("validate", "make validate", markdown, root)


if __name__ == "__main__":
    raise SystemExit(main())
