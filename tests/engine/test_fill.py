"""What prairie-750 serves by default: every pool works hard in every phase, none beyond its measure."""

from __future__ import annotations

import pytest

from twin.analysis.dataset import simulate

# A week of each phase in which all that the year brings is energised.
PHASES = ["2026-12-15", "2027-12-07", "2028-12-05"]


@pytest.mark.parametrize("start", PHASES)
def test_each_energised_pool_is_in_use_50_to_75_percent_on_average_and_95_at_its_peak(start):
    end = f"{start[:-2]}{int(start[-2:]) + 7:02d}"
    run = simulate("prairie-750", start=start, end=end, step="5min", every="15min", threads=2)
    systems = run["pool_systems"].values
    pools = [str(name) for name in run["pool"].values]
    assert (systems[0] == systems[-1]).all()
    assert len([n for n, stands in zip(pools, systems[0] > 0, strict=True) if stands]) >= len(pools) - 1
    for i, pool in enumerate(pools):
        if systems[0, i]:
            use = run["pool_utilization"].values[:, i]
            assert 0.5 <= use.mean() <= 0.75, pool
            assert 0.95 <= use.max() <= 1.0, pool
    assert float(run["pool_shed_rate"].max()) == 0.0  # missing where a pool serves no such class
