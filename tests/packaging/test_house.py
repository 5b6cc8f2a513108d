"""The rules of the house that no linter knows: rooms, sizes, pins, licences, the commands of the Makefile."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import FIRST

ROOT = Path(__file__).resolve().parents[2]
TOP = ("twin", "telemetry", "dashboards", "sites", "tests")
SOURCES = sorted(path for top in TOP for path in (ROOT / top).rglob("*.py"))
TOP_ROOMS = [ROOT / top for top in TOP if top != "twin"]
ROOMS = sorted([*TOP_ROOMS, *(path.parent for path in ROOT.glob("twin/*/__init__.py"))])
MAX_README_LINES = 60
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
TARGETS = ["help", "setup", "demo", "test", "lint", "format", "bench", "validate", "pictures", "constraints", "clean"]
FORBIDDEN = re.compile(r"\b(A|L)?GPL|\b(Affero|Lesser)?\s*General Public License", re.IGNORECASE)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_rooms_are_found():
    assert "twin/core" in map(name_of, ROOMS)
    assert len(SOURCES) > len(ROOMS)


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_every_room_has_a_readme_of_at_most_a_page(room):
    readme = room / "README.md"
    assert readme.is_file()
    assert 3 <= len(readme.read_text().splitlines()) <= MAX_README_LINES


def test_no_source_grows_without_end():
    sizes = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_FILE_LINES} == {}


def test_no_room_is_called_utils():
    names = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [name_of(path) for path in SOURCES if path.name in names] == []


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, the docstring not counted: equations may be as long as they are."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_no_function_grows_without_end():
    long = [
        f"{name_of(path)}:{node.lineno}: {node.name}: {body_lines(node)} lines"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > MAX_FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_makefile_has_the_target_and_explains_it(target):
    text = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{target}:.*## \S", text, re.MULTILINE)
    phony = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    assert phony is not None
    assert target in phony[1].split()


@pytest.mark.parametrize("name", FIRST)
def test_the_files_that_are_tested_first_are_there(name):
    assert (ROOT / "tests" / name).is_file()


def test_make_alone_prints_the_help():
    alone = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}  # not the `make test` around us
    shown = subprocess.run(["make"], cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout
    assert [line.split()[:2] for line in shown.splitlines()] == [["make", target] for target in TARGETS]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    stated = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(req.name): str(req.specifier) for req in stated}


def test_constraints_are_plain_pins_without_addresses():
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"://|^\s*-|@", text, re.MULTILINE)
    assert all(re.fullmatch(r"==[^*,]+", version) for version in pins().values())


def test_all_that_is_installed_for_us_is_pinned_and_is_the_pinned_version():
    tools = {"hatchling", "setuptools", "wheel"}
    everything = closure({"halltwin"}, frozenset({"test", "lint", "netcdf"})) | tools
    found = {name: f"=={metadata.version(name)}" for name in everything}
    assert found == {name: pins().get(name) for name in everything}


def closure(roots: set[str], extras: frozenset[str] = frozenset()) -> set[str]:
    """Names of all distributions that ``roots`` need here; ``extras`` hold for the roots only."""
    seen: set[tuple[str, str]] = set()
    todo = [(root, extra) for root in roots for extra in {"", *extras}]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in metadata.requires(name) or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(need.name), also) for also in {"", *need.extras}]
    return {name for name, _ in seen} - {canonicalize_name(root) for root in roots}


def licence(name: str) -> str:
    """The licence a distribution states: expression, else classifiers, else the first line of its field."""
    about = metadata.metadata(name)
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    expression, field = about.get_all("License-Expression"), about.get_all("License")
    for stated in (expression, ["; ".join(classifiers)], field):
        if stated and stated[0].strip():
            return str(stated[0]).strip().splitlines()[0]
    return ""


def test_the_runtime_has_permissive_licences_only():
    runtime = closure({"halltwin"}, frozenset({"netcdf", "mqtt"}))
    assert {"numpy", "numba", "xarray", "zarr", "bokeh", "paho-mqtt", "mcap"} <= runtime
    stated = {name: licence(name) for name in runtime}
    assert [name for name, text in stated.items() if not text] == []
    assert {name: text for name, text in stated.items() if FORBIDDEN.search(text)} == {}


def test_the_licence_text_is_whole():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
