# SPDX-License-Identifier: MIT
"""The record of a case says of every number where it comes from, and can still be read back."""

from pathlib import Path

import pytest

from cases.reading.load import load_case
from cases.reading.resolve import case_hash, write_resolved
from cases.reading.sources import sources

pytestmark = pytest.mark.serial

SHIPPED = Path(__file__).parents[1] / "cases" / "shipped"


def test_library_case_and_derived_are_told_apart() -> None:
    changes = ["agent.reaction_rate=0.05 1/s", "tissues.tumour.shear_modulus=4 kPa"]
    found = sources(load_case(SHIPPED / "reference.toml", changes))
    assert found["agent"]["molar_mass"] == ["measured", "ClO2, atomic masses"]
    assert found["agent"]["reaction_rate"] == ["case", "set in the case; chlorine_dioxide has 0.033 1/s"]
    assert found["agent"]["concentration"][0] == "assumed"
    tumour = found["tissues"]["tumour"]
    assert tumour["shear_modulus"] == ["case", "set in the case; generic_tumour has 3.2 kPa"]
    assert tumour["confined_modulus"][0] == "derived"
    assert tumour["effective_vessel_pressure"][0] == "derived"
    assert tumour["porosity"] == [
        "prior range",
        "0.2 to 0.6 in tumours, Jain 1987, from memory",
        "0.2 to 0.6",
    ]
    assert tumour["diffusivity"][:2] == ["prior range", "Swabb correlation"]
    assert found["needles"] == [["measured", "22G: nominal, ISO 9626-type gauge table"]]


@pytest.mark.parametrize("name", ["reference", "demo", "logistic"])
def test_every_number_has_an_origin_and_the_record_is_read_back(name: str, tmp_path: Path) -> None:
    case = load_case(SHIPPED / f"{name}.toml")
    found = sources(case)
    for tag_name, tissue in found["tissues"].items():
        assert all(len(origin) in (2, 3) and origin[1] for origin in tissue.values()), tag_name
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(tmp_path / "resolved.toml")
    assert case_hash(again) == case_hash(case)
    assert sources(again) == found
