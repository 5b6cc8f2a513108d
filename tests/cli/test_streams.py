"""Streams that take nothing, and Ctrl-C at the very begin: a verb ends with its own code, in few words."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import twin.cli.main
from dashboards.app import serve
from tests.cli.child import TWIN
from twin.cli.output import Verbs

ROOT = Path(__file__).resolve().parents[2]
# Stands in for a package that the command imports first, while which somebody presses Ctrl-C.
INTERRUPTED = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)\n"


def shell(redirected: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``twin`` with streams that a shell has redirected."""
    command = ["sh", "-c", f'exec "$0" "$@" {redirected}', *TWIN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("redirected", "arguments", "code"),
    [
        (">&-", ("site", "schema"), 0),
        ("<&- >&- 2>&-", ("nonsense", "--json"), 2),
        ("2>/dev/full", ("nonsense",), 2),
    ],
)
def test_a_stream_that_takes_nothing_changes_no_code(redirected, arguments, code):
    ended = shell(redirected, *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "")


def test_what_finds_no_room_is_told_whatever_writes_it():
    ended = shell(">/dev/full", "--version")
    assert (ended.returncode, ended.stderr) == (2, "the answer cannot be written: No space left on device\n")


def test_a_file_never_becomes_a_stream_that_was_closed():
    program = (
        "import os, twin.cli.output as o; o.open_streams(); print('lost'); f = open(os.devnull)\n"
        "os._exit(f.fileno() if all(map(os.get_inheritable, range(3))) else 99)"
    )
    command = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', TWIN[0], "-c", program]
    assert subprocess.run(command, check=False, timeout=60).returncode == 3


def test_an_interrupt_while_the_command_is_imported_is_told_in_a_word(tmp_path):
    (tmp_path / "typer.py").write_text(INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    ended = subprocess.run(TWIN, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(("owner", "name"), [(twin.cli.main, "command_line"), (Verbs, "parse_args")])
def test_an_interrupt_before_a_verb_runs_is_told_in_a_word(owner, name, monkeypatch, capsys):
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, name, interrupted)
    monkeypatch.setattr("sys.argv", ["twin", "kpi"])
    with pytest.raises(SystemExit) as end:
        twin.cli.main.main()
    assert (end.value.code, capsys.readouterr().err) == (130, "interrupted\n")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError()])
def test_a_page_whose_address_cannot_be_told_is_not_served(error):
    stop = threading.Event()
    feed: Any = None  # nobody opens it

    def show(url: str) -> None:
        stop.set()  # so that it ends, whatever becomes of the error
        raise error

    # In a thread: other tests leave the loop of a browser running in this one.
    with ThreadPoolExecutor(1) as beside, pytest.raises(type(error)):
        beside.submit(serve, feed, show=show, stop=stop).result()
