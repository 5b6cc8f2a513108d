"""JSON schema of a site file, for editors: units and bounds in it, in the words of draft 7.

Shipped as ``sites/site.schema.json``; written by ``python -m twin.site.schema > sites/site.schema.json``. A first line
``# yaml-language-server: $schema=site.schema.json`` makes an editor use it. A site with ``base:`` is partial: nothing
is required of it, and ``null`` deletes.
"""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

from pydantic import BaseModel

from twin.core.params import quantity_of
from twin.site.model import Site
from twin.site.shape import fields_of, members

Schema = dict[str, Any]
NAME = "site.schema.json"
DRAFT = "http://json-schema.org/draft-07/schema#"
LIMITS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def definitions_of(top: type[BaseModel]) -> Schema:
    """The schemas of a model and all that it reaches, by name, with units and bounds."""
    made = top.model_json_schema(by_alias=True)
    definitions: Schema = made.pop("$defs", {})
    definitions[top.__name__] = made
    for name, model in _models(top, {}).items():
        _describe(definitions[name], model)
    return definitions


def schema_of(top: type[BaseModel], name: str, title: str, description: str) -> Schema:
    """The schema of a file that is a ``top``, in the words of draft 7."""
    return {
        "$schema": DRAFT,
        "$id": name,
        "title": title,
        "description": description,
        "$ref": f"#/definitions/{top.__name__}",
        "definitions": dict(sorted(_moved(definitions_of(top)).items())),
    }


def site_schema() -> Schema:
    """The schema as plain data, the same at every call."""
    definitions = definitions_of(Site)
    partial = {f"Partial{name}": _relaxed(schema) for name, schema in definitions.items()}
    return {
        "$schema": DRAFT,
        "$id": NAME,
        "title": "halltwin site",
        "description": "A campus of AI halls: power, cooling, racks. Quantities carry their unit in the key.",
        "type": "object",
        "if": {"required": ["base"]},
        "then": {"$ref": "#/definitions/PartialSite"},
        "else": {"$ref": "#/definitions/Site"},
        "definitions": dict(sorted({**_moved(definitions), **_moved(partial)}.items())),
    }


def schema_text() -> str:
    """The schema as it is shipped."""
    return json.dumps(site_schema(), indent=1, ensure_ascii=False) + "\n"


def _models(model: type[BaseModel], found: dict[str, type[BaseModel]]) -> dict[str, type[BaseModel]]:
    """All models that ``model`` reaches, by name."""
    if model.__name__ not in found:
        found[model.__name__] = model
        todo: list[Any] = [info.annotation for info in model.model_fields.values()]
        while todo:
            for part in members(todo.pop()):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    _models(part, found)
                todo += getattr(part, "__args__", ())
    return found


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    """Write unit, meaning and bounds of the model's quantities into its schema."""
    for key, (name, info) in fields_of(model).items():
        quantity, part = quantity_of(model, name), schema["properties"][key]
        if quantity is not None:
            part["description"] = f"{info.description or quantity.text} [{quantity.bounds()}]"
            limits = {word: getattr(quantity, bound) for bound, word in LIMITS.items()}
            part.update({word: limit for word, limit in limits.items() if limit is not None})


def _moved(value: Any) -> Any:
    """References as draft 7 has them."""
    if isinstance(value, dict):
        return {k: _moved(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_moved(v) for v in value]
    return value.replace("#/$defs/", "#/definitions/") if isinstance(value, str) else value


def _relaxed(schema: Schema) -> Schema:
    """The schema of a part of a variant: nothing is required, ``null`` is allowed, so are maps with fewer entries."""
    made = copy.deepcopy(schema)
    made.pop("required", None)
    for key, part in made.get("properties", {}).items():
        made["properties"][key] = {"anyOf": [_in_variant(part), {"type": "null"}]}
    return made


def _in_variant(part: Schema) -> Schema:
    """A value of a variant: mappings are merged, so theirs are partial too; lists are replaced as a whole."""
    made = {k: v for k, v in part.items() if k not in ("minProperties", "default")}
    if "$ref" in made:
        made["$ref"] = made["$ref"].replace("#/$defs/", "#/$defs/Partial")
    if "anyOf" in made:
        made["anyOf"] = [_in_variant(option) for option in made["anyOf"]]
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = {"anyOf": [_in_variant(made["additionalProperties"]), {"type": "null"}]}
    if isinstance(made.get("patternProperties"), dict):
        inner = made["patternProperties"].items()
        made["patternProperties"] = {k: {"anyOf": [_in_variant(v), {"type": "null"}]} for k, v in inner}
    return made


if __name__ == "__main__":
    sys.stdout.write(schema_text())
