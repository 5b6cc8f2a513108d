"""The live page under names and servers that mean it no good: foreign hosts, scripts in names, a server that hangs."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.browser.served import ALIVE, served, visited
from tests.browser.synthetic import Scripted, frame, topology
from tests.browser.test_live_page import SEEN_MS, left

EVIL = '<img src=x onerror="window.hit = 1">'
WAITS = 600  # for an answer
FINE, REFUSED = " 200 ", " 421 "


def answer(url: str, host: str, path: str = "/healthz", more: str = "") -> str:
    """The first line and more of what is answered to whoever calls the server by this name."""
    where, port = url.removeprefix("http://").rstrip("/").split(":")
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: {host.format(port=port)}\r\n{more.format(port=port)}Connection: close\r\n\r\n"
    )
    with socket.create_connection((where, int(port)), timeout=30) as reader:
        reader.sendall(asked.encode())
        return reader.recv(4096).decode("latin-1")


@pytest.fixture(scope="module")
def named() -> Scripted:
    """A campus whose names carry scripts, run from right to left, or have no end."""
    plain = topology(4, 8, 16)
    halls = (EVIL, "$$\\alpha$$ </script><script>window.hit = 2</script>", "قاعة/1", "北楼 " + 60 * "x")
    racks = tuple(
        f"{halls[h]}/{EVIL if r == 0 else r}/{p + 1:02d}"
        for h, r, p in zip(plain.rack_hall, plain.rack_row, plain.rack_place, strict=True)
    )
    made = Scripted(
        replace(
            plain, site=EVIL, title=f"</title><script>window.hit = 3</script>{EVIL}{500 * 'x'}", halls=halls,
            racks=racks, workloads=("<b>chat</b>", "دردشة", 80 * "x"), rack_kind=(EVIL,) * len(racks),
            hall_power_bindings={-1: EVIL, 0: 90 * "B"}, hall_cooling_bindings={0: EVIL, 1: 30 * "y y "},
        )
    )  # fmt: skip
    made.show(frame(made.topology, 1))
    return made


def test_whoever_calls_the_server_by_a_foreign_name_is_refused():
    feed = Scripted(topology(1, 2, 4))
    feed.show(frame(feed.topology, 1))
    with served(feed) as url:
        for host in ("127.0.0.1:{port}", "LOCALHOST", "[::1]:{port}", "10.1.2.3"):
            assert FINE in answer(url, host), host
        for path in ("/healthz", "/", "/static/js/bokeh.min.js"):
            for host in ("elsewhere.example:{port}", "127.0.0.1.elsewhere.example", ""):
                said = answer(url, host, path)
                assert REFUSED in said, (host, path)
                assert "made-up" not in said
        # A browser that was led here by that name takes both for its own: nothing but the name gives it away.
        upgrade = "Upgrade: websocket\r\nOrigin: http://elsewhere.example:{port}\r\nSec-WebSocket-Version: 13\r\n"
        assert REFUSED in answer(url, "elsewhere.example:{port}", "/ws", upgrade)
        left(url)  # its own may listen


def test_names_are_text_and_push_nothing_off_the_page(browser: Browser, named):
    with served(named) as url:
        page, heard = visited(browser, f"{url}?hall={EVIL}&rack=<script>window.hit=4</script>&metric={EVIL}", 390, 844)
        expect(page.locator("#heat-finding")).to_contain_text("128 racks", timeout=SEEN_MS)
        page.locator("#heat-picture").evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
        box = page.locator("#heat-picture").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 200, box["y"] + 150)
        expect(page.get_by_text(f"{EVIL}/")).to_have_count(1, timeout=SEEN_MS)  # the tip beside the pointer
        page.mouse.click(box["x"] + 200, box["y"] + 150)
        expect(page.locator("#rack-kind")).to_have_text(EVIL, timeout=SEEN_MS)
        page.locator("#heat summary").click()
        expect(page.locator("#heat-table tbody tr")).to_have_count(128, timeout=SEEN_MS)
        assert page.evaluate("[window.hit, document.documentElement.scrollWidth]") == [None, 390]
        assert page.locator("h1").evaluate("e => e.getBoundingClientRect().height") < 80
        assert [what for what in heard if what.startswith("error") or "/x" in what] == []
        page.close()


def test_a_server_that_hangs_is_not_taken_for_alive(browser: Browser):
    feed = Scripted(topology(1, 2, 4))
    hangs: list[bool] = []
    answers: list[str | bytes] = []
    feed.show(frame(feed.topology, 1))

    def between(ours: WebSocketRoute) -> None:
        theirs = ours.connect_to_server()

        def told(said: str | bytes) -> None:
            if not hangs:
                answers.append(said)
                ours.send(said)

        theirs.on_message(told)

    with served(feed) as url:
        page = browser.new_page()
        page.clock.install()
        page.route_web_socket("**/ws", between)
        page.goto(url)
        page.wait_for_function(ALIVE)
        for _ in range(6):
            before = len(answers)
            page.clock.fast_forward(6_000)
            for _ in range(WAITS):
                page.wait_for_timeout(50)
                if len(answers) > before:
                    break
        expect(page.locator("#mode")).to_have_text("● LIVE")
        hangs.append(True)
        page.route("**/healthz", lambda route: route.abort())
        for _ in range(6):
            page.clock.fast_forward(6_000)
        expect(page.locator("#mode")).to_have_text("✕ NO CONNECTION", timeout=SEEN_MS)
        page.close()
