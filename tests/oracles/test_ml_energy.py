"""Power and tokens of GPUs over the batch: printed figures, and all of ML.ENERGY with ``--ml-energy PATH``.

The reader and leaving-one-out are proved on curves made here, of which the answer is known.
"""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles.ml_energy import FEWEST, Configuration, left_out_error, logistic, read, table, tokens_by_step
from tests.oracles.rows import NOT_REDISTRIBUTABLE
from twin.core.tables import Quantiles
from twin.inference.device_draw import DeviceDraw
from twin.inference.serving import Serving
from twin.inference.steady import steady
from twin.site.library import load_library

LIBRARY = load_library()
SOURCE = "ML.ENERGY leaderboard v3, Llama 3.1 70B TP4 on H100"
POWER_FITTED, STEP_FITTED = (8, 64, 256, 1024), (8, 512)
PRINTED_TOKENS = {8: 470.0, 1024: 6827.0}
ENTRY = "llama-3.3-70b-h100x4"
IN, OUT = 200.0, 352.0  # mean tokens of that run


def just(value: float) -> Quantiles:
    return Quantiles(values=[value], source=SOURCE, confidence="measured")


@cache
def tokens_s(batch: float) -> float:
    """Output tokens/s of the shipped entry when ``batch`` requests are always there: the rate at which it fills."""
    low, high, entry = 0.0, 1000.0, LIBRARY.get(ENTRY, Serving)
    for _ in range(60):
        rate = 0.5 * (low + high)
        now = steady(entry, just(IN), just(OUT), rate)
        low, high = (rate, high) if now.served >= 1.0 and now.batch < batch else (low, rate)
    return low * OUT


# ------------------------------------------------------------------------------------------------ printed
def test_i04_tokens_at_a_batch_of_eight(validation_row):
    what = f"{ENTRY}: tok/s at batch 8"
    validation_row("I04", what, PRINTED_TOKENS[8], tokens_s(8.0), rel=0.12, source=SOURCE, basis="fitted")


def test_i04_tokens_at_the_largest_batch(validation_row):
    validation_row(
        "I04", f"{ENTRY}: tok/s at batch 1,024, the one printed batch beside the fit", PRINTED_TOKENS[1024],
        tokens_s(1024.0), rel=0.12, source=SOURCE, basis="predicted",
        gap="the entry's step times end at batch 512; 12 % is asked of the mean over all batches (ML_ENERGY=PATH)",
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ all of it
def dense_70b(found: list[Configuration]) -> Configuration:
    """The configuration of I04."""
    these = [c for c in found if (c.model, c.gpu, c.gpus) == ("meta-llama/Llama-3.1-70B-Instruct", "H100", 4)]
    if len(these) != 1:
        raise ValueError(f"{len(these)} configurations of Llama-3.1-70B-Instruct on 4 H100, expected one")
    return these[0]


def test_i04_over_all_batches(validation_row, not_run, own_data):
    path = own_data("--ml-energy")
    if path is None:
        not_run("I04", "power and tok/s over all 12 batches, ML.ENERGY v3 (ML_ENERGY=PATH)", NOT_REDISTRIBUTABLE)
        return
    one = dense_70b(read(path))
    held = ~np.isin(one.batch, POWER_FITTED)
    got = LIBRARY.get("dgx-h100-llm", DeviceDraw).device_decode_w(one.batch[held], np.ones(held.sum()))
    what = f"dgx-h100-llm: W per GPU, mean error over {held.sum()} batches not fitted"
    error = np.mean(np.abs(got / one.device_w[held] - 1.0))
    validation_row("I04", what, 0.0, error, abs=0.05, source=SOURCE, basis="predicted")
    held = ~np.isin(one.batch, STEP_FITTED)
    rates = np.array([tokens_s(float(b)) for b in one.batch[held]])
    what = f"{ENTRY}: tok/s, mean error over {held.sum()} batches not fitted"
    error = np.mean(np.abs(rates / one.tokens_s[held] - 1.0))
    validation_row("I04", what, 0.0, error, abs=0.12, source=SOURCE, basis="predicted")


FORMS = {"W per GPU, logistic in log2 of the batch": 0.05, "W per GPU, table over the batch": 0.05,
         "tok/s, table of step times": 0.10}  # fmt: skip


def left_out(found: list[Configuration]) -> dict[str, float]:
    """Mean error of each form over the configurations that have enough batches."""
    enough = [c for c in found if c.batch.size >= FEWEST]
    errors = [
        (left_out_error(c.batch, c.device_w, logistic), left_out_error(c.batch, c.device_w, table),
         left_out_error(c.batch, c.tokens_s, tokens_by_step))
        for c in enough
    ]  # fmt: skip
    return dict(zip(FORMS, np.mean(errors, axis=0).tolist(), strict=True))


def test_i05_one_batch_left_out_of_every_configuration(validation_row, not_run, own_data):
    path = own_data("--ml-energy")
    if path is None:
        not_run("I05", "one batch left out of 94 configurations, ML.ENERGY v3 (ML_ENERGY=PATH)", NOT_REDISTRIBUTABLE)
        return
    found = read(path)
    count = sum(c.batch.size >= FEWEST for c in found)
    for form, error in left_out(found).items():
        what = f"{form}: mean error over {count} configurations, one batch left out"
        validation_row("I05", what, 0.0, error, abs=FORMS[form], source="ML.ENERGY leaderboard v3", basis="predicted")


# ------------------------------------------------------------------------------------------------ the reader
BATCHES = (8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


def device_w(batch: float) -> float:
    """A known logistic."""
    return float(400.0 + 200.0 / (1.0 + np.exp(-(np.log2(batch) - 6.0) / 1.2)))


def made(gpus: int = 4, batches: tuple[float, ...] = BATCHES) -> list[dict[str, Any]]:
    """Rows as a task file has them, of step times 10 ms + 0.1 ms a sequence; the order of batches is that of text."""
    rows = [
        {"model_id": "a/dense", "nickname": "dense", "gpu_model": "H100", "num_gpus": gpus, "tensor_parallel": gpus,
         "expert_parallel": 1, "data_parallel": 1, "weight_precision": "bfloat16", "max_num_seqs": int(b),
         "max_num_batched_tokens": None, "avg_power_watts": gpus * device_w(b), "median_itl_ms": 10.0 + 0.1 * b,
         "output_throughput_tokens_per_sec": b / (0.010 + 0.0001 * b)}
        for b in batches
    ]  # fmt: skip
    return sorted(rows, key=lambda row: str(row["max_num_seqs"]))


@pytest.fixture
def leaderboard(tmp_path: Path) -> Path:
    """A folder laid out as ``public/data``: two language layouts, one with few batches, and images."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "models").mkdir()
    images = [{"model_id": "a/image", "gpu_model": "H100", "num_gpus": 1, "batch_size": 4, "avg_power_watts": 650.0}]
    chat = {"task": "chat", "task_display_name": "Chat", "configurations": [*made(), *made(2, (8.0, 16.0))]}
    (tmp_path / "tasks" / "chat.json").write_text(json.dumps(chat))
    (tmp_path / "tasks" / "image.json").write_text(json.dumps({"task": "image", "configurations": images}))
    (tmp_path / "models" / "a__dense__chat.json").write_text("{}")
    return tmp_path


def test_a_folder_of_the_leaderboard_is_read_by_configuration(leaderboard):
    two, four = read(leaderboard)
    assert (two.gpus, four.gpus) == (2, 4)
    assert (four.task, four.model, four.gpu) == ("chat", "a/dense", "H100")
    assert four.batch.tolist() == list(BATCHES)
    assert four.device_w == pytest.approx([device_w(b) for b in BATCHES])
    assert four.tokens_s[0] == pytest.approx(8.0 / 0.0108)


def test_a_file_of_one_model_and_a_csv_say_the_same_as_the_task(leaderboard, tmp_path):
    _, four = read(leaderboard)
    inside = ("tensor_parallel", "expert_parallel", "data_parallel")
    rows = [{k: v for k, v in row.items() if k not in ("model_id", *inside)} for row in made()]
    for row, flat in zip(rows, made(), strict=True):
        row["parallelization"] = {k: flat[k] for k in inside}
    model = tmp_path / "model.json"
    model.write_text(json.dumps({"model_id": "a/dense", "task": "chat", "configurations": rows}))
    flat = tmp_path / "runs.csv"
    with flat.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["task", *made()[0]])
        writer.writeheader()
        writer.writerows({"task": "chat", **row} for row in made())
    for path in (model, flat):
        (one,) = read(path)
        assert (one.task, one.model, one.gpus) == ("chat", "a/dense", 4)
        assert one.batch.tolist() == four.batch.tolist()
        assert one.device_w == pytest.approx(four.device_w)
        assert one.tokens_s == pytest.approx(four.tokens_s)


def test_a_row_without_its_power_is_named(tmp_path):
    rows = made()
    del rows[1]["avg_power_watts"]
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"task": "chat", "configurations": rows}))
    with pytest.raises(ValueError, match=r"chat\.json: row 2: avg_power_watts missing"):
        read(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "index.json").write_text('{"models": {}}')
    with pytest.raises(ValueError, match="expected an object with 'configurations'"):
        read(tmp_path)
    with pytest.raises(ValueError, match=r"no \.json or \.csv"):
        read(tmp_path / "nothing")


def test_leaving_one_out_finds_a_known_law_and_refuses_a_wrong_one(leaderboard):
    """The curve is a logistic and the step time is linear in the batch, so these two are exact; a line is not."""
    found = left_out(read(leaderboard))
    by_logistic, by_table, tokens = found.values()
    assert by_logistic < 1e-3
    assert tokens < 1e-12
    assert 1e-3 < by_table < 0.05
    batch = np.array(BATCHES)

    def proportional(others: Any, values: Any, at: float) -> float:
        """Utilisation x TDP: power follows the batch."""
        return float(values[-1] * at / others[-1])

    watts = np.array([device_w(b) for b in BATCHES])
    assert left_out_error(batch, watts, proportional) > 0.5


def test_the_batch_left_out_is_not_seen():
    """A point far off its neighbours is missed by as much as it is off."""
    values = np.array([100.0, 100.0, 150.0, 100.0, 100.0])
    batch = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    # Left out: 100 from (100, 150): 125 instead of 100, the peak 100 instead of 150, and the same again.
    assert left_out_error(batch, values, table) == pytest.approx((0.25 + 1.0 / 3.0 + 0.25) / 3.0)
