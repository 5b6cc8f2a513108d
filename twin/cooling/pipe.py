"""Plug flow: water leaves a pipe or a stratified store in the order in which it came in, after V/Q.

The water is a row of parcels, each a heat capacity (J/K) and a temperature, the outlet's first. A step takes as much
out of the front as it puts in at the back; what is put in joins the last parcel until that is one part of the pipe in
``PARCELS - 2``. So nothing mixes but there, at any Courant number: fronts stay as sharp as a parcel, temperatures stay
within those that came in, and heat is conserved. Equations (s = w dt J/K pass in a step, V the pipe's capacity)::

    kept    = min(1, V/s)                       share of the step's outflow that stood in the pipe
    T_out   = (1 - kept) T_in + kept T_old      T_old the mean of the parcels that leave
    V dT    = s (T_in - T_out)

Affine in T_in, so a pipe joins the loop's elimination as a tank does. Source: physics sheet, 7.1 rules 4 and 5, which
asks for cells; parcels need no reconstruction. A store in series is a wide pipe: ideal stratification (estimate; the
thermocline of a real tank takes 5-10 % of its height).
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import kernel

PARCELS = 50
NOTHING = 1e-290  # J/K; below it products with a temperature are subnormal and have no digits left


@kernel
def drawn(pipe: np.ndarray, s: float) -> tuple[float, float]:
    """Share of an outflow of ``s`` J/K that stood in the pipe (2, parcel), and its mean temperature."""
    taken, heat = 0.0, 0.0
    for i in range(PARCELS):
        part = min(pipe[0, i], s - taken)
        taken += part
        heat += part * pipe[1, i]
    if taken < NOTHING:
        return 0.0, 0.0
    return min(1.0, taken / s), heat / taken


@kernel
def push(pipe: np.ndarray, s: float, t_in: float) -> float:
    """Move ``s`` J/K at ``t_in`` into the pipe and as much out of it; returns the heat that it has stored, J.

    Only what leaves and what joins counts: the difference of two sums over all the water would round to its size.
    """
    whole, held, gone = 0.0, 0.0, 0.0
    left, n = s, 0
    for i in range(PARCELS):
        whole += pipe[0, i]
        part = min(pipe[0, i], left)
        left -= part
        stays, t = pipe[0, i] - part, pipe[1, i]
        gone += part * (t - t_in)
        pipe[0, i] = 0.0
        if stays > 0.0:
            held += stays
            pipe[0, n], pipe[1, n] = stays, t
            n += 1
    new, joined = whole - held, 0.0
    if n > 0 and pipe[0, n - 1] < whole / (PARCELS - 2):
        last, t = pipe[0, n - 1], pipe[1, n - 1]
        pipe[1, n - 1] += (t_in - t) * new / (last + new)
        pipe[0, n - 1] = last + new
        joined = (last + new) * (pipe[1, n - 1] - t_in) - last * (t - t_in)
    else:
        pipe[0, n], pipe[1, n] = new, t_in
    return joined - gone


__all__ = ["PARCELS", "drawn", "push"]
