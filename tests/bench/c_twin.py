"""The rack loop three times, over the same numbers: in C, as the kernels that the engine calls, and in NumPy.

Arrays: ``racks`` (6, n): power (W), plate, body (degC), lasting offset, wander at the knots before and after;
``rows`` (group, 11): the row of ``heat_pass``, P0, P1, P2, plate conductance; ``matrix`` (group, 3); ``drive``
(step, 4): weight of the wander, utilisation, coolant and air inlet; ``sums`` (step, 6): power, utilisation, liquid
heat, air heat, plates, bodies.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.core.integrate import two_nodes
from twin.core.jit import kernel
from twin.racks.kernel import heat_pass, power_pass

Floats = NDArray[np.float64]
DT = 60.0
COMPILE = ["-O3", "-march=native", "-ffast-math", "-fPIC", "-c"]
# Linked without -ffast-math: that would flush subnormal numbers to zero in the whole process, for good.
LINK = ["-shared"]
# A CS-3-like rack: shares, capacities (J/K), conductances (W/K), P0..P2 (W), plate conductance (W/K).
RACK = (0.90, 0.06, 0.04, 2e5, 1e5, 5.0, 20.0, 9e3, 12e3, 2e3, 900.0)
LINE = 64


@dataclass
class Problem:
    """The numbers of a loop; ``racks`` and ``sums`` are written."""

    ptr: NDArray[np.int64]
    rows: Floats
    matrix: Floats
    drive: Floats
    racks: Floats
    sums: Floats


def problem(racks: int, per_group: int, steps: int) -> Problem:
    """Racks in equal groups, every group with coefficients and every rack with a utilisation of its own."""
    rng = np.random.default_rng(20_280_701)
    groups = racks // per_group
    rows = np.tile(RACK, (groups, 1)) * (1.0 + 0.1 * rng.random((groups, 1)))
    matrix = np.array([two_nodes(DT, r[3], r[4], r[10], r[6], r[5]) for r in rows])
    f = (np.arange(steps) % 15 + 0.5) / 15.0
    drive = np.stack([f, *(a + b * rng.random(steps) for a, b in ((0.4, 0.6), (20, 5), (22, 5)))], axis=1)
    # On a cache line, as the racks' arrays are laid for both twins alike.
    raw = np.zeros(6 * racks + LINE // 8)
    first = -raw.ctypes.data % LINE // 8
    state = raw[first : first + 6 * racks].reshape(6, racks)
    state[1], state[2] = 21.0, 22.0
    state[3:] = 0.05 * rng.standard_normal((3, racks))
    ptr = np.arange(0, racks + 1, per_group, dtype=np.int64)
    return Problem(ptr, rows, matrix, drive, state, np.zeros((steps, 6)))


@cache
def library() -> ctypes.CDLL:
    """The C twin, compiled for this machine."""
    source = Path(__file__).with_name("c_twin.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "c_twin.so")
        compiled = built.with_suffix(".o")
        subprocess.run(["gcc", *COMPILE, "-o", str(compiled), str(source)], check=True)
        subprocess.run(["gcc", *LINK, "-o", str(built), str(compiled)], check=True)
        return ctypes.CDLL(str(built))


def run_c(q: Problem) -> None:
    """All steps in C."""
    q.sums[:] = 0.0
    arrays = [ctypes.c_void_p(x.ctypes.data) for x in (q.ptr, q.rows, q.matrix, q.drive)]
    sizes = [ctypes.c_long(n) for n in (len(q.drive), len(q.rows), q.racks.shape[1])]
    written = [ctypes.c_void_p(x.ctypes.data) for x in (q.racks, q.sums)]
    library().c_steps(*sizes, *arrays, ctypes.c_double(DT), *written)


@kernel
def _steps(
    ptr: np.ndarray,
    rows: np.ndarray,
    matrix: np.ndarray,
    drive: np.ndarray,
    dt: float,
    racks: np.ndarray,
    sums: np.ndarray,
) -> None:
    power, plate, body, offset, z0, z1 = racks[0], racks[1], racks[2], racks[3], racks[4], racks[5]
    for n in range(drive.shape[0]):
        out = sums[n]
        f, curve, x, a = drive[n, 0], drive[n, 1], drive[n, 2], drive[n, 3]
        for g in range(rows.shape[0]):
            i, j = ptr[g], ptr[g + 1]
            row = rows[g]
            total, used = power_pass(
                power[i:j], offset[i:j], z0[i:j], z1[i:j], f, curve, row[7], row[8], row[9]
            )  # fmt: skip
            out[0] += total
            out[1] += used
        for g in range(rows.shape[0]):
            i, j = ptr[g], ptr[g + 1]
            row, m = rows[g], matrix[g]
            liquid, air, sum_p, sum_b = heat_pass(
                power[i:j], plate[i:j], body[i:j], row[:7], m[0], m[1], m[2], row[10], x, a, dt
            )
            out[2] += liquid
            out[3] += air
            out[4] += sum_p
            out[5] += sum_b


def run_numba(q: Problem) -> None:
    """All steps by the kernels of ``twin.racks.kernel``, called group by group as ``twin.engine.step`` does."""
    q.sums[:] = 0.0
    _steps(q.ptr, q.rows, q.matrix, q.drive, DT, q.racks, q.sums)


class NumpyTwin:
    """The same on whole arrays: coefficients repeated once, temporaries made once."""

    def __init__(self, q: Problem) -> None:
        counts = np.diff(q.ptr)
        self.q = q
        self.rows = [np.repeat(column, counts) for column in q.rows.T]
        self.m = [np.repeat(column, counts) for column in q.matrix.T]
        self.r_p, self.r_b = DT / self.rows[3], DT / self.rows[4]
        self.tmp = np.empty((8, q.racks.shape[1]))

    def run(self) -> None:
        """All steps, one array operation at a time."""
        for n in range(len(self.q.drive)):
            self._power(n)
            self._heat(n)

    def _power(self, n: int) -> None:
        power, _, _, offset, z0, z1 = self.q.racks
        f, curve = self.q.drive[n, 0], self.q.drive[n, 1]
        u = np.subtract(z1, z0, out=self.tmp[0])
        u *= f
        u += z0
        u += offset
        u += 1.0
        u *= curve
        np.clip(u, 0.0, 1.0, out=u)
        np.multiply(u, self.rows[9], out=power)
        power += self.rows[8]
        power *= u
        power += self.rows[7]
        self.q.sums[n, 0] = power.sum()
        self.q.sums[n, 1] = u.sum()

    def _heat(self, n: int) -> None:
        power, tp, tb, _, _, _ = self.q.racks
        s_l, s_b, s_a, _, _, g_pb, g_a, _, _, _, g_p = self.rows
        pp, pb, bb = self.m
        x, a = self.q.drive[n, 2], self.q.drive[n, 3]
        p_l, p_b, f_p, f_b, mean_p, mean_b, cross, t = self.tmp
        np.multiply(s_l, power, out=p_l)
        np.multiply(s_b, power, out=p_b)
        np.multiply(g_pb, np.subtract(tp, tb, out=cross), out=cross)
        np.subtract(p_l, np.multiply(g_p, np.subtract(tp, x, out=t), out=t), out=f_p)
        f_p -= cross
        np.subtract(p_b, np.multiply(g_a, np.subtract(tb, a, out=t), out=t), out=f_b)
        f_b += cross
        np.add(tp, np.multiply(pp, f_p, out=mean_p), out=mean_p)
        mean_p += np.multiply(pb, f_b, out=t)
        np.add(tb, np.multiply(pb, f_p, out=mean_b), out=mean_b)
        mean_b += np.multiply(bb, f_b, out=t)
        np.multiply(g_pb, np.subtract(mean_p, mean_b, out=cross), out=cross)
        q_l, q_a = f_p, f_b
        np.multiply(g_p, np.subtract(mean_p, x, out=mean_p), out=q_l)
        np.multiply(g_a, np.subtract(mean_b, a, out=mean_b), out=q_a)
        p_l -= q_l
        p_l -= cross
        p_b -= q_a
        p_b += cross
        tp += np.multiply(self.r_p, p_l, out=p_l)
        tb += np.multiply(self.r_b, p_b, out=p_b)
        self.q.sums[n, 2:] = q_l.sum(), q_a.sum() + np.dot(s_a, power), tp.sum(), tb.sum()


__all__ = ["NumpyTwin", "Problem", "library", "problem", "run_c", "run_numba"]
