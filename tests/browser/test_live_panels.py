"""Panels of the live page without a browser: what they say holds still, and says what is the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import Range1d
from bokeh.plotting import figure

from dashboards.panels import key_figures, trend
from dashboards.view import View, apart, degrees, watts
from telemetry.live.board import Board
from telemetry.live.frame import Trend
from tests.browser.synthetic import BASE_NS, Scripted, frame, topology


class Waving(Scripted):
    """A feed whose trend is what the test says."""

    level = 10.0e6
    early_ns = 0

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        at = np.arange(60)
        line = self.level + 0.3e6 * np.sin(at / 5.0)
        return Trend(BASE_NS + at * 1_000_000_000, line, line, self.early_ns)


def test_the_scale_of_a_trend_stays_while_the_lines_are_well_within_it():
    feed = Waving(topology(1, 2, 4))
    lines = trend.build(View(feed))
    drawn = next(part for part in lines.parts if isinstance(part, figure))

    def scale(level: float) -> tuple[float, float]:
        feed.level = level
        lines.update(frame(feed.topology, 1))
        shown = drawn.y_range
        assert isinstance(shown, Range1d)
        assert isinstance(shown.start, float)
        assert isinstance(shown.end, float)
        return shown.start, shown.end

    first = scale(10.0e6)
    assert first[0] < 9.7
    assert first[1] > 10.3
    assert scale(10.03e6) == first
    far = scale(12.0e6)
    assert 10.0 < far[0] < 11.7  # the old lines have no share in it
    assert far[1] > 12.3
    assert scale(0.5e6) != far


def test_a_trend_of_one_instant_says_so(monkeypatch):
    feed = Waving(topology(1, 2, 4))
    monkeypatch.setattr(
        feed, "trend", lambda *asked: Trend(np.array([BASE_NS]), np.array([5e6]), np.array([np.nan])), raising=True
    )
    lines = trend.build(View(feed))
    lines.update(frame(feed.topology, 1))
    assert str(lines.update(frame(feed.topology, 2))["trend-finding"]).endswith("one instant, no line yet")


def test_a_trend_says_until_when_the_model_went_by_itself():
    feed = Waving(topology(1, 2, 4))
    board = Board(feed.topology)
    board.put(replace(frame(feed.topology, 9), early=True))
    board.put(frame(feed.topology, 10))
    feed.early_ns = board.trend("site_power", 0, 60.0).early_ns
    lines = trend.build(View(feed))
    lines.update(frame(feed.topology, 59))
    assert str(lines.update(frame(feed.topology, 59))["trend-finding"]).endswith(
        "the last 59 s; until 11:46:49 not all was heard"
    )
    feed.early_ns = 0
    assert str(lines.update(frame(feed.topology, 59))["trend-finding"]).endswith("the last 59 s")


def test_the_second_line_of_a_card_keeps_its_place_when_its_measurement_is_lost():
    t = topology(1, 2, 4)
    cards = key_figures.build(View(Scripted(t)))
    known = frame(t, 1)
    measured = {**known.measured, "site_it_power": known.simulated["site_it_power"]}
    assert cards.update(known)["it-beside@hidden"] is not None  # never measured: no line
    with_it = cards.update(replace(known, measured=measured))
    assert (with_it["it-beside@hidden"], str(with_it["it-beside"])[:9]) == (None, "simulated")
    lost = cards.update(known)
    assert (lost["it-beside@hidden"], str(lost["it-beside"]).strip("\u200b")) == (None, "")
    assert lost["it-side"] == "simulated"


def test_with_a_few_racks_silent_it_power_and_pue_are_estimated_and_say_so():
    t = topology(1, 2, 1000)
    given = frame(t, 1)
    power, total = given.simulated["rack_power"], float(given.simulated["site_it_power"][0])
    driving = {"rack_power": np.ones(len(power), bool)}
    meter, other = float(given.measured["site_power"][0]), 1.1 * power  # the model is wrong by a tenth

    def cards(silent: int, doubted: int) -> Mapping[str, object]:
        racks, used = other.copy(), driving["rack_power"].copy()
        racks[:silent], racks[silent : silent + doubted] = np.nan, 1e9
        used[: silent + doubted] = False
        measured = {**given.measured, "rack_power": racks}
        return key_figures.build(View(Scripted(t))).update(replace(given, measured=measured, used={"rack_power": used}))

    few = cards(3, 2)
    filled = power[:5].sum() + other[5:].sum()
    assert (few["it-side"], few["it-value"], few["it-value@class"]) == ("estimated", watts(filled), None)
    assert few["it-beside"] == f"simulated {watts(total)}"
    assert few["it-note"] == f"{len(power) - 3:,} of {len(power):,} racks measured"
    assert (few["pue-side"], few["pue-value"]) == ("estimated", f"{meter / filled:.3f}")
    many = cards(len(power) // 50, 0)
    assert (many["it-side"], many["it-value"], many["pue-side"]) == ("simulated", watts(total), "simulated")


@pytest.mark.parametrize(("c", "said"), [(-5.8, "−5.8 °C"), (21.0, "21.0 °C"), (float("nan"), "–")])
def test_a_temperature_has_a_true_minus(c, said):
    assert degrees(c) == said


def test_a_name_from_right_to_left_leaves_the_rest_of_a_sentence_in_its_order():
    assert apart("hall-1") == "hall-1"
    assert apart("قاعة") == "\u2068قاعة\u2069"
