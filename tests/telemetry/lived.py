"""A live twin over messages, in process and as fast as it goes, with everything that it made of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.batch import Quality
from telemetry.clock import NS, ReplayClock
from telemetry.decode import Decoder, make
from telemetry.live.frame import Frame, Mode
from telemetry.live.session import Session, Wish
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.state.view import View
from tests.telemetry.heard import START_NS


class Lived:
    """A twin that has lived through ``messages`` of ``lasting_s``; its frames, and what it said."""

    def __init__(
        self, messages: Sequence[Message], site: Any, lasting_s: float, *, at: str, mode: Mode = Mode.LIVE,
        out: Path | None = None, every: float = 10.0, begin_ns: int = START_NS,
        decoder: Decoder | None = None,
    ) -> None:  # fmt: skip
        self.frames: list[Frame] = []
        self.said: list[str] = []
        self.begin_ns = begin_ns

        def run(session, stack, stop, watch) -> None:
            clock = ReplayClock(begin_ns, None)
            loop = session.looped(stack, Pipeline(decoder or make("dsx"), clock), watch)
            loop.replay(iter(messages), clock, stop, begin_ns + round(lasting_s * NS))

        wish = Wish(site, at=at, out=out, every=every)
        self.session = Session(wish, begin_ns, mode, self.said.append, run)
        self.session.go(threading.Event(), self.frames.append)

    def at(self, t_s: float) -> Frame:
        """The frame of the step that ends ``t_s`` after the begin."""
        (found,) = [frame for frame in self.frames if frame.time_ns == self.begin_ns + round(t_s * NS)]
        return found

    def over(self, what: str, variable: str, from_s: float = 0.0) -> NDArray[np.float64]:
        """A variable over time: (step, item), ``what`` is simulated, measured or residual."""
        rows = [
            frame.residual(variable) if what == "residual" else getattr(frame, what)[variable]
            for frame in self.frames
            if frame.time_ns > self.begin_ns + from_s * NS
        ]
        return np.array(rows)


def seen(values: list[float], qualities: list[int] | None = None, ages: list[float] | None = None) -> View:
    """A view of points that were heard a second ago."""
    n = len(values)
    quality = np.array(qualities or [int(Quality.GOOD)] * n, np.int8)
    whole, none = np.full(n, START_NS, np.int64), np.zeros(n, bool)
    return View(
        START_NS, np.array(values, float), quality, whole, whole, np.zeros(n, np.int32), np.ones(n, np.int64),
        np.array(ages or [1.0] * n), none, none,
    )  # fmt: skip
