"""Energy: what comes in at the meter is rejected, lost or stored, in every step of every shipped site."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.shipped_sites import COMPLETE
from twin.core.units import DAY, HOUR

SITES = [*COMPLETE, "small"]
MINUTE = 60.0


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    ("step", "length"), [(1.0, 10 * MINUTE), (60.0, 6 * HOUR), (3600.0, 3 * DAY)], ids=["1s", "60s", "1h"]
)
@pytest.mark.parametrize("month", ["2029-01-20", "2029-07-20"])
def test_energy_is_conserved_in_every_step(lab, tools, site, step, length, month):
    plan = lab.plan(site)
    load = tools.own_curves(lab.site(site), plan)
    air = lab.site(site).site.weather.file
    rows = lab.run(plan, stamp(month), length, step, load=load, weather=air, interval=min(length, HOUR))
    residual = tools.column(rows, "energy_residual")
    assert tools.column(rows, "site_it_power").min() > 0.0
    assert residual.max() < 1e-9
    # And in the large: what the meter delivered in the run is what left it, up to what is stored in loops and racks.
    power = tools.column(rows, "site_power").mean()
    parts = sum(tools.column(rows, f"site_{part}").mean() for part in ("it_power", "cooling_power", "electrical_loss"))
    assert power == pytest.approx(parts, rel=1e-9)


def energisations(lab, site: str) -> list[float]:
    """Dates at which a hall joins others that already run."""
    dates = sorted({float(t) for t in lab.plan(site).hall_start_s})
    return dates[1:2] + dates[-1:] if len(dates) > 1 else dates


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("step", [1.0, 60.0, 3600.0])
def test_energy_is_conserved_across_an_energisation(lab, tools, site, step):
    plan = lab.plan(site)
    load = tools.own_curves(lab.site(site), plan)
    for date in energisations(lab, site):
        # A start off the hour, so that the date lies inside a step of an hour.
        before = {1.0: 120.0, 60.0: HOUR, 3600.0: 5.5 * HOUR}[step]
        rows = lab.run(
            plan,
            date - before,
            4 * before if step < HOUR else 22 * HOUR,
            step,
            load=load,
            interval=step if step == HOUR else before,
        )
        on = tools.column(rows, "hall_energised_share").sum(axis=1)
        assert on[-1] > on[0]
        assert np.nanmax(tools.column(rows, "energy_residual")) < 1e-9
