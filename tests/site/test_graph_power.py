"""Systems, units, generators and stores in the graph: what depends on them alone, what has another way."""

from __future__ import annotations

import numpy as np
import pytest

from twin.power.network import solve
from twin.site.graph import is_lost
from twin.site.graph_of import site_graph
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.power_site import power_site


@pytest.fixture(scope="module")
def made():
    loaded = load_site("redundant-4n3")
    plan = lower(loaded)
    return plan, power_site(loaded, plan), site_graph(loaded)


def racks_lost(graph, *names):
    effects = graph.effects([f"element:{name}" for name in names])
    return {key for key, effect in effects.items() if key.startswith("rack:") and "power" in effect.cut}


PAIRS = [
    ("b1/h-4n3/ups-A",), ("b1/h-4n3/ups-A", "b1/h-4n3/ups-C"), ("b1/h-4n3/rpp-A-01", "b1/h-4n3/rpp-B-01"),
    ("b1/h-2n/ups-A", "b1/h-2n/rpp-B-03"), ("b1/h-block/sts-B",), ("b1/h-block/ups-B",),
    ("b1/h-block/ups-B", "b1/h-block/ups-D"), ("bus-a", "bus-b"), ("board",), ("main-1",),
]  # fmt: skip


@pytest.mark.parametrize("lost", PAIRS)
def test_the_trace_and_the_network_lose_the_same_racks(made, lost):
    plan, site, graph = made
    up = np.ones(len(site.name))
    up[[site.index[name] for name in lost]] = 0.0
    racks = np.full(plan.racks, 46e3)
    flows = solve(site.net, site.demand(racks, np.zeros(len(plan.arrays.sec)), np.zeros(len(plan.arrays.fac))), up)
    names = [node.key for node in graph.nodes.values() if node.role == "rack"]
    dark = {names[i] for n, block in enumerate(site.racks) if not flows.alive[n] for i in block}
    # Generators stand beside the boards here and carry nothing in a steady state without them.
    assert racks_lost(graph, *lost) == dark


def test_the_whole_link_holds_its_systems_and_takes_all_racks(made):
    _, _, graph = made
    assert graph.parts["link:b1/h-4n3/ups"] == [f"element:b1/h-4n3/ups-{letter}" for letter in "ABCD"]
    effects = graph.effects(graph.parts["link:b1/h-4n3/ups"])
    assert sum(key.startswith("rack:") and is_lost(f) for key, f in effects.items()) == 72


def test_generators_are_another_way_and_a_store_is_none(made):
    _, _, graph = made
    grid = graph.effects(["grid:grid"])
    assert grid["element:bus-a"].state == "other"
    assert grid["element:bus-a"].others == ("bus-a/generators",)
    store = graph.effects(["element:b1/h-4n3/ups-A"])["store:b1/h-4n3/ups-A/store"]
    assert store.state == "alone"
    assert graph.effects(["store:b1/h-4n3/ups-A/store"]) == {}


def test_rated_power_of_the_racks_is_carried_once(made):
    _, _, graph = made
    for link in ("rpp", "ups", "transformer"):
        parts = graph.parts[f"link:b1/h-4n3/{link}"]
        assert sum(e.kw for key in parts for e in graph.into[key]) == pytest.approx(72 * 46.0, rel=1e-12)
    racks = [key for key in graph.nodes if key.startswith("rack:b1/h-4n3/")]
    for key in racks:
        assert sum(e.share for e in graph.needs(key)["power"]) == pytest.approx(1.0, rel=1e-12)
