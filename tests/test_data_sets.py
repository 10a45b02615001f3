# SPDX-License-Identifier: MIT
"""Every set of data beside the repository is used by a test; here those that no other test is about."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest

from meshes.geometry import Mask
from meshes.patient.masks import largest_component, load_structure
from tests.label_files import SHARED

pytestmark = pytest.mark.serial

LIBRARY = Path(__file__).parents[1] / "cases" / "library"
TESTS = Path(__file__).parent
MMHG = 133.322
READERS = {
    "LIDC-IDRI-0064_readers.nrrd": (12.7213, 11.7523, 10.997, 9.8312),
    "LIDC-IDRI-0332_readers.nrrd": (13.7803, 9.6635, 7.3239, 5.3174),
}
"""Volume that at least 1, 2, 3, 4 readers hold for nodule [mL] (SOURCE.md)."""


def test_every_set_is_used() -> None:
    """A folder of data that no test names is a gap."""
    if not SHARED.is_dir():
        pytest.skip("shared/data is not beside the repository")
    texts = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.glob("*.py"))
    assert [item.name for item in sorted(SHARED.iterdir()) if item.is_dir() and item.name not in texts] == []


@pytest.mark.parametrize("name", sorted(READERS))
def test_nodules_by_agreement_of_readers(name: str) -> None:
    """Values of one map chosen as "at least n readers": the stated volumes, in one piece."""
    path = SHARED / "lung-nodules-lidc" / name
    if not path.is_file():
        pytest.skip(f"shared/data/lung-nodules-lidc/{name} is not beside the repository")
    for least, volume in enumerate(READERS[name], start=1):
        mask = Mask(path=path, labels=tuple(range(least, 5)))
        found = load_structure([mask], "tumour")
        assert 1e6 * found.volume == pytest.approx(volume, abs=1e-3)
        assert largest_component(found, "tumour").volume > 0.95 * found.volume


def test_sizes_of_nodules() -> None:
    """Thousands of nodules to sweep over: radii as volumes have them, most of them smaller than our cases."""
    path = SHARED / "lung-nodules-lidc" / "lidc_annotations.csv"
    if not path.is_file():
        pytest.skip("shared/data/lung-nodules-lidc/lidc_annotations.csv is not beside the repository")
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    volume = next(key for key in rows[0] if "volume" in key.lower())
    values = np.array([float(row[volume]) for row in rows])
    millilitres = values / (1e3 if np.median(values) > 10.0 else 1.0)
    assert len(rows) == 6849
    assert np.median(millilitres) == pytest.approx(0.16, abs=0.005)
    assert np.percentile(millilitres, 95) == pytest.approx(3.9, abs=0.05)


def test_library_against_published_measurements() -> None:
    """Vessel pressure and conductivity of the library's tumour lie where people have measured them."""
    path = SHARED / "published-measurements" / "interstitial_pressure_and_conductivity.csv"
    if not path.is_file():
        pytest.skip("shared/data/published-measurements is not beside the repository")
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    tumour = tomllib.loads((LIBRARY / "tissues.toml").read_text(encoding="utf-8"))["generic_tumour"]
    stated = {key: entry["value"] for key, entry in tumour.items() if isinstance(entry, dict)}
    low, high = (float(text.split()[0]) for text in tumour["hydraulic_conductivity"]["range"])
    measured = [
        float(row[key]) * (1e-6 / MMHG if row["unit"].startswith("mm2") else 1.0)
        for row in rows
        if row["quantity"] == "hydraulic conductivity"
        for key in ("value", "low", "high")
        if row[key]
    ]
    assert len(measured) == 3 and low <= min(measured) and max(measured) <= high
    # without lymph, tumour tissue at rest has the effective pressure of its vessels
    oncotic = [float(stated[f"{place}_oncotic_pressure"].split()[0]) for place in ("vessel", "interstitial")]
    rest = float(stated["vessel_pressure"].split()[0]) - stated["reflection_coefficient"] * (
        oncotic[0] - oncotic[1]
    )
    human = [
        row for row in rows if row["quantity"] == "IFP" and row["tissue"].startswith("human head and neck")
    ]
    assert len(human) == 1 and float(human[0]["low"]) < rest < float(human[0]["high"])
    normal = [float(row["value"]) for row in rows if "normal" in row["tissue"] and row["value"]]
    assert rest > max(normal)
