"""``twin simulate``: what do this site, weather and load become in power, temperatures and headroom?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.output import INTERRUPTED, VIOLATED, Json, Progress, number, say_if_compiling, write_json

if TYPE_CHECKING:
    from twin.engine.options import Asked
    from twin.engine.scenario import Written

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site file, or the name of a shipped site.")]
Weather = Annotated[
    str | None, typer.Option(metavar="W", help="A shipped year or an EPW or TMY3 file; default: the site's.")
]
Start = Annotated[
    str | None,
    typer.Option("--from", metavar="D", help="First instant (ISO 8601, UTC); default: the first year with all halls."),
]
End = Annotated[str | None, typer.Option("--to", metavar="D", help="End of the period; default: a year later.")]
Step = Annotated[str, typer.Option(metavar="S", help="Time step, as 60s, 5min or 1h.")]
Every = Annotated[str | None, typer.Option(metavar="S", help="Output interval; default: 1h, 1min for less than a day.")]
Level = Annotated[str, typer.Option(metavar="L", help="Record down to site, hall, cdu or rack.")]
Load = Annotated[str | None, typer.Option(metavar="NAME", help="Put all halls on this load of the site, or on full.")]
Scenario = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Warmer or colder days of a scenario file, or of a shipped one, as heat-wave."),
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the results; default: runs/<site>.zarr.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an unfinished run.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run that is there.")]
# Text, so that a fault in them is told together with all others.
Seed = Annotated[str, typer.Option(metavar="N", help="Seed of the racks' spread and wander.")]
Threads = Annotated[str | None, typer.Option(metavar="N", help="Threads; default: all cores.")]
Bands = Annotated[
    bool, typer.Option("--bands", help="Add the P10-P90 of what is unknown (64 reduced runs in hour steps).")
]
NoPage = Annotated[bool, typer.Option("--no-page", help="Write no page (<out>.html) of the results.")]


def command(
    site: Site,
    weather: Weather = None,
    start: Start = None,
    end: End = None,
    step: Step = "5min",
    every: Every = None,
    level: Level = "hall",
    load: Load = None,
    scenario: Scenario = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    seed: Seed = "0",
    threads: Threads = None,
    bands: Bands = False,
    no_page: NoPage = False,
    as_json: Json = False,
) -> None:
    """Simulate a site; the results are a Zarr store that xarray opens, a summary and a page."""
    from twin.cli.climate import warnings_of
    from twin.core.errors import Faults
    from twin.engine.options import ask
    from twin.engine.target import check_out
    from twin.site.load import load_site

    faults = Faults()
    loaded = faults.of(load_site, site)
    asked = faults.of(
        ask,
        loaded or site,  # a site at fault is read again, to tell what else is
        weather=weather,
        start=start,
        end=end,
        step=step,
        every=every,
        level=level,
        seed=number(seed),
        threads=None if threads is None else number(threads),
        load=load,
        scenario=None if scenario is None else faults.of(_scenario, scenario),
    )
    target = out if out or loaded is None else Path("runs", f"{loaded.site.name}.zarr")
    if bands and asked:
        faults.of(_whole_hours, asked)
    if target:
        faults.of(check_out, target, resume=resume, overwrite=overwrite)
        if not (no_page or overwrite or resume):
            faults.of(_page_is_new, _page_of(target))
    faults.tell()
    assert loaded is not None
    assert asked is not None
    assert target is not None
    for warning in warnings_of(loaded, weather):
        _say(str(warning))
    _run(asked, target, resume=resume, overwrite=overwrite)
    _report(target, _bands(asked) if bands else None, page=not no_page, as_json=as_json)


def _run(asked: Asked, target: Path, *, resume: bool, overwrite: bool) -> None:
    """Simulate into the folder ``target``."""
    from twin.core.errors import StoppedError
    from twin.engine.simulate import run

    say_if_compiling()
    try:
        run(asked, target, resume=resume, overwrite=overwrite, progress=Progress(), note=_say)
    except StoppedError as stopped:
        _say(str(stopped))
        raise typer.Exit(INTERRUPTED) from None


def _scenario(name: str) -> Written:
    from twin.engine.scenario import load_scenario

    written = load_scenario(name)
    if written.faults or any(item.change == "smoke" for _, item in written.weather):
        _say(f"{written.name}: only its warmer or colder days count here, its faults are followed by twin fail")
    return written


def _whole_hours(asked: Asked) -> None:
    from twin.engine.ensemble import hourly

    hourly(asked)


def _bands(asked: Asked) -> dict[str, Any]:
    """Bands of the same site, period, weather, load and seed."""
    from twin.analysis.bands import dataset
    from twin.analysis.bands_text import told
    from twin.analysis.headline import headline_numbers
    from twin.engine.ensemble import run_ensemble

    _say("bands: 64 reduced runs in hour steps")
    return told(dataset(run_ensemble(asked, headline_numbers, progress=Progress())))


def _page_is_new(page: Path) -> None:
    from twin.core.errors import one

    if page.exists():
        raise one("is there already: choose another --out, or use --overwrite or --no-page", file=str(page))


def _report(path: Path, bands: dict[str, Any] | None, *, page: bool, as_json: bool) -> None:
    """Summary on stdout, page beside the store, exit code 1 where a constraint is violated."""
    from twin.analysis.damage import telling_damage
    from twin.analysis.dataset import open_run
    from twin.analysis.kpi import summary
    from twin.analysis.summary_text import render

    html = _page_of(path) if page else None
    with telling_damage(path):
        found: dict[str, Any] = {**summary(open_run(path)), **({"bands": bands} if bands else {})}
        if html is not None:
            from dashboards.report import write_page

            write_page(path, html)
    if as_json:
        write_json({**found, "run": str(path), "page": str(html) if html else None})
    else:
        typer.echo(render(found))
        typer.echo(f"results  {path}" + (f"\npage     {html}" if html else ""))
    if found["violations"]:
        raise typer.Exit(VIOLATED)


def _page_of(run: Path) -> Path:
    """Where the page of a run lies: beside its store."""
    return run.with_name(f"{run.name.removesuffix('.zarr')}.html")


def _say(text: str) -> None:
    typer.echo(text, err=True)
