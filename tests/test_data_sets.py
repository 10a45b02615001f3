# SPDX-License-Identifier: MIT
"""Every set of data beside the repository is used by a test; here those that no other test is about."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest

from cases.sweeps.expand import load_sweep
from meshes.geometry import Mask, ParametricGeometry
from meshes.patient.masks import largest_component, load_structure
from tests.data_folder import SHARED

pytestmark = pytest.mark.serial

LIBRARY = Path(__file__).parents[1] / "cases" / "library"
SHIPPED = LIBRARY.parent / "shipped"
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


def test_one_place_says_where_data_are() -> None:
    path = '"shared" / ' + '"data"'
    found = [file.name for file in TESTS.glob("*.py") if path in file.read_text(encoding="utf-8")]
    assert found == ["data_folder.py"]


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


def test_sizes_of_nodules(tmp_path: Path) -> None:
    """Thousands of nodules to sweep over: the stated sizes, and radii of some of them as cases of a sweep."""
    path = SHARED / "lung-nodules-lidc" / "lidc_annotations.csv"
    if not path.is_file():
        pytest.skip("shared/data/lung-nodules-lidc/lidc_annotations.csv is not beside the repository")
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    millilitres = np.array([float(row["volume_mL"]) for row in rows])
    assert len(rows) == 6849 and millilitres.max() == pytest.approx(31.1, abs=0.05)
    assert np.median(millilitres) == pytest.approx(0.16, abs=0.005)
    assert np.percentile(millilitres, 95) == pytest.approx(3.9, abs=0.05)
    order = np.argsort(millilitres)
    chosen = [rows[int(order[int(share * (len(rows) - 1))])] for share in (0.5, 0.75, 0.95, 1.0)]
    lines = ["geometry.tumour.radius", *(f"{row['equivalent_sphere_radius_mm']} mm" for row in chosen)]
    (tmp_path / "radii.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sweep_file = tmp_path / "sweep.toml"
    sweep_file.write_text(
        f'name = "nodules"\ncase = "{SHIPPED / "reference.toml"}"\n[[axis]]\ncsv = "radii.csv"\n',
        encoding="utf-8",
    )
    sweep = load_sweep(sweep_file)
    assert len({sweep.identity(planned) for planned in sweep.planned}) == len(chosen)
    for planned, row in zip(sweep.planned, chosen, strict=True):
        geometry = sweep.load(planned).geometry
        assert isinstance(geometry, ParametricGeometry)
        ball = 4e6 / 3.0 * np.pi * np.prod(geometry.semi_axes)
        assert ball == pytest.approx(float(row["volume_mL"]), rel=1e-3)


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
