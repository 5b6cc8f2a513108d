"""What is in a recording as plain JSON types and as text for a terminal: the same figures, the unit in every key."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from telemetry.clock import NS
from telemetry.dialect import shown
from telemetry.inspection.inspect import HEARTBEAT_S, VALUE_S, Found, Listed, Topic, Understood, groups, silences
from telemetry.strict import printable

MOST_ROWS = 12
MOST_NAMES = 5
MOST_MARKS = 20


def plain(found: Found) -> dict[str, Any]:
    """Every figure as plain JSON types; lists of topics and names are cut, their counts are not."""
    recording = found.recording
    told = {
        "path": str(recording.path),
        "files": [path.name for path in recording.files],
        "bytes": recording.bytes,
        "about": recording.about,
        "options": shown(recording.options),
        "has_dates": recording.has_dates,
        "messages": found.messages,
        "payload_bytes": found.payload_bytes,
        "retained": found.retained,
        "qos": {str(qos): count for qos, count in found.qos.items()},
        "first_utc": utc(found.first_ns),
        "last_utc": utc(found.last_ns),
        "span_s": found.span_s,
        "per_second": found.messages / found.span_s if found.span_s else None,
        "most_in_a_second": found.most_in_a_second,
        "topics": len(found.topics),
        "messages_on_further_topics": found.other_topics,
        "breaks_in_sequence": found.out_of_sequence,
        "groups": [
            {"topics_below": name, "messages": count, "payload_bytes": size, "topics": topics}
            for name, count, size, topics in groups(found.topics)
        ],
        "silences": [_silence(*row) for row in silences(found.topics)[:MOST_ROWS]],
        "silent_over_250_s": sum(t.silence_ns > VALUE_S * NS for t in found.topics.values() if t.count > 1),
        "marks": [
            {"what": m.what, "at_utc": utc(m.at_ns), "source": m.source, "cause": m.cause,
             "lasts_s": max(0, m.to_ns - m.from_ns) / NS}
            for m in found.marks
        ],
        "understood": None if found.understood is None else _understood(found.understood),
        "notes": found.notes,
    }  # fmt: skip
    return {name: _clean(value) for name, value in told.items()}


def _clean(value: Any) -> Any:
    """``value`` with what no terminal and no encoder should get escaped: topics are whatever somebody published."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_clean(name): _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def utc(at_ns: int | None) -> str | None:
    """An instant in ISO 8601 with milliseconds."""
    if at_ns is None:
        return None
    try:
        return f"{datetime.fromtimestamp(at_ns // NS, UTC):%Y-%m-%dT%H:%M:%S}.{at_ns % NS // 10**6:03d}Z"
    except (ValueError, OverflowError):
        return f"{at_ns} ns"


def _silence(name: str, topic: Topic) -> dict[str, Any]:
    period = topic.period_ns / NS
    return {
        "topic": name,
        "messages": topic.count,
        "period_s": None if math.isnan(period) else period,
        "longest_silence_s": topic.silence_ns / NS,
        "since_utc": utc(topic.since_ns),
    }


def _listed(listed: Listed) -> dict[str, Any]:
    return {"count": listed.count, "names": listed.names[:MOST_ROWS]}


def _understood(said: Understood) -> dict[str, Any]:
    return {
        "dialect": said.dialect,
        "points": len(said.points),
        **said.counts.told(),
        "qualities": said.qualities,
        "units": [
            {"variable": variable, "written": written, "units": units, "points": points, "readings": readings}
            for (variable, written, units), (points, readings) in said.units.items()
        ],
        "clock_skew_s": said.skews,
        "values_without_metadata": _listed(said.undescribed),
        "points_without_values": _listed(said.valueless),
        "dangling_ids": _listed(said.dangling),
        "waiting_for_metadata": said.waiting,
        "sources": said.sources,
        "heartbeats": [
            {"identity": name, "messages": count, "period_s": None if math.isnan(period) else period,
             "longest_silence_s": silence, "limit_s": HEARTBEAT_S}
            for name, (count, period, silence) in said.heartbeats.items()
        ],
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------- for people
def render(found: Found) -> str:
    """Text for a terminal."""
    told = plain(found)
    span, rate, files = told["span_s"], told["per_second"], told["files"]
    often = "unknown" if rate is None else f"{rate:,.1f} a second"
    when = "no message at all"
    if told["messages"]:
        when = f"{told['first_utc']} .. {told['last_utc']}, {span:,.3f} s"
        when += "" if found.recording.has_dates else " (a CSV has no dates: read as if it had begun then)"
    lines = [
        f"{told['path']}: {count(told['messages'], 'message')} on {count(told['topics'], 'topic')}, "
        f"{size(told['payload_bytes'])} of payload in {count(len(files), 'file')} of {size(told['bytes'])}",
        f"time        {when}",
        f"rate        {often}, at most {told['most_in_a_second']:,} in a second",
        f"delivered   {', '.join(f'QoS {qos}: {n:,}' for qos, n in told['qos'].items()) or 'nothing'}; "
        f"retained: {told['retained']:,}; breaks in the sequence: {told['breaks_in_sequence']:,}",
        *(f"about       {name}: {value}" for name, value in {**told["about"], **told["options"]}.items()),
        "",
        *_group_lines(told),
        "",
        *_silence_lines(told),
        *_mark_lines(told["marks"]),
    ]
    if found.understood is not None:
        lines += ["", *_understood_lines(told["understood"])]
    else:
        lines += ["", "the payloads were not looked into: name their --dialect"]
    if told["notes"]:
        lines += ["", *(f"note        {note}" for note in told["notes"])]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def count(number: int, word: str) -> str:
    """``1 topic``, ``2,000 topics``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Bytes for people."""
    for step, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= step:
            return f"{number / step:.3g} {word}"
    return f"{number:.0f} bytes"


def _aligned(rows: Sequence[Sequence[object]], right: Iterable[int]) -> list[str]:
    """Rows in columns; those of ``right`` end at the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    ends = set(right)
    form = "  ".join(f"{{:{'>' if n in ends else '<'}{width}}}" for n, width in enumerate(widths))
    return [form.format(*row) for row in cells]


def _group_lines(told: dict[str, Any]) -> list[str]:
    rows = told["groups"]
    if not rows:
        return ["topics      none"]
    shown = rows[:MOST_ROWS]
    table: list[Sequence[object]] = [("topics below", "topics", "messages", "bytes each")]
    table += [
        (
            row["topics_below"],
            f"{row['topics']:,}",
            f"{row['messages']:,}",
            f"{row['payload_bytes'] / max(1, row['messages']):,.0f}",
        )
        for row in shown
    ]
    left = rows[MOST_ROWS:]
    if left:
        messages = sum(row["messages"] for row in left)
        table.append((f"{len(left)} more", f"{sum(row['topics'] for row in left):,}", f"{messages:,}", ""))
    if told["messages_on_further_topics"]:
        table.append(("topics beyond those told apart", "", f"{told['messages_on_further_topics']:,}", ""))
    return _aligned(table, (1, 2, 3))


def _silence_lines(told: dict[str, Any]) -> list[str]:
    rows = told["silences"][:MOST_NAMES]
    if not rows:
        return ["silence     no topic spoke often enough to tell its period"]
    table: list[Sequence[object]] = [("longest silence s", "period s", "since", "topic, most periods of silence first")]
    table += [
        (f"{row['longest_silence_s']:,.1f}", f"{row['period_s']:,.2f}", row["since_utc"], row["topic"]) for row in rows
    ]
    return [
        *_aligned(table, (0, 1)),
        f"silent for more than 250 s: {count(told['silent_over_250_s'], 'topic')} of those that spoke more than once",
    ]


def _mark_lines(marks: list[dict[str, Any]]) -> list[str]:
    lines = [
        f"mark        {mark['at_utc']} {mark['what']}"
        + (f" of {mark['source']}" if mark["source"] else "")
        + (f", {mark['lasts_s']:,.1f} s" if mark["lasts_s"] else "")
        + (f": {mark['cause']}" if mark["cause"] else "")
        for mark in marks[:MOST_MARKS]
    ]
    return lines + ([f"            and {len(marks) - MOST_MARKS:,} more"] if len(marks) > MOST_MARKS else [])


def _understood_lines(said: dict[str, Any]) -> list[str]:
    qualities = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in said["qualities"].items()) or "none"
    skews = ", ".join(f"{name or 'unnamed'} {skew:+.1f} s" for name, skew in said["clock_skew_s"].items())
    lines = [
        f"dialect     {said['dialect']}: {count(said['readings'], 'reading')} of {count(said['points'], 'point')}; "
        f"{qualities}",
        f"applied     {said['applied']:,}; duplicates {said['duplicates']:,}, late {said['late']:,}, "
        f"quarantined {said['quarantined']:,}, historical {said['historical']:,}",
        f"clocks      {f'behind ours (+) or ahead (-): {skews}' if skews else 'no source differs by more than 5 s'}",
        *_names("no values", "point", said["points_without_values"]),
        *_names("no metadata", "point", said["values_without_metadata"]),
        *_names("dangling", "id", said["dangling_ids"]),
        *_source_lines(said["sources"]),
        *([] if said["sources"] else _beat_lines(said)),
        *_reject_lines(said),
        "",
    ]
    if not said["units"]:
        return [*lines, "variables   none"]
    table: list[Sequence[object]] = [("variable", "written", "here", "points", "readings")]
    table += [
        (row["variable"], row["written"] or "-", row["units"], f"{row['points']:,}", f"{row['readings']:,}")
        for row in said["units"]
    ]
    return lines + _aligned(table, (3, 4))


def _source_lines(told: dict[str, Any]) -> list[str]:
    """Edge nodes, where the dialect knows any."""
    if not told:
        return []
    unread = ", ".join(f"{n:,} {why}" for why, n in told["unread"].items()) or "none"
    return [
        f"edge nodes  {told['nodes']:,}: {told['alive']:,} alive, {told['dead']:,} dead, "
        f"{told['waiting']:,} wait for a birth",
        f"by seq      {told['lost']:,} messages lost, {told['reordered']:,} late, {told['copies']:,} copies",
        f"not read    {unread}",
    ]


def _names(head: str, word: str, listed: dict[str, Any]) -> list[str]:
    if not listed["count"]:
        return [f"{head:11} none"]
    more = listed["count"] - MOST_NAMES
    names = [*listed["names"][:MOST_NAMES], *([f"and {more:,} more"] if more > 0 else [])]
    return [f"{head:11} {count(listed['count'], word)}: {names[0]}", *(f"{'':12}{name}" for name in names[1:])]


def _beat_lines(said: dict[str, Any]) -> list[str]:
    if not said["heartbeats"]:
        return [f"{'heartbeats':11} none: an offline source cannot be told from one with nothing new"]
    return [
        f"{'heartbeat':11} {row['identity']}: {count(row['messages'], 'message')}, longest silence "
        f"{row['longest_silence_s']:,.1f} s{' (MORE than 30 s)' if row['longest_silence_s'] > HEARTBEAT_S else ''}"
        for row in said["heartbeats"]
    ]


def _reject_lines(said: dict[str, Any]) -> list[str]:
    lines = [f"{'rejects':11} {sum(said['rejects'].values()):,}"]
    for reason, samples in said["samples"].items():
        number = said["rejects"].get(reason, said["parts"].get(reason.removeprefix("part: ")))
        lines.append(f"  {reason}: {'' if number is None else f'{number:,}'}")
        lines += [f"    {sample['topic']}: {sample['detail']}" for sample in samples[:2]]
    return lines
