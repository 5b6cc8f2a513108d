"""Derive the shipped weekly shape from the ServeGen rate curve: ``python -m tests.forcing.data.make_shape [CURVE]``."""

from __future__ import annotations

import sys
from pathlib import Path

from twin.forcing.shapes import weekly_of, written
from twin.forcing.traces.read import read_curve

ROOT = Path(__file__).resolve().parents[3]
CURVE = ROOT.parent / "shared" / "data" / "servegen" / "servegen_rate_language_m-large.csv"
NAME = "servegen-m-large"
ABOUT = {
    "name": NAME,
    "title": "a production language model over 14 days, 196 requests/s on average",
    "source": "ServeGen, Alibaba: GitHub alibaba/ServeGen, data of language/m-large, 162 clients",
    "licence": "Apache-2.0, Copyright Alibaba",
    "changes": "rates of all clients summed in 600 s windows, mean of each hour of the week over 14 days, divided by "
    "the mean of all; neither the weekday nor the time zone of the recording is stated: its first hour stands first",
}


def made(curve: Path) -> bytes:
    """The text of the shipped file."""
    return written(weekly_of(read_curve(curve)), ABOUT)


if __name__ == "__main__":
    (ROOT / "sites" / "demand" / f"{NAME}.csv").write_bytes(made(Path(sys.argv[1]) if sys.argv[1:] else CURVE))
