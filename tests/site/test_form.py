"""Faults of form: what pydantic finds, in plain words, at the exact line and column."""

from __future__ import annotations

import pytest

FAULTS = [
    # old, new, where (in the new text), path, words
    ("head_kpa: 200", "head_kpa: 12:30", "12:30", "buildings.B1.loops.fws.head_kpa", 'a number, got text "12:30"'),
    ("head_kpa: 200", "head_kpa: true", "true\n        vol", "buildings.B1.loops.fws.head_kpa", "a number, got true"),
    ("head_kpa: 200", "head_kpa:", "\n        volume", "buildings.B1.loops.fws.head_kpa", "got nothing (null)"),
    ("head_kpa: 200", "head_kpa: [1]", "[1]", "buildings.B1.loops.fws.head_kpa", "expected a number, got a list"),
    (
        "head_kpa: 200",
        "head_kpa: 0",
        "0\n        volume",
        "buildings.B1.loops.fws.head_kpa",
        "0 kPa is out of range, expected > 0 and <= 2000 kPa",
    ),
    (
        "mechanical: true",
        "mechanical: yes",
        "yes",
        "templates.wet.chain.ups.mechanical",
        'true or false, got text "yes"',
    ),
    ("title: A small site", "title: 5", "5\nutc", "title", 'expected text, got the number 5: quote it, "5"'),
    ("title: A small site", "title: A", "A\nutc", "title", "at least 3 characters"),
    (
        "{rack: t-wet, count: 5}",
        "{rack: t-wet, count: 0}",
        "0}\n    liquid",
        "templates.wet.rows.a.groups.0.count",
        ">= 1",
    ),
    (
        "{rack: t-wet, count: 5}",
        "{rack: t-wet, count: 2.5}",
        "2.5",
        "templates.wet.rows.a.groups.0.count",
        "a whole number, got the number 2.5",
    ),
    ("{mean: 0.6}", "0.6", "0.6", "loads.default", "expected a mapping, got the number 0.6"),
    ("{mean: 0.6}", "{mean: 1.5}", "1.5", "loads.default.mean", "1.5 is out of range, expected >= 0 and <= 1"),
    (
        "supply_c: 24}\n    chain",
        "supply_c: 24, recirculation: 0.96}\n    chain",
        "0.96",
        "templates.wet.air.recirculation",
        "0.96 is out of range, expected >= 0 and <= 0.95: more leaves no air for the coils",
    ),
    ("{mean: 0.6}", "{mean: 0.9}", "{mean: 0.9}", "loads.default", "mean +- daily_amplitude leaves 0..1"),
    (
        "supply_c: 24}\n    chain",
        "supply_c: 24, dew_point_guard_k: 2}\n    chain",
        "dew_point_guard_k",
        "templates.wet.air.dew_point_guard_k",
        'unknown key "dew_point_guard_k" here: it stands under templates.*.liquid',
    ),
    ("on: wet_bulb", "on: wetbulb", "wetbulb", "buildings.B1.loops.fws.reset.on", 'did you mean "wet_bulb"?'),
    ('"2026-02-01"', '"2026-02-31"', '"2026-02-31"', "buildings.B1.halls.H1.energised_on", "YYYY-MM-DD"),
    (
        '"2026-02-01"',
        '"3000-02-01"',
        '"3000-02-01"',
        "buildings.B1.halls.H1.energised_on",
        "the year 3000 is out of range, expected 1900 to 2200",
    ),
    ('"2026-02-01"', '"1899-12-31"', '"1899-12-31"', "buildings.B1.halls.H1.energised_on", "expected 1900 to 2200"),
    ('{from: "2026-01-01"', '{from: "0001-01-01"', '"0001', "contract.tranches.0.from", "the year 1 is out of range"),
    ('"2026-02-01"', '"2026-2-1"', '"2026-2-1"', "buildings.B1.halls.H1.energised_on", "with leading zeros"),
    ("format: 1", "format: 2", "2\nname", "format", "expected 1, got the number 2"),
    ("name: small", "name: -small", "-small", "name", "expected an id"),
    ("  dry:", "  dry hall:", "dry hall:", "templates.dry hall", '"dry hall" is not an id'),
    # keys
    ("head_kpa: 200", "head_kpa: 200\n        colour: red", "colour", "buildings.B1.loops.fws.colour", "unknown key"),
    ("template: wet", "templat: wet", "templat: wet", "buildings.B1.halls.H1.templat", 'did you mean "template"?'),
    (
        "flow_max_m3_h: 200",
        "flow_max_lpm: 200",
        "flow_max_lpm",
        "buildings.B1.loops.fws.flow_max_lpm",
        "this quantity is written in m3/h: flow_max_m3_h",
    ),
    (
        "        supply_c: 18",
        "        supply_f: 64",
        "supply_f",
        "buildings.B1.loops.fws.supply_f",
        "in degC: supply_c",
    ),
    ("        supply_c: 18", "        supply: 18", "supply: 18", "buildings.B1.loops.fws.supply", "in degC: supply_c"),
    ("mw: 10", "kw: 10000", "kw: 10000", "contract.tranches.0.kw", "written in MW: mw"),
    ('{from: "2026-01-01"', '{start: "2026-01-01"', "start: ", "contract.tranches.0.start", 'unknown key "start"'),
]


@pytest.mark.parametrize(("old", "new", "where", "path", "words"), FAULTS, ids=[f[1][:40] for f in FAULTS])
def test_a_fault_of_form_is_told_at_its_place(spoil, spot, old, new, where, path, words):
    problems = spoil(old, new)
    (problem,) = [p for p in problems if p.path == path]
    assert words in problem.message
    line, col = spot(where)
    assert (problem.line, problem.col) == (line, col)
    assert str(problem).endswith(f"site.yaml:{line}:{col}: {path}: {problem.message}")


@pytest.mark.parametrize(
    ("feeds", "where", "path", "words"),
    [
        ("5", "5}\ntemplates", "electrical.elements.both.fed_from", "expected text or a mapping, got the number 5"),
        ("[east]", "[east]", "electrical.elements.both.fed_from", "expected text or a mapping, got a list"),
        ("{east: half, west: 0.5}", "half", "electrical.elements.both.fed_from.east", 'a number, got text "half"'),
        ("{east: 2, west: 0.5}", "2, west", "electrical.elements.both.fed_from.east", "2 is out of range"),
    ],
)
def test_a_fault_of_either_form_is_told_once(spoil, spot, feeds, where, path, words):
    problems = spoil("fed_from: {east: 0.5, west: 0.5}", f"fed_from: {feeds}")
    (problem,) = [p for p in problems if not p.warning]
    assert problem.path == path
    assert words in problem.message
    assert (problem.line, problem.col) == spot(where)


def test_a_missing_key_is_told_at_its_parent_with_its_meaning_and_unit(spoil, spot):
    (problem,) = spoil("        volume_m3: 20\n", "")
    assert problem.path == "buildings.B1.loops.fws.volume_m3"
    assert problem.message == 'missing key "volume_m3": water in supply and return headers, mixed [m3]'
    assert (problem.line, problem.col) == spot("fws:\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("        supply_c: 18", "        supply_f: 64", "written in degC: supply_c"),
        ("template: wet", "templat: wet", 'did you mean "template"?'),
    ],
)
def test_a_key_under_another_name_is_told_once(spoil, old, new, words):
    (problem,) = spoil(old, new)
    assert words in problem.message


def test_an_unknown_key_hides_no_other_that_is_missing(spoil):
    problems = spoil("        supply_c: 18", "        supply_f: 64", "        volume_m3: 20\n", "")
    assert [p.path for p in problems] == ["buildings.B1.loops.fws.volume_m3", "buildings.B1.loops.fws.supply_f"]


def test_faults_of_form_and_of_meaning_are_told_at_once(spoil):
    problems = spoil(
        "head_kpa: 200", "head_kpa: high",  # form
        "title: A small site", "title: 5",  # form, of what a site cannot be without
        "count: 2, mechanical: true", "count: many, mechanical: true",  # form
        "rack: t-dry", "rack: t-dri",  # meaning
        "fed_from: east, load: busy", "fed_from: north, load: bussy",  # meaning, twice
    )  # fmt: skip
    assert [p.path for p in problems] == [
        "title",
        "templates.wet.chain.ups.count",
        "templates.dry.rows.a.groups.0.rack",
        "buildings.B1.loops.fws.head_kpa",
        "buildings.B1.halls.H2.fed_from",
        "buildings.B1.halls.H2.load",
    ]


def test_what_cannot_be_read_hides_nothing_else(spoil, spot):
    problems = spoil(
        "head_kpa: 200", "head_kpa: .nan",
        "volume_m3: 20\n", "volume_m3: lots\n",
        "count: 4, fed_from: line}\n    west", "count: 010, fed_from: line}\n    west",
        "rack: t-dry", "rack: t-dri",
        "load: busy", "load: !unit busy",
    )  # fmt: skip
    assert [p.path for p in problems] == [
        "electrical.elements.east.count",
        "templates.dry.rows.a.groups.0.rack",
        "buildings.B1.loops.fws.head_kpa",
        "buildings.B1.loops.fws.volume_m3",
        "buildings.B1.halls.H2.load",
    ]
    assert (problems[2].line, problems[2].col) == spot(".nan")


def test_a_misspelt_template_does_not_hide_its_own_faults(spoil):
    changes = ("fws, supply_c: 25", "tcs, supply_c: 25", "supply_c: 24}\n    chain", "supply_c: 17}\n    chain")
    problems = spoil("template: wet", "template: wett", *changes)
    assert [p.path for p in problems] == [
        "templates.wet.liquid.loop",
        "templates.wet.air.supply_c",
        "buildings.B1.halls.H1.template",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        supply_c: 18", "        supply_c: .nan"),
        ("reset: {on: wet_bulb, approach_k: 4, max_c: 20}", "reset: .inf"),
        ("    liquid: {cdu: t-cdu, count: 2, loop: fws, supply_c: 25, supply_max_c: 30}", "    liquid: 010"),
        ("count: 2, loop: fws, supply_c: 25", "count: x, loop: fws, supply_c: 25"),
        ("east: {device: t-transformer, count: 4", "east: {device: t-transformer, count: x"),
        ("{east: 0.5, west: 0.5}", "{east: x, west: 0.5}"),
        ("head_kpa: 200", "head_kpa: x"),
        ("{rack: t-wet, count: 5}", "{rack: t-wet, count: x}"),
        ("busy: {mean: 0.7", "busy: {mean: x"),
        ("utc_offset_h: -6", "utc_offset_h: x"),
        ("weather: {file: weather.epw}", "weather: {file: 5}"),
        ("mw: 10", "mw: x"),
        ('"2026-01-01"', '"3000-01-01"'),
        ('"2026-02-01"', '"3000-01-01"'),
    ],
)
def test_a_fault_of_form_makes_no_second_fault(spoil, old, new):
    assert len(spoil(old, new)) == 1
