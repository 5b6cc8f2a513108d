"""Input errors that carry a place: every problem at once, as ``file:line:col: path: message``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in an input.

    ``path`` is the dotted place inside the document (``buildings.B1.halls.H2.template``), ``line`` and ``col`` are
    1-based positions in ``file`` where they are known.
    """

    path: str
    message: str
    file: str | None = None
    line: int | None = None
    col: int | None = None
    warning: bool = False

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.col) if part is not None)
        kind = "warning: " if self.warning else ""
        return ": ".join(part for part in (place, self.path, kind + self.message) if part)


class InputError(ValueError):
    """Bad input: holds every :class:`Problem` that was found. The command line ends with exit code 2."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StoppedError(RuntimeError):
    """The run was interrupted between two blocks; its store is valid and ``resume`` continues it."""


def one(message: str, *, path: str = "", file: str | None = None) -> InputError:
    """An :class:`InputError` with a single problem."""
    return InputError([Problem(path, message, file)])


class Faults:
    """Gathers the problems of several checks, so that all of them are told at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def of(self, check: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
        """What ``check`` returns; None, and its problems are kept, where it raises an :class:`InputError`."""
        try:
            return check(*args, **named)
        except InputError as error:
            self.problems += error.problems
            return None

    def tell(self) -> None:
        """Raise everything that was found, once; nothing where nothing was."""
        if self.problems:
            raise InputError(list(dict.fromkeys(self.problems)))


def _as_argument(argument: str) -> str:
    return argument


_SPELLING: ContextVar[Callable[[str], str]] = ContextVar("spelling", default=_as_argument)


def option(argument: str) -> str:
    """An option in the words of who asked: ``step=`` or ``resume=True`` in Python, flags on the command line."""
    return _SPELLING.get()(argument)


@contextmanager
def spelled(spelling: Callable[[str], str]) -> Iterator[None]:
    """Let :func:`option` spell arguments by ``spelling``: the command line has flags, and its own names for some."""
    before = _SPELLING.set(spelling)
    try:
        yield
    finally:
        _SPELLING.reset(before)


@contextmanager
def renamed(**arguments: str) -> Iterator[None]:
    """Let :func:`option` name arguments of what is called as the caller has them: ``renamed(start="at")``."""
    before = _SPELLING.get()

    def spelling(argument: str) -> str:
        name, sign, value = argument.partition("=")
        return before(arguments.get(name, name) + sign + value)

    with spelled(spelling):
        yield


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``'; did you mean "x"?'`` when a known name is close to ``name``, else the empty string."""
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is close to ``name``, else the empty string."""
    names = [str(k) for k in known]
    folded = {k.lower(): k for k in names}
    close = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.55)
    return folded[close[0]] if close else ""
