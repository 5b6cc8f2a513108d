"""Templates (the user-defined types of SCADA): members are metrics under the name of their instance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from telemetry.batch import Batch, Flag, Quality, Reason, Reject
from telemetry.message import Message
from telemetry.sparkplug.payload import MAX_BYTES
from telemetry.sparkplug.schema import Datatype
from telemetry.sparkplug.unfold import LONGEST_NAME
from tests.telemetry.spb import MS, T0, hearing, metric, payload, said, session, values
from tests.telemetry.test_sparkplug_replay import later


def instance(name: str | None, *members: Any, definition: bool = False, **how: Any) -> Any:
    """A metric whose value is a template."""
    made = metric(name, None, Datatype.TEMPLATE, **how)
    made.template_value.metrics.extend(members)
    made.template_value.template_ref = "pump"
    made.template_value.is_definition = definition
    return made


def pump(**how: Any) -> Any:
    """An instance with a number, a text, one in an instance of its own, and what is called nothing."""
    power = metric("Power", 40.0, properties={"engUnit": "kW"})
    motor = instance("Motor", metric("Speed", 1450, Datatype.INT32))
    return instance("Pump 1", power, metric("Maker", "x", Datatype.STRING), motor, metric(None, 1.0), **how)


def births(*metrics: Any, at: int = T0) -> list[Message]:
    return [
        said("g/NBIRTH/n", session(1), instance("pump", metric("Power", 0.0), definition=True), seq=0, at=at),
        said("g/DBIRTH/n/r", *metrics, seq=1, at=at),
    ]


def data(*metrics: Any, seq: int = 2, at: int = T0 + 1000) -> Message:
    return said("g/DDATA/n/r", *metrics, seq=seq, at=at)


def test_members_are_points_under_the_name_of_their_instance():
    heard = hearing(*births(pump(alias=7), metric("Temp", 24.0, alias=8)))
    assert [(p.identity, p.variable, p.units, p.qualifier) for p in heard.points] == [
        ("g/n/r:Temp", "temp", "1", ()),
        ("g/n/r:Pump 1/Power", "power", "W", ("Pump 1",)),
        ("g/n/r:Pump 1/Motor/Speed", "speed", "1", ("Pump 1", "Motor")),
    ]
    assert heard.told()["unread"] == {"no number": 1}  # the maker; a definition and an instance are no readings


def test_data_may_name_an_instance_by_its_alias_and_tell_what_changed():
    heard = hearing(*births(pump(alias=7), metric("Temp", 24.0, alias=8)))
    found = heard.decode(data(instance(None, metric("Power", 41.0), alias=7), metric(None, 25.0, alias=8)))
    assert values(found) == [25.0, 41_000.0]
    assert isinstance(found, Batch)
    assert list(found.points) == [0, 1]
    nested = instance(None, instance("Motor", metric("Speed", 1500, Datatype.INT32)), alias=7)
    assert values(heard.decode(data(nested, seq=3))) == [1500.0]
    assert heard.dropped == 0


def test_of_an_instance_that_no_birth_told_of_nothing_is_read_and_a_birth_is_wanted():
    heard = hearing(*births(pump(alias=7)))
    assert values(heard.decode(data(instance(None, metric("Power", 41.0), alias=9)))) == []
    assert (heard.dropped, heard.told()["waiting"]) == (1, 1)
    assert values(heard.decode(data(instance("Pump 2", metric("Power", 41.0)), seq=3))) == []
    assert heard.dropped == 3  # the instance and its member


def test_time_quality_and_history_of_an_instance_are_its_members_where_they_have_none():
    heard = hearing(*births(pump(alias=7)))
    speed = metric("Speed", 1500, Datatype.INT32, at=T0 + 900, properties={"Quality": 192})
    whole = instance(None, metric("Power", 41.0), instance("Motor", speed), alias=7, at=T0 + 500,
                     properties={"Quality": 500})  # fmt: skip
    found = heard.decode(data(whole))
    assert isinstance(found, Batch)
    assert [t // MS for t in found.times_ns] == [T0 + 500, T0 + 900]
    assert list(found.qualities) == [Quality.BAD, Quality.GOOD]
    past = heard.decode(data(instance(None, metric("Power", 9.0), alias=7, is_historical=True), seq=3))
    assert isinstance(past, Batch)
    assert list(past.flags) == [Flag.HISTORICAL]


def test_a_member_that_the_next_birth_leaves_out_is_bad():
    first = births(pump(alias=7))
    heard = hearing(*first)
    found = heard.decode(said("g/DBIRTH/n/r", instance("Pump 1", metric("Power", 42.0), alias=7), seq=2, at=T0 + 2000))
    assert isinstance(found, Batch)
    told = dict(zip(list(found.points), list(found.qualities), strict=True))
    assert sorted(told.values()) == sorted([Quality.GOOD, Quality.BAD])


def test_what_grows_too_much_when_it_is_unfolded_is_refused_and_long_names_are_left_out():
    members = [metric(f"{n:05}", float(n)) for n in range(5000)]
    long = instance("x" * 900, *members)
    assert len(payload(long)) < MAX_BYTES / 10
    refused = hearing(*births()).decode(said("g/DBIRTH/n/r", long, seq=2))
    assert isinstance(refused, Reject)
    assert (refused.reason, "templates" in refused.detail) == (Reason.SIZE, True)
    heard = hearing(*births(instance("x" * (LONGEST_NAME - 4), metric("abc", 1.0), metric("abcd", 2.0))))
    assert [len(p.identity.partition(":")[2]) for p in heard.points] == [LONGEST_NAME]


@pytest.mark.parametrize("depth", [1, 3, 40])
def test_instances_in_instances_are_read_at_any_depth_and_move_in_time(depth):
    made: Any = metric("v", 5.0, at=T0)
    for n in range(depth):
        made = instance(f"t{n}", made, at=T0)
    one, other = births(made), [later(each) for each in births(made)]
    here, there = (hearing(each[0]).decode(each[1]) for each in (one, other))
    assert isinstance(here, Batch)
    assert isinstance(there, Batch)
    assert values(here) == values(there) == [5.0]
    assert np.array_equal(np.asarray(there.times_ns) - np.asarray(here.times_ns), [3_600_000 * MS])
