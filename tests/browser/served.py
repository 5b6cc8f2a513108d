"""A live page that is served from a thread of the test, and a browser that listens to all it says."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from playwright.sync_api import Browser, Page

from dashboards.app import serve
from telemetry.live.frame import Feed

ALIVE = "document.documentElement.dataset.alive === 'yes'"
START_S = 20.0


@contextmanager
def served(feed: Feed) -> Iterator[str]:
    """The URL of a page of this feed; the server is gone at the end."""
    urls: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(feed,), kwargs={"show": urls.put, "stop": stop}, daemon=True)
    thread.start()
    try:
        yield urls.get(timeout=START_S)
    finally:
        stop.set()
        thread.join(START_S)
        assert not thread.is_alive()


def visited(browser: Browser, url: str, width: int = 1400, height: int = 1000) -> tuple[Page, list[str]]:
    """The page, alive, and all that it asks for, says or stumbles over."""
    heard: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": height})
    page.on("request", lambda request: heard.append(request.url))
    page.on("websocket", lambda socket: heard.append(socket.url))
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto(url)
    page.wait_for_function(ALIVE)
    return page, heard


def at(page: Page) -> np.datetime64:
    """The time that the page shows, UTC."""
    text, zone = page.locator("#when").inner_text().split(" · ")[0].rsplit(" ", 1)
    return np.datetime64(text.replace(" ", "T")) - np.timedelta64(int(float(zone[3:] or 0) * 3600), "s")


def complaints(heard: list[str], url: str) -> list[str]:
    """What was heard that should not have been: errors, warnings, addresses elsewhere."""
    fine = (url, url.replace("http", "ws", 1), "data:", "blob:", "log:", "info:", "debug:")
    return [what for what in heard if not what.startswith(fine)]


__all__ = ["ALIVE", "at", "complaints", "served", "visited"]
