# SPDX-License-Identifier: MIT
"""Graded radii of a spherically symmetric mesh."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from meshes.cells.sizing import edge_length, ellipsoids, size_field
from meshes.geometry import ParametricGeometry

SAMPLES_PER_EDGE = 20
LARGEST_SAMPLES = 2_000_000


def graded_radii(geometry: ParametricGeometry) -> NDArray[np.float64]:
    """Place radii so that edges follow the size field, with nodes exactly on every surface.

    Between two surfaces the number of edges is the integral of 1/h, rounded up, and nodes divide that
    integral evenly.

    Args:
        geometry: of kind ``radial``, with one site at the centre.

    Returns:
        Radii [m], ascending, from the cavity wall (0 for a distributed source) to the outer boundary.
    """
    site = geometry.sites[0]
    inner = [site.needle_radius] if site.source_radius is None else [0.0, site.source_radius]
    surfaces = [axes[0] for _, axes in ellipsoids(geometry)]
    fixed = sorted({*inner, *surfaces, geometry.domain_radius})
    pieces = [_grade(geometry, low, high)[:-1] for low, high in pairwise(fixed)]
    return np.concatenate([*pieces, fixed[-1:]])


def _grade(geometry: ParametricGeometry, low: float, high: float) -> NDArray[np.float64]:
    smallest = min(geometry.sizes.tip, geometry.sizes.surface, geometry.sizes.front, geometry.sizes.far)
    samples = min(LARGEST_SAMPLES, max(200, int(SAMPLES_PER_EDGE * (high - low) / smallest)))
    r = np.linspace(low, high, samples + 1)
    offsets = np.zeros((len(r), 3))
    offsets[:, 0] = r
    density = 1.0 / edge_length(size_field(geometry), offsets + np.asarray(geometry.centre))
    edges = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(r))])
    count = max(1, int(np.ceil(edges[-1] * (1 - 1e-9))))
    radii: NDArray[np.float64] = np.interp(np.linspace(0.0, edges[-1], count + 1), edges, r)
    radii[0], radii[-1] = low, high
    return radii
