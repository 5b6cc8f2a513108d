"""What a run serves, from a run made by hand: 24 hours, a service of one pool and one of two, two classes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from tests.analysis.test_kpi import made_run
from twin.analysis.kpi import summary
from twin.analysis.period import period_of
from twin.analysis.serving import serving
from twin.analysis.summary_text import render
from twin.core.variables import TABLE
from twin.inference.fleet import Binding

HOURS = 48
POOLS, CLASSES = ["one", "two/prefill", "two/decode"], ["chat", "paint"]
DIMS = {"pool": ("pool",), "stream": ("pool", "workload"), "latency": ("pool", "workload", "percentile")}
SIZE = {"pool": 3, "workload": 2, "percentile": 3}


def served_run() -> xr.Dataset:
    """Chat at pool one (10/s, 100 tokens each) and at two (30/s); pictures at one (2/s, one token each)."""
    ds = made_run()
    for row in TABLE:
        if row.level in DIMS:
            dims = ("time", *DIMS[row.level])
            ds[row.name] = dims, np.full([HOURS if d == "time" else SIZE[d] for d in dims], np.nan)
    ds = ds.assign_coords(
        pool=POOLS, workload=CLASSES, percentile=[50.0, 90.0, 99.0], pool_serving=("pool", ["a", "b", "c"]),
        workload_ttft=("workload", [2.0, 20.0]), workload_tpot=("workload", [0.1, 20.0]),
        workload_share=("workload", [0.99, 0.9]),
    )  # fmt: skip
    ds["pool_power"][:] = [100e3, 20e3, 40e3]
    for name in ("pool_batch", "pool_utilization", "pool_step_time", "pool_binding"):
        ds[name][:] = 0.0
    ds["pool_systems"][:] = [10, 4, 6]
    ds["pool_binding"].attrs = {
        "flag_values": [float(c) for c in Binding],
        "flag_meanings": " ".join(c.name.lower() for c in Binding),
    }
    for pool, name, rate, tokens in (("one", "chat", 10.0, 100.0), ("one", "paint", 2.0, 1.0),
                                     ("two/decode", "chat", 30.0, 100.0)):  # fmt: skip
        at = {"pool": pool, "workload": name}
        ds["pool_offered_rate"].loc[at] = ds["pool_served_rate"].loc[at] = rate
        ds["pool_token_rate"].loc[at] = rate * tokens
        for zero in ("pool_shed_rate", "pool_queue_length", "pool_active_requests", "pool_backlog"):
            ds[zero].loc[at] = 0.0
        ds["pool_ttft"].loc[at], ds["pool_tpot"].loc[at] = [0.2, 0.5, 1.0], [0.02, 0.03, 0.04]
        ds["pool_e2e"].loc[at] = [2.0, 4.0, 9.0]
    return ds


@pytest.fixture
def run() -> xr.Dataset:
    return served_run()


def stream(found, pool="one", name="chat"):
    return next(row for row in found["streams"] if (row["pool"], row["class"]) == (pool, name))


def test_rates_and_energy_add_up_by_service(run):
    found = serving(run, period_of(run))
    assert found is not None
    one, two = found["services"]
    assert (one["tokens_s"], two["tokens_s"]) == (1002.0, 3000.0)
    assert two["power_mean_kw"] == 60.0
    assert two["joule_per_token"] == pytest.approx(20.0)  # 60 kW / 3,000 per s
    assert found["tokens_s"] == 4002.0
    assert found["joule_per_token"] == pytest.approx(160e3 / 4002.0)
    chat, paint = found["classes"]
    assert (chat["offered_s"], chat["tokens_s"]) == (40.0, 4000.0)
    assert paint["tpot_s"] == {"p50": None, "p90": None, "p99": None}  # a picture has no token after token
    assert len(found["streams"]) == 3
    assert stream(found)["ttft_s"]["p99"] == pytest.approx(1.0, rel=1e-5)


def test_what_keeps_its_promises_violates_nothing(run):
    assert not [said for said in summary(run)["violations"] if "promise" in said or "queue" in said]
    assert serving(made_run(), period_of(run)) is None
    assert "serving" not in summary(made_run())


def test_an_hour_that_is_late_is_told_but_breaks_no_promise_of_a_period(run):
    """One hour of 48 in which 2 % are late, in 99 % of the requests: 0.02/48 over the period."""
    run["pool_ttft"].loc[{"pool": "one", "workload": "chat"}][5] = [1.0, 1.5, 2.5]
    row = stream(serving(run, period_of(run)))
    assert row["kept"]
    assert row["broken_hours"] == 1.0
    assert row["promise"]["ttft_worst_at_utc"] == "2027-12-31T06:00Z"


def test_a_broken_promise_is_a_violation_with_place_size_and_hours(run):
    run["pool_tpot"].loc[{"pool": "two/decode", "workload": "chat"}][:] = [0.05, 0.2, 0.4]
    (said,) = [said for said in summary(run)["violations"] if "promise" in said]
    assert said.startswith("The promise to class chat at two/decode is broken: ")
    assert "token after token within 0.1 s, promised to 99 % of them (p99 is 0.4 s), in 48.0 h" in said
    row = stream(serving(run, period_of(run)), "two/decode")
    assert not row["kept"]
    # Between p50 and p90 what is late falls by a factor of 5 over 0.15 s.
    assert row["promise"]["tpot_within"] == pytest.approx(1.0 - 0.5 * 5 ** (-0.05 / 0.15))


def test_refused_requests_are_not_counted_among_the_late_ones(run):
    at = {"pool": "one", "workload": "paint"}
    run["pool_shed_rate"].loc[at][10] = 2.0  # all of them, in the only slow hour
    run["pool_ttft"].loc[at][10] = [1e9, 1e9, 1e9]
    found = summary(run)
    row = stream(found["serving"], name="paint")
    assert (row["kept"], row["broken_hours"]) == (True, 0.0)
    assert row["shed_share"] == pytest.approx(1 / 48)
    assert found["notes"] == ["2.083 % of the requests of class paint at one are refused (0.0417 a second on average)."]


def test_a_queue_that_grows_is_told_and_one_that_drains_is_not(run):
    at = {"pool": "one", "workload": "chat"}
    run["pool_queue_length"].loc[at][:] = 100.0 * np.arange(HOURS)
    (said,) = [said for said in summary(run)["violations"] if "queue" in said]
    assert said == (
        "The queue of class chat at one does not drain: 4,700 requests wait at the end, more than it answers in the "
        "time that is promised."
    )
    run["pool_queue_length"].loc[at][:] = 100.0 * np.arange(HOURS)[::-1]
    assert not [said for said in summary(run)["violations"] if "queue" in said]


def test_a_task_is_the_time_of_its_requests_one_after_the_other(run):
    """Chat: first token 0.2 s, 100 tokens of 0.02 s, so 2.2 s a request and 22 s for ten of them."""
    row = stream(serving(run.assign_coords(workload_turns=("workload", [10.0, 1.0])), period_of(run)))
    assert row["tasks_s"] == 1.0
    assert row["task_s"] == pytest.approx(22.0, rel=1e-5)
    assert "tasks_s" not in stream(serving(run, period_of(run)))


def put_off(run, wait_s):
    """Pictures may be put off by two hours; for three of the 48 they are, and those answered waited ``wait_s``."""
    at = {"pool": "one", "workload": "paint"}
    run = run.assign_coords(workload_defer=("workload", [0.0, 7200.0]))
    run["pool_queue_length"].loc[at][10:13] = 5000.0
    run["pool_ttft"].loc[at][10:13] = [wait_s, wait_s + 1.0, wait_s + 2.0]
    return run


def test_who_is_put_off_within_the_window_keeps_the_promise(run):
    found = summary(put_off(run, 7000.0))
    row = stream(found["serving"], name="paint")
    assert row["kept"]
    assert (row["promise"]["put_off_s"], row["put_off_hours"], row["broken_hours"]) == (7200.0, 3.0, 0.0)
    assert not [said for said in found["violations"] if "promise" in said or "queue" in said]


def test_who_waits_beyond_the_window_does_not(run):
    row = stream(serving(put_off(run, 7300.0), period_of(run)), name="paint")
    assert row["broken_hours"] == 3.0
    # Of those three hours, what is later than two hours and 20 s, on the line through p50 at 7,300 s.
    assert row["promise"]["ttft_within"] == pytest.approx(1.0 - 3 / 48 * 0.5 ** (7220 / 7300), rel=1e-4)
    run["pool_offered_rate"].loc[{"pool": "one", "workload": "paint"}][13:] = 0.0
    run["pool_served_rate"].loc[{"pool": "one", "workload": "paint"}][13:] = 0.0
    late = put_off(run, 7300.0)
    row = stream(serving(late, period_of(late)), name="paint")
    assert not row["kept"]
    (said,) = [said for said in summary(late)["violations"] if "promise" in said]
    assert "within 20 s (2 h more where put off), promised to 90 % of them" in said


def test_late_without_a_queue_is_late_whatever_the_window(run):
    late = put_off(run, 30.0)
    late["pool_queue_length"].loc[{"pool": "one", "workload": "paint"}][:] = 0.0
    row = stream(serving(late, period_of(late)), name="paint")
    assert (row["put_off_hours"], row["broken_hours"]) == (0.0, 3.0)


def test_nobody_answered_while_put_off_is_not_late_but_an_overdue_queue_is_told(run):
    """Nothing of the class is served at the end: its queue is within the window until more wait than came in it."""
    at = {"pool": "one", "workload": "paint"}
    late = run.assign_coords(workload_defer=("workload", [0.0, 7200.0]))
    late["pool_served_rate"].loc[at][40:] = 0.0
    late["pool_ttft"].loc[at][40:] = [1e9, 1e9, 1e9]
    late["pool_queue_length"].loc[at][40:] = np.linspace(0.0, 14_000.0, 8)  # 2/s in two hours: 14,400
    row = stream(serving(late, period_of(late)), name="paint")
    assert row["kept"]
    assert not row["growing"]
    late["pool_queue_length"].loc[at][40:] = np.linspace(0.0, 15_000.0, 8)
    (said,) = [said for said in summary(late)["violations"] if "queue" in said]
    assert said.endswith("15 k requests wait at the end, more than come in the time that they may be put off.")


def test_a_queue_that_is_refused_at_its_window_does_not_grow(run):
    at = {"pool": "one", "workload": "paint"}
    late = put_off(run, 7200.0)
    late["pool_queue_length"].loc[at][:] = np.minimum(14_500.0, 600.0 * np.arange(HOURS))
    assert stream(serving(late, period_of(late)), name="paint")["growing"]
    late["pool_shed_rate"].loc[at][25:] = 0.5
    assert not stream(serving(late, period_of(late)), name="paint")["growing"]


def test_hours_in_which_a_limit_binds_are_named(run):
    run["pool_binding"][3:7, 2] = float(Binding.KV)
    run["pool_binding"][7:9, 2] = float(Binding.DECODE)
    found = serving(run, period_of(run))
    assert found is not None
    assert found["pools"][2]["bound"] == {"kv": 4.0, "decode": 2.0}
    assert found["pools"][0]["bound"] == {}


def test_the_summary_is_plain_json_and_the_text_has_a_line_for_each_class(run):
    found = summary(run)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    text = render(found)
    (line,) = [line for line in text.splitlines() if line.startswith("chat ")]
    assert line.split() == ["chat", "40", "4,000", "0", "-", "p99", "1", "(2)", "0.04", "(0.1)", "kept"]
    assert "Tokens  4,002 a second on average, 40 J a token" in text
    assert all(len(line) <= 140 for line in text.splitlines())
