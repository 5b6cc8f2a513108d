"""One step of a bracketed root search: regula falsi with the Illinois weight.

Source: Dowell and Jarratt, BIT 11, 1971.
"""

from __future__ import annotations

from twin.core.jit import inner


@inner
def illinois(
    low: float, g_low: float, high: float, g_high: float, x: float, g: float, side: int
) -> tuple[float, float, float, float, int]:
    """The bracket ``(low, g_low, high, g_high, side)`` of a rising function after ``g`` was found at ``x``.

    ``g_low <= 0 < g_high``; ``side`` 1 or -1 says which end moved last (0 at first). An end that stays twice has its
    value halved, so that the next ``x = low - g_low (high - low)/(g_high - g_low)`` comes nearer to it.
    """
    if g > 0.0:
        return low, g_low * (0.5 if side == 1 else 1.0), x, g, 1
    return x, g, high, g_high * (0.5 if side == -1 else 1.0), -1


__all__ = ["illinois"]
