"""Writes ``constraints.txt``: one version of everything, for every supported Python (``make constraints``).

Resolves what ``pyproject.toml`` asks for (runtime, all extras, build tools) with the oldest Python, then lets
the newer ones resolve under those pins; a package that only newer ones need gets a marker. Pythons that are
not on the PATH can be named: ``PYTHONS="~/py311/bin/python ~/py313/bin/python" make constraints``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
HEADER = """\
# Pinned versions of all that halltwin runs, tests and lints with, on Python {versions}.
# Written by `make constraints`; do not edit by hand.
"""


def wanted(build_tools: list[str]) -> list[str]:
    """Every requirement of the project: runtime, extras and build tools."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for group in project["optional-dependencies"].values() for line in group]
    return [*project["dependencies"], *extras, *build_tools]


def interpreters() -> list[tuple[str, str]]:
    """(version, command) of each supported Python at hand, oldest first."""
    named = os.environ.get("PYTHONS")
    commands = (
        [str(Path(part).expanduser()) for part in named.split()]
        if named
        else [f"python{version}" for version in VERSIONS]
    )
    found: dict[str, str] = {}
    for command in commands:
        if shutil.which(command):
            code = "import sys; print('%d.%d' % sys.version_info[:2])"
            answer = subprocess.run([command, "-c", code], capture_output=True, text=True, check=False)
            if answer.returncode == 0:
                found[answer.stdout.strip()] = command
    return sorted(found.items(), key=lambda item: int(item[0].split(".")[1]))


def resolve(python: str, requirements: list[str], pins: dict[str, str]) -> dict[str, str]:
    """What pip would install with ``python`` into an empty environment: normal name → version."""
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "held.txt")
        held.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        venv, report = Path(folder, "venv"), Path(folder, "report.json")
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--ignore-installed", "--dry-run"]
        subprocess.run([*pip, "--report", str(report), "-c", str(held), *requirements], check=True)
        items = json.loads(report.read_text())["install"]
    return {
        re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(): item["metadata"]["version"].split("+")[0]
        for item in items
    }


def main(build_tools: list[str]) -> int:
    """Resolve on every Python at hand and write the file."""
    pythons = interpreters()
    missing = set(VERSIONS) - {version for version, _ in pythons}
    if missing:
        print(f"pin.py: not checked, not on the PATH: Python {', '.join(sorted(missing))}", file=sys.stderr)
    if not pythons or pythons[0][0] != VERSIONS[0]:
        print(f"pin.py: needs Python {VERSIONS[0]}: the pins of the oldest hold for all", file=sys.stderr)
        return 1
    pins: dict[str, str] = {}
    markers: dict[str, str] = {}
    for version, command in pythons:
        new = {k: v for k, v in resolve(command, wanted(build_tools), pins).items() if k not in pins}
        if pins:
            markers |= dict.fromkeys(new, f' ; python_version >= "{version}"')
        pins |= new
    lines = [f"{name}=={pins[name]}{markers.get(name, '')}\n" for name in sorted(pins)]
    checked = ", ".join(version for version, _ in pythons)
    (ROOT / "constraints.txt").write_text(HEADER.format(versions=checked) + "".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
