"""The workload library against the recordings that it names."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.forcing.data import make_grids
from tests.forcing.recordings import AZURE, CONVERSATION, SYNTHETIC, recording
from twin.inference.workload import Workload
from twin.site.library import load_library

LIBRARY = load_library()
CLASSES = LIBRARY.ids("workload")


def test_the_classes_of_a_campus_are_there():
    assert CLASSES == [
        "agentic-coding", "agents", "azure-conversation", "chat", "code-completion", "complex-search",
        "enterprise-batch", "image-generation", "image-understanding",
    ]  # fmt: skip


@pytest.mark.parametrize("name", make_grids.grids())
def test_a_grid_of_a_prior_is_what_the_script_makes(name):
    workload = LIBRARY.get(name, Workload)
    assert (tuple(workload.input_tokens.values), tuple(workload.output_tokens.values)) == make_grids.grids()[name]


@pytest.mark.parametrize("name", ["chat", "azure-conversation", "complex-search", "agents"])
def test_a_grid_of_a_recording_is_what_the_script_makes(name):
    for file in (AZURE, CONVERSATION, SYNTHETIC):
        recording(file)
    workload = LIBRARY.get(name, Workload)
    expected = make_grids.recorded_grids()[name]
    assert (tuple(workload.input_tokens.values), tuple(workload.output_tokens.values)) == expected


def test_chat_has_the_mean_and_the_tail_of_the_azure_conversation():
    rows = np.loadtxt(recording(AZURE), delimiter=",", skiprows=1, usecols=(1, 2))
    chat = LIBRARY.get("chat", Workload)
    assert chat.input_tokens.mean() == pytest.approx(rows[:, 0].mean(), rel=1e-4)
    assert chat.output_tokens.mean() == pytest.approx(rows[:, 1].mean(), rel=1e-4)
    assert np.median(chat.input_tokens.values) == pytest.approx(np.median(rows[:, 0]), rel=0.02)


def test_search_has_the_lengths_and_the_hits_of_the_mooncake_conversation():
    rows = [json.loads(line) for line in recording(CONVERSATION).read_text().splitlines()]
    search = LIBRARY.get("complex-search", Workload)
    assert search.input_tokens.mean() == pytest.approx(np.mean([row["input_length"] for row in rows]), rel=1e-4)
    assert search.prefix_hit_share.value == pytest.approx(0.366, abs=5e-4)


def test_the_reasoning_tail_has_the_published_mean_and_p99():
    """ServeGen reason/deepseek-r1: mean 1,527 tokens, p99 12.6k; the last of 32 parts lies around it."""
    grid = make_grids.from_mean(1527, make_grids.SIGMA_R1)
    assert np.mean(grid) == pytest.approx(1527, rel=1e-3)
    draws = np.exp(
        np.log(1527) - make_grids.SIGMA_R1**2 / 2 + make_grids.SIGMA_R1 * np.random.default_rng(0).normal(size=10**6)
    )
    assert np.quantile(draws, 0.99) == pytest.approx(12_600, rel=0.02)
    assert grid[-1] == pytest.approx(np.sort(draws)[-(10**6) // 32 :].mean(), rel=0.02)
