"""Losses by `seq` over a channel that loses, repeats and delays: what is counted is what was done."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.sparkplug.sequence import REORDER_NS, Sequence
from tests.telemetry.spb import MS, T0

FATES = ("comes",) * 12 + ("lost", "copied", "delayed", "too late")
STEP_MS = 50


@given(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=900), first=st.integers(0, 255))
@settings(max_examples=80, deadline=None)
def test_every_message_is_counted_for_what_became_of_it(fates, first):
    """Copies come at once, the delayed 0.2 s later, the too late when nobody waits any more: those are lost copies."""
    events: list[tuple[int, int, int]] = []
    for number, fate in enumerate(fates):
        stamp = T0 + STEP_MS * (number + 1)
        after = {"delayed": 201, "too late": REORDER_NS // MS + 2001}.get(fate, 0)
        if fate != "lost":
            events.append((stamp + after, number, stamp))
        if fate == "copied":
            events.append((stamp + 1, number, stamp))
    end = T0 + STEP_MS * (len(fates) + 1)
    sequence = Sequence()
    sequence.begin(first, T0, T0 * MS)
    read: list[int] = []
    for at, number, stamp in sorted([*events, (end, len(fates), end)]):
        sequence.expire(at * MS)
        if sequence.take((first + 1 + number) % 256, stamp, at * MS):
            read.append(number)
    sequence.expire(10 * end * MS)
    gone = {number for number, fate in enumerate(fates) if fate in ("lost", "too late")}
    assert sorted(read) == [number for number in range(len(fates) + 1) if number not in gone]
    assert sequence.lost == len(gone)
    assert sequence.copies == fates.count("copied") + fates.count("too late")
    assert sequence.reordered == fates.count("delayed")


@pytest.mark.parametrize("seq", [None, 0, 255])
def test_without_a_birth_or_a_number_nothing_is_missed(seq):
    sequence = Sequence()
    assert sequence.take(seq, None, T0 * MS)
    assert (sequence.lost, sequence.missing, sequence.copies) == (0, {}, 0)
