"""Another load for a site: shares, rates, recordings; and the week that is looked at where none is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.engine.demand import class_demands
from twin.engine.peak import WEEK, peak_week
from twin.engine.serve_load import serve_load
from twin.forcing.weather import make_weather, read_weather
from twin.site.load import LoadedSite, load_site

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
)

TASKS = """\
format: 1
base: oklahoma-10
name: tasks
inference:
  demand:
    agents: {workload: agents, tasks_per_s: 0.5}
  services:
    deep: {serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}, mix: {agents: 1}}
"""


@pytest.fixture(scope="module")
def site() -> LoadedSite:
    return load_site("azure-dgx")


def rates(loaded: LoadedSite, hours: int = 3) -> list[tuple[bool, list[float]]]:
    start = np.array([1.72e9 + 3600.0 * h for h in range(hours)])
    return [(d.relative, d.curve.sample(start, start + np.full(hours, 3600.0), 0).tolist())
            for d in class_demands(loaded)]  # fmt: skip


def test_a_share_is_of_what_is_energised_for_every_class(site):
    found = serve_load(site, ["0.8"])
    assert found.trace is None
    for relative, values in rates(found.loaded):
        assert relative
        assert values == pytest.approx([0.8] * 3)
    assert rates(serve_load(site, ["0"]).loaded)[0] == (True, [0.0] * 3)


def test_a_class_may_have_a_rate_or_a_recording_of_its_own(site, tmp_path):
    curve = tmp_path / "rate.csv"
    curve.write_text("t_s,rps\n0,2\n3600,6\n")
    five, forty = rates(serve_load(site, [f"conversation-5={curve}", "conversation-40=12.5"]).loaded)
    assert forty[1] == pytest.approx([12.5] * 3)
    assert (five[0], forty[0]) == (False, False)
    assert sorted(five[1])[0] >= 2.0
    assert sorted(five[1])[-1] <= 6.0
    assert np.mean(five[1][:2]) == pytest.approx(4.0)  # it repeats


def test_a_class_keeps_its_rate_beside_a_share_in_any_order(site):
    orders = [["0.5", "conversation-40=3"], ["conversation-40=3", "0.5"]]
    asked = [rates(serve_load(site, order).loaded) for order in orders]
    assert asked[0] == asked[1]
    assert asked[0] != rates(serve_load(site, ["0.5"]).loaded)


@pytest.mark.parametrize("loads", [["conversation-5=2", "conversation-5=3"], ["0.5", "0.9"]])
def test_a_load_given_twice_is_told(site, loads):
    with pytest.raises(InputError, match="is given twice"):
        serve_load(site, loads)


def test_a_file_of_requests_is_a_trace(site, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text(AZURE)
    found = serve_load(site, [str(path)])
    assert found.trace == path
    assert rates(found.loaded) == rates(site)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ("1.6", "1.6 is out of range, expected a share of what is energised, 0 to 1.5"),
        ("-1", "out of range"),
        ("nan", "out of range"),
        ("conversation=3", 'no class is called "conversation"; did you mean "conversation-5"?'),
        ("conversation-5=many", '"many" is neither a rate in requests/s nor a file'),
        ("conversation-5=-2", "expected requests/s >= 0"),
        ("nowhere.csv", '"nowhere.csv" is neither a share of capacity'),
    ],
)
def test_a_load_that_cannot_be_is_told(site, load, words):
    with pytest.raises(InputError, match="load=") as told:
        serve_load(site, [load, "7"])
    assert words in told.value.problems[0].message
    assert len(told.value.problems) == 2  # all at once


def test_a_rate_curve_is_no_trace_and_a_trace_stands_alone(site, tmp_path: Path):
    curve, trace = tmp_path / "rate.csv", tmp_path / "trace.csv"
    curve.write_text("t_s,rps\n0,2\n3600,6\n")
    trace.write_text(AZURE)
    with pytest.raises(InputError, match="give it to a class, as conversation-5="):
        serve_load(site, [str(curve)])
    with pytest.raises(InputError, match="goes with no other load"):
        serve_load(site, [str(trace), "0.5"])


def test_a_site_that_serves_nothing_has_no_load_to_change():
    with pytest.raises(InputError, match="serves nothing"):
        serve_load(load_site("oklahoma-10"), ["0.5"])


def test_the_week_to_look_at_is_the_warmest_of_equal_ones_and_the_last_of_a_growing_demand(site):
    weather = make_weather(read_weather(site.site.weather.file))
    start, end = (np.datetime64(t.rstrip("Z"), "s") for t in peak_week(site, weather))
    assert (end - start).astype(int) == WEEK
    assert (start - np.timedelta64(5, "h")).astype(object).strftime("%A %H:%M") == "Monday 00:00"
    hours = start.astype(float) + 3600.0 * np.arange(1.0, 169.0)
    year = np.datetime64("2024-01-01", "s").astype(float) + 3600.0 * np.arange(1.0, 8761.0)
    warmest = weather.sample(year, 3600.0).dry_bulb_c.max()
    assert weather.sample(hours, 3600.0).dry_bulb_c.max() == pytest.approx(warmest)
    spec = site.site.inference
    assert spec is not None
    demand = {id: d.model_copy(update={"doubling_years": 1.0}) for id, d in spec.demand.items()}
    grown = site.site.model_copy(update={"inference": spec.model_copy(update={"demand": demand})})
    assert peak_week(replace(site, site=grown), weather)[1] > "2024-12-24"


def test_tasks_are_asked_for_in_requests(tmp_path):
    """Agents make ten sub-requests a task (library): half a task a second is five requests a second."""
    path = tmp_path / "site.yaml"
    path.write_text(TASKS)
    loaded = load_site(path)
    (agents,) = [values for _, values in rates(loaded)]
    assert agents == pytest.approx([5.0] * 3)
    assert rates(serve_load(loaded, ["agents=2"]).loaded)[0] == (False, [2.0] * 3)
