"""``python -m tests.bench [CASE ...] [--quick] [--full] [--json]``: run cases, print the table, exit 1 on a miss."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable

from tests.bench import (
    bands,
    campus_year,
    dsx_decode,
    emulator,
    fault_sweep,
    fleet,
    hpc_twin,
    live_engine,
    long_trace,
    mqtt,
    mqtt_faults,
    mqtt_replay,
    mqtt_sparkplug,
    page,
    plant,
    power,
    rack_loop,
    single_losses,
    sparkplug_decode,
    start,
    state_apply,
)
from tests.bench.measure import ROOT, Row
from tests.bench.table import busy, document, text

Case = Callable[[bool, bool], list[Row]]
CASES: dict[str, Case] = {
    "loop": rack_loop.run,
    "year": campus_year.run,
    "plant": plant.run,
    "power": power.run,
    "bands": bands.run,
    "hpc": hpc_twin.run,
    "start": start.run,
    "trace": long_trace.run,
    "fleet": fleet.run,
    "sweep": fault_sweep.run,
    "n1": single_losses.run,
    "mqtt": mqtt.run,
    "mqtt-sparkplug": mqtt_sparkplug.run,
    "replay": mqtt_replay.run,
    "mqtt-faults": mqtt_faults.run,
    "emulator": emulator.run,
    "decode": dsx_decode.run,
    "state": state_apply.run,
    "page": page.run,
    "sparkplug": sparkplug_decode.run,
    "live": live_engine.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; writes ``build/bench.json``."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="shorter periods, fewer repetitions")
    parser.add_argument("--full", action="store_true", help="a whole year, and ten minutes of MQTT")
    parser.add_argument("--json", action="store_true", help="print what build/bench.json holds")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.cases if name not in CASES]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    before = os.getloadavg()[0]
    rows: list[Row] = []
    for name in asked.cases or CASES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += CASES[name](asked.quick, asked.full)
    found = document(rows, before)
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2) if asked.json else text(rows))
    if warning := busy(before):
        print(warning, file=sys.stderr)
    return 0 if found["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
