"""How a recording of ours lies in an MCAP file: channels by topic, QoS and retain flag, marks apart, index at the end.

Topics come from whoever may publish: a channel is made for each up to ``MOST_CHANNELS``; further ones, long ones and
those that are not UTF-8 share one channel, in whose messages the topic stands. A mark lies in a chunk of its own, which
lists its channel, so that marks are found without reading the messages. Encodings tell our channels from those of
others, never topics: nobody on the broker can write what reads as a mark.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from importlib import metadata

from telemetry.recording.records import (
    CHANNEL,
    CHUNK_INDEX,
    DATA_END,
    FOOTER,
    FOOTER_BODY,
    HEAD,
    HEADER,
    MAGIC,
    METADATA,
    METADATA_INDEX,
    STATISTICS,
    SUMMARY_OFFSET,
    U16,
    U32,
    U64,
    channel,
    pairs,
    record,
    text,
)  # fmt: skip

PROFILE = "halltwin"
ABOUT = "about"
FIRST = "first_sequence"
DIALECT, OPTION = "dialect", "option."  # of the metadata: the dialect, and what the names of its options begin with
PLAIN, SHARED, MARKS = "mqtt", "mqtt-with-topic", "halltwin-mark+json"  # encodings
MARK_CHANNEL, SHARED_CHANNEL, FIRST_CHANNEL = 1, 2, 3
MOST_CHANNELS = 50_000
LONGEST_TOPIC = 1024  # characters; MQTT allows 65,535 bytes
LOGIN = re.compile(r"://[^/@\s]*@")
RETAIN = 0x80  # of the first byte of a shared message; its low bits are the QoS
OWN = {
    MARK_CHANNEL: channel(MARK_CHANNEL, "$halltwin/mark", MARKS, {}),
    SHARED_CHANNEL: channel(SHARED_CHANNEL, "$halltwin/shared", SHARED, {}),
}


def label(text: str) -> str:
    """``text`` with half characters replaced: topics are whatever somebody published."""
    return text.encode("utf-8", "replace").decode()


def without_login(text: str) -> str:
    """``text`` without names and passwords in addresses."""
    return LOGIN.sub("://", text)


def version() -> str:
    """That of halltwin."""
    try:
        return metadata.version("halltwin")
    except metadata.PackageNotFoundError:
        return "not installed"


def beginning(about: Mapping[str, str]) -> tuple[bytes, bytes]:
    """The first bytes of a file, and the index of its metadata record."""
    head = MAGIC + record(HEADER, text(PROFILE) + text(f"halltwin {version()}"))
    made = record(METADATA, text(ABOUT) + pairs(about))
    index = record(METADATA_INDEX, U64.pack(len(head)) + U64.pack(len(made)) + text(ABOUT))
    return head + made, index


def plain_channel(number: int, topic: str, qos: int, retain: bool) -> bytes:
    """The channel of a topic."""
    return channel(number, topic, PLAIN, {"qos": str(qos), "retain": str(int(retain))})


def shared(topic: str, payload: bytes, qos: int, retain: bool) -> bytes:
    """A message of the shared channel: flags, length of the topic, topic, payload."""
    name = topic.encode("utf-8", "surrogatepass")
    return bytes([qos | (RETAIN if retain else 0)]) + U32.pack(len(name)) + name + payload


def unshared(data: bytes) -> tuple[str, bytes, int, bool]:
    """Topic, payload, QoS and retain flag of a message of the shared channel."""
    end = 5 + U32.unpack_from(data, 1)[0]
    flags = data[0]
    return data[5:end].decode("utf-8", "surrogatepass"), data[end:], flags & 3, bool(flags & RETAIN)


def statistics(messages: int, channels: int, chunks: int, first_ns: int, last_ns: int) -> bytes:
    """Counts of a file: messages (marks too), channels, chunks; its first and last log time."""
    counts = U64.pack(messages) + U16.pack(0) + U32.pack(channels) + U32.pack(0) + U32.pack(1) + U32.pack(chunks)
    return record(STATISTICS, counts + U64.pack(first_ns) + U64.pack(last_ns) + U32.pack(0))


def ending(at: int, channels: Iterable[bytes], index: bytes, about_index: bytes, counts: bytes = b"") -> bytes:
    """What stands behind the last chunk, which ends at ``at``: end of the data, summary with its CRC, footer.

    ``index``: that of all chunks, one after the other.
    """
    data_end = record(DATA_END, U32.pack(0))
    start = at + len(data_end)
    groups = [
        (CHANNEL, b"".join(channels)),
        (STATISTICS, counts),
        (CHUNK_INDEX, index),
        (METADATA_INDEX, about_index),
    ]
    summary, offsets = b"", b""
    for opcode, group in groups:
        if group:
            place = bytes([opcode]) + U64.pack(start + len(summary)) + U64.pack(len(group))
            offsets += record(SUMMARY_OFFSET, place)
            summary += group
    footer = HEAD.pack(FOOTER, FOOTER_BODY.size) + U64.pack(start) + U64.pack(start + len(summary))
    crc = zlib.crc32(footer, zlib.crc32(offsets, zlib.crc32(summary)))
    return data_end + summary + offsets + footer + U32.pack(crc) + MAGIC
