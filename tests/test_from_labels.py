# SPDX-License-Identifier: MIT
"""From label map to mesh: the shipped demo map in coarse sizes, small shapes, real data where at hand."""

import gzip
import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from meshes.cells.measures import facet_areas
from meshes.cells.quality import volumes
from meshes.cells.tetrahedra import faces_between
from meshes.geometry import GeometryError, LabelGeometry, Mask, MeshSizes, Site
from meshes.patient.anatomy import read_anatomy
from meshes.patient.fidelity import crease, dice
from meshes.patient.from_labels import mesh_from_labels
from meshes.patient.masks import load_structure
from meshes.patient.tips import check_tips
from meshes.plain import PlainMesh
from meshes.regions import NECROTIC_CORE, ORGAN_SURFACE, OUTER, TISSUE, TUMOUR
from tests.data_folder import SHARED
from tests.label_files import affine, ball_labels, rotation, write_nifti

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

SHIPPED = Path(__file__).parents[1] / "cases" / "shipped"
DEMO = SHIPPED / "demo_labels.nii.gz"
COARSE = MeshSizes(tip=0.6e-3, front=2e-3, front_radius=4e-3, surface=2e-3, far=7e-3, growth=0.35)


def site(*tip: float) -> Site:
    """A site at a tip given in millimetres."""
    return Site(
        tip=tuple(1e-3 * x for x in tip), direction=(0.0, 0.0, 1.0), needle_radius=0.36e-3, source_radius=1e-3
    )


def demo(*sites: Site) -> LabelGeometry:
    return LabelGeometry(
        tumour=(Mask(path=DEMO, labels=(2,)),),
        organ=(Mask(path=DEMO, labels=(1,)),),
        necrotic_core=(),
        margin=0.02,
        smoothing=None,
        sites=sites or (site(12.4, -17.7, 19.2),),
        sizes=COARSE,
    )


def assert_sound(mesh: PlainMesh) -> None:
    """Conforming, positive, every boundary face tagged, the surface encloses the volume of the cells."""
    assert volumes(mesh.points, mesh.cells).min() > 0.0
    assert np.array_equal(np.unique(mesh.cells), np.arange(len(mesh.points)))
    faces, _ = faces_between(mesh.cells, np.zeros(len(mesh.cells), np.int32))
    assert np.array_equal(np.unique(np.sort(faces), axis=0), np.unique(np.sort(mesh.facets), axis=0))
    assert set(mesh.facet_tags.tolist()) <= {OUTER, ORGAN_SURFACE}
    a, b, c = (mesh.points[mesh.facets[:, i]] - mesh.points.mean(axis=0) for i in range(3))
    enclosed = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0
    assert enclosed == pytest.approx(volumes(mesh.points, mesh.cells).sum(), rel=1e-9)
    json.dumps(mesh.info)


def assert_faithful(mesh: PlainMesh, least_dice: float) -> None:
    info = mesh.info
    assert abs(info["volume_errors"]["tumour"]) < 1e-3
    assert info["dice"]["tumour"] > least_dice
    assert info["quality"]["smallest_angle"] > 5.0


def has_vertex(mesh: PlainMesh, one: Site) -> bool:
    return bool((mesh.points == np.array(one.tip)).all(axis=1).any())


@pytest.fixture(scope="module")
def demo_mesh() -> PlainMesh:
    return mesh_from_labels(demo())


def test_demo_labels_are_those_of_the_script():
    made = runpy.run_path(str(SHIPPED / "make_demo_labels.py"))["make_labels"]().to_bytes()
    assert gzip.decompress(DEMO.read_bytes()) == made
    assert DEMO.stat().st_size < 60_000


def test_demo_mesh_is_sound_and_faithful(demo_mesh):
    assert_sound(demo_mesh)
    assert_faithful(demo_mesh, 0.98)
    assert demo_mesh.info["crease_p95_degrees"]["tumour"] < 25.0
    assert set(demo_mesh.cell_tags.tolist()) == {TUMOUR, TISSUE}
    assert has_vertex(demo_mesh, demo().sites[0])


def test_demo_boundary_is_the_ball_and_the_organ(demo_mesh):
    centre, radius = np.array(demo_mesh.info["centre_m"]), demo_mesh.info["radius_m"]
    distance = np.linalg.norm(demo_mesh.points[demo_mesh.facets] - centre, axis=2)
    outer = demo_mesh.facet_tags == OUTER
    assert np.abs(distance[outer] - radius).max() < 0.04 * radius
    assert distance[~outer].mean() < 0.95 * radius
    areas = facet_areas("3d", demo_mesh.points, demo_mesh.facets)
    assert areas[outer].sum() > areas[~outer].sum() > 5e-4


def test_edges_follow_the_sizes(demo_mesh):
    edges = demo_mesh.points[demo_mesh.cells[:, [0, 1]]]
    lengths = np.linalg.norm(edges[:, 0] - edges[:, 1], axis=1)
    from_tip = np.linalg.norm(edges.mean(axis=1) - np.array(demo().sites[0].tip), axis=1)
    assert np.median(lengths[from_tip < 1e-3]) == pytest.approx(COARSE.tip, rel=0.4)
    assert np.percentile(lengths, 99) < 1.5 * COARSE.far


def test_the_same_bytes_twice(demo_mesh):
    again = mesh_from_labels(demo())
    for name in ("points", "cells", "cell_tags", "facets", "facet_tags"):
        assert getattr(again, name).tobytes() == getattr(demo_mesh, name).tobytes()
    assert again.info == demo_mesh.info


def test_several_tips_two_of_them_one_place_are_vertices():
    outside = replace(site(12.3, -17.3, 31.0), allow_outside=True)
    sites = site(12.4, -17.7, 19.2), site(14.0, -16.0, 20.0), site(12.4, -17.7, 19.2), outside
    mesh = mesh_from_labels(demo(*sites))
    assert all(has_vertex(mesh, one) for one in sites)
    assert_sound(mesh)
    assert any("injection 4" in text and "outside the tumour" in text for text in mesh.info["warnings"])


@pytest.mark.parametrize(
    ("tip", "text"),
    [
        (
            (-40.0, -17.0, 19.0),
            r"outside the organ; the tumour's centre is RAS \(12.4, -17.7, 19.2\) mm, "
            "the nearest point inside is RAS",
        ),
        ((50.0, -17.0, 19.0), r"tip of injection 1 at RAS \(50.0, -17.0, 19.0\) mm lies"),
    ],
)
def test_tip_outside_the_tissue_is_refused(tip, text):
    with pytest.raises(GeometryError, match=text):
        mesh_from_labels(demo(site(*tip)))


def test_tip_outside_the_tumour_is_refused_unless_its_site_allows_it():
    far = site(12.3, -17.3, 31.0)
    anatomy = read_anatomy(demo())
    with pytest.raises(GeometryError, match=r"injection 2 .* mm outside the tumour, .*allow_") as error:
        check_tips(anatomy, (site(12.4, -17.7, 19.2), far))
    assert error.value.about == far
    (note,) = check_tips(anatomy, (replace(far, allow_outside=True),))
    assert "outside the tumour, in tissue" in note
    near = next(
        z
        for z in np.arange(19.2, 31.0, 0.02)
        if anatomy.tumour_level(1e-3 * np.array([[12.3, -17.3, z]])) > 0
    )
    (note,) = check_tips(anatomy, (site(12.3, -17.3, near),))
    assert "outside the tumour" in note, "half a voxel is not told by the image"


def test_a_core_of_somebody_else_is_refused(tmp_path):
    apart = ball_labels((60, 40, 40), np.eye(4), (15, 20, 20), 9.0) + ball_labels(
        (60, 40, 40), np.eye(4), (45, 20, 20), 5.0, label=2
    )
    path = write_nifti(tmp_path / "a.nii.gz", apart, np.eye(4))
    masks = {"tumour": (Mask(path=path, labels=(1,)),), "necrotic_core": (Mask(path=path, labels=(2,)),)}
    with pytest.raises(GeometryError, match=r"necrotic core lies outside the tumour \(0.0 % of its voxels"):
        read_anatomy(replace(demo(), organ=(), **masks))


def test_nested_core_without_organ_in_oblique_axes(tmp_path):
    matrix = affine(rotation(40.0) @ np.diag([1.0, -1.0, 1.0]), (0.7, 0.7, 1.4), (5.0, -9.0, 3.0))
    centre = (matrix @ [20, 20, 11, 1])[:3]
    shell = ball_labels((41, 41, 23), matrix, centre, 9.0)
    core = ball_labels((41, 41, 23), matrix, centre, 4.5)
    path = write_nifti(tmp_path / "a.nii.gz", shell + core, matrix)
    geometry = LabelGeometry(
        tumour=(Mask(path=path, labels=(1,)),),
        organ=(),
        necrotic_core=(Mask(path=path, labels=(2,)),),
        margin=0.012,
        smoothing=None,
        sites=(site(*centre),),
        sizes=COARSE,
    )
    mesh = mesh_from_labels(geometry)
    assert_sound(mesh)
    assert set(mesh.cell_tags.tolist()) == {TUMOUR, TISSUE, NECROTIC_CORE}
    assert set(mesh.facet_tags.tolist()) == {OUTER}
    ours = mesh.info["volumes"]
    assert ours["necrotic_core"] == pytest.approx(1e-9 * 0.7**2 * 1.4 * np.count_nonzero(core), rel=0.01)
    assert ours["tumour"] + ours["necrotic_core"] == pytest.approx(4 / 3 * np.pi * 0.009**3, rel=0.02)
    inner = mesh.points[np.unique(mesh.cells[mesh.cell_tags == NECROTIC_CORE])]
    assert np.linalg.norm(inner - 1e-3 * centre, axis=1).max() == pytest.approx(4.5e-3, abs=0.7e-3)


def test_tumour_that_the_image_cuts_is_refused(tmp_path):
    path = write_nifti(
        tmp_path / "a.nii.gz", ball_labels((30, 30, 30), np.eye(4), (15, 15, 25), 9.0), np.eye(4)
    )
    geometry = replace(demo(), tumour=(Mask(path=path),), organ=())
    with pytest.raises(GeometryError, match=r"a\.nii\.gz: the tumour touches the border of the image"):
        mesh_from_labels(geometry)


def test_organ_of_somebody_else_is_refused(tmp_path):
    path = write_nifti(
        tmp_path / "a.nii.gz", ball_labels((60, 60, 60), np.eye(4), (90, -40, 20), 60.0), np.eye(4)
    )
    with pytest.raises(GeometryError, match="neither in the organ nor at it"):
        mesh_from_labels(replace(demo(), organ=(Mask(path=path),)))


def test_organ_that_the_image_cuts_ends_in_the_outer_boundary(tmp_path):
    values = np.full((50, 50, 40), 1, np.uint8) + ball_labels((50, 50, 40), np.eye(4), (25, 25, 15), 8.0)
    values[:, :, :2] = 0
    path = write_nifti(tmp_path / "a.nii.gz", values, np.eye(4))
    masks = {"tumour": (Mask(path=path, labels=(2,)),), "organ": (Mask(path=path, labels=(1,)),)}
    mesh = mesh_from_labels(replace(demo(site(25, 25, 15)), margin=0.03, **masks))
    assert any("cut by the border of the image" in text for text in mesh.info["warnings"])
    assert_sound(mesh)
    heights = mesh.points[mesh.facets].mean(axis=1)[:, 2]
    true_surface = np.median(heights[mesh.facet_tags == ORGAN_SURFACE])
    assert true_surface == pytest.approx(1.5e-3, abs=1.5e-3)
    assert heights[mesh.facet_tags == OUTER].max() == pytest.approx(39.5e-3, abs=2e-3)


def test_dice_and_crease_of_a_known_surface(tmp_path):
    """A cube of 10 mm, moved by a tenth of its length."""
    values = np.zeros((20, 20, 20), np.uint8)
    values[5:15, 5:15, 5:15] = 1
    cube = load_structure(
        [Mask(path=write_nifti(tmp_path / "a.nii.gz", values, np.diag([1.0, -1.0, 1.0, 1.0])))], "t"
    )
    corners = 1e-3 * (np.stack(np.meshgrid(*3 * [[4.5, 14.5]], indexing="ij"), -1).reshape(-1, 3))
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    triangles = np.array([[q[0], *pair] for q in quads for pair in (q[1:3], q[2:4])])[:, ::-1]
    points = corners * np.array([1.0, -1.0, 1.0])
    assert dice(points, triangles, cube) == 1.0
    assert dice(points + np.array([1e-3, 0.0, 0.0]), triangles, cube) == pytest.approx(0.9)
    assert crease(points, triangles) == pytest.approx(90.0)


real = pytest.mark.skipif(not SHARED.exists(), reason="the data folder is not beside this clone")


@real
@pytest.mark.parametrize(("name", "least_dice"), [("brain2", 0.97), ("lung1", 0.95), ("breast1", 0.97)])
def test_small_lesions_of_three_slices(name, least_dice):
    mask = Mask(path=SHARED / "lesions-pyradiomics" / f"{name}_label.nrrd", labels=(1,))
    middle = 1e3 * load_structure([mask], "tumour").positions().mean(axis=0)
    mesh = mesh_from_labels(replace(demo(site(*middle)), tumour=(mask,), organ=()))
    assert_sound(mesh)
    assert_faithful(mesh, least_dice)


@real
@pytest.mark.parametrize(
    ("patient", "least_dice"), [("liver-hcc-p4", 0.92), ("liver-hcc-p1-mismatched-grids", 0.97)]
)
def test_liver_patients(patient, least_dice):
    folder = SHARED / patient
    organ = tuple(
        Mask(path=folder / f"{part}.nii.gz")
        for part in ("liver", "hepaticArtery", "hepaticVein", "portalVein")
    )
    tip = np.loadtxt(folder / "target.txt")
    sizes = replace(COARSE, surface=3e-3)
    mesh = mesh_from_labels(
        replace(demo(site(*tip)), tumour=(Mask(path=folder / "nodule.nii.gz"),), organ=organ, sizes=sizes)
    )
    assert_sound(mesh)
    assert_faithful(mesh, least_dice)
    assert {OUTER, ORGAN_SURFACE} == set(mesh.facet_tags.tolist())


@real
@pytest.mark.parametrize(
    ("file", "label", "text"),
    [
        ("lesions-pyradiomics/prostate_phantom_subvolume-label.nrrd", 1, "168 components"),
        ("lesions-pyradiomics/prostate_phantom_subvolume-label.nrrd", 7, "170 components"),
        ("lesions-pyradiomics/prostate_phantom_subvolume-label.nrrd", 9, "touches the border"),
        ("lesions-pyradiomics/breast1_image.nrrd", 1, "label 1 for the tumour is not in the file"),
        ("abdomen-multiorgan-totalsegmentator/example_seg.nii.gz", 1, "touches the border"),
        ("glioma-tcga-du-7294/tumour_fused_mav_BROKEN.nii.gz", 1, "fills the whole image"),
        ("glioma-tcga-du-7294/tumour_fused_simple.nii.gz", 4, "has 5 voxels"),
    ],
)
def test_unusable_real_masks_are_refused_with_the_reason(file, label, text):
    with pytest.raises(GeometryError, match=text):
        mesh_from_labels(replace(demo(), tumour=(Mask(path=SHARED / file, labels=(label,)),), organ=()))


def test_a_margin_thinner_than_three_edges_is_refused():
    with pytest.raises(GeometryError, match="margin of 2 mm around the tumour is thinner"):
        mesh_from_labels(replace(demo(), margin=2e-3))


def test_tip_on_the_tumour_surface_is_a_vertex_of_a_sound_mesh(demo_mesh):
    faces, sides = faces_between(demo_mesh.cells, (demo_mesh.cell_tags != TUMOUR).astype(np.int32))
    on_surface = demo_mesh.points[faces[sides[:, 0] == 0]].mean(axis=1)[100]
    mesh = mesh_from_labels(demo(site(*(1e3 * on_surface))))
    assert np.linalg.norm(mesh.points - on_surface, axis=1).min() < 1e-12
    assert_sound(mesh)
    assert_faithful(mesh, 0.98)
