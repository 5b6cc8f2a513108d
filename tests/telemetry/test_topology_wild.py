"""A site from whatever metadata say: it can always be read, and with its overlay it is always a site."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import Any

import pytest

from telemetry.recording.read import open_recording
from telemetry.topology.write import site_from
from tests.telemetry.test_topology import POD, call, cdu, loaded, made, meter, named, rack, recorded, wet
from twin.core.errors import InputError
from twin.site.document import parse
from twin.site.load import load_site

Said = dict[str, Any]
WILD = ["grid", "GRID", "unknown", "feed", "NO", "1e3", "12:30", "a: b #c", "\n- x", "N 0", "N-0", "loop-1", "hall-1"]


def anything(chance: random.Random) -> tuple[list[Said], dict[int, float]]:
    """Metadata of objects of any kind, each of which serves any others, and readings that people have seen."""
    racks = [f"R{n}" for n in range(chance.randint(1, 6))]
    others = [f"N{n}" for n in range(chance.randint(0, 6))] + chance.sample(WILD, chance.randint(0, 3))
    said = [one for id in racks for one in (wet(id) if chance.random() < 0.5 else [rack(id)])]
    values = {n: chance.choice([0.0, 50.0, 130.0, 5e4]) for n in range(len(said)) if chance.random() < 0.5}
    for id in others:
        serves = chance.sample([*racks, *others, "ghost"], chance.randint(0, 4))
        kind = chance.choice(["meter", "meter", "cdu", "CRAH", "Chiller", "CoolingTower", "GenericObject"])
        if kind == "meter":
            said.append(meter(id, *serves))
        elif kind == "cdu":
            said.append(cdu(id, *serves))
        elif kind == "GenericObject":
            water = named(kind, "LiquidTemperature", "C", id, *serves, processArea=["Supply"], isSetpoint=True)
            values[len(said)] = chance.choice([6.0, 18.0, 32.0])
            said.append(water)
        else:
            quantity, area = ("AirTemperature", "Supply") if kind == "CRAH" else ("LiquidTemperature", "Outlet")
            values[len(said)] = chance.choice([-40.0, 0.0, 18.0, 60.0])
            said.append(named(kind, quantity, "C", id, *serves, processArea=[area]))
    return said, values


@pytest.mark.parametrize("seed", range(40))
def test_whatever_serves_what_the_overlay_makes_it_a_site(tmp_path, seed):
    said, values = anything(random.Random(seed))
    site = made(tmp_path, said, values)
    assert not site.found.rejects
    names = loaded(tmp_path, site).site.telemetry.names
    racks = {one["rackLocationId"] for one in said if one["objectType"] == "Rack"}
    assert racks <= set(names.values())


def test_air_does_not_hang_on_water_that_is_told_to_be_warmer(tmp_path):
    """Facility water of 32 degC (ASHRAE W32) cools racks' coolant; their air then has colder water of its own."""
    site = loaded(tmp_path, made(tmp_path, POD, {10: 32.0})).site
    (template,) = site.templates.values()
    loops = site.buildings["b1"].loops
    assert (template.liquid.loop, template.air.loop, template.air.supply_c) == ("loop-1", "chilled", 24.0)
    assert (loops["loop-1"].supply_c, loops["chilled"].supply_c, template.liquid.supply_c) == (32.0, 16.0, 36.0)


def test_a_cdu_that_serves_another_has_one_name(tmp_path):
    site = loaded(tmp_path, made(tmp_path, [*wet("R1"), *wet("R2"), cdu("C1", "C2", "R1"), cdu("C2", "R2")])).site
    assert sorted(site.telemetry.names.values()) == ["C1", "C2", "R1", "R2"]


def test_meters_whose_ways_part_and_meet_again_are_gone_through_once(tmp_path):
    """Else each pair doubles the ways: forty of them would take for ever."""
    pairs = [(f"A{n}", f"B{n}") for n in range(40)]
    said = [rack("R1"), *(meter(id, "R1") for id in pairs[0])]
    said += [meter(id, *below) for below, pair in pairwise(pairs) for id in pair]
    site = made(tmp_path, said)
    assert site.structure.halls[0].feeders == pairs[-1]
    assert len(site.structure.halls[0].racks[0].taps) == 78


def test_an_id_of_thousands_of_digits_is_an_id(tmp_path):
    said = [rack("1" * 5000), rack("R2"), meter("2" * 4400, "1" * 5000, "R2")]
    assert "1" * 5000 in loaded(tmp_path, made(tmp_path, said)).site.telemetry.names.values()


@pytest.mark.parametrize(
    "title", ["bell \a" + " word" * 30, "a" * 200, "#x " * 40 + "#", "x: y " * 40 + "z", "- " * 60 + "-"]
)
def test_whatever_a_title_is_the_site_has_it_as_it_was(tmp_path, title):
    site = site_from(open_recording(recorded(tmp_path, POD)), "unknown", title=title, note=title)
    data = parse(site.text, "x").data
    assert (data["title"], data["note"]) == (title, title)
    assert site.counts()["unknown"] == made(tmp_path, POD).counts()["unknown"]  # its name is no unknown


def test_the_verb_never_replaces_the_recording_and_says_what_cannot_be_written(tmp_path):
    file = recorded(tmp_path, POD)
    before = file.read_bytes()
    replaced = call(file, "--out", file, "--overwrite")
    inside = call(tmp_path, "--out", file, "--overwrite")
    long = call(file, "--out", tmp_path / ("n" * 300), "--title", "\udcff\udcff\udcff")
    assert [result.exit_code for result in (replaced, inside, long)] == [2, 2, 2]
    assert "is a part of the recording, which is never replaced" in replaced.stderr
    assert "is a part of the recording" in inside.stderr
    assert "--title: is not UTF-8 text" in long.stderr
    assert "cannot be written: File name too long" in long.stderr
    assert file.read_bytes() == before


def test_thousands_of_unknowns_are_told_in_seconds(tmp_path):
    """With what is near each of them it would be minutes."""
    loaded(tmp_path, made(tmp_path, POD))
    more = "".join(f"    e{n}: {{device: unknown, count: 1, fed_from: unknown}}\n" for n in range(3000))
    (tmp_path / "more.yaml").write_text(f"format: 1\nbase: over.yaml\nname: more\nelectrical:\n  elements:\n{more}")
    begin = time.process_time()
    with pytest.raises(InputError) as caught:
        load_site(tmp_path / "more.yaml")
    assert len(caught.value.problems) == 6000
    assert time.process_time() - begin < 8.0
