"""Panels of the live page without a browser: what they say holds still, and says what is the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Range1d
from bokeh.models.annotations import ColorBar
from bokeh.plotting import figure

from dashboards.panels import header, heat, key_figures, rack, trend
from dashboards.panels.panel import Word
from dashboards.view import View, apart, degrees, watts
from telemetry.live.board import Board
from telemetry.live.frame import Mode, Trend
from tests.browser.synthetic import BASE_NS, Scripted, frame, topology


class Waving(Scripted):
    """A feed whose trend is what the test says: of points a second apart, measured above simulated by ``apart``."""

    level, apart = 10.0e6, 0.0
    points, early = 60, 0
    drove: slice = slice(0)

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        at = np.arange(self.points)
        line = self.level + 0.03 * self.level * np.sin(at / 5.0)
        residual = np.full(len(at), self.apart)
        residual[self.drove] = np.nan
        return Trend(BASE_NS + at * 1_000_000_000, line, line + self.apart, residual, at < self.early)


def drawn(feed: Waving, *opened: str) -> tuple[figure, Mapping[str, Word]]:
    """The picture of a feed's trend and the words beside it, with some tables open."""
    view = View(feed)
    view.opened.update(opened)
    lines = trend.build(view)
    lines.update(frame(feed.topology, 59))
    return next(part for part in lines.parts if isinstance(part, figure)), lines.update(frame(feed.topology, 59))


def test_the_scale_of_a_trend_stays_while_the_lines_are_well_within_it():
    feed = Waving(topology(1, 2, 4))
    lines = trend.build(View(feed))
    picture = next(part for part in lines.parts if isinstance(part, figure))

    def scale(level: float) -> tuple[float, float]:
        feed.level = level
        lines.update(frame(feed.topology, 1))
        shown = picture.y_range
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


def test_a_trend_of_one_instant_says_so():
    feed = Waving(topology(1, 2, 4))
    feed.points = 1
    assert str(drawn(feed)[1]["trend-finding"]).endswith("one instant, no line yet")


def test_what_drives_the_model_is_no_residual_in_the_trend():
    feed = Waving(topology(1, 2, 4))
    feed.level, feed.apart, feed.drove = 20e3, 912.0, slice(10, 50)
    _, words = drawn(feed, "trend")
    assert ", +4." in str(words["trend-finding"])
    column = [row[-1] for row in rows_of(words)]
    assert column == 10 * ["+912 W"] + 40 * ["drives the model"] + 10 * ["+912 W"]  # the newest first
    feed.drove = slice(10, 60)
    _, words = drawn(feed)
    assert str(words["trend-finding"]).endswith(" kW, it drives the model; the last 59 s")
    assert "%" not in str(words["trend-finding"])


def rows_of(words: Mapping[str, Word]) -> Sequence[Sequence[str]]:
    rows = words["trend-table#rows"]
    assert isinstance(rows, list)
    return rows


@pytest.mark.parametrize(
    ("w", "said"),
    [(0.0, "0 W"), (-1e-6, "0 W"), (9.94, "9.94 W"), (123.4, "123 W"), (-912.0, "-912 W"), (999.7, "1.00 kW"),
     (9_996.0, "10.0 kW"), (26_700.0, "26.7 kW"), (192e3, "192 kW"), (999_600.0, "1.00 MW"), (66.2e6, "66.20 MW"),
     (482.34e6, "482.3 MW"), (float("nan"), "–")],
)  # fmt: skip
def test_power_is_written_in_the_unit_of_its_size(w, said):
    assert watts(w) == said


def test_the_model_is_not_drawn_until_all_was_heard_once_there_is_enough_besides():
    """At the start it goes by itself: its swings then would set the scale and be taken for the campus."""
    feed = Waving(topology(1, 2, 4))
    board = Board(feed.topology)
    board.put(replace(frame(feed.topology, 9), early=True))
    board.put(frame(feed.topology, 10))
    assert board.trend("site_power", 0, 60.0).early.tolist() == [True, False]

    def simulated(early: int) -> tuple[int, str]:
        feed.early = early
        picture, words = drawn(feed)
        (source,) = (model for model in picture.references() if isinstance(model, ColumnDataSource))
        assert np.isfinite(source.data["measured"]).all()
        return int(np.isfinite(source.data["simulated"]).sum()), str(words["trend-finding"])

    count, said = simulated(10)
    assert (count, said.endswith("the last 59 s; until 11:46:49 not all was heard, and simulated is not drawn")) == (
        50, True
    )  # fmt: skip
    count, said = simulated(41)  # too little of it is left
    assert (count, said.endswith("; until 11:47:20 not all was heard")) == (60, True)
    assert simulated(60)[0] == simulated(0)[0] == 60
    assert simulated(0)[1].endswith("the last 59 s")


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


def test_a_card_says_of_what_drives_the_model_that_it_does_and_compares_nothing():
    t = topology(1, 2, 4)
    given = frame(t, 1)
    measured = {**given.measured, "site_it_power": given.simulated["site_it_power"]}

    def beside(drives: bool) -> list[object]:
        used = {name: np.array([drives]) for name in ("site_it_power", "outdoor_dry_bulb_temperature")}
        words = key_figures.build(View(Scripted(t))).update(replace(given, measured=measured, used=used))
        return [words[f"{card}-beside{what}"] for card in ("it", "outdoor", "meter") for what in ("", "@class")]

    meter = [f"simulated {watts(float(given.simulated['site_power'][0]))}", "sim"]
    assert beside(True) == ["drives the model", None, "drives the model", None, *meter]
    compared = f"simulated {watts(float(given.simulated['site_it_power'][0]))}"
    assert beside(False) == [compared, "sim", "simulated 31.2 °C", "sim", *meter]


def test_a_sum_that_is_not_there_says_how_many_of_its_racks_are():
    feed = Waving(topology(2, 4, 22))
    feed.apart = float("nan")
    power = np.ones(len(feed.topology.racks))
    power[3] = np.nan  # of the first hall
    given = frame(feed.topology, 1)
    given = replace(given, measured={**given.measured, "rack_power": power})

    def said(hall: int | None) -> str:
        lines = trend.build(View(feed, hall=hall))
        lines.update(given)
        return str(lines.update(given)["trend-finding"]).partition(": ")[2]

    assert said(0).startswith("87 of 88 racks measured, so no sum, simulated ")
    assert said(1).startswith("not measured, simulated ")  # all are: the sum comes with the next point
    assert said(None).startswith("not measured, simulated ")
    cards = key_figures.build(View(feed)).update(given)
    assert (cards["it-note"], cards["it-side"]) == ("175 of 176 racks measured, so no sum", "simulated")


@pytest.mark.parametrize(
    ("drive", "lost", "finding"),
    [(8, 0, "8 racks, 8 drive the model: no residual"), (5, 3, "8 racks, 5 drive the model, 3 not known: no residual"),
     (0, 8, "8 racks, none known")],
)  # fmt: skip
def test_racks_without_a_residual_are_told_apart_from_those_that_are_not_known(drive, lost, finding):
    t = topology(1, 2, 4)
    given, at = frame(t, 1), np.arange(8)
    measured = np.where(at < 8 - lost, given.simulated["rack_power"], np.nan)
    view = View(Scripted(t), metric="rack_power:residual")
    told = replace(given, measured={"rack_power": measured}, used={"rack_power": at < drive})
    words = heat.build(view).update(told)
    assert words["heat-finding"] == finding
    assert str(words["heat-hatched"]).startswith("drives the model (no residual), not known" if drive else "not known")
    by_power = heat.build(View(Scripted(t))).update(told)
    assert "drive" not in f"{by_power['heat-finding']}{by_power['heat-hatched']}"


@pytest.mark.parametrize(("share", "marked"), [(0.99, False), (1.009, False), (1.012, True)])
def test_rated_power_is_exceeded_where_a_meter_cannot_have_made_it_up_in_picture_table_and_panel(share, marked):
    t = topology(1, 2, 4)
    given, rated = frame(t, 1), t.rack_rated_w
    measured = np.where(np.arange(8) == 2, share, 0.5) * rated
    view = View(Scripted(t), hall=0, rack=2, opened={"heat"})
    racks = heat.build(view)
    told = replace(given, measured={"rack_power": measured})
    rows = racks.update(told)["heat-table#rows"]
    assert isinstance(rows, list)
    (picture,) = (part for part in racks.parts if isinstance(part, figure))
    marks = next(m for m in picture.references() if isinstance(m, ColumnDataSource) and m.name == "heat-marks")
    panel = rack.build(view).update(told)
    mark = "▲ " if marked else ""
    assert [row[2] for row in rows] == [f"{mark * (n == 2)}{watts(p)}" for n, p in enumerate(measured)]
    assert len(marks.data["x"]) == marked
    assert panel["rack-rated"] == f"{'▲ exceeded by more than 1 %: ' if marked else ''}27.0 kW"
    assert panel["rack-rated@class"] == ("wrong" if marked else None)


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
    assert (few["it-beside"], few["it-beside@class"]) == ("drives the model", None)
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


@pytest.mark.parametrize(("speed", "name"), [(10.0, "REPLAY ×10"), (0.0, "REPLAY, ended")])
def test_a_replay_that_nobody_can_start_again_has_ended(speed, name):
    t = topology()
    told = header.build(View(Board(t))).update(frame(t, 1, Mode.REPLAY, speed=speed))
    assert told["mode-name"] == name


def test_the_scale_of_colours_has_room_for_its_title_from_the_begin():
    """BokehJS keeps the room that it has found first."""
    drawn = heat.build(View(Scripted(topology()))).parts[1]
    assert isinstance(drawn, figure)
    (bar,) = (each for each in drawn.above if isinstance(each, ColorBar))
    assert bar.title
