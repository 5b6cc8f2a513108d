"""What is wrong with the inference load of a site is told at its line and column, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.site.conftest import place
from twin.core.errors import InputError, Problem
from twin.engine.identity import files_digest, sourced_figures
from twin.engine.prepare import prepare
from twin.inference.model import Model
from twin.inference.serving import Serving
from twin.inference.steady import steady
from twin.inference.workload import Workload
from twin.site.library import load_library
from twin.site.load import load_site
from twin.site.lower_fleet import lower_fleet
from twin.site.serving_site import idle_tpot, idle_ttft, service_rows
from twin.site.shipped import data_root

LIBRARY = load_library()
SITE = (data_root() / "azure-dgx.yaml").read_text(encoding="utf-8")
SERVE = "serve: {serving: llama2-70b-dgx-h100, halls: [az/five]}"
FIVE = "conversation-5: {workload: azure-conversation, mean_per_s: 5.53}"
PAIR = (
    "prefill: {serving: llama2-70b-dgx-h100-prefill, halls: [az/five]}\n"
    "      decode: {serving: llama2-70b-dgx-h100-decode, halls: [az/forty]}"
)
FORTY = (
    "\n    forty:\n      serve: {serving: llama2-70b-dgx-h100, halls: [az/forty]}\n      mix: {conversation-40: 1}\n"
)
AT = "inference.services.five.serve"
# (old, new), where (in the new text), path, words
ERRORS = [
    ((SERVE, SERVE.replace("h100,", "h10,")), "llama2-70b-dgx-h10,", f"{AT}.serving", 'did you mean "llama2-70b-dgx'),
    ((SERVE, SERVE.replace("llama2-70b-dgx-h100,", "chat,")), "chat,", f"{AT}.serving", "kind workload, expected serv"),
    ((SERVE, SERVE.replace("az/five", "az/fife")), "az/fife", f"{AT}.halls.0", '; did you mean "az/five"?'),
    (
        (SERVE, SERVE.replace("halls: [az/five]", "templates: [fife]")), "fife]", f"{AT}.templates.0",
        'unknown template "fife"; did you mean "five"?',
    ),
    (
        (SERVE, "serve: {serving: llama-3.3-70b-cs3, halls: [az/five]}"), "az/five]", f"{AT}.halls.0",
        'hall az/five has the racks dgx-h100; "llama-3.3-70b-cs3" runs on cs3-x1',
    ),
    (
        (SERVE, SERVE.replace("[az/five]", "[az/five, az/forty]")), "az/forty]}\n      mix: {conversation-40",
        "inference.services.forty.serve.halls.0", "the racks hgx-h100-air of hall az/forty serve five/serve already",
    ),
    (
        (SERVE, SERVE.replace("h100,", "h100-decode,")), "llama2-70b-dgx-h100-decode,", f"{AT}.serving",
        '"serve" expects a configuration of phase colocated',
    ),
    ((SERVE, PAIR.replace("prefill,", "decode,"), FORTY, "\n", *("mix: {conversation-5: 1}",
      "mix: {conversation-5: 1, conversation-40: 1}")),
     "llama2-70b-dgx-h100-decode, halls: [az/five", "inference.services.five.prefill.serving",
     '"prefill" expects a configuration of phase prefill'),
    (("mix: {conversation-5: 1}", "mix: {conversation: 1}"), "conversation: 1",
     "inference.services.five.mix.conversation", 'no demand is called "conversation"; did you mean'),
    (("mix: {conversation-5: 1}", "mix: {conversation-40: 1}"), "conversation-5: {", "inference.demand.conversation-5",
     'nobody serves the class "conversation-5"'),
    ((FIVE, FIVE.replace("azure-c", "azur-c")), "azur-conversation", "inference.demand.conversation-5.workload",
     'no workload "azur-conversation"; did you mean "azure-conversation"?'),
    ((FIVE, FIVE.replace("mean", "shape: servegen-m-lage, mean")), "servegen-m-lage",
     "inference.demand.conversation-5.shape", 'did you mean "servegen-m-large"?'),
    ((FIVE, FIVE.replace("mean_per_s: 5.53", "trace: hour.csv")), "hour.csv", "inference.demand.conversation-5.trace",
     'there is no file "hour.csv" beside'),
    ((FIVE, FIVE.replace("azure-conversation", "hasty")), "hasty", "inference.demand.conversation-5.workload",
     "99 % of its requests are promised the first token within 0.1 s; the best possible, with nobody else served, is"),
    ((SERVE, SERVE.replace("llama2-70b-dgx-h100,", "too-large,")), "too-large,", f"{AT}.serving",
     "the model does not fit"),
    ((SERVE, SERVE.replace("llama2-70b-dgx-h100,", "many,")), "serve: {serving: many", AT,
     "its halls hold 5 systems, a replica takes 8"),
    (("inference:\n", "inference:\n  policy: weights\n"), "policy: weights", "inference",
     "the policy weights needs the weight of every service"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the site and entries of its own: too large, of many systems, promised in haste."""
    serving = LIBRARY.entry("llama2-70b-dgx-h100").text
    chat = LIBRARY.entry("azure-conversation").text
    own = {
        "serving/too-large": serving.replace("memory_gb: {value: 640", "memory_gb: {value: 160"),
        "serving/many": serving.replace("systems_per_replica: 1", "systems_per_replica: 8"),
        "workloads/hasty": chat.replace("value: 2, low: 0.45", "value: 0.1, low: 0.05"),
    }
    for name, text in own.items():
        file = tmp_path / "library" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.fixture
def spoiled(folder: Path) -> Callable[..., list[Problem]]:
    def problems(*changes: str) -> list[Problem]:
        text = SITE
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "site.yaml").write_text(text)
        try:
            return list(load_site(folder / "site.yaml").warnings)
        except InputError as error:
            return error.problems

    return problems


@pytest.mark.parametrize(("changes", "where", "path", "words"), ERRORS)
def test_a_fault_is_told_where_it_stands(folder, spoiled, changes, where, path, words):
    problems = spoiled(*changes)
    found = [p for p in problems if p.path == path and words in p.message]
    assert found, [str(p) for p in problems]
    assert (found[0].line, found[0].col) == place((folder / "site.yaml").read_text(), where)
    assert not found[0].warning


def test_several_faults_are_told_at_once(spoiled):
    problems = spoiled(
        SERVE, SERVE.replace("h100,", "h10,"), FIVE, FIVE.replace("azure-c", "azur-c"),
        "mix: {conversation-40: 1}", "mix: {conversation-40: 1, pictures: 1}",
    )  # fmt: skip
    assert [p.path for p in problems if not p.warning] == [
        "inference.demand.conversation-5.workload", "inference.services.five.serve.serving",
        "inference.services.forty.mix.pictures",
    ]  # fmt: skip


def test_a_model_that_does_not_fit_says_by_how_much(spoiled):
    """140 GB of weights and 448 GB of cache do not go into 0.95 x 160 GB; the entry of 640 GB has room for both."""
    (problem,) = spoiled(SERVE, SERVE.replace("llama2-70b-dgx-h100,", "too-large,"))
    assert "a replica has 152.0 GB" in problem.message
    assert "GB short" in problem.message


def test_a_draw_above_the_rating_of_its_racks_is_a_warning(folder, spoiled):
    text = LIBRARY.entry("llama2-70b-dgx-h100").text.replace("draw: dgx-h100-llm", "draw: b200x8-air-llm")
    (folder / "library" / "serving" / "hot.yaml").write_text(text)
    (problem,) = spoiled(SERVE, SERVE.replace("llama2-70b-dgx-h100,", "hot,"))
    assert problem.warning
    assert "b200x8-air-llm draws up to" in problem.message
    assert "dgx-h100 is rated 10.20 kW" in problem.message


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        ("mean_per_s: 5, fill: 0.5", "expected one of mean_per_s, tasks_per_s and fill"),
        ("shape: flat", "expected one of mean_per_s, tasks_per_s and fill"),
        ("trace: hour.csv, fill: 0.5", "a trace does not go with fill"),
        ("trace: hour.csv, scale: 2, mean_per_s: 5", "one of scale, mean_per_s and tasks_per_s"),
        ("tasks_per_s: 5, mean_per_s: 5", "expected one of mean_per_s, tasks_per_s and fill"),
        ("fill: 0.5, bursts: true", "they need mean_per_s or tasks_per_s"),
        ("trace: hour.csv, bursts: true", "a trace does not go with bursts"),
        ("tasks_per_s: 0", "out of range, expected > 0"),
        ("mean_per_s: 5, repeat: true", "repeat needs a trace"),
        ('trace: hour.csv, starts: "2023-13-01"', "expected a date"),
    ],
)
def test_demand_says_one_thing(spoiled, demand, words):
    problems = spoiled(FIVE, FIVE.replace("mean_per_s: 5.53", demand))
    assert any(words in p.message for p in problems), [str(p) for p in problems]


def test_bursts_need_a_fano_factor_of_one_or_more(folder, spoiled):
    even = (data_root() / "library" / "workloads" / "azure-conversation.yaml").read_text(encoding="utf-8")
    assert "fano:\n  {value: 1.39, low: 1.1, high: 2," in even
    even = even.replace("{value: 1.39, low: 1.1, high: 2,", "{value: 0.5,")
    (folder / "library" / "workloads").mkdir(exist_ok=True)
    (folder / "library" / "workloads" / "even.yaml").write_text(even)
    (problem,) = spoiled(
        FIVE, FIVE.replace("azure-conversation, mean_per_s: 5.53", "even, mean_per_s: 5.53, bursts: true")
    )
    assert "bursts need a Fano factor of 1 or more, even has 0.5" in problem.message
    assert not spoiled(FIVE, FIVE.replace("5.53", "5.53, bursts: true"))


def test_a_pair_of_one_model_is_right(spoiled):
    both = ("mix: {conversation-5: 1}", "mix: {conversation-5: 1, conversation-40: 1}")
    assert spoiled(SERVE, PAIR, FORTY, "\n", *both) == []


def test_a_pair_of_two_models_is_not(spoiled):
    both = ("mix: {conversation-5: 1}", "mix: {conversation-5: 1, conversation-40: 1}")
    other = PAIR.replace("llama2-70b-dgx-h100-decode", "llama-3.3-70b-h100x4")
    assert any("expected one model" in p.message for p in spoiled(SERVE, other, FORTY, "\n", *both))


def test_figures_of_what_serves_are_carried_by_the_site():
    used = load_site("azure-dgx").used
    assert {"llama2-70b-dgx-h100", "llama2-70b", "dgx-h100-llm", "azure-conversation"} <= set(used)
    rows = sourced_figures(load_site("azure-dgx"))
    assert ("azure-conversation", "ttft_slo_s") in {(row["entry"], row["key"]) for row in rows}


def test_a_recorded_rate_is_what_a_class_asks_for(folder):
    """Three rows of 600 s with 2, 6 and 4 requests/s: twice over, from local midnight on, again and again."""
    rows = "t_s,rps\n0,2\n600,6\n1200,4\n"
    (folder / "rate.csv").write_text(rows)
    text = SITE.replace(
        FIVE, FIVE.replace("mean_per_s: 5.53", 'trace: rate.csv, scale: 2, repeat: true, starts: "2024-07-01"')
    )
    (folder / "site.yaml").write_text(text)
    loaded = load_site(folder / "site.yaml")
    assert loaded.paths["inference.demand.conversation-5.trace"] == folder / "rate.csv"
    before = files_digest(loaded.paths)
    made = prepare(loaded, start="2024-07-01T05:00", end="2024-07-01T06:00", step="10min", every="1h")
    start = np.array([made.timeline.start + 600.0 * n for n in range(6)])
    rates = made.demand[0].curve.sample(start, np.append(start[1:], start[-1] + 600.0), made.plan.utc_offset_s)
    assert rates == pytest.approx([4, 12, 8, 4, 12, 8])
    (folder / "rate.csv").write_text(rows.replace("6\n", "7\n"))
    assert files_digest(load_site(folder / "site.yaml").paths) != before


def test_a_recording_that_does_not_reach_is_told_before_the_run(folder):
    (folder / "rate.csv").write_text("t_s,rps\n0,2\n600,6\n")
    (folder / "site.yaml").write_text(SITE.replace(FIVE, FIVE.replace("mean_per_s: 5.53", "trace: rate.csv")))
    with pytest.raises(InputError, match=r"the recorded demand covers 2023-11-16.* repeat it"):
        prepare(folder / "site.yaml", start="2024-07-01", end="2024-07-02")


@pytest.mark.parametrize("site", ["azure-dgx", "prairie-750"])
def test_the_idle_latencies_are_those_of_the_exact_model_without_load(site):
    """``twin.inference.steady`` inverts the whole distribution; here it is read from the quantiles."""
    loaded = load_site(site)
    spec = loaded.site.inference
    assert spec is not None
    for service in spec.services.values():
        if service.serve is None:
            continue
        serving = LIBRARY.get(service.serve.serving, Serving)
        for c in service.mix:
            workload = LIBRARY.get(spec.demand[c].workload, Workload)
            prompts = workload.input_tokens.model_copy(
                update={"values": [(1 - workload.prefix_hit_share.value) * v for v in workload.input_tokens.values]}
            )
            exact = steady(serving, prompts, workload.output_tokens, 0.0)
            at = {0.5: 0, 0.9: 1, 0.99: 2}[workload.slo_percentile]
            model = LIBRARY.get(serving.model, Model)
            assert idle_ttft(serving, serving, model, workload) == pytest.approx(exact.ttft[at], rel=0.08)
            assert idle_tpot(serving) == pytest.approx(exact.tpot[0], rel=0.02)


@pytest.mark.parametrize("site", ["azure-dgx", "prairie-750"])
def test_the_capacity_that_is_shown_is_the_one_that_a_run_finds(site):
    """A run bisects for it over its own kernels."""
    loaded = load_site(site)
    last = max(h.energised_on for b in loaded.site.buildings.values() for h in b.halls.values())
    made = prepare(loaded, start=f"{int(last[:4]) + 1}-01-01", end=f"{int(last[:4]) + 1}-01-01T01:00", step="1h")
    engine = made.engine()
    next(engine.blocks())
    assert engine.fleet is not None
    rows = service_rows(loaded.site, loaded.library)
    assert list(rows) == engine.fleet.plan.service
    found = engine.fleet.flow.capacity
    assert found == pytest.approx([row["requests_s"] for row in rows.values()], rel=0.03)


def test_no_inference_load_is_no_service():
    loaded = load_site("oklahoma-10")
    assert service_rows(loaded.site, loaded.library) == {}
    assert lower_fleet(loaded.site, loaded.library, []) is None
