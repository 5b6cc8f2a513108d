"""The air of a room without air handlers, against its heat capacity."""

from __future__ import annotations

import dataclasses

import numpy as np

from twin.analysis.fail import fail
from twin.racks.rack import Rack
from twin.site.load import load_site
from twin.site.model import LoadCurve

AIR_KJ_M3K = 1.206


def bare_room(volume_m3_kw: float):
    """azure-dgx under full load, its first hall without anything but air to heat: racks and room hold no heat."""
    loaded = load_site("azure-dgx")
    template = loaded.site.templates["five"]
    spec = {"containment": None, "volume_m3_kw": volume_m3_kw, "mass_kj_k_kw": 0.0}
    air = template.air.model_copy(update=spec)
    full = LoadCurve(mean=1.0, daily_amplitude=0.0, weekend_factor=1.0, rack_spread=0.0, rack_noise=0.0)
    templates = loaded.site.templates | {"five": template.model_copy(update={"air": air})}
    site = loaded.site.model_copy(update={"templates": templates, "inference": None, "loads": {"default": full}})
    rack = loaded.library.get("dgx-h100", Rack)
    # Nothing passes a body, which is too light to count; nothing slows down or trips.
    light = {"body_share": 0.0, "body_capacity_kj_k": 1e-3}
    figures = {key: getattr(rack, key).model_copy(update={"value": value}) for key, value in light.items()}
    none = dict.fromkeys(("throttle_c", "junction_rise_k", "trip_c", "air_inlet_trip_c"))
    bare = rack.model_copy(update=figures | none)
    return dataclasses.replace(loaded, site=site, library=loaded.library.changed({"dgx-h100": bare}))


def test_v23_a_room_whose_air_handlers_are_lost_heats_up_with_its_air(validation_row):
    for volume, expected in ((10.0, 4.975), (20.0, 60.0 / (20.0 * AIR_KJ_M3K))):
        failure = fail(bare_room(volume), ["az/five/air:units=1"], at="2026-06-01T12:00", lasting_s=900.0)
        inlet = failure.series["hall_rack_inlet_temperature"][:, 0]
        # From when the fans have run down and cold and hot aisle heat up alike.
        rate = 60.0 * float(np.diff(inlet)[-120:].mean())
        what = f"room heat-up, {volume:g} m3 of air per kW, K/min"
        validation_row("V23", what, expected, rate, rel=1e-3, source="P/(rho c V)", basis="checked")
        assert failure.residual < 1e-9
