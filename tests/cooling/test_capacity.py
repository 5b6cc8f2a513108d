"""What a plant can take never rises with the heat or the damp outdoors, whatever it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from twin.cooling.chiller import Chiller
from twin.cooling.economizer import Economizer
from twin.cooling.moist_air import wet_bulb
from twin.cooling.plant import capacity
from twin.cooling.rejection import Rejection, rejection_kinds
from twin.core.columns import Fac
from twin.site.library import load_library

LIBRARY = load_library()
PRESSURE = 99_000.0
W_MAX = 6e5
# Above the frost of pads and towers.
DRY_BULBS = np.arange(6.0, 44.0, 0.5)
BANKS = ["tower-cell-6mw", "dry-cooler-bac-tdfs1238n", "adiabatic-cooler-2900"]
CHILLERS = ["chiller-centrifugal", "chiller-high-lift", "chiller-eir-2317-vsd", "chiller-eir-2771-vsd",
            "chiller-eir-5170-vanes"]  # fmt: skip


def plant(bank_id: str, chiller_id: str, supply: float) -> tuple[np.ndarray, np.ndarray]:
    """Two chillers behind two units of a bank, with an economiser."""
    bank, chiller = LIBRARY.get(bank_id, *rejection_kinds()), LIBRARY.get(chiller_id, Chiller)
    assert isinstance(bank, Rejection)
    w_c = 2.0 * bank.design_water_w_k()
    values = bank.columns(2) | chiller.columns() | LIBRARY.get("economizer-plate", Economizer).columns(W_MAX, w_c)
    values |= {
        Fac.W_MAX: W_MAX, Fac.SET: supply, Fac.CHILLERS: 2.0, Fac.W_CONDENSER: w_c, Fac.CONDENSER_PUMP: 4e4,
        Fac.C_BASIN: 1e8, Fac.REJECTION: float(list(rejection_kinds()).index(bank.KIND)),
    }  # fmt: skip
    row = np.zeros(len(Fac))
    for column, value in values.items():
        row[column] = value
    return row, np.array(bank.rejection_row(2))


def taken(made: tuple[np.ndarray, np.ndarray], supply: float, t_db: float, t_wb: float) -> float:
    t_ret = supply + 7.0
    a, b = capacity(
        *made, 0.9 * W_MAX, supply, t_ret, 20.0, 20.0, 1e9, t_db, min(t_wb, t_db), PRESSURE, made[0][Fac.CHILLERS]
    )
    return a + b * t_ret


@pytest.mark.parametrize("supply", [7.0, 17.0, 25.0])
@pytest.mark.parametrize("chiller", CHILLERS)
@pytest.mark.parametrize("bank", BANKS)
def test_warmer_air_of_the_same_humidity_ratio_never_raises_capacity(bank, chiller, supply):
    made = plant(bank, chiller, supply)
    for w in (0.002, 0.005):
        found = np.array([taken(made, supply, t, wet_bulb(t, w, PRESSURE)) for t in DRY_BULBS])
        # Relative 1e-3: the bank's conductance follows its water in a fixed number of passes.
        assert (np.diff(found) <= 1e-3 * np.abs(found[:-1])).all()
        # With warm water the economiser has its part; with cold water chillers alone may carry the same all year.
        assert found[-1] < found[0] or supply < 25.0


@pytest.mark.parametrize("supply", [7.0, 17.0, 25.0])
@pytest.mark.parametrize("chiller", CHILLERS)
@pytest.mark.parametrize("bank", BANKS)
def test_damper_air_of_the_same_dry_bulb_never_raises_capacity(bank, chiller, supply):
    """Dry coolers hardly feel it: damp air is a little lighter."""
    made = plant(bank, chiller, supply)
    for t_db in (12.0, 25.0, 38.0):
        found = np.array([taken(made, supply, t_db, t) for t in np.arange(0.35 * t_db, t_db, 0.5)])
        assert (np.diff(found) <= 1e-3 * np.abs(found[:-1])).all()
