"""What hangs together with the islands step by step, besides water, air and the fleet: asked at the edges of steps.

The engine knows no more of it than this. ``twin.engine.power_run`` is the power path in a failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from twin.site.plan import Arrays

if TYPE_CHECKING:
    from twin.engine.run import Forcing
    from twin.engine.timeline import Block


class Coupled(Protocol):
    """Something that goes along with a run, one step at a time."""

    def before(self, start: float) -> None:
        """What it does to the state of the run before the step that begins at ``start`` (s since 1970)."""
        ...

    def arrays(self, a: Arrays) -> Arrays:
        """The columns ``a`` as it leaves them for that step."""
        ...

    def after(self, block: Block, forcing: Forcing, step: int) -> None:
        """Go along over a step of a block whose islands have run."""
        ...


__all__ = ["Coupled"]
