# SPDX-License-Identifier: MIT
"""Meshes of other programs: every file at hand read or refused for its reason, and hostile ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meshes.cells.quality import volumes
from meshes.cells.tetrahedra import faces_between
from meshes.files.group_names import named_parts
from meshes.files.solid_files import read_solid
from meshes.geometry import GeometryError, MeshGeometry, MeshInputError, MeshSizes, Site
from meshes.imported.from_mesh import imported, mesh_from_file
from meshes.plain import PlainMesh
from meshes.regions import ORGAN_SURFACE, OUTER, TISSUE, TUMOUR
from tests.data_folder import SHARED

pytestmark = pytest.mark.serial

FOLDER = SHARED / "meshes-import"
COARSE = MeshSizes(
    tip=0.8e-3, front=2e-3, front_radius=5e-3, front_start=2e-3, surface=3e-3, far=1e-2, growth=0.4
)

VOLUMES = {
    ("nested_cubes.msh", "1"): 0.875,
    ("nested_cubes.msh", "2"): 0.125,
    ("cube_sphere.mesh", "1"): 0.889254,
    ("cube_sphere.mesh", "2"): 0.110746,
    ("cuubat.msh", "both"): 2.0,
    ("box.msh", "all"): 1.0,
    ("abaqus_tet.inp", "EB1"): 0.6666667,
    ("grain0056.xdmf", "1"): 0.013978069,
    ("cube.bdf", "1"): 26.0 / 27.0,
}
"""By file and group, from SOURCE.md and facts.json; the Nastran cube lacks its middle one of 27."""

FLAT = {
    "compass.msh": "Base",
    "annulus.msh": "all",
    "tagged_gmsh4.msh": "all",
    "mixedtriquad.msh": "domain",
    "Mesh_1.med": "left_volume",
    "noh.exo": "1",
    "cylinder_stokes.msh": "*",
    "troublesome_mesh.vtk": "*",
    "abaqus_quad_tri.inp": "*",
}
"""Meshes of a plane: read, and refused where tissue in space is asked for."""


def given(name: str) -> Path:
    """A file of the folder; skips where it is not at hand."""
    if not (FOLDER / name).is_file():
        pytest.skip(f"shared/data/meshes-import/{name} is not beside the repository")
    return FOLDER / name


def geometry(
    path: Path,
    regions: dict[str, str],
    length: float = 0.05,
    tip: tuple[float, float, float] = (0.0, 0.0, 0.0),
    **more: Any,
) -> MeshGeometry:
    """A description with one needle and coarse sizes."""
    site = Site(tip=tip, direction=(0.0, 0.0, 1.0), needle_radius=4e-4, source_radius=1.5e-3)
    values: dict[str, Any] = {"boundaries": {}, "outside": "outer_boundary", "tags": None, "refine": True}
    return MeshGeometry(
        path=path, length=length, regions=regions, sites=(site,), sizes=COARSE, **(values | more)
    )


def assert_sound(mesh: PlainMesh) -> None:
    """Positive cells, every vertex used, all of the outside tagged, closed."""
    assert volumes(mesh.points, mesh.cells).min() > 0.0
    assert np.array_equal(np.unique(mesh.cells), np.arange(len(mesh.points)))
    faces, _ = faces_between(mesh.cells, np.zeros(len(mesh.cells), np.int32))
    assert np.array_equal(np.unique(np.sort(faces), axis=0), np.unique(np.sort(mesh.facets), axis=0))
    a, b, c = (mesh.points[mesh.facets[:, i]] for i in range(3))
    enclosed = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0
    assert enclosed == pytest.approx(volumes(mesh.points, mesh.cells).sum(), rel=1e-9)


def test_every_file_of_the_folder_is_known_here() -> None:
    """A file that somebody adds is tried, too."""
    given("SOURCE.md")
    read = {name for name, _ in VOLUMES} | set(FLAT)
    others = {
        "quadratic_sphere_tet.msh",
        "bifurcation_mesh.vtu",
        "comsol_tri.txt",
        "fichera-mixed.mesh",
        "grain0056.h5",
    }
    found = {p.name for p in FOLDER.iterdir() if not p.name.startswith("LICENSE")} - {
        "SOURCE.md",
        "facts.json",
    }
    assert found == read | others


@pytest.mark.parametrize("name", sorted({name for name, _ in VOLUMES}))
def test_volumes_of_groups(name: str) -> None:
    """Cells of each group fill the volume that SOURCE.md states, whatever the kind of cells."""
    parts, _ = named_parts(read_solid(given(name)), FOLDER / name)
    for (file, group), volume in VOLUMES.items():
        if file == name:
            size = np.abs(volumes(parts.points, parts.cells[parts.cell_groups[group]])).sum()
            assert size == pytest.approx(volume, rel=2e-6)


@pytest.mark.parametrize("name", sorted(FLAT))
def test_flat_meshes_are_read_and_refused(name: str) -> None:
    """Their groups are there, and the reason for which no run can have them."""
    raw = read_solid(given(name))
    assert FLAT[name] == "*" or FLAT[name] in {group for group, _, _ in raw.groups}
    with pytest.raises(GeometryError, match="flat mesh or a surface, without cells that have a volume"):
        imported(geometry(FOLDER / name, {FLAT[name]: "tumour"}))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("comsol_tri.txt", "a mesh must be one of"), ("fichera-mixed.mesh", "is a mesh of MFEM, not of Medit")],
)
def test_unknown_formats_are_refused(name: str, reason: str) -> None:
    """One message; no reader stops the process."""
    with pytest.raises(MeshInputError, match=reason):
        read_solid(given(name))


def test_a_curve_in_two_groups_keeps_both() -> None:
    """Where meshio keeps only the first."""
    groups = {group: rows for group, _, rows in read_solid(given("tagged_gmsh4.msh")).groups}
    assert len(groups["tagged"]) == len(groups["test"]) == 8


def test_second_order_cells_become_eight() -> None:
    """Mid-edge points of the sphere are kept: more of its volume than corners alone have."""
    raw = read_solid(given("quadratic_sphere_tet.msh"))
    parts, notes = named_parts(raw, FOLDER)
    corners = sum(
        np.abs(volumes(raw.points, cells[:, :4])).sum() for name, cells in raw.blocks if name == "tetra10"
    )
    size = volumes(parts.points, parts.cells)
    ball = np.pi / 6.0
    assert size.min() > 0.0 and len(parts.cells) == 8 * 722
    assert corners < 0.98 * ball and 0.99 * ball < size.sum() < ball
    assert "722 tetra10 are converted" in notes[0]


def test_wedges_beside_tetrahedra_fit_together() -> None:
    """The boundary layer of the vessel: cut alike on both sides, so that its outside is one surface."""
    found = imported(geometry(given("bifurcation_mesh.vtu"), {"*": "tumour"}, 1e-4, tags="CellEntityIds"))
    faces, _ = faces_between(found.cells, np.zeros(len(found.cells), np.int32))
    assert len(found.cells) == 17883 + 3 * 6184
    assert len(faces) == len(found.facets) == 3092  # as many as surface triangles in the file


def test_nested_cubes_become_a_case() -> None:
    """Regions, surfaces by number, a tip inside: its cells fine, volumes kept, far cells as they were."""
    regions = {"2": "tumour", "1": "tissue"}
    wanted = geometry(
        given("nested_cubes.msh"),
        regions,
        boundaries={"1": "organ_surface"},
        tip=(0.026, 0.024, 0.025),
    )
    mesh = mesh_from_file(wanted)
    assert_sound(mesh)
    assert mesh.info["volumes"]["tumour"] == pytest.approx(0.125 * 0.05**3, rel=3e-3)
    assert mesh.info["volumes"]["tissue"] == pytest.approx(0.875 * 0.05**3, rel=3e-3)
    assert set(mesh.cell_tags) == {TUMOUR, TISSUE}
    areas = mesh.info["areas"]
    assert areas["organ_surface"] == pytest.approx(0.05**2) and areas["outer_boundary"] == pytest.approx(
        5 * 0.05**2
    )
    assert set(mesh.facet_tags) == {OUTER, ORGAN_SURFACE}
    assert (mesh.points == np.array((0.026, 0.024, 0.025))).all(axis=1).any()
    assert mesh.info["edge_lengths"]["tip"]["median_m"] < 1.5e-3
    assert mesh.info["quality"]["smallest_angle"] > 5.0


def test_far_from_the_tip_a_mesh_stays_as_it_is() -> None:
    """Vertices further than the fine zone are those of the file; without refinement all are."""
    path = given("cuubat.msh")
    tip = (0.02, 0.025, 0.025)
    wanted = geometry(path, {"both": "tumour"}, tip=tip)
    file = imported(wanted).points
    mesh = mesh_from_file(wanted)
    assert_sound(mesh)
    far = file[np.linalg.norm(file - np.array(tip), axis=1) > 0.06]
    kept = {tuple(point) for point in mesh.points.tolist()}
    assert len(far) > 30 and all(tuple(point) in kept for point in far.tolist())
    whole = mesh_from_file(geometry(path, {"both": "tumour"}, tip=tip, refine=False))
    assert len(whole.points) == len(file)


def test_what_is_wrong_is_said() -> None:
    """Groups, faces and tips that do not fit, with what is there."""
    path = given("cube_sphere.mesh")
    both = {"2": "tumour", "1": "tissue"}
    for wanted, reason in (
        (geometry(path, {"3": "tumour"}), r"no group of cells '3'; found: '1', '2'"),
        (geometry(path, {"2": "tumour"}), r"4052 of 6797 cells are in none of the groups"),
        (geometry(path, both, outside=None), r"faces on the outside are in no group"),
        (geometry(path, both, boundaries={"top": "organ_surface"}), r"no group of facets 'top'; found: none"),
        (geometry(path, both, length=50.0), r"measures 50 m .*is the unit right"),
        (geometry(path, both, tip=(0.2, 0.0, 0.0)), r"injection 1 at \(200, 0, 0\) mm lies outside the mesh"),
        (geometry(path, both, tip=(0.0245, 0.0, 0.0)), r"less than its source radius of 1.5 mm inside"),
        (geometry(path, both, tags="label"), r"no data 'label' in its cells; found medit:ref"),
    ):
        with pytest.raises(GeometryError, match=reason):
            mesh_from_file(wanted)


def test_a_coarse_cell_around_the_tip_is_refused() -> None:
    """MMG does not get from 140 mm to 0.8 mm."""
    path = given("abaqus_tet.inp")
    with pytest.raises(GeometryError, match="refine the mesh there where it was made"):
        mesh_from_file(geometry(path, {"MAT1": "tissue", "MAT2": "tumour"}, 0.1, tip=(0.005, 0.002, 0.003)))


def test_numbers_as_groups_of_formats_without_names() -> None:
    """`tags` chooses them; without it the message tells which there are."""
    path = given("bifurcation_mesh.vtu")
    with pytest.raises(
        GeometryError, match="none, but numbers in its cells that tags can choose: 'CellEntityIds'"
    ):
        imported(geometry(path, {"0": "tumour"}, 1e-4))
    assert len(imported(geometry(path, {"0": "tumour"}, 1e-4, tags="CellEntityIds")).cells) == 36435


HOSTILE = {
    "script.msh": (b'SystemCall "touch owned";\n', "does not begin as a mesh of Gmsh"),
    "cut.msh": (
        b"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n1 99999999999 1 99999999999\n",
        "cannot be read|flat mesh",
    ),
    "include.inp": (b"*HEADING\n*INCLUDE, INPUT=/etc/passwd\n", "includes other files"),
    "include.bdf": (b"INCLUDE '/etc/passwd'\n", "includes other files"),
    "away.xdmf": (b"<Xdmf><DataItem>../../secret.h5:/data</DataItem></Xdmf>", "expected a file beside it"),
    "bytes.xdmf": (b'<Xdmf><DataItem Format="Binary">/etc/hostname</DataItem></Xdmf>', "expected HDF or XML"),
    "noise.vtu": (bytes(range(256)) * 40, "cannot be read"),
    "noise.mesh": (bytes(range(256)) * 40, "cannot be read|flat mesh"),
    "noise.med": (b"\x89HDF\r\n\x1a\n" + bytes(999), "cannot be read"),
    "noise.exo": (b"CDF\x01" + b"\xff" * 400, "cannot be read"),
    "empty.vtk": (b"", "cannot be read"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_files_get_one_message(tmp_path: Path, name: str) -> None:
    """No script runs, no other file is read, no traceback and no hang."""
    content, reason = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GeometryError, match=reason) as caught:
        imported(geometry(tmp_path / name, {"*": "tumour"}))
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "owned").exists()


def test_options_beside_a_mesh_of_gmsh_are_not_run(tmp_path: Path) -> None:
    """Gmsh runs FILE.opt as a script when it opens FILE; here it does not see it."""
    shipped = Path(__file__).parents[1] / "cases/shipped/demo_mesh.msh"
    (tmp_path / "some.msh").write_bytes(shipped.read_bytes())
    owned = tmp_path / "owned"
    (tmp_path / "some.msh.opt").write_text(f'Printf("x") > "{owned}";\n', encoding="utf-8")
    assert len(read_solid(tmp_path / "some.msh").points) == 729
    assert not owned.exists()
