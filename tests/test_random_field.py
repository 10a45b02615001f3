# SPDX-License-Identifier: MIT
"""Random fields: variance, correlation and boundary on an ensemble; the same sample on any ranks."""

from dataclasses import replace
from functools import cache

from mpi4py import MPI

import numpy as np
import pytest

from meshes.distribution.distribute import distribute, gather_to_root
from meshes.geometry import GeometryError
from meshes.plain import PlainMesh
from solver.algebra.halo import Halo
from solver.algebra.stencil import build_stencil, cell_integrals
from solver.tissue.random_field import Covariance, Medium, Sampler
from tests.coarse import COMM, Floats, half_disc
from tests.manufactured import SIDE, box

COUNT, SAMPLES = 24, 100
STEP = SIDE / COUNT


def lattice() -> PlainMesh:
    """Tetrahedra on an even lattice, so that distances are those of indices."""
    axis = np.arange(COUNT + 1) * STEP
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return replace(box(COUNT, COUNT), points=points)


def medium(plain: PlainMesh, comm: MPI.Comm) -> Medium:
    mesh = distribute(plain if comm.rank == 0 else None, comm)
    return Medium(
        mesh=mesh,
        halo=Halo(mesh.index_map, comm),
        integrals=cell_integrals(mesh.points, mesh.cells, mesh.geometry),
        stencil=build_stencil(mesh.cells, len(mesh.points), mesh.owned),
    )


@cache
def ensemble(smoothness: float, length: float) -> Floats:
    """Samples on the lattice, shape ``(samples, n, n, n)``, on every rank."""
    place = medium(lattice(), COMM)
    sampler = Sampler(place, Covariance(length=length, smoothness=smoothness))
    samples = [gather_to_root(place.mesh, sampler.sample(seed), COMM) for seed in range(SAMPLES)]
    return np.asarray(COMM.bcast(samples if COMM.rank == 0 else None)).reshape(-1, *(COUNT + 1,) * 3)


def interior(values: Floats, margin: int = 5) -> Floats:
    return values[..., margin:-margin, margin:-margin, margin:-margin]


def matern(smoothness: float, scaled: Floats) -> Floats:
    """Correlation at distances over 1/kappa; closed forms of nu = 1/2 and 5/2."""
    return np.asarray(np.exp(-scaled) * (1.0 if smoothness == 0.5 else 1 + scaled + scaled**2 / 3))


def lattice_variance(smoothness: float, scaled: float) -> float:
    """Variance of the discrete field on an infinite lattice of edge ``scaled``/kappa: mean over its waves."""
    angle = (np.arange(64) + 0.5) / 64 * np.pi
    wave = 2.0 * (1.0 - np.cos(angle))
    symbol = scaled**2 + wave[:, None, None] + wave[None, :, None] + wave[None, None, :]
    scale = {0.5: 8.0 * np.pi * scaled, 2.5: 64.0 * np.pi * scaled**5}[smoothness]
    return float(scale * (symbol ** -(smoothness + 1.5)).mean())


@pytest.mark.parametrize(("smoothness", "length"), [(0.5, 2e-3), (2.5, 2.5e-3)])
def test_variance_and_correlation_of_an_ensemble(smoothness: float, length: float) -> None:
    """Variance inside as on an infinite lattice, which is that asked for; zero mean; Matern's correlation."""
    samples = ensemble(smoothness, length)
    inside = interior(samples)
    kappa = Covariance(length=length, smoothness=smoothness).kappa
    exact = lattice_variance(smoothness, kappa * STEP)
    assert exact == pytest.approx(1.0, abs=0.1)
    variance = float((inside**2).mean())
    assert inside.mean() == pytest.approx(0.0, abs=0.05)
    assert variance == pytest.approx(exact, rel=0.06)
    for shift in (2, 3, 4, 6):
        pairs = [(inside * interior(np.roll(samples, -shift, axis=axis))).mean() for axis in (1, 2, 3)]
        expected = matern(smoothness, np.array(shift * STEP * kappa))
        assert np.mean(pairs) / variance == pytest.approx(float(expected), abs=0.05)


def test_the_correlation_length_is_where_a_seventh_is_left() -> None:
    """Lindgren's range: 0.13 or so at ``length``."""
    for smoothness in (0.5, 2.5):
        covariance = Covariance(length=1.0, smoothness=smoothness)
        assert 0.12 < matern(smoothness, np.array(covariance.kappa)) < 0.15


def test_the_boundary_has_about_the_variance_of_the_inside() -> None:
    """Without flux the variance of a face would be doubled; the Robin condition leaves a third of that."""
    face = (ensemble(0.5, 2e-3)[:, 0, 5:-5, 5:-5] ** 2).mean()
    assert 1.0 < face < 1.5


def test_a_sample_is_that_of_its_seed_on_any_ranks() -> None:
    plain, covariance = lattice(), Covariance(length=4e-3, smoothness=0.5)
    alone = medium(plain, MPI.COMM_SELF)
    expected = gather_to_root(alone.mesh, Sampler(alone, covariance).sample(7), MPI.COMM_SELF)
    together = medium(plain, COMM)
    found = COMM.bcast(gather_to_root(together.mesh, Sampler(together, covariance).sample(7), COMM))
    assert expected is not None
    np.testing.assert_allclose(found, expected, atol=1e-9)
    other = COMM.bcast(gather_to_root(together.mesh, Sampler(together, covariance).sample(8), COMM))
    assert abs(np.corrcoef(found, other)[0, 1]) < 0.5


def test_rings_are_refused() -> None:
    with pytest.raises(GeometryError, match="rings"):
        Sampler(medium(half_disc(), COMM), Covariance(length=1e-3, smoothness=0.5))
