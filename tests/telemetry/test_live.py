"""A live twin beside a virtual facility: what it is told drives it, and what it is not told it finds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from telemetry.clock import NS
from telemetry.live.frame import Mode
from telemetry.message import Message
from tests.telemetry import exchange
from tests.telemetry.heard import NOON, emulated
from tests.telemetry.lived import Lived
from twin.core.errors import InputError

SITE = "rubin-manifold"
SETTLED_S = 30.0  # for the first readings of all points, from which the model begins anew, and for its water


@pytest.fixture(scope="module")
def ideal():
    """Two minutes of a facility that is as the library has it, through sensors without errors."""
    made, messages = emulated(120.0, site=SITE, at=NOON, drawn=False, sensors="ideal")
    return made, messages


@pytest.fixture(scope="module")
def lived(ideal):
    return Lived(ideal[1], SITE, 120.0, at=NOON)


@pytest.mark.parametrize(
    ("variable", "share"),
    [("site_power", 1e-4), ("element_power", 1e-4), ("plant_power", 1e-3), ("cdu_pump_power", 2e-3),
     ("cdu_heat", 2e-3), ("hall_power", 1e-4)],
)  # fmt: skip
def test_told_the_power_of_its_racks_the_twin_draws_what_the_facility_draws(lived, variable, share):
    residual, simulated = (lived.over(what, variable, SETTLED_S) for what in ("residual", "simulated"))
    assert np.isfinite(residual).any(axis=0).all()
    assert np.nanmax(np.abs(residual)) < share * np.nanmax(simulated)


@pytest.mark.parametrize("variable", ["cdu_return_temperature", "fws_return_temperature", "hall_return_temperature"])
def test_water_and_air_come_back_as_warm_as_they_do_in_the_facility(lived, variable):
    residual = lived.over("residual", variable, SETTLED_S)
    assert np.isfinite(residual).any(axis=0).all()
    assert np.nanmax(np.abs(residual)) < 0.05  # K; where the rise is 5 to 13 K


def test_what_drives_is_never_shown_as_a_residual(lived):
    frame = lived.at(100.0)
    assert frame.used["rack_power"].all()
    assert np.allclose(frame.simulated["rack_power"], frame.measured["rack_power"], rtol=1e-9)
    held = ("hall_it_power", "site_it_power", "fws_set_temperature")
    for variable in ("rack_power", "cdu_flow", "cdu_supply_temperature", "outdoor_wet_bulb_temperature", *held):
        assert np.isnan(frame.residual(variable)).all(), variable


def test_a_frame_says_how_old_its_numbers_are(lived):
    frame = lived.at(100.0)
    assert 0.0 <= frame.data_age_s < 0.3
    assert (frame.age_s["site_power"] < 2.5).all()
    assert frame.mode is Mode.LIVE
    assert frame.note == ""


def test_sensors_with_errors_leave_their_errors_as_residuals():
    """Drawn by nobody but the sensors: residual less the error of the sensor is its noise, dead band and resolution."""
    made, messages = emulated(120.0, site=SITE, at=NOON, drawn=False, sensors="typical", seed=3)
    lived = Lived(messages, SITE, 120.0, at=NOON)
    (n,) = [n for n, spec in enumerate(made.layout.specs) if spec.name.endswith("LiquidTemperature/Secondary/Return")]
    residual = lived.over("residual", "cdu_return_temperature", SETTLED_S)[:, 0]
    assert abs(made.sensors.bias[n]) > 0.05  # K: there is something to be found
    assert np.nanmax(np.abs(residual - made.sensors.bias[n])) < 0.05 + 5 * 0.02 + 0.01


def without(messages: list[Message], gone) -> list[Message]:
    return [message for message in messages if not gone(message.topic)]


def test_racks_that_nobody_measures_are_the_models_own(ideal, lived):
    racks = lived.session.topology.racks
    blind = set(racks[::2])
    part = Lived(without(ideal[1], lambda t: any(f"RackPower/{SITE}/{r}" in t for r in blind)), SITE, 60.0, at=NOON)
    frame, whole = part.at(50.0), lived.at(50.0)
    dark = np.array([rack in blind for rack in racks])
    assert (frame.used["rack_power"] == ~dark).all()
    assert np.allclose(frame.simulated["rack_power"][~dark], whole.simulated["rack_power"][~dark])
    assert np.isfinite(frame.simulated["rack_power"][dark]).all()
    assert np.isnan(frame.measured["hall_it_power"]).all()  # a sum of some racks is no hall


def test_the_banner_turns_stale_when_the_building_falls_silent_and_live_again():
    _, messages = emulated(110.0, site=SITE, at=NOON, drawn=False, sensors="ideal", faults=["bms:offline@25s+50s"])
    lived = Lived(messages, SITE, 110.0, at=NOON)
    stale = [(frame.time_ns - lived.session.begin_ns) // 10**9 for frame in lived.frames if frame.mode is Mode.STALE]
    # In the first 2 s it has not told all. The last heartbeat is that of 20 s, and 30 s later nobody can tell that the
    # building lives. It speaks again at 75 s, but its next heartbeat is that of 80 s.
    assert stale in ([1, *range(51, 81)], [1, 2, *range(51, 81)])
    frame = lived.at(60.0)
    assert not frame.used
    assert np.isnan(frame.measured["rack_power"]).all()
    assert np.isfinite(frame.simulated["rack_power"]).all()
    assert (frame.age_s["rack_power"] > 30.0).all()
    assert frame.note.startswith("not usable: all of the power, ")
    assert lived.at(100.0).mode is Mode.LIVE


def spoilt(message: Message, value: object, quality: int) -> Message:
    if "/Value/" not in message.topic or "/System/" in message.topic:
        return message
    said = {**json.loads(message.payload), "value": value, "quality": quality}
    return Message(message.topic, json.dumps(said).encode(), message.received_ns, message.sequence, 0, message.retain)


@pytest.mark.parametrize(("value", "quality"), [(None, 1), (4.0, 0)])
def test_values_that_are_none_or_bad_drive_nothing(ideal, value, quality):
    lived = Lived([spoilt(message, value, quality) for message in ideal[1]], SITE, 20.0, at=NOON)
    frame = lived.at(15.0)
    assert frame.mode is Mode.STALE
    assert not any(used.any() for used in frame.used.values())
    assert np.isfinite(frame.simulated["site_power"]).all()
    assert "all of the power" in frame.note


def test_births_that_never_come_are_counted_and_told(ideal):
    lived = Lived(without(ideal[1], lambda t: "/Metadata/" in t), SITE, 110.0, at=NOON)
    assert lived.frames[-1].mode is Mode.STALE
    assert "values wait for what describes them, which has not come" in lived.frames[-1].note
    assert lived.session.told()["state"]["held"] > 200


def test_a_date_on_which_nothing_has_power_is_refused():
    with pytest.raises(InputError, match="no hall has power on 1995"):
        Lived([], SITE, 1.0, at="1995-01-01")


def test_the_pod_of_the_example_exchange_lives_on_it():
    """Its one CDU carries none of its racks' load: what it says of its water is told as not believed, and compared."""
    heard = exchange.messages()
    lived = Lived(heard, "titan-pod-estimate", 99.0, at="2026-07-01T12:00", begin_ns=heard[0].received_ns // NS * NS)
    frame = lived.at(99.0)
    assert frame.mode is Mode.LIVE
    assert frame.used["rack_power"].all()
    assert frame.simulated["site_it_power"][0] == pytest.approx(frame.measured["site_it_power"][0], rel=1e-9)
    assert max(float(each.simulated["energy_residual"][0]) for each in lived.frames) < 1e-9
    # Both busways carry the racks: what the model has them draw is what their meters show, within its own losses.
    sides = np.isfinite(frame.measured["element_power"])
    assert frame.simulated["element_power"][sides].sum() == pytest.approx(
        frame.measured["element_power"][sides].sum(), rel=0.01
    )
    assert frame.note.endswith("not believed: 33 % of the cooling")
    assert np.isfinite(frame.residual("cdu_primary_flow")).all()
