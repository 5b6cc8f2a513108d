"""The page of a trace in a real browser: it opens from a file, asks nobody, draws, and fits on a telephone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from dashboards.trace_page import write_trace_page
from twin.forcing.traces.read import summarise

# Models live in nested shadow roots; a canvas is drawn when any of its pixels is not transparent.
PAINTED = """roots => {
  const canvases = e => [...(e.shadowRoot ?? e).querySelectorAll("*")].flatMap(
    c => c.tagName === "CANVAS" ? [c] : c.shadowRoot ? canvases(c) : []);
  const drawn = c => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(v => v > 0);
  return roots.map(root => canvases(root).some(c => c.width > 0 && drawn(c)));
}"""
READY = "document.documentElement.dataset.painted === 'yes'"


def requests(folder: Path) -> Path:
    """An hour of requests without dates."""
    rng = np.random.default_rng(0)
    seconds = np.sort(rng.uniform(0, 3600, 9000))
    rows = [f"{t:.6f},{i},{i % 50}" for t, i in zip(seconds, rng.integers(1, 5000, 9000), strict=True)]
    path = folder / "requests.csv"
    path.write_text("\n".join(["# start: 2024-05-01T06:00:00Z", "arrival_s,input_tokens,output_tokens", *rows]) + "\n")
    return path


def rates(folder: Path) -> Path:
    """Two days of a rate with a gap."""
    path = folder / "rates.csv"
    rows = [f"{600 * i},{0 if 40 <= i < 60 else 5 + i % 9}" for i in range(288)]
    path.write_text("\n".join(["t_s,rps", *rows]) + "\n")
    return path


@pytest.mark.parametrize(("make", "charts"), [(requests, ["rate", "lengths", "bursts"]), (rates, ["rate"])])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_drawn_and_nobody_is_asked(make, charts, width, browser: Browser, tmp_path: Path):
    file = write_trace_page(summarise(make(tmp_path)), tmp_path / "page.html")
    heard: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto(file.as_uri())
    page.wait_for_function(READY)
    assert [what for what in heard if not what.startswith(("file:", "data:", "blob:", "log:", "info:"))] == []
    assert [s.get_attribute("id") for s in page.query_selector_all("section")] == charts
    assert page.eval_on_selector_all("[data-root-id]", PAINTED) == [True] * len(charts)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
