"""A thermal store in the facility water, in a run: V25."""

from __future__ import annotations

from tests.engine.test_transport import flow_m3_s, warmer, without_chillers


def test_a_store_of_seven_minutes_lasts_seven_minutes(tmp_path, validation_row):
    bare = without_chillers(tmp_path)
    stored = without_chillers(tmp_path, f", store_m3: {420.0 * flow_m3_s(bare):.3f}")
    lasts = warmer(stored) - warmer(bare)
    source = "V = P t/(rho c dT)"
    validation_row("V25", "store of 7 min in a run without chillers, s", 420.0, lasts, rel=0.01, source=source,
                   basis="checked")  # fmt: skip
    assert not any(row["trip_s"] is not None and row["trip_s"] < 420.0 for row in stored.groups)
