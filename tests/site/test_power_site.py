"""Systems, cords and units as a network: the loadings of the textbook topologies, exact, through the site file."""

from __future__ import annotations

import numpy as np
import pytest

from tests.site.conftest import SITE, entry
from twin.core.columns import Elm, Group
from twin.power.network import GRID, solve
from twin.site.dump import dump
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.power_site import power_site
from twin.site.ratings import allowed_s, limits_w

IDEAL = {"no_load_loss": 0, "proportional_loss": 0, "square_loss": 0}
DEVICES = {
    "ups/t-ups": entry("ups", rated_kw=1000, **IDEAL),
    "ups/t-loss": entry("ups", rated_kw=1000, no_load_loss=0.01, proportional_loss=0.02, square_loss=0),
    "distribution/t-rpp": entry("pdu", rated_kw=500, **IDEAL),
    "transfer/t-sts": entry("sts", rated_kw=2000, transfer_s=0.004, return_s=10, low_pu=0.88, **IDEAL),
}  # fmt: skip
OLD_CHAIN = """    chain:
      pdu: {device: t-feeder, count: 2}
      ups: {device: t-feeder, count: 2, mechanical: true}
"""


@pytest.fixture
def built(folder):
    """A site whose wet hall has the chain ``links`` and ``racks`` racks a row (two rows): (loaded, plan, network)."""
    for name, data in DEVICES.items():
        file = folder / "library" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump(data))

    def make(links, racks=6, feed="both", more=(), template=""):
        chain = "".join(f"      {id}: {{{text}}}\n" for id, text in links.items())
        text = SITE.replace(OLD_CHAIN, f"{template}    chain:\n{chain}")
        text = text.replace("{rack: t-wet, count: 5}", f"{{rack: t-wet, count: {racks}}}")
        text = text.replace("fed_from: both}", f"fed_from: {feed}}}")
        for old, new in zip(more[::2], more[1::2], strict=True):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "site.yaml").write_text(text)
        loaded = load_site(folder / "site.yaml")
        plan = lower(loaded)
        return loaded, plan, power_site(loaded, plan)

    return make


def demand_of(made, kw):
    """``kw`` on the racks of the first hall, shared equally; nothing else draws."""
    _, plan, site = made
    a = plan.arrays
    w = np.zeros(plan.racks)
    w[: int(a.group_rack[a.hall_group[1]])] = 1.0
    return site.demand(w * kw * 1e3 / w.sum(), np.zeros(len(a.sec)), np.zeros(len(a.fac)))


def loads(made, kw, *lost):
    """kW out of each node by name with the nodes ``lost`` down."""
    _, _, site = made
    up = np.ones(len(site.name))
    up[[site.index[name] for name in lost]] = 0.0
    flows = solve(site.net, demand_of(made, kw), up)
    return dict(zip(site.name, flows.out / 1e3, strict=True))


def systems(count, link="ups", device="t-ups"):
    return {link: f"device: {device}, count: {count}, systems: {count}"}


@pytest.mark.parametrize(("count", "normal"), [(2, 0.5), (3, 2 / 3), (4, 0.75), (5, 0.8)])
def test_n_systems_loaded_to_n_less_1_carry_all_with_any_one_lost(built, count, normal):
    made = built(systems(count), racks=30)  # 60 racks: as many on every pair
    full = 1000.0 * (count - 1)
    names = [f"B1/H1/ups-{letter}" for letter in "ABCDE"[:count]]
    before = loads(made, full)
    assert [before[name] for name in names] == pytest.approx([1000.0 * normal] * count, rel=1e-12)
    for lost in names:
        after = loads(made, full, lost)
        left = [after[name] for name in names if name != lost]
        assert left == pytest.approx([1000.0] * (count - 1), rel=1e-12)
        assert after[lost] == 0.0


def test_4n3_at_full_modules_leaves_the_survivors_at_133_3_percent(built):
    made = built(systems(4))
    after = loads(made, 4000.0, "B1/H1/ups-C")
    assert [after[f"B1/H1/ups-{x}"] for x in "ABD"] == pytest.approx([4000.0 / 3.0] * 3, rel=1e-12)


@pytest.mark.parametrize("links", [systems(4, "rpp", "t-rpp"), {"rpp": "device: t-rpp, count: 4"}])
@pytest.mark.parametrize(("kw", "each", "ok"), [(1316.0, 438.7, True), (1531.0, 510.3, False)])
def test_four_rpps_of_500_kw_carry_a_block_of_1316_kw_with_one_lost_and_not_1531(built, links, kw, each, ok):
    made = built(links)
    _, _, site = made
    rpps = [n for n, name in enumerate(site.name) if name.startswith("B1/H1/rpp")]
    up = np.ones(len(site.name))
    up[rpps[0]] = 0.0 if len(rpps) == 4 else 0.75
    out = solve(site.net, demand_of(made, kw), up).out[rpps]
    limit = site.net.normal[rpps] * up[rpps]
    left = 3.0 if len(rpps) == 1 else 1.0
    assert out[out > 0.0] / 1e3 / left == pytest.approx([each] * int(3 / left), abs=0.05)
    assert bool(np.all(out <= limit)) is ok


def test_a_catcher_steps_from_nothing_to_all_and_a_second_failure_drops_racks(built):
    links = {
        "sts": "device: t-sts, count: 3, systems: 3",
        "ups": "device: t-ups, count: 4, systems: 4, reserve: 1",
    }
    made = built(links)
    assert [loads(made, 3000.0)[f"B1/H1/ups-{x}"] for x in "ABCD"] == pytest.approx([1000.0] * 3 + [0.0])
    after = loads(made, 3000.0, "B1/H1/ups-B")
    assert [after[f"B1/H1/ups-{x}"] for x in "ABCD"] == pytest.approx([1000.0, 0.0, 1000.0, 1000.0])
    both = loads(made, 3000.0, "B1/H1/ups-B", "B1/H1/ups-D")
    blocks = [both[f"B1/H1/racks-{n:03d}"] for n in (1, 2, 3)]
    assert blocks == pytest.approx([1000.0, 0.0, 1000.0])


def test_a_second_failure_drops_exactly_the_racks_that_hang_on_both(built):
    made = built(systems(4))
    _, plan, site = made
    up = np.ones(len(site.name))
    up[[site.index["B1/H1/ups-A"], site.index["B1/H1/ups-C"]]] = 0.0
    flows = solve(site.net, demand_of(made, 1200.0), up)
    dead = [i for n, racks in enumerate(site.racks) if not flows.alive[n] for i in racks]
    # Twelve racks of the hall on the pairs AB, AC, AD, BC, BD, CD: two on each, AC the second.
    assert dead == [2, 3]
    assert (flows.alive * demand_of(made, 1200.0)).sum() == pytest.approx(1000e3)
    assert plan.racks == 16  # four more in the other hall


def test_racks_hang_on_units_of_their_own_all_pairs_and_units_alike(built):
    made = built({"rpp": "device: t-rpp, count: 24, systems: 4, own: true", **systems(4)}, racks=24)
    rpps = {name: kw for name, kw in loads(made, 2400.0).items() if "/rpp-" in name}
    assert len(rpps) == 24
    assert set(np.round(list(rpps.values()), 9)) == {100.0}
    assert {"B1/H1/rpp-A-01", "B1/H1/rpp-D-06"} < set(rpps)
    # With one panel lost its partners alone carry more: two blocks' other cords.
    after = {name: kw for name, kw in loads(made, 2400.0, "B1/H1/rpp-A-01").items() if name in rpps}
    assert sorted(np.round(list(after.values()), 9))[-1] == 200.0
    assert sum(after.values()) == pytest.approx(2400.0, rel=1e-12)


def test_the_first_cord_takes_its_share(built):
    made = built(systems(2), template="    cord_share: 0.8\n")
    before = loads(made, 1000.0)
    assert [before["B1/H1/ups-A"], before["B1/H1/ups-B"]] == pytest.approx([800.0, 200.0], rel=1e-12)


def test_every_rack_is_in_one_block_and_its_shares_sum_to_1(built):
    made = built({"rpp": "device: t-rpp, count: 10, systems: 5, own: true"}, racks=23)
    _, plan, site = made
    held = sorted(i for racks in site.racks for i in racks)
    assert held == list(range(plan.racks))
    for n in range(len(site.name)):
        feeds = slice(site.net.feed_ptr[n], site.net.feed_ptr[n + 1])
        assert site.net.share[feeds].sum() == pytest.approx(1.0, abs=1e-12)
        assert np.all((site.net.feed[feeds] > n) | (site.net.feed[feeds] == GRID))


def test_systems_draw_on_the_feeds_of_their_letters(built):
    alone = ("    both: {device: t-feeder, fed_from: {east: 0.5, west: 0.5}}\n", "")
    made = built({**systems(2)}, feed="{A: east, B: west}", more=alone)
    loaded, plan, _ = made
    before, after = loads(made, 1000.0), loads(made, 1000.0, "east")
    assert [before["east"], before["west"]] == pytest.approx([500.0, 500.0], rel=1e-12)
    assert after["west"] == pytest.approx(1000.0, rel=1e-12)
    # The loop over the year sees an ideal element that draws on both, before its feeders.
    a, e = plan.arrays, plan.labels.element.index("B1/H1/feeds")
    own = slice(a.feed_ptr[e], a.feed_ptr[e + 1])
    assert [plan.labels.element[i] for i in a.feed[own]] == ["east", "west"]
    assert a.feed_share[own].tolist() == [0.5, 0.5]
    assert not a.element[e].any()
    assert a.port[0] == e
    assert "B1/H1/feeds" not in loaded.site.electrical.elements


def test_two_systems_on_one_feeder_are_the_plan_of_one_feed(built):
    _, one, _ = built(systems(2), feed="both")
    _, two, _ = built(systems(2), feed="{A: both, B: both}")
    assert one.labels.element == two.labels.element
    for x, y in zip(one.arrays, two.arrays, strict=True):
        assert np.array_equal(x, y)


def test_what_stands_by_has_its_no_load_loss_and_no_rating(built):
    links = {"sts": "device: t-sts, count: 3, systems: 3", "ups": "device: t-loss, count: 4, systems: 4, reserve: 1"}
    _, plan, _ = built(links)
    row = plan.arrays.element[plan.labels.element.index("B1/H1/ups")]
    assert row[Elm.RATED] == row[Elm.LIMIT] == 3e6
    assert row[Elm.RATED] * row[Elm.A] == pytest.approx(4 * 10e3)  # four machines idle
    assert row[Elm.B] == 0.02


def test_breakers_carry_80_percent_for_ever_and_all_of_it_where_they_are_rated_so(built, folder):
    for name, share in (("t-breaker", 0.8), ("t-full", 1.0)):
        file = folder / f"library/breakers/{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        made = entry("breaker", rated_kva=500, continuous_share=share, tau_s=9050, instantaneous=10)
        file.write_text(dump(made))
    links = {"rpp": "device: t-ups, count: 4, breaker: t-breaker"}
    loaded, plan, site = built(links)
    n = site.index["B1/H1/rpp"]
    assert site.net.normal[n] == pytest.approx(4 * 500e3 * 0.98 * 0.8)
    assert plan.arrays.element[plan.labels.element.index("B1/H1/rpp"), Elm.LIMIT] == pytest.approx(site.net.normal[n])
    device = loaded.library.get("t-ups")
    assert limits_w(device, loaded.library.get("t-full"), 0.98)[0] == pytest.approx(490e3)
    assert limits_w(device, None, 0.98)[0] == 1e6
    # Twice its rating after a long time at 80 %: 1,026 s (V29), and for ever up to its rating.
    guard = loaded.library.get("t-breaker")
    assert allowed_s(device, guard, 980e3, 0.8 * 490e3, 0.98) == pytest.approx(1026.0, abs=1.0)
    assert allowed_s(device, guard, 490e3, 0.0, 0.98) == np.inf
    # Beyond its own rating nobody says how long the device holds.
    assert np.isnan(allowed_s(device, guard, 1100e3, 0.0, 0.98))


def test_what_nobody_states_is_unknown_and_never_fine(built):
    _, _, site = built(systems(2))
    bus = site.index["B1/H2/bus"]
    assert np.isnan(site.net.normal[bus])
    assert np.isnan(site.net.emergency[site.index["B1/H1/ups-A"]])


def test_mechanical_loads_say_what_keeps_them(built):
    _, _, site = built({"ups": "device: t-ups, count: 2", "top": "device: t-feeder, count: 1, mechanical: true"})
    by = dict(zip(site.name, site.backed_by, strict=True))
    # Pumps of CDUs stand on a UPS by default, fans join above it here, and the plant has nothing.
    assert (by["B1/H1/cdu-01"], by["B1/H1/air"], by["B1/fws"]) == ("ups", "none", "none")
    old = "west: {device: t-transformer, count: 4, fed_from: line"
    sets = (old + "}", old + ", generators: {device: genset-2500kw, count: 2}}")
    _, _, site = built({"ups": "device: t-ups, count: 2, mechanical: true"}, more=sets)
    by = dict(zip(site.name, site.backed_by, strict=True))
    assert (by["B1/H1/air"], by["B1/fws"], by["B1/H2/air"]) == ("ups", "generator", "none")
    own = ("fed_from: west\n", "fed_from: west\n          backed_by: ups\n")
    _, _, site = built({"ups": "device: t-ups, count: 2, mechanical: true"}, more=own)
    assert dict(zip(site.name, site.backed_by, strict=True))["B1/fws"] == "ups"


def test_the_order_in_which_a_site_is_written_changes_nothing(built):
    swapped = (
        "    east: {device: t-transformer, count: 4, fed_from: line}\n"
        "    west: {device: t-transformer, count: 4, fed_from: line}\n",
        "    west: {device: t-transformer, count: 4, fed_from: line}\n"
        "    east: {device: t-transformer, count: 4, fed_from: line}\n",
    )
    one, other = loads(built(systems(4)), 1000.0, "east"), loads(built(systems(4), more=swapped), 1000.0, "east")
    assert one.keys() == other.keys()
    for name, kw in one.items():
        assert kw == pytest.approx(other[name], rel=1e-12)


def test_the_network_of_a_balanced_site_draws_what_its_plan_draws(built):
    made = built({"rpp": "device: t-rpp, count: 12, systems: 2, own: true", **systems(2)}, racks=12)
    _, plan, site = made
    rated = np.repeat(plan.arrays.group[:, Group.RATED], np.diff(plan.arrays.group_rack))
    flows = solve(site.net, site.demand(rated, np.zeros(len(plan.arrays.sec)), np.zeros(len(plan.arrays.fac))))
    assert flows.out[site.index["B1/H1/ups-A"]] + flows.out[site.index["B1/H1/ups-B"]] == pytest.approx(2.4e6)
