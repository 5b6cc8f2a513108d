"""What is wrong with a site beyond its form, each at its line and column; and what is only suspicious."""

from __future__ import annotations

import pytest

CHAIN = "{device: t-feeder, count: 2}\n      ups"
# old, new, where (in the new text), path, words
ERRORS = [
    (
        "rack: t-dry",
        "rack: t-dri",
        "t-dri",
        "templates.dry.rows.a.groups.0.rack",
        'no rack "t-dri"; did you mean "t-dry"?',
    ),
    (
        "rack: t-dry",
        "rack: t-cdu",
        "t-cdu, count: 4",
        "templates.dry.rows.a.groups.0.rack",
        "is of kind cdu, expected rack",
    ),
    ("cdu: t-cdu", "cdu: t-cd", "t-cd,", "templates.wet.liquid.cdu", 'no cdu "t-cd"; did you mean "t-cdu"?'),
    (
        CHAIN,
        CHAIN.replace("t-feeder", "t-psu"),
        "t-psu",
        "templates.wet.chain.pdu.device",
        '"t-psu" is of kind psu, expected',
    ),
    (
        "device: t-dry-cooler",
        "device: t-chiller",
        "t-chiller, count: 4}",
        "buildings.B1.loops.fws.plant.rejection.device",
        '"t-chiller" is of kind chiller, expected adiabatic_cooler, dry_cooler or tower',
    ),
    (
        "economizer: t-economizer",
        "economizer: t-chiller",
        "t-chiller\n",
        "buildings.B1.loops.fws.plant.economizer",
        "expected economizer",
    ),
    (
        "chillers: {device: t-chiller",
        "chillers: {device: t-economizer",
        "t-economizer, count",
        "buildings.B1.loops.fws.plant.chillers.device",
        "expected chiller",
    ),
    (
        "template: wet",
        "template: wett",
        "wett",
        "buildings.B1.halls.H1.template",
        'template "wett"; did you mean "wet"?',
    ),
    ("load: busy", "load: buzy", "buzy", "buildings.B1.halls.H2.load", 'did you mean "busy"?'),
    ("fed_from: both}", "fed_from: bot}", "bot}", "buildings.B1.halls.H1.fed_from", 'did you mean "both"?'),
    ("fed_from: west\n", "fed_from: wets\n", "wets", "buildings.B1.loops.fws.plant.fed_from", 'did you mean "west"?'),
    (
        "count: 2, loop: fws, supply_c: 25",
        "count: 2, loop: tcs, supply_c: 25",
        "tcs",
        "templates.wet.liquid.loop",
        'building B1, where hall H1 uses this template, has no loop "tcs" (fws)',
    ),
    # feeds
    ("count: 2, fed_from: grid", "count: 2, fed_from: gird", "gird", "electrical.elements.line.fed_from", '"grid"?'),
    (
        "count: 4, fed_from: line}\n    west",
        "count: 4, fed_from: both}\n    west",
        "both}\n    west",
        "electrical.elements.east.fed_from",
        "in a circle: east -> both -> east",
    ),
    (
        "count: 2, fed_from: grid",
        "count: 2, fed_from: line",
        "line}\n    east: {device: t-transformer, count: 4, fed_from: line}\n    west",
        "electrical.elements.line.fed_from",
        "line -> line",
    ),
    ("west: 0.5}}", "west: 0.4}}", "fed_from: {east", "electrical.elements.both.fed_from", "sum to 0.9, expected 1"),
    ("{east: 0.5, west: 0.5}", "{east: 0.5, wst: 0.5}", "0.5}}", "electrical.elements.both.fed_from.wst", '"west"?'),
    (
        "count: 2, fed_from: grid",
        "losses_to: hall, fed_from: grid",
        "hall, fed",
        "electrical.elements.line.losses_to",
        'expected "outdoors", got "hall"',
    ),
    (
        "    both: {",
        "    grid: {device: t-feeder, fed_from: east}\n    both: {",
        "grid: {",
        "electrical.elements.grid",
        "the name of the grid itself",
    ),
    # racks and their water
    (
        "    liquid: {cdu: t-cdu, count: 2, loop: fws, supply_c: 25, supply_max_c: 30}\n",
        "",
        "wet:\n    rows",
        "templates.wet.liquid",
        't-wet are liquid-cooled: missing key "liquid"',
    ),
    (
        "- {rack: t-wet, count: 5}",
        "- {rack: t-wet, count: 5}\n          - {rack: t-wet-glycol, count: 1}",
        "rows:\n      a:\n",
        "templates.wet.rows",
        "t-wet has water, t-wet-glycol has pg25",
    ),
    (
        "supply_c: 25",
        "supply_c: 18",
        "18, supply_max",
        "templates.wet.liquid.supply_c",
        "is not above the 18 degC that loop",
    ),
    (
        "supply_c: 24}\n    chain",
        "supply_c: 17}\n    chain",
        "17}",
        "templates.wet.air.supply_c",
        "is not above the 18 degC",
    ),
    (
        "supply_c: 25, supply_max_c: 30",
        "supply_c: 41, supply_max_c: 45",
        "41, supply",
        "templates.wet.liquid.supply_c",
        "above what t-wet allows at its inlet, 40 degC",
    ),
    (
        "supply_max_c: 30",
        "supply_max_c: 24",
        "24}\n    air: {crah: t-crah, count: 2, loop: fws, supply_c: 24}\n    chain",
        "templates.wet.liquid.supply_max_c",
        "below supply_c of 25",
    ),
    (
        "supply_c: 24}\n    chain",
        "supply_c: 36}\n    chain",
        "36}",
        "templates.wet.air.supply_c",
        "its air inlet, 35 degC",
    ),
    ("max_c: 20}", "max_c: 17}", "17}", "buildings.B1.loops.fws.reset.max_c", "below supply_c of 18"),
    (
        CHAIN,
        "{device: t-feeder, mechanical: true}\n      ups",
        "true}\n  dry",
        "templates.wet.chain.ups.mechanical",
        '"pdu" has it already',
    ),
    # files
    ("weather.epw", "wether.epw", "wether.epw", "weather.file", "neither a shipped year nor a file"),
    ("csv: busy.csv", "csv: bussy.csv", "bussy.csv", "loads.busy.csv", 'there is no file "bussy.csv"'),
]


@pytest.mark.parametrize(("old", "new", "where", "path", "words"), ERRORS, ids=[e[4][:40] for e in ERRORS])
def test_an_error_is_told_once_at_its_place(spoil, spot, old, new, where, path, words):
    (problem,) = [p for p in spoil(old, new) if not p.warning]
    assert problem.path == path
    assert words in problem.message
    assert (problem.line, problem.col) == spot(where)


def test_the_small_site_is_clean(spoil):
    assert spoil() == []


def test_all_errors_of_meaning_are_told_at_once(spoil):
    problems = spoil(*[part for error in ERRORS[7:10] for part in error[:2]])
    assert [p.path for p in problems] == [error[3] for error in (ERRORS[7], ERRORS[9], ERRORS[8])]


def test_faults_inside_a_library_entry_are_told_there(spoil, folder):
    file = folder / "library" / "cdus" / "t-cdu.yaml"
    text = file.read_text().replace("rated_kw:\n  value: 800", "rated_mw:\n  value: 0.8")
    file.write_text(text)
    problems = spoil()
    line = text.splitlines().index("rated_mw:") + 1
    assert (str(file), line, 1, "rated_mw") in [(p.file, p.line, p.col, p.path) for p in problems]
    assert any("written in kW: rated_kw" in p.message for p in problems)


@pytest.mark.parametrize(
    ("rack", "words"),
    [
        ("t-two-curves", "more than one stage has a square-law loss"),
        ("t-no-psu", "is of kind cdu, expected psu"),
        ("t-knee", "loss_table bends too sharply"),
    ],
)
def test_the_conversion_stages_of_a_rack_are_checked_in_its_file(spoil, folder, rack, words):
    (problem,) = spoil("rack: t-dry", f"rack: {rack}")
    file = folder / "library" / "racks" / f"{rack}.yaml"
    assert words in problem.message
    assert problem.file == str(file)
    wrong = 2 if rack == "t-two-curves" else 1
    lines = [n for n, line in enumerate(file.read_text().splitlines(), 1) if "device:" in line]
    assert problem.line == lines[wrong - 1]


WARNINGS = [
    ("supply_c: 25,", "supply_c: 19.5,", "templates.wet.liquid.supply_c", "only 1.5 K above loop fws of building B1"),
    ("supply_c: 25,", "supply_c: 21,", "templates.wet.liquid.supply_c", "t-cdu needs 4 K at its rated duty"),
    (
        "{rack: t-wet, count: 5}",
        "{rack: t-wet, count: 11}",
        "templates.wet.liquid.count",
        "rated liquid heat of the racks 1760 kW is above the CDUs' duty of 1600 kW",
    ),
    (
        "{rack: t-dry, count: 4}",
        "{rack: t-dry, count: 7}",
        "templates.dry.air.count",
        "700 kW is above the air handlers' 600 kW",
    ),
    (
        "{rack: t-wet, count: 5}",
        "{rack: t-wet, count: 11}",
        "templates.wet.liquid.count",
        "the racks on the fullest CDU need 1,320 L/min, t-cdu pumps 1,200 L/min",
    ),
    (
        "flow_max_m3_h: 200",
        "flow_max_m3_h: 150",
        "buildings.B1.loops.fws.flow_max_m3_h",
        "ask for 151 m3/h (a rise of 8 K), it pumps 150 m3/h",
    ),
    (
        "t-dry-cooler, count: 4",
        "t-dry-cooler, count: 2",
        "buildings.B1.loops.fws.plant.rejection.count",
        "the racks on this loop are rated 1.4 MW of heat, 2 x t-dry-cooler reject 1.0 MW",
    ),
    (
        "t-chiller, count: 2",
        "t-chiller, count: 1",
        "buildings.B1.loops.fws.plant.chillers.count",
        "the economiser leaves 1.4 MW with the 35 degC of t-dry-cooler at its design point: 1 x t-chiller carry 1.0",
    ),
    (
        CHAIN,
        CHAIN.replace("t-feeder, count: 2", "t-transformer, count: 1"),
        "templates.wet.chain.pdu.count",
        "the racks on it are rated 1.00 MW, 1.0 times the 0.98 MW of 1 x t-transformer",
    ),
    (
        "{rack: t-dry, count: 4}",
        "{rack: t-dry, count: 50}",
        "electrical.elements.east.count",
        "the racks on it are rated 5.50 MW, 1.4 times the 3.92 MW of 4 x t-transformer",
    ),
    (
        '"2026-02-01"',
        '"2025-12-31"',
        "buildings.B1.halls.H1.energised_on",
        "before the first contracted power (2026-01-01)",
    ),
    ("mw: 10", "mw: 1.3", "contract.tranches.0.mw", "rated 1.4 MW, above the contract of 1.3 MW"),
    ("fed_from: {east: 0.5, west: 0.5}", "fed_from: east", None, None),
    ("fed_from: both}", "fed_from: east}", "electrical.elements.both", "feeds nothing"),
    ("template: dry", "template: wet", "templates.dry", "no hall uses"),
    (
        "{rack: t-wet, count: 5}",
        "{rack: t-dry, count: 1}",
        "templates.wet.liquid",
        "no rack of this template is liquid",
    ),
    ("{rack: t-wet, count: 5}", "{rack: t-guess, count: 5}", "liquid_share", "an estimate without a band"),
]


@pytest.mark.parametrize(("old", "new", "path", "words"), WARNINGS, ids=[w[1][:40] for w in WARNINGS])
def test_what_is_suspicious_is_a_warning(spoil, old, new, path, words):
    problems = spoil(old, new)
    assert all(p.warning for p in problems)
    assert [p.path for p in problems if words and words in p.message] == ([path] if path else [])
    if path is None:
        assert problems == []


def test_an_absurd_site_is_refused_before_it_is_expanded(spoil):
    # 2 x 5 -> 100,000 x 100,000 racks in hall H1, 4 in hall H2
    rows = ("        count: 2\n", "        count: 100000\n")
    (problem,) = spoil(*rows, "{rack: t-wet, count: 5}", "{rack: t-wet, count: 100000}")
    assert problem.path == "buildings"
    assert "10,000,000,004 racks, at most 2,000,000" in problem.message


def test_too_many_cdus_are_refused(spoil):
    halls = "".join(f'      X{i}: {{template: wet, energised_on: "2026-02-01", fed_from: both}}\n' for i in range(3))
    (problem,) = spoil("t-cdu, count: 2", "t-cdu, count: 99999", "    halls:\n", f"    halls:\n{halls}")
    assert "399,996 CDUs" in problem.message


def test_chillers_carry_only_what_the_economiser_leaves(spoil):
    """35 degC against a return of 38: 0.9 (38 - 35)/8 of 1.4 MW is taken, 0.93 MW is left for one chiller of 1 MW."""
    one = ("t-chiller, count: 2", "t-chiller, count: 1")
    assert spoil(*one, "max_c: 20}", "max_c: 30}") == []
    assert spoil(*one, "max_c: 20}", "max_c: 29}") != []


def test_a_loop_is_asked_for_no_more_than_its_cdus_can_take(spoil, folder):
    """The hall's CDUs ask for 86 m3/h at the design rise; with 2 x 300 L/min they take 36; the air asks for 65."""
    cdu = folder / "library" / "cdus" / "t-cdu.yaml"
    cdu.write_text(cdu.read_text().replace("primary_flow_lpm:\n  value: 1200", "primary_flow_lpm:\n  value: 300"))
    flow = "flow_max_m3_h: 200"
    assert spoil(flow, "flow_max_m3_h: 101") == []
    (problem,) = spoil(flow, "flow_max_m3_h: 100")
    assert "ask for 101 m3/h" in problem.message


@pytest.mark.parametrize(("racks", "warns"), [(14, True), (15, False)])
def test_an_element_far_beyond_its_rating_is_an_error(spoil, spot, racks, warns):
    """The loss law holds to 1.5 times a rating: 28 racks are 2.9 times 0.98 MW, 30 are 3.06 times."""
    device = "{device: t-transformer, count: 1}"
    problems = spoil(
        "{device: t-feeder, count: 2}\n      ups", f"{device}\n      ups", "t-wet, count: 5", f"t-wet, count: {racks}"
    )
    (problem,) = [p for p in problems if p.path == "templates.wet.chain.pdu.count"]
    assert problem.warning is warns
    assert ("expected at most 3 times" in problem.message) is not warns
    assert (problem.line, problem.col) == spot("1}\n      ups")


def test_a_slip_of_rows_is_refused(spoil):
    """1,000 rows of 1,000 racks: the losses of the chain would be taken far beyond what their law holds for."""
    errors = [
        p
        for p in spoil("        count: 2\n", "        count: 1000\n", "t-wet, count: 5", "t-wet, count: 1000")
        if not p.warning
    ]
    assert {p.path for p in errors} >= {"templates.wet.chain.ups.count", "electrical.elements.line.count"}
    assert "16,666.7 times the 6.00 MW of 2 x t-feeder" in next(p.message for p in errors if "chain.ups" in p.path)
