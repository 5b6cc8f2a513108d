"""Rows of the validation table: every oracle test adds what it compared, and the run ends with the whole table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Row:
    """One comparison: ``got`` against ``expected``, within ``tolerance`` of the same unit (or relative to it).

    ``recorded``: the tolerance is a spread that was seen and then written down. It guards against change, as a
    regression bound does; it is no bound that was set beforehand for acceptance.
    """

    case: str
    what: str
    expected: float
    got: float
    tolerance: float
    relative: bool
    source: str
    recorded: bool = False

    @property
    def holds(self) -> bool:
        """False for a NaN, too."""
        scale = abs(self.expected) if self.relative else 1.0
        return abs(self.got - self.expected) <= self.tolerance * scale

    def cells(self) -> list[str]:
        """The row as text."""
        tolerance = f"{self.tolerance:g}" + (" rel" if self.relative else "")
        verdict = ("recorded" if self.recorded else "ok") if self.holds else "FAILED"
        source = f"{self.source}; recorded spread, no acceptance bound" if self.recorded else self.source
        return [self.case, self.what, f"{self.expected:.7g}", f"{self.got:.7g}", tolerance, verdict, source]


ROWS = pytest.StashKey[list[Row]]()
HEAD = ["case", "what", "expected", "got", "tolerance", "verdict", "source"]
NOT_RUN = pytest.StashKey[list[str]]()
Check = Callable[..., None]


@pytest.fixture
def validation_row(request: pytest.FixtureRequest) -> Check:
    """``check(case, what, expected, got, source=..., abs=... or rel=...)``: notes a row, fails where it is out.

    ``recorded=True`` marks a tolerance that was set after seeing the result.
    """
    rows = request.config.stash.setdefault(ROWS, [])

    def check(
        case: str,
        what: str,
        expected: float,
        got: float,
        *,
        source: str,
        rel: float | None = None,
        abs: float | None = None,
        recorded: bool = False,
    ) -> None:
        assert (rel is None) != (abs is None), "give one of rel and abs"
        tolerance = abs if rel is None else rel
        assert tolerance is not None
        row = Row(case, what, float(expected), float(got), tolerance, rel is not None, source, recorded)
        rows.append(row)
        assert row.holds, " | ".join(row.cells())

    return check


def pytest_addoption(parser: pytest.Parser) -> None:
    """Data that may not be redistributed come by their path: ``make validate`` says "not run" without it."""
    parser.addoption(
        "--kv-stability", metavar="CSV", help="measured stability limits (I12), see test_inference_latency"
    )


@pytest.fixture
def not_run(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """``not_run(case, what, why)``: a line below the table for a case whose data are not here."""
    lines = request.config.stash.setdefault(NOT_RUN, [])

    def note(case: str, what: str, why: str) -> None:
        lines.append(f"{case}  {what}: not run: {why}")

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    found: list[Row] = config.stash.get(ROWS, [])
    rows = sorted(found, key=lambda row: (row.case, row.what))
    if not rows:
        return
    table = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    right = {2, 3}
    terminalreporter.section("validation")
    for line in table:
        text = (
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        terminalreporter.line("  ".join(text).rstrip())
    failed = sum(not row.holds for row in rows)
    terminalreporter.line(f"{len(rows)} rows, {failed} out of tolerance")
    absences: list[str] = config.stash.get(NOT_RUN, [])
    for absent in sorted(set(absences)):
        terminalreporter.line(absent)
