"""``twin calibrate``: what do my own meters say?"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import Json, table, tell, write_json

app = typer.Typer(help="Fit figures to your own measurements.", no_args_is_help=True, rich_markup_mode=None)
HEAD = ("parameter", "value", "90 % interval", "prior", "unit", "verdict")


@app.command()
def power(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="CSV or Parquet with the columns time, tokens_per_s, power_kw.")
    ],
    kind: Annotated[str, typer.Option("--kind", metavar="K", help="cs3 or gpu.")],
    systems: Annotated[float, typer.Option("--systems", help="Systems behind the meter.", min=1e-3)] = 1.0,
    most: Annotated[
        float | None,
        typer.Option("--most", metavar="TOK_S", help="Largest possible tokens/s behind the meter.", min=1e-9),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the intervals.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write a library entry (YAML).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
    as_json: Json = False,
) -> None:
    """Fit the power of a system to a meter log; say what the log can and cannot tell."""
    from dataclasses import asdict

    from twin.analysis.calibrate_power import calibrate_power, check_kind
    from twin.analysis.meter_log import read_meter_log
    from twin.core.errors import Faults, one

    if out is not None and out.exists() and not overwrite:
        raise one("is there already: --overwrite replaces it", file=str(out))
    faults = Faults()
    faults.of(check_kind, kind)
    read = faults.of(read_meter_log, log)
    faults.tell()
    assert read is not None
    tell(read.warnings)
    found = calibrate_power(read, kind, systems=systems, most_tokens_per_s=most, seed=seed)
    if out is not None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(found.yaml(), encoding="utf-8")
        except OSError as error:
            raise one(f"cannot be written: {error.strerror}", file=str(out)) from None
    if as_json:
        shown = {k: v for k, v in vars(found).items() if k not in ("draw", "estimates")}
        entry = found.draw.model_dump(exclude_none=True)
        write_json({**shown, "estimates": [asdict(e) for e in found.estimates], "entry": entry, "out": _text(out)})
        return
    typer.echo(f"{found.log}: {found.readings} readings every {found.interval_s:g} s, kind {kind}")
    rows = [
        (e.key, f"{e.value:.4g}", f"{e.low:.4g} .. {e.high:.4g}", f"{e.prior_low:.4g} .. {e.prior_high:.4g}", e.unit,
         e.verdict) for e in found.estimates
    ]  # fmt: skip
    typer.echo(table([HEAD, *rows], right=(1,), indent="  "))
    typer.echo("\n" + "\n".join(textwrap.fill(line, 118, subsequent_indent="  ") for line in found.says))
    if out is not None:
        typer.echo(f"\nWritten: {out} (put it into the library/draws folder beside your site)")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
