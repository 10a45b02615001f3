# SPDX-License-Identifier: MIT
"""The meshes of BALL: edges grow with the distance from the cavity, finer meshes are finer everywhere."""

import re

from benchmarks.ball.definition import CAVITY_RADIUS, DOMAIN_RADIUS, TUMOUR_RADIUS
from meshes.build import build_mesh
from meshes.geometry import MeshSizes, ParametricGeometry, Site
from meshes.plain import PlainMesh

SIZES = ("50k", "200k", "1M")
"""What is compared at, in tetrahedra."""

CELLS_AT_BASE = 55_500
BASE_LENGTH = 0.12e-3
"""Edge length at the wall of the cavity of the mesh with as many cells [m]."""
BASE_GROWTH = 0.2
"""Its increase per length travelled away."""


def cell_count(size: str) -> float:
    """Number of cells that a name such as ``50k`` or ``1M`` asks for.

    Raises:
        ValueError: if it is no such name.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(k|M)", size)
    if not match:
        raise ValueError(f"mesh size {size!r}: expected thousands or millions of cells, such as 50k or 1M")
    return float(match[1]) * {"k": 1e3, "M": 1e6}[match[2]]


def site() -> Site:
    """The cavity, as an injection site whose wall is resolved."""
    return Site(tip=(0.0, 0.0, 0.0), direction=(0.0, 0.0, 1.0), needle_radius=CAVITY_RADIUS)


def ball_geometry(size: str) -> ParametricGeometry:
    """Describe the mesh with about as many cells as its name says."""
    finer = (CELLS_AT_BASE / cell_count(size)) ** (1 / 3)
    far = DOMAIN_RADIUS / 5
    return ParametricGeometry(
        kind="3d",
        semi_axes=(TUMOUR_RADIUS,) * 3,
        centre=(0.0, 0.0, 0.0),
        domain_radius=DOMAIN_RADIUS,
        necrotic_fraction=0.0,
        capsule_thickness=0.0,
        sites=(site(),),
        sizes=MeshSizes(
            tip=BASE_LENGTH * finer,
            front=far,
            front_radius=DOMAIN_RADIUS,
            surface=far,
            far=far,
            growth=BASE_GROWTH * finer,
        ),
    )


def ball_mesh(size: str) -> PlainMesh:
    """Make a mesh with gmsh, or read it from the user's cache."""
    return build_mesh(ball_geometry(size))
