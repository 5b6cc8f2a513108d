"""Where the power at the meter goes: the consumers of a campus, which together ARE the meter.

Equations: meter = IT + pumps + fans + chillers + losses of every element of the electrical path. The engine's
electrical pass is exact, so the sum closes to rounding; what is left is reported, never spread.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from twin.analysis.period import Floats, labels, values

METER = "Meter"
IT = "IT equipment"
HALL_MECHANICAL = "CDU pumps and hall fans"
PUMPS = "Facility and condenser pumps"
FANS = "Tower and dry-cooler fans"
CHILLERS = "Chillers"
COOLING = "Cooling"
RACK_PATH = "PDUs, RPPs and busways"
UPS = "UPS"
HALL_PATH = "Hall switchgear and transformers"
CAMPUS_PATH = "Campus feeders and transformers"
PATH = "Electrical path"

IT_GROUP, COOLING_GROUP, LOSS_GROUP = "IT", "Cooling", "Electrical losses"
GROUP = {
    IT: IT_GROUP,
    HALL_MECHANICAL: COOLING_GROUP,
    PUMPS: COOLING_GROUP,
    FANS: COOLING_GROUP,
    CHILLERS: COOLING_GROUP,
    COOLING: COOLING_GROUP,
    RACK_PATH: LOSS_GROUP,
    UPS: LOSS_GROUP,
    HALL_PATH: LOSS_GROUP,
    CAMPUS_PATH: LOSS_GROUP,
    PATH: LOSS_GROUP,
}
RACK_KINDS = ("pdu", "busway")


def consumers(ds: xr.Dataset) -> dict[str, Floats]:
    """Power of each consumer over time, W; the keys are those of :data:`GROUP`, in its order.

    A run that holds no halls, loops or elements is told by groups instead of by consumers.
    """
    parts = {IT: values(ds, "site_it_power")}
    if "hall_mechanical_power" in ds and "plant_power" in ds:
        chillers, fans = values(ds, "plant_chiller_power"), values(ds, "plant_fan_power")
        parts[HALL_MECHANICAL] = values(ds, "hall_mechanical_power").sum(axis=1)
        parts[PUMPS] = (values(ds, "plant_power") - chillers - fans).sum(axis=1)
        parts[FANS] = fans.sum(axis=1)
        parts[CHILLERS] = chillers.sum(axis=1)
    else:
        parts[COOLING] = values(ds, "site_cooling_power")
    if "element_loss" in ds and "element_kind" in ds.coords:
        loss, classes = values(ds, "element_loss"), np.array(element_classes(ds))
        for name in (RACK_PATH, UPS, HALL_PATH, CAMPUS_PATH):
            if (classes == name).any():
                parts[name] = loss[:, classes == name].sum(axis=1)
    else:
        parts[PATH] = values(ds, "site_electrical_loss")
    return parts


def element_classes(ds: xr.Dataset) -> list[str]:
    """The consumer that each element's loss belongs to.

    A hall's elements stand from the racks upward: a busway below the UPS feeds racks, one above it is switchgear.
    """
    halls = set(labels(ds, "hall"))
    above: set[str] = set()
    found = []
    for name, kind in zip(labels(ds, "element"), labels(ds, "element_kind"), strict=True):
        hall = name.rpartition("/")[0]
        if hall not in halls:
            found.append(CAMPUS_PATH)
        elif kind == "ups":
            above.add(hall)
            found.append(UPS)
        else:
            found.append(RACK_PATH if kind in RACK_KINDS and hall not in above else HALL_PATH)
    return found


def consumer_rows(ds: xr.Dataset, hours: float) -> list[dict[str, object]]:
    """The table of consumers: energy, mean power and share of the meter's energy; it sums to the meter."""
    parts = consumers(ds)
    meter = float(values(ds, "site_power").sum())
    return [
        {
            "consumer": name,
            "group": GROUP[name],
            "energy_mwh": float(part.sum()) * hours / 1e6,
            "mean_mw": float(part.mean()) / 1e6,
            "share_of_meter": float(part.sum()) / meter if meter > 0 else 0.0,
        }
        for name, part in parts.items()
    ]


def consumers_defect(ds: xr.Dataset) -> float:
    """Relative difference between the sum of the consumers and the meter, over the whole run."""
    meter = float(values(ds, "site_power").sum())
    total = float(np.sum([part.sum() for part in consumers(ds).values()]))
    return abs(total - meter) / max(abs(meter), 1.0)
