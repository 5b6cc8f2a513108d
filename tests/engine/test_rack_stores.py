"""Batteries inside racks: who rides how long by the energy in them, and what a site must say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.analysis.fail import Failure, fail, told
from twin.core.errors import InputError
from twin.engine.power_machine import machine_of
from twin.power.machine_gear import HOLD_UP_S
from twin.power.store import Store
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.power_site import power_site
from twin.site.shipped import data_root

AT = "2028-07-11T18:00"
RACKS = data_root() / "library" / "racks"
# No UPS: the racks carry themselves, pumps and fans of the halls stand.
SITE = """\
format: 1
base: oklahoma-10
name: rack-batteries
templates:
  cs3-hall:
    rows:
      r: {{count: 8, groups: [{groups}]}}
    chain:
      ups: {{device: lv-switchgear, count: 3, mechanical: true}}
"""


@pytest.fixture
def site(tmp_path):
    """A writer of sites whose racks hold so many modules each; 0: none."""

    def write(groups: str = "{rack: t-bbu, count: 11}", modules: int = 12, device: str = "bbu-orv3-5500w") -> str:
        folder = tmp_path / "library" / "racks"
        folder.mkdir(parents=True, exist_ok=True)
        text = (RACKS / "cs3-x2.yaml").read_text()
        (folder / "t-bbu.yaml").write_text(f"{text}\nstore: {{device: {device}, count: {modules}}}\n")
        path = tmp_path / "site.yaml"
        path.write_text(SITE.format(groups=groups))
        return str(path)

    return write


def lost(site: str, **how: Any) -> Failure:
    asked: dict[str, Any] = {"at": AT, "lasting_s": 400.0, "load": "full", **how}
    return fail(site, ["grid:outage"], **asked)


def dropped(failure: Failure) -> list[tuple[str, float]]:
    """Blocks of racks that lost their power, and when."""
    return [(row["block"], row["s"]) for row in told(failure)["power"]["dropped"]]


def test_racks_with_batteries_and_no_ups_ride_a_minute(site):
    """A minute without the utility: they are up all the time, though pumps and fans stand."""
    where = site()
    short = lost(where, repair_s=60.0, lasting_s=120.0)
    assert dropped(short) == []
    assert short.residual < 1e-9
    assert short.power is not None
    assert short.power.ledger.residual < 1e-9


def test_batteries_last_their_rated_time_by_rated_per_actual_power(site):
    """240 s at 5.5 kW a module, whatever the racks draw; one load after the other, in closed form."""
    loaded = load_site(site())
    path = power_site(loaded, lower(loaded))
    store = loaded.library.get("bbu-orv3-5500w", Store)
    machine = machine_of(path, loaded)
    rack_w = np.where(np.arange(176) < 88, 46e3, 60e3)
    demand = path.demand(rack_w, np.zeros(len(path.node_of_sec)), np.zeros(len(path.node_of_fac)))
    machine.advance(0.0, 10.0, demand)
    events = machine.utility(10.0, 0.0) + machine.advance(10.0, 600.0, demand)
    empty = {e.node: e.t_s - 10.0 for e in events if e.what == "battery empty"}
    gone = {e.node: e.t_s - 10.0 for e in events if e.what == "dropped"}
    assert len(empty) == 2
    for n, at in empty.items():
        held = path.stores[n]
        assert held is not None
        rated, start = held.units * 5.5e3, store.start_s.value
        assert at == pytest.approx(start + 240.0 * rated / demand[n], rel=1e-3)
        assert at == pytest.approx(start + store.usable_j() * held.units / demand[n], rel=1e-9)
        # What the rack's supplies hold comes on top.
        assert gone[n] == pytest.approx(at + HOLD_UP_S, rel=1e-9)
    assert machine.residual() < 1e-12


def test_without_batteries_the_same_racks_are_dark_at_once(site):
    failure = lost(site("{rack: cs3-x2, count: 11}"), lasting_s=30.0)
    assert {row["trip_s"] for row in failure.groups} == {0.0}
    assert {row["cause"] for row in failure.groups} == {"power"}


def test_racks_with_and_without_batteries_are_loads_of_their_own(site):
    """On one busbar: those with batteries ride, the others are dark."""
    where = site("{rack: t-bbu, count: 6}, {rack: cs3-x2, count: 5}")
    loaded = load_site(where)
    path = power_site(loaded, lower(loaded))
    loads = [n for n, role in enumerate(path.role) if role == "racks"]
    covered = [rack for n in loads for rack in path.racks[n]]
    assert covered == list(range(176))
    assert sum(len(path.racks[n]) for n in loads if path.stores[n] is not None) == 96
    assert {store.units / len(path.racks[n]) for n in loads if (store := path.stores[n]) is not None} == {12.0}
    failure = lost(where, lasting_s=30.0)
    held = {path.name[n] for n in loads if path.stores[n] is not None}
    assert {name for name, _ in dropped(failure)} == {path.name[n] for n in loads} - held
    assert failure.residual < 1e-9


def test_a_store_that_is_none_is_told_in_the_file_of_the_rack(site):
    with pytest.raises(InputError, match=r"t-bbu.yaml:\d+:\d+: store.device: .*bbu-orv3-5500w"):
        load_site(site(device="bbu-orv3-5500"))
    with pytest.raises(InputError, match="store"):
        load_site(site(device="ups-99-eco"))
    with pytest.raises(InputError, match="count"):
        load_site(site(modules=0))


def test_the_library_shows_them(site):
    from typer.testing import CliRunner

    from twin.cli.main import app

    shown = CliRunner().invoke(app, ["library", "show", "t-bbu", "--with", str(Path(site()).parent / "library")])
    assert "bbu-orv3-5500w" in shown.output
