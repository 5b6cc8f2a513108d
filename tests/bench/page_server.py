"""``python -m tests.bench.page_server HALLS ROWS PLACES``: the live page of a made-up campus, until EOF.

A frame a second. The frames are made beforehand: what the process takes is what the page takes.
"""

from __future__ import annotations

import itertools
import sys
import threading
from dataclasses import replace

from dashboards.app import serve
from tests.browser.synthetic import BASE_NS, Scripted, frame, topology

DIFFERENT = 20
FIRST = 600


def main(halls: int, rows: int, places: int) -> None:
    """Serve, and print the URL; ends when stdin is closed."""
    feed = Scripted(topology(halls, rows, places))
    made = [frame(feed.topology, FIRST + n) for n in range(DIFFERENT)]
    stop = threading.Event()

    def show() -> None:
        for sequence in itertools.count(FIRST):
            time_ns = BASE_NS + sequence * 1_000_000_000
            feed.show(replace(made[sequence % DIFFERENT], sequence=sequence, time_ns=time_ns))
            if stop.wait(1.0):
                return

    def end() -> None:
        sys.stdin.read()
        stop.set()

    for work in (show, end):
        threading.Thread(target=work, daemon=True).start()
    serve(feed, show=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
