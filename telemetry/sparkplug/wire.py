"""One pass over the bytes of a payload: is it one that protobuf takes, and what do its metrics say, as columns.

Compiled where it is first called. Its rules are those of protobuf's own decoder: a varint has at most 10 bytes (5 of a
tag or a length), field numbers begin at 1 (within a group nobody looks), groups are skipped but have to end as they
began, messages and groups nest 100 deep, a known field in another wire type than its own is an unknown field, nothing
reaches beyond its message. A number that stands twice counts as it stood last; of a oneof the last member stands.
Nothing is read or written outside of ``data`` and ``buffer``, whatever the bytes are.

``buffer`` (int64): HEAD words, of which the word of each field number has what the payload says; FIELDS words of the
metric at hand and STACK words, both scratch; then the columns, ``room`` words each. What does not fit is counted only.

Symbols: a span is begin | end << 32, places in ``data``; columns as in `payload.py`.
Valid range: fewer than 2^31 bytes.
Source: protobuf.dev, Encoding; Eclipse Sparkplug specification 3.0.0, section 6.4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.core.jit import apart, fused, inner

# Kinds of messages, numbers in a row, and groups, whose fields nobody knows.
METRIC, METADATA, PROPERTY_SET, PROPERTY_VALUE, PROPERTY_SETS, DATASET, ROW, DATASET_VALUE = range(1, 9)
TEMPLATE, PARAMETER, EXTENSION, PACKED, GROUP = range(9, 14)
LAST_FIELD = 19
INSIDE = np.zeros((GROUP + 1, LAST_FIELD + 1), np.int8)
"""What kind of message a field of a message is; 0 where it is none."""
for _kind, _field, _inside in (
    (METRIC, 8, METADATA),
    (METRIC, 9, PROPERTY_SET),
    (METRIC, 17, DATASET),
    (METRIC, 18, TEMPLATE),
    (METRIC, 19, EXTENSION),
    (PROPERTY_SET, 2, PROPERTY_VALUE),
    (PROPERTY_VALUE, 9, PROPERTY_SET),
    (PROPERTY_VALUE, 10, PROPERTY_SETS),
    (PROPERTY_VALUE, 11, EXTENSION),
    (PROPERTY_SETS, 1, PROPERTY_SET),
    (DATASET, 3, PACKED),
    (DATASET, 4, ROW),
    (ROW, 1, DATASET_VALUE),
    (DATASET_VALUE, 7, EXTENSION),
    (TEMPLATE, 2, METRIC),
    (TEMPLATE, 3, PARAMETER),
    (PARAMETER, 9, EXTENSION),
):
    INSIDE[_kind, _field] = _inside

# The wire type of each field that is kept, by number; 9: none is.
OF_PAYLOAD = np.array((9, 0, 9, 0, 2, 2), np.int64)
OF_METRIC = np.array((9, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 5, 1, 0, 2, 2, 2, 2, 2), np.int64)
METRICS, PROPERTIES, FIRST_VALUE, FIRST_WORDY = 2, 9, 10, 15

DEEPEST = 100
H_TIME, H_SEQ, H_UUID, H_BODY, H_STANDS, H_MARKS, HEAD = 1, 3, 4, 5, 6, 7, 8
FIELDS = LAST_FIELD + 1
STACK_FROM = HEAD + FIELDS
COLUMNS_FROM = STACK_FROM + 2 * (DEEPEST + 1)
STANDS_TIME, STANDS_SEQ, STANDS_UUID, STANDS_BODY = 1 << H_TIME, 1 << H_SEQ, 1 << H_UUID, 1 << H_BODY
C_ALIAS, C_TIME, C_DATATYPE, C_FIELD, C_RAW, C_VALUE, C_FLAGS, C_QUALITY, C_SPAN, C_NAME, C_TEXT = range(11)
COLUMNS = 11
HISTORICAL, TRANSIENT, NULL, ALIASED, NAMED, TIMED, RICH, LOOK = 1, 2, 4, 8, 16, 32, 64, 128
NO_ALIAS, NO_TIME, NO_QUALITY, MAX_QUALITY = (1 << 64) - 1, -(1 << 63), -1, (1 << 31) - 1
BROKEN, LEFT, UNLIKE = -1, -1, -2
QUALITY = np.frombuffer(b"\x0a\x07Quality\x12", np.uint8)  # how a property set begins that says nothing else
# Any: to mypy NumPy's integers are no int.
ZERO: Any = np.int64(0)
ONE: Any = np.int64(1)
U0, U7, U7F, U32 = (np.uint64(n) for n in (0, 7, 0x7F, 0xFFFFFFFF))


@fused
def varint(data: Any, pos: Any, end: Any, longest: int) -> Any:
    """The number at ``pos`` and where it ends; BROKEN where it does not before ``end`` or is too long."""
    value, shift = U0, U0
    last = min(end, pos + longest)
    while pos < last:
        byte = np.uint64(data[pos])
        pos += 1
        value |= (byte & U7F) << shift
        if byte < 128:
            return value, pos
        shift += U7
    return value, BROKEN


@fused
def fixed(data: Any, pos: Any, end: Any, size: int) -> Any:
    """The number of ``size`` bytes at ``pos`` and where it ends; BROKEN where it does not before ``end``."""
    value = U0
    if end - pos < size:
        return value, BROKEN
    for n in range(size):
        value |= np.uint64(data[pos + n]) << np.uint64(8 * n)
    return value, pos + size


@fused
def tag_at(data: Any, pos: Any, end: Any) -> Any:
    """Number and wire type of the field at ``pos``, and where they end; BROKEN where they are none of 32 bits."""
    if pos < end and data[pos] < 128:
        return np.int64(data[pos]), pos + 1
    value, pos = varint(data, pos, end, 5)
    return np.int64(value), BROKEN if value > U32 else pos


@fused
def length_at(data: Any, pos: Any, end: Any) -> Any:
    """Where what has its length at ``pos`` begins and ends; BROKEN where it does not before ``end``."""
    value, pos = varint(data, pos, end, 5)
    size = np.int64(value)
    if pos == BROKEN or size > end - pos:
        return BROKEN, BROKEN
    return pos, pos + size


@inner
def packed(data: Any, pos: Any, end: Any) -> Any:
    """``end`` where whole numbers fill what stands before it, else BROKEN."""
    while pos != BROKEN and pos < end:
        _, pos = varint(data, pos, end, 10)
    return pos


@inner
def step_over(data: Any, pos: Any, end: Any, wire: Any) -> Any:
    """Where the value of a field ends that is no group; BROKEN where it does not before ``end``."""
    if wire == 0:
        _, pos = varint(data, pos, end, 10)
        return pos
    if wire == 2:
        _, pos = length_at(data, pos, end)
        return pos
    size = 8 if wire == 1 else 4 if wire == 5 else 0
    return pos + size if 0 < size <= end - pos else BROKEN


@inner
def next_field(data: Any, pos: Any, end: Any, here: Any) -> Any:
    """Go on by a field in the message or group ``here``: where to, and if it holds a message or group its end and kind.

    The kind is 0 where the field is behind, LEFT where there is none any more; the place is BROKEN where it is none.
    """
    in_group = here & 255 == GROUP
    if pos == end and not in_group:
        return pos, end, LEFT
    tag, pos = tag_at(data, pos, end)
    number, wire = tag >> 3, tag & 7
    if pos == BROKEN or (number == 0 and not in_group):
        return BROKEN, end, 0
    if wire == 4:
        return pos if in_group and number == here >> 8 else BROKEN, end, LEFT
    if wire == 3:
        return pos, end, GROUP | number << 8
    inside = np.int64(INSIDE[here & 255, number]) if wire == 2 and number <= LAST_FIELD else ZERO
    if inside == 0:
        return step_over(data, pos, end, wire), end, 0
    pos, stop = length_at(data, pos, end)
    if inside == PACKED:
        return packed(data, pos, stop), end, 0
    return pos, stop, inside


@inner
def check(data: Any, pos: Any, end: Any, here: Any, around: int, buffer: Any) -> Any:
    """Where a message ends that fills ``pos`` to ``end``, or a group; BROKEN if it is none.

    ``here``: kind of the message; of a group its field number in the bits from 8 on. ``around``: how many messages and
    groups it is in.
    """
    depth = around + 1
    while depth > around:
        buffer[STACK_FROM + 2 * depth] = end
        buffer[STACK_FROM + 2 * depth + 1] = here
        pos, stop, inside = next_field(data, pos, end, here)
        if pos == BROKEN or (inside > 0 and depth == DEEPEST):
            return BROKEN
        if inside == LEFT:
            depth -= 1
            end, here = buffer[STACK_FROM + 2 * depth], buffer[STACK_FROM + 2 * depth + 1]
        elif inside > 0:
            depth += 1
            end, here = stop, inside
    return pos


@inner
def skip(data: Any, pos: Any, end: Any, tag: Any, around: int, buffer: Any) -> Any:
    """Where the value of an unknown field ends; BROKEN where it does not before ``end``."""
    if tag & 7 == 3:
        return check(data, pos, end, GROUP | tag >> 3 << 8, around, buffer)
    return step_over(data, pos, end, tag & 7)


@inner
def plain_quality(data: Any, pos: Any, end: Any) -> Any:
    """Quality where a property set says nothing else in the usual order, else UNLIKE (and nothing is said of it)."""
    if end - pos < len(QUALITY) + 1:
        return UNLIKE
    for n in range(len(QUALITY)):
        if data[pos + n] != QUALITY[n]:
            return UNLIKE
    pos, stop = length_at(data, pos + len(QUALITY), end)
    quality = NO_QUALITY * ONE
    if pos == BROKEN or stop != end:
        return UNLIKE
    while pos < end:
        tag = data[pos]
        value, pos = varint(data, pos + 1, end, 10)
        if pos == BROKEN:
            return UNLIKE
        if tag == 8:  # type
            continue
        if tag == 24:  # int_value
            value &= U32
        elif tag != 32:  # long_value
            return UNLIKE
        quality = np.int64(min(value, np.uint64(MAX_QUALITY)))
    return quality


@inner
def piece(data: Any, pos: Any, end: Any, number: Any, buffer: Any) -> Any:
    """Span of a text or a message in a metric and where it ends; BROKEN where it is none. Of properties the quality."""
    pos, stop = length_at(data, pos, end)
    if pos == BROKEN:
        return U0, BROKEN
    value = np.uint64(pos | stop << 32)
    if number == PROPERTIES:
        quality = plain_quality(data, pos, stop)
        if quality != UNLIKE:
            return np.uint64(quality), stop
        value = np.uint64(UNLIKE)
    inside = np.int64(INSIDE[METRIC, number])
    return value, stop if inside == 0 else check(data, pos, stop, inside, 1, buffer)


@inner
def walk_metric(data: Any, pos: Any, end: Any, buffer: Any) -> Any:
    """Check a metric; which fields stood, as bits, and which value field stood last. BROKEN where it is none.

    The value of each stands in ``buffer``.
    """
    stood, field = ZERO, ZERO
    while pos < end:
        tag, pos = tag_at(data, pos, end)
        if pos == BROKEN or tag < 8:
            return BROKEN, field
        number, wire = tag >> 3, tag & 7
        if number > LAST_FIELD or OF_METRIC[number] != wire:
            pos = skip(data, pos, end, tag, 1, buffer)
            if pos == BROKEN:
                return BROKEN, field
            continue
        if wire == 0:
            value, pos = varint(data, pos, end, 10)
        elif wire == 2:
            value, pos = piece(data, pos, end, number, buffer)
        else:
            value, pos = fixed(data, pos, end, 8 if wire == 1 else 4)
        if pos == BROKEN:
            return BROKEN, field
        if number == PROPERTIES and stood >> PROPERTIES & 1:
            value = np.uint64(UNLIKE)  # the sets are one
        buffer[HEAD + number] = np.int64(value)
        stood |= ONE << number
        field = number if number >= FIRST_VALUE else field
    return stood, field


@inner
def marks_of(stood: Any, field: Any, buffer: Any) -> Any:
    """What a metric says in bits."""
    marks = ALIASED * (stood >> 2 & 1) | NAMED * (stood >> 1 & 1) | TIMED * (stood >> 3 & 1) | RICH * (stood >> 8 & 1)
    for n in range(3):
        if stood >> (5 + n) & 1 and buffer[HEAD + 5 + n] != 0:
            marks |= ONE << n
    if field >= FIRST_WORDY:
        marks |= RICH
    if stood >> PROPERTIES & 1 and buffer[HEAD + PROPERTIES] == UNLIKE:
        marks |= LOOK
    return marks


@inner
def write_row(stood: Any, field: Any, marks: Any, span: Any, buffer: Any, at: Any, room: Any) -> None:
    """Write the row of a metric, from ``at`` on in steps of ``room``; its time where it has its own."""
    raw = np.uint64(buffer[HEAD + field]) if 0 < field < FIRST_WORDY else U0
    if field == 10:
        raw &= U32
    elif field == 14:
        raw = np.uint64(raw != 0)
    datatype = buffer[HEAD + 4] & 0xFFFFFFFF if stood >> 4 & 1 else ZERO
    value = np.nan if marks & NULL else number_of(datatype, field, raw)
    quality = NO_QUALITY if marks & LOOK or not stood >> PROPERTIES & 1 else buffer[HEAD + PROPERTIES]
    buffer[at + C_ALIAS * room] = buffer[HEAD + 2] if marks & ALIASED else -1
    buffer[at + C_TIME * room] = buffer[HEAD + 3]
    buffer[at + C_DATATYPE * room] = datatype
    buffer[at + C_FIELD * room] = field
    buffer[at + C_RAW * room] = np.int64(raw)
    buffer[at + C_VALUE * room] = np.float64(value).view(np.int64)
    buffer[at + C_FLAGS * room] = marks
    buffer[at + C_QUALITY * room] = quality
    buffer[at + C_SPAN * room] = span
    buffer[at + C_NAME * room] = buffer[HEAD + 1] if marks & NAMED else 0
    buffer[at + C_TEXT * room] = buffer[HEAD + field] if field >= FIRST_WORDY else 0


@apart
def walk(data: Any, buffer: Any, room: int) -> Any:
    """Walk over a payload; how many metrics it has, BROKEN where it is none."""
    pos, end, count, stands, seen = ZERO, len(data), 0, ZERO, ZERO
    while pos < end:
        tag, pos = tag_at(data, pos, end)
        if pos == BROKEN or tag < 8:
            return BROKEN
        number, wire = tag >> 3, tag & 7
        if number == METRICS and wire == 2:
            pos, stop = length_at(data, pos, end)
            stood, field = walk_metric(data, pos, stop, buffer) if pos != BROKEN else (BROKEN * ONE, ZERO)
            if stood == BROKEN:
                return BROKEN
            marks = marks_of(stood, field, buffer)
            seen |= marks
            if count < room:
                write_row(stood, field, marks, pos | stop << 32, buffer, COLUMNS_FROM + count, room)
            count += 1
            pos = stop
        elif number > H_BODY or OF_PAYLOAD[number] != wire:
            pos = skip(data, pos, end, tag, 0, buffer)
        elif wire == 0:
            value, pos = varint(data, pos, end, 10)
            buffer[number] = np.int64(value)
            stands |= ONE << number
        else:
            pos, stop = length_at(data, pos, end)
            buffer[number] = pos | stop << 32
            stands |= ONE << number
            pos = stop
        if pos == BROKEN:
            return BROKEN
    buffer[H_STANDS], buffer[H_MARKS] = stands, seen
    fill_times(buffer, min(count, room), room)
    return count


@inner
def fill_times(buffer: Any, count: Any, room: Any) -> None:
    """Give the time of the payload to metrics that have none."""
    time = buffer[H_TIME] if buffer[H_STANDS] & STANDS_TIME else NO_TIME
    for n in range(COLUMNS_FROM, COLUMNS_FROM + count):
        if not buffer[n + C_FLAGS * room] & TIMED:
            buffer[n + C_TIME * room] = time


@inner
def signed(raw: Any, width: Any) -> Any:
    """``raw`` as a signed integer of ``width`` bits, sign-extended to 32 or 64 or not; NaN where it is none."""
    number = np.int64(raw)
    if width == 64:
        return np.float64(number)
    half = ONE << (width - 1)
    if number >= 0 and number >> width == 0:
        return np.float64(number - 2 * half if number >= half else number)
    if number >= 0:
        number -= ONE << 32
    return np.float64(number) if -half <= number < 0 else np.nan


@inner
def number_of(datatype: Any, field: Any, raw: Any) -> Any:
    """The number that the bits of a value field are; NaN where they are none of the type."""
    if field == 12:
        return np.float64(np.uint32(raw).view(np.float32))
    if field == 13:
        return np.uint64(raw).view(np.float64)
    if field == 0 or field >= FIRST_WORDY:
        return np.nan
    if 1 <= datatype <= 4 and field != 14:
        return signed(raw, 4 << datatype)
    bits = 64  # unknown, UInt64, DateTime
    if 5 <= datatype <= 7:
        bits = 4 << (datatype - 4)
    elif datatype == 11:
        bits = 1
    elif datatype > 8 and datatype != 13:
        bits = 0
    return np.float64(raw) if field == 14 or (bits > 0 and (bits == 64 or raw >> np.uint64(bits) == 0)) else np.nan


@apart
def numbers(datatypes: Any, field: Any, raw: Any, flags: Any, own: Any, out: Any) -> None:
    """The numbers of metrics by their ``own`` data types, or those of ``datatypes`` where they have none."""
    for n in range(len(out)):
        datatype = own[n] if own[n] != 0 else datatypes[n]
        out[n] = np.nan if flags[n] & NULL else number_of(datatype, field[n], raw[n])
