"""The Sparkplug client of npm over a real Mosquitto: all its types are understood, births come when they are asked for.

Needs node and npm (`apt-get install nodejs npm`): where they are missing these tests fail.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetry.address import ANONYMOUS, parse_address
from telemetry.batch import Quality
from telemetry.brokers import Running, start
from telemetry.clock import NS
from telemetry.decode import make
from telemetry.ingest.run import Run, Wish
from tests.telemetry.client import Client
from tests.telemetry.edge_js import EdgeNode
from tests.telemetry.until import until


class Host:
    """A recording of what the edge node says, with its state."""

    def __init__(self, broker: Running, folder: Path, rebirth: str, version: int) -> None:
        decoder = make("sparkplug", {"rebirth": rebirth})
        address = parse_address(f"mqtt://127.0.0.1:{broker.port}")
        wish = Wish(address, ANONYMOUS, decoder, "sparkplug", folder, version=version)
        self.said: list[str] = []
        self.decoder, self.run, self._stop = decoder, Run(wish, self.said.append), threading.Event()
        self._thread = threading.Thread(target=self.run.go, args=(self._stop, None, lambda run: None), daemon=True)
        self._thread.start()
        with Client(broker.port, "probe") as probe:
            assert until(lambda: self._comes(probe))

    def _comes(self, probe: Client) -> bool:
        """Whether something came, which it does when the subscription stands."""
        probe.publish([("spBv1.0/g/NDEATH/probe", b"")], 1)
        return self.run.ingest.messages > 0

    def now(self, later_s: float = 0.0) -> dict[str, tuple[float, Quality]]:
        """Value and quality of every point, by the name of its metric."""
        state = self.run.pipeline.state
        with state.lock:
            view = state.view(state.clock.now_ns() + round(later_s * NS))
            points = list(self.decoder.points)
        return {p.identity.split(":")[1]: (float(view.value[i]), Quality(int(view.quality[i])))
                for i, p in enumerate(points)}  # fmt: skip

    def has(self, name: str, value: float, quality: Quality = Quality.GOOD) -> bool:
        """Whether a point comes to a value of this quality."""

        def there() -> bool:
            found, graded = self.now().get(name, (math.inf, Quality.UNKNOWN))
            return graded == quality and (math.isclose(found, value) or (math.isnan(found) and math.isnan(value)))

        return until(there)

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = self.run.told()["sources"]
        return told

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


@contextmanager
def host(broker: Running, folder: Path, rebirth: str = "never", version: int = 4) -> Iterator[Host]:
    made = Host(broker, folder, rebirth, version)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def edge(broker: Running) -> Iterator[EdgeNode]:
    with EdgeNode(f"mqtt://127.0.0.1:{broker.port}") as made:
        assert made.hears("connected")
        yield made


@contextmanager
def born(broker: Running) -> Iterator[EdgeNode]:
    """An edge node whose births the broker has passed on, to nobody of ours."""
    with edge(broker) as node, Client(broker.port, "witness") as witness:
        witness.subscribe("spBv1.0/g/DBIRTH/#", 0)
        node.does("birth")
        assert witness.receives(1)
        yield node


BORN = {
    "Load": 0.5, "Float": 24.5, "Power": 41_250.0, "Int8": -5.0, "Int16": -30_000.0, "Int32": -42.0,
    "Int64": -4503599627370497.0, "UInt8": 251.0, "UInt16": 65_535.0, "UInt32": 4294967295.0,
    "UInt64": 4503599627370497.0, "Boolean": 1.0, "DateTime": 1743620423.123, "Template/in": 3.0,
    "Least8": -128.0, "Least16": -32_768.0, "Least32": -2147483648.0, "Most32": 2147483647.0,
    "Largest": 9007199254740991.0,
}  # fmt: skip
NO_VALUES = {"Null", "NaN", "Infinity"}


@pytest.mark.parametrize("birth", ["birth", "packed-birth"])
def test_all_types_births_data_packed_bodies_and_deaths(broker, tmp_path, birth):
    with host(broker, tmp_path) as heard, edge(broker) as node:
        node.does(birth)
        assert heard.has("DateTime", 1743620423.123)
        told = heard.now()
        good = {name: value for name, (value, quality) in told.items() if quality == Quality.GOOD}
        assert good == pytest.approx(BORN, rel=1e-15)
        assert {name for name, (_, quality) in told.items() if quality == Quality.NO_VALUE} == NO_VALUES
        assert set(told) == {*BORN, *NO_VALUES}
        node.does("data")
        assert heard.has("Power", 42_500.0)
        assert heard.has("Int8", -6.0)
        assert heard.has("UInt64", 4503599627370499.0)
        assert heard.has("Load", 0.75)
        assert heard.has("Float", 30.25, Quality.BAD)
        node.does("member")
        assert heard.has("Template/in", 4.0)
        node.does("history", "packed")
        assert heard.has("Power", 43_500.0)
        node.does("gzip")
        assert heard.has("Power", 44_500.0)
        node.does("device-death")
        assert heard.has("Power", math.nan, Quality.BAD)
        assert heard.has("Load", 0.75)
        node.kill()
        assert heard.has("Load", math.nan, Quality.BAD)
        counts = heard.run.pipeline.state.counts
        assert (counts.rejects, counts.historical, counts.late, counts.quarantined) == ({}, 1, 0, 0)
        sources = heard.told
        assert [sources[word] for word in ("dead", "lost", "missing", "copies")] == [1, 0, 0, 0]
        assert sources["unread"] == {"no number": 6}  # three texts, bytes, a file, a data set


@pytest.mark.parametrize("version", [4, 5])
def test_a_host_that_comes_late_asks_for_births_and_a_clean_stop_leaves_stale_values(broker, tmp_path, version):
    with born(broker) as node, host(broker, tmp_path, "on_unknown", version) as heard:
        node.does("data")
        assert node.hears("rebirth")
        assert heard.has("Power", 41_250.0)
        node.does("data")
        assert heard.has("Power", 42_500.0)
        assert any(words.startswith("asking g/js for its birth") for words in heard.said)
        assert (heard.told["waiting"], heard.told["rebirths_asked"]) == (0, 1)
        node.does("stop")
        assert node.hears("closed")
        until(lambda: heard.told["dead"] == 1, 0.3)
        assert heard.told["dead"] == 0  # this client says nothing when it leaves
        assert heard.now()["Power"] == (42_500.0, Quality.GOOD)
        assert heard.now(later_s=260.0)["Power"] == (42_500.0, Quality.STALE)


def test_a_host_that_may_not_ask_waits_and_says_so(broker, tmp_path):
    with born(broker) as node, host(broker, tmp_path) as heard:
        node.does("data")
        assert until(lambda: heard.told.get("waiting") == 1 and heard.decoder.dropped == 5)
        assert heard.told["rebirths_asked"] == 0
        assert len(heard.decoder.points) == 0
