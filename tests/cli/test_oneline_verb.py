"""``twin oneline`` as people and scripts call it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from twin.cli.main import app


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_banks_and_loads_are_lines_of_a_table():
    result = call("oneline", "azure-dgx")
    assert result.exit_code == 0
    lines = [re.split(" {2,}", line.strip()) for line in result.stdout.splitlines()]
    assert ["pdu", "3 x pdu-wp113", "300 kW", "48.9 %", "73.3 %", "-", "-", "it"] in lines
    assert ["pumps and fans", "32.0", "2 x fan-wall-400kw", "pdu"] in lines


def test_json_mirrors_the_picture(tmp_path: Path):
    file = tmp_path / "line.svg"
    result = call("oneline", "prairie-750", "--hall", "b3/b3-h4", "--out", file, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert [drawing["key"] for drawing in found["drawings"]] == ["campus", "gb300"]
    assert found["picture"] == str(file)
    root = ElementTree.parse(file).getroot()
    drawn = {group.get("data-element") for group in root.iter("{http://www.w3.org/2000/svg}g")}
    assert {bank["key"] for drawing in found["drawings"] for bank in drawing["banks"]} <= drawn


def test_a_picture_is_not_replaced_unless_asked(tmp_path: Path):
    file = tmp_path / "line.svg"
    assert call("oneline", "azure-dgx", "--out", file).exit_code == 0
    before = file.read_bytes()
    again = call("oneline", "azure-dgx", "--out", file)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert call("oneline", "azure-dgx", "--out", file, "--overwrite").exit_code == 0
    assert file.read_bytes() == before


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_bad_site_is_bad_input(tmp_path: Path, more):
    bad = tmp_path / "bad.yaml"
    bad.write_text("base: azure-dgx\nname: bad\nelectrical: {elements: {it: {device: tr-1000-lv-dri}}}\n")
    result = call("oneline", bad, *more)
    assert result.exit_code == 2
    assert 'did you mean "tr-1000-lv-dry"' in (result.stdout + result.stderr).replace("\\", "")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path):
    result = call("oneline", "azure-dgx", "--hall", "az/fiv", "--out", tmp_path)
    assert result.exit_code == 2
    assert 'did you mean "az/five"' in result.stderr
    assert "is a folder" in result.stderr
