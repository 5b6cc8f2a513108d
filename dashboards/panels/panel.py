"""What a panel is: HTML that stays, models of Bokeh in it, and the words that change with every frame.

Words go to the browser as a table that ``page/live.js`` applies, only those that changed:

    "id"        text of the element          "id@name"   its attribute ("" present, None absent)
    "id--name"  its CSS variable             "id#rows"   rows of its table: lists of text, head of the row first

All words are set as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Protocol

import numpy as np
from bokeh.models import Model
from numpy.typing import NDArray

from dashboards.view import View
from telemetry.live.frame import Frame

Word = str | None | Sequence[Sequence[str]]
Words = dict[str, Word]
Floats = NDArray[np.float64]


class Panel(Protocol):
    """One panel of one reader."""

    @property
    def parts(self) -> Sequence[str | Model]:
        """Pieces of HTML and models, from top to bottom; a model carries a name."""
        ...

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """Bring the models up to date and return the words; called with the document's lock."""
        ...


# What a file of this folder offers as ``build``: the panel for a reader; None where the site has nothing for it.
Build = Callable[[View], Panel | None]


def opening(key: str, title: str, controls: str = "") -> str:
    """Begin a panel: its title, what can be chosen, and the finding in words that its picture is described by."""
    return (
        f'<section id="{key}" aria-labelledby="{key}-title"><div class="bar"><h2 id="{key}-title">{escape(title)}</h2>'
        f'<p class="finding" id="{key}-finding"></p>{controls}</div>'
    )


def picture(key: str) -> str:
    """Begin the place of a canvas; the words ``<key>-picture@aria-label`` say what is on it."""
    return f'<div class="picture" id="{key}-picture" role="img">'


def closing(key: str, title: str, head: Sequence[str], pick: str = "") -> str:
    """End a panel with the table behind it, which opens by keyboard; ``pick``: what the head of a row chooses."""
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    picks = f' data-pick="{pick}"' if pick else ""
    return (
        f'<details data-key="{key}" id="{key}-details"><summary>Table <span class="visually-hidden">behind '
        f'{escape(title)}</span></summary><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title, quote=True)}">'
        f'<table id="{key}-table"{picks}><thead><tr>{cells}</tr></thead><tbody></tbody></table></div>'
        "</details></section>"
    )


def flag(on: bool) -> str | None:
    """The word of an attribute that is there or not."""
    return "" if on else None


__all__ = ["Build", "Floats", "Panel", "Word", "Words", "closing", "flag", "opening", "picture"]
