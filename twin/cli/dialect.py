"""What messages are written in: options that several verbs have."""

from __future__ import annotations

from typing import Annotated

import typer

ASKED = "dsx, influx, plain, sparkplug; default: what the recording says"
Mapping = Annotated[
    str | None, typer.Option("--mapping", metavar="FILE", help="Of influx, plain, sparkplug: names the points.")
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="Of the dialect: prefix; of influx topic, precision (ns ... s)."
    ),
]
Rebirth = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Ask Sparkplug nodes for births: never, on_unknown, on_gap (writes).")
]


def options_of(mapping: str | None, option: list[str] | None, rebirth: str | None = None) -> dict[str, str]:
    """Options of a dialect that were given. Raises ``InputError`` for what is no NAME=VALUE, or is given twice."""
    from twin.core.errors import InputError, Problem

    made = {name: text for name, text in (("mapping", mapping), ("rebirth", rebirth)) if text is not None}
    problems = []
    for each in option or ():
        name, sign, text = each.partition("=")
        if not sign or not name:
            problems.append(Problem("--option", f'"{each}": expected NAME=VALUE'))
        elif name in made:
            problems.append(Problem("--option", f"{name} is given twice"))
        made[name] = text
    if problems:
        raise InputError(problems)
    return made
