"""Plain data to YAML text: block style, keys in their order, the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from twin.site.scalars import write_scalar


def dump(data: Mapping[str, Any]) -> str:
    """YAML text of a mapping of text, numbers, booleans, ``None``, lists and mappings."""
    return "".join(f"{line}\n" for line in _lines(data, "")) if data else "{}\n"


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{indent}{write_scalar(key)}:", item, indent)
    else:
        for item in value:
            yield from _entry(f"{indent}-", item, indent)


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping | list) and item:
        yield head
        yield from _lines(item, f"{indent}  ")
    elif isinstance(item, Mapping | list):
        yield f"{head} {'{}' if isinstance(item, Mapping) else '[]'}"
    else:
        yield f"{head} {write_scalar(item)}"
