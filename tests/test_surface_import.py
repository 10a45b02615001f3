# SPDX-License-Identifier: MIT
"""Closed surfaces as structures: voxels that keep their volume, repaired or refused, meshed together."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from meshes.cells.quality import volumes
from meshes.files import winding
from meshes.files.surface_files import read_surface
from meshes.files.winding import winding_numbers
from meshes.geometry import GeometryError, LabelGeometry, Mask, MeshSizes, Site
from meshes.patient.from_labels import mesh_from_labels
from meshes.patient.masks import load_structure
from meshes.regions import LARGE_VEIN, TISSUE, TUMOUR
from tests.data_folder import SHARED

pytestmark = pytest.mark.serial

SCENE = SHARED / "ablation-scene-gosmart"
STATED = {"organ.stl": 600.0, "tumour.stl": 31.3297, "vessel1.stl": 9.3531, "vessel2.stl": 2.9652}
"""Volume of each surface of the scene [mL] (facts.json)."""

Floats = NDArray[np.float64]
CUBE = np.array([[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5],
                 [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]])  # fmt: skip


def scene(name: str, **more: float) -> Mask:
    """A surface of the scene; skips where it is not at hand."""
    if not (SCENE / name).is_file():
        pytest.skip(f"shared/data/ablation-scene-gosmart/{name} is not beside the repository")
    return Mask(path=SCENE / name, length=1e-3, **more)  # type: ignore[arg-type]


def cube(low: float, edge: float) -> Floats:
    """Triangles of a cube with normals outwards [mm]."""
    corners = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float
    )
    return (low + edge * corners)[CUBE]


def stl(path: Path, triangles: Floats) -> Mask:
    """An ASCII file of triangles [mm]."""
    rows = ["solid made"]
    for corners in triangles.tolist():
        rows += ["facet normal 0 0 0", "outer loop", *(f"vertex {x} {y} {z}" for x, y, z in corners)]
        rows += ["endloop", "endfacet"]
    path.write_text("\n".join([*rows, "endsolid made\n"]), encoding="ascii")
    return Mask(path=path, length=1e-3)


def voxel_volume(mask: Mask) -> float:
    """Of what is inside [mL]."""
    values, affine, _ = read_surface(mask)
    return 1e6 * float(np.count_nonzero(values)) * float(abs(np.linalg.det(affine[:3, :3])))


@pytest.mark.parametrize("name", sorted(STATED))
def test_volumes_of_the_scene(name: str) -> None:
    """Voxels hold what the surfaces enclose, a torus without its hole."""
    assert voxel_volume(scene(name)) == pytest.approx(STATED[name], rel=0.012)


def test_overlaps_of_the_scene() -> None:
    """The tumour shares 0.63 and 0.90 mL with the vessels, by voxels of one grid."""
    values, affine, _ = read_surface(scene("tumour.stl", voxel=5e-4))
    places = np.argwhere(values) @ affine[:3, :3].T + affine[:3, 3]
    for name, stated in (("vessel1.stl", 0.63), ("vessel2.stl", 0.90)):
        other, at, _ = read_surface(scene(name, voxel=5e-4))
        index = np.rint((places - at[:3, 3]) / 5e-4).astype(int)
        there = ((index >= 0) & (index < other.shape)).all(axis=1)
        shared = np.count_nonzero(other[tuple(index[there].T)]) * 5e-4**3
        assert 1e6 * shared == pytest.approx(stated, abs=0.05)


def test_scene_becomes_a_mesh() -> None:
    """Organ, tumour and two veins: the tumour's volume, a region of veins, the tip among the vertices."""
    site = Site(tip=(0.02, 0.014, 0.0), direction=(-1.0, 0.0, 0.0), needle_radius=4e-4, source_radius=1e-3)
    mesh = mesh_from_labels(
        LabelGeometry(
            tumour=(scene("tumour.stl"),),
            organ=(scene("organ.stl", voxel=2e-3),),
            large_vein=(scene("vessel1.stl", voxel=2e-3), scene("vessel2.stl", voxel=2e-3)),
            necrotic_core=(),
            margin=0.012,
            smoothing=None,
            sites=(site,),
            sizes=MeshSizes(tip=1.2e-3, front=3e-3, front_radius=5e-3, surface=4e-3, far=9e-3, growth=0.4),
        )
    )
    assert volumes(mesh.points, mesh.cells).min() > 0.0
    assert set(mesh.cell_tags) == {TUMOUR, TISSUE, LARGE_VEIN}
    assert mesh.info["volumes"]["tumour"] == pytest.approx(31.33e-6, rel=0.01)
    assert (mesh.points == np.array(site.tip)).all(axis=1).any()
    assert any("240 triangles around 31.33 mL" in note for note in mesh.info["warnings"])


def test_inward_normals_are_turned(tmp_path: Path) -> None:
    """And a note says so."""
    mask = stl(tmp_path / "inward.stl", cube(0.0, 20.0)[:, ::-1])
    assert voxel_volume(mask) == pytest.approx(8.0, rel=1e-6)
    assert "point inwards; they are turned" in read_surface(mask)[2][0]


def test_hollow_and_overlapping_parts(tmp_path: Path) -> None:
    """An inner wall that faces inwards leaves a hole; parts that overlap count once, with a note."""
    hollow = stl(tmp_path / "hollow.stl", np.concatenate((cube(0.0, 20.0), cube(5.0, 10.0)[:, ::-1])))
    assert voxel_volume(hollow) == pytest.approx(7.0, rel=1e-6)
    both = stl(tmp_path / "both.stl", np.concatenate((cube(0.0, 20.0), cube(10.0, 20.0))))
    assert voxel_volume(replace(both, voxel=5e-4)) == pytest.approx(15.0, rel=1e-6)
    assert "overlaps itself in 1 mL" in " ".join(read_surface(replace(both, voxel=5e-4))[2])


def test_what_is_refused(tmp_path: Path) -> None:
    """Open, contradictory, flat, too large, too small a voxel, without unit, damaged."""
    whole = cube(0.0, 20.0)
    turned = whole.copy()
    turned[3] = turned[3, ::-1]
    (tmp_path / "noise.stl").write_bytes(bytes(range(256)) * 3)
    for mask, reason in (
        (stl(tmp_path / "open.stl", whole[:-1]), "the surface is open: 3 of 18 edges lack a triangle"),
        (stl(tmp_path / "turned.stl", turned), "join triangles that face opposite ways"),
        (replace(stl(tmp_path / "large.stl", whole), length=1.0), "is the unit right"),
        (replace(stl(tmp_path / "fine.stl", whole), voxel=1e-5), "choose larger voxels"),
        (replace(stl(tmp_path / "bare.stl", whole), length=None), "needs its unit of length"),
        (Mask(path=tmp_path / "noise.stl", length=1e-3), "cannot be read|holds no triangles"),
        (Mask(path=tmp_path / "none.stl", length=1e-3), "no such file"),
    ):
        with pytest.raises(GeometryError, match=reason):
            load_structure([mask], "tumour")


def test_triangles_over_one_another_take_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many closed cubes in one place: followed in pieces, with the same result; far too many are refused."""
    pile = np.concatenate([cube(0.0, 20.0)] * 30)
    mask = replace(stl(tmp_path / "pile.stl", pile), voxel=2e-4)
    corners, shape = (pile + 0.3) / 0.2, (106, 106, 106)
    tracemalloc.start()
    whole = winding_numbers(corners, shape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert whole.max() == 30 and peak < 1.5e8
    monkeypatch.setattr(winding, "TOGETHER", 40_000)
    assert np.array_equal(winding_numbers(corners, shape), whole)
    monkeypatch.setattr(winding, "MOST_PAIRS", 1_000_000)
    with pytest.raises(GeometryError, match=r"pile\.stl: its 360 triangles lie over \d+ lines of voxels"):
        read_surface(mask)


def test_one_surface_in_two_units(tmp_path: Path) -> None:
    """Named twice, each time with its own unit and voxels: the union is the larger one."""
    mask = replace(stl(tmp_path / "cube.stl", cube(-10.0, 20.0)), voxel=1e-3)
    larger = replace(mask, length=2e-3, voxel=2e-3)
    for masks in ([mask, larger], [larger, mask]):
        found = load_structure(masks, "tumour")
        assert 1e6 * found.volume == pytest.approx(64.0, rel=0.1)
        assert found.files == str(mask.path)


CASE = """
name = "surface"
[geometry]
kind = "3d"
[geometry.labels]
tumour = {{ {tumour} }}
[agent]
base = "chlorine_dioxide"
[[injection]]
tip = ["10 mm", "10 mm", "10 mm"]
direction = [0, 0, 1]
start = "0 s"
volume = "1 mL"
rate = "1 mL/min"
"""


def test_units_in_the_case_file(tmp_path: Path) -> None:
    """Asked for where a surface is named, refused where an image is; the resolved case keeps them."""
    stl(tmp_path / "tumour.stl", cube(0.0, 20.0))
    (tmp_path / "tumour.nii.gz").write_bytes(b"x")
    file = tmp_path / "case.toml"
    for tumour, words in (
        ('path = "tumour.stl"', "expected the unit of length of the surface"),
        ('path = "tumour.stl", unit = "mL"', "expected a unit of length"),
        ('path = "tumour.stl", unit = "mm", labels = [1]', "a surface has no labels"),
        ('path = "tumour.nii.gz", unit = "mm"', "an image has its own"),
    ):
        file.write_text(CASE.format(tumour=tumour), encoding="utf-8")
        with pytest.raises(CaseError) as caught:
            load_case(file)
        assert words in str(caught.value) and caught.value.code == ExitCode.INVALID
    file.write_text(CASE.format(tumour='path = "tumour.stl", unit = "mm"'), encoding="utf-8")
    geometry = load_case(file).geometry
    assert isinstance(geometry, LabelGeometry) and geometry.tumour[0].length == 1e-3
