"""``twin curtail``: hold the meter, a hall or a feeder down for some hours, and see who gives way."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from twin.cli.output import VIOLATED, Json, say_if_compiling, write_json
from twin.core.units import DAY

By = Annotated[
    str | None,
    typer.Option("--by", help="Share of the metered power that has to go: 20% or 0.2; default: 20% without a --cap."),
]
Cap = Annotated[
    list[str] | None,
    typer.Option(
        "--cap",
        metavar="NAME=MW",
        help="Hold a point to a power: site=500MW, b1/b1-h1=10MW, an element as in twin trace; may be given often.",
    ),
]
Latency = Annotated[
    float, typer.Option("--shed-latency-s", metavar="S", help="Time until the first system comes down, s.")
]
At = Annotated[str | None, typer.Option("--at", help="Begin, ISO 8601, UTC unless an offset is given.")]
For = Annotated[str, typer.Option("--for", help="How long, as 3h or 90min.")]
Ramp = Annotated[str, typer.Option("--ramp", help="Time to come down, as 10min.")]
Policy = Annotated[str, typer.Option("--policy", help="Who gives way: proportional, priority or efficiency.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the racks' spread and noise.")]


HEADER = f"{'class':18}" + "".join(
    f"{name:>{width}}"
    for name, width in (
        ("tokens/s", 12), ("instead of", 12), ("shed/s", 10), ("queued", 16), ("TTFT p99 s", 12), ("TPOT p99 ms", 13),
    )
)  # fmt: skip


def command(
    site: Annotated[str, typer.Argument(help="A shipped site or the path of a site file.")],
    by: By = None,
    cap: Cap = None,
    at: At = None,
    lasting: For = "3h",
    ramp: Ramp = "0s",
    shed_latency_s: Latency = 0.0,
    policy: Policy = "proportional",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Hold the meter or points behind it down: tokens, latencies, ramp, rebound; exit code 1 where one is not held."""
    from twin.analysis.curtail import curtail, told
    from twin.core.errors import Faults
    from twin.engine.period import instant, seconds

    faults = Faults()
    share = faults.of(_share, by or "20%") if by is not None or not cap else None
    caps = [named for text in cap or [] if (named := faults.of(_cap, text)) is not None]
    begin = None if at is None else faults.of(instant, at, "--at")
    lasting_s = faults.of(seconds, lasting, "--for")
    ramp_s = 0.0 if ramp.strip() in {"0", "0s"} else faults.of(seconds, ramp, "--ramp")
    faults.tell()
    say_if_compiling()
    assert lasting_s is not None
    assert ramp_s is not None
    made = curtail(
        site, share, caps=caps, at=begin, lasting_s=lasting_s, ramp_s=ramp_s, latency_s=shed_latency_s,
        policy=policy, seed=seed,
    )  # fmt: skip
    found = told(made)
    if as_json:
        write_json(found)
    else:
        typer.echo(_text(found))
    if not found["reached"]:
        raise typer.Exit(VIOLATED)


def _share(text: str) -> float:
    from twin.core.errors import one

    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError:
        raise one(f'"{text}" is no share, expected as 20% or 0.2', path="--by") from None
    return number / 100.0 if text.strip().endswith("%") else number


POWERS = {"mw": 1e6, "kw": 1e3, "w": 1.0}


def _cap(text: str) -> tuple[str, float]:
    """``b1/b1-h1=10MW`` as a name and W."""
    from twin.core.errors import one

    name, _, power = text.partition("=")
    unit = next((unit for unit in POWERS if power.strip().lower().endswith(unit)), "")
    try:
        watts = float(power.strip()[: len(power.strip()) - len(unit)]) * POWERS[unit]
    except (ValueError, KeyError):
        raise one(f'"{text}" is no cap, expected as b1/b1-h1=10MW', path="--cap") from None
    return name.strip(), watts


def _asked(found: dict[str, Any]) -> str:
    """What is asked for: so much less, or a limit above what is drawn."""
    share, mw = found["asked_share"], f"{found['target_mw']:.{1 if found['target_mw'] >= 1.0 else 3}f}"
    return f"{100 * share:.3g} % off, to {mw}" if share > 0.0 else f"at most {mw}"


def _text(found: dict[str, Any]) -> str:
    mw = found["metered_mw"]
    lines = [
        f"{found['begins_utc']} .. {found['ends_utc']}, {found['policy']}: "
        f"{_asked(found)} MW at "
        f"{_where(found['points'][0]['point'])}",
        "" if found["reached"] else _missed(found["held_from_utc"]),
        *(_point(row) for row in found["points"]),
        f"meter           {mw['free']:.1f} -> {mw['curtailed']:.1f} MW on average, "
        f"at most {found['metered_maximum_mw']:.1f} MW; {found['energy_shifted_mwh']:.1f} MWh less",
        f"ramp            {found['steepest_mw_per_min']['down']:.1f} MW/min down, "
        f"{found['steepest_mw_per_min']['up']:.1f} up",
        f"rebound         {found['rebound_mw']:.1f} MW above the uncurtailed run; "
        f"a backlog for {_hours(found['backlog_after_h'])} after it",
        "",
        HEADER,
    ]
    for row in found["classes"]:
        tokens, tpot = row["tokens_per_s"], row["tpot_p99_s"]["curtailed"]
        left = max(0.0, tokens["curtailed"])
        lines.append(
            f"{row['workload']:18}{left:12,.0f}{tokens['free']:12,.0f}{row['shed_per_s']:10,.1f}"
            f"{max(0.0, row['queue_at_end']):16,.0f}{_seconds(row['ttft_p99_s']['curtailed']):>12}"
            f"{'never' if tpot is None else f'{1e3 * tpot:.1f}':>13}"
        )
    lines += ["", *_services(found["services"])]
    lines += ["", *(_put_off(row["workload"], row["put_off"]) for row in found["classes"] if row["put_off"])]
    return "\n".join(line for n, line in enumerate(lines) if line or n != 1)


def _where(name: str) -> str:
    return "the meter" if name == "site" else name


def _point(row: dict[str, Any]) -> str:
    """What became of one point, with its response."""
    response = "never" if row["response_s"] is None else f"after {row['response_s']:,.0f} s"
    held = f"held for {row['hold_h']:.2f} of {row['asked_h']:.2f} h"
    return (
        f"{_where(row['point']):15} {row['baseline_mw']:.2f} -> {row['held_mw']:.2f} MW for {row['target_mw']:.2f}: "
        f"{'compliant' if row['compliant'] else 'NOT compliant'}, {response}, {held}, {len(row['breaches'])} breaches"
    )


def _missed(held_from: str | None) -> str:
    """Why the meter is not held."""
    if held_from is None:
        return "NOT reached: what the systems draw without work is the floor."
    return f"NOT reached before {held_from}: what is in service then runs to its end; a --ramp gives it time."


def _services(rows: list[dict[str, Any]]) -> list[str]:
    """A line on each service: what it draws, and how much of it stands behind each point."""
    made = []
    for row in rows:
        behind = ", ".join(f"{100 * share:.0f} % behind {_where(name)}" for name, share in row["behind"].items())
        mw = row["mw"]
        made.append(
            f"service         {row['service']}: {mw['free']:.2f} -> {mw['curtailed']:.2f} MW"
            f"{'' if row['throttled'] else ', not touched'}; {behind}"
        )
    return made


def _put_off(name: str, row: dict[str, Any]) -> str:
    """A line on a class that may be put off."""
    from twin.core.units import amount

    if row["requests"] <= 0.0:
        return f"put off         {name}: nothing"
    when = "not caught up in 12 h" if row["caught_up_h"] is None else f"caught up {row['caught_up_h']:.1f} h after it"
    return (
        f"put off         {name}: at most {amount(row['requests'])} requests ({amount(row['tokens'])} tokens), {when}; "
        f"the longest wait is {row['longest_h']:.1f} h of {row['window_h']:g} h"
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "never"
    if value > DAY:
        return "> 1 day"
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"


def _hours(value: float) -> str:
    return f"{value:.1f} h" + (" or more" if value >= 11.9 else "")
