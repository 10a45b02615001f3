# SPDX-License-Identifier: MIT
"""Export onto an image and back: by volume, by position, against the labels that a mesh was made from."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import pyvista as pv
import SimpleITK as sitk
from numpy.typing import NDArray

from cases import cli
from cases.reading.load import load_case
from meshes.files.labels import read_label_map
from meshes.geometry import LabelGeometry, Mask
from meshes.patient.from_labels import mesh_from_labels
from postprocess.images.images import ImageGrid, export_nifti, own_image, read_grid, sample
from postprocess.images.lesion import compare_lesion, write_agreement
from postprocess.images.lesion_picture import draw_comparison
from postprocess.images.overlay import export_overlay, segmented
from postprocess.images.solids import export_stl
from postprocess.results.level import choose_level
from postprocess.results.result import Result, ResultError, open_result
from solver.results.vtkhdf import VtkHdfWriter
from tests.case_files import SHIPPED, written
from tests.data_folder import SHARED
from tests.synthetic_result import (
    TUMOUR_RADIUS,
    ablation_radius,
    ball,
    fields,
    lens,
    mesh,
    result_folder,
    summary,
)

pytestmark = pytest.mark.serial

OFFSET = 0.004
LEVEL = 4.5
PATIENT = SHARED / "liver-hcc-p4"


def oblique(spacing: tuple[float, float, float], angle: float = 0.4) -> NDArray[np.float64]:
    """Affine [mm] of a turned grid, first axis to the left, that covers the synthetic mesh."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[-c, 0, s], [0, -1, 0], [s, 0, c]])
    affine = np.eye(4)
    affine[:3, :3] = turn * np.array(spacing)
    affine[:3, 3] = -affine[:3, :3] @ (np.array([70, 80, 40]) / 2)
    return affine


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return open_result(
        result_folder(tmp_path_factory.mktemp("images") / "result", "3d", layers=12, offset=OFFSET)
    )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of grey values whose grid is turned against the axes."""
    path = tmp_path_factory.mktemp("image") / "ct.nii.gz"
    grey = nibabel.Nifti1Image(np.zeros((70, 80, 40), dtype=np.float32), oblique((0.8, 0.7, 1.5)))
    grey.header.set_xyzt_units("mm")
    nibabel.save(grey, path)
    return path


def test_images_lie_where_the_tissue_is(result: Result, image: Path, tmp_path: Path) -> None:
    """Volumes of balls, and their centres, in an image whose axes are nobody's."""
    level = choose_level(result, LEVEL)
    export_nifti(result, tmp_path, read_grid(image), ("zone", "tumour", "ct"), level)
    radius = ablation_radius(LEVEL)
    tumour, zone = (read_label_map(tmp_path / f"{name}.nii.gz") for name in ("tumour", "zone"))
    assert np.allclose(tumour.affine[:3] * 1e3, oblique((0.8, 0.7, 1.5))[:3], atol=1e-4)
    voxel = abs(np.linalg.det(tumour.affine[:3, :3]))

    def seen(where: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
        centre = tumour.affine[:3, :3] @ np.argwhere(where).mean(axis=0) + tumour.affine[:3, 3]
        return float(voxel * where.sum()), centre

    volume, centre = seen(tumour.values == 1)
    assert volume == pytest.approx(ball(TUMOUR_RADIUS), rel=0.02)
    assert centre == pytest.approx([0, 0, 0], abs=1e-4)
    volume, centre = seen((zone.values == 1) | (zone.values == 2))
    assert volume == pytest.approx(ball(radius), rel=0.03)
    assert centre == pytest.approx([0, 0, OFFSET], abs=1e-4)
    inside = lens(radius, TUMOUR_RADIUS, OFFSET)
    assert seen(zone.values == 1)[0] == pytest.approx(inside, rel=0.03)
    assert seen(zone.values == 3)[0] == pytest.approx(ball(TUMOUR_RADIUS) - inside, rel=0.03)
    dose = nibabel.load(tmp_path / "ct.nii.gz")
    hottest = dose.affine @ [*np.unravel_index(np.argmax(dose.get_fdata()), dose.shape), 1]
    assert hottest[:3] == pytest.approx([0, 0, 1e3 * OFFSET], abs=1.0)
    assert b"kg s/m3" in dose.header["descrip"].item()


def test_itk_reads_the_same_place(result: Result, image: Path, tmp_path: Path) -> None:
    """ITK counts to the left and to the back: what 3D Slicer and ITK-SNAP go by."""
    export_nifti(result, tmp_path, read_grid(image), ("zone",), choose_level(result, LEVEL))
    zone, grey = sitk.ReadImage(str(tmp_path / "zone.nii.gz")), sitk.ReadImage(str(image))
    assert zone.GetSize() == grey.GetSize()
    assert np.allclose(zone.GetDirection(), grey.GetDirection(), atol=1e-6)
    assert np.allclose(zone.GetOrigin(), grey.GetOrigin(), atol=1e-4)
    values = sitk.GetArrayFromImage(zone)
    index = [float(x) for x in np.argwhere((values == 1) | (values == 2)).mean(axis=0)[::-1]]
    x, y, z = zone.TransformContinuousIndexToPhysicalPoint(index)
    assert (-x, -y, z) == pytest.approx((0, 0, 1e3 * OFFSET), abs=0.1)


def test_grids_of_other_formats_are_read(result: Result, image: Path, tmp_path: Path) -> None:
    sitk.WriteImage(sitk.ReadImage(str(image)), str(tmp_path / "ct.nrrd"))
    one, other = read_grid(image), read_grid(tmp_path / "ct.nrrd")
    assert one.shape == other.shape
    assert np.allclose(one.affine, other.affine, atol=1e-8)


def test_what_cannot_be_exported_is_said(result: Result, image: Path, tmp_path: Path) -> None:
    level = choose_level(result, LEVEL)
    with pytest.raises(ResultError, match="name an image by --like"):
        own_image(result)
    with pytest.raises(ResultError, match="no such file"):
        read_grid(tmp_path / "none.nii")
    (tmp_path / "broken.nii").write_bytes(b"nothing")
    with pytest.raises(ResultError, match="unreadable"):
        read_grid(tmp_path / "broken.nii")
    with pytest.raises(ResultError, match="no such field"):
        export_nifti(result, tmp_path, read_grid(image), ("dose",), level)
    far = ImageGrid(shape=(4, 4, 4), affine=np.diag([1e-3, 1e-3, 1e-3, 1.0]) + 1.0 * np.eye(4, k=3))
    with pytest.raises(ResultError, match="outside the image"):
        export_nifti(result, tmp_path, far, ("zone",), level)


def test_surfaces_are_closed_and_of_the_right_size(result: Result, tmp_path: Path) -> None:
    written = export_stl(result, tmp_path, choose_level(result, LEVEL))
    assert [path.name for path in written] == ["zone.stl", "tumour.stl"]
    for path, radius in zip(written, (ablation_radius(LEVEL), TUMOUR_RADIUS), strict=True):
        assert b"SPACE=RAS" in path.read_bytes()[:80]
        skin = pv.read(path)
        assert skin.n_open_edges == 0
        assert skin.volume * 1e-9 == pytest.approx(ball(radius), rel=0.02)
        outwards = skin.compute_normals(auto_orient_normals=True, consistent_normals=False)
        assert (np.asarray(outwards.face_normals) * np.asarray(skin.face_normals)).sum(axis=1).min() > 0.9


def test_lesion_of_known_distance(result: Result, tmp_path: Path) -> None:
    """A ball about the zone's own centre, 1 mm wider: every distance is 1 mm."""
    affine = oblique((0.5, 0.5, 0.5), 0.2)
    shape = (110, 110, 110)
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) / 2)
    index = np.indices(shape).reshape(3, -1)
    places = affine[:3, :3] @ index + affine[:3, 3:]
    radius = ablation_radius(LEVEL)
    apart = np.linalg.norm(places.T - [0, 0, 1e3 * OFFSET], axis=1).reshape(shape)
    labels = np.where(apart < 1e3 * radius + 1.0, 7, 0).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "after.nii.gz")
    level, mask = choose_level(result, LEVEL), Mask(path=tmp_path / "after.nii.gz", labels=(7,))
    comparison = compare_lesion(result, mask, level)
    found = comparison.agreement
    wider = radius + 1e-3
    assert found.observed_m3 == pytest.approx(ball(wider), rel=0.01)
    assert found.predicted_m3 == pytest.approx(ball(radius), rel=0.02)
    assert found.dice == pytest.approx(2 * ball(radius) / (ball(radius) + ball(wider)), abs=0.01)
    assert found.mean_surface_distance_m == pytest.approx(1e-3, abs=1e-4)
    assert 0.95e-3 < found.hausdorff_95_m <= found.hausdorff_m < 1.5e-3
    assert np.abs(found.centre_offset_m).max() < 1e-4
    assert found.spurious_m3 < 0.001 * found.observed_m3
    facts = json.loads(write_agreement(tmp_path / "l.json", result, mask, level, found).read_text())
    assert facts["dice"] == found.dice and facts["labels"] == [7]
    assert draw_comparison(comparison, "test", tmp_path / "l.png").stat().st_size > 10_000


def test_lesions_that_cannot_be_compared(result: Result, tmp_path: Path) -> None:
    level = choose_level(result, LEVEL)
    labels = np.zeros((8, 8, 8), dtype=np.uint8)
    labels[2:5, 2:5, 2:5] = 1
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = 500.0
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "far.nii.gz")
    with pytest.raises(ResultError, match="registered"):
        compare_lesion(result, Mask(path=tmp_path / "far.nii.gz"), level)
    with pytest.raises(ResultError, match="label 9"):
        compare_lesion(result, Mask(path=tmp_path / "far.nii.gz", labels=(9,)), level)
    with pytest.raises(ResultError, match="nothing reaches"):
        compare_lesion(result, Mask(path=tmp_path / "far.nii.gz"), choose_level(result, 1e6))


@pytest.mark.skipif(not PATIENT.is_dir(), reason="the patient's label maps are not here")
def test_patient_tumour_comes_back(tmp_path: Path) -> None:
    """The mesh of a real tumour, exported onto the grid that it came from: Dice at least 0.97.

    The shipped case smooths by 1 mm (0.971); with the coarse cells of this test it takes 0.6 mm.
    """
    shipped = (SHIPPED / "patient_liver.toml").read_text(encoding="utf-8")
    case = load_case(written(tmp_path, shipped.replace("../../../shared/data", str(SHARED))))
    assert isinstance(case.geometry, LabelGeometry)
    coarse = replace(case.geometry.sizes, tip=3e-3, front=4e-3)
    plain = mesh_from_labels(
        replace(
            case.geometry,
            organ=(),
            margin=0.012,
            smoothing=0.6e-3,
            sizes=coarse,
            sites=case.geometry.sites[:1],
        )
    )
    folder = result_folder(tmp_path / "result", "3d", layers=2)
    writer = VtkHdfWriter(folder / "fields.vtkhdf", plain)
    centred = replace(plain, points=plain.points - plain.info["centre_m"])
    for time in (0.0, 60.0):
        writer.append(time, *fields(centred, time, 0.0))
    writer.close()
    (folder / "summary.json").write_text(json.dumps(summary("3d", 0.0, plain)))
    result, path = open_result(folder), PATIENT / "nodule.nii.gz"
    export_nifti(result, tmp_path, read_grid(path), ("tumour",), choose_level(result))
    original, exported = read_label_map(path), read_label_map(tmp_path / "tumour.nii.gz")
    assert exported.values.shape == original.values.shape
    assert np.allclose(exported.affine, original.affine, atol=1e-9)
    one, other = original.values > 0, exported.values > 0
    dice = 2.0 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))
    assert dice >= 0.97
    assert dice == pytest.approx(plain.info["dice"]["tumour"], abs=1e-3), "as the mesh says of itself"
    assert np.count_nonzero(other) == pytest.approx(np.count_nonzero(one), rel=5e-3)
    apart = np.argwhere(one).mean(axis=0) - np.argwhere(other).mean(axis=0)
    assert np.abs(apart).max() < 0.05, "centre within a twentieth of a voxel"


def made_from(folder: Path, tables: str) -> None:
    """Adds masks to the record of a synthetic result."""
    record = folder / "resolved.toml"
    record.write_text(record.read_text().replace("[[geometry.sites]]", f"{tables}\n\n[[geometry.sites]]"))


def box(path: Path, edge: float, half: float, side: float) -> None:
    """A label map of voxels of an edge [mm] about the origin: 1 in a cube of half a side [mm]."""
    count = 2 * round(half / edge) + 1
    affine = np.diag([edge, edge, edge, 1.0])
    affine[:3, 3] = -edge * (count // 2)
    places = edge * (np.indices(3 * (count,)) - count // 2)
    labels = (np.abs(places).max(axis=0) <= side).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)


def test_overlay_takes_the_tumour_from_its_labels(tmp_path: Path) -> None:
    """Tumour and missed voxels together are the segmentation itself, however the mesh was smoothed."""
    folder = result_folder(tmp_path / "result", "3d", layers=6, offset=OFFSET)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -20.0
    places = np.indices((41, 41, 41)) - 20.0
    labels = (np.abs(places).max(axis=0) <= 7.0).astype(np.uint8) * 2
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labels.nii.gz")
    made_from(folder, '[[geometry.tumour]]\npath = "labels.nii.gz"')
    assert cli.main(["export", str(folder), "--nifti", "--out", str(tmp_path / "out")]) == 0
    overlay = read_label_map(tmp_path / "out" / "overlay.nii.gz").values
    zone = read_label_map(tmp_path / "out" / "zone.nii.gz").values
    inside, hit = labels > 0, (zone == 1) | (zone == 2)
    assert np.array_equal((overlay == 1) | (overlay == 3), inside)
    assert np.array_equal((overlay == 1) | (overlay == 2), hit)
    ball_of_mesh = np.linalg.norm(places, axis=0) < 1e3 * TUMOUR_RADIUS
    expected = 2 * np.count_nonzero(ball_of_mesh & inside) / (ball_of_mesh.sum() + inside.sum())
    opened, grid = open_result(folder), read_grid(folder / "labels.nii.gz")
    _, _, found = export_overlay(opened, tmp_path, grid, choose_level(opened), segmented(opened, grid))
    assert found == pytest.approx(expected, abs=5e-3)


def test_overlay_of_masks_on_other_grids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A core on finer voxels, a tumour from a surface: what they hold at centres of the image's voxels."""
    folder = result_folder(tmp_path / "result", "3d", layers=5)
    box(folder / "labels.nii.gz", 1.0, 20.0, 5.0)
    box(folder / "core.nii.gz", 0.4, 12.0, 7.3)
    masks = '[[geometry.tumour]]\npath = "labels.nii.gz"\n[[geometry.necrotic_core]]\npath = "core.nii.gz"'
    made_from(folder, masks)
    assert cli.main(["export", str(folder), "--nifti", "--out", str(tmp_path / "out")]) == 0
    overlay = read_label_map(tmp_path / "out" / "overlay.nii.gz").values
    assert np.count_nonzero((overlay == 1) | (overlay == 3)) == 15**3, "7.3 mm and half a voxel: 7 of 1 mm"
    skin = pv.Cube(x_length=12.5, y_length=12.5, z_length=12.5).triangulate()
    skin.save(folder / "tumour.stl")
    other = result_folder(tmp_path / "other", "3d", layers=5)
    made_from(other, '[[geometry.tumour]]\npath = "../result/tumour.stl"\nlength = 1e-3\nvoxel = 5e-4')
    with pytest.raises(ResultError, match="name an image by --like"):
        own_image(open_result(other))
    like = ["--like", str(folder / "labels.nii.gz"), "--fields", "overlay,zone"]
    assert cli.main(["export", str(other), "--nifti", *like, "--out", str(tmp_path / "there")]) == 0
    overlay = read_label_map(tmp_path / "there" / "overlay.nii.gz").values
    assert np.count_nonzero((overlay == 1) | (overlay == 3)) == 13**3
    assert "zone.nii.gz" in capsys.readouterr().out


def test_what_keeps_the_overlay_from_being_written(
    result: Result, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default it is left out and the rest written; who asks for it gets an error, before anything else."""
    with pytest.raises(ResultError, match="not made from label maps"):
        segmented(result, read_grid(image))
    folder = result_folder(tmp_path / "result", "3d", layers=4)
    box(folder / "labels.nii.gz", 1.0, 20.0, 5.0)
    masks = '[[geometry.tumour]]\npath = "labels.nii.gz"\n[[geometry.necrotic_core]]\npath = "gone.nii.gz"'
    made_from(folder, masks)
    command = ["export", str(folder), "--nifti", "--out", str(tmp_path / "out")]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "left out overlay" in said and "gone.nii.gz" in said
    assert said.count("wrote ") == 4 and not (tmp_path / "out" / "overlay.nii.gz").exists()
    asked = [*command[:-1], str(tmp_path / "asked"), "--fields", "zone,overlay"]
    assert cli.main(asked) != 0
    assert not list((tmp_path / "asked").glob("*.nii.gz"))


def test_values_are_linear_between_vertices() -> None:
    """A linear field is met exactly at every voxel centre."""
    plain = mesh("3d", 3)
    cells = np.column_stack([np.full(len(plain.cells), 4), plain.cells]).ravel()
    grid = pv.UnstructuredGrid(cells, np.full(len(plain.cells), 10), plain.points)
    grid.point_data["ct_dose"] = plain.points @ [3.0, -2.0, 5.0] + 1.0
    grid.cell_data["region"] = plain.cell_tags
    affine = oblique((2.1, 1.7, 3.3))
    affine[:3] *= 1e-3
    sampled = sample(grid, ImageGrid(shape=(70, 80, 40), affine=affine))
    index = np.argwhere(sampled.inside) + sampled.box[0]
    places = index @ affine[:3, :3].T + affine[:3, 3]
    assert len(places) > 1000
    assert sampled.fields["ct_dose"][sampled.inside] == pytest.approx(
        places @ [3.0, -2.0, 5.0] + 1.0, abs=1e-6
    )
