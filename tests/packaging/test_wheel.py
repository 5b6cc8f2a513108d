"""The wheel is what users get: built here, installed into a clean environment, run outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("twin", "telemetry", "dashboards", "sites")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    outside = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=outside, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("halltwin-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel in it and nothing else of ours.

    The dependencies are borrowed from the running environment through a path file. Python does not follow
    path files inside a folder it reached that way, so the editable install of the checkout stays invisible.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    made = run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    put = run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder.parent)
    assert put.returncode == 0, put.stderr
    asked = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder.parent)
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(asked.stdout.strip(), "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return folder / "bin"


def shipped(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here - shipped(wheel) == set()


def test_sites_library_and_weather_are_in_the_wheel(wheel):
    names = shipped(wheel)
    assert "sites/oklahoma-10.yaml" in names
    assert "sites/prairie-750.yaml" in names
    assert any(name.startswith("sites/library/racks/") and name.endswith(".yaml") for name in names)
    assert any(name.startswith("sites/weather/") and not name.endswith((".py", ".md")) for name in names)


def test_nothing_but_the_packages_is_in_the_wheel(wheel):
    rooms = {name.split("/")[0] for name in shipped(wheel)}
    assert {room for room in rooms if not room.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_imported_from_the_wheel_not_from_the_checkout(installed, tmp_path, package):
    code = f"import {package}; print({package}.__file__)"
    seen = run(installed / "python", "-W", "error", "-c", code, cwd=tmp_path)
    assert seen.returncode == 0, seen.stderr
    assert Path(seen.stdout.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("site", "validate", "oklahoma-10"), ("library", "list")],
    ids=" ".join,
)
def test_the_command_runs_outside_the_checkout(installed, tmp_path, arguments):
    answer = run(installed / "twin", *arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.strip()
    assert "Traceback" not in answer.stderr
