"""What a state says at an instant, for people and programs: values by variable with units, what is stale, rejects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from telemetry.batch import Quality
from telemetry.dialect import unread
from telemetry.points import Point
from telemetry.replay.asked import Played
from telemetry.replay.play import Outcome
from telemetry.state.state import State
from telemetry.state.view import View

# Units of which a sum means something, where no item feeds another (a busway's meter holds those of its taps).
EXTENSIVE = frozenset({"W", "V A"})
STAMPS = {
    "recorded": ", the time of the recording",
    "moved": ", stamps in payloads as well",
    "old": ", but stamps in payloads stay as recorded",
}


def told(state: State, now_ns: int) -> dict[str, Any]:
    """Everything of ``state`` at ``now_ns`` as plain data; numbers that are not finite are None."""
    with state.lock:
        view, points, counts = state.view(now_ns), list(state.decoder.points), state.counts.told()
        digest, skews = state.digest(), state.clocks.skews()
    known = view.count > 0
    return {
        "now_utc": stamp(now_ns),
        "points": len(points),
        "with_readings": int(known.sum()),
        "stale": int(view.stale.sum()),
        "old": int(view.old.sum()),
        "silent": int(view.silent.sum()),
        "qualities": {q.name.lower(): n for q in Quality if (n := int((view.quality == int(q)).sum()))},
        "variables": list(variables(points, view)),
        "counts": counts,
        "clock_offsets_s": skews,
        "digest": digest,
        "readings": [_row(point, view, index) for index, point in enumerate(points) if known[index]],
    }


def stamp(at_ns: int) -> str:
    """ISO 8601, UTC, to the ms."""
    day = np.datetime64(at_ns // 1_000_000, "ms")
    return f"{day}Z"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row(point: Point, view: View, index: int) -> dict[str, Any]:
    return {
        "point": point.identity,
        "item": point.item,
        "variable": point.variable,
        "units": point.units,
        "value": _number(float(view.value[index])),
        "quality": Quality(int(view.quality[index])).name.lower(),
        "stale": bool(view.stale[index]),
        "time_ns": int(view.time_ns[index]),
        "age_s": float(view.age_s[index]),
        "count": int(view.count[index]),
    }


def variables(points: Sequence[Point], view: View) -> Iterator[dict[str, Any]]:
    """Good values by variable and units: how many points, the least, the mean and the most, the total of powers.

    Set points are apart. Values that are stale are told as they were when they were good.
    """
    rows: dict[tuple[str, bool, str], list[int]] = {}
    for index, point in enumerate(points):
        rows.setdefault((point.variable, point.set_point, point.units), []).append(index)
    for (variable, set_point, units), indices in sorted(rows.items()):
        quality = view.quality[indices]
        values = view.value[indices][(quality == int(Quality.GOOD)) | (quality == int(Quality.STALE))]
        row: dict[str, Any] = {
            "variable": variable,
            "set_point": set_point,
            "units": units,
            "points": len(indices),
            "good": int((quality == int(Quality.GOOD)).sum()),
            "stale": int(view.stale[indices].sum()),
        }
        if len(values):
            row |= {"least": float(values.min()), "mean": float(values.mean()), "most": float(values.max())}
            if units in EXTENSIVE and not any(points[index].serves for index in indices):
                row["total"] = float(values.sum())
        yield row


def lines(found: dict[str, Any]) -> list[list[str]]:
    """Rows of a table over the variables of :func:`told`."""
    head = [["variable", "units", "points", "good", "stale", "least", "mean", "most", "total"]]
    for row in found["variables"]:
        name = row["variable"] + (" (set point)" if row["set_point"] else "")
        numbers = [f"{row[key]:,.6g}" if key in row else "" for key in ("least", "mean", "most", "total")]
        head.append([name, row["units"], *(str(row[key]) for key in ("points", "good", "stale")), *numbers])
    return head


def summary(found: dict[str, Any]) -> list[str]:
    """The rest of :func:`told` as lines."""
    counts = found["counts"]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts["rejects"].items())
    lines = [
        f"points    {found['points']:,}, {found['with_readings']:,} with a reading, {found['stale']:,} stale",
        f"readings  {counts['readings']:,}: {counts['applied']:,} applied, {counts['duplicates']:,} duplicates, "
        f"{counts['late']:,} late, {counts['historical']:,} historical, {counts['quarantined']:,} quarantined",
        f"rejects   {sum(counts['rejects'].values()):,}" + (f": {reasons}" if reasons else ""),
    ]
    if counts["parts"]:
        parts = ", ".join(f"{count:,} {reason}" for reason, count in counts["parts"].items())
        lines.append(f"          and parts of messages that stand: {parts}")
    for reason, samples in counts["samples"].items():
        first = samples[0]
        lines.append(f"          {reason}: {first['topic']!r} at {stamp(first['received_ns'])}: {first['detail']}")
    for source, offset in found["clock_offsets_s"].items():
        lines.append(f"clock     {source!r} is {abs(offset):.1f} s {'ahead' if offset < 0 else 'behind or late'}")
    return [*lines, f"digest    {found['digest']}"]


def stamps_line(played: Played, now_ns: int) -> str:
    """What the stamps of a replay that is about to be sent will be, and who will find them old."""
    line = f"stamps    from {stamp(played.begin_ns)}" + STAMPS[played.stamps]
    if not played.is_old(now_ns):
        return line
    return (
        line
        + ": whoever takes them for the present sees stale values"
        + (" (--epoch now moves them)" if played.stamps == "recorded" else "")
    )


def outcome_told(outcome: Outcome, played: Played, state: dict[str, Any] | None = None) -> dict[str, Any]:
    """How a replay went, as plain data; lateness only where there was a speed. ``state``: what :func:`told` told."""
    recording = played.recording
    unreadable = [] if state is None else unread(recording, outcome.messages, state["counts"]["readings"])
    found: dict[str, Any] = {
        "messages": outcome.messages,
        "whole": outcome.whole,
        "took_s": outcome.took_s,
        "speed": played.choice.speed,
        "begin_utc": stamp(played.begin_ns),
        "stamps": played.stamps,
        "left_out": dict(sorted(outcome.left_out.items())),
        "notes": recording.notes() + unreadable,
    }
    if played.choice.speed is not None:
        late = outcome.lateness
        found["lateness_s"] = {"p50": late.quantile_s(0.5), "p99": late.quantile_s(0.99), "worst": late.worst_s}
    return found


def outcome_lines(found: dict[str, Any]) -> list[str]:
    """The same as lines."""
    rate = found["messages"] / found["took_s"] if found["took_s"] > 0.0 else 0.0
    lines = [f"replayed  {found['messages']:,} messages in {found['took_s']:.1f} s, {rate:,.0f} a second"]
    lines += [] if found["whole"] else ["          stopped before its end"]
    if found["whole"] and not found["messages"] and not found["left_out"]:
        lines.append("          nothing of the recording is in this time and of these topics")
    if "lateness_s" in found:
        late = {name: 1e3 * value for name, value in found["lateness_s"].items()}
        lines.append(f"lateness  median {late['p50']:.1f} ms, p99 {late['p99']:.1f} ms, worst {late['worst']:.1f} ms")
    lines.append(f"begin     {found['begin_utc']}" + STAMPS[found["stamps"]])
    if found["left_out"]:
        lines.append(f"left out  {sum(found['left_out'].values()):,} commands and requests")
    if found.get("undelivered"):
        lines.append(f"LOST      {found['undelivered']:,} messages: the broker has not acknowledged them")
    return lines + [f"note      {note}" for note in found["notes"]]
