"""The example exchange that NVIDIA publishes with the contract: 4,711 messages, and the sums that hold in it."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from telemetry.batch import Batch, Quality
from telemetry.decode import make
from telemetry.points import Point
from tests.telemetry.exchange import EPOCH_MS, NS, messages

RACKS = [f"Pod1C-E{number:02d}" for number in range(1, 7)]


class Heard:
    """All readings of the example, and their means by point."""

    def __init__(self) -> None:
        self.decoder = make("dsx")
        self.kinds: Counter[str] = Counter()
        self.values: dict[str, list[float]] = defaultdict(list)
        self.qualities: Counter[int] = Counter()
        self.times: list[int] = []
        for message in messages():
            batch = self.decoder.decode(message)
            assert isinstance(batch, Batch), batch
            self.kinds["Metadata" if "/Metadata/" in message.topic else message.topic.split("/")[5]] += 1
            for index, value in zip(batch.points, batch.values, strict=True):
                self.values[self.decoder.points[index].identity].append(value)
            self.qualities.update(batch.qualities)
            self.times += batch.times_ns

    def mean(self, point: Point) -> float:
        """Mean of the samples of a point."""
        samples = self.values[point.identity]
        return sum(samples) / len(samples)

    def means(self, variable: str, *items: str) -> list[float]:
        """Means of the points of a variable, by item."""
        return [
            self.mean(point)
            for item in items
            for point in self.decoder.points
            if (point.variable, point.item, point.set_point) == (variable, item, False)
        ]


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


def test_every_message_of_the_example_is_understood(heard):
    assert len(messages()) == 4711
    assert heard.kinds["Metadata"] == 166 == len(heard.decoder.points)
    assert {kind: heard.kinds[kind] for kind in ("RackPower", "PhaseCurrent", "AirTemperature", "ValvePosition")} == {
        "RackPower": 112,
        "PhaseCurrent": 671,
        "AirTemperature": 332,
        "ValvePosition": 13,
    }
    assert sum(map(len, heard.values.values())) == 4545
    assert heard.qualities == {Quality.GOOD: 4545}
    assert sum(1 for point in heard.decoder.points if not heard.values[point.identity]) == 21
    assert min(heard.times) >= EPOCH_MS * NS


def test_points_with_equal_metadata_stay_apart(heard):
    twins = Counter((p.variable, p.item, p.qualifier, p.set_point) for p in heard.decoder.points)
    assert sum(count for count in twins.values() if count > 1) >= 28
    assert len({point.identity for point in heard.decoder.points}) == 166


def test_the_two_busways_carry_the_six_racks(heard):
    buses = sum(heard.means("meter_power", "C-E-BUS-E1", "C-E-BUS-E2"))
    racks = sum(heard.means("rack_power", *RACKS))
    assert buses == pytest.approx(214_070.0, abs=5.0)
    assert racks == pytest.approx(buses, rel=1e-4)


def test_the_two_taps_carry_rack_e05(heard):
    taps = sum(heard.means("meter_power", "C-E05-TAP-E1", "C-E05-TAP-E2"))
    assert taps == pytest.approx(heard.means("rack_power", "Pod1C-E05")[0], rel=1e-4)


def test_power_per_apparent_power_is_the_power_factor_of_the_taps(heard):
    (factor,) = set(heard.means("meter_power_factor", "C-E05-TAP-E1", "C-E05-TAP-E2"))
    for bus in ("C-E-BUS-E1", "C-E-BUS-E2"):
        ratio = heard.means("meter_power", bus)[0] / heard.means("meter_apparent_power", bus)[0]
        assert ratio == pytest.approx(factor, abs=1e-3)


def test_the_coolant_carries_off_what_the_racks_draw(heard):
    shares = []
    for rack in RACKS[1:]:
        flow, warm, cold, power = (
            heard.means(name, rack)[0]
            for name in (
                "rack_liquid_volume_flow",
                "rack_liquid_return_temperature",
                "rack_liquid_supply_temperature",
                "rack_power",
            )
        )
        shares.append(4.0e6 * flow * (warm - cold) / power)  # J/(m3 K)
    assert shares == pytest.approx([0.974, 0.950, 0.967, 0.974, 0.950], abs=1e-3)


def test_the_faults_that_are_in_it_are_passed_on_as_they_are(heard):
    assert heard.means("meter_voltage", "C-E05-TAP-E1", "C-E05-TAP-E2") == [0.0, 0.0]
    assert min(heard.means("meter_current", "C-E05-TAP-E1")) > 40.0
    flows = [p for p in heard.decoder.points if p.variable == "cdu_liquid_volume_flow" and p.qualifier[0] != "Primary"]
    assert [(point.qualifier, heard.mean(point)) for point in flows] == [(("Seccondary",), 0.0)]
