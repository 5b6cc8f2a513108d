"""Mooncake traces: a JSON object a line with ``timestamp`` (ms), ``input_length``, ``output_length``, ``hash_ids``.

``hash_ids`` name the 512-token blocks of the prompt; a block whose id came before (in the order of the file) is a
prefix hit. A request's hit share is that of its blocks. Source: GitHub kvcache-ai/Mooncake; Qin et al., Mooncake,
FAST 2025 (the data: Apache-2.0).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from twin.forcing.stream.chunk import Chunk, Ints, requests
from twin.forcing.stream.lines import Block
from twin.forcing.traces.format import Format, Opened
from twin.forcing.traces.prefix import SeenBlocks

TIME, INPUT, OUTPUT, HASHES = COLUMNS = ("timestamp", "input_length", "output_length", "hash_ids")
MILLI = 10**6
LARGEST = 1 << 52
JSON_BLOCK = 1 << 20  # a parsed block takes some ten times its text


def read(file: Opened) -> Iterator[Chunk]:
    """The requests of the file."""
    seen = SeenBlocks()
    file.block = min(file.block, JSON_BLOCK)
    for block in file.blocks():
        lines, rows = _rows(block, file)
        if not rows:
            continue
        counts = np.fromiter((len(row[HASHES]) for row in rows), np.int64, len(rows))
        ids = np.fromiter(chain.from_iterable(row[HASHES] for row in rows), np.int64, int(counts.sum()))
        before = np.concatenate(([0], np.cumsum(seen.note(ids))))
        last = np.cumsum(counts)
        hits = before[last] - before[last - counts]
        time_ns = np.array([round(row[TIME] * MILLI) for row in rows], np.int64)
        into, out = (np.array([row[key] for row in rows], np.int64) for key in (INPUT, OUTPUT))
        share = np.divide(hits, counts, out=np.zeros(len(rows)), where=counts > 0)
        yield requests(lines, time_ns, into, out, hit_share=share, blocks=counts, key=_keys(ids, last - counts, last))


def _rows(block: Block, file: Opened) -> tuple[Ints, list[dict[str, Any]]]:
    """The objects of a block that are whole and right, and their lines; what is wrong is noted."""
    lines, rows = [], []
    texts = block.data.split(b"\n")[:-1]
    for number, text in enumerate(texts, block.first_line):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            last = block.unfinished and number == block.first_line + len(texts) - 1
            more = ": is the file truncated?" if last else ""
            file.faults.add(f"expected a JSON object{more}", number)
            continue
        wrong = _wrong(row)
        if wrong is None:
            lines.append(number)
            rows.append(row)
        else:
            file.faults.add(wrong[1], number, path=wrong[0])
    return np.array(lines, np.int64), rows


def _wrong(row: Any) -> tuple[str, str] | None:
    """Key and message of the first thing wrong with an object."""
    if not isinstance(row, dict):
        return "", "expected a JSON object"
    for key in COLUMNS:
        if key not in row:
            return key, f'the object has no key "{key}"'
    time = row[TIME]
    if type(time) not in (int, float) or not abs(time) < LARGEST / 10**3:
        return TIME, f'expected a time in ms, got "{str(time)[:40]}"'
    for key in (INPUT, OUTPUT):
        count = row[key]
        if type(count) is not int or not 0 <= count < LARGEST:
            return key, f'expected a whole number of tokens, 0 or more, got "{str(count)[:40]}"'
    ids = row[HASHES]
    whole = isinstance(ids, list) and set(map(type, ids)) <= {int}
    if not whole or (ids and not -(1 << 63) <= min(ids) <= max(ids) < 1 << 63):
        return HASHES, "expected a list of whole numbers (64 bits)"
    return None


def _keys(ids: Ints, first: Ints, last: Ints) -> Ints:
    """A number for the list of ids of each request."""
    sums = np.concatenate(([0], np.cumsum((ids + 1) * np.int64(0x9E3779B97F4A7C1))))
    return np.asarray(sums[last] - sums[first])


FORMAT = Format("mooncake", "Mooncake trace", COLUMNS, read, is_json=True)
