"""What Numba is told to do differently is our kernels' own affair."""

from __future__ import annotations

import numba
import numpy as np

from twin.core.integrate import phi1


def test_a_function_of_somebodys_own_may_multiply_matrices_beside_our_kernels() -> None:
    phi1(1.0)  # after which Numba has all its registries
    square = numba.njit(lambda a: a @ a)
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(square(a), [[7.0, 10.0], [15.0, 22.0]])
