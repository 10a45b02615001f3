# SPDX-License-Identifier: MIT
"""What lies in tissue as a line: frozen, keyword-only records in SI units."""

from dataclasses import dataclass

from meshes.geometry import Vector


@dataclass(frozen=True, kw_only=True)
class Backflow:
    """The gap that opens between a needle's shaft and tissue; the same for all needles.

    Attributes:
        prestress: by how much the pressure must rise above rest before tissue leaves the shaft, p_s [Pa].
        exit_distance: depth of the tip below the surface, along the needle [m]; None for as far as the mesh
            reaches.
        exit_pressure: at the surface [Pa].
        viscosity: of the fluid in the gap, mu [Pa s].
        residual_gap: h0, width of the closed gap [m].
    """

    prestress: float = 0.0
    exit_distance: float | None = None
    exit_pressure: float = 0.0
    viscosity: float = 7e-4
    residual_gap: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class VesselLine:
    """A large vessel, or a network of vessels, with blood flowing through it by Poiseuille's law.

    Attributes:
        name: for messages and the summary.
        places: of centre lines [m].
        edges: pairs of numbers of places.
        radii: at each place [m].
        ends: number of a free end among the places, and blood pressure there [Pa]; other free ends are blind.
        wall_conductivity: L_p of the wall [m/(Pa s)].
        permeability: P of the wall for the agent [m/s].
        oncotic_difference: sigma (pi_v - pi_i), which holds fluid back in the vessel [Pa].
        viscosity: of blood [Pa s].
    """

    name: str
    places: tuple[Vector, ...]
    edges: tuple[tuple[int, int], ...]
    radii: tuple[float, ...]
    ends: tuple[tuple[int, float], ...]
    wall_conductivity: float
    permeability: float
    oncotic_difference: float = 0.0
    viscosity: float = 3.5e-3
