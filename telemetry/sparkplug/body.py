"""Bodies of compressed payloads: unpacked within bounds, once.

A payload whose uuid is ``COMPRESSED`` has another one in its body, by GZIP or DEFLATE as its metric ``algorithm`` says.
Publishers mean zlib's format (RFC 1950) by DEFLATE, few the bare stream (RFC 1951): both are read. Without the metric
the body tells itself.
Source: Eclipse Tahu's payload compression, as its JavaScript and Java clients publish it.
"""

from __future__ import annotations

import zlib

from telemetry import strict
from telemetry.batch import Reason, Reject

COMPRESSED = "SPBV1.0_COMPRESSED"
GZIP_MARK = b"\x1f\x8b"
GZIP, ZLIB, BARE = 31, 15, -15  # window bits of zlib
WAYS = {"GZIP": (GZIP,), "DEFLATE": (ZLIB, BARE), "ZLIB": (ZLIB,)}


def unpack(body: bytes, algorithm: str | None, most: int) -> bytes | Reject:
    """What ``body`` holds, at most ``most`` bytes of it. ``algorithm``: None where the payload says none."""
    named = ("GZIP" if body[:2] == GZIP_MARK else "DEFLATE") if algorithm is None else algorithm.strip().upper()
    if named not in WAYS:
        return strict.refuse(Reason.SYNTAX, f"compressed by {named}, of which only {', '.join(WAYS)} are read")
    fault = ""
    for way in WAYS[named]:
        stream = zlib.decompressobj(way)
        try:
            made = stream.decompress(body, most + 1)
        except zlib.error as error:
            fault = fault or str(error)
            continue
        if len(made) > most:
            return strict.refuse(Reason.SIZE, f"more than {most} bytes in a compressed body of {len(body)}")
        if stream.eof and not stream.unused_data:
            return made
        fault = fault or ("bytes behind its end" if stream.eof else "it is cut off")
    return strict.refuse(Reason.SYNTAX, f"the compressed body: {fault}")


__all__ = ["COMPRESSED", "unpack"]
