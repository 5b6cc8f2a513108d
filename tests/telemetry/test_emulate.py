"""A virtual facility publishes what its engine does: in the contract's words, adding up, seen through its sensors."""

from __future__ import annotations

import re
import threading
from graphlib import TopologicalSorter
from itertools import pairwise

import numpy as np
import pytest

from telemetry.batch import Quality
from telemetry.clock import NS, ReplayClock
from telemetry.emulate.play import ToBroker, ToRecording, play
from telemetry.emulate.points import Spec
from telemetry.emulate.sensors import QUANTITIES
from telemetry.emulate.virtual import Wanted, virtual
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from tests.shipped_sites import COMPLETE
from tests.telemetry.heard import NOON, START_NS, Heard, Kept, alike, breaks_contract, emulated
from twin.core.errors import InputError

ENERGISED = {"prairie-750": "2029-07-01T12:00"}


@pytest.fixture(scope="module")
def ideal():
    """Two hundred seconds of a hall without errors of its sensors, and what is heard of it."""
    made, messages = emulated(30.0, site="zone-4a-tower", at=NOON, sensors="ideal", seed=3)
    return made, messages, Heard(messages)


@pytest.mark.parametrize("site", COMPLETE)
def test_every_message_of_every_shipped_site_is_in_the_contract_and_understood(site):
    racks = "40" if site == "prairie-750" else None
    made, messages = emulated(4.0, site=site, at=ENERGISED.get(site, NOON), racks=racks, sensors="poor", seed=1)
    assert {spec.kind for spec in made.layout.specs} >= {"Rack", "PowerMeter", "CRAH", "Sensor", "GenericObject"}
    assert {(m.topic, why) for m in alike(messages) if (why := breaks_contract(m))} == set()
    heard = Heard(messages)  # asserts that none is refused
    assert len(heard.decoder.points) == len(made.layout.specs) + 2
    assert {m.topic for m in messages if re.search(r"[. +#]", m.topic)} == set()
    assert all(m.retain == ("/Metadata/" in m.topic) for m in messages)
    worth = {quality for rows in heard.readings.values() for _, _, quality in rows}
    assert worth <= {Quality.GOOD, Quality.BAD, Quality.NO_VALUE}  # nothing impossible


def test_what_is_heard_is_the_value_of_the_engine_within_the_errors_of_its_sensor(ideal):
    _, _, truth = ideal
    _, messages = emulated(30.0, site="zone-4a-tower", at=NOON, sensors="typical", seed=3)
    heard = Heard(messages)
    for variable, quantity, absolute in (
        ("rack_power", "rack_power", False),
        ("rack_liquid_return_temperature", "liquid_temperature", True),
    ):
        q, true, read = QUANTITIES[quantity], truth.last(variable), heard.last(variable)
        errors = np.array([(read[r] - true[r]) / (1.0 if absolute else true[r]) for r in read])
        part = 0 if absolute else 1
        # Within its dead band a reading is old: that adds at most the band.
        sd = np.hypot(q.noise[part], q.bias[part])
        assert len(errors) == 80
        assert 0.7 * sd < errors.std() < 1.5 * (sd + q.dead_band[part])
        assert np.abs(errors).max() < 5.0 * sd + q.dead_band[part]


def test_points_come_back_under_the_names_of_the_twin(ideal):
    _, _, heard = ideal
    racks = {p.item for p in heard.decoder.points if p.variable == "rack_power"}
    assert {"b/h/r-1/01", "b/h/r-8/10"} <= racks
    assert len(racks) == 80
    cdu = next(p for p in heard.decoder.points if p.item == "b/h/cdu-01" and "Supply" in p.qualifier)
    assert set(cdu.serves) <= racks


def test_edges_lead_from_the_grid_through_power_and_water_to_every_rack_and_never_back(ideal):
    _, _, heard = ideal
    serves: dict[str, set[str]] = {}
    for point in heard.decoder.points:
        serves.setdefault(point.item, set()).update(point.serves)
    assert {child for children in serves.values() for child in children} <= serves.keys()  # none leads nowhere
    TopologicalSorter(serves).prepare()  # raises where edges make a circle
    reached, todo = set[str](), ["grid"]
    while todo:
        reached.add(item := todo.pop())
        todo += [child for child in serves[item] if child not in reached]
    racks = {p.item for p in heard.decoder.points if p.variable == "rack_power"}
    assert racks | {"b/h/cdu-01", "b/h/air", "b/warm", "b/chw/chillers", "b/warm/rejection"} <= reached


def test_what_is_published_before_noise_adds_up_from_the_racks_to_the_grid(ideal):
    _, _, heard = ideal
    meters, racks = heard.last("meter_power"), heard.last("rack_power")
    serves = {p.item: p.serves for p in heard.decoder.points if p.variable == "meter_power"}
    lost = sum(meters[f"{e}/input"] - meters[e] for e in meters if f"{e}/input" in meters)
    leaves = [m for m in meters if not set(serves[m]) & (meters.keys() | racks.keys())]
    used = sum(racks.values()) + sum(meters[m] for m in leaves)
    # The points were read within two seconds of each other.
    assert meters["grid"] == pytest.approx(used + lost, rel=2e-4)
    assert 0.01 < lost / meters["grid"] < 0.12
    for name in ("b/h/busway", "b/h/ups", "mv"):
        below = sum(meters.get(child, racks.get(child, 0.0)) for child in serves[name])
        assert meters[name] == pytest.approx(below, rel=2e-4)


def test_the_coolant_of_racks_carries_the_heat_that_their_cdus_take(ideal):
    _, _, heard = ideal
    flow, supply, back = (
        heard.last(f"rack_liquid_{name}") for name in ("volume_flow", "supply_temperature", "return_temperature")
    )
    heat = sum(flow[r] * (back[r] - supply[r]) for r in flow)
    power = sum(heard.last("rack_power").values())
    # Water or PG25: 4.0 to 4.2 MJ/(m3 K); the rest of the racks' heat goes to the air.
    assert 0.80 < 4.1e6 * heat / power < 1.0


def test_the_same_seed_and_instants_are_the_same_bytes_and_another_seed_is_not():
    first, again = (emulated(12.0, site="rubin-manifold", at=NOON, seed=5)[1] for _ in range(2))
    other = emulated(12.0, site="rubin-manifold", at=NOON, seed=6)[1]
    assert first == again
    assert [m.payload for m in other] != [m.payload for m in first]


def test_values_come_on_change_and_again_metadata_too_and_heartbeats_every_ten_seconds():
    _, messages = emulated(230.0, site="azure-dgx", at=NOON, seed=2)
    times: dict[str, list[float]] = {}
    for message in messages:
        times.setdefault(message.topic, []).append((message.received_ns - START_NS) / NS)
    beats = next(at for topic, at in times.items() if "HeartbeatTimestampBms" in topic and "/Value/" in topic)
    assert beats == pytest.approx(np.arange(0.0, 230.0, 10.0))
    metadata = [at for topic, at in times.items() if "/Metadata/" in topic]
    assert all(at[0] == 0.0 and max(b - a for a, b in pairwise(at)) <= 100.001 for at in metadata)
    states = [at for topic, at in times.items() if "/Value/" in topic and "/Status/" in topic]
    assert all(max(b - a for a, b in pairwise(at)) <= 100.001 for at in states)
    # Metadata come before the first value.
    assert messages[len(metadata)].topic.split("/")[3] == "Value"


def test_hidden_figures_differ_from_the_library_and_lie_in_their_bands(ideal):
    made, _, _ = ideal
    figures = made.told()["figures"]
    assert len(figures) > 10
    for figure in figures:
        low, high = (figure[end] if figure[end] is not None else figure["library"] for end in ("low", "high"))
        assert min(low, high) - 1e-9 <= figure["true"] <= max(low, high) + 1e-9
    assert sum(f["true"] != f["library"] for f in figures) > 0.9 * len(figures)


def test_a_recording_of_a_facility_holds_what_a_broker_would_get(tmp_path):
    wanted = Wanted("rubin-manifold", at=NOON, lasting_s=5.0, seed=4)
    kept, made = Kept(), virtual(wanted)
    play(made.stream(START_NS), kept, threading.Event(), clock=None, lasting_s=5.0)
    made.close()
    recorder = Recorder(tmp_path, {"dialect": "dsx"}, clock=ReplayClock(START_NS))
    made = virtual(wanted)
    played = play(made.stream(START_NS), ToRecording(recorder), threading.Event(), clock=None, lasting_s=5.0)
    made.close()
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == kept.messages()
    assert (played.ended, played.messages) == ("done", len(kept.messages()))


class Sent:
    """A publisher that keeps."""

    def __init__(self):
        self.topics = []

    def publish(self, topic, payload, qos=0, retain=False):
        self.topics.append((topic, qos, retain))


def test_a_topic_that_somebody_acts_on_is_never_published():
    made, sent = virtual(Wanted("rubin-manifold", at=NOON, lasting_s=5.0)), Sent()
    made.layout.specs[0] = Spec("Rack", "RackElectricalIsolationRequest", "b/h/r-1/01", "state")
    made.layout.tails[0] = made.layout.specs[0].tail(made.site)
    with pytest.raises(InputError, match="never emulated"):
        play(made.stream(START_NS), ToBroker(sent), threading.Event(), clock=None, lasting_s=1.0)
    made.close()
    assert sent.topics == []


def test_a_prefix_stands_in_front_of_all_topics():
    made, sent = virtual(Wanted("rubin-manifold", at=NOON, lasting_s=5.0)), Sent()
    play(made.stream(START_NS), ToBroker(sent, 1, "demo/one"), threading.Event(), clock=None, lasting_s=1.0)
    made.close()
    assert {topic.split("/BMS")[0] for topic, _, _ in sent.topics} == {"demo/one"}
    assert {qos for _, qos, _ in sent.topics} == {1}


def test_a_model_that_goes_faster_than_the_clock_moves_as_much():
    _, messages = emulated(30.0, site="zone-4a-tower", at="2028-07-01T06:00", sensors="ideal", seed=1, speed=600.0)
    heard = Heard(messages)
    dry = heard.of("outdoors", "sensor_air_temperature")
    # Five hours of a summer morning.
    assert max(v for _, v, _ in dry) - min(v for _, v, _ in dry) > 2.0
    assert dry[-1][0] < 30.0
