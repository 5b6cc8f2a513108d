"""The CoolTools chillers that EnergyPlus ships in ``DataSets/Chillers.idf``, read from there."""

from __future__ import annotations

import re

from tests.oracles.energyplus.plant import Chiller
from tests.oracles.energyplus.run import payload


def objects() -> list[list[str]]:
    """Every object of the file as its fields, kind first, comments left out."""
    text = (payload() / "DataSets" / "Chillers.idf").read_text()
    bare = re.sub(r"!.*", "", text)
    return [[field.strip() for field in entry.split(",")] for entry in bare.split(";") if entry.strip()]


def chillers() -> dict[str, Chiller]:
    """Water-cooled centrifugal and screw sets by name."""
    all_objects = objects()
    curves = {entry[1]: [float(x) for x in entry[2:]] for entry in all_objects if entry[0].startswith("Curve:")}
    found: dict[str, Chiller] = {}
    for entry in all_objects:
        if entry[0] != "Chiller:Electric:EIR" or entry[2] == "Autosize":
            continue
        capacity, eir, load = (curves[entry[i]] for i in (8, 9, 10))
        found[entry[1].removeprefix("ElectricEIRChiller ")] = Chiller(
            float(entry[2]), float(entry[3]), float(entry[4]), float(entry[5]), capacity[:6], eir[:6], load[:3],
            (capacity[6], capacity[7]), (capacity[8], capacity[9]),
            float(entry[11]), float(entry[12]), float(entry[14]),
        )  # fmt: skip
    return found
