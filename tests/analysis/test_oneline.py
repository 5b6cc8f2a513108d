"""The one-line diagram as data and as SVG: loadings by hand, every element once, no text on another, the same bytes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.oneline import description, layout, oneline_svg, texts_at
from dashboards.oneline_cells import LETTER, LINE, SWATCH
from tests.analysis.oneline_sites import FOUR, reserve, site
from tests.shipped_sites import COMPLETE
from twin.analysis.n1 import n1
from twin.analysis.n1_text import elements
from twin.analysis.oneline import CAMPUS, OneLine, one_line
from twin.analysis.oneline_bank import Bank, Part
from twin.analysis.oneline_hall import shares
from twin.cooling.crah import Crah
from twin.core.errors import InputError
from twin.power.loss import LossLaw
from twin.power.network import GRID, Network, solve
from twin.power.transformer import Transformer
from twin.site.load import LoadedSite, load_site

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedSite]:
    """Shipped sites, and made ones: 2N and 4N3, block-redundant, meshed."""
    folder: Path = tmp_path_factory.mktemp("sites")
    made = {
        "systems": site(folder, "systems"),
        "reserve": site(folder, "reserve", forty=reserve(FOUR)),
        "meshed": site(folder, "meshed", mesh=True),
    }
    return {name: load_site(name) for name in COMPLETE} | {name: load_site(path) for name, path in made.items()}


ALL = [*COMPLETE, "systems", "reserve", "meshed"]


def bank(found: OneLine, key: str) -> Bank:
    return next(bank for bank in found.banks if bank.key == key)


# ------------------------------------------------------------------------------------------ loadings
@pytest.mark.parametrize(
    ("systems", "normal", "lost"), [(1, 1.0, None), (2, 1 / 2, 1.0), (3, 1 / 3, 1 / 2), (4, 1 / 4, 1 / 3)]
)
def test_2n_3n2_and_4n3_load_as_the_sheet_says(systems, normal, lost):
    """Physics sheet 1.3: 50, 66.7 and 75 % of what one system can carry, 100 % after a loss."""
    assert shares(systems, 0, 0.5) == pytest.approx([normal] * systems)
    for gone in range(systems if lost else 0):
        left = shares(systems, 0, 0.5, gone)
        assert left[gone] == 0.0
        assert max(left) == pytest.approx(lost)


def test_a_reserve_takes_all_of_the_one_that_is_lost():
    assert shares(4, 1, 0.5) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.0])
    assert shares(4, 1, 0.5, 1) == pytest.approx([1 / 3, 0.0, 1 / 3, 1 / 3])


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.integers(1, 6), st.integers(0, 3), st.floats(0.0, 1.0), st.integers(0, 5))
def test_no_cord_counts_twice_and_none_is_forgotten(systems, stand_by, cord, lost):
    stand_by = min(stand_by, systems - 1)
    assert sum(shares(systems, stand_by, cord)) == pytest.approx(1.0)
    if systems > 1:
        assert sum(shares(systems, stand_by, cord, lost % systems)) == pytest.approx(1.0)


def test_a_bank_is_as_full_as_by_hand(sites):
    """azure-dgx, forty servers: 408 kW of racks and 32 kW of fans on 3 x 300 kW, 440/900 and 440/600."""
    found = bank(one_line(sites["azure-dgx"]), "forty/pdu")
    assert (found.units, found.rating) == (3, "300 kW")
    assert found.normal == pytest.approx(440.0 / 900.0)
    assert found.one_lost == pytest.approx(440.0 / 600.0)
    assert found.system_lost is None
    assert not found.least


def test_what_goes_into_a_hall_is_what_its_racks_take_and_its_path_loses(sites):
    found = one_line(sites["azure-dgx"])
    (hall,) = [load for load in found.drawings[0].loads if load.title == "hall az/forty"]
    x = 440.0 / 900.0
    assert hall.kw == pytest.approx(440.0 + 900.0 * (0.015 + 0.015 * x * x))
    into = bank(found, "it")
    assert into.normal == pytest.approx(sum(c.kw or 0.0 for c in found.drawings[0].loads) / (1000.0 * 0.98))


def test_pumps_and_fans_of_a_hall_without_a_chain_count_too(sites):
    """Frontier, physics sheet V07: 28.2279 MW at peak with its CDU pumps; six fan walls come on top."""
    (hall,) = [load for load in one_line(sites["frontier"]).drawings[0].loads if load.role == "halls"]
    fans = 6 * sites["frontier"].library.get("fan-wall-400kw", Crah).fan_kw.value
    assert (hall.kw or 0.0) - fans == pytest.approx(28_227.9, rel=5e-4)


def test_systems_share_and_take_over(sites):
    found = one_line(sites["systems"])
    a, b = (bank(found, f"five/pdu/{letter}") for letter in "AB")
    assert a.normal == b.normal == pytest.approx(51.0 / 2 / 600.0)
    assert a.one_lost == pytest.approx(51.0 / 2 / 300.0)
    assert a.system_lost == pytest.approx(51.0 / 600.0)
    assert bank(found, "five/tr").system == ""
    d = bank(one_line(sites["reserve"]), "forty/pdu/D")
    assert d.reserve
    assert d.normal == 0.0
    assert d.system_lost == pytest.approx(408.0 / 3 / 500.0)


def solved(loaded: LoadedSite, lost: str = "") -> dict[str, float]:
    """Output per rating of the banks of the hall with four systems, by ``twin.power.network``; ``lost`` is gone."""
    chain, library = loaded.site.templates["forty"].chain, loaded.library
    names = [f"forty/{id}/{letter}" for id in chain for letter in "ABCD"]
    pairs = list(combinations(range(4), 2))
    first = len(pairs) + 1  # racks by pair of cords, pumps and fans, then the banks from below
    feeds = [[(first + i, 0.5), (first + j, 0.5)] for i, j in pairs]
    feeds.append([(first + 4 + j, 0.25) for j in range(4)])
    feeds += [[(first + 4 * (row + 1) + j, 1.0)] for row in range(2) for j in range(4)] + [[(GRID, 1.0)]] * 4
    law, limit = [], []
    for id in chain:
        device = library.get(chain[id].device, LossLaw, Transformer)
        assert isinstance(device, LossLaw | Transformer)
        rated, a, b, c = device.law(loaded.site.electrical.power_factor)
        units = chain[id].count // 4
        law += [(rated * units, a, b, c)] * 4
        limit += [device.limit_w(loaded.site.electrical.power_factor) * units] * 4
    rows = np.array([(0.0, 0.0, 0.0, 0.0)] * first + law)
    n = len(rows)
    flat = [feed for one in feeds for feed in one]
    rated, a, b, c = np.ascontiguousarray(rows.T)
    net = Network(
        rated, a, b, c, np.full(n, np.inf), np.full(n, np.inf),
        np.ones(n, np.int64), np.cumsum([0, *(len(one) for one in feeds)]),
        np.array([node for node, _ in flat]), np.array([share for _, share in flat]),
    )  # fmt: skip
    demand = np.zeros(n)
    demand[: first - 1], demand[first - 1] = 408e3 / len(pairs), 32e3
    up = np.array([0.0 if n >= first and names[n - first] == lost else 1.0 for n in range(n)])
    out = solve(net, demand, up).out
    return {name: float(out[first + i] / limit[i]) for i, name in enumerate(names)}


def test_systems_load_as_the_network_solves_them(sites):
    """Six pairs of cords on four systems, whole and with the transformer of A lost."""
    found, whole, left = one_line(sites["systems"]), solved(sites["systems"]), solved(sites["systems"], "forty/tr/A")
    for key, share in whole.items():
        assert bank(found, key).normal == pytest.approx(share, rel=1e-9)
    for key, share in left.items():
        assert share == 0.0 if key.endswith("/A") else bank(found, key).system_lost == pytest.approx(share, rel=1e-9)


def test_what_hangs_on_the_weather_is_not_known_and_never_fine(sites):
    found = one_line(sites["prairie-750"])
    assert bank(found, "b1-plant").normal is None
    assert bank(found, "b1").least
    assert bank(found, "yard").least
    text = oneline_svg(found)
    assert "load by weather" in text
    assert 'class="unknown"' in text


def test_one_hall_shows_its_own_path_as_full_as_it_is(sites):
    every, one = one_line(sites["prairie-750"]), one_line(sites["prairie-750"], "b3/b3-h4")
    assert {bank.key for bank in one.drawings[0].banks} == {"line", "yard", "b3"}
    assert bank(one, "yard") == bank(every, "yard")
    assert [drawing.key for drawing in one.drawings] == [CAMPUS, "gb300"]
    with pytest.raises(InputError, match='no hall "b3/b3-h44"; did you mean "b3/b3-h4"'):
        one_line(sites["prairie-750"], "b3/b3-h44")


# ------------------------------------------------------------------------------------------ the picture
def expected(loaded: LoadedSite) -> Counter[str]:
    """Every element of the site: campus elements, and links by template and system."""
    keys = list(loaded.site.electrical.elements)
    used = {hall.template for building in loaded.site.buildings.values() for hall in building.halls.values()}
    for id in used:
        for name, link in loaded.site.templates[id].chain.items():
            letters = "ABCDEFGH"[: link.systems] if link.systems > 1 else ""
            keys += [f"{id}/{name}/{letter}" for letter in letters] or [f"{id}/{name}"]
    return Counter(keys)


@pytest.mark.parametrize("name", ALL)
def test_every_element_of_a_site_is_drawn_once(sites, name):
    found = one_line(sites[name])
    root = ElementTree.fromstring(oneline_svg(found))
    drawn = Counter(group.get("data-element") for group in root.iter(f"{SVG}g") if group.get("data-element"))
    assert all(count == 1 for count in drawn.values())
    banks = expected(sites[name])
    assert Counter(key for key in drawn if key in banks) == banks
    loads = {load.key for drawing in found.drawings for load in drawing.loads}
    assert loads <= set(drawn)


@pytest.mark.parametrize("name", ALL)
def test_the_picture_says_what_it_is(sites, name):
    text = oneline_svg(one_line(sites[name]))
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert (title.text or "").endswith(sites[name].site.name)
    assert len(desc.text or "") > 20
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert oneline_svg(one_line(sites[name])) == text


def texts(found: OneLine) -> list[list[tuple[float, float, float, float]]]:
    """Estimated boxes of all lines of text, by drawing: left, top, right, bottom."""
    boxes = []
    for drawing in found.drawings:
        here = []
        for placed in layout(drawing).cells:
            x, y = texts_at(placed)
            for n, line in enumerate(placed.cell.lines):
                more = SWATCH if line.style == "unknown" else 0.0
                here.append((x, y + n * LINE - 11.0, x + len(line.words) * LETTER + more, y + n * LINE + 3.0))
        boxes.append(here)
    return boxes


def meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def with_parts(found: OneLine) -> OneLine:
    """The same with a breaker, a store and generators at every bank, and no ratings: the fullest picture."""
    parts = (
        Part("breaker", "cb-4000a", 1, ""), Part("store", "li-ion-5min", 2, "2.5 MW"), Part("generator", "set", 3, "")
    )  # fmt: skip
    drawings = tuple(
        replace(d, banks=tuple(replace(b, parts=parts, rating="") for b in d.banks)) for d in found.drawings
    )
    return replace(found, drawings=drawings)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("full", [False, True], ids=["as it is", "with parts"])
def test_no_text_lies_on_another_nor_under_a_wire_of_its_row(sites, name, full):
    found = one_line(sites[name])
    found = with_parts(found) if full else found
    for boxes in texts(found):
        assert [pair for pair in combinations(boxes, 2) if meet(*pair)] == []
    for drawing, boxes in zip(found.drawings, texts(found), strict=True):
        for wire in layout(drawing).wires:
            (x0, y0), (x1, y1) = wire.points[0], wire.points[-1]
            span = (min(x0, x1) - 0.5, min(y0, y1) - 0.5, max(x0, x1) + 0.5, max(y0, y1) + 0.5)
            assert not any(meet(span, box) for box in boxes), (drawing.key, wire)


@pytest.mark.parametrize("name", ALL)
def test_all_stays_on_the_sheet(sites, name):
    found = one_line(sites[name])
    text = oneline_svg(found)
    width, height = map(float, re.findall(r'^<svg[^>]* width="([\d.]+)" height="([\d.]+)"', text)[0])
    sheets = [layout(drawing) for drawing in found.drawings]
    assert max(sheet.width for sheet in sheets) <= width
    assert sum(sheet.height for sheet in sheets[:1]) <= height
    for sheet in sheets:
        assert min(placed.x for placed in sheet.cells) >= 0.0
        assert min(x for wire in sheet.wires for x, _ in wire.points) >= 0.0


def test_what_is_above_its_rating_has_a_mark_and_words(sites):
    found = one_line(sites["azure-dgx"])
    hot = replace(
        found,
        drawings=tuple(
            replace(d, banks=tuple(replace(b, one_lost=1.2) if b.key == "forty/pdu" else b for b in d.banks))
            for d in found.drawings
        ),
    )
    assert "▲ N-1 120 %" in oneline_svg(hot)
    assert "1 above 100 % after a loss or before (forty/pdu)" in description(hot)
    assert "▲" not in oneline_svg(found)


def test_a_bank_without_a_rating_stands_in_a_hatched_field(sites):
    found = with_parts(one_line(sites["azure-dgx"]))
    assert "rating</text>" in oneline_svg(found)
    assert "without a rating" in description(found)
    assert "every bank has a rating" in description(one_line(sites["azure-dgx"]))


def test_systems_with_feeds_of_their_own_share_no_busbar(sites):
    """Ties of two feeds are open: what feeds A is drawn above A alone."""
    hall = next(d for d in one_line(sites["redundant-4n3"]).drawings if d.key == "four-n3")
    above = {f.target: f.source for f in hall.feeds if f.source in {source.key for source in hall.sources}}
    assert [notes for source in hall.sources for notes in source.notes] == [f"from bus-{x}" for x in "abcd"]
    assert above == {f"four-n3/transformer/{x}": f"four-n3/feed/bus-{x.lower()}" for x in "ABCD"}


def test_a_store_tells_its_power(sites):
    parts = [part for bank in one_line(sites["redundant-4n3"]).banks for part in bank.parts if part.role == "store"]
    assert parts
    assert all(part.rating for part in parts)


def test_panels_of_their_own_are_as_full_after_a_loss_as_n_1_finds_them(sites):
    """The partner of a lost panel takes all of their racks: 12 racks on two panels of 4N3, 8 on two of 2N."""
    found, rows = one_line(sites["redundant-4n3"]), elements(n1("redundant-4n3"))
    worst = {row["element"]: (row["n_1"] or 0.0) * (row["normal_kw"] or 0.0) for row in rows}
    for key, hall, racks in (("four-n3/rpp/A", "h-4n3", 6), ("two-n/rpp/A", "h-2n", 8)):
        one, lost = bank(found, key).one_lost, bank(found, key).system_lost
        assert one is not None
        assert one == lost == pytest.approx(racks * 46.0 / limit(sites["redundant-4n3"]), rel=1e-9)
        assert one * limit(sites["redundant-4n3"]) == pytest.approx(worst[f"b1/{hall}/rpp-A-01"], rel=1e-6)


def limit(loaded: LoadedSite) -> float:
    """What one panel may carry, kW."""
    panel = loaded.library.get("rpp-500kw", LossLaw)
    return panel.limit_w(loaded.site.electrical.power_factor) / 1e3
