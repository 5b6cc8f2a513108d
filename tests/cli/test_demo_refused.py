"""``twin demo`` where something is refused or ends by itself: all ends, with the reason and nothing that follows."""

from __future__ import annotations

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboards import demo
from dashboards.demo import Demo, check, run
from telemetry.brokers import start as start_broker
from telemetry.emulate.virtual import STANDS
from tests.cli.child import twin
from twin.core.errors import InputError
from twin.core.jit import cache_folder
from twin.engine.period import instant
from twin.site.load import load_site
from twin.site.lower import local_midnight

# What takes the place of the virtual facility. Only the first says that it stands, upon which the page is shown.
STAYS = f"import sys, time; print('{STANDS}a', file=sys.stderr, flush=True); time.sleep(60)"
DIES = "import os, sys; print('faults none asked for', file=sys.stderr); os.kill(os.getpid(), 9)"
REFUSES = "import os, sys; print('no such fault', file=sys.stderr); sys.exit(2)"
BREAKS = "import os, sys; print('cache', os.environ['HALLTWIN_CACHE'], file=sys.stderr); sys.exit(70)"


def test_a_fault_of_nothing_ends_all_with_the_facilitys_own_words(tmp_path):
    done = twin("demo", "oklahoma-10", "--port", "0", "--fault", "okc/hall-1/cdu-99:facility", cwd=tmp_path)
    assert done.returncode == 2
    assert 'is called "okc/hall-1/cdu-99"; did you mean' in done.stderr
    assert "Traceback" not in done.stderr
    assert "http://" not in done.stderr


# Tornado leaves a socket that could not be bound to the collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_faults_a_taken_port_and_a_place_for_no_run_are_told_before_anything_starts(tmp_path):
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wanted = Demo("oklahoma-10", port=port, faults=("x", "bms:offline@soon"), out=tmp_path / "file" / "run")
        with pytest.raises(InputError) as error:
            check(wanted)
    for words in (f"port {port} is in use", '"soon" is no length', '"x"', "cannot be written: Not a directory"):
        assert words in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("site", ["oklahoma-10", "prairie-750"])
def test_without_a_date_all_halls_have_power_where_twin_and_facility_stand(site):
    at = check(Demo(site, at=None)).at
    assert at is not None
    loaded = load_site(site).site
    days = [hall.energised_on for building in loaded.buildings.values() for hall in building.halls.values()]
    assert instant(at, "at") >= local_midnight(max(days), loaded.utc_offset_h)


@pytest.mark.parametrize(
    ("facility", "broker_dies", "told"),
    [
        (STAYS, True, ["the broker has ended: killed by signal 9"]),
        (DIES, False, ["the facility has ended: killed by signal 9"]),
        (REFUSES, False, ["no such fault"]),
        (BREAKS, False, ["the facility has ended: exit code 70", f"cache {cache_folder().parents[1]}"]),
    ],
    ids=["the broker is killed", "the facility is killed", "the facility refuses", "the facility breaks"],
)
def test_where_a_part_ends_by_itself_all_ends_with_the_reason_alone(tmp_path, monkeypatch, facility, broker_dies, told):
    (tmp_path / "stand_in.py").write_text(facility)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(demo, "COMMAND", "stand_in")
    brokers, shown = [], []

    def start(*given):
        brokers.append(start_broker(*given))
        return brokers[0]

    def show(url):
        shown.append(url)
        if broker_dies:
            os.kill(brokers[0].pid, signal.SIGKILL)

    monkeypatch.setattr(demo, "start", start)
    wanted = Demo("oklahoma-10", at="2028-07-01T18:00", lasting_s=40.0)
    say = list[str]().append
    # In a thread: the browser of other tests has its loop in this one, and a thread has but one.
    with ThreadPoolExecutor(1) as beside, pytest.raises(InputError) as error:
        beside.submit(run, wanted, tmp_path, threading.Event(), say=say, show=show).result()
    lines = str(error.value).splitlines()
    assert len(lines) == len(told)
    assert all(words in line for words, line in zip(told, lines, strict=True))
    assert not brokers[0].alive
    assert len(shown) == broker_dies
