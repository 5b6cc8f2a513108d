"""``twin demo``: everything at once on this machine, and nothing left when it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cli.child import TWIN, twin
from tests.telemetry.until import until

ALIVE_S = 120.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo that is open, its URL, and what it said until then."""
    command = [*TWIN, "demo", "oklahoma-10", "--at", "2028-07-01T18:00", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path_factory.mktemp("demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("Open "):
                break
        yield process, said[-1].split()[1], said
        process.kill()


def mode(url: str) -> str | None:
    """What the page says of itself."""
    found: dict[str, str | None] = {"mode": None}
    # It answers 503 before the first frame, and late on a busy machine.
    with suppress(HTTPError, TimeoutError), urlopen(url + "healthz", timeout=10.0) as answer:
        found = json.load(answer)
    return found["mode"]


def children(of: int) -> set[int]:
    """Processes below one."""
    found, todo = set(), [of]
    while todo:
        parent = todo.pop()
        with suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{parent}/task/{parent}/children") as listed:
            below = [int(pid) for pid in listed.read().split()]
            found |= {*below}
            todo += below
    return found


def test_the_page_comes_alive_and_all_of_it_ends_at_ctrl_c(demo):
    process, url, said = demo
    assert url.startswith("http://127.0.0.1:")
    assert any("176 racks" in line for line in said)
    assert until(lambda: mode(url) == "LIVE", ALIVE_S)
    below = children(process.pid)
    assert len(below) >= 4  # broker and facility, each with its guard
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=ALIVE_S)
    assert process.returncode == 0
    assert "the facility has ended" not in err
    told = json.loads(out)
    assert told["mode"] == "LIVE"
    assert told["bound"]["rack_power"] == 176
    assert told["state"]["rejects"] == {}
    assert until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below))


def test_all_that_is_wrong_is_told_before_anything_starts(tmp_path):
    ended = twin("demo", "oklahoma-1", "--port", "99999", "--at", "noon", "--for", "long", cwd=tmp_path)
    assert ended.returncode == 2
    for words in ('there is no site "oklahoma-1"', "--port: 99999", '--for: "long"', '--at: "noon"'):
        assert words in ended.stderr
    assert "did you mean" in ended.stderr or "oklahoma-10" in ended.stderr
