"""Walks a pydantic model along the location of an error: which model, field and place in the document are meant.

A location names union branches and ``[key]`` beside the keys that people wrote; the walk tells them apart.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twin.site.document import Path


@dataclass(frozen=True)
class Place:
    """Where a location leads: the ``path`` in the document, the innermost ``model`` on the way, what it is about."""

    path: Path
    model: type[BaseModel] | None
    is_key: bool = False
    branch: type | None = None  # of the union that the location went through
    union_at: Path | None = None
    required: tuple[bool, ...] = ()  # for each part of the path: must it be there for its parent to be valid?


def fields_of(model: type[BaseModel]) -> dict[str, tuple[str, FieldInfo]]:
    """The keys that people write, with the attribute's name and its field."""
    return {info.alias or name: (name, info) for name, info in model.model_fields.items()}


def members(annotation: Any) -> list[Any]:
    """What a value may be: the members of a union without ``None``, stripped of ``Annotated``."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [m for arg in get_args(annotation) if arg is not type(None) for m in members(arg)]
    return [annotation]


def homes(root: type[BaseModel], key: str, above: tuple[str, ...] = ()) -> list[str]:
    """Where below ``root`` people write ``key``, as ``templates.*.liquid``: names of models' keys, ``*`` for any."""
    found = []
    for name, (_, info) in fields_of(root).items():
        if name == key:
            found.append(".".join(above))
        for steps, kind in _parts((*above, name), info.annotation):
            found += homes(kind, key, steps)
    return list(dict.fromkeys(found))


def _parts(steps: tuple[str, ...], annotation: Any) -> list[tuple[tuple[str, ...], type[BaseModel]]]:
    """The models in an annotation, with the way to each; ``*`` for the items of mappings and lists."""
    found = []
    for kind in members(annotation):
        if get_origin(kind) in (dict, list, tuple) and get_args(kind):
            found += _parts((*steps, "*"), get_args(kind)[-1 if get_origin(kind) is dict else 0])
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            found.append((steps, kind))
    return found


def plain(annotation: Any) -> type:
    """The runtime class of an annotation."""
    origin = get_origin(annotation) or annotation
    return origin if isinstance(origin, type) else object


def walk(root: type[BaseModel], loc: Sequence[int | str]) -> Place:
    """Follow the location ``loc`` of a pydantic error of ``root``."""
    is_key = bool(loc) and loc[-1] == "[key]"
    path: Path = ()
    here: Any = root
    model: type[BaseModel] | None = root
    branch: type | None = None
    union_at: Path | None = None
    required: tuple[bool, ...] = ()
    for part in loc[:-1] if is_key else loc:
        options = members(here)
        if len(options) > 1:  # the part names a branch
            union_at = path
            here = _branch(options, str(part))
            branch = plain(here)
            continue
        here = options[0]
        path = (*path, part)
        if isinstance(here, type) and issubclass(here, BaseModel):
            model = here
            _, info = fields_of(here).get(str(part), ("", None))
            required += (info is not None and info.is_required(),)
            here = info.annotation if info is not None else Any
        else:
            arguments = get_args(here)
            required += (plain(here) is list,)
            here = arguments[-1] if arguments else Any
    return Place(path, model, is_key, branch, union_at, required)


def _branch(options: list[Any], tag: str) -> Any:
    """The member of a union that pydantic calls ``tag``."""
    return next((m for m in options if tag.partition("[")[0] == plain(m).__name__), options[0])
