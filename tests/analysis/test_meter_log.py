"""Meter logs as people have them: times, units, and every fault at its place."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from twin.analysis.meter_log import MeterLog, read_meter_log
from twin.core.errors import InputError


def written(folder: Path, header: str, rows: list[str]) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(InputError) as error:
        read_meter_log(path)
    return [str(problem).removeprefix(f"{path}:") for problem in error.value.problems]


def plain(n: int = 30) -> list[str]:
    return [f"{k},{100 * k},{5 + k / 10}" for k in range(n)]


def test_a_plain_log(tmp_path):
    log = read_meter_log(written(tmp_path, "time,tokens_per_s,power_kw", plain()))
    assert log.interval_s == 1.0
    assert log.time_s[0] == 0.0
    assert log.tokens_per_s[3] == 300.0
    assert log.power_kw[10] == pytest.approx(6.0)
    assert log.warnings == ()


def test_other_names_units_and_order(tmp_path):
    rows = [f"{1e3 * (5 + k)},2028-07-01T00:{k:02d}:00+02:00,{k},x" for k in range(30)]
    log = read_meter_log(written(tmp_path, "W,timestamp,tokens/s,rack", rows))
    assert log.power_kw[1] == pytest.approx(6.0)
    assert log.interval_s == 60.0
    assert [str(w) for w in log.warnings] == [f"{tmp_path / 'log.csv'}:1:4: rack: warning: column not used"]


def test_offsets_that_change_are_one_clock(tmp_path):
    """02:00+01:00 comes one hour after 02:00+02:00, as when summer time ends."""
    rows = [f"2028-10-29T02:{k:02d}:00+02:00,1,5" for k in range(30)]
    rows += [f"2028-10-29T02:{k:02d}:00+01:00,1,5" for k in range(30)]
    log = read_meter_log(written(tmp_path, "time,tokens/s,kW", rows))
    assert log.time_s[30] - log.time_s[0] == 3600.0


def test_columns_that_are_missing_are_guessed_at(tmp_path):
    found = faults(written(tmp_path, "time,tokens_per_sec,power", plain()))
    assert '1:2: tokens_per_sec: warning: column not used; did you mean "tokens_per_s"?' in found
    assert '1:3: power: warning: column not used; did you mean "power_kw"?' in found
    assert '1:1: no column power_kw (one of power_kw, kw, power_w, w); did you mean "power"?' in found
    assert len(found) == 4


def test_every_fault_is_shown_at_its_place(tmp_path):
    rows = plain()
    rows[2], rows[4], rows[6], rows[8] = "2,-5,6", "4,10,0", "5.5x,10,6", "7,nan,inf"
    found = faults(written(tmp_path, "time,tokens_per_s,power_kw", rows))
    assert found == [
        '4:2: tokens_per_s: "-5" is not a number >= 0',
        '6:3: power_kw: "0" is not a number > 0',
        '8:1: time: "5.5x" is not a time',
        '10:2: tokens_per_s: "nan" is not a number >= 0',
        '10:3: power_kw: "inf" is not a number > 0',
    ]


def test_times_that_go_back_or_mix_their_sorts(tmp_path):
    rows = plain()
    rows[5] = "3,10,6"
    assert faults(written(tmp_path, "time,tokens/s,kw", rows)) == ["7:1: time: does not come after the row above"]
    rows = [f"2028-07-01T00:00:{k:02d},1,5" for k in range(29)] + ["2028-07-01T00:01:00Z,1,5"]
    assert "times of different sorts: dates with an offset and dates without an offset" in "\n".join(
        faults(written(tmp_path, "time,tokens/s,kw", rows))
    )


def test_a_second_column_of_the_same_thing(tmp_path):
    rows = [f"{line},9" for line in plain()]
    assert faults(written(tmp_path, "time,tokens/s,kw,w", rows)) == ["1:4: w: a second column of power_kw"]


def test_too_little_and_too_many(tmp_path):
    assert "5 readings, at least 20 are needed" in faults(written(tmp_path, "time,tokens/s,kw", plain(5)))[0]
    found = faults(written(tmp_path, "time,tokens/s,kw", [f"{k},1,-1" for k in range(100)]))
    assert found[20:] == [f"{tmp_path / 'log.csv'}: and 81 more"] or found[-1].endswith("and 81 more")
    assert len(found) == 21


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    assert "cannot be read" in faults(tmp_path / "no.csv")[0]
    (tmp_path / "log.csv").write_bytes(b"time,tokens/s,kw\n\xff\xfe")
    assert "is not UTF-8 text" in faults(tmp_path / "log.csv")[0]


def test_parquet_names_its_extra_where_it_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    found = faults(tmp_path / "log.parquet")
    assert "pip install 'halltwin[parquet]'" in found[0]


def test_parquet_is_read_by_its_columns(tmp_path, monkeypatch):
    columns = {"time": list(range(30)), "kW": [5.0] * 30, "tokens/s": [7] * 30}
    reader = SimpleNamespace(read_table=lambda path: SimpleNamespace(to_pydict=lambda: columns))
    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace(parquet=reader))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", reader)
    log = read_meter_log(tmp_path / "log.parquet")
    assert isinstance(log, MeterLog)
    assert np.array_equal(log.tokens_per_s, np.full(30, 7.0))
