"""Odd cases of Sparkplug B that hosts meet: births overtaken by data, types that change, nodes called alike."""

from __future__ import annotations

import math

from telemetry.batch import Batch
from telemetry.message import Message
from telemetry.sparkplug.schema import Datatype
from telemetry.sparkplug.sequence import REORDER_NS
from tests.telemetry.spb import MS, T0, born, death, hearing, metric, power, said, session, values


def test_a_birth_of_a_device_that_its_data_overtook_is_waited_for_and_not_asked_for():
    node, device = born()
    for comes in (True, False):
        heard = hearing(node, power(1.0, 2, T0 + 10), rebirth="on_unknown")
        assert (heard.told()["waiting"], heard.requests((T0 + 20) * MS)) == (1, [])
        if comes:
            heard.decode(Message(device.topic, device.payload, (T0 + 30) * MS))
            assert values(heard.decode(power(2.0, 3, T0 + 40))) == [2000.0]
        assert heard.told()["waiting"] == (not comes)
        assert len(heard.requests((T0 + 20) * MS + REORDER_NS)) == (not comes)


def test_a_metric_may_change_its_type_with_a_birth_and_keeps_its_point():
    heard = hearing()
    for at, (datatype, value, told) in enumerate(
        [
            (Datatype.INT16, -5, -5.0),
            (Datatype.DOUBLE, 2.5, 2.5),
            (Datatype.STRING, "5", None),
            (Datatype.UINT64, 7, 7.0),
        ]
    ):
        birth = said("g/NBIRTH/n", session(1), metric("x", value, datatype, alias=1), seq=0, at=T0 + 1000 * at)
        assert [number for number in values(heard.decode(birth)) if not math.isnan(number)] == [told] * (
            told is not None
        )
        data = said("g/NDATA/n", metric(None, value, datatype, alias=1, typed=False), seq=1, at=T0 + 1000 * at + 1)
        assert values(heard.decode(data)) == [told] * (told is not None)
    assert len(heard.points) == 1
    assert heard.dropped == 0


def test_nodes_of_one_name_in_two_groups_are_two_things():
    names = "größe/Wärme", "冷却/Wärme"
    births = [
        said(f"{group}/NBIRTH/n", metric(name, 1.0, alias=1), seq=0) for group, name in zip("ab", names, strict=True)
    ]
    heard = hearing(*births)
    assert [(point.identity, point.item) for point in heard.points] == [
        (f"a/n:{names[0]}", "a/n"),
        (f"b/n:{names[1]}", "b/n"),
    ]
    found = [heard.decode(said(f"{group}/NDATA/n", metric(None, 5.0, alias=1), seq=1, at=T0 + 1)) for group in "ab"]
    assert [list(batch.points) for batch in found if isinstance(batch, Batch)] == [[0], [1]]


def test_a_node_that_died_before_anybody_heard_its_birth_is_not_asked_for_it():
    heard = hearing(power(1.0, 1, T0), death(3, T0 + 10), rebirth="on_unknown")
    assert (heard.told()["waiting"], heard.told()["vain_deaths"], heard.requests((T0 + 20) * MS)) == (0, 1, [])
    heard.decode(power(1.0, 2, T0 + 100))  # it was the will of a session before
    assert len(heard.requests((T0 + 120) * MS)) == 1
