"""The hour to look at, and what every rack draws while a site's load and weather stay."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.columns import Group
from twin.core.variables import slot
from twin.engine.peak import peak_hour, peak_week
from twin.engine.period import stamp
from twin.engine.serve import ClassDemand
from twin.engine.still import Held, still
from twin.forcing.coincident import Air
from twin.forcing.weather import load_weather
from twin.site.load import load_site


@pytest.mark.parametrize(("site", "local_hour"), [("oklahoma-10", 14), ("frontier", 14)])
def test_the_peak_hour_of_load_curves_is_that_of_the_site_file(site, local_hour):
    """Frontier's load is flat, so its hour is the warmest; Oklahoma's curve peaks at 14:00 on workdays."""
    loaded, weather = load_site(site), load_weather("washington-dulles")
    at = peak_hour(loaded, weather)
    first, last = peak_week(loaded, weather)
    assert first < stamp(at) <= last
    assert abs((at / 3600.0 + loaded.site.utc_offset_h) % 24.0 - local_hour) <= 1.0
    if site == "frontier":
        week = np.arange(at - 6 * 86400.0, at + 6 * 86400.0, 3600.0)
        assert weather.sample([at], 3600.0).dry_bulb_c[0] == weather.sample(week, 3600.0).dry_bulb_c.max()


@pytest.mark.parametrize("site", ["oklahoma-10", "frontier", "azure-dgx"])
def test_the_racks_of_the_whole_plan_draw_what_the_point_has(site):
    loaded = load_site(site)
    with still(loaded, peak_hour(loaded, load_weather("washington-dulles"))) as made:
        classes = len(made.plan.fleet.workload) if made.plan.fleet else 0
        use = np.full(len(made.whole.labels.curve), 0.7)
        levels = made.point(Air(25.0, 18.0, 1e5), use, [ClassDemand(Held(0.7), relative=True)] * classes)
        power, a = made.power(), made.whole.arrays
    it = levels["hall"][0, :, slot("hall_it_power")]
    halls = np.add.reduceat(power, a.hall_group[:-1])
    assert halls == pytest.approx(it, rel=1e-9)
    # A rack of a kind in a hall draws the same behind every CDU.
    each = power / a.group[:, Group.COUNT]
    for h in range(len(made.whole.labels.hall)):
        part = each[a.hall_group[h] : a.hall_group[h + 1]]
        kinds = np.array(made.whole.labels.group_kind[a.hall_group[h] : a.hall_group[h + 1]])
        for kind in set(kinds):
            assert np.ptp(part[kinds == kind]) <= 1e-9 * part.max()
