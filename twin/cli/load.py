"""``twin load``: what do recorded requests ask for, and how do they become a file of ours?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.output import Json, table, tell, write_json

if TYPE_CHECKING:
    from twin.forcing.traces.summary import Summary

app = typer.Typer(help="Look into recorded load.", no_args_is_help=True, rich_markup_mode=None)

Source = Annotated[Path, typer.Argument(metavar="TRACE", help="A trace: Azure, BurstGPT, Mooncake, ServeGen or plain.")]
Form = Annotated[str | None, typer.Option("--format", metavar="F", help="Its format; default: told by its header.")]
Sort = Annotated[bool, typer.Option("--sort", help="Sort the requests by time.")]
Fill = Annotated[bool, typer.Option("--fill", help="Interpolate the gaps of a rate curve.")]
Every = Annotated[str | None, typer.Option(metavar="S", help="Width of the bins of the rate, as 1s, 5min or 1h.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


@app.command()
def show(
    trace: Source,
    format: Form = None,
    sort: Sort = False,
    fill: Fill = False,
    every: Every = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with its charts, too.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Summarise a trace: rates, bursts, token lengths, prefix hits. It may be larger than memory."""
    from twin.core.errors import one
    from twin.forcing.traces.read import summarise

    if html is not None and html.exists() and not overwrite:
        raise one("is there already: replace it with --overwrite, or choose another name", file=str(html))
    found = summarise(trace, format=format, sort=sort, fill=fill, every_s=_whole(every))
    if html is not None:
        from dashboards.trace_page import write_trace_page

        write_trace_page(found, html)
    if as_json:
        write_json({**_plain(found), "page": str(html) if html else None})
        return
    tell(found.warnings)
    typer.echo(table(_lines(found)))
    if found.input_tokens is not None:
        typer.echo("\nTokens\n" + table(_tokens(found), right=(1, 2, 3, 4, 5), indent="  "))


@app.command()
def convert(
    trace: Source,
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="The CSV to write.")],
    every: Every = None,
    format: Form = None,
    sort: Sort = False,
    fill: Fill = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a trace as a plain CSV of its requests, or with --every of its rate (t_s, rps)."""
    from twin.forcing.traces.write import convert as write

    found = write(trace, out, format=format, sort=sort, every_s=_whole(every), fill=fill, overwrite=overwrite)
    if as_json:
        write_json({**_plain(found), "out": str(out)})
        return
    tell(found.warnings)
    typer.echo(str(out))


def _whole(every: str | None) -> int | None:
    """A width in whole seconds."""
    if every is None:
        return None
    from twin.core.errors import one
    from twin.engine.period import seconds

    width = seconds(every, "--every")
    if width != round(width):
        raise one(f"{width:g} s is not a whole number of seconds", path="--every")
    return round(width)


def _plain(found: Summary) -> dict[str, Any]:
    """A summary for ``--json``: the curve as begin, width and rates, gaps as null."""
    from twin.cli.output import problem_rows

    row = {key: value for key, value in _fields(found).items() if key not in ("curve", "warnings")}
    curve = found.curve.merged()
    rps = [None if gap else r for gap, r in zip(curve.gaps.tolist(), curve.rps.tolist(), strict=True)]
    row["curve"] = {"edges_s": curve.edges_s.tolist(), "rps": rps}
    return {**row, "warnings": problem_rows(found.warnings)}


def _fields(found: Summary) -> dict[str, Any]:
    """The fields of a summary; distributions as mappings."""
    names = found.__dataclass_fields__
    values = {name: getattr(found, name) for name in names}
    for name in ("input_tokens", "output_tokens"):
        values[name] = None if values[name] is None else asdict(values[name])
    return values


def _lines(found: Summary) -> list[tuple[str, str]]:
    lines = [("file", found.file), ("format", found.format), ("start", f"{found.start or '-'} ({found.zone})")]
    lines += [("span", f"{found.span_s:,.0f} s"), ("requests", f"{found.requests:,.0f}")]
    if found.failed:
        lines.append(("failed", f"{found.failed:,} (in no other figure)"))
    lines += [("mean rate", _rate(found.mean_rps)), ("peak rate", f"{_rate(found.peak_rps)} over {found.bin_s:,g} s")]
    if found.kind == "rate":
        lines.append(("gaps", f"{found.gaps} rows"))
        return lines
    tick = f"{found.tick_s:g} s, {100 * found.tied_share:.1f} % of the requests share one" if found.tick_s else "fine"
    lines += [("time resolution", tick), ("CV of the gaps", _number(found.gap_cv))]
    within = f", {found.fano_minute:.2f} within minutes" if found.fano_minute is not None else ""
    lines.append(("Fano factor at 1 s", _number(found.fano) + within))
    if found.prefix_hit_share is not None:
        lines.append(("prefix hits", f"{100 * found.prefix_hit_share:.1f} %"))
    return lines


def _tokens(found: Summary) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "mean", "p50", "p90", "p99", "longest")]
    for name, spread in (("input", found.input_tokens), ("output", found.output_tokens)):
        if spread is not None:
            values = (spread.mean, spread.p50, spread.p90, spread.p99, spread.longest)
            rows.append((name, *(f"{value:,.0f}" for value in values)))
    return rows


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}/s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
