"""The dialect of a recording and its options: what its writer keeps of them, and which count when it is read.

Each option is kept in the metadata of every file, as ``option.NAME``; of a mapping file its name (no path: that of
another machine leads nowhere), its content and the SHA-256 of that, since nothing else guards metadata. When it is read
they stand in for what is not asked for: an option that is given wins over that of its name, an empty one takes it away,
and another dialect takes all of them away.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from telemetry.decode import Decoder, dialects, make
from telemetry.recording.layout import DIALECT, OPTION, without_login
from telemetry.recording.read import Recording
from twin.core.errors import InputError, Problem, did_you_mean, one, option
from twin.site.shipped import named_source

MAPPING, TEXT, DIGEST = "mapping", "mapping_text", "mapping_sha256"
FLAGS = frozenset({MAPPING, "rebirth"})  # options of dialects that verbs have under their own names


class Spoken(NamedTuple):
    """A dialect by its name, "" where nobody says it, and its options."""

    name: str
    options: dict[str, str]

    def words(self) -> str:
        """For people."""
        told = [self.name, *(f"{name} {text}" for name, text in sorted(shown(self.options).items()))]
        return ", ".join(told)


def kept(name: str, options: Mapping[str, str]) -> dict[str, str]:
    """What a recording keeps of a dialect and its options. Raises ``InputError`` where a mapping cannot be read."""
    made = {**options}
    if MAPPING in made and TEXT not in made:
        raw, label = named_source(made[MAPPING], dialects()[name].DIALECT.mappings, MAPPING)
        text = without_login(raw.decode("utf-8-sig", "replace"))
        named = label if label == made[MAPPING] else made[MAPPING]
        made |= {MAPPING: Path(named).name, TEXT: text, DIGEST: _digest(text)}
    return {DIALECT: name, **{f"{OPTION}{key}": text for key, text in sorted(made.items())}}


def spoken(
    recording: Recording, dialect: str | None = None, options: Mapping[str, str] | None = None, default: str = ""
) -> Spoken:
    """What a recording is read as: what is asked for, else what it says of itself, else ``default``.

    Raises ``InputError`` where a mapping that it keeps, and that nobody gives, is damaged. What is overruled is noted
    in the recording, to be told where nothing can be read.
    """
    given, said = dict(options or {}), Spoken(recording.about.get(DIALECT, ""), dict(recording.options))
    digest = said.options.pop(DIGEST, "")
    if not said.name or dialect not in (None, said.name):
        made = Spoken(dialect or said.name or default, given)
    else:
        own = {key: text for key, text in said.options.items() if key != TEXT or MAPPING not in given}
        if TEXT in own and _digest(own[TEXT]) != digest:
            words = f"the mapping {own.get(MAPPING, '')} that it keeps is damaged: give it with {option('mapping=')}"
            raise one(words, file=str(recording.path))
        made = Spoken(said.name, {key: text for key, text in {**own, **given}.items() if text or key == TEXT})
    recording.overruled = said.words() if said.name and made != said else ""
    return made


def shown(options: Mapping[str, str]) -> dict[str, str]:
    """Options that a recording keeps without the content of a mapping, which its digest stands for."""
    return {name: text for name, text in options.items() if name != TEXT}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def unread(recording: Recording, messages: int, readings: int) -> list[str]:
    """A sentence where an option overruled what a recording says of itself, and then nothing in it could be read."""
    if not messages or readings or not recording.overruled:
        return []
    return [f"the recording says that it is of {recording.overruled}, and was read otherwise"]


def make_decoder(name: str, options: Mapping[str, str] | None = None) -> Decoder:
    """A decoder by the name of its dialect. Raises ``InputError`` for a name or an option that there is not."""
    if name not in dialects():
        raise one(
            f'there is no "{name}"; known: {", ".join(dialects())}{did_you_mean(name, dialects())}',
            path=option("dialect="),
        )
    try:
        return make(name, options)
    except InputError as error:
        raise InputError([_by_option(p, (options or {}).keys() | FLAGS) for p in error.problems]) from None


def _by_option(problem: Problem, given: Set[str]) -> Problem:
    """A problem at the option that gave what is wrong: few of a dialect have one of their own."""
    if problem.path in FLAGS:
        return replace(problem, path=option(f"{problem.path}="))
    if problem.path in given:
        return replace(problem, path=option("option="), message=f"{problem.path}: {problem.message}")
    return problem


__all__ = ["Spoken", "kept", "make_decoder", "shown", "spoken", "unread"]
