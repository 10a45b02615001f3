# SPDX-License-Identifier: MIT
"""Label maps: where voxels lie in space, what is refused, how masks unite."""

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from meshes.files.labels import read_label_map
from meshes.geometry import GeometryError, Mask, MeshInputError
from meshes.patient.masks import close_organ, largest_component, load_structure, unite
from tests.data_folder import SHARED
from tests.label_files import affine, ball_labels, rotation, write_itk, write_nifti

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

SHAPE = (14, 11, 8)
AXES = {
    "right-handed": np.eye(3),
    "left to right, front to back": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, -1.0, 1.0]),
    "permuted": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "oblique": rotation(31.0),
    "oblique, left-handed": rotation(-64.0) @ np.diag([1.0, 1.0, -1.0]),
}


def some_voxels() -> np.ndarray:
    values = np.zeros(SHAPE, dtype=np.int16)
    values[3, 7, 2], values[9, 1, 5], values[10:13, 4:6, 6] = 1, 2, 3
    return values


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_every_voxel_lies_where_its_affine_says(tmp_path, name, suffix):
    matrix = affine(AXES[name], (0.8, 1.1, 2.5), (-31.0, 12.0, 105.0))
    write = write_nifti if ".nii" in suffix else write_itk
    labels = read_label_map(write(tmp_path / f"labels{suffix}", some_voxels(), matrix))
    assert np.array_equal(labels.values, some_voxels())
    assert np.allclose(labels.affine[:3], 1e-3 * matrix[:3], atol=1e-8)
    one = load_structure([Mask(path=labels.path, labels=(2,))], "tumour")
    assert np.allclose(one.positions(), [1e-3 * (matrix @ [9, 1, 5, 1])[:3]], atol=1e-8)
    assert one.volume == pytest.approx(0.8 * 1.1 * 2.5 * 1e-9, rel=1e-6)


def test_itk_and_nibabel_agree_on_a_nifti_written_by_itk(tmp_path):
    matrix = affine(rotation(20.0), (0.9, 0.9, 3.0), (5.0, -6.0, 7.0))
    ours = read_label_map(write_itk(tmp_path / "a.nii.gz", some_voxels(), matrix))
    theirs = read_label_map(write_itk(tmp_path / "a.nrrd", some_voxels(), matrix))
    assert np.allclose(ours.affine, theirs.affine, atol=1e-8)
    assert np.allclose(ours.affine[:3], 1e-3 * matrix[:3], atol=1e-7)


@pytest.mark.parametrize(("unit", "metres"), [("mm", 1e-3), ("micron", 1e-6), ("unknown", 1e-3)])
def test_unit_of_length_is_that_of_the_header(tmp_path, unit, metres):
    matrix = affine(np.eye(3), tuple(1e-3 / metres * np.array([1.0, 2.0, 3.0])))
    labels = read_label_map(write_nifti(tmp_path / "a.nii", some_voxels(), matrix, unit))
    assert np.allclose(labels.spacing, [1e-3, 2e-3, 3e-3])


def test_whole_numbers_stored_as_floats_and_a_fourth_axis_of_one_are_labels(tmp_path):
    values = some_voxels().astype(np.float32)[..., None]
    labels = read_label_map(write_nifti(tmp_path / "a.nii.gz", values, np.eye(4)))
    assert np.array_equal(labels.values, some_voxels())


def nifti(values, matrix=None):
    def write(folder):
        return write_nifti(folder / "a.nii.gz", values, np.eye(4) if matrix is None else matrix)

    return write


def raw(name, content):
    def write(folder):
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def truncated(suffix):
    def write(folder):
        values = np.random.default_rng(1).integers(0, 9, (40, 40, 40)).astype(np.int16)
        path = (write_nifti if "nii" in suffix else write_itk)(folder / f"a{suffix}", values, np.eye(4))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return write


def rgb(folder):
    dtype = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, dtype), np.eye(4)), folder / "a.nii")
    return folder / "a.nii"


def vectors(folder):
    sitk.WriteImage(sitk.Image([5, 6, 7], sitk.sitkVectorUInt8, 3), str(folder / "a.nrrd"))
    return folder / "a.nrrd"


def bomb(folder):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.float64)
    header.set_data_shape((30000, 30000, 3000))
    (folder / "a.nii").write_bytes(header.binaryblock + bytes(100))
    return folder / "a.nii"


NAN = some_voxels().astype(np.float32)
NAN[0, 0, 0] = np.nan
SHEAR = np.eye(4)
SHEAR[0, 2] = 0.3
NRRD_BOMB = (
    b"NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 30000 30000 30000\n"
    b"space directions: (1,0,0) (0,1,0) (0,0,1)\nencoding: gzip\nspace origin: (0,0,0)\n\n"
)
REFUSED = {
    "missing": (lambda folder: folder / "none.nii.gz", MeshInputError, "no such file"),
    "kind": (raw("a.png", b"x"), MeshInputError, "must be one of"),
    "garbage nifti": (raw("a.nii", bytes(range(256)) * 4), MeshInputError, "unreadable"),
    "garbage gzip": (raw("a.nii.gz", bytes(range(256)) * 4), MeshInputError, "unreadable"),
    "empty file": (raw("a.nii.gz", b""), MeshInputError, "unreadable"),
    "garbage nrrd": (raw("a.nrrd", bytes(range(256)) * 4), MeshInputError, "unreadable"),
    "truncated nifti": (truncated(".nii.gz"), MeshInputError, "unreadable"),
    "truncated plain nifti": (truncated(".nii"), MeshInputError, "unreadable"),
    "truncated nrrd": (truncated(".nrrd"), MeshInputError, "unreadable"),
    "truncated mha": (truncated(".mha"), MeshInputError, "unreadable"),
    "four dimensions": (nifti(np.ones((4, 4, 4, 2), np.uint8)), GeometryError, "4 x 4 x 4 x 2"),
    "two dimensions": (nifti(np.ones((4, 4, 1), np.uint8)), GeometryError, "three dimensions"),
    "colours": (rgb, GeometryError, "3 numbers per voxel"),
    "vectors": (vectors, GeometryError, "3 numbers per voxel"),
    "not a number": (nifti(NAN), GeometryError, "1 voxels are not finite"),
    "an image": (nifti(some_voxels() + np.float32(0.4)), GeometryError, "not whole numbers"),
    "huge voxels": (
        nifti(some_voxels(), affine(np.eye(3), (1.0, 1.0, 700.0))),
        GeometryError,
        "1 x 1 x 700 mm",
    ),
    "sheared": (nifti(some_voxels(), SHEAR), GeometryError, "not perpendicular"),
    "forged size": (bomb, GeometryError, "30000 x 30000 x 3000"),
    "forged nrrd size": (raw("a.nrrd", NRRD_BOMB), GeometryError, "30000 x 30000 x 30000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_files_are_refused_with_the_reason(tmp_path, name):
    write, error, text = REFUSED[name]
    path = write(tmp_path)
    with pytest.raises(error, match=text) as caught:
        read_label_map(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, MeshInputError) == (error is MeshInputError)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ((7,), "label 7 for the tumour is not in the file; values present: 0, 1, 2, 3"),
        ((1, 8, 9), "label 8, 9"),
    ],
)
def test_absent_labels_are_refused_with_those_present(tmp_path, labels, text):
    path = write_nifti(tmp_path / "a.nii.gz", some_voxels(), np.eye(4))
    with pytest.raises(GeometryError, match=text):
        load_structure([Mask(path=path, labels=labels)], "tumour")


def test_empty_and_full_images_are_refused(tmp_path):
    empty = write_nifti(tmp_path / "empty.nii.gz", np.zeros(SHAPE, np.uint8), np.eye(4))
    full = write_nifti(tmp_path / "full.nii.gz", np.ones(SHAPE, np.uint8), np.eye(4))
    with pytest.raises(GeometryError, match="a label above zero for the organ is not in the file"):
        load_structure([Mask(path=empty)], "organ")
    with pytest.raises(GeometryError, match="fills the whole image"):
        load_structure([Mask(path=full)], "tumour")


def test_masks_on_different_grids_unite_by_position(tmp_path):
    fine = affine(np.diag([-1.0, -1.0, 1.0]), (0.5, 0.5, 1.0), (10.0, 12.0, -9.0))
    coarse = affine(rotation(25.0), (1.0, 1.0, 1.0), (-25.0, -20.0, -20.0))
    left = write_nifti(tmp_path / "left.nii.gz", ball_labels((60, 60, 24), fine, (-4, -3, 2), 6.0), fine)
    right = write_itk(tmp_path / "right.nrrd", ball_labels((45, 45, 45), coarse, (3, -3, 2), 6.0, 4), coarse)
    both = load_structure([Mask(path=left), Mask(path=right, labels=(4,))], "tumour")
    lens = np.pi * (12.0 - 7.0) ** 2 * (49.0 + 2 * 7.0 * 12.0) / (12.0 * 7.0)
    assert 1e9 * both.volume == pytest.approx(2 * 4 / 3 * np.pi * 216.0 - lens, rel=0.04)
    assert np.allclose(1e3 * both.positions().mean(axis=0), (-0.5, -3.0, 2.0), atol=0.1)
    assert not both.cut_by_image()


def test_union_on_a_shifted_grid_is_exact(tmp_path):
    """As for patient 1: same voxels, fewer slices."""
    whole = affine(np.diag([-1.0, -1.0, 1.0]), (0.78, 0.78, 5.0), (40.0, 20.0, -420.0))
    values = ball_labels((40, 40, 12), whole, (25.0, 5.0, -390.0), 9.0)
    shifted = whole.copy()
    shifted[:3, 3] += whole[:3, 2] * 4
    one = load_structure([Mask(path=write_nifti(tmp_path / "a.nii.gz", values, whole))], "organ")
    two = load_structure([Mask(path=write_nifti(tmp_path / "b.nii.gz", values[:, :, 4:], shifted))], "tumour")
    union = unite(one, two)
    assert np.count_nonzero(union.inside) == np.count_nonzero(values)
    assert np.array_equal(np.sort(union.positions(), axis=0), np.sort(one.positions(), axis=0))


def test_largest_piece_is_kept_with_a_note_or_the_count_is_named(tmp_path):
    values = ball_labels((30, 30, 30), np.eye(4), (11, 11, 11), 8.0)
    values[27, 27, 27] = 1
    path = write_nifti(tmp_path / "a.nii.gz", values, np.eye(4))
    kept = largest_component(load_structure([Mask(path=path)], "tumour"), "tumour")
    assert np.count_nonzero(kept.inside) == np.count_nonzero(values) - 1
    assert "2 components" in kept.notes[0]
    dots = np.zeros((30, 30, 30), np.uint8)
    dots[2:28:2, 2:28:2, 2:28:2] = 1
    path = write_nifti(tmp_path / "dots.nii.gz", dots, np.eye(4))
    with pytest.raises(GeometryError, match=f"{13**3} components"):
        largest_component(load_structure([Mask(path=path)], "tumour"), "tumour")


def test_gap_between_organ_and_tumour_is_closed(tmp_path):
    ball = ball_labels((40, 40, 40), np.eye(4), (20, 20, 20), 15.0)
    tumour = ball_labels((40, 40, 40), np.eye(4), (24, 20, 20), 6.0)
    gap = ball_labels((40, 40, 40), np.eye(4), (24, 20, 20), 7.5)
    organ = write_nifti(tmp_path / "organ.nii.gz", ball * (1 - gap), np.eye(4))
    nodule = write_nifti(tmp_path / "nodule.nii.gz", tumour, np.eye(4))
    closed = close_organ(
        load_structure([Mask(path=organ)], "organ"), load_structure([Mask(path=nodule)], "tumour")
    )
    assert closed.volume == pytest.approx(1e-9 * np.count_nonzero(ball), rel=5e-3)


@pytest.mark.skipif(not SHARED.exists(), reason="the data folder is not beside this clone")
@pytest.mark.parametrize(
    ("file", "label", "millilitres"),
    [
        ("lesions-pyradiomics/brain2_label.nrrd", 1, 1.7972),
        ("liver-hcc-p4/nodule.nii.gz", 1, 51.0488),
        ("liver-hcc-p1-mismatched-grids/nodule.nii.gz", 1, 35.6384),
        ("abdomen-multiorgan-totalsegmentator/example_seg.nii.gz", 4, 35.991),
        ("glioma-tcga-du-7294/tumour_lfb_rwth.nii.gz", 2, 11.916),
    ],
)
def test_volumes_of_real_masks(file, label, millilitres):
    structure = load_structure([Mask(path=SHARED / file, labels=(label,))], "tumour")
    assert 1e6 * structure.volume == pytest.approx(millilitres, rel=1e-4)
