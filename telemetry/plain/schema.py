"""JSON schema of a mapping file, for editors.

Shipped as ``sites/mapping.schema.json``; ``python -m telemetry.plain.schema > sites/mapping.schema.json`` writes it.
"""

from __future__ import annotations

import json
import sys

from telemetry.plain.model import MappingFile
from twin.site.schema import schema_of

NAME = "mapping.schema.json"


def schema_text() -> str:
    """The schema as it is shipped."""
    words = "What plain JSON messages on MQTT mean: topics, fields, units, names."
    made = schema_of(MappingFile, NAME, "halltwin mapping of plain JSON", words)
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
