"""The example exchange and the contract files of DSX, where this checkout has the shared data."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import pytest

from telemetry.message import Message

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dsx"
EPOCH_MS = 1_743_620_423_000
NS = 1_000_000
_PART = re.compile(r"([0-9.]+)(ms|m|s|h|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def shared(name: str) -> Path:
    """A file of the shared data; the test is skipped where there is none."""
    if not (DATA / name).is_file():
        pytest.skip(f"needs ../shared/data/dsx/{name}")
    return DATA / name


@cache
def messages() -> tuple[Message, ...]:
    """All rows of the example as messages, received when their offset says."""
    with shared("dsx_exemplar.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    made = []
    for number, row in enumerate(rows):
        offset = sum(float(value) * _SECONDS[unit] for value, unit in _PART.findall(row["offset"]))
        at_ms = EPOCH_MS + round(offset * 1e3)
        payload = row["payload"].replace("{{timestamp_ms}}", str(at_ms)).encode()
        made.append(Message(row["topic"], payload, at_ms * NS, number, 1, "/Metadata/" in row["topic"]))
    return tuple(made)
