"""An EIR set that cannot be one is refused when its entry is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from twin.cooling.eir_chiller import EirChiller
from twin.site.library import load_library


def entry() -> dict[str, Any]:
    return load_library().get("chiller-eir-2317-vsd", EirChiller).model_dump()


def test_the_entry_itself_is_accepted():
    assert EirChiller.model_validate(entry()).rated_cop.value == 6.33


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("eir_by_load", [0.1, 0.5, 0.3, 0.1], "eir_by_load has 4 coefficients, expected 3"),
        ("capacity_by_temperature", [1.0, 0.0, 0.0], "capacity_by_temperature has 3 coefficients, expected 6"),
        ("eir_by_temperature", [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0], "not above 0 at an edge"),
    ],
)
def test_curves_have_their_coefficients_and_stay_positive(name, changed, words):
    data = entry()
    data[name]["coefficients"] = changed
    with pytest.raises(ValidationError, match=words):
        EirChiller.model_validate(data)


def test_a_range_has_two_ends():
    data = entry()
    data["chilled_low_c"]["value"] = 9.0
    with pytest.raises(ValidationError, match="a range of the set is empty"):
        EirChiller.model_validate(data)
