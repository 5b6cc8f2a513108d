"""The zones of an air-cooled hall: which racks stand in which, and how much of each other's exhaust they draw.

From a containment of the library every row of racks is a zone, in the written order (beyond ``MOST_ZONES`` rows,
neighbouring rows go together). From a CSV beside the site zones are as it names them::

    zone,r-1,r-2+r-3,s
    r-1,0.03,0.01,0
    r-2+r-3,0.01,0.03,0.01
    s,0,0.01,0.03

a row of the template (``s``: all its repeats), one repeat of it (``r-1``), or several joined by ``+``; the cell (i, j)
is the share of the exhaust of i that enters the inlets of j. Every rack stands in one zone.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.cooling.containment import MOST_SHARED, Containment
from twin.cooling.recirculation import d_matrix
from twin.core.errors import InputError, Problem, did_you_mean, one
from twin.site.library import Library
from twin.site.model import Template
from twin.site.plan import Floats

MOST_ZONES = 24
HEADER = "zone"


@dataclass(frozen=True)
class Zones:
    """Zones of a template: their names, the zone of each row (``r-1``), cross-interference (zone, zone), bypass."""

    names: tuple[str, ...]
    of_row: dict[str, int]
    a: Floats
    bypass: float

    def lowered(self, flow: Sequence[float]) -> tuple[float, Floats]:
        """Share of the racks' air that goes round, and the matrix of ``twin.engine.zones``, at the zones' air flows.

        Raises ``ValueError`` where a zone would take in more than flows through it.
        """
        k = np.asarray(flow, np.float64) / sum(flow)
        rho = float(k @ self.a.sum(axis=1))
        return rho, (1.0 - rho) * d_matrix(self.a, k)


def row_names(template: Template) -> list[str]:
    """Names of a template's rows of racks, in order: ``r-1``, ``r-2``, ..."""
    return [f"{id}-{n + 1}" for id, row in template.rows.items() for n in range(row.count)]


def zones_of(template: Template, library: Library, file: Path | None) -> Zones | None:
    """The zones of a template, None where it has none. Raises ``InputError`` for a faulty file."""
    air = template.air
    if file is not None:
        return read_zones(file, template, air.bypass)
    if air.containment is None:
        return None
    entry = library.get(air.containment, Containment)
    rows = row_names(template)
    n = min(len(rows), MOST_ZONES)
    of_row = {name: i * n // len(rows) for i, name in enumerate(rows)}
    together: list[list[str]] = [[] for _ in range(n)]
    for name, zone in of_row.items():
        together[zone].append(name)
    return Zones(tuple(_named(names) for names in together), of_row, entry.interference(n), entry.bypass_share.value)


def _named(rows: list[str]) -> str:
    return rows[0] if len(rows) == 1 else f"{rows[0]}..{rows[-1]}"


def read_zones(file: Path, template: Template, bypass: float) -> Zones:
    """Zones from a CSV. Raises ``InputError`` with every fault at its line and column."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise one(f"cannot be read: {error}", file=str(file)) from None
    while lines and not lines[-1]:
        lines.pop()
    names = [text.strip() for text in lines[0][1:]] if lines else []
    if not names or lines[0][0].strip() != HEADER:
        raise one(f"expected a header `{HEADER},<zone>...`", file=str(file))
    if len(names) > MOST_ZONES:
        raise one(f"{len(names)} zones, expected at most {MOST_ZONES}: join rows with +", file=str(file))
    faults: list[Problem] = []
    of_row = _rows_of(names, template, str(file), faults)
    a = _cells(lines, names, str(file), faults)
    for i in np.flatnonzero(a.sum(axis=1) > MOST_SHARED + 1e-12).tolist():
        text = f"shares sum to {a[i].sum():g}, expected at most {MOST_SHARED:g}: air must return to the air handlers"
        faults.append(Problem(names[i], text, str(file), i + 2, 1))
    if faults:
        raise InputError(faults)
    return Zones(tuple(names), of_row, a, bypass)


def _rows_of(names: list[str], template: Template, file: str, faults: list[Problem]) -> dict[str, int]:
    """Zone of each row of racks; notes unknown names, rows that stand twice, and rows that stand nowhere."""
    rows = {id: [f"{id}-{n + 1}" for n in range(row.count)] for id, row in template.rows.items()}
    rows |= {name: [name] for name in row_names(template) if name not in rows}
    found: dict[str, int] = {}
    for zone, text in enumerate(names):
        for part in (p.strip() for p in text.split("+")):
            if part not in rows:
                hint = did_you_mean(part, rows)
                faults.append(Problem(text, f'the template has no row "{part}"{hint}', file, 1, zone + 2))
            for name in rows.get(part, []):
                if found.setdefault(name, zone) != zone:
                    where = f"row {name} stands in {names[found[name]]} already"
                    faults.append(Problem(text, where, file, 1, zone + 2))
    left = [name for name in row_names(template) if name not in found]
    if left and not faults:
        faults.append(Problem("", f"in no zone: {', '.join(left)}", file, 1, 1))
    return found


def _cells(lines: list[list[str]], names: list[str], file: str, faults: list[Problem]) -> Floats:
    """The matrix; notes rows out of order, missing cells and what is no share."""
    n = len(names)
    a = np.zeros((n, n))
    if len(lines) != n + 1:
        faults.append(Problem("", f"{len(lines) - 1} rows for {n} zones: expected a square matrix", file, 1, 1))
    for i, line in enumerate(lines[1 : n + 1]):
        name = line[0].strip() if line else ""
        if name != names[i]:
            text = f'"{name}", expected "{names[i]}": rows in the order of the columns'
            faults.append(Problem("", text, file, i + 2, 1))
        if len(line) != n + 1:
            faults.append(Problem(names[i], f"{max(0, len(line) - 1)} cells, expected {n}", file, i + 2, 1))
        for j, text in enumerate(line[1 : n + 1]):
            share = _share(text)
            if share is None:
                words = f'"{text.strip()}" is no share, expected a number in 0..1'
                faults.append(Problem(f"{names[i]}, {names[j]}", words, file, i + 2, j + 2))
            else:
                a[i, j] = share
    return a


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


__all__ = ["MOST_ZONES", "Zones", "read_zones", "row_names", "zones_of"]
