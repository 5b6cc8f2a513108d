"""``twin serve``: what does this site serve, how fast, at what power, and what holds it back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.output import Json, say_if_compiling, table, tell, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from twin.site.load import LoadedSite

VIOLATED = 1
Row = dict[str, Any]

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Load = Annotated[
    list[str] | None,
    typer.Option(
        metavar="L", help="A share of what is energised (0 to 1.5), CLASS=RATE, CLASS=FILE, or a trace; repeatable."
    ),
]
Weather = Annotated[str | None, typer.Option(metavar="W", help="A shipped year or a file; default: the site's.")]
Start = Annotated[
    str | None, typer.Option("--from", metavar="D", help="First instant (ISO 8601, UTC); default: the peak week.")
]
End = Annotated[str | None, typer.Option("--to", metavar="D", help="End of the period; default: a week later.")]
Step = Annotated[str, typer.Option(metavar="S", help="Time step, as 60s, 5min or 1h.")]
Service = Annotated[str | None, typer.Option(metavar="S", help="Only this service.")]
Hall = Annotated[str | None, typer.Option(metavar="H", help="Only services with systems in this hall (building/hall).")]
Sort = Annotated[bool, typer.Option("--sort", help="Sort the requests of a trace by time.")]


def command(
    site: Site,
    load: Load = None,
    weather: Weather = None,
    start: Start = None,
    end: End = None,
    step: Step = "5min",
    service: Service = None,
    hall: Hall = None,
    sort: Sort = False,
    as_json: Json = False,
) -> None:
    """Show per pool and class what is asked, answered and refused, latencies, power, and what binds.

    Exit code 1 where a promise is broken. A trace is replayed by each service alone, in closed form.
    """
    from twin.cli.climate import warnings_of
    from twin.core.errors import Faults
    from twin.engine.serve_load import serve_load
    from twin.site.load import load_site

    loaded, faults = load_site(site), Faults()
    asked = faults.of(serve_load, loaded, load or [])
    services = faults.of(_chosen, loaded, service, hall)
    faults.tell()
    assert asked is not None
    assert services is not None
    if not as_json:
        tell(warnings_of(loaded, weather))
    if asked.trace is not None:
        _replayed(asked.loaded, asked.trace, services, hall, sort=sort, as_json=as_json)
    else:
        _simulated(asked.loaded, services, (weather, start, end, step), load or [], as_json=as_json)


def _chosen(loaded: LoadedSite, service: str | None, hall: str | None) -> list[str]:
    """Services that are asked for. Raises ``InputError`` for unknown names, all at once."""
    from twin.core.errors import Faults
    from twin.site.lower_fleet import members

    spec = loaded.site.inference
    if spec is None:  # told by the load
        return []
    halls = {
        id: {name for systems in s.pools(id).values() for name, _ in members(loaded.site, systems)}
        for id, s in spec.services.items()
    }
    faults = Faults()
    faults.of(_known, service, list(halls), "service")
    faults.of(_known, hall, sorted(set().union(*halls.values())), "hall")
    faults.tell()
    say_if_compiling()
    return [id for id, own in halls.items() if service in (None, id) and (hall is None or hall in own)]


def _known(name: str | None, names: list[str], what: str) -> None:
    from twin.core.errors import did_you_mean, one, option

    if name is not None and name not in names:
        hint = did_you_mean(name, names) or f" ({', '.join(names)})"
        raise one(f'no {what} that serves is called "{name}"{hint}', path=option(f"{what}="))


def _simulated(
    loaded: LoadedSite, services: list[str], period: tuple[str | None, str | None, str | None, str],
    loads: list[str], *, as_json: bool,
) -> None:  # fmt: skip
    """A run in memory over the period."""
    from twin.analysis.dataset import simulate
    from twin.analysis.period import iso, period_of
    from twin.analysis.serving import serving
    from twin.core.errors import option
    from twin.engine.peak import WEEK, peak_week
    from twin.engine.period import instant, stamp
    from twin.forcing.weather import make_weather, read_weather

    weather, start, end, step = period
    if start is not None and end is None:
        begin = instant(start, option("start="))
        end = stamp(begin + WEEK)
    if start is None and end is None:
        named = weather if weather is not None else loaded.paths.get("weather.file", loaded.site.weather.file)
        start, end = peak_week(loaded, make_weather(read_weather(named)))
    ds = simulate(loaded, weather=weather, start=start, end=end, step=step)
    time = period_of(ds)
    found = serving(ds, time)
    assert found is not None
    for part in ("pools", "services", "streams"):
        found[part] = [row for row in found[part] if row["service"] in services]
    classes = {row["class"] for row in found["streams"]}
    found["classes"] = [row for row in found["classes"] if row["class"] in classes]
    head = {"site": loaded.site.name, "load": loads, "start_utc": iso(time.start[0]), "end_utc": iso(time.end[-1])}
    kept = all(row["kept"] and not row["growing"] for row in found["streams"])
    if as_json:
        write_json({**head, "kept": kept, **found})
    else:
        said = ", ".join(loads) if loads else "as the site says"
        typer.echo(f"{loaded.site.title}\nload {said}; {head['start_utc']} to {head['end_utc']}, simulated\n")
        typer.echo("\n\n".join(part for part in (_pools(found), _streams(found), _tasks(found)) if part))
        typer.echo("\nEvery promise is kept." if kept else "\nA promise is broken, or a queue does not drain.")
    if not kept:
        raise typer.Exit(VIOLATED)


def _pools(found: Row) -> str:
    from twin.core.units import amount

    head = ("pool", "serving", "systems", "used %", "peak %", "batch", "kW", "J/token", "bound by")
    joule = {row["service"]: row["joule_per_token"] for row in found["services"]}
    body = []
    for row in found["pools"]:
        first = next(r["pool"] for r in found["pools"] if r["service"] == row["service"])
        per_token = joule[row["service"]] if row["pool"] == first else None
        bound = ", ".join(f"{name} {hours:,.4g} h" for name, hours in row["bound"].items())
        body.append(
            (row["pool"], row["serving"], f"{row['systems']:,.0f}", f"{100 * row['utilization_mean']:.1f}",
             f"{100 * row['utilization_peak']:.1f}", _batch(row["batch_mean"]), f"{row['power_mean_kw']:,.1f}",
             "" if per_token is None else amount(per_token), bound or "nothing")
        )  # fmt: skip
    return "Pools (J per token: the whole service, idle included)\n" + table(
        [head, *body], right=(2, 3, 4, 5, 6, 7), indent="  "
    )


def _streams(found: Row) -> str:
    from twin.core.units import amount

    head = ("pool", "class", "asked/s", "served/s", "refused/s", "waiting", "tokens/s", "TTFT p50/p90/p99 s",
            "TPOT p50/p90/p99 s", "E2E p50/p90/p99 s", "promise")  # fmt: skip
    body = []
    for row in found["streams"]:
        times = (_times(row[key]) for key in ("ttft_s", "tpot_s", "e2e_s"))
        rates = (amount(row[key]) for key in ("offered_s", "served_s", "shed_s", "queue_mean", "tokens_s"))
        body.append((row["pool"], row["class"], *rates, *times, _verdict(row)))
    return "Requests (means; latencies of the whole period)\n" + table(
        [head, *body], right=tuple(range(2, 10)), indent="  "
    )


def _tasks(found: Row) -> str:
    """Classes whose tasks make several requests; empty where there are none."""
    from twin.core.units import amount

    rows = [row for row in found["classes"] if "tasks_s" in row]
    if not rows:
        return ""
    head = ("class", "requests a task", "tasks/s", "time of a task s")
    body = [(row["class"], f"{row['turns']:g}", amount(row["tasks_s"]), _time(row["task_s"])) for row in rows]
    return "Tasks (time of the requests, one after the other; that of tools between them is not known)\n" + table(
        [head, *body], right=(1, 2, 3), indent="  "
    )


def _verdict(row: Row) -> str:
    if row["offered_s"] <= 0 and row["queue_mean"] <= 0:
        return "-"
    if row["growing"]:
        return "the queue grows"
    share = f"p{100 * row['promise']['share']:g}"
    late = [
        f"{key.upper()} {share} {_time(row['promise'][f'{key}_at_share_s'])} > {row['promise'][f'{key}_s']:g} s"
        for key in ("ttft", "tpot")
        if (row["promise"][f"{key}_within"] or 1.0) < row["promise"]["share"] - 1e-6
    ]
    hours = f" ({row['broken_hours']:,.4g} h are not)" if row["broken_hours"] > 0 and not late else ""
    put_off = f"; put off in {row['put_off_hours']:,.4g} h" if row["put_off_hours"] > 0 else ""
    return ("broken: " + ", ".join(late) if late else f"kept{hours}") + put_off


def _batch(batch: float) -> str:
    from twin.core.units import amount

    return amount(batch) if batch > 1e-6 else "-"


def _times(found: Row) -> str:
    known = [found[name] for name in ("p50", "p90", "p99")]
    return "-" if None in known else " / ".join(map(_time, known))


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return "never" if seconds >= 1e8 else f"{seconds:.3g}"


def _replayed(
    loaded: LoadedSite, trace: Path, services: list[str], hall: str | None, *, sort: bool, as_json: bool
) -> None:
    """A recorded trace by each service in closed form."""
    from twin.analysis.replay import replay
    from twin.forcing.traces.read import read_trace

    read = read_trace(trace, sort=sort)
    found = replay(loaded, read, services, hall)
    kept = all(promise["kept"] for row in found["services"] for promise in row["promises"].values())
    if as_json:
        write_json({"site": loaded.site.name, "trace": str(trace), "kept": kept, **found})
    else:
        tell(read.warnings)
        typer.echo(f"{loaded.site.title}\n{trace}: {found['requests']:,} requests in {found['span_s']:,.0f} s, "
                   f"replayed by each service alone, in closed form\n")  # fmt: skip
        typer.echo(_replays(found))
        if found["left_out"]:
            typer.echo(f"\nNot replayed (prompts and tokens apart): {', '.join(found['left_out'])}")
        typer.echo("\nEvery promise is kept." if kept else "\nA promise is broken.")
    if not kept:
        raise typer.Exit(VIOLATED)


def _replays(found: Row) -> str:
    from twin.core.units import amount

    head = ("service", "replicas", "asked/s", "tokens/s", "TTFT p50/p90/p99 s", "between tokens p50/p90/p99 s",
            "mean s", "E2E mean s", "prefill %", "batch", "kW", "J/token", "bound by", "promise")  # fmt: skip
    body = []
    for row in found["services"]:
        bound = ", ".join(f"{name} in {count} of {row['windows']} min" for name, count in row["bound"].items())
        promises = [f"{name} {'kept' if p['kept'] else 'BROKEN'}" for name, p in row["promises"].items()]
        body.append(
            (row["service"], f"{row['replicas']:,.6g}", amount(row["offered_s"]), amount(row["tokens_s"]),
             _times(row["ttft_s"]), _times(row["tbt_s"]), f"{row['tbt_s']['mean']:.4g}", f"{row['e2e_mean_s']:.3g}",
             f"{100 * row['prefill_load_mean']:.1f}", amount(row["batch_mean"]), f"{row['power_mean_kw']:,.1f}",
             amount(row["joule_per_token"]), bound or "nothing", ", ".join(promises))
        )  # fmt: skip
    return table([head, *body], right=tuple(range(1, 12)))
