"""``twin site`` and ``twin library`` as people and scripts call them: exit codes, streams, JSON, speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.child import HELP_COST, help_cost
from tests.shipped_sites import COMPLETE
from twin.cli.main import app
from twin.cli.output import table
from twin.site.library import load_library

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "numba", "pydantic", "yaml", "rich", "xarray", "bokeh")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def child(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text("base: prairie-750\nname: bad\nutc_offset_h: 12:30\nweather: {file: nowhere.epw}\n")
    return file


@pytest.mark.parametrize("name", COMPLETE)
def test_a_shipped_site_is_validated(name):
    result = call("site", "validate", name)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"sites/{name}.yaml: ok")


def test_every_problem_is_one_line_on_stderr_and_the_code_is_2(bad):
    result = call("site", "validate", bad)
    assert result.exit_code == 2
    assert result.stdout == ""
    first, second = result.stderr.splitlines()
    assert first == f'{bad}:3:15: utc_offset_h: expected a number, got text "12:30"'
    assert second.startswith(f'{bad}:4:17: weather.file: "nowhere.epw" is neither a shipped year nor a file')


@pytest.mark.parametrize("verb", ["validate", "show"])
def test_problems_as_json_go_to_stdout(bad, verb):
    result = call("site", verb, bad, "--json")
    assert result.exit_code == 2
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert told["valid"] is False
    assert told["problems"][0] == {
        "severity": "error",
        "file": str(bad),
        "line": 3,
        "col": 15,
        "path": "utc_offset_h",
        "message": 'expected a number, got text "12:30"',
    }


def test_warnings_pass_unless_strict(tmp_path):
    file = tmp_path / "tight.yaml"
    tranche = '{from: "2020-01-01", mw: 1, source: a test, confidence: estimate}'
    file.write_text(f"base: prairie-750\nname: tight\ncontract: {{tranches: [{tranche}]}}\n")
    result = call("site", "validate", file)
    assert result.exit_code == 0
    assert f"{file}:3:48: contract.tranches.0.mw: warning: the racks energised at the end are rated" in result.stderr
    assert "ok, " in result.stdout
    told = json.loads(call("site", "validate", file, "--json").stdout)
    assert told["valid"] is True
    assert {key: told["problems"][0][key] for key in ("severity", "line")} == {"severity": "warning", "line": 3}
    assert call("site", "validate", file, "--strict").exit_code == 2


DRY = "buildings: {okc: {loops: {chw: {plant: {rejection: {device: dry-cooler-bac-tdfs1238n, count: 6}}}}}}\n"


@pytest.mark.parametrize(
    ("weather", "coolant", "words"),
    [
        # Coldest hours of the shipped years; 25 % glycol does not freeze as soon as water does.
        ("washington-dulles", "water", "it freezes at the -16.1 degC of washington-dulles: use pg25"),
        ("tampa", "water", "it freezes at the -2.2 degC of tampa"),
        ("san-francisco", "water", None),
        ("washington-dulles", "pg25", None),
    ],
)
def test_water_in_dry_coolers_is_told_where_it_freezes(tmp_path, weather, coolant, words):
    file = tmp_path / "dry.yaml"
    plant = DRY.replace("chw: {", f"chw: {{coolant: {coolant}, ")
    file.write_text(f"base: oklahoma-10\nname: dry\nweather: {{file: {weather}}}\n{plant}")
    result = call("site", "validate", file)
    assert result.exit_code == 0
    place = f"{file}:4:{plant.index(coolant) + 1}: buildings.okc.loops.chw.coolant: warning: plain water"
    assert (place in result.stderr, "freezes" in result.stderr) == (words is not None, words is not None)
    assert (words or "") in result.stderr
    assert call("site", "validate", file, "--strict").exit_code == (2 if words else 0)


def test_an_unknown_site_is_bad_input():
    result = call("site", "show", "prairie-75")
    assert result.exit_code == 2
    assert 'did you mean "prairie-750"?' in result.stderr


def test_a_folder_is_no_site(tmp_path):
    (tmp_path / "dir.yaml").mkdir()
    result = call("site", "show", tmp_path / "dir.yaml")
    assert result.exit_code == 2
    told = f"{tmp_path}/dir.yaml: is a folder, expected a site file or the name of a shipped site\n"
    assert result.stderr == told


@pytest.mark.parametrize("name", COMPLETE)
def test_the_waterfall_is_shown_as_text_and_as_json(name):
    text, data = call("site", "show", name), json.loads(call("site", "show", name, "--json").stdout)
    assert text.exit_code == 0
    for id in [*(row["id"] for row in data["elements"]), *data["buildings"], *data["totals"]["racks"]]:
        assert id in text.stdout
    assert f"{data['totals']['it_mw']:.2f} MW" in text.stdout
    assert "\x1b" not in text.stdout
    assert not any(line.endswith(" ") for line in text.stdout.splitlines())


def test_the_schema_is_written_as_it_is_shipped():
    assert call("site", "schema").stdout == (ROOT / "sites" / "site.schema.json").read_text(encoding="utf-8")


def test_the_library_is_listed_by_kind():
    rows = json.loads(call("library", "list", "--json").stdout)
    assert [row["id"] for row in rows] == list(load_library())
    racks = json.loads(call("library", "list", "--kind", "rack", "--json").stdout)
    assert {row["kind"] for row in racks} == {"rack"}
    assert len(call("library", "list").stdout.splitlines()) == len(rows) + 1
    assert call("library", "list", "--kind", "racks").exit_code == 2


@pytest.mark.parametrize("id", load_library())
def test_an_entry_is_shown_with_every_figure(id):
    text, data = call("library", "show", id), json.loads(call("library", "show", id, "--json").stdout)
    assert text.exit_code == 0
    assert data["id"] == id
    for row in data["figures"]:
        assert row["key"] in text.stdout
        assert row["source"] in text.stdout


def test_an_unknown_entry_is_bad_input():
    result = call("library", "show", "cs3-x22")
    assert result.exit_code == 2
    assert "did you mean" in result.stderr


def test_wrong_usage_is_bad_input_and_no_arguments_show_the_help():
    assert call("site", "validate").exit_code == 2
    assert call("nonsense").exit_code == 2
    assert "Usage" in call().stdout + call().stderr
    assert call("--version").stdout.startswith("halltwin ")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from twin.cli.main import main\n"
        "try: main()\n"
        f"except SystemExit: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    assert child(code, "--help").stderr.strip() == "[]"


def test_help_is_quick_and_names_the_verbs():
    shown = child("from twin.cli.main import main; main()", "--help").stdout
    assert "validate" not in shown
    assert "site" in shown
    assert help_cost() < HELP_COST


@pytest.mark.parametrize(("error", "code"), [("KeyboardInterrupt", 130), ("BrokenPipeError", 141)])
def test_an_interrupt_and_a_closed_pipe_end_quietly(error, code):
    program = f"""
import twin.site.load, twin.cli.main
def stop(name): raise {error}
twin.site.load.load_site = stop
twin.cli.main.main()
"""
    ended = child(program, "site", "validate", "prairie-750")
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_a_fault_of_ours_is_not_taken_for_a_violated_constraint():
    program = """
import twin.site.load, twin.cli.main
def stop(name): raise ZeroDivisionError("ours")
twin.site.load.load_site = stop
twin.cli.main.main()
"""
    ended = child(program, "site", "validate", "prairie-750", "--json")
    assert (ended.returncode, ended.stdout) == (70, "")
    assert "Traceback" in ended.stderr
    assert "ZeroDivisionError: ours" in ended.stderr
    assert ended.stderr.endswith("this is a fault of halltwin, not of the input: please report it with these lines\n")
    shown = " ".join(call("--help").stdout.split())
    assert "1 a constraint is violated, 2 bad input, 70 a fault of halltwin itself" in shown


@pytest.mark.parametrize("json_asked", [(), ("--json",)])
def test_an_answer_that_finds_no_room_is_no_fault_of_ours(json_asked):
    program = "from twin.cli.main import main; main()"
    command = [sys.executable, "-c", program, "site", "show", "oklahoma-10", *json_asked]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "the answer cannot be written: No space left on device\n")


@pytest.mark.parametrize("json_asked", [(), ("--json",)])
def test_a_file_that_finds_no_room_is_named_where_nobody_has_told_it(json_asked):
    program = """
import errno, twin.site.load, twin.cli.main
def full(name): raise OSError(errno.ENOSPC, "No space left on device", "/cache/kernel.nbi")
twin.site.load.load_site = full
twin.cli.main.main()
"""
    ended, cannot = child(program, "site", "validate", "prairie-750", *json_asked), "cannot be written: No space left"
    assert ended.returncode == 2
    if json_asked:
        (problem,) = json.loads(ended.stdout)["problems"]
        assert (problem["file"], problem["message"]) == ("/cache/kernel.nbi", f"{cannot} on device")
    else:
        assert (ended.stdout, ended.stderr) == ("", f"/cache/kernel.nbi: {cannot} on device\n")


def test_a_reader_that_goes_away_makes_no_noise():
    program = "from twin.cli.main import main; main()"
    command = [sys.executable, "-c", program, "site", "schema"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_table_is_aligned():
    assert table([("a", "bb"), ("ccc", "d")], right=(1,)) == "a    bb\nccc   d"
