"""Every number that the live page shows is that of the store, which is read here by its own layout, by nothing of ours.

A facility that serves two classes at other rates, seen through sensors with errors, has been lived through into a run.
A number on the page that no test here knows is a failure too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Browser

from dashboards.feed import RunFeed
from telemetry.clock import NS
from telemetry.live.frame import Floats, Topology
from telemetry.message import Message
from tests.browser.read_page import Seen, Wanted, differs, looked
from tests.browser.served import complaints, served, visited
from tests.telemetry.heard import START_NS, emulated
from tests.telemetry.lived import Lived
from twin.engine.serve_load import serve_load
from twin.site.load import load_site

AT, LASTING_S, EVERY_S = "2024-07-01T12:00", 60.0, 5.0
HALL, RACK = "az/forty", "az/forty/r-2/02"
OFFSET_S = -5 * 3600
# The air that comes back: in one hall it is never told, in the other it is lost after a while.
NEVER, LOST = "az/five/air/Return", "az/forty/air/Return"
LOST_NS = START_NS + 20 * NS
KINDS = ("cooling", "power")


def spoilt(messages: list[Message]) -> Iterator[Message]:
    """The messages without some values, and with bad ones."""
    for message in messages:
        if "/Value/" in message.topic and message.topic.endswith(NEVER):
            continue
        if "/Value/" in message.topic and message.topic.endswith(LOST) and message.received_ns >= LOST_NS:
            bad = json.dumps({**json.loads(message.payload), "quality": 0}).encode()
            yield Message(message.topic, bad, message.received_ns, message.sequence, 0, message.retain)
        else:
            yield message


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> tuple[Path, Topology]:
    """The run of a minute of a live twin, and its items."""
    folder: Path = tmp_path_factory.mktemp("numbers") / "run"
    site = serve_load(load_site("azure-dgx"), ["conversation-5=24", "conversation-40=60"]).loaded
    messages = spoilt(emulated(LASTING_S, site=site, at=AT, sensors="typical", seed=3)[1])
    twin = Lived(list(messages), site, LASTING_S, at=AT, out=folder, every=EVERY_S)
    return folder, twin.session.topology


class Store:
    """The last interval of a run and those before it."""

    def __init__(self, folder: Path, topology: Topology) -> None:
        self.simulated = xr.open_zarr(folder).load()
        self.groups = {name: xr.open_zarr(folder, group=name).load() for name in ("measured", "residual", "age")}
        self.racks, self.halls, self.rated_w = (
            self.labels("rack"), self.labels("hall"), topology.rack_rated_w[topology.racks.index(RACK)]
        )  # fmt: skip
        self.names = [*self.racks, *self.halls, *self.labels("workload"), str(self.simulated.attrs["title"])]

    def line(self, name: str, group: str = "", item: int | None = None) -> Floats:
        """A variable over time."""
        found: Floats = (self.groups[group] if group else self.simulated)[name].values.astype(np.float64)
        return found if item is None else found[:, item]

    def now(self, name: str, group: str = "", item: int | None = None) -> Any:
        """A variable at the last interval."""
        return self.line(name, group, item)[-1]

    def labels(self, name: str) -> list[str]:
        """Names of the items."""
        return [str(label) for label in self.simulated[name].values]

    def clock(self, at: int, shift_s: float = OFFSET_S) -> str:
        """The end of an interval as people write it."""
        end = self.simulated["time"].values[at].astype("M8[s]") + np.timedelta64(int(shift_s), "s")
        return str(end).replace("T", " ")

    def binding(self, kind: str, hall: int) -> str:
        """What binds a hall, by the meanings that the store has of the code."""
        array = self.simulated[f"hall_{kind}_binding"]
        attrs = array.attrs
        names = dict(zip(attrs["flag_values"], attrs["flag_meanings"].split(), strict=True))
        return str(names[array.values[-1, hall]]).replace("_", " ")


@pytest.fixture(scope="module")
def store(lived) -> Store:
    return Store(*lived)


@pytest.fixture(scope="module")
def seen(browser: Browser, lived, store) -> Iterator[dict[str, Seen]]:
    """The page at the last interval: of the campus, and with a rack chosen and its hall coloured by temperature."""
    feed = RunFeed(lived[0])
    for what, value in (("seek", "1"), ("pause", "")):
        feed.transport.do(what, value)
    feed.start()
    chosen = f"?hall={HALL}&rack={RACK}&metric=rack_temperature:simulated"
    with served(feed) as url:
        page, heard = visited(browser, url)
        points = store.simulated.sizes["time"]
        yield {"campus": looked(page, url, points), "rack": looked(page, url + chosen, points)}
        page.close()
    feed.stop()
    assert complaints(heard, url) == []


def headroom(s: Store) -> tuple[dict[str, Floats], list[int]]:
    """Headroom of the halls, and the halls by it."""
    rooms = {kind: s.now(f"hall_{kind}_headroom") for kind in KINDS}
    return rooms, [int(hall) for hall in np.argsort(np.fmin(rooms["cooling"], rooms["power"]))]


def rates(s: Store) -> dict[str, Floats]:
    """Tokens and requests by class, over all pools."""
    return {what: np.nansum(s.now(f"pool_{what}_rate"), axis=0) for what in ("token", "served")}


def beside(s: Store, name: str) -> Wanted:
    """What stands beside a measured value: the model's, where there is a difference between them to be seen."""
    residual = s.now(name, "residual")
    return "drives the model" if np.isnan(residual) else ("simulated #", s.now(name))


def everywhere(s: Store) -> dict[str, Wanted]:
    """What stands on the page whatever is chosen."""
    meter, it, model = s.now("site_power", "measured"), s.now("site_it_power", "measured"), s.now("site_power")
    contract, (rooms, halls), by_class = s.now("contract_power"), headroom(s), rates(s)
    lost, never = (sum(counts) for counts in zip(*((q.lost, q.never) for q in quantities(s)), strict=True))
    found: dict[str, Wanted] = {
        "": ("@",),
        "when": f"{s.clock(-1)} UTC-5 · azure-dgx · the model stands at "
        f"{s.clock(-1, s.simulated.attrs['model_shift_s'] + OFFSET_S)[:16]}",
        "age": ("#", s.now("data_age")),
        "replay-first": s.clock(0)[11:],
        "replay-last": s.clock(-1)[11:],
        "meter-value": ("#", meter),
        "meter-beside": beside(s, "site_power"),
        "meter-note": ("# of # contract", meter / contract, contract),
        "it-value": ("#", it),
        "it-beside": beside(s, "site_it_power"),
        "it-note": ("# of # racks measured", np.isfinite(s.now("rack_power", "measured")).sum(), len(s.racks)),
        "pue-value": ("#", meter / it),
        "pue-beside": ("simulated #", model / s.now("site_it_power")),
        "pue-note": ("cooling #, losses #", s.now("site_cooling_power"), s.now("site_electrical_loss")),
        "room-value": ("#", min(room.min() for room in rooms.values())),
        "token-value": ("#", by_class["token"].sum()),
        "outdoor-value": ("#", s.now("outdoor_dry_bulb_temperature", "measured")),
        "outdoor-beside": beside(s, "outdoor_dry_bulb_temperature"),
        "outdoor-note": ("wet bulb #", s.now("outdoor_wet_bulb_temperature", "measured")),
        "heat-legend": ("above rated power by more than #", 0.01),
        "room-by-hall-finding": ("# of # halls", len(s.halls), len(s.halls)),
        "tokens": ("@@",),
        "ages-finding": ("newest reading # old; ▲ # lost; # never came", s.now("data_age"), lost, never),
    }
    for i, hall in enumerate(halls):
        found |= {f"room-by-hall-{i}-{kind}-what": ("#", rooms[kind][hall]) for kind in KINDS}
    for i in range(len(by_class["token"])):
        found |= {f"tokens-{i}-rate": ("#", by_class["token"][i]), f"tokens-{i}-served": ("#", by_class["served"][i])}
    return found


class Quantity(NamedTuple):
    """One that is measured: its points, how many are known, lost, never heard of, driving; age of the oldest, s."""

    name: str
    points: int
    known: int
    lost: int
    never: int
    drive: int
    oldest_s: float


def quantities(s: Store) -> list[Quantity]:
    """In the order of the page."""
    found, measured = [], s.groups["measured"]
    for name in sorted(map(str, measured.data_vars), key=lambda n: (not n.startswith(("site", "outdoor")), n)):
        value, residual, age = (np.ravel(s.now(name, group)) for group in ("measured", "residual", "age"))
        known, came = np.isfinite(value), np.isfinite(age)
        lost, never, drive = (int(which.sum()) for which in (came & ~known, ~came & ~known, known & np.isnan(residual)))
        text, oldest_s = str(measured[name].attrs["long_name"]), float(age[known].max(initial=-np.inf))
        if name == "hall_it_power":
            text += ", by hall"  # the site's is called alike
        found.append(Quantity(text[0].upper() + text[1:], len(value), int(known.sum()), lost, never, drive, oldest_s))
    return found


def widths(s: Store) -> dict[str, float]:
    """How long the bars are."""
    (rooms, halls), tokens = headroom(s), rates(s)["token"]
    longest = max(room.max() for room in rooms.values())
    found = {"meter-bar": s.now("site_power", "measured") / s.now("contract_power")}
    found |= {f"room-by-hall-{i}-{kind}": rooms[kind][h] / longest for i, h in enumerate(halls) for kind in KINDS}
    return found | {f"tokens-{i}-bar": rate / tokens.max() for i, rate in enumerate(tokens)}


def tables(s: Store) -> dict[str, list[list[Wanted]]]:
    """Rows of the tables that are the same whatever is chosen."""
    rooms, halls = headroom(s)
    ages: list[list[Wanted]] = [
        [q.name, ("# of #", q.known, q.points), ("#", q.oldest_s) if q.known else "–",
         ("▲ #", q.lost) if q.lost else "none",
         "–" if not q.known else "drives" if q.drive == q.known else "compared"]
        for q in quantities(s)
    ]  # fmt: skip
    return {
        "room-by-hall-table": [
            [s.halls[h], *(cell for kind in KINDS for cell in (("#", rooms[kind][h]), s.binding(kind, h)))]
            for h in halls
        ],
        "ages-table": ages,
    }


def trend(s: Store, name: str, item: int | None = None) -> list[list[Wanted]]:
    """Rows of the table behind the trend, the newest first."""
    sides = s.line(name, "measured", item), s.line(name, "", item), s.line(name, "residual", item)
    return [
        [s.clock(at), ("#", sides[0][at]), ("#", sides[1][at]),
         "drives the model" if np.isnan(sides[2][at]) else ("#", sides[2][at])]
        for at in reversed(range(len(sides[0])))
    ]  # fmt: skip


def since(s: Store, words: str, *numbers: float) -> Wanted:
    """A sentence about the trend, with how long it is and until when not all was heard."""
    heard = s.clock(int(np.flatnonzero(s.simulated["early"].values)[-1]))[11:]
    last = f"{words}; the last #; until #:#:# not all was heard"
    return (last, *numbers, LASTING_S - EVERY_S, *map(int, heard.split(":")))


def check(s: Store, page: Seen, texts: dict[str, Wanted], rows: dict[str, list[list[Wanted]]], name: str,
          item: int | None = None) -> None:  # fmt: skip
    """Compare all that was seen: nothing is missing, nothing is there besides."""
    said = [wrong for id, text in page["texts"].items() for wrong in differs(id, text, texts.get(id, "?"), s.names)]
    assert (said, texts.keys() - page["texts"].keys()) == ([], set())
    assert page["widths"] == pytest.approx(widths(s), abs=6e-4)
    assert page["tables"].keys() == rows.keys()
    for table, wanted in rows.items():
        shown = page["tables"][table]
        assert [len(row) for row in shown] == [len(row) for row in wanted], table
        pairs = [(a, b) for given, due in zip(shown, wanted, strict=True) for a, b in zip(given, due, strict=True)]
        assert [wrong for a, b in pairs for wrong in differs(table, a, b, s.names)] == []
    ends = s.simulated["time"].values.astype("M8[ms]").astype(np.int64) + 1e3 * OFFSET_S
    np.testing.assert_array_equal(page["lines"]["x"], ends)
    assert page["label"] == "Power, kW"
    # The dashed line is the simulated one.
    assert page["drawn"] == {"trend-simulated": "simulated", "ink": "measured"}
    for side, group in (("simulated", ""), ("measured", "measured")):
        np.testing.assert_allclose(page["lines"][side], s.line(name, group, item) / 1e3, rtol=1e-6)


def test_every_number_of_the_campus_is_the_stores(seen, store):
    s, page = store, seen["campus"]
    power = s.now("rack_power", "measured")
    meter, model, apart = s.now("site_power", "measured"), s.now("site_power"), s.now("site_power", "residual")
    texts = everywhere(s) | {
        "heat-finding": ("# racks; # to #, mean #", len(power), power.min() / 1e3, power.max(), power.mean()),
        "trend-finding": since(s, "site, at the meter: measured #, simulated #, #", meter, model, apart / model),
    }  # fmt: skip
    by_hall = {hall: [n for n, rack in enumerate(s.racks) if rack.startswith(f"{hall}/")] for hall in s.halls}
    heat: list[list[Wanted]] = [
        [hall, ("#", len(of)), ("#", len(of)), *(("#", f(power[of]) / 1e3) for f in (np.min, np.mean, np.max))]
        for hall, of in by_hall.items()
    ]
    check(s, page, texts, tables(s) | {"heat-table": heat, "trend-table": trend(s, "site_power")}, "site_power")
    cells = page["cells"][page["cells"] > -1e29]
    np.testing.assert_allclose(np.sort(cells), np.sort(power) / 1e3, rtol=1e-6)


def test_every_number_of_a_rack_and_its_hall_is_the_stores(seen, store):
    s, page, n = store, seen["rack"], store.racks.index(RACK)
    here = [k for k, rack in enumerate(s.racks) if rack.startswith(f"{HALL}/")]
    warm = s.now("rack_temperature")
    measured, model = s.now("rack_power", "measured"), s.now("rack_power")
    kinds = s.labels("rack_kind")
    x, y = (s.simulated[f"rack_{axis}"].values for axis in "xy")
    texts = everywhere(s) | {
        "heat-finding": ("# racks; # to #, mean #", len(here), *(f(warm[here]) for f in (np.min, np.max, np.mean))),
        "trend-finding": since(s, f"rack {RACK}: measured #, simulated #, it drives the model", measured[n], model[n]),
        "rack-name": RACK,
        "rack-kind": kinds[n],
        "rack-place": (f"{HALL}, row #, place #", y[n] + 1, x[n] + 1),
        "rack-measured": ("#", measured[n]),
        "rack-residual": "none: it drives the model",
        "rack-simulated": ("#", model[n]),
        "rack-rated": ("#", s.rated_w),
        "rack-warm-sim": ("#", warm[n]),
        "rack-age": ("#", s.now("rack_power", "age")[n]),
    }  # fmt: skip
    heat: list[list[Wanted]] = [
        [s.racks[k], kinds[k], ("#", measured[k]), ("#", model[k]), ("#", warm[k])] for k in here
    ]
    rows = tables(s) | {"heat-table": heat, "trend-table": trend(s, "rack_power", n)}
    check(s, page, texts, rows, "rack_power", n)
    cells = np.full((int(y[here].max()) + 1, int(x[here].max()) + 1), np.nan)
    cells[y[here].max() - y[here], x[here]] = warm[here]
    np.testing.assert_allclose(page["cells"], cells, rtol=1e-6)
