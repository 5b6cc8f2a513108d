"""JSON schema of a scenario file, for editors.

Shipped as ``sites/scenario.schema.json``; ``python -m twin.engine.scenario_schema`` writes it.
"""

from __future__ import annotations

import json
import sys

from twin.engine.scenario_model import Scenario
from twin.site.schema import Schema, schema_of

NAME = "scenario.schema.json"


def scenario_schema() -> Schema:
    """The schema as plain data, the same at every call."""
    words = "What happens to a site: faults, repairs, weather. Times are instants or lengths of time from its instant."
    return schema_of(Scenario, NAME, "halltwin scenario", words)


def schema_text() -> str:
    """The schema as it is shipped."""
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
