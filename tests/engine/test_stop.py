"""A request to stop is heard from a person, a supervisor and a terminal that is closed."""

from __future__ import annotations

import signal

import pytest

from twin.engine.stop import stop_request


def gone(words: str) -> None:
    """Tell it to a terminal that is closed."""
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("note", [print, gone])
def test_a_signal_asks_to_stop_whether_or_not_anybody_reads_that(number, note):
    before = signal.getsignal(number)
    with stop_request(note) as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        if number == signal.SIGHUP:
            signal.raise_signal(number)  # kernel and shell both tell
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(number) is before


def test_under_nohup_a_closed_terminal_stops_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_request(print) as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
