"""Compiled kernels are closed: what they compute does not hang on what else the process has compiled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from twin.core.jit import POWER, cache_folder, ensure_compiled

# A process that compiles for itself, into an empty cache: only such a one has the kernel's code at hand.
CHILD = """
import numpy as np
from twin.cooling.moist_air import wet_bulb_array
a = np.full(3, 0.5)
wet_bulb_array(a, a, 1e5 * a)
library = wet_bulb_array.overloads[wet_bulb_array.signatures[0]].library
for f in library._final_module.functions:
    if not f.is_declaration:
        print(f.linkage.name if hasattr(f.linkage, "name") else int(f.linkage), f.name)
"""


def test_a_helper_belongs_to_the_kernel_it_was_compiled_with(tmp_path):
    environment = {**os.environ, "HALLTWIN_CACHE": str(tmp_path), "HALLTWIN_COMPILING": "1"}
    done = subprocess.run([sys.executable, "-c", CHILD], env=environment, capture_output=True, text=True, check=True)
    defined = [line.split() for line in done.stdout.splitlines()]
    ours = {linkage for linkage, name in defined if "4twin" in name and "wet_bulb_array" not in name}
    assert any("_wet_bulb_on_branch" in name for _, name in defined), "no helper was left to look at"
    assert ours == {"internal"}
    files = {path.name.split("-")[0] for path in tmp_path.rglob("*.nbc")}
    assert files == {"moist_air.wet_bulb_array"}, "a helper is compiled for Python too"


def test_no_helper_of_a_run_is_compiled_for_two_signatures():
    """A second one costs the first start as much again: arrays of another type, another layout, an int for a float."""
    ensure_compiled()
    shares = {path.stem: json.loads(path.read_text()) for path in cache_folder().glob("*.json")}
    assert shares.keys() == {"islands", "rest"}
    assert "twin.engine.throttle.hold" in shares["islands"]
    assert "twin.engine.headroom.plant_power" in shares["rest"]
    assert {name: n for share in shares.values() for name, n in share.items() if n > 1} == {}


def test_the_machine_of_the_power_path_is_compiled_when_a_failure_needs_it_and_says_so(tmp_path):
    """Nobody waits for it who does not break the power path; the second failure does not wait either."""
    ensure_compiled()
    shared = shutil.copytree(cache_folder(), tmp_path / "kernels" / cache_folder().name)
    (shared / POWER).unlink(missing_ok=True)
    for stale in shared.rglob("machine_kernel*"):
        stale.unlink()
    code = (
        "from twin.core import jit; from twin.site.load import load_site; from twin.site.lower import lower\n"
        "from twin.site.power_site import power_site; from twin.engine.power_machine import machine_of\n"
        "jit.tell_compiling(print); loaded = load_site('oklahoma-10'); plan = lower(loaded)\n"
        "print((jit.cache_folder() / jit.POWER).exists())\n"
        "machine = machine_of(power_site(loaded, plan), loaded); print(machine.powered.all())\n"
    )
    environment = {**os.environ, "HALLTWIN_CACHE": str(tmp_path)}
    said = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said == ["False\ncompiling the power path once, about 10 s\nTrue\n", "True\nTrue\n"]
