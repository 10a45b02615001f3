# SPDX-License-Identifier: MIT
"""Whether the needle tips lie where somebody's mesh can have them."""

import numpy as np

from meshes.cells.locate import Locator
from meshes.cells.quality import volumes
from meshes.cells.sizing import hole_radius
from meshes.cells.tetrahedra import Points
from meshes.geometry import GeometryError, MeshGeometry, Site
from meshes.plain import PlainMesh
from meshes.regions import TUMOUR_REGIONS

NEAR = 1e-6
"""Distance from a tip [m] at which its surroundings count as its place: it may lie on a face."""

WAYS = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)], dtype=np.float64)
WAYS /= np.maximum(np.linalg.norm(WAYS, axis=1), 1.0)[:, None]
"""Along the axes and diagonals; the middle one is the place itself."""


def check_tips_in_mesh(mesh: PlainMesh, locator: Locator, geometry: MeshGeometry) -> tuple[str, ...]:
    """Refuses tips whose source leaves the mesh, and those outside the tumour unless their sites allow it.

    Args:
        mesh: in metres, with regions.
        locator: of its cells.
        geometry: sites, and the file for messages.

    Returns:
        Notes for the user.

    Raises:
        GeometryError: a tip, or part of the source around it, lies outside, or a tip outside the tumour.
    """
    return tuple(
        note
        for number, site in enumerate(geometry.sites, start=1)
        for note in _notes(mesh, locator, f"{geometry.path}: the tip of injection {number}", site)
    )


def _notes(mesh: PlainMesh, locator: Locator, name: str, site: Site) -> tuple[str, ...]:
    tip = np.array(site.tip)
    radius = hole_radius(site.needle_radius, site.source_radius)
    found, _ = locator.locate(tip + radius * WAYS)
    at = f"{name} at {_millimetres(tip)}"
    if (found < 0).any():
        state = (
            "outside the mesh"
            if found[len(WAYS) // 2] < 0
            else f"less than its source radius of {1e3 * radius:.2g} mm inside"
        )
        low, high = (1e3 * f(axis=0) for f in (mesh.points.min, mesh.points.max))
        box = ", ".join(f"{a:.4g} to {b:.4g}" for a, b in zip(low, high, strict=True))
        raise GeometryError(
            f"{at} lies {state}; the mesh reaches over ({box}) mm, the tumour's centre is "
            f"{_millimetres(tumour_centre(mesh))}: are unit and place right?",
            site,
        )
    cells, _ = locator.locate(tip + NEAR * WAYS)
    if np.isin(mesh.cell_tags[cells[cells >= 0]], list(TUMOUR_REGIONS)).any():
        return ()
    if site.allow_outside:
        return (f"{name} lies outside the tumour, in tissue",)
    centre = tumour_centre(mesh)
    distance = 1e3 * float(np.linalg.norm(tip - centre))
    raise GeometryError(
        f"{at} lies outside the tumour, {distance:.4g} mm from its centre at "
        f"{_millimetres(centre)}; allow_outside = true accepts that",
        site,
    )


def tumour_centre(mesh: PlainMesh) -> Points:
    """Centre of the volume of the tumour, its core included [m]."""
    cells = mesh.cells[np.isin(mesh.cell_tags, list(TUMOUR_REGIONS))]
    size = volumes(mesh.points, cells)
    return np.asarray(np.average(mesh.points[cells].mean(axis=1), axis=0, weights=size))


def _millimetres(point: Points) -> str:
    return f"({', '.join(f'{round(1e3 * x, 4) + 0.0:.4g}' for x in point)}) mm"
