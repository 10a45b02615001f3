# SPDX-License-Identifier: MIT
"""Case files that ask for displacement or a cavity that opens: refusals, the way round, shipped cases."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import resolved_text
from cases.running.run import run_case
from tests.case_files import SHIPPED
from tests.coarse import COMM

pytestmark = pytest.mark.serial

BIOT, CAVITY = SHIPPED / "biot.toml", SHIPPED / "cavity.toml"


def test_large_vessels_need_moduli_too() -> None:
    """Every region of the geometry is asked, those from masks of vessels included."""
    overrides = (
        "physics.flow=biot",
        'geometry.labels.large_vein=[{ path = "demo_labels.nii.gz", labels = [1] }]',
        "tissues.large_vein.base=large_vein",
        "tissues.large_vein.confined_modulus=5 kPa",
    )
    with pytest.raises(CaseError) as found:
        load_case(SHIPPED / "demo.toml", overrides)
    keys = [problem.key for problem in found.value.problems]
    assert ("tissues", "large_vein", "confined_modulus") in keys


@pytest.mark.parametrize(
    ("case", "override", "key", "words"),
    [
        (
            BIOT,
            "tissues.tissue.confined_modulus=20 kPa",
            "tissues.tissue.confined_modulus",
            "2 shear_modulus",
        ),
        (CAVITY, "physics.flow=steady", "injection[0].cavity", "stores fluid"),
        (BIOT, "physics.far_support=robin", "physics.far_support", "elastic"),
        (CAVITY, "injection[0].cavity=open", "injection[0].cavity", "neo_hookean"),
    ],
)
def test_refusals(case: Path, override: str, key: str, words: str) -> None:
    with pytest.raises(CaseError) as found:
        load_case(case, (override,))
    assert found.value.code == ExitCode.INVALID == 65
    problem = found.value.problems[0]
    assert words in f"{problem.message} {problem.hint}"
    assert key.split(".")[-1].split("[")[0] in ".".join(map(str, problem.key))


@pytest.mark.parametrize("case", [BIOT, CAVITY])
def test_the_record_gives_the_case_back(case: Path, tmp_path: Path) -> None:
    whole = load_case(case)
    path = tmp_path / "resolved.toml"
    path.write_text(resolved_text(whole, tmp_path), encoding="utf-8")
    assert load_case(path).model == whole.model


def finished(case: Path, out: Path, *overrides: str) -> dict[str, Any]:
    out.mkdir(exist_ok=True)
    draft = ("numerics.accuracy=draft", "outputs.figures=false", *overrides)
    assert run_case(load_case(case, draft), out, COMM, quiet=True) == 0
    return dict(json.loads((out / "summary.json").read_text(encoding="utf-8")))


def test_stiff_tissue_raises_the_peak(tmp_path: Path) -> None:
    """By 4 to 10 % at a contrast of 5:1, in radial and axisymmetric alike; the displacement is stored."""
    change = {}
    for kind in ("radial", "axisymmetric"):
        peaks = []
        for flow in ("storage", "biot"):
            out = tmp_path / f"{kind}-{flow}"
            found = finished(BIOT, out, f"physics.flow={flow}", f"geometry.kind={kind}")
            peaks.append(found["pressure"]["peak_Pa"])
        change[kind] = peaks[1] / peaks[0] - 1
        with h5py.File(out / "fields.vtkhdf") as file:
            moved = np.asarray(file["VTKHDF/PointData/displacement"])
        assert moved.shape[1] == 3
        largest = np.linalg.norm(moved, axis=1).max()
        assert 0.9 < largest / found["solid"]["largest_displacement_m"] <= 1 + 1e-12
        assert found["solid"]["coupling_iterations_max"] <= 10
    assert 0.04 < change["radial"] < 0.10
    assert change["axisymmetric"] == pytest.approx(change["radial"], abs=0.01)


def test_a_cavity_that_opens(tmp_path: Path) -> None:
    """The pressure stays below 2.5 mu above rest, most fluid in the cavity, and the summary says so."""
    found = finished(CAVITY, tmp_path)
    fluid, agent = found["ledger"]["fluid"], found["ledger"]["agent"]
    assert found["pressure"]["peak_Pa"] < 2.5 * 3200 + 2080
    assert fluid["in_cavity_m3"] > 0.9 * fluid["injected_m3"]
    assert agent["in_cavity_kg"] == pytest.approx(3.0 * fluid["in_cavity_m3"], rel=1e-6)
    assert 15 < found["cavity"]["largest_stretch"] < 18
    assert "cavity_opening" in {flag["name"] for flag in found["validity"]}
