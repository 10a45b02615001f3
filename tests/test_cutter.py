# SPDX-License-Identifier: MIT
"""The cutter on spheres: conforming, positive, faithful; and the level sets that it is given."""

import numpy as np
import pytest

from meshes.cells.background import kuhn_ball, place
from meshes.cells.measures import facet_areas
from meshes.cells.quality import volumes
from meshes.cells.tetrahedra import edge_keys, faces_between, unique_edges
from meshes.patient.cutter import bisect, cut

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

RADIUS = 0.4


def sphere(points, centre=(0.02, -0.01, 0.03), radius=RADIUS):
    return np.linalg.norm(points - np.array(centre), axis=1) - radius


def face_counts(cells):
    faces = np.sort(cells[:, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]].reshape(-1, 3), axis=1)
    return np.unique(faces, axis=0, return_counts=True)


def assert_conforming(points, cells, boundary_faces):
    """Every face belongs to two cells, or to one and lies on the ball's boundary; no cell is turned over."""
    faces, counts = face_counts(cells)
    assert counts.max() == 2
    assert np.count_nonzero(counts == 1) == boundary_faces
    assert np.allclose(np.linalg.norm(points[faces[counts == 1]], axis=2), 1.0)
    assert volumes(points, cells).min() > 0.0


@pytest.mark.parametrize("divisions", [4, 6, 10])
def test_kuhn_ball_is_conforming_and_positive(divisions):
    points, cells = kuhn_ball(np.zeros(3), 1.0, divisions)
    assert len(cells) == 6 * divisions**3
    assert_conforming(points, cells, 12 * divisions**2)


def test_cut_sphere_is_conforming_and_converges():
    errors = []
    for divisions in (8, 16, 32):
        points, cells = kuhn_ball(np.zeros(3), 1.0, divisions)
        whole = volumes(points, cells).sum()
        points, parts, parent, inside = cut(points, cells, sphere, np.zeros(len(points), bool))
        assert_conforming(points, parts, 12 * divisions**2)
        assert volumes(points, parts).sum() == pytest.approx(whole, rel=1e-12)
        assert set(parent) == set(range(len(cells)))
        faces, sides = faces_between(parts, inside.astype(np.int32))
        surface = faces[(sides[:, 0] == 0) & (sides[:, 1] == 1)]
        offsets = np.abs(sphere(points[np.unique(surface)]))
        assert offsets.max() < 0.02 * 2.0 / divisions
        assert np.percentile(offsets, 95) < 1e-4 / divisions
        assert (sphere(points[parts].mean(axis=1)) < 0.0).mean() == pytest.approx(inside.mean(), rel=0.02)
        area = facet_areas("3d", points, surface).sum() / (4.0 * np.pi * RADIUS**2) - 1.0
        errors.append((volumes(points, parts[inside]).sum() / (4.0 / 3.0 * np.pi * RADIUS**3) - 1.0, area))
    errors = np.abs(errors)
    assert (errors[-1] < 0.01).all()
    assert (errors[1:] < 0.35 * errors[:-1]).all()


def test_two_cuts_of_crossing_surfaces_stay_conforming():
    points, cells = kuhn_ball(np.zeros(3), 1.0, 12)
    tags = np.zeros(len(cells), dtype=int)
    for bit, centre in ((1, (0.1, 0.0, 0.0)), (2, (-0.2, 0.1, 0.05))):
        points, cells, parent, inside = cut(
            points, cells, lambda x, c=centre: sphere(x, c), np.zeros(len(points), bool)
        )
        tags = tags[parent] + bit * inside
    assert_conforming(points, cells, 12 * 12**2)
    assert set(tags) == {0, 1, 2, 3}
    ball = 4.0 / 3.0 * np.pi * RADIUS**3
    assert volumes(points, cells[tags & 2 > 0]).sum() == pytest.approx(ball, rel=0.05)
    assert volumes(points, cells[tags & 1 > 0]).sum() == pytest.approx(ball, rel=0.05)


def test_fixed_vertex_stays_and_the_surface_bends_to_it():
    points, cells = kuhn_ball(np.zeros(3), 1.0, 12)
    tip = np.array([0.02 + RADIUS * 1.005, -0.01, 0.03])
    points, (vertex,) = place(points, cells, tip[None])
    assert np.array_equal(points[vertex], tip)
    fixed = np.arange(len(points)) == vertex
    after, parts, _, inside = cut(points, cells, sphere, fixed)
    assert np.array_equal(after[vertex], tip)
    faces, sides = faces_between(parts, inside.astype(np.int32))
    assert vertex in faces[sides[:, 0] == 0]
    assert_conforming(after, parts, 12 * 12**2)


def test_places_for_two_near_tips_are_two_vertices():
    points, cells = kuhn_ball(np.zeros(3), 1.0, 12)
    tips = np.array([[0.11, 0.12, 0.13], [0.11, 0.12, 0.16]])
    points, taken = place(points, cells, tips)
    assert taken[0] != taken[1]
    assert np.array_equal(points[taken], tips)
    assert volumes(points, cells).min() > 0.0


def test_shared_faces_are_split_alike_whatever_edges_are_marked():
    rng = np.random.default_rng(4)
    points, cells = kuhn_ball(np.zeros(3), 1.0, 4)
    edges = unique_edges(cells)
    for share in (0.05, 0.4, 1.0):
        marked = rng.permutation(edges)[: int(share * len(edges))]
        middles = np.arange(len(points), len(points) + len(marked))
        more = np.concatenate((points, points[marked].mean(axis=1)))
        parts, parent = bisect(cells, marked, middles)
        _, counts = face_counts(parts)
        assert counts.max() == 2
        assert volumes(more, parts).min() > 0.0
        summed = np.bincount(parent, weights=volumes(more, parts))
        assert np.allclose(summed, volumes(points, cells), rtol=1e-12)
        assert not np.isin(edge_keys(marked), edge_keys(unique_edges(parts))).any()


def test_a_surface_that_misses_the_mesh_changes_nothing():
    points, cells = kuhn_ball(np.zeros(3), 1.0, 4)
    after, parts, parent, inside = cut(
        points, cells, lambda x: sphere(x, radius=9.0), np.zeros(len(points), bool)
    )
    assert np.array_equal(after, points)
    assert np.array_equal(parts, cells)
    assert np.array_equal(parent, np.arange(len(cells)))
    assert inside.all()
