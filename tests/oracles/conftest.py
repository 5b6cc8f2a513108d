"""The validation table: every oracle test adds what it compared, and the run ends with the whole table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.rows import NotRun, Row, closing, document, text

# What a test compared travels with its report, so that workers of pytest-xdist hand it to the process that prints.
ROW, NOT_RUN = "validation-row", "validation-not-run"
# Data that may not be redistributed come by their path.
OWN_DATA = {
    "--ml-energy": ("PATH", "ML.ENERGY leaderboard v3, folder or file (I04, I05), see tests/oracles/README.md"),
    "--kv-stability": ("CSV", "measured stability limits (I12), see tests/oracles/README.md"),
}
Check = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    for option, (metavar, about) in OWN_DATA.items():
        parser.addoption(option, metavar=metavar, help=about)
    parser.addoption("--validate-json", metavar="FILE", help="where the validation table goes as JSON")


class Table:
    """What all tests compared, and what could not run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.absences: list[NotRun] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test leaves in its report."""
        if report.when == "call":
            left: list[tuple[str, Any]] = report.user_properties
            self.rows += [Row(*cells) for name, cells in left if name == ROW]
            self.absences += [NotRun(*cells) for name, cells in left if name == NOT_RUN]


def pytest_configure(config: pytest.Config) -> None:
    """A path that leads nowhere ends the run before it starts."""
    config.pluginmanager.register(Table(), "validation-table")
    for option in OWN_DATA:
        named = config.getoption(option, None)
        if named is not None and not Path(named).exists():
            raise pytest.UsageError(f"{option}: {named} does not exist")


@pytest.fixture
def validation_row(request: pytest.FixtureRequest) -> Check:
    """``check(case, what, expected, got, source=..., basis=..., abs=... or rel=...)``: notes a row, fails if it is out.

    ``basis``: one of ``rows.BASES``. ``recorded=True`` marks a tolerance that was set after seeing the result,
    ``gap="why"`` a row that is known to be out of tolerance.
    """

    def check(
        case: str,
        what: str,
        expected: float,
        got: float,
        *,
        source: str,
        basis: str,
        rel: float | None = None,
        abs: float | None = None,
        recorded: bool = False,
        gap: str = "",
    ) -> None:
        assert (rel is None) != (abs is None), "give one of rel and abs"
        tolerance = abs if rel is None else rel
        assert tolerance is not None
        numbers = float(expected), float(got), float(tolerance)
        row = Row(case, what, *numbers, rel is not None, source, basis, recorded, gap)
        request.node.user_properties.append((ROW, astuple(row)))
        assert row.as_it_should, " | ".join(row.cells())

    return check


@pytest.fixture
def not_run(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """``not_run(case, what, why)``: a line below the table for a case whose data are not here."""

    def note(case: str, what: str, why: str) -> None:
        request.node.user_properties.append((NOT_RUN, (case, what, why)))

    return note


@pytest.fixture
def own_data(request: pytest.FixtureRequest) -> Callable[[str], Path | None]:
    """``own_data("--ml-energy")``: the path that was given, or None."""

    def path(option: str) -> Path | None:
        named = request.config.getoption(option, None)
        return None if named is None else Path(named)

    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table; write it where ``--validate-json`` says."""
    table = config.pluginmanager.get_plugin("validation-table")
    assert isinstance(table, Table)
    rows, absences = table.rows, sorted(table.absences, key=str)
    if not rows:
        return
    terminalreporter.section("validation")
    for line in (*text(rows), closing(rows), *map(str, absences)):
        terminalreporter.line(line)
    target = config.getoption("--validate-json", None)
    if target is not None:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).write_text(json.dumps(document(rows, absences), indent=1) + "\n")
