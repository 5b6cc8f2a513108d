"""The shipped models and serving configurations: derived again, and in keeping with each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.inference import hardware as hw
from tests.inference.anchors import OFFLINE_405B, SERVER_8B, SERVER_70B, SERVER_405B
from tests.inference.derive_serving import entries, splitwise
from tests.inference.serving_entry import written
from twin.core.params import Figure
from twin.core.tables import Quantiles
from twin.inference.memory import fit, sequences, too_small
from twin.inference.model import Model
from twin.inference.roofline import decode_step, prefill_time
from twin.inference.serving import Serving
from twin.inference.steady import steady
from twin.racks.rack import Rack
from twin.site.library import load_library
from twin.site.shipped import data_root

LIBRARY = load_library()
SERVINGS = LIBRARY.ids(Serving)
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "splitwise" / "perf_model.csv"


def shipped(id: str) -> str:
    return (data_root() / "library" / "serving" / f"{id}.yaml").read_text()


def test_extrapolated_entries_are_what_the_script_writes():
    made = {entry.id: written(entry) for entry in entries(None)}
    assert {id: text for id, text in made.items() if text != shipped(id)} == {}
    measured = {f"llama2-70b-dgx-h100{end}" for end in ("", "-prefill", "-decode")}
    assert set(SERVINGS) == set(made) | measured


@pytest.mark.skipif(not DATA.is_file(), reason="the Splitwise table is not beside this checkout")
def test_measured_entries_are_medians_of_the_splitwise_table():
    made = [entry for entry in entries(splitwise(DATA)) if "dgx-h100" in entry.id]
    assert len(made) == 3
    assert [entry.id for entry in made if written(entry) != shipped(entry.id)] == []


@pytest.mark.parametrize("id", SERVINGS)
def test_an_entry_fits_its_memory_and_its_table_reaches_its_largest_batch(id):
    serving = LIBRARY.get(id, Serving)
    model = LIBRARY.get(serving.model, Model)
    assert too_small(id, model, serving) is None
    assert fit(model, serving) is not None
    for rack in serving.racks:
        assert LIBRARY.get(rack, Rack).systems >= min(serving.systems_per_replica, 1.0)
    if serving.decode_step_s is not None:
        assert serving.decode_step_s.at[0] == 1.0
        assert serving.decode_step_s.at[-1] == pytest.approx(serving.max_batch.value, rel=1e-3)
        assert min(serving.decode_step_s.values) > 0.0


def test_a_model_that_does_not_fit_says_by_how_much():
    small = LIBRARY.get("llama-3.3-70b-cs3", Serving)
    large = LIBRARY.get("llama-3.1-405b", Model)
    assert too_small("x", LIBRARY.get("llama-3.3-70b", Model), small) is None
    text = too_small("llama-3.3-70b-cs3", large, small)
    # 811.7 GB of weights and 79,650 tokens of 516,096 B in 4 x 44 GB x 0.95.
    assert text == (
        '"llama-3.3-70b-cs3" needs 852.8 GB (811.7 of weights), a replica has 167.2 GB: 685.6 GB short; '
        "the weights alone do not fit"
    )
    crowded = small.model_copy(update={"kv_tokens": Figure(value=2e5, source="made up", confidence="estimate")})
    text = too_small("x", LIBRARY.get("llama-3.3-70b", Model), crowded)
    assert text is not None
    assert text.endswith("kv_tokens could be 79651")


def test_sequences_share_the_tokens():
    assert sequences(79_650.0, 8000.0, 384.0) == pytest.approx(79_650.0 / 8192.0)
    assert sequences(1e6, 1000.0, 0.0, 1000.0) == 500.0


def test_the_roofline_has_its_two_ends():
    """A small batch reads the weights, a large one computes: both by hand for Llama 3.3 70B on four H100."""
    model, devices, how = LIBRARY.get("llama-3.3-70b", Model), hw.h100(4).devices, hw.PRIOR
    one, many = decode_step(model, devices, np.array([1.0, 1e5]), 0.0, how)
    layers = 80 * 83e-6
    assert one - layers == pytest.approx(141.1e9 / (4 * 0.83 * 3.35e12), rel=1e-3)
    assert many - layers == pytest.approx(2 * 70.55e9 * 1e5 / (4 * 0.21 * 989e12), rel=1e-3)
    flop = 2 * 70.55e9 * 4096 + 2 * 80 * 8192 * 4096**2
    assert prefill_time(model, devices, np.array([4096.0]), how)[0] == pytest.approx(flop / (0.45 * 4 * 989e12))


@pytest.mark.parametrize("tp", [1, 8])
def test_a_mixture_of_experts_reads_more_of_its_weights_with_the_batch(tp):
    model, devices = LIBRARY.get("gpt-oss-120b", Model), hw.b200(tp).devices
    steps = decode_step(model, devices, np.array([1.0, 16.0, 256.0]), 0.0, hw.PRIOR)
    reads = (steps - 36 * 83e-6) * tp * 0.83 * 8e12
    assert reads[0] == pytest.approx(60e9 * 5.1 / 116.8, rel=5e-3)  # computing adds 0.2 %
    assert reads[2] == pytest.approx(60e9, rel=3e-2)  # and 2.1 %


def even(mean: float, n: int = 32) -> Quantiles:
    """Uniform from 0 to twice the mean."""
    return Quantiles(values=list(2.0 * mean * (np.arange(n) + 0.5) / n), source="made up", confidence="estimate")


def one(mean: float) -> Quantiles:
    return Quantiles(values=[mean], source="made up", confidence="estimate")


@pytest.mark.parametrize(
    ("id", "anchor", "replicas", "tpot"),
    [
        ("llama2-70b-b200", SERVER_70B, 8.0, 0.1219),
        ("llama-3.1-8b-b200", SERVER_8B, 8.0, None),
        ("llama-3.1-405b-b200x8", SERVER_405B, 1.0, 0.1000),
    ],
)
def test_what_was_fitted_is_met(id, anchor, replicas, tpot):
    """The throughput is carried, at the anchor's batch and time per token. A fit, no validation."""
    rate = anchor.tokens_s / anchor.output * replicas
    found = steady(LIBRARY.get(id, Serving), even(anchor.prompt), one(anchor.output), rate, replicas=replicas)
    assert found.served == pytest.approx(1.0, abs=0.01)
    assert found.batch == pytest.approx(anchor.batch, rel=0.06)
    if tpot is not None:
        assert found.tpot[0] == pytest.approx(tpot, rel=0.04)


def test_the_prefill_efficiency_closes_the_offline_run_it_was_fitted_to():
    """GB200, llama3.1-405b Offline: the shipped entry, whose steps rise as on B200, carries it within 15 %."""
    rate = 1.15 * OFFLINE_405B.tokens_s / OFFLINE_405B.output
    found = steady(LIBRARY.get("llama-3.1-405b-gb200", Serving), even(9400.0), one(657.4), rate)
    assert found.served * 1.15 == pytest.approx(1.0, abs=0.15)


def test_nothing_is_faster_than_an_idle_pool():
    """The best possible: no wait, the shortest step."""
    serving = LIBRARY.get("llama2-70b-dgx-h100", Serving)
    idle = steady(serving, even(1000.0), one(200.0), 0.0, replicas=5.0)
    busy = steady(serving, even(1000.0), one(200.0), 8.0, replicas=5.0)
    assert idle.tpot == (0.03056,) * 3
    assert all(a < b for a, b in zip((*idle.ttft, *idle.tpot), (*busy.ttft, *busy.tpot), strict=True))


def test_the_band_of_the_roofline_holds_what_was_measured():
    """ML.ENERGY v3, Llama 3.1 70B TP4 H100, 200 tokens in and 352 out: TPOT at four batches (facts I07)."""
    model, devices = LIBRARY.get("llama-3.3-70b", Model), hw.h100(4).devices
    batch, measured = np.array([8.0, 64.0, 256.0, 512.0]), np.array([0.0166, 0.0224, 0.0398, 0.0739])
    slow, fast = (decode_step(model, devices, batch, 376.0, how) for how in hw.PRIOR.ends())
    assert (fast < measured).all()
    assert (measured < slow).all()
