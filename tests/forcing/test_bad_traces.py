"""What is wrong with a trace is told at its line, all at once, and before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.forcing.recordings import HEAD
from twin.core.errors import InputError
from twin.forcing.traces.read import read_trace, summarise

GOOD = "2024-01-01 00:00:00.5,5,6"
MOON = '{"timestamp": 0, "input_length": 5, "output_length": 6, "hash_ids": [1]}'


def told(content: bytes | list[str], tmp_path: Path, name: str = "t.csv", **options: Any) -> list[str]:
    """What is told of a file, without its name."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode())
    with pytest.raises(InputError) as caught:
        summarise(path, **options)
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return [str(problem).removeprefix(str(path)).lstrip(": ") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"\x1f\x8b\x08\x00abc", "the file is packed (gzip): unpack it first"),
        (b"PAR1\x15\x04", "the file is a Parquet table: save it as CSV first"),
        (HEAD.encode() + b"\n2024-01-01 00:00:00,1,\x00\n",
         "2: byte 0x00 is not text: the file is binary, or not UTF-8"),
        ([HEAD], "there are no rows: nothing to summarise"),
        (f"{HEAD}\n{GOOD}\n2024-01-01 00:0".encode(), "3: the row has 1 fields, expected 3: is the file truncated?"),
        (f"{MOON}\n{MOON[:30]}".encode(), "2: expected a JSON object: is the file truncated?"),
        ([HEAD, "2024-13-01 00:00:00,1,1"],
         '2:1: TIMESTAMP: expected a time as 2023-11-16 18:15:46.68, got "2024-13-01 00:00:00"'),
        ([HEAD, GOOD, "2024-01-01 00:00:01,-5,6"], '3:21: ContextTokens: expected COUNT, got "-5"'),
        ([HEAD, GOOD, "2024-01-01 00:00:01,5,6.5"], '3:23: GeneratedTokens: expected COUNT, got "6.5"'),
        ([HEAD, GOOD, "2024-01-01 00:00:01,5,"], "3:23: GeneratedTokens: expected COUNT, got nothing"),
        ([HEAD, "2024-01-01 00:00:02,1,1", "2024-01-01 00:00:01,1,1"],
         "3: the time is before that of the row above: --sort sorts"),
        ([HEAD, GOOD, "2024-01-01 00:00:01Z,5,6"],
         "3:1: TIMESTAMP: time zone UTC, but not stated in line 2: write all times of a file in one zone"),
        ([HEAD, GOOD + "", "2024-01-01 00:00:01+01:00,5,6"],
         "3:1: TIMESTAMP: time zone UTC+01:00, but not stated in line 2: write all times of a file in one zone"),
        ([HEAD, "2024-01-01T00:00:00+01:00,1,1", "2024-01-01T00:00:01+02:00,1,1"],
         "3:1: TIMESTAMP: time zone UTC+02:00, but UTC+01:00 in line 2: write all times of a file in one zone"),
        (["TIMESTAMP,ContextTokens,GenerateTokens", GOOD],
         '1: no column "GeneratedTokens" of the format azure; did you mean "GenerateTokens"?'),
        (["a,b,c", "1,2,3"], '1: no known trace has the columns "a", "b", "c"; expected azure: TIMESTAMP, '),
        (["t_s,rps", "0,5", "600,-1", "1200,3"], '3:5: rps: expected a rate of 0 or more requests/s, got "-1"'),
        (["t_s,rps", "0,5", "600,1", "600,3"], "4: t_s: times must ascend"),
        (["t_s,rps", "0,0", "600,0"], "rps: every row is a gap"),
        (["arrival_s,input_tokens,output_tokens,hit_share", "0,5,6,1.5"],
         '2:7: hit_share: expected a share 0..1, got "1.5"'),
        ([MOON.replace("5", "-5")], '1: input_length: expected COUNT, got "-5"'),
        ([MOON.replace("[1]", '["a"]')], "1: hash_ids: expected a list of whole numbers (64 bits)"),
        ([MOON, MOON.replace('"output_length": 6, ', "")], '2: output_length: the object has no key "output_length"'),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_place(content, expected, tmp_path):
    first = told(content, tmp_path)[0].replace("a whole number of tokens, 0 or more", "COUNT")
    assert first.startswith(expected) if expected.startswith("1: no known") else first == expected


def test_all_faults_are_told_at_once_twenty_of_them_and_how_many_more(tmp_path):
    rows = [f"2024-01-01 00:00:{i % 60:02d},{-1 if i % 2 else 1},x" for i in range(60)]
    lines = told([HEAD, *rows], tmp_path)
    # 60 texts for tokens and 30 negative ones; nothing is said of the order of rows that cannot be read.
    assert len(lines) == 21
    assert lines[-1] == "and 70 more"
    assert [int(line.split(":")[0]) for line in lines[:20]] == sorted(int(line.split(":")[0]) for line in lines[:20])
    assert {line.split(": ")[1] for line in lines[:20]} == {"ContextTokens", "GeneratedTokens"}


def test_an_unknown_format_is_told_with_the_nearest(tmp_path):
    assert told([HEAD, GOOD], tmp_path, format="azur") == ['unknown format "azur"; did you mean "azure"?']


def test_a_forced_format_names_what_the_file_lacks(tmp_path):
    lines = told([HEAD, GOOD], tmp_path, format="plain")
    assert lines[0].startswith('1: no column "input_tokens" of the format plain')
    assert told([HEAD, GOOD], tmp_path, format="mooncake") == ["1: expected JSON lines of the format mooncake"]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        summarise(tmp_path / "none.csv")


def test_a_rate_curve_holds_no_requests(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("t_s,rps\n0,1\n600,2\n")
    with pytest.raises(InputError, match="holds no single requests"):
        read_trace(path)


def test_quotes_blank_lines_and_line_ends_of_other_systems_are_read(tmp_path):
    path = tmp_path / "q.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + HEAD.encode() + b'\r\n"2024-01-01 00:00:00","5",6\r\n\r\n2024-01-01 00:00:01, 7 ,8\r\n'
    )
    trace = read_trace(path)
    assert trace.input_tokens.tolist() == [5, 7]
    assert trace.output_tokens.tolist() == [6, 8]
    assert trace.arrival_s == pytest.approx(np.array([0.0, 1.0]))
