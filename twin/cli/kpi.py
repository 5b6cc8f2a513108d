"""``twin kpi``: what did a run come to?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.output import VIOLATED, Json, write_json


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    as_json: Json = False,
) -> None:
    """Show the key figures of a run; exit code 1 where a constraint was violated."""
    from twin.analysis.damage import check_run, telling_damage

    check_run(run)
    from twin.analysis.dataset import open_run
    from twin.analysis.kpi import summary
    from twin.analysis.summary_text import render

    with telling_damage(run):
        found = summary(open_run(run))
    if as_json:
        write_json({**found, "run": str(run)})
    else:
        typer.echo(render(found), nl=False)
    if found["violations"]:
        raise typer.Exit(VIOLATED)
