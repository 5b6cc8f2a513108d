"""Rows of the validation table: what was compared, on what basis, and whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

BASES = {
    "fitted": "a parameter of ours was chosen to meet this figure: agreement is by construction and validates nothing",
    "predicted": "measured or simulated by others and used in no fit of ours",
    "checked": "the same thing computed independently: a reference package, a law by hand, conservation",
    "look-up": "a published figure that the library stores, read back through the code",
    "arithmetic": "a printed figure worked out again from its inputs: no model of ours between",
    "control": "a model known to be wrong: it must be out of tolerance",
}
HEAD = ["case", "what", "expected", "got", "error", "tolerance", "basis", "verdict", "source"]
RIGHT = {2, 3, 4}
NOT_REDISTRIBUTABLE = "data not redistributable"


@dataclass(frozen=True)
class Row:
    """One comparison: ``got`` against ``expected``, within ``tolerance`` of the same unit (or relative to it).

    ``recorded``: the tolerance is a spread that was seen and then written down. It guards against change, as a
    regression bound does; it is no bound that was set beforehand for acceptance.
    ``gap``: why the row is known to be out of tolerance. It is shown as missed, and a row that comes to hold is a
    fault too: then the gap has to go.
    """

    case: str
    what: str
    expected: float
    got: float
    tolerance: float
    relative: bool
    source: str
    basis: str
    recorded: bool = False
    gap: str = ""

    def __post_init__(self) -> None:
        if self.basis not in BASES:
            raise ValueError(f"basis {self.basis!r}: expected one of {', '.join(BASES)}")

    @property
    def used(self) -> float:
        """The error per tolerance: above 1 it is out."""
        allowed = self.tolerance * (abs(self.expected) if self.relative else 1.0)
        miss = abs(self.got - self.expected)
        return miss / allowed if allowed > 0.0 else (0.0 if miss == 0.0 else float("inf"))

    @property
    def holds(self) -> bool:
        """False for a NaN, too."""
        return self.used <= 1.0

    @property
    def as_it_should(self) -> bool:
        """Within tolerance; a control and a known gap out of it, by a number."""
        if self.basis == "control" or self.gap:
            return isfinite(self.got) and not self.holds
        return self.holds

    @property
    def verdict(self) -> str:
        """One word or two."""
        if not self.as_it_should:
            return "FAILED"
        if self.basis == "control":
            return "fails, as it must"
        if self.gap:
            return "MISSED"
        return "recorded" if self.recorded else "ok"

    @property
    def error(self) -> str:
        """``got`` less ``expected``: in per cent where the tolerance is relative, else in the unit of the row."""
        if self.relative:
            return f"{100.0 * (self.got / self.expected - 1.0):+.1f} %"
        return f"{self.got - self.expected:+.2g}"

    @property
    def bound(self) -> str:
        """The tolerance as text."""
        return f"{100.0 * self.tolerance:g} %" if self.relative else f"{self.tolerance:g}"

    def cells(self) -> list[str]:
        """The row as text, in the order of ``HEAD``."""
        source = f"{self.source}; recorded spread, no acceptance bound" if self.recorded else self.source
        source = f"{source}; {self.gap}" if self.gap else source
        return [self.case, self.what, f"{self.expected:.7g}", f"{self.got:.7g}", self.error, self.bound, self.basis,
                self.verdict, source]  # fmt: skip


@dataclass(frozen=True)
class NotRun:
    """A case, or a part of one, whose data are not here."""

    case: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.case}  {self.what}: not run: {self.why}"


def text(rows: list[Row]) -> list[str]:
    """Aligned lines, sorted by case."""
    table = [HEAD, *(row.cells() for row in sorted(rows, key=lambda row: (row.case, row.what)))]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    return [
        "  ".join(
            cell.rjust(w) if i in RIGHT else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def closing(rows: list[Row]) -> str:
    """The last line: how many rows of each verdict."""
    counts = {
        "out of tolerance": sum(not row.as_it_should for row in rows),
        "missed and told": sum(row.verdict == "MISSED" for row in rows),
        "controls that fail": sum(row.verdict.startswith("fails") for row in rows),
    }
    return f"{len(rows)} rows, " + ", ".join(f"{n} {word}" for word, n in counts.items())


def document(rows: list[Row], not_run: list[NotRun]) -> dict[str, Any]:
    """What goes into ``build/validate.json``."""
    return {"rows": [asdict(row) for row in rows], "not_run": [asdict(absent) for absent in not_run]}
