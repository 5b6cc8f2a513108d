"""Exported columns are the readings of the recording: each in Parquet, means of steps in Zarr; whole or not at all."""

from __future__ import annotations

import json
import math
import random
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr

from telemetry.batch import Quality, Reject
from telemetry.clock import NS
from telemetry.decode import make
from telemetry.export import grid as export_grid
from telemetry.export.write import export
from telemetry.message import Message
from telemetry.points import Point
from telemetry.recording.read import EPOCH_NS, Recording, open_recording
from telemetry.recording.write import Recorder
from tests.telemetry.exchange import shared
from tests.telemetry.recorded import NOW, HandClock, written
from twin.core.errors import InputError

Row = tuple[Point, int, float, Quality]


def dsx() -> Any:
    return make("dsx")


def readings(recording: Recording) -> list[Row]:
    """All readings, one by one, as the decoder tells them."""
    decoder, made = dsx(), []
    for message in recording.messages():
        batch = decoder.decode(message)
        if not isinstance(batch, Reject):
            for p, t, v, q in zip(batch.points, batch.times_ns, batch.values, batch.qualities, strict=True):
                made.append((decoder.points[p], t, v, Quality(q)))
    return made


def rack(n: int, sequence: int) -> Message:
    """Metadata of the power of rack ``n``."""
    data = {"objectType": "Rack", "pointType": "RackPower", "engUnit": "kW", "rackLocationName": f"E{n}"}
    payload = json.dumps({**data, "rackLocationId": f"E{n}"}).encode()
    return Message(f"BMS/v1/PUB/Metadata/Rack/RackPower/{n}", payload, NOW, sequence, 1, True)


def power(n: int, at_ns: int, stamp_ns: int, value: float | None, sequence: int, quality: int = 1) -> Message:
    """A value of it."""
    payload = {"value": value, "timestamp": stamp_ns // 10**6, "quality": quality}
    return Message(f"BMS/v1/PUB/Value/Rack/RackPower/{n}", json.dumps(payload).encode(), at_ns, sequence, 1)


@pytest.fixture(scope="module")
def muddled(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """An hour of eight racks: stamped up to 40 minutes late, bad ones, nulls, refused ones, some from before."""
    draw = random.Random(4)
    messages = [rack(n, n) for n in range(8)]
    for second in range(3600):
        at = NOW + second * NS
        late = draw.choice((0, 0, 0, 1, 30, 2400)) * NS
        value = None if draw.random() < 0.05 else draw.uniform(30.0, 130.0)
        messages.append(power(draw.randrange(8), at, at - late, value, len(messages), quality=int(draw.random() < 0.9)))
        if second % 500 == 0:
            messages.append(Message("BMS/v1/PUB/Value/Rack/RackPower/1", b"{}", at, len(messages), 1))
    return open_recording(written(tmp_path_factory.mktemp("muddled"), messages, 300).parent)


@pytest.fixture(scope="module", params=["example", "muddled"])
def recording(request: pytest.FixtureRequest) -> Recording:
    """The DSX example, and a stream in disorder."""
    if request.param == "example":
        return open_recording(shared("dsx_exemplar.csv"))
    found: Recording = request.getfixturevalue("muddled")
    return found


def test_parquet_holds_each_reading(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.export.columns.BATCH", 1000)
    told = export(recording, dsx, tmp_path / "all.parquet")
    expected = readings(recording)
    rows = pq.read_table(tmp_path / "all.parquet").to_pydict()
    assert told.readings == len(expected) == len(rows["time"]) > 3000
    assert told.points == len({point.identity for point, *_ in expected})
    assert rows["variable"] == [point.variable for point, *_ in expected]
    assert rows["item"] == [point.item for point, *_ in expected]
    assert rows["qualifier"] == [" ".join(point.qualifier) for point, *_ in expected]
    assert rows["units"] == [point.units for point, *_ in expected]
    assert rows["point"] == [point.identity for point, *_ in expected]
    assert [time.value for time in rows["time"]] == [time for _, time, *_ in expected]
    assert rows["value"] == [None if math.isnan(value) else value for _, _, value, _ in expected]
    assert rows["quality"] == [quality.name.lower() for *_, quality in expected]


def test_the_grid_holds_the_means_of_its_steps(recording, tmp_path, monkeypatch):
    every = 7
    monkeypatch.setattr("telemetry.export.columns.BATCH", 700)
    if recording.has_dates:
        monkeypatch.setattr(export_grid, "BLOCK_BYTES", 37 * 8 * 40)  # many blocks, most of them aside
    told = export(recording, dsx, tmp_path / "grid.zarr", every_s=every)
    first_ns = (recording.span() or (0, 0))[0] // (every * NS) * every * NS
    steps = ((recording.span() or (0, 0))[1] - first_ns) // (every * NS) + 1
    cells: dict[tuple[str, int], list[Row]] = defaultdict(list)
    outside = 0
    for row in readings(recording):
        step = (row[1] - first_ns) // (every * NS)
        if 0 <= step < steps:
            cells[row[0].identity, step].append(row)
        else:
            outside += 1
    assert told.readings == sum(map(len, cells.values()))
    assert ("left out" in " ".join(told.notes)) == bool(outside)
    seen = 0
    for group in xr.open_datatree(tmp_path / "grid.zarr", engine="zarr").children.values():
        dataset = group.to_dataset().load()
        name = str(group.name)
        ends = dataset["time"].values.astype("datetime64[ns]").astype(np.int64)
        assert ends.tolist() == [first_ns + (n + 1) * every * NS for n in range(steps)]
        for column, identity in enumerate(dataset["point"].values.tolist()):
            for step in range(steps):
                came = cells.get((identity, step), [])
                good = [row for row in came if row[3] == Quality.GOOD]
                value = float(dataset[name].values[step, column])
                assert int(dataset["readings"].values[step, column]) == len(good)
                seen += len(came)
                if not good:
                    assert math.isnan(value)
                    latest = max(came, key=lambda row: row[1]) if came else None
                    expected = Quality.UNKNOWN if latest is None else latest[3]
                    if sum(row[1] == latest[1] for row in came if latest) < 2:
                        assert dataset["quality"].values[step, column] == expected
                    continue
                assert dataset["quality"].values[step, column] == Quality.GOOD
                point = good[0][0]
                if point.states or point.set_point:
                    assert value == max(good, key=lambda row: row[1])[2]
                else:
                    assert value == pytest.approx(sum(row[2] for row in good) / len(good), rel=1e-12)
    assert seen == told.readings


def test_the_grid_says_what_it_is(tmp_path):
    export(open_recording(shared("dsx_exemplar.csv")), dsx, tmp_path / "grid.zarr")
    power = xr.open_zarr(tmp_path / "grid.zarr", group="rack_power")
    assert power.sizes == {"time": 10, "item": 6}
    assert power["rack_power"].attrs["units"] == "W"
    assert power["rack_power"].attrs["cell_methods"] == "time: mean"
    assert power["time"].values[0] == np.datetime64(EPOCH_NS + 10 * NS, "ns")
    assert float(power["rack_power"].sel(item="Pod1C-E05").mean()) == pytest.approx(47_831.0, rel=1e-4)
    state = xr.open_zarr(tmp_path / "grid.zarr", group="valve_state")["valve_state"]
    assert state.attrs["cell_methods"] == "time: point"
    assert state.attrs["flag_meanings"] == "Closed Open"
    supply = xr.open_zarr(tmp_path / "grid.zarr", group="cdu_supply_temperature")["cdu_supply_temperature"]
    wanted = xr.open_zarr(tmp_path / "grid.zarr", group="cdu_supply_temperature_set_point")
    assert (wanted["cdu_supply_temperature_set_point"].dropna("time", how="all") == 32.0).all()
    assert (supply.attrs["units"], supply.attrs["long_name"]) == ("degC", "coolant supplied to the racks")


def test_an_export_is_whole_or_not_there(muddled, tmp_path, monkeypatch):
    for name in ("a.parquet", "a.zarr"):
        export(muddled, dsx, tmp_path / name)
        before = tree(tmp_path)
        with pytest.raises(InputError, match=r"is there already: replace it with overwrite=True"):
            export(muddled, dsx, tmp_path / name)

        def torn(*given: Any, **named: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr("telemetry.export.grid._store", torn)
            broken.setattr("telemetry.export.parquet._table", torn)
            with pytest.raises(InputError, match="cannot be written: No space left on device"):
                export(muddled, dsx, tmp_path / name, overwrite=True)
        assert tree(tmp_path) == before
        export(muddled, dsx, tmp_path / name, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "a.zarr"]


def test_bad_targets_are_refused_with_all_that_is_wrong(muddled, tmp_path):
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="is not an export of telemetry"):
        export(muddled, dsx, tmp_path / "mine.zarr", overwrite=True)
    with pytest.raises(InputError) as told:
        export(muddled, dsx, tmp_path / "none" / "a.csv", every_s=0)
    assert len(told.value.problems) == 3
    with pytest.raises(InputError, match="is the step of a grid"):
        export(muddled, dsx, tmp_path / "a.parquet", every_s=10)
    with pytest.raises(InputError, match="holds no reading"):
        export(open_recording(written(tmp_path / "raw", [Message("a", b"", NOW)])), dsx, tmp_path / "a.zarr")
    assert (tmp_path / "mine.zarr" / "letter.txt").read_text() == "dear"


def test_without_pyarrow_one_line_says_what_to_install(muddled, tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.export.parquet.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^Parquet needs pyarrow: install halltwin\[parquet\]$"):
        export(muddled, dsx, tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["a.parquet", "a.zarr"])
def test_memory_does_not_grow_with_the_recording(name, tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.export.columns.BATCH", 2000)
    monkeypatch.setattr(export_grid, "BLOCK_BYTES", 37 * 100)
    peaks = []
    for hours in (1, 3):
        messages = [rack(0, 0), *(power(0, NOW + s * NS, NOW + s * NS, 40.0, s + 1) for s in range(hours * 3600))]
        recording = open_recording(written(tmp_path / str(hours), messages, 300))
        del messages
        tracemalloc.start()
        export(recording, dsx, tmp_path / f"{hours}-{name}", every_s=None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 500_000


def test_exports_are_the_same_bytes_each_time(muddled, tmp_path):
    for name in ("a.parquet", "b.parquet", "a.zarr", "b.zarr"):
        export(muddled, dsx, tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert tree(tmp_path / "a.zarr") == tree(tmp_path / "b.zarr")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_reading_is_exported_in_the_unit_in_which_it_was_said(tmp_path):
    cdu = {"objectType": "CDU", "pointType": "LiquidFlow", "objectName": "C", "objectId": "C", "engUnit": "LPM"}
    said: list[tuple[str, dict[str, Any]]] = [("Metadata", cdu), ("Value", {"value": 600})]
    said += [("Metadata", {**cdu, "engUnit": "kg/s"}), ("Value", {"value": 7})]
    messages = []
    for n, (what, data) in enumerate(said):
        stamp = {"timestamp": NOW // 10**6 + n * 20_000, "quality": 1} if what == "Value" else {}
        payload = json.dumps({**data, **stamp}).encode()
        messages.append(Message(f"BMS/v1/PUB/{what}/CDU/LiquidFlow/a", payload, NOW + n * 20 * NS, n, 1))
    recording = open_recording(written(tmp_path / "of", messages))
    export(recording, dsx, tmp_path / "a.parquet")
    rows = pq.read_table(tmp_path / "a.parquet").to_pydict()
    assert rows["units"] == ["m3 s-1", "kg s-1"]
    assert rows["value"] == pytest.approx([0.01, 7.0])
    told = export(recording, dsx, tmp_path / "a.zarr")
    assert told.notes == ["1 readings are of points that were described anew as something else: left out"]
    with xr.open_zarr(tmp_path / "a.zarr", group="cdu_liquid_volume_flow_mass_flow") as found:
        flow = found["cdu_liquid_volume_flow_mass_flow"]
        assert flow.attrs["units"] == "kg s-1"
        assert flow.to_numpy()[~np.isnan(flow.to_numpy())].tolist() == [7.0]


def test_lines_that_were_refused_are_told(tmp_path):
    recorder = Recorder(tmp_path / "r", {"dialect": "influx"}, clock=HandClock())
    recorder.add([Message("telegraf/h", b"m x=1\nm x=NaN\nm\n", NOW, 0, 1, retain=False)])
    recorder.close()
    made = export(open_recording(tmp_path / "r"), lambda: make("influx"), tmp_path / "a.parquet")
    assert made.readings == 1
    assert made.notes == ["parts of messages that were refused are not in it: syntax 1, type 1"]
