"""Readings as a Parquet file in long form: a row for each, in the order of receipt.

Columns: ``time`` (source time, ns, UTC), ``variable``, ``item``, ``qualifier`` (process area and phase, apart by
blanks), ``value`` (in ``units``; null where the source had none), ``units``, ``quality`` and ``point``, the identity by
which points of one item and variable are told apart. Names are dictionaries. The file's metadata ``halltwin`` say where
it comes from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.decode import Decoder
from telemetry.dialect import shown
from telemetry.export.columns import QUALITIES, Columns, Exported, Maker, columns, nothing
from telemetry.points import Point
from telemetry.recording.layout import label
from telemetry.recording.read import Recording
from twin.core.errors import one
from twin.engine.target import telling

NAMES: dict[str, Callable[[Point], str]] = {
    "variable": lambda point: label(point.variable),
    "item": lambda point: label(point.item),
    "qualifier": lambda point: label(" ".join(point.qualifier)),
    "units": lambda point: label(point.units),
    "point": lambda point: label(point.identity),
}


def to_parquet(recording: Recording, maker: Maker, target: Path, epoch_ns: int | None) -> Exported:
    """Write all readings to ``target``. Raises ``InputError``."""
    if find_spec("pyarrow") is None:
        raise one("Parquet needs pyarrow: install halltwin[parquet]")
    fresh = target.with_name(f".{target.name}.partial")
    decoder, told = maker(), Exported(target)
    with telling(target):
        try:
            with fresh.open("wb") as stream:
                _write(recording, decoder, stream, epoch_ns, told)
                stream.flush()
                os.fsync(stream.fileno())
            if not told.readings:
                raise nothing(recording)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    return told


def _write(recording: Recording, decoder: Decoder, stream: Any, epoch_ns: int | None, told: Exported) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    name = pa.dictionary(pa.int32(), pa.string())
    order = ("variable", "item", "qualifier", "value", "units", "quality", "point")
    fields = [("time", pa.timestamp("ns", tz="UTC")), *((n, pa.float64() if n == "value" else name) for n in order)]
    about = json.dumps(
        {"source": recording.path.name, "about": {**recording.about, **shown(recording.options)}, "order": "of receipt"}
    )
    schema = pa.schema(fields, metadata={"halltwin": about})
    heard: set[int] = set()
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for rows in columns(recording, decoder, epoch_ns, told):
            heard.update(np.unique(rows.points).tolist())
            told.readings += len(rows.points)
            writer.write_table(_table(pa, schema, decoder, rows))
    told.points = len(heard)


def _table(pa: Any, schema: Any, decoder: Decoder, rows: Columns) -> Any:
    """A group of rows; its dictionaries hold the points in it."""
    present, codes = np.unique(rows.points, return_inverse=True)
    points = [decoder.points.before(index) for index in present.tolist()]
    made: dict[str, Any] = {
        "time": pa.array(rows.times_ns, schema.field("time").type),
        "value": pa.array(rows.values, mask=np.isnan(rows.values)),
        "quality": pa.DictionaryArray.from_arrays(pa.array(rows.qualities.astype(np.int32)), pa.array(QUALITIES)),
    }
    for column, of in NAMES.items():
        texts = [of(point) for point in points]
        words = {text: code for code, text in enumerate(dict.fromkeys(texts))}
        by_point = np.array([words[text] for text in texts], np.int32)
        made[column] = pa.DictionaryArray.from_arrays(pa.array(by_point[codes]), pa.array(list(words)))
    return pa.table([made[column] for column in schema.names], schema=schema)
