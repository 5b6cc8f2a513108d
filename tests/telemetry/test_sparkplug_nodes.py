"""Edge nodes of Sparkplug B: births, aliases, deaths, losses, births asked for.

The six host scenarios of the specification's compatibility kit (connect, disconnect, death of an edge node, ordering,
commands, several brokers) are here with messages of our own; that births are asked for over a broker is in
`test_sparkplug_client.py`.
"""

from __future__ import annotations

import math

import pytest

from telemetry.batch import NOTHING, Batch, Quality, Reject
from telemetry.clock import NS, ReplayClock
from telemetry.decode import Watcher, make
from telemetry.decode.sparkplug import Decoder
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.sparkplug.schema import CLASSES, Datatype
from telemetry.sparkplug.sequence import REORDER_NS
from tests.telemetry.spb import MS, RACK, T0, born, death, hearing, metric, payload, power, said, session, values


def watched(*messages: Message) -> Pipeline:
    """A path that has taken these."""
    made = make("sparkplug")
    pipeline = Pipeline(made, ReplayClock(T0 * MS, None))
    pipeline.take(messages)
    return pipeline


def now(pipeline: Pipeline, at: int) -> dict[str, tuple[float, Quality]]:
    """Value and quality of every point at an instant, by identity."""
    view = pipeline.state.view(at * MS)
    points = pipeline.decoder.points
    return {p.identity: (float(view.value[i]), Quality(int(view.quality[i]))) for i, p in enumerate(points)}


# ------------------------------------------------------------------------------------------------ connect
def test_a_birth_teaches_names_units_and_aliases_that_data_go_by():
    heard = hearing(*born())
    assert [(p.identity, p.source, p.item, p.variable, p.units) for p in heard.points] == [
        ("g/n:Load", "g/n", "g/n", "load", "1"),
        ("g/n/r:Power", "g/n", "g/n/r", "power", "W"),
        ("g/n/r:Temp", "g/n", "g/n/r", "temp", "1"),
    ]
    assert values(heard.decode(power(41.5, 2, T0 + 9))) == [41_500.0]
    assert isinstance(heard, Watcher)
    assert (heard.told()["alive"], heard.told()["waiting"], heard.dropped) == (1, 0, 0)


def test_data_before_a_birth_are_counted_and_wait_for_it():
    heard = hearing(power(1.0, 7, T0))
    assert heard.decode(power(1.0, 8, T0 + 1)) == NOTHING
    assert (len(heard.points), heard.dropped, heard.told()["waiting"]) == (0, 2, 1)
    for each in born(at=T0 + 2):
        heard.decode(each)
    assert values(heard.decode(power(2.0, 2, T0 + 3))) == [2000.0]
    assert (heard.dropped, heard.told()["waiting"], heard.told()["lost"]) == (2, 0, 0)


def test_a_device_that_is_born_can_be_read_though_its_nodes_birth_was_missed():
    heard = hearing(born()[1])
    assert values(heard.decode(power(2.0, 2, T0 + 3))) == [2000.0]
    assert heard.decode(said("g/NDATA/n", metric(None, 1.0, alias=0), seq=3)) == NOTHING
    assert heard.told()["waiting"] == 1


def test_an_unknown_alias_is_counted_and_the_others_are_read():
    heard = hearing(*born())
    found = heard.decode(said("g/DDATA/n/r", metric(None, 1.0, alias=9), metric(None, 2.0, alias=1), seq=2))
    assert values(found) == [2000.0]
    assert (heard.dropped, heard.told()["waiting"]) == (1, 1)


def test_aliases_of_any_size_are_known():
    aliases = [0, 1, 65_535, 65_536, 2**31, 2**63 - 1, 2**63, 2**64 - 2]
    told = [metric(f"m{alias}", float(n), alias=alias) for n, alias in enumerate(aliases)]
    heard = hearing(said("g/NBIRTH/n", *told, seq=0))
    data = [metric(None, 100.0 + n, alias=alias, typed=False) for n, alias in enumerate(aliases)]
    assert values(heard.decode(said("g/NDATA/n", *reversed(data), seq=1))) == [107.0 - n for n in range(8)]
    assert heard.decode(said("g/NDATA/n", metric(None, 1.0, alias=2**40), seq=2)) is not None
    assert heard.dropped == 1


def test_metrics_without_aliases_go_by_their_names():
    heard = hearing(said("g/NBIRTH/n", metric("a", 1.0), metric("b", 2, Datatype.INT32), seq=0))
    mixed = [metric("b", -7, Datatype.INT32, typed=False), metric("nobody", 1.0), metric("a", 3.0, typed=False)]
    assert values(heard.decode(said("g/NDATA/n", *mixed, seq=1))) == [-7.0, 3.0]
    assert heard.dropped == 1


def test_a_new_birth_gives_aliases_another_meaning():
    heard = hearing(*born())
    swapped = [metric("Power", 1.0, alias=2, properties={"engUnit": "kW"}), metric("Temp", 2.0, alias=1)]
    heard.decode(said("g/NBIRTH/n", session(1), seq=0, at=T0 + 10))
    assert heard.decode(power(3.0, 1, T0 + 11)) == NOTHING  # its device was not born again
    heard.decode(said("g/DBIRTH/n/r", *swapped, seq=2, at=T0 + 12))
    found = heard.decode(said("g/DDATA/n/r", metric(None, 5.0, alias=1), metric(None, 6.0, alias=2), seq=3, at=T0 + 13))
    assert isinstance(found, Batch)
    assert [(heard.points[p].identity, v) for p, v in zip(found.points, found.values, strict=True)] == [
        ("g/n/r:Temp", 5.0), ("g/n/r:Power", 6000.0),
    ]  # fmt: skip


def test_history_never_becomes_the_present_state():
    pipeline = watched(*born(), said("g/DDATA/n/r", metric(None, 99.0, alias=1, at=T0 + 60, is_historical=True), seq=2))
    assert now(pipeline, T0 + 90)["g/n/r:Power"] == (40_000.0, Quality.GOOD)
    assert pipeline.state.counts.historical == 1


def test_a_birth_says_what_is_now_however_long_it_has_stood():
    pipeline = watched(*born(), death(1, T0 + 2000))
    assert now(pipeline, T0 + 2001)["g/n/r:Power"][1] == Quality.BAD
    old = metric("Power", 7.0, alias=1, at=T0 - 86_400_000, properties={"engUnit": "kW"})
    pipeline.take([said("g/NBIRTH/n", session(2), seq=0, at=T0 + 9000), said("g/DBIRTH/n/r", old, seq=1, at=T0 + 9001)])
    assert now(pipeline, T0 + 9010)["g/n/r:Power"] == (7000.0, Quality.GOOD)


# ----------------------------------------------------------------------------- death of an edge node, a device
def test_the_death_of_a_session_makes_its_points_bad_and_a_birth_makes_them_good():
    pipeline = watched(*born(3), power(41.0, 2, T0 + 500), death(3, T0 + 1000))
    told = now(pipeline, T0 + 1001)
    assert {quality for _, quality in told.values()} == {Quality.BAD}
    assert all(math.isnan(value) for value, _ in told.values())
    pipeline.take([death(3, T0 + 1100), *born(4, at=T0 + 5000)])
    assert {quality for _, quality in now(pipeline, T0 + 5001).values()} == {Quality.GOOD}
    assert pipeline.state.counts.late == 0


@pytest.mark.parametrize("skew_s", [-3600, -4, 0, 4, 3600])
def test_a_death_is_told_by_the_clock_of_the_node(skew_s):
    """A node whose clock differs dies after its last reading and before its next birth."""
    skew = skew_s * 1000
    pipeline = watched()
    for step in range(16):  # so long that a clock that is ahead is believed
        messages = born(1, at=T0 + skew) if step == 0 else [power(float(step), step + 1, T0 + skew + 1000 * step)]
        pipeline.take([Message(m.topic, m.payload, (T0 + 1000 * step + 5) * MS) for m in messages])
    pipeline.take([death(1, T0 + 15_500)])
    assert now(pipeline, T0 + 15_501)["g/n/r:Power"][1] == Quality.BAD
    pipeline.take([Message(m.topic, m.payload, (T0 + 16_005) * MS) for m in born(2, at=T0 + skew + 16_000)])
    assert now(pipeline, T0 + 16_006)["g/n/r:Power"] == (40_000.0, Quality.GOOD)


def test_one_stamp_of_another_century_does_not_keep_a_node_alive():
    wild = said("g/NDATA/n", metric(None, 1.0, alias=0, at=T0 + 2_000_000_000_000), seq=2, at=T0 + 100)
    pipeline = watched(*born(), wild, power(1.0, 3, T0 + 200), death(1, T0 + 300))
    assert {quality for _, quality in now(pipeline, T0 + 301).values()} == {Quality.BAD}
    assert pipeline.state.counts.quarantined == 1


def test_the_will_of_a_former_session_changes_nothing():
    heard = hearing(*born(7))
    assert heard.decode(death(6, T0 + 10)) == NOTHING
    assert values(heard.decode(power(2.0, 2, T0 + 20))) == [2000.0]
    assert (heard.told()["vain_deaths"], heard.told()["dead"]) == (1, 0)


def test_a_birth_that_its_death_overtook_does_not_revive():
    heard = hearing(*born(7), death(7, T0 + 1000))
    assert heard.decode(said("g/NBIRTH/n", session(7), metric("Load", 1.0), seq=0, received=T0 + 1200)) == NOTHING
    assert (heard.told()["late_births"], heard.told()["dead"], heard.told()["waiting"]) == (1, 1, 0)
    assert values(heard.decode(said("g/NBIRTH/n", session(8), metric("Load", 1.0), seq=0, received=T0 + 1300))) == [1.0]


def test_a_node_that_never_counts_its_sessions_is_revived_a_second_later():
    heard = hearing(*born(0), death(0, T0 + 1000), *born(0, at=T0 + 2100))
    assert values(heard.decode(power(2.0, 2, T0 + 2200))) == [2000.0]


def test_data_of_the_dead_want_a_birth_but_not_those_that_were_on_their_way():
    heard = hearing(*born(7), death(7, T0 + 1000))
    assert heard.decode(power(2.0, 2, T0 + 990, received=T0 + 1010)) == NOTHING
    assert heard.told()["waiting"] == 0
    heard.decode(power(2.0, 3, T0 + 5000))
    assert (heard.told()["waiting"], heard.dropped) == (1, 2)


def test_a_device_dies_alone():
    pipeline = watched(*born(), said("g/DDEATH/n/r", seq=2, at=T0 + 100))
    told = now(pipeline, T0 + 101)
    assert told["g/n:Load"] == (0.5, Quality.GOOD)
    assert {told["g/n/r:Power"][1], told["g/n/r:Temp"][1]} == {Quality.BAD}
    pipeline.take([power(1.0, 3, T0 + 200)])
    assert pipeline.decoder.dropped == 1


def test_what_a_birth_does_not_name_again_is_gone():
    pipeline = watched(*born(), said("g/DBIRTH/n/r", RACK[1], seq=2, at=T0 + 50))
    told = now(pipeline, T0 + 51)
    assert told["g/n/r:Power"][1] == Quality.BAD
    assert told["g/n/r:Temp"] == (24.0, Quality.GOOD)
    pipeline.take([said("g/NBIRTH/n", session(1), seq=3, at=T0 + 60)])
    assert {quality for _, quality in now(pipeline, T0 + 61).values()} == {Quality.BAD}


# ------------------------------------------------------------------------------------------------ disconnect
def test_a_node_that_leaves_without_a_word_is_stale_and_another_is_not():
    other = said("g/NBIRTH/other", session(1), metric("x", 1.0, alias=1), seq=0)
    beat = [said("g/NDATA/other", metric(None, 1.0, alias=1), seq=1, at=T0 + 300_000)]
    pipeline = watched(*born(), other, *beat)
    told = now(pipeline, T0 + 301_000)
    assert told["g/other:x"] == (1.0, Quality.GOOD)
    assert told["g/n/r:Power"] == (40_000.0, Quality.STALE)


def test_a_value_that_does_not_change_is_not_old_while_its_node_speaks():
    beats = [said("g/NDATA/n", metric(None, 0.5, alias=0), seq=n + 2, at=T0 + 100_000 * n) for n in range(1, 40)]
    pipeline = watched(*born(), *beats)
    assert now(pipeline, T0 + 3_950_000)["g/n/r:Power"] == (40_000.0, Quality.GOOD)


# -------------------------------------------------------------------------------------------------- ordering
def at_seq(*numbers: int, begin: int = 0) -> Decoder:
    """A decoder that heard data of these numbers, 10 ms apart, after a birth."""
    heard = hearing(*born(seq=begin))
    for step, number in enumerate(numbers):
        heard.decode(power(float(step), number, T0 + 10 * (step + 1)))
    return heard


def settled(heard: Decoder) -> tuple[int, int, int]:
    """Lost, reordered and copies, when nothing is waited for any more."""
    heard.tick((T0 + 600_000) * MS)
    told = heard.told()
    assert told["missing"] == 0
    return told["lost"], told["reordered"], told["copies"]


def test_numbers_wrap_and_may_begin_anywhere():
    assert settled(at_seq(*(n % 256 for n in range(2, 700)))) == (0, 0, 0)
    assert settled(at_seq(*(n % 256 for n in range(202, 600)), begin=200)) == (0, 0, 0)


def test_what_does_not_come_in_time_is_lost_and_marked():
    heard = at_seq(2, 3, 6)
    assert heard.told()["missing"] == 2
    heard.tick((T0 + 30) * MS + REORDER_NS - NS)
    assert not heard.marks
    assert settled(heard) == (2, 0, 0)
    mark = heard.marks[0]
    assert (mark.what, mark.source, mark.from_ns, mark.to_ns) == ("gap", "g/n", (T0 + 25) * MS, (T0 + 35) * MS)
    assert mark.cause == "2 of its messages did not come, seq 4 to 5"


def test_what_comes_late_is_read_and_not_lost():
    heard = at_seq(2, 5, 3)
    assert values(heard.decode(power(9.0, 4, T0 + 40))) == [9000.0]
    assert settled(heard) == (0, 2, 0)


def test_copies_are_not_read_twice():
    heard = at_seq(2, 3)
    assert heard.decode(power(1.0, 3, T0 + 20)) == NOTHING
    assert heard.decode(power(0.0, 2, T0 + 10)) == NOTHING
    assert settled(heard) == (0, 0, 2)


def test_data_of_before_a_birth_that_come_after_it_are_not_read_by_its_aliases():
    heard = hearing(*born(), *born(at=T0 + 1000))
    assert heard.decode(power(1.0, 250, T0 + 900)) == NOTHING
    assert settled(heard) == (0, 0, 1)


@pytest.mark.parametrize("gap", [1, 100, 127, 128, 200, 255])
def test_every_gap_of_less_than_a_turn_is_counted(gap):
    assert settled(at_seq(2, (3 + gap) % 256)) == (gap, 0, 0)


def test_a_birth_that_is_delivered_twice_ends_nothing():
    heard = hearing(*born())
    assert heard.decode(born()[0]) == NOTHING
    assert values(heard.decode(power(2.0, 2, T0 + 10))) == [2000.0]
    assert settled(heard) == (0, 0, 1)


def test_a_birth_ends_the_wait():
    heard = at_seq(2, 5)
    heard.decode(born(at=T0 + 100)[0])
    assert (heard.told()["lost"], heard.told()["missing"]) == (2, 0)


def test_losses_are_marked_in_the_stream_of_the_pipeline():
    kept: list[Mark] = []

    class Notes:
        def add(self, messages: object) -> None: ...
        def commit(self) -> None: ...
        def mark(self, mark: Mark) -> None:
            kept.append(mark)

    made = make("sparkplug")
    pipeline = Pipeline(made, ReplayClock(T0 * MS, None), Notes())
    pipeline.take([*born(), power(1.0, 9, T0 + 10)])
    pipeline.take([said("g/NBIRTH/other", session(1), seq=0, at=T0 + 9000)])
    assert [(mark.what, mark.source) for mark in kept] == [("gap", "g/n")]


# -------------------------------------------------------------------------------------- commands and brokers
def test_births_are_asked_for_only_where_the_user_wants_it():
    wants = power(1.0, 1, T0)
    assert hearing(wants).requests(T0 * MS) == []
    heard = hearing(wants, rebirth="on_unknown", prefix="lab")
    (asked,) = heard.requests(T0 * MS)
    assert asked.topic == "lab/spBv1.0/g/NCMD/n"
    told = CLASSES["Payload"].FromString(asked.payload)
    (command,) = told.metrics
    assert (command.name, command.datatype, command.boolean_value) == ("Node Control/Rebirth", 11, True)
    assert heard.is_command(asked.topic)


def test_a_birth_is_asked_for_every_thirty_seconds_at_most_and_less_and_less_often():
    heard = hearing(power(1.0, 1, T0), rebirth="on_unknown")
    asked = [second for second in range(400) if heard.requests(T0 * MS + second * NS)]
    assert asked == [0, 30, 90, 210]
    for each in born(at=T0 + 1):
        heard.decode(each)
    assert not heard.requests(T0 * MS + 1000 * NS)


def test_a_node_whose_name_would_write_on_a_terminal_is_told_of_in_plain_letters():
    heard = hearing(said("g/NDATA/ü\x1b[2J\r", metric(None, 1.0, alias=1), seq=1), rebirth="on_unknown")
    (asked,) = heard.requests(T0 * MS)
    assert (asked.topic, asked.why.isprintable()) == ("spBv1.0/g/NCMD/ü\x1b[2J\r", True)
    assert asked.why.startswith("asking g/ü\\x1b[2J\\r for its birth")


def test_a_node_that_never_names_what_it_sends_is_not_asked_with_each_of_its_births():
    heard, asked = hearing(rebirth="on_unknown"), []
    for second in range(4400):
        at, quiet = T0 + 1000 * second, 450 < second < 4200
        heard.decode(said("g/NDATA/n", *([] if quiet else [metric(None, 1.0, alias=99)]), at=at))
        if heard.requests(at * MS):
            asked.append(second)
            for each in born(at=at):
                heard.decode(each)
    assert asked == [0, 30, 90, 210, 450, 4200, 4230, 4290]  # after an hour in peace as the first time


def test_a_gap_is_a_reason_to_ask_where_the_user_says_so():
    for policy, count in (("on_unknown", 0), ("on_gap", 1)):
        heard = hearing(*born(), power(1.0, 9, T0 + 10), rebirth=policy)
        heard.tick((T0 + 60_000) * MS)
        assert len(heard.requests((T0 + 60_000) * MS)) == count


def test_many_nodes_are_not_asked_all_at_once():
    heard = hearing(*(said(f"g/NDATA/n{n}", metric(None, 1.0, alias=1), seq=1) for n in range(25)), rebirth="on_gap")
    assert [len(heard.requests(T0 * MS + second * NS)) for second in range(4)] == [10, 10, 5, 0]


def test_commands_and_states_of_hosts_are_understood_and_say_nothing():
    heard = hearing()
    for topic in ("spBv1.0/g/NCMD/n", "spBv1.0/g/DCMD/n/r", "spBv1.0/STATE/host"):
        assert heard.decode(Message(topic, b'{"online": true}', T0 * MS)) == NOTHING
        assert heard.source(topic) == ""
    for topic in ("spBv1.0/g/NDATA", "spBv1.0/g/NDATA/n/r", "spBv1.0/g/DDATA/n", "spBv1.0/g/XDATA/n", "spBv1.0/g//n"):
        assert isinstance(heard.decode(Message(topic, b"", T0 * MS)), Reject)


def test_the_same_node_behind_two_brokers_is_two_nodes():
    heard = make("sparkplug", {"prefix": "cpc/+"})
    for place, aliases in (("cpc/1/", (1, 2)), ("cpc/2/", (2, 1))):
        told = [metric(name, 0.0, alias=alias) for name, alias in zip("ab", aliases, strict=True)]
        heard.decode(Message(f"{place}spBv1.0/g/NBIRTH/n", payload(*told, seq=0), T0 * MS))
    data = payload(metric(None, 5.0, alias=1, typed=False), seq=1)
    found = [heard.decode(Message(f"cpc/{n}/spBv1.0/g/NDATA/n", data, T0 * MS)) for n in (1, 2)]
    names = [heard.points[batch.points[0]].identity for batch in found if isinstance(batch, Batch)]
    assert names == ["cpc/1/g/n:a", "cpc/2/g/n:b"]


def test_what_a_hostile_publisher_makes_up_is_bounded():
    heard = Decoder(max_points=50)
    for n in range(40):
        names = [metric(f"m{n}-{k}", 1.0, alias=k) for k in range(10)]
        heard.decode(said(f"g/NBIRTH/n{n}", *names, seq=0))
    assert len(heard.points) == 50
    assert heard.told()["unread"]["full"] > 0


def test_devices_of_all_nodes_together_are_bounded_and_those_that_end_make_room(monkeypatch):
    monkeypatch.setattr("telemetry.sparkplug.nodes.MAX_ALIVE", 5)
    births = [said(f"g/DBIRTH/n{n}/r{k}", RACK[1], at=T0 + n) for n in range(3) for k in range(2)]
    heard = hearing(said("g/NBIRTH/n0", session(1)), *births[:3])
    assert [isinstance(heard.decode(each), Reject) for each in births[3:]] == [False, True, True]
    heard.decode(births[0])  # again: none more
    heard.decode(said("g/DDEATH/n0/r0"))
    assert [isinstance(heard.decode(each), Reject) for each in births[4:]] == [False, True]
    heard.decode(said("g/NDEATH/n0", session(1)))
    assert not isinstance(heard.decode(births[5]), Reject)
