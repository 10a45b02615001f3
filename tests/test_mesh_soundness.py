# SPDX-License-Identifier: MIT
"""Meshes whose cells do not fill one piece of space once: refused, or mended with a note."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.quality import volumes
from meshes.geometry import GeometryError
from meshes.imported import tip_refinement
from meshes.imported.from_mesh import Imported, imported, mesh_from_file
from meshes.regions import ORGAN_SURFACE, OUTER, TISSUE, TUMOUR
from tests.test_mesh_import import geometry

pytestmark = pytest.mark.serial

Rows = Iterable[tuple[int, ...]]

SIGNS = [(i, j, k) for i in (0, 1) for j in (2, 3) for k in (4, 5)]
CORNERS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
INNER = np.concatenate((CORNERS, np.zeros((1, 3))))
"""An octahedron of volume 4/3 with a point in the middle: eight tetrahedra of positive volume."""


def even(corner: tuple[int, int, int]) -> tuple[int, int, int]:
    """Corners of a face of the octahedron, counter-clockwise from outside."""
    i, j, k = corner
    return (i, j, k) if (i + j + k) % 2 == 0 else (j, i, k)


TETRAHEDRA = [(6, *even(face), 2) for face in SIGNS]


def medit(path: Path, points: NDArray[np.float64], **blocks: Rows) -> Path:
    """An ASCII file of Medit; rows are numbers of points from 0, and the reference."""
    lines = ["MeshVersionFormatted 2", "Dimension 3", "Vertices", str(len(points))]
    lines += [f"{x!r} {y!r} {z!r} 0" for x, y, z in points.tolist()]
    for name, rows in blocks.items():
        rows = list(rows)
        lines += [name, str(len(rows))]
        lines += [" ".join(map(str, (*(n + 1 for n in row[:-1]), row[-1]))) for row in rows]
    path.write_text("\n".join([*lines, "End", ""]), encoding="ascii")
    return path


def read(path: Path, **more: Any) -> Imported:
    """A tumour of reference 2 in tissue of reference 1, lengths in centimetres."""
    regions = {"2": "tumour", "1": "tissue"} if "shell" in path.name else {"2": "tumour"}
    return imported(geometry(path, regions, 0.01, **more))


def shell(path: Path, apart: float, where: Iterable[int] = range(6)) -> Path:
    """The octahedron in a shell of wedges, some of whose inner points are points of their own, outwards."""
    own = list(where)
    inner = {n: 13 + own.index(n) if n in own else n for n in range(6)}
    points = np.concatenate((INNER, 2.0 * CORNERS, (1.0 + apart) * CORNERS[own]))
    wedges = [(*(inner[n] for n in even(face)), *(7 + n for n in even(face)), 1) for face in SIGNS]
    return medit(path, points, Tetrahedra=TETRAHEDRA, Prisms=wedges)


def test_parts_meshed_apart_are_joined(tmp_path: Path) -> None:
    """Points that differ by rounding are one: the outside is that of the shell alone, and a note says so."""
    for name, apart in (("shell_text.mesh", 1e-9), ("shell_single.mesh", 6e-8)):
        found = read(shell(tmp_path / name, apart))
        assert len(found.points) == 13 and len(found.facets) == 8 and len(found.cells) == 32
        assert "6 points lie within 0.0001 of the shortest edge" in found.notes[1]
        size = volumes(found.points, found.cells)
        assert size[found.tags == TUMOUR].sum() == pytest.approx(4e-6 / 3, rel=1e-6)
        assert size[found.tags == TISSUE].sum() == pytest.approx(28e-6 / 3, rel=1e-6)


def test_heaps_of_points_are_refused(tmp_path: Path) -> None:
    """Points nearer to one another than any two could be told apart, in numbers whose pairs fill a memory."""
    heap = 1e-9 * np.random.default_rng(1).uniform(size=(2000, 3))
    path = medit(tmp_path / "heap.mesh", np.concatenate((INNER, heap)), Tetrahedra=TETRAHEDRA)
    with pytest.raises(GeometryError, match="cannot be told apart"):
        read(path)


def test_parts_that_stay_apart_are_refused(tmp_path: Path) -> None:
    """A tumour in a hole of its own shape has two closed surfaces, each of them sound."""
    with pytest.raises(GeometryError, match=r"fall into 2 pieces that no face joins \(24, 8 cells\)"):
        read(shell(tmp_path / "shell_hole.mesh", 1e-3))
    with pytest.raises(GeometryError, match="8 faces on its outside look at another one"):
        read(shell(tmp_path / "shell_slit.mesh", 1e-3, where=[4]))
    wide = read(shell(tmp_path / "shell_void.mesh", 0.2, where=[4]))
    assert len(wide.facets) == 8 + 8, "a hole that is one stays"


def test_folded_and_doubled_cells_are_refused(tmp_path: Path) -> None:
    """Turned cells are turned back; cells that lie over one another cannot be."""
    turned = [(row[1], row[0], *row[2:]) if n % 2 else row for n, row in enumerate(TETRAHEDRA)]
    found = read(medit(tmp_path / "turned.mesh", INNER, Tetrahedra=turned))
    assert "4 cells were turned over" in found.notes[0]
    assert volumes(found.points, found.cells).sum() == pytest.approx(4e-6 / 3)
    pushed = INNER.copy()
    pushed[6] = 0.8
    with pytest.raises(GeometryError, match="the mesh is folded: 4 of 8 cells lie on the same side"):
        read(medit(tmp_path / "folded.mesh", pushed, Tetrahedra=TETRAHEDRA))
    with pytest.raises(GeometryError, match="faces belong to more than two cells"):
        read(medit(tmp_path / "doubled.mesh", INNER, Tetrahedra=[*TETRAHEDRA, TETRAHEDRA[0]]))


def test_folded_curved_cells_are_refused(tmp_path: Path) -> None:
    """A tetrahedron of ten points, one of them far beyond the opposite face, as eight."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    pairs = ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3))
    points = np.concatenate((corners, [corners[[a, b]].mean(axis=0) for a, b in pairs]))
    for middle, reason in (((0.5, 0.0, 0.0), None), ((0.5, 0.9, 0.9), "the mesh is folded")):
        points[4] = middle
        text = "\n".join(f"{n}, {x!r}, {y!r}, {z!r}" for n, (x, y, z) in enumerate(points.tolist(), start=1))
        path = tmp_path / "curved.inp"
        ten = "1, " + ", ".join(map(str, range(1, 11)))
        path.write_text(f"*NODE\n{text}\n*ELEMENT, TYPE=C3D10, ELSET=2\n{ten}\n", encoding="ascii")
        if reason is None:
            assert len(read(path).cells) == 8
        else:
            with pytest.raises(GeometryError, match=reason):
                read(path)


def test_cells_without_volume_are_refused(tmp_path: Path) -> None:
    """Also one whose corners are one point, whose longest edge is nothing."""
    for row in ((3, 3, 3, 3, 2), (0, 1, 2, 3, 2)):
        with pytest.raises(GeometryError, match="1 of 9 cells have no volume"):
            read(medit(tmp_path / "flat.mesh", INNER, Tetrahedra=[*TETRAHEDRA, row]))


def test_cells_that_do_not_meet_are_refused(tmp_path: Path) -> None:
    """A hexahedron beside tetrahedra that cut its face the other way: a gap of no width."""
    square = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float
    )
    points = np.concatenate((square, square[[1, 2, 5, 6]] + [1, 0, 0]))
    five = [(1, 8, 2, 5), (2, 8, 9, 11), (5, 8, 10, 11), (5, 2, 6, 11), (2, 5, 8, 11)]
    hexahedra = [(*range(8), 2)]
    path = medit(tmp_path / "unmet.mesh", points, Hexahedra=hexahedra, Tetrahedra=[(*row, 2) for row in five])
    with pytest.raises(GeometryError, match="edges on its outside do not join two faces"):
        read(path)
    # cut along the diagonal of the hexahedron, from corner 1 to 6, they meet
    other = [(1, 8, 9, 10), (1, 9, 2, 6), (1, 10, 6, 5), (6, 9, 10, 11), (1, 9, 6, 10)]
    path = medit(tmp_path / "met.mesh", points, Hexahedra=hexahedra, Tetrahedra=[(*row, 2) for row in other])
    assert len(read(path).facets) == 20


def faces(path: Path, apart: float, moved: int, rows: Rows) -> Path:
    """The octahedron with triangles of reference 9, some of which have points of their own."""
    points = np.concatenate((INNER, CORNERS + apart * np.array([1.0, 0.7, -0.4])))
    triangles = [(*(n + 7 * (i < moved) for n in face), 9) for i, face in enumerate(rows)]
    return medit(path, points, Tetrahedra=TETRAHEDRA, Triangles=triangles)


def test_facets_of_named_groups_are_found_or_told(tmp_path: Path) -> None:
    """None of them on the outside is an error, some that are not are a note, rounding is neither."""
    named = {"9": "organ_surface"}
    every = [even(face) for face in SIGNS]
    found = read(faces(tmp_path / "near.mesh", 1e-7, 8, every), boundaries=named)
    assert (found.facet_tags == ORGAN_SURFACE).all()
    assert not [note for note in found.notes if "group" in note]
    with pytest.raises(GeometryError, match="none of the 8 facets of the group '9' is a face on the outside"):
        read(faces(tmp_path / "far.mesh", 1e-2, 8, every), boundaries=named)
    with pytest.raises(GeometryError, match="none of the 1 facets of the group '9'"):
        read(faces(tmp_path / "within.mesh", 0.0, 0, [(0, 2, 6)]), boundaries=named)
    found = read(faces(tmp_path / "some.mesh", 1e-2, 3, every), boundaries=named)
    assert "3 of 8 facets of the group '9' are no faces on the outside" in found.notes[-1]
    assert [np.count_nonzero(found.facet_tags == tag) for tag in (ORGAN_SURFACE, OUTER)] == [5, 3]


def test_tips_that_stay_coarse_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass of MMG does not get from 8 to 0.8 mm; four do, and then nothing is said."""
    path = Path(__file__).parents[1] / "cases" / "shipped" / "demo_mesh.msh"
    wanted = geometry(path, {"lesion": "tumour", "liver": "tissue"}, 1e-3, tip=(0.001, 0.002, 0.0))
    assert not [note for note in mesh_from_file(wanted).info["warnings"] if "stay up to" in note]
    monkeypatch.setattr(tip_refinement, "MOST_PASSES", 1)
    (note,) = [note for note in mesh_from_file(wanted).info["warnings"] if "stay up to" in note]
    assert "mm instead of" in note and "after 1 passes" in note
