"""The items of a site in the order of all arrays, from its Plan: what a page needs to draw them."""

from __future__ import annotations

import numpy as np

from telemetry.live.frame import Topology
from twin.core.columns import Group
from twin.engine.headroom import COOLING_LIMITS
from twin.engine.layout import coordinates
from twin.engine.prepare import Prepared


def topology(prepared: Prepared, model_shift_s: float = 0.0) -> Topology:
    """The items of a prepared run of level ``rack``; ``model_shift_s``: time of the model less that of the frames."""
    plan, labels, a = prepared.plan, prepared.plan.labels, prepared.plan.arrays
    told = {c.name: c.values for c in coordinates(plan, prepared.loaded, prepared.timeline, "rack")}
    halls = {name: index for index, name in enumerate(labels.hall)}
    fleet = plan.fleet
    return Topology(
        site=prepared.loaded.site.name,
        title=prepared.loaded.site.title,
        halls=tuple(labels.hall),
        racks=tuple(map(str, told["rack"])),
        cdus=tuple(labels.cdu),
        loops=tuple(labels.loop),
        elements=tuple(labels.element),
        pools=tuple(fleet.pool) if fleet else (),
        workloads=tuple(fleet.workload) if fleet else (),
        rack_hall=np.array([halls[str(hall)] for hall in told["rack_hall"]], np.int64),
        rack_row=np.asarray(told["rack_y"], np.int64),
        rack_place=np.asarray(told["rack_x"], np.int64),
        rack_kind=tuple(map(str, told["rack_kind"])),
        rack_rated_w=np.repeat(a.group[:, Group.RATED], np.diff(a.group_rack)),
        cdu_hall=np.asarray(a.sec_hall[np.array(labels.cdu_sec, np.int64)], np.int64),
        hall_power_bindings={-1: "contract", **dict(enumerate(labels.element))},
        hall_cooling_bindings=dict(enumerate(COOLING_LIMITS)),
        utc_offset_s=plan.utc_offset_s,
        model_shift_s=model_shift_s,
    )


__all__ = ["topology"]
