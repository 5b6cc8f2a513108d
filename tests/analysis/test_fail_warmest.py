"""What a failure does to temperatures is told where it rises most, and coolant of many CDUs in one row."""

from __future__ import annotations

import numpy as np
import pytest

from twin.analysis.coolant_watch import FEW, CoolantWatch, coolant_rows
from twin.analysis.fail import fail, told
from twin.analysis.fail_warmest import lines, outdoors, warmest

NAN = np.nan
LABELS = {"hall": ["b/one", "b/two", "b/dark"], "loop": ["b/chw"]}
SERIES = {
    "hall_rack_temperature_maximum": np.array([[50.0, 40, NAN], [50.0, 40, NAN], [51.0, 47, NAN], [49.0, 42, NAN]]),
    "hall_liquid_supply_temperature_maximum": np.full((4, 3), NAN),
    "hall_rack_inlet_temperature": np.array([[22.0, 22.0, NAN]] * 4),
    "fws_supply_temperature": np.array([[17.0], [17.0], [17.5], [17.2]]),
}  # fmt: skip


def test_each_is_told_of_the_hall_or_loop_in_which_it_rises_most():
    rows = warmest(SERIES, LABELS, 2)
    assert [(row["what"], row["where"]) for row in rows] == [
        ("hottest rack", "b/two"), ("air at racks", "b/one"), ("facility water", "b/chw"),
    ]  # fmt: skip
    assert (rows[0]["before_c"], rows[0]["most_c"], rows[0]["end_c"]) == (40.0, 47.0, 42.0)
    assert lines(rows)[1].split() == ["hottest", "rack", "40.0", "47.0", "42.0", "b/two"]
    assert lines([]) == []


def test_a_span_of_a_tenth_is_told_once():
    assert outdoors({"least": 37.19, "most": 37.2}) == "outdoors 37.2 degC"
    assert outdoors({"least": 32.1, "most": 32.8}) == "outdoors 32.1 to 32.8 degC"


def test_a_sensor_that_reads_low_warms_the_coolant_of_its_own_hall():
    found = told(fail("oklahoma-10", ["okc/hall-2/cdu-01:sensor=5"], at="2028-07-11T18:00", lasting_s=600.0))
    rows = {row["what"]: row for row in found["warmest"]}
    assert rows["coolant to racks"]["where"] == rows["hottest rack"]["where"] == "okc/hall-2"
    assert rows["coolant to racks"]["most_c"] - rows["coolant to racks"]["before_c"] == pytest.approx(5.0, abs=0.3)


class Watched(CoolantWatch):
    """So many CDUs below their least flow, each a second after the one before, the last of them lowest."""

    def __init__(self, cdus: int) -> None:
        self.low = [(f"b/h/cdu-{n:02d}", 100.0 + n, 0.95 - 0.01 * n) for n in range(cdus)]

    def below_least_flow(self, times_s: np.ndarray) -> list[tuple[str, float, float]]:
        return self.low

    def below_dew_point(self, times_s: np.ndarray) -> list[tuple[str, float, float]]:
        return []


def test_coolant_of_a_few_cdus_is_told_one_by_one_and_of_many_in_one_row():
    assert len(coolant_rows(Watched(FEW), np.zeros(0), 90.0)) == FEW
    (row,) = coolant_rows(Watched(9), np.zeros(0), 90.0)
    assert row["s"] == 10.0
    assert row["what"] == (
        "coolant of 9 CDUs below the least flow of their racks until 18.0 s, first b/h/cdu-00, down to 87 %"
    )
