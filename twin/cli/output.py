"""How every verb speaks: problems, JSON, aligned tables. Data on stdout, all else on stderr; no colour, no boxes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from twin.core.errors import Problem

BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141  # as a program ends that SIGPIPE ends


def _remember(context: typer.Context, asked: bool) -> bool:
    context.meta["twin.json"] = asked
    return asked


Json = Annotated[bool, typer.Option("--json", callback=_remember, help="Write JSON to stdout.")]


class Verbs(TyperGroup):
    """The top group: turns bad input, an interrupt and a closed pipe into exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that ``ctx`` names."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at exit: give it a place to write to.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(BROKEN_PIPE) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except ValueError as error:
            problems = getattr(error, "problems", None)  # an InputError; its module is not imported for --help
            if problems is None:
                raise
            if ctx.meta.get("twin.json"):
                write_json({"valid": False, "problems": problem_rows(problems)})
            else:
                tell(problems)
            raise typer.Exit(BAD_INPUT) from None
        return result


def tell(problems: Iterable[Problem]) -> None:
    """Write problems to stderr, one a line: ``file:line:col: path: message``."""
    for problem in problems:
        typer.echo(str(problem), err=True)


def problem_rows(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems for ``--json``."""
    return [
        {
            "severity": "warning" if p.warning else "error",
            "file": p.file,
            "line": p.line,
            "col": p.col,
            "path": p.path,
            "message": p.message,
        }
        for p in problems
    ]


def write_json(data: Any) -> None:
    """Write data to stdout as JSON; a number that is not finite is an error, not ``NaN``."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def table(rows: Iterable[Sequence[object]], *, right: Iterable[int] = (), indent: str = "") -> str:
    """Rows as text in aligned columns; the columns ``right`` end at the right. Trailing blanks are cut."""
    cells = [[str(cell) for cell in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [max((len(row[i]) for row in cells if i < len(row)), default=0) for i in range(columns)]
    ends = set(right)
    lines = (
        "  ".join(c.rjust(widths[i]) if i in ends else c.ljust(widths[i]) for i, c in enumerate(row)) for row in cells
    )
    return "\n".join((indent + line).rstrip() for line in lines)
