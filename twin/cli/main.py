"""The command ``twin``: its verbs by name, one file each, and what happens to errors of all of them.

Nothing but Typer is imported until a verb runs, and of the verbs' own files only that of the verb which is asked for; a
verb is added by one line of ``VERBS``. ``EXIT_CODES`` are those of all verbs.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Annotated


@contextmanager
def _interruptible() -> Iterator[None]:
    """Tell Ctrl-C as the verbs do where it comes before any of them runs."""
    try:
        yield
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("interrupted\n")
        sys.exit(130)


with _interruptible():  # most of what a start takes
    import typer

    from twin.cli.output import Verbs, open_streams

# A module has either ``app`` (a Typer of several verbs) or ``command`` (one function); the help has the latter first.
VERBS = {
    "site": "twin.cli.site",
    "library": "twin.cli.library",
    "weather": "twin.cli.weather",
    "load": "twin.cli.load",
    "simulate": "twin.cli.simulate",
    "bands": "twin.cli.bands",
    "map": "twin.cli.map",
    "trace": "twin.cli.trace",
    "oneline": "twin.cli.oneline",
    "headroom": "twin.cli.headroom",
    "n1": "twin.cli.n1",
    "serve": "twin.cli.serve",
    "convert": "twin.cli.convert",
    "kpi": "twin.cli.kpi",
    "export": "twin.cli.export",
    "curtail": "twin.cli.curtail",
    "ramp": "twin.cli.ramp",
    "fail": "twin.cli.fail",
    "record": "twin.cli.record",
    "replay": "twin.cli.replay",
    "telemetry": "twin.cli.telemetry",
    "emulate": "twin.cli.emulate",
    "live": "twin.cli.live",
    "demo": "twin.cli.demo",
    "calibrate": "twin.cli.calibrate",
    "dashboard": "twin.cli.dashboard",
}

# A start makes some 200,000 objects that all stay. Python's own 700 has them looked through 600 times: 0.2 s of 2.5.
COLLECTED_EVERY = 20_000

EXIT_CODES = (
    "Exit codes: 0 ok, 1 a constraint is violated, 2 bad input, 70 a fault of halltwin itself, 130 interrupted, "
    "141 the reader closed the pipe."
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"halltwin {version('halltwin')}")
        except PackageNotFoundError:
            typer.echo("halltwin (not installed)")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold what stands before the verb."""


def command_line(names: Iterable[str]) -> typer.Typer:
    """The command line with these verbs of ``VERBS``."""
    made = typer.Typer(
        cls=Verbs,
        name="twin",
        help="The digital twin of power and cooling for AI campuses on mixed hardware.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        # Plain text: the same bytes in a terminal, a pipe and a log, and a quick --help.
        rich_markup_mode=None,
    )
    made.callback()(_options)
    for name in names:
        verbs = import_module(VERBS[name])
        if hasattr(verbs, "app"):
            made.add_typer(verbs.app, name=name)
        else:
            made.command(name)(verbs.command)
    return made


@cache
def _whole() -> typer.Typer:
    return command_line(VERBS)


def __getattr__(name: str) -> typer.Typer:
    """``app``, the command line with all verbs, is made when somebody asks for it."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _whole()


def main() -> None:
    """Run the command line of this process; a verb that stands first is the only one to be read in: 0.1 s of CPU."""
    with _interruptible():
        gc.set_threshold(COLLECTED_EVERY)
        open_streams()
        asked = sys.argv[1:2]
        (command_line(asked) if asked and asked[0] in VERBS else _whole())(prog_name="twin")


if __name__ == "__main__":
    main()
