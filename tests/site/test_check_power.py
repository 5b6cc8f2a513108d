"""What is wrong with the redundancy that a site claims: at its line and column, told once, never taken for fine."""

from __future__ import annotations

import pytest

from tests.site.conftest import LIBRARY, figure
from twin.site.dump import dump

PDU = "pdu: {device: t-feeder, count: 2}"
UPS = "ups: {device: t-feeder, count: 2, mechanical: true}"
H1 = 'H1: {template: wet, energised_on: "2026-02-01", fed_from: both}'
TWO_N = (
    PDU, "pdu: {device: t-feeder, count: 2, systems: 2}",
    UPS, "ups: {device: t-feeder, count: 2, systems: 2, mechanical: true}",
)  # fmt: skip
A_B = (H1, 'H1: {template: wet, energised_on: "2026-02-01", fed_from: {A: east, B: west}}')
# Without the pair of feeders of the small site, which would feed nothing.
ALONE = ("    both: {device: t-feeder, fed_from: {east: 0.5, west: 0.5}}\n", "")


def chain(pdu: str, ups: str, low: str = "t-feeder", high: str = "t-feeder") -> tuple[str, ...]:
    return (PDU, f"pdu: {{device: {low}, {pdu}}}", UPS, f"ups: {{device: {high}, mechanical: true, {ups}}}")


ERRORS = [
    (chain("count: 3, systems: 2", "count: 2, systems: 2"), "pdu.count", "3 units do not divide evenly"),
    (chain("count: 2, systems: 2", "count: 2, systems: 2, reserve: 2"), "ups.reserve", "leave none to carry"),
    (chain("count: 2, systems: 2", "count: 3, systems: 3"), "ups.systems", "3 systems above the 2 of"),
    (chain("count: 3, systems: 3", "count: 2, systems: 2"), "ups.systems", "expected 1, on which they join, or 3"),
    (chain("count: 4, systems: 4", "count: 4, systems: 4, reserve: 1"), "ups.systems", "expected 5 systems"),
    (chain("count: 2", "count: 2, own: true"), "ups.own", 'shares a busbar: only what stands below'),
    (chain("count: 3, own: true", "count: 2, own: true"), "ups.count", "do not divide evenly among 2"),
    (chain("count: 2, breaker: t-nothing", "count: 2"), "pdu.breaker", "t-nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "path", "words"), ERRORS)
def test_systems_that_do_not_line_up_are_errors_where_they_are_written(spoil, spot, changes, path, words):
    problems = [p for p in spoil(*changes) if not p.warning]
    assert [p.path for p in problems] == [f"templates.wet.chain.{path}"]
    assert words in problems[0].message
    line, _ = spot("ups: {" if path.startswith("ups") else "pdu: {")
    assert problems[0].line == line


def test_a_hall_names_a_feed_for_each_system_of_its_top_link_and_no_other(spoil, spot):
    feeds = "fed_from: {A: east, C: west}"
    problems = [p for p in spoil(*TWO_N, H1, f'H1: {{template: wet, energised_on: "2026-02-01", {feeds}}}')
                if not p.warning]  # fmt: skip
    assert {(p.path, p.message) for p in problems} == {
        ("buildings.B1.halls.H1.fed_from.C", "there is no system C: its top link has 2 systems: A, B"),
        ("buildings.B1.halls.H1.fed_from", "nothing feeds system B: its top link has 2 systems: A, B"),
    }
    place = next(p for p in problems if p.path.endswith("C"))
    assert (place.line, place.col) == spot("C: west")


def test_an_unknown_feed_of_a_system_is_found_at_its_letter(spoil, spot):
    problems = spoil(*TWO_N, H1, 'H1: {template: wet, energised_on: "2026-02-01", fed_from: {A: east, B: wets}}')
    (problem,) = (p for p in problems if not p.warning)
    assert problem.path == "buildings.B1.halls.H1.fed_from.B"
    assert 'did you mean "west"?' in problem.message
    assert (problem.line, problem.col) == spot("wets")


def test_both_cords_counted_in_full_are_told_as_that(spoil):
    (problem,) = (p for p in spoil("{east: 0.5, west: 0.5}", "{east: 1, west: 1}") if not p.warning)
    assert problem.path == "electrical.elements.both.fed_from"
    assert "the shares sum to 2, expected 1: each feed is counted in full" in problem.message
    problems = spoil("fed_from: west\n", "fed_from: {east: 1, west: 1}\n")
    assert [p.path for p in problems if not p.warning] == ["buildings.B1.loops.fws.plant.fed_from"]
    (problem,) = spoil("chain:\n      pdu", "cord_share: 1.5\n    chain:\n      pdu")
    assert "out of range" in problem.message


def test_a_standing_by_feed_of_share_0_is_no_fault(spoil):
    assert not spoil("{east: 0.5, west: 0.5}", "{east: 1, west: 0}")


def joined(problems):
    return [p for p in problems if "join in" in p.message]


def test_cords_on_independent_feeds_are_not_warned_of(spoil):
    # east and west both stand under `line`, the only service from the grid: that is no news.
    assert not joined(spoil(*TWO_N, *A_B, *ALONE))


def test_two_cords_on_one_campus_element_are_lost_redundancy_with_the_racks(spoil, spot):
    (warning,) = joined(spoil(*TWO_N))
    assert warning.warning
    assert warning.path == "buildings.B1.halls.H1.fed_from"
    assert 'systems A and B of "pdu" join in "both"' in warning.message
    assert "10 racks (1,000 kW) of B1/H1" in warning.message
    assert warning.line == spot("H1: {")[0]


def test_a_point_above_both_feeders_is_found_though_each_cord_has_its_own(spoil):
    above = (
        "line}\n    west: {device: t-transformer, count: 4, fed_from: line}",
        "yard}\n    west: {device: t-transformer, count: 4, fed_from: yard}\n"
        "    yard: {device: t-feeder, count: 2, fed_from: line}",
    )
    (warning,) = joined(spoil(*TWO_N, *A_B, *ALONE, *above))
    assert 'join in "yard"' in warning.message


def test_a_second_service_that_a_redundant_hall_does_not_use_is_told(spoil):
    second = ("west: {device: t-transformer, count: 4, fed_from: line}",
              "west: {device: t-transformer, count: 4, fed_from: grid}")  # fmt: skip
    assert not joined(spoil(*TWO_N, *A_B, *ALONE, *second))
    (warning,) = joined(spoil(*TWO_N, H1, H1.replace("both", "{A: east, B: east}"), *ALONE, *second))
    assert 'join in "east"' in warning.message


def test_systems_that_join_in_one_bank_of_the_chain_are_told_once_for_all_halls(spoil):
    more = f'{H1}\n      H3: {{template: wet, energised_on: "2026-04-01", fed_from: both}}'
    (warning,) = joined(spoil(*chain("count: 2, systems: 2", "count: 2"), H1, more))
    assert warning.path == "templates.wet.chain.ups"
    assert 'join in "ups"' in warning.message
    assert "and so for 1 more of its kind" in warning.message


def test_one_pair_of_three_systems_on_one_feeder_is_enough(spoil):
    three = chain("count: 3, systems: 3", "count: 3, systems: 3")
    (warning,) = joined(spoil(*three, H1, H1.replace("both", "{A: east, B: west, C: west}"), *ALONE))
    assert 'systems B and C of "pdu" join in "west"' in warning.message


def test_what_carries_n_and_not_n_1_is_told_where_redundancy_is_claimed(spoil):
    # 1,000 kW of racks: 500 kW a system, 1,000 kW with one lost, on 980 kVA x 0.98 of a transformer each.
    small = chain("count: 2, systems: 2", "count: 2, systems: 2", high="t-transformer")
    (warning,) = (p for p in spoil(*small, *A_B, *ALONE) if "N-1" in p.message)
    assert warning.path == "templates.wet.chain.ups.count"
    assert "carries 1.000 MW of the racks' rated power, 1.02 times its 0.980 MW" in warning.message
    assert "it holds 0.500 MW with all there" in warning.message


def test_three_systems_share_what_one_loses(spoil):
    three = chain("count: 3, systems: 3", "count: 3, systems: 3", high="t-transformer")
    # 10 racks in 3 blocks of 4, 3 and 3: with B lost A carries 4 + 1.5, C 3 + 1.5, well within 980 kW.
    assert not [p for p in spoil(*three, H1, H1.replace("both", "{A: east, B: west, C: line}"), *ALONE)
                if "N-1" in p.message]  # fmt: skip


def test_a_feeder_that_cannot_take_over_is_told(spoil):
    weak = ("east: {device: t-transformer, count: 4", "east: {device: t-transformer, count: 1")
    warnings = [p for p in spoil(*TWO_N, *A_B, *ALONE, *weak) if "N-1" in p.message]
    assert [p.path for p in warnings] == ["electrical.elements.east.count"]
    assert 'with "west" lost it carries 1.40 MW' in warnings[0].message


def test_the_fullest_of_units_with_racks_of_their_own_is_held_to_its_own_rating(spoil, folder):
    panel = {**LIBRARY["distribution/t-feeder"], "rated_kw": figure(290)}
    (folder / "library/distribution/t-panel.yaml").write_text(dump(panel))
    # 10 racks of 100 kW on 4 panels: 1,000 of 1,160 kW, but three racks stand on the fullest.
    (warning,) = spoil(*chain("count: 4, own: true", "count: 2", low="t-panel"))
    assert warning.path == "templates.wet.chain.pdu.count"
    assert "the racks on the fullest unit are rated 0.300 MW, it carries 0.290 MW" in warning.message


def test_reserve_without_a_switch_below_and_a_share_without_a_second_cord_are_told(spoil):
    held = chain("count: 3, systems: 3, reserve: 1", "count: 3, systems: 3, reserve: 1")
    problems = spoil(*held, "chain:\n      pdu", "cord_share: 0.6\n    chain:\n      pdu")
    assert {p.path for p in problems if p.warning} >= {"templates.wet.chain.pdu.reserve", "templates.wet.cord_share"}
    assert all(p.warning for p in problems)


def test_a_first_cord_that_takes_more_than_its_system_carries_is_told(spoil):
    two = chain("count: 2, systems: 2", "count: 2, systems: 2", high="t-transformer")
    share = ("    chain:\n      pdu", "    cord_share: 0.99\n    chain:\n      pdu")
    (warning,) = (p for p in spoil(*two, *A_B, *ALONE, *share) if "fullest system" in p.message)
    assert "rated 0.990 MW, it carries 0.980 MW" in warning.message


@pytest.mark.parametrize(
    ("feed", "path", "words"),
    [
        ("5", "", "expected text or a mapping, got the number 5"),
        ("[east, west]", "", "expected text or a mapping, got a list"),
        ("{a: east, B: west}", ".a", "a"),
        ("{A: 0.5, B: west}", ".A", "expected text, got the number 0.5"),
    ],
)
def test_feeds_by_system_of_the_wrong_form_are_told_at_their_place(spoil, feed, path, words):
    problems = spoil(*TWO_N, H1, H1.replace("both", feed))
    faults = [p for p in problems if not p.warning]
    assert [p.path for p in faults] == [f"buildings.B1.halls.H1.fed_from{path}"]
    assert words in faults[0].message
