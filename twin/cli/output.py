"""How every verb speaks: problems, JSON, aligned tables. Data on stdout, all else on stderr; no colour, no boxes."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from twin.core.errors import Problem

VIOLATED = 1
BAD_INPUT = 2
BUG = 70  # EX_SOFTWARE of sysexits.h: never taken for a violated constraint
INTERRUPTED = 130
BROKEN_PIPE = 141  # as a program ends that SIGPIPE ends


Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]


# Where a flag is not the argument's name.
FLAGS = {"start": "from", "end": "to", "recirculation_k": "recirculation", "lasting": "for"}


def flag(argument: str) -> str:
    """``--from`` for the argument ``start=``, ``--resume`` for ``resume=True``."""
    name = argument.partition("=")[0]
    return "--" + FLAGS.get(name, name).replace("_", "-")


# A full disk or quota under stdout is no fault of halltwin.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Packages that come with an extra only.
EXTRAS = {"msgspec": "mqtt", "paho": "mqtt", "mcap": "mqtt"}


def open_streams() -> None:
    """Put the null device where the caller has closed a standard stream (``>&-``): a verb then ends as it does else.

    The number of a stream that stays closed goes to the next file that is opened, and what we start would write there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: the stream's own
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


class Verbs(TyperGroup):
    """The top group: turns bad input, wrong usage, an interrupt, a closed pipe and a bug into exit codes."""

    _json = False

    def main(self, args: Sequence[str] | None = None, *rest: Any, **named: Any) -> Any:
        """Run the command line ``args``, which may be too wrong for ``--json`` to be parsed."""
        given = sys.argv[1:] if args is None else args
        self._json = "--json" in given
        try:
            return super().main(args, *rest, **named)
        except OSError as error:
            if not _unheard(error):
                raise
            _nowhere(sys.stdout)
            try:
                typer.echo(f"the answer cannot be written: {error.strerror}", err=True)
            except OSError:
                _nowhere(sys.stderr)
            sys.exit(BAD_INPUT)

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Read what stands before the verb."""
        with self._usage():
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that ``ctx`` names."""
        try:
            with self._usage():
                result = _spelled(super().invoke, ctx)
                sys.stdout.flush()
        except BrokenPipeError:
            _nowhere(sys.stdout)
            raise typer.Exit(BROKEN_PIPE) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if _usage_text(error) is not None or _unheard(error):
                raise
            problems = getattr(error, "problems", None)  # an InputError; its module is not imported for --help
            if isinstance(error, OSError) and error.errno in FULL:
                problems = [_unwritten(error)]
            if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in EXTRAS:
                problems = [_lacking(error)]
            if problems is None:
                traceback.print_exc()
                typer.echo("this is a fault of halltwin, not of the input: please report it with these lines", err=True)
                raise typer.Exit(BUG) from None
            if self._json:
                write_json({"valid": False, "problems": problem_rows(problems)})
            else:
                tell(problems)
            raise typer.Exit(BAD_INPUT) from None
        return result

    @contextmanager
    def _usage(self) -> Iterator[None]:
        """Tell Ctrl-C; wrong usage as JSON where that is asked for, else as Typer does, with the usage line."""
        try:
            yield
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            text = _usage_text(error)
            if text is None or not self._json:
                raise
            from twin.core.errors import Problem

            write_json({"valid": False, "problems": problem_rows([Problem("", text)])})
            raise typer.Exit(BAD_INPUT) from None


def _lacking(error: ModuleNotFoundError) -> Problem:
    """What to install where a package is not there that not everybody needs."""
    from twin.core.errors import Problem

    package = (error.name or "").split(".")[0]
    return Problem("", f'this needs the package {package}: pip install "halltwin[{EXTRAS[package]}]"')


def _unwritten(error: OSError) -> Problem:
    """Which file, of those that nobody has named, finds no room on its disk."""
    from twin.core.errors import Problem

    return Problem("", f"cannot be written: {error.strerror}", str(error.filename))


def _unheard(error: Exception) -> bool:
    """Whether stdout or stderr takes no more, for want of room."""
    return isinstance(error, OSError) and error.errno in FULL and error.filename is None


def _nowhere(stream: TextIO) -> None:
    """Python flushes a stream once more at exit: give it a place to write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _usage_text(error: Exception) -> str | None:
    """What Typer says of wrong usage, else None; the class is click's in some versions and Typer's in others."""
    say = getattr(error, "format_message", None)
    return None if say is None else str(say())


def _spelled(verb: Callable[[Any], Any], ctx: Any) -> Any:
    """Run a verb, in whose messages options are flags."""
    from twin.core.errors import spelled

    with spelled(flag):
        return verb(ctx)


def tell(problems: Iterable[Problem]) -> None:
    """Write problems to stderr, one a line: ``file:line:col: path: message``."""
    for problem in problems:
        typer.echo(str(problem), err=True)


def say_if_compiling() -> None:
    """Say on stderr why the first run of all takes longer."""
    from twin.core.jit import is_compiled, tell_compiling

    if not is_compiled():
        typer.echo("compiling the kernels once, about 20 s", err=True)
    tell_compiling(lambda words: typer.echo(words, err=True))


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


def number(text: str) -> int:
    """A whole number; other text as it is, for the checks of the run to refuse."""
    try:
        return int(text)
    except ValueError:
        return text  # type: ignore[return-value]


class Progress:
    """One line on a terminal, rewritten after each block; nothing in a pipe or a log."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._begin: tuple[float, int] | None = None

    def __call__(self, done: int, blocks: int) -> None:
        if not self._live:
            return
        now = time.monotonic()
        if self._begin is None:
            self._begin = (now, done)
        since, first = self._begin
        left = f", {_span((now - since) / (done - first) * (blocks - done))} left" if done > first else ""
        end = "\n" if done == blocks else ""
        sys.stderr.write(f"\r{100 * done // blocks:3d} %{left:<20}{end}")
        sys.stderr.flush()


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
