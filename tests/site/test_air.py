"""What is wrong with the air of a hall: zones, their file, classes; each at its line and column, all at once."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.columns import Group
from twin.core.errors import InputError
from twin.engine.identity import files_digest
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.zones import MOST_ZONES, row_names, zones_of

DRY = "a: {count: 1, groups: [{rack: t-dry, count: 4}]}\n    air: {crah: t-crah, count: 2, loop: fws, supply_c: 24}"
ROWS = "a: {count: 3, groups: [{rack: t-dry, count: 1}]}\n      b: {groups: [{rack: t-dry, count: 1}]}\n"
AIR = "    air: {crah: t-crah, count: 2, loop: fws, supply_c: 24"
ZONED = f"{ROWS}{AIR}, cross_interference: zones.csv}}"
GOOD = "zone,a-1,a-2+a-3,b\na-1,0.02,0.01,0\na-2+a-3,0.01,0.02,0.01\nb,0,0.01,0.02\n"


@pytest.fixture
def zoned(spoil, folder):
    """Problems of the small site with four rows and the given CSV of zones."""

    def problems(csv: str):
        (folder / "zones.csv").write_text(csv)
        return spoil(DRY, ZONED)

    return problems


def test_a_file_of_zones_that_is_right_says_nothing(zoned, folder):
    assert zoned(GOOD) == []
    loaded = load_site(folder / "site.yaml")
    zones = zones_of(loaded.site.templates["dry"], loaded.library, folder / "zones.csv")
    assert zones is not None
    assert zones.of_row == {"a-1": 0, "a-2": 1, "a-3": 1, "b-1": 2}
    # By hand: flows 1, 2, 1 of 4; rows of the matrix sum to 0.03, 0.04, 0.03.
    rho, matrix = zones.lowered([10.0, 20.0, 10.0])
    assert rho == pytest.approx(0.25 * 0.03 + 0.5 * 0.04 + 0.25 * 0.03)
    k = np.diag([0.25, 0.5, 0.25])
    assert matrix == pytest.approx((1.0 - rho) * (np.linalg.inv(k - zones.a.T @ k) - np.linalg.inv(k)), abs=1e-12)
    plan = lower(loaded)
    assert plan.labels.group_zone == ["", "", "a-1", "a-2+a-3", "b"]


@pytest.mark.parametrize(
    ("old", "new", "line", "col", "words"),
    [
        ("zone,a-1", "zones,a-1", None, None, "expected a header `zone,<zone>...`"),
        ("zone,a-1,a-2+a-3,b", "zone,a-1,a-2+a-4,b", 1, 3, 'no row "a-4"; did you mean "a-'),
        ("zone,a-1,a-2+a-3,b", "zone,a-1,a-1+a-3,b", 1, 3, "row a-1 stands in a-1 already"),
        ("\nb,0,0.01,0.02", "", 1, 1, "2 rows for 3 zones: expected a square matrix"),
        ("\nb,0", "\nc,0", 4, 1, '"c", expected "b": rows in the order of the columns'),
        ("b,0,0.01,0.02", "b,0,0.01", 4, 1, "2 cells, expected 3"),
        ("b,0,0.01,0.02", "b,0,-0.01,0.02", 4, 3, '"-0.01" is no share, expected a number in 0..1'),
        ("b,0,0.01,0.02", "b,0,much,0.02", 4, 3, '"much" is no share'),
        ("b,0,0.01,0.02", "b,0.3,0.3,0.36", 4, 1, "shares sum to 0.96, expected at most 0.95"),
        ("b,0,0.01,0.02", "b,0.3,0.3,0.4", 4, 1, "shares sum to 1, expected at most 0.95: air must return"),
    ],
)
def test_a_fault_in_a_file_of_zones_is_told_at_its_cell(zoned, folder, old, new, line, col, words):
    assert GOOD.count(old) == 1
    told = [p for p in zoned(GOOD.replace(old, new)) if words in p.message]
    assert [(p.file, p.line, p.col) for p in told] == [(str(folder / "zones.csv"), line, col)]


def test_a_file_of_zones_with_a_byte_order_mark_is_the_same_file(zoned):
    """Spreadsheets write one before the first cell of "CSV UTF-8"."""
    assert zoned("\ufeff" + GOOD) == []


def test_a_row_without_a_zone_is_told(zoned):
    (problem,) = zoned("zone,a-1,b\na-1,0,0\nb,0,0\n")
    assert problem.message == "in no zone: a-2, a-3"


def test_all_faults_of_a_file_are_told_at_once(zoned):
    told = [p.message for p in zoned("zone,a-1,a-2+a-4,b\na-1,2,0,0\na-2+a-4,x,0,0\nb,0,0.6,0.6\n")]
    assert len(told) == 4


def test_a_zone_that_would_take_in_more_than_flows_through_it_is_refused(zoned, spot):
    """Nine tenths of the air of three rows cannot enter one."""
    (problem,) = zoned("zone,a,b\na,0,0.9\nb,0,0\n")
    assert "column 1 brings 2.7 times the flow of its rack" in problem.message
    assert (problem.line, problem.col) == spot("zones.csv}")


def test_more_zones_than_the_engine_takes_are_refused(spoil, folder):
    n = MOST_ZONES + 1
    names = [f"a-{i + 1}" for i in range(n)]
    rows = [f"{name}{',0' * n}" for name in names]
    (folder / "zones.csv").write_text("\n".join([",".join(["zone", *names]), *rows]))
    many = ZONED.replace(ROWS, f"a: {{count: {n}, groups: [{{rack: t-dry, count: 1}}]}}\n")
    told = [p.message for p in spoil(DRY, many) if "zones" in p.message]
    assert told == ["25 zones, expected at most 24: join rows with +"]


def test_a_containment_has_a_zone_for_each_row(spoil, folder):
    assert spoil(DRY, f"a: {{count: 3, groups: [{{rack: t-dry, count: 1}}]}}\n{AIR}, containment: cold-aisle}}") == []
    loaded = load_site(folder / "site.yaml")
    found = zones_of(loaded.site.templates["dry"], loaded.library, None)
    assert found is not None
    assert found.names == ("a-1", "a-2", "a-3")
    assert found.bypass == 0.05
    assert found.a == pytest.approx(np.array([[0.03, 0.01, 0], [0.01, 0.03, 0.01], [0, 0.01, 0.03]]))


def test_many_rows_are_joined_into_zones_of_neighbours():
    site = load_site("azure-dgx")
    template = site.site.templates["forty"]
    row = template.rows["r"].model_copy(update={"count": 50})
    long = template.model_copy(update={"rows": {"r": row}})
    zones = zones_of(long, site.library, None)
    assert zones is not None
    assert len(zones.names) == MOST_ZONES
    assert list(zones.of_row) == row_names(long)
    order = list(zones.of_row.values())
    assert order == sorted(order)
    assert set(np.bincount(order)) == {2, 3}
    assert zones.names[0] == "r-1..r-3"


@pytest.mark.parametrize(
    ("said", "where", "words"),
    [
        ("containment: cold-aile", "cold-aile", 'no containment "cold-aile"; did you mean "cold-aisle"?'),
        ("containment: t-crah", "t-crah}", '"t-crah" is of kind crah, expected containment'),
        ("cross_interference: none.csv", "none.csv", 'there is no file "none.csv" beside'),
        ("containment: chimney, recirculation: 0.1", None, "recirculation and containment say the same"),
        ("containment: chimney, bypass: 0.1", None, "containment and bypass say the same"),
        ("bypass: 0.95", "0.95}", "0.95 is out of range, expected >= 0 and <= 0.9: more leaves no air for the racks"),
        ("ashrae_class: A5", "A5}", 'expected "A1", "A2", "A3", "A4" or "H1", got text "A5"'),
    ],
)
def test_a_fault_of_the_air_is_told_once(spoil, spot, said, where, words):
    (problem,) = spoil(DRY, DRY.replace("supply_c: 24", f"supply_c: 24, {said}"))
    assert words in problem.message
    if where:
        assert (problem.line, problem.col) == spot(where)


def test_zones_are_for_halls_that_are_cooled_by_air_alone(spoil, spot):
    (problem,) = spoil("supply_c: 24}\n    chain", "supply_c: 24, containment: hot-aisle}\n    chain")
    assert "t-wet are not: give recirculation" in problem.message
    assert (problem.line, problem.col) == spot("hot-aisle")


def test_air_handlers_that_move_too_little_for_what_goes_past_the_racks_are_told(spoil):
    """4 racks of 100 kW at 12 K draw 27.6 m3/s, the handlers move 50: enough for a bypass of 0.4, not for 0.5."""
    assert spoil(DRY, DRY.replace("supply_c: 24", "supply_c: 24, bypass: 0.4")) == []
    (problem,) = spoil(DRY, DRY.replace("supply_c: 24", "supply_c: 24, bypass: 0.5"))
    assert problem.warning
    assert problem.path == "templates.dry.air.count"
    assert "draw 27.6 m3/s at rated power" in problem.message
    assert "asks for 52.5 m3/s, the air handlers move 50.0 m3/s" in problem.message


@pytest.mark.parametrize(
    ("supply", "named", "error", "words"),
    [
        (24, "A1", None, None),
        (27.5, "A1", False, "27.5 degC is outside what ASHRAE recommends for class A1, 18 to 27 degC"),
        (32.5, "A1", True, "32.5 degC is outside what ASHRAE class A1 allows at rack inlets, 15 to 32 degC"),
        (32.5, "A2", False, "recommends for class A2"),
        (24, "H1", False, "recommends for class H1, 18 to 22 degC"),
        (25.5, "H1", True, "class H1 allows at rack inlets, 5 to 25 degC"),
    ],
)
def test_a_supply_outside_the_class_of_a_hall_is_told(spoil, spot, supply, named, error, words):
    text = DRY.replace("supply_c: 24", f"supply_c: {supply}, ashrae_class: {named}")
    problems = spoil(DRY, text)
    assert [p.warning for p in problems] == ([] if error is None else [not error])
    for problem in problems:
        assert words in problem.message
        assert (problem.line, problem.col) == spot(f"{supply}, ashrae")


def test_a_hall_is_held_to_its_class_else_to_the_strictest_of_its_racks(spoil, folder):
    file = folder / "library" / "racks" / "t-dry.yaml"
    plain = file.read_text()
    limits = []
    for rack, hall in ((None, None), ("A1", None), ("A3", None), ("A1", "A2"), (None, "A1")):
        file.write_text(plain + (f"ashrae_class: {rack}\n" if rack else ""))
        spoil(DRY, DRY.replace("supply_c: 24", "supply_c: 24" + (f", ashrae_class: {hall}" if hall else "")))
        plan = lower(load_site(folder / "site.yaml"))
        limits.append((plan.labels.hall_class[1], float(plan.arrays.group[-1, Group.AIR_MAX])))
    # The rack itself allows 35 degC.
    assert limits == [("", 35.0), ("A1", 32.0), ("A3", 35.0), ("A2", 35.0), ("A1", 32.0)]


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        (
            "        reset:",
            "        ashrae_class: W17\n        reset:",
            "18\n",
            "18 degC is above the 17 degC of ASHRAE",
        ),
        (
            "max_c: 20}",
            "max_c: 28}\n        ashrae_class: W27",
            "28}",
            "28 degC is above the 27 degC of ASHRAE class W27",
        ),
        ("max_c: 20}", "max_c: 20}\n        ashrae_class: W28", "W28", 'or "W+", got text "W28"'),
    ],
)
def test_facility_water_is_held_to_the_class_of_its_loop(spoil, spot, old, new, where, words):
    told = [p for p in spoil(old, new) if not p.warning]
    assert [words in p.message for p in told] == [True]
    assert (told[0].line, told[0].col) == spot(where)


def test_a_file_of_zones_decides_a_run(zoned, folder):
    """Another file, another run: what was begun with the one is not continued with the other."""
    digests = []
    for text in (GOOD, GOOD.replace("0.02,0.01,0\n", "0.03,0.01,0\n")):
        zoned(text)
        digests.append(files_digest(load_site(folder / "site.yaml").paths))
    assert digests[0] != digests[1]


def test_a_hall_cannot_be_lowered_with_a_file_that_has_been_spoilt_since(zoned, folder):
    zoned(GOOD)
    loaded = load_site(folder / "site.yaml")
    (folder / "zones.csv").write_text("zone\n")
    with pytest.raises(InputError, match="expected a header"):
        lower(loaded)
