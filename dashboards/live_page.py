"""The live page of one reader: panels in their order, one document of Bokeh, one small pull a second.

Every reader has a session of his own over the one feed that all share. A pull returns at once while the feed's sequence
number stands still; otherwise each panel replaces its named sources (float32, binary) and says its words, of which only
those that changed are sent. What a reader chooses comes back through one property of the page's state, and so does his
page's question whether this server still answers.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import Any

import bokeh
from bokeh.document import Document
from bokeh.models import Model
from bokeh.models.text import PlainText
from jinja2 import Environment, Template

from dashboards.panels import ages, header, heat, key_figures, rack, replay_bar, room, tokens, trend
from dashboards.panels.panel import Build, Panel, Word
from dashboards.view import View
from telemetry.live.frame import Feed, Frame

# The order of the page, each with the part of the frame in which it stands.
ORDER: tuple[tuple[str, Build], ...] = (
    ("top", header.build), ("top", replay_bar.build), ("top", key_figures.build),
    ("main", heat.build), ("main", trend.build), ("side", room.build), ("side", rack.build), ("side", tokens.build),
    ("side", ages.build),
)  # fmt: skip
PULL_MS = 1000
# After a command to a replay, ms: its thread has laid out the new instant by then.
SOON_MS = 250
STATE = "state"


class Session:
    """One reader."""

    def __init__(self, feed: Feed, document: Document, arguments: Mapping[str, Sequence[bytes]]) -> None:
        self._feed, self._sequence = feed, -1
        self._frame: Frame | None = None
        self._said: dict[str, Word] = {}
        self._heard = False
        self._document = document
        self.view = View(feed, changed=self.refresh, say=self._say, later=self._later)
        for what in ("hall", "rack", "metric"):
            for given in arguments.get(what, ())[:1]:
                self.view.choose(what, given.decode("utf-8", "replace"))
        made = [(where, build(self.view)) for where, build in ORDER]
        self.panels: list[tuple[str, Panel]] = [(where, panel) for where, panel in made if panel is not None]
        self._head = next(panel for _, panel in self.panels if isinstance(panel, header.Header))
        # What goes to and fro besides the pictures: words as a text in JSON (Bokeh would look through a table for
        # models, each time and at length), and as tags what the browser asks (what, value, count). It is no model of
        # our own: Bokeh would write its definition into every other page of this process.
        self._state = PlainText(text="{}", name=STATE)
        self._state.on_change("tags", self._asked)
        _furnish(document, self)
        self.pull()

    def pull(self) -> None:
        """Take a new frame where there is one."""
        frame = self._feed.latest()
        if frame is None:
            self._say(self._head.waiting(getattr(self._feed, "waiting", "")))
            return
        if frame.sequence == self._sequence:
            self._say(self._head.silence())
            return
        self._sequence, self._frame = frame.sequence, frame
        self.refresh()

    def refresh(self) -> None:
        """Bring every panel to the last frame and to what the reader has chosen."""
        if self._frame is None:
            return
        words: dict[str, Word] = {f"main@data-{what}": chosen for what, chosen in self.view.chosen.items()}
        for _, panel in self.panels:
            words.update(panel.update(self._frame))
        self._say(words)

    @property
    def state(self) -> PlainText:
        """The model that carries words and choices."""
        return self._state

    def _say(self, words: Mapping[str, Word]) -> None:
        new = {key: word for key, word in words.items() if key not in self._said or self._said[key] != word}
        if new:
            self._said.update(new)
            # Until the browser has said that it holds the document, each change has to carry all that was said.
            self._state.update(text=json.dumps(new if self._heard else self._said))

    def _asked(self, attr: str, old: object, new: Sequence[Any]) -> None:
        del attr, old
        if len(new) < 2:
            return
        what, value = str(new[0]), str(new[1])
        if what == "alive":
            self._heard = True
            self._say({"beat": value})
            return
        transport = getattr(self._feed, "transport", None)
        if transport is not None and transport.do(what, value):
            self._document.add_timeout_callback(self.pull, SOON_MS)
        else:
            self.view.choose(what, value)
            self.refresh()

    def _later(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Work off the document's lock; a reader who has gone meanwhile is let go."""

        def done(result: Future[Any]) -> None:
            found = None if result.exception() else result.result()
            with contextlib.suppress(AttributeError, RuntimeError):  # the document is gone
                self._document.add_next_tick_callback(lambda: then(found))

        _workers().submit(work).add_done_callback(done)


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="live-page")


def _furnish(document: Document, session: Session) -> None:
    t = session.view.topology
    document.title = f"{t.title or t.site}, halltwin"
    document.template = _template()
    document.config.reconnect_session = False
    document.config.notify_connection_status = False
    sections: dict[str, list[str | Model]] = {"top": [], "main": [], "side": []}
    for where, panel in session.panels:
        sections[where] += panel.parts
    models = [part for parts in sections.values() for part in parts if isinstance(part, Model)]
    for model in models:
        document.add_root(model)
    models[0].tags = [session.state]
    document.template_variables.update(
        **sections, page_css=_file("report.css") + _file("live.css"), page_js=_file("report.js") + _file("live.js"),
        bokeh_version=bokeh.__version__,
    )  # fmt: skip


@cache
def _template() -> Template:
    made: Template = Environment(autoescape=False).from_string(_file("live.html"))
    return made


@cache
def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["ORDER", "PULL_MS", "Frame", "Session"]
