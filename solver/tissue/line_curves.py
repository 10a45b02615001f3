# SPDX-License-Identifier: MIT
"""Which lines a model has: a track for every needle that injects, if they leak, and the large vessels."""

from meshes.geometry import Site
from meshes.lines import Curve, track_curve
from solver.parameters.model import Model


def needles(model: Model) -> dict[int, tuple[int, ...]]:
    """Sites at which needles end, and the sites of the side holes along each of them."""
    out: dict[int, tuple[int, ...]] = {}
    for pulse in model.injections:
        holes = tuple(outlet.site for outlet in pulse.outlets if outlet.site != pulse.site)
        out[pulse.site] = out.get(pulse.site, ()) or holes
    return dict(sorted(out.items()))


def line_curves(model: Model, sites: tuple[Site, ...]) -> tuple[Curve, ...]:
    """What is to be embedded in the mesh: tracks in the order of their sites, then vessels.

    Args:
        model: what is simulated.
        sites: of injection.
    """
    tracks: tuple[Curve, ...] = ()
    if model.backflow is not None:
        depth = model.backflow.exit_distance
        tracks = tuple(
            track_curve(sites[site], (site, *holes), depth) for site, holes in needles(model).items()
        )
    return (
        *tracks,
        *(Curve(places=line.places, edges=line.edges, radii=line.radii) for line in model.vessel_lines),
    )
