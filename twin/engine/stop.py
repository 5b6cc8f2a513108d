"""A request to stop, from Ctrl-C, SIGTERM or a terminal that is closed (SIGHUP), heard between two blocks of a run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ASKED = (signal.SIGINT, signal.SIGTERM)
CLOSED = tuple(signal.Signals[name] for name in ("SIGHUP",) if hasattr(signal, name))  # not on Windows


@contextmanager
def stop_request(note: Callable[[str], None]) -> Iterator[threading.Event]:
    """An event that the first signal sets; a second SIGINT or SIGTERM interrupts at once.

    A terminal that is closed is heard but where that is ignored (nohup), and may say so twice: kernel and shell.

    Python gives signals to the main thread only: elsewhere the event is never set and signals stay as they were.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def hear(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            if number in ASKED:
                raise KeyboardInterrupt
            return
        asked.set()
        with suppress(OSError):  # of a terminal that is gone
            note("stopping after the present block; once more to stop at once")

    closed = [number for number in CLOSED if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, hear)) for number in (*ASKED, *closed)]
    try:
        yield asked
    finally:
        for number, handler in before:
            signal.signal(number, handler)
