# SPDX-License-Identifier: MIT
"""BALL by scikit-fem: P1 with SUPG, assembled once per phase, SciPy's BiCGStab with the diagonal.

As in its examples: forms with data of their own, Krylov solvers of SciPy with ``build_pc_diag``. SciPy's ILU
made a run at 200 k cells twice as long.
"""

import numpy as np
import scipy.sparse.linalg as sla
import skfem
from skfem import BilinearForm, LinearForm, asm
from skfem.helpers import dot, grad

from benchmarks.ball.definition import (
    CAVITY_RADIUS,
    CONDUCTIVITY,
    DIFFUSIVITY,
    POROSITY,
    REACTION_RATE,
    VESSEL_PRESSURE,
)
from benchmarks.ball.peers.common import Floats, Notes, arguments, ball_of, phases

SCALE = 1e9
"""Transport is solved in mm3: SciPy's BiCGStab breaks off where inner products are below 5e-32, as in SI."""


@BilinearForm
def darcy(p, q, w):  # type: ignore[no-untyped-def]
    return w.conductivity * dot(grad(p), grad(q)) + w.leakage * p * q


@LinearForm
def vessels(q, w):  # type: ignore[no-untyped-def]
    return w.leakage * w.resting * q


@LinearForm
def unit(v, w):  # type: ignore[no-untyped-def]
    return 1.0 * v


@LinearForm
def lost(v, w):  # type: ignore[no-untyped-def]
    return w.sink * v


@BilinearForm
def storage(c, v, w):  # type: ignore[no-untyped-def]
    return POROSITY * c * (v + w.tau * dot(w.velocity, grad(v)))


@BilinearForm
def rest(c, v, w):  # type: ignore[no-untyped-def]
    along = w.tau * dot(w.velocity, grad(v))
    galerkin = -c * dot(w.velocity, grad(v)) + POROSITY * DIFFUSIVITY * dot(grad(c), grad(v))
    galerkin += (POROSITY * REACTION_RATE + w.sink) * c * v
    return galerkin + (dot(w.velocity, grad(c)) + (POROSITY * REACTION_RATE + w.gain) * c) * along


def solve_pressure(matrix, right: Floats, fixed: Floats) -> Floats:  # type: ignore[no-untyped-def]
    """Conjugate gradients, p = 0 outside."""
    solver = skfem.solver_iter_pcg(rtol=1e-8)
    solution: Floats = skfem.solve(*skfem.condense(matrix, right, D=fixed), solver=solver)
    return solution


def main() -> None:
    options = arguments(__doc__)
    ball = ball_of(options)
    with np.load(options.mesh) as arrays:
        mesh = skfem.MeshTet(
            np.ascontiguousarray(arrays["points"].T), np.ascontiguousarray(arrays["cells"].T)
        )
        regions = arrays["regions"]
    basis = skfem.Basis(mesh, skfem.ElementTetP1(), intorder=2)
    near = 1.5 * CAVITY_RADIUS
    wall = mesh.facets_satisfying(lambda x: np.linalg.norm(x, axis=0) < near, boundaries_only=True)
    outer = mesh.facets_satisfying(lambda x: np.linalg.norm(x, axis=0) > near, boundaries_only=True)
    fixed = basis.get_dofs(outer).all()
    notes = Notes(step=options.step, nodes=basis.N)
    notes.stage("mesh")
    on_wall = asm(unit, skfem.FacetBasis(mesh, skfem.ElementTetP1(), facets=wall, intorder=1))
    on_wall /= on_wall.sum()
    layer = (regions - 1)[:, None] + np.zeros((1, basis.dx.shape[1]), dtype=int)
    leakage, resting = np.take(ball.vessel_conductance, layer), np.take(VESSEL_PRESSURE, layer)
    conductivity = np.take(CONDUCTIVITY, layer)
    matrix = asm(darcy, basis, conductivity=conductivity, leakage=leakage)
    supply = asm(vessels, basis, leakage=leakage, resting=resting)
    size = np.ptp(mesh.p[:, mesh.t], axis=1).max(axis=0)[:, None]
    values, front = np.zeros(basis.N), np.zeros(basis.N)
    for phase in phases(options.step):
        pressure = solve_pressure(matrix, supply + phase.inflow * on_wall, fixed)
        notes.stage("pressure")
        inside = basis.interpolate(pressure)
        velocity = -conductivity * np.asarray(inside.grad)
        gained = leakage * (resting - np.asarray(inside))
        sink, gain = np.maximum(-gained, 0), np.maximum(gained, 0)
        time_scale = (2 * POROSITY / options.step) ** 2 + (2 / size) ** 2 * (velocity**2).sum(axis=0)
        tau = 1 / np.sqrt(time_scale + (12 * POROSITY * DIFFUSIVITY / size**2) ** 2)
        kept = SCALE * asm(storage, basis, velocity=velocity, tau=tau) / options.step
        moved = SCALE * asm(rest, basis, velocity=velocity, tau=tau, sink=sink, gain=gain)
        implicit = (kept + moved).tocsr()
        preconditioner = skfem.utils.build_pc_diag(implicit)
        notes.stage("assembly")

        def count(_: Floats) -> None:
            notes.iterations += 1

        for _ in range(phase.steps):
            right = kept @ values + SCALE * phase.inflow * on_wall
            values, failed = sla.bicgstab(
                implicit, right, x0=values, rtol=1e-8, M=preconditioner, callback=count
            )
            if failed:
                raise SystemExit(f"BiCGStab did not converge: {failed}")
            notes.add(values)
        notes.end_phase(asm(lost, basis, sink=sink))
        notes.stage("steps")
        if phase.inflow > 0:
            front = values
    whole = asm(unit, basis)
    notes.write(options.out, (mesh.p.T, front, values), (POROSITY * whole, POROSITY * REACTION_RATE * whole))


if __name__ == "__main__":
    main()
