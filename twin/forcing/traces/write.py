"""Any trace as our own files: the plain CSV of its requests, or the CSV of its rate.

Both begin with ``# key: value`` lines and are read back by ``plain`` and ``servegen``. Nothing is left behind when the
trace has faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from twin.core.errors import one
from twin.forcing.stream.chunk import Chunk
from twin.forcing.stream.lines import BLOCK
from twin.forcing.traces import plain, servegen
from twin.forcing.traces.curve import Curve
from twin.forcing.traces.read import FROM_ZERO, Reading, curve_of, is_rate
from twin.forcing.traces.summary import SECOND, Collector, Summary, iso


def convert(
    path: str | Path, out: str | Path, *, format: str | None = None, sort: bool = False, every_s: int | None = None,
    fill: bool = False, overwrite: bool = False,
) -> Summary:  # fmt: skip
    """Write the requests of a trace to ``out``, or with ``every_s`` (and for a rate curve) its rate; its summary.

    Raises :class:`InputError` with all faults of the trace, and where ``out`` is there already.
    """
    source, target = Path(path), Path(out)
    if target.exists() and source.exists() and target.samefile(source):
        raise one("a trace is not written over itself: choose another name", file=str(out))
    if target.exists() and not overwrite:
        raise one("is there already: replace it with --overwrite, or choose another name", file=str(out))
    reading = Reading(source, format, sort, BLOCK)
    part = target.with_name(target.name + ".part")
    try:
        if is_rate(reading):
            found = curve_of(reading, fill=fill)
            _write_curve(part, found.curve, found, every_s)
        elif every_s is not None:
            collector = Collector(reading.faults, every_s)
            collector.take(reading.chunks())
            found = collector.result(reading)
            _write_curve(part, found.curve, found, None)
        else:
            found = _write_requests(part, reading)
        part.replace(target)
    except OSError as error:
        raise one(f"cannot be written: {error.strerror or error}", file=str(out)) from None
    finally:
        part.unlink(missing_ok=True)
    return found


def _write_requests(part: Path, reading: Reading) -> Summary:
    collector = Collector(reading.faults)
    with part.open("w", encoding="utf-8", newline="\n") as file:

        def noted() -> Iterator[Chunk]:
            start: int | None = None
            hits = fails = False
            for chunk in reading.chunks():
                if start is None and len(chunk):
                    start = int(chunk.time_ns[0])
                    hits = not bool(np.isnan(chunk.hit_share).all())
                    fails = bool(reading.format.fails) and reading.file.has(reading.format.fails)
                    file.write(_head(reading, start, hits, fails))
                if start is not None and not reading.faults.count:
                    file.write(_rows(chunk, start, hits, fails))
                yield chunk

        collector.take(noted())
    return collector.result(reading)


def _head(reading: Reading, start: int, hits: bool, fails: bool) -> str:
    lines = [f"# from: {reading.format.name}, {Path(reading.faults.file).name}"]
    if reading.absolute:
        lines.append(f"# start: {iso(start + reading.start_ns)}{reading.zone_mark}")
    columns = [plain.ARRIVAL, plain.INPUT, plain.OUTPUT, *([plain.HIT] * hits), *([plain.FAILED] * fails)]
    return "\n".join([*lines, ",".join(columns)]) + "\n"


def _rows(chunk: Chunk, start: int, hits: bool, fails: bool) -> str:
    cells: list[list[str]] = [
        [decimal(ns) for ns in (chunk.time_ns - start).tolist()],
        [str(v) for v in chunk.input_tokens.tolist()],
        [str(v) for v in chunk.output_tokens.tolist()],
    ]
    if hits:
        cells.append([f"{v!r}" for v in chunk.hit_share.tolist()])
    if fails:
        cells.append([str(int(v)) for v in chunk.failed.tolist()])
    return "".join(",".join(row) + "\n" for row in zip(*cells, strict=True))


def decimal(ns: int) -> str:
    """Nanoseconds as seconds, every digit kept."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // SECOND}.{ns % SECOND:09d}".rstrip("0").rstrip(".")


def _write_curve(part: Path, curve: Curve, found: Summary, every_s: int | None) -> None:
    wide = curve if every_s is None else curve.resampled(every_s)
    zero = "demand" if not wide.gaps.any() else "gap"
    if zero == "gap" and (wide.rps == 0.0).any():
        raise one("has rows of zero demand and gaps: fill the gaps to write it", file=found.file)
    lines = [f"# from: {found.format}, {Path(found.file).name}", f"# zero: {zero}", f"# end_s: {wide.edges_s[-1]:.12g}"]
    if found.start is not None:
        mark = "" if found.zone in ("not stated", FROM_ZERO) else "Z"
        lines.append(f"# start: {found.start}{mark}")
    lines.append(",".join(servegen.COLUMNS))
    rps = np.where(wide.gaps, 0.0, wide.rps).tolist()
    lines += [f"{t:.10g},{r!r}" for t, r in zip(wide.edges_s[:-1].tolist(), rps, strict=True)]
    part.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


__all__ = ["convert", "decimal"]
