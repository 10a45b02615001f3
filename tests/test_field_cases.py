# SPDX-License-Identifier: MIT
"""Fibres and fields of tissue in case files: what is built, written back, hashed and refused."""

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import case_hash, write_resolved
from meshes.regions import TISSUE, TUMOUR
from tests.case_files import MINIMAL, SHIPPED, written

pytestmark = pytest.mark.serial

RADIAL = MINIMAL.replace('"3d"', '"radial"')
AXISYMMETRIC = MINIMAL.replace('"3d"', '"axisymmetric"')
RANDOM = """
[[tissue_fields]]
quantity = "hydraulic_conductivity"
source = "random"
correlation_length = "3 mm"
log_deviation = 1.0
"""
IMAGE = """
[[tissue_fields]]
quantity = "perfusion"
source = "image"
path = "map.nii.gz"
mode = "value"
unit = "1/min"
fill = "median"
regions = ["tumour", "tissue"]
"""
MESH = """
[[tissue_fields]]
quantity = "hydraulic_conductivity"
source = "mesh"
path = "map.vtu"
array = "k"
length_unit = "mm"
"""
WHITE = '\n[tissues]\ntissue = { base = "brain_white_matter", fibre_direction = [0, 0, 2] }\n'


def folder_with_map(folder: Path) -> Path:
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4)), np.eye(4)), folder / "map.nii.gz")
    (folder / "map.vtu").write_text("anything")
    return folder


def problems(folder: Path, text: str) -> list[tuple[str, str, ExitCode]]:
    """Key, message and code of each problem of a case."""
    with pytest.raises(CaseError) as caught:
        load_case(str(written(folder_with_map(folder), text)), ())
    return [(".".join(map(str, p.key)), p.message, p.code) for p in caught.value.problems]


def test_what_a_case_asks_for_in_si(tmp_path: Path) -> None:
    case = load_case(str(written(folder_with_map(tmp_path), MINIMAL + RANDOM + IMAGE + MESH)), ())
    random, image, mesh = case.model.tissue_fields
    assert (random.regions, random.correlation_length, random.smoothness) == ((TUMOUR,), 3e-3, 0.5)
    assert image.scale == pytest.approx(1 / 60)
    assert (image.regions, image.fill, image.path) == ((TUMOUR, TISSUE), "median", tmp_path / "map.nii.gz")
    assert mesh.array == "k"
    assert mesh.length == pytest.approx(1e-3)


def test_fibres_of_a_case(tmp_path: Path) -> None:
    tissue = load_case(str(written(tmp_path, AXISYMMETRIC + WHITE)), ()).model.tissues[TISSUE]
    assert tissue.fibre_direction == (0.0, 0.0, 1.0)
    assert tissue.fibre_ratio == 7.0


def test_a_resolved_case_is_read_back_and_files_count_by_content(tmp_path: Path) -> None:
    case = load_case(str(written(folder_with_map(tmp_path), MINIMAL + RANDOM + IMAGE)), ())
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(str(tmp_path / "resolved.toml"), ())
    assert again.model == case.model
    before = case_hash(case)
    shutil.copy(tmp_path / "map.nii.gz", tmp_path / "moved.nii.gz")
    random, image = case.model.tissue_fields
    moved = replace(case.model, tissue_fields=(random, replace(image, path=tmp_path / "moved.nii.gz")))
    assert case_hash(replace(case, model=moved)) == before
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), 2.0), np.eye(4)), tmp_path / "map.nii.gz")
    assert case_hash(case) != before


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (RADIAL + RANDOM, "tissue_fields.0.source", "shells"),
        (AXISYMMETRIC + RANDOM, "tissue_fields.0.source", "rings"),
        (AXISYMMETRIC + IMAGE, "tissue_fields.0.source", "rings"),
        (RADIAL + MESH, "tissue_fields.0.source", "shells"),
        (RADIAL + WHITE, "tissues.tissue.fibre_ratio", "no direction"),
        (AXISYMMETRIC + WHITE.replace("[0, 0, 2]", "[0, 1, 2]"), "tissues.tissue.fibre_direction", "along z"),
        (MINIMAL + WHITE.replace("[0, 0, 2]", "[0, 0, 0]"), "tissues.tissue.fibre_direction", "not zero"),
        (MINIMAL + RANDOM.replace('correlation_length = "3 mm"', ""), "correlation_length", "missing"),
        (MINIMAL + RANDOM + 'path = "map.vtu"\n', "tissue_fields.0.path", "no meaning"),
        (MINIMAL + RANDOM + 'mode = "ratio"\n', "tissue_fields.0.mode", "median"),
        (MINIMAL + IMAGE + "seed = 3\n", "tissue_fields.0.seed", "no meaning"),
        (MINIMAL + IMAGE.replace("1/min", "mm"), "tissue_fields.0.unit", "expected a rate"),
        (MINIMAL + IMAGE.replace('unit = "1/min"', ""), "tissue_fields.0.unit", "missing unit"),
        (MINIMAL + IMAGE.replace("perfusion", "vessels"), "tissue_fields.0.mode", "no single number"),
        (MINIMAL + IMAGE.replace('["tumour", "tissue"]', '["capsule"]'), "regions.0", "no region"),
        (MINIMAL + IMAGE.replace('"tissue"]', '"tumour"]'), "tissue_fields.0.regions", "twice"),
        (MINIMAL + IMAGE.replace("map.nii.gz", "map.vtu"), "tissue_fields.0.path", "expected an image"),
        (MINIMAL + MESH.replace('array = "k"', ""), "tissue_fields.0.array", "missing"),
        (MINIMAL + MESH.replace('"mm"', '"s"'), "tissue_fields.0.length_unit", "length"),
        (MINIMAL + '\n[tissues]\nlarge_vein = "portal_vein"\n', "tissues.large_vein", "no large_vein"),
        (MINIMAL + RANDOM + "smallest = 2\nlargest = 1\n", "tissue_fields.0.smallest", "not smaller"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, key: str, words: str) -> None:
    found = problems(tmp_path, text)
    assert any(where.endswith(key) and words in what for where, what, _ in found), found
    assert all(code == ExitCode.INVALID for _, _, code in found)


def test_a_missing_map_is_a_missing_input(tmp_path: Path) -> None:
    found = problems(tmp_path, MINIMAL + IMAGE.replace("map.nii.gz", "none.nii.gz"))
    assert [(key, code) for key, _, code in found] == [("tissue_fields.0.path", ExitCode.MISSING_INPUT)]


def test_the_shipped_random_case_names_its_seed() -> None:
    field = load_case(str(SHIPPED / "random_conductivity.toml"), ()).model.tissue_fields[0]
    assert (field.source, field.seed, field.log_deviation) == ("random", 1, 1.0)


def test_the_shipped_map_is_what_its_script_makes(tmp_path: Path) -> None:
    from cases.shipped.make_demo_perfusion import OUT, main

    main(tmp_path / "again.nii.gz")
    assert (tmp_path / "again.nii.gz").read_bytes() == OUT.read_bytes()
    load_case(OUT.with_name("perfusion_map.toml"))
