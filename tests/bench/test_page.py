"""The live page in small: what a pull costs the server and the wire, without a browser."""

from __future__ import annotations

import time
from dataclasses import replace

from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from bokeh.protocol import Protocol

from dashboards.live_page import Session
from tests.bench.page import FLOOR
from tests.browser.synthetic import Scripted, frame, topology

PULLS = 20
# 2 ms and 200 kB were measured on a free machine; ten readers have 150 ms of a core in a second.
MOST_MS, MOST_KB = 10.0, 250.0


class Wire:
    """Turns changes of a document into messages, as a session of the server does."""

    def __init__(self) -> None:
        self.bytes = 0

    def _document_patched(self, event: DocumentPatchedEvent) -> None:
        message = Protocol().create("PATCH-DOC", [event])
        self.bytes += len(message.content_json) + sum(len(buffer.to_bytes()) for buffer in message.buffers)


def test_a_pull_of_32768_racks_is_cheap_and_none_without_a_frame():
    feed = Scripted(topology(*FLOOR))
    frames = [frame(feed.topology, n) for n in range(3)]
    feed.show(frames[0])
    document, wire = Document(), Wire()
    session = Session(feed, document, {})
    document.callbacks.on_change_dispatch_to(wire)
    best, sent = float("inf"), 0
    for n in range(PULLS):
        feed.show(replace(frames[n % 3], sequence=100 + n))
        wire.bytes, begin = 0, time.process_time()
        session.pull()
        best, sent = min(best, 1e3 * (time.process_time() - begin)), max(sent, wire.bytes)
    assert best < MOST_MS
    assert 4 * len(feed.topology.racks) < sent < 1e3 * MOST_KB
    wire.bytes = 0
    session.pull()
    assert wire.bytes == 0
