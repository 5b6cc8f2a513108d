"""What ships in the data package ``sites``: found by looking, read with a limit on size."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from twin.core.errors import InputError, Problem, did_you_mean, one, option
from twin.site.document import MAX_BYTES

Source = Path | Traversable


def data_root() -> Traversable:
    """The folder of the data package."""
    return files("sites")


def shipped(suffix: str = ".yaml", *folder: str) -> dict[str, Traversable]:
    """Files of a folder of the data package by name without ``suffix``, sorted; empty when there is no folder."""
    place = data_root().joinpath(*folder)
    if not place.is_dir():
        return {}
    found = {p.name.removesuffix(suffix): p for p in place.iterdir() if p.name.endswith(suffix)}
    return dict(sorted(found.items()))


def read_bytes(source: Source, label: str) -> bytes:
    """The content of a file. Raises :class:`InputError` when it cannot be read or is larger than allowed."""
    try:
        with source.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError([Problem("", f"cannot read the file: {reason}", label)]) from None
    if len(raw) > MAX_BYTES:
        raise InputError([Problem("", f"the file is larger than {MAX_BYTES // 1_000_000} MB", label)])
    return bytes(raw)


def named_source(name_or_path: str | Path, folder: str, what: str) -> tuple[bytes, str]:
    """The content and the label of a shipped file of ``folder`` by its name, or of a file by its path.

    ``what`` it is called, and the argument that names it. Raises :class:`InputError` where there is neither, with the
    shipped name that may be meant.
    """
    text, names = str(name_or_path), shipped(".yaml", folder)
    if isinstance(name_or_path, str) and text in names:
        return read_bytes(names[text], f"sites/{folder}/{text}.yaml"), f"sites/{folder}/{text}.yaml"
    path = Path(text)
    try:
        if path.is_file():
            return read_bytes(path, text), text
    except (OSError, ValueError):
        pass  # no name that a file can have
    hint = did_you_mean(text, names)
    message = f'there is no {what} "{text[:200]}"{hint}: expected a file or a shipped {what} ({", ".join(names)})'
    raise one(message, path=option(f"{what}="))
