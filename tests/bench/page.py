"""Case ``page``: the live page of 32,768 racks, a frame a second: browser, ten readers, forty who came and went.

The browser is Chromium without a GPU; a reader who only loads the server is its websocket, drained. Processor time is
what the kernel accounts to the server's process over the span, in share of one core.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.bench.measure import ROOT, Row
from tests.browser.chromium import launched

FLOOR = (64, 16, 32)  # halls, rows, places: 32,768 racks
READERS, VISITS, EARLY = 10, 40, 10
# Thirty readers who were kept would take above 30 MB. They come by tens, each ten after the last was forgotten: thirty
# at once leave an allocator that has grown for thirty (37 MB once, 0.5 MB each time after).
BROWSER_SHARE, SERVER_SHARE, PAINT_S, GROWTH_MB = 25.0, 15.0, 3.0, 8.0
# A reader's state is kept so long after he went (``dashboards.app``), and looked for so often.
FORGOTTEN_S = 9.0
# Some pixel of the picture of racks is drawn, and the words are there.
PAINTED = """() => {
  if (document.documentElement.dataset.alive !== "yes") return false;
  if (document.getElementById("meter-value").textContent === "–") return false;
  const canvases = e => [...(e.shadowRoot ?? e).querySelectorAll("*")].flatMap(
    c => c.tagName === "CANVAS" ? [c] : c.shadowRoot ? canvases(c) : []);
  return canvases(document.getElementById("heat-picture")).some(c => c.width > 0 &&
    c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(v => v > 0));
}"""


@dataclass(frozen=True)
class Server:
    """A page's process."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Memory that it holds, MiB."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024.0


@dataclass(frozen=True)
class Browsed:
    """What a browser found: first paint, s; share of the main thread over the span, %."""

    paint_s: float
    main_thread: float


@contextmanager
def server(floor: tuple[int, int, int] = FLOOR) -> Iterator[Server]:
    """A page in a process of its own."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)])}
    command = [sys.executable, "-m", "tests.bench.page_server", *map(str, floor)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
                          env=env) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdin is not None
        try:
            yield Server(child.stdout.readline().strip(), child.pid)
        finally:
            child.stdin.close()
            child.wait(timeout=20)


def browsed(url: str, seconds: float) -> Browsed:
    """Open the page in Chromium and watch its main thread."""
    with launched() as chromium:
        tab = chromium.new_page(viewport={"width": 1400, "height": 1000})
        begin = time.perf_counter()
        tab.goto(url, wait_until="commit")
        tab.wait_for_function(PAINTED, polling=20)
        paint_s = time.perf_counter() - begin
        tab.wait_for_timeout(2000)
        session = tab.context.new_cdp_session(tab)
        session.send("Performance.enable")

        def task_s() -> float:
            found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
            return float(found["TaskDuration"])

        before, since = task_s(), time.perf_counter()
        tab.wait_for_timeout(1000 * seconds)
        share = 100 * (task_s() - before) / (time.perf_counter() - since)
    return Browsed(paint_s, share)


def token(url: str) -> str:
    """What a page says to its server on the websocket to be known."""
    with urllib.request.urlopen(url, timeout=20) as page:
        found = re.search(r'"token":"([^"]+)"', page.read().decode())
    assert found is not None
    return found[1]


async def reader(url: str) -> WebSocketClientConnection:
    """A reader's websocket, after the page that belongs to it."""
    request = HTTPRequest(f"{url.replace('http', 'ws', 1)}ws", headers={"Origin": url.rstrip("/")})
    return await websocket_connect(request, subprotocols=["bokeh", await asyncio.to_thread(token, url)])


async def watched(url: str, readers: int, seconds: float) -> int:
    """Drain so many readers for a while; the bytes that came."""
    found = [await reader(url) for _ in range(readers)]
    count = 0

    async def drain(connection: WebSocketClientConnection) -> None:
        nonlocal count
        while (message := await connection.read_message()) is not None:
            count += len(message)

    tasks = [asyncio.create_task(drain(connection)) for connection in found]
    await asyncio.sleep(seconds)
    for connection in found:
        connection.close()
    await asyncio.gather(*tasks)
    return count


def visited(url: str, visits: int) -> None:
    """So many readers come and go, one after the other."""
    for _ in range(visits):
        asyncio.run(watched(url, 1, 0.15))


def run(quick: bool, full: bool) -> list[Row]:
    """The four bars of the page."""
    del full
    seconds = 10.0 if quick else 30.0
    racks = f"{FLOOR[0] * FLOOR[1] * FLOOR[2]:,} racks at 1 Hz"
    with server() as page:
        seen = browsed(page.url, seconds)
        time.sleep(FORGOTTEN_S)
        before, since = page.cpu_s(), time.perf_counter()
        got = asyncio.run(watched(page.url, READERS, seconds))
        share = 100 * (page.cpu_s() - before) / (time.perf_counter() - since)
        held_mb = []
        for _ in range(VISITS // EARLY):
            visited(page.url, EARLY)
            time.sleep(FORGOTTEN_S)
            held_mb.append(page.resident_mb())
    return [
        Row("page", f"{racks}, browser's main thread", seen.main_thread, " %", BROWSER_SHARE, True),
        Row("page", f"{racks}, first paint", seen.paint_s, " s", PAINT_S, True),
        Row("page", f"{racks}, server with {READERS} readers, of a core", share, " %", SERVER_SHARE, True,
            f"{got / seconds / 1e3:,.0f} kB/s"),
        Row("page", f"memory after {VISITS} readers less after {EARLY}", held_mb[-1] - held_mb[0], " MB", GROWTH_MB,
            True, f"{held_mb[-1]:.0f} MB"),
    ]  # fmt: skip


__all__ = ["browsed", "run", "server", "token", "visited", "watched"]
