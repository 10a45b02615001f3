# SPDX-License-Identifier: MIT
"""Needle tracks and vessels as lines in tissue: which law each of their nodes, links and ends follows.

Nodes of lines are unknowns like those of the mesh, and their links are edges like those of cells: what flows
along them stands in the same arrays, so flow, transport, limiter and ledger need not know them apart. Flows:

* axial: difference of the potential of `track`; vessels: pi r^4/(8 mu L) (P_i - P_j), Poiseuille;
* wall: W_ji (P_j - s - p_i)/(R_w + R_l/K), where W averages over the kernel's circle, R_w = 1/(2 pi r l L_p)
  is the resistance of the wall (none for a track), R_l = ln(rho/r)/(2 pi l) of tissue up to the circle, and
  s the oncotic difference; the agent diffuses with W_ji/(1/(2 pi r l P) + R_l/(phi0 D)) beside;
* joint: a_i J (P_0 - p_i) between the first node of a track and what its site injects by; J is so large that
  all that is injected would lose 1 Pa on the way;
* ends: outflow from the node next to a free end, by the axial law.

To embed another kind of line: its record in `solver.parameters.lines`, its curve in `line_curves`, and its
constants in `solver.tissue.line_build`. Blood networks need nothing but `VesselLine`s.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.tissue.track import Gap

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Axial:
    """Links along lines: those of tracks have a ``gap``, those of vessels a ``conductance``.

    Attributes:
        link: among the local links, shape ``(a,)``.
        first: local node.
        second: local node.
        track: whether it belongs to a track.
        length: [m].
        gap: of tracks, with harmless values elsewhere.
        conductance: of vessels [m3/(Pa s)], 0 elsewhere.
    """

    link: Integers
    first: Integers
    second: Integers
    track: Bools
    length: Floats
    gap: Gap
    conductance: Floats


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Free ends by which fluid leaves or enters, on the rank that owns their nodes.

    Attributes:
        node: local node next to the end, shape ``(e,)``.
        track: whether it belongs to a track.
        length: from the node to the end [m].
        gap: of tracks.
        conductance: of vessels [m3/(Pa s)], 0 elsewhere and at blind ends.
        pressure: outside [Pa].
    """

    node: Integers
    track: Bools
    length: Floats
    gap: Gap
    conductance: Floats
    pressure: Floats


@dataclass(frozen=True, kw_only=True)
class Walls:
    """Links between lines and tissue.

    Attributes:
        link: among the local links, shape ``(w,)``.
        line: local node of the line.
        tissue: local node of the mesh.
        weight: W [-].
        share: W over the sum of its node [-].
        wall_resistance: R_w [Pa s/m3].
        tissue_resistance: R_l [1/m].
        offset: s [Pa].
        clearance: of the agent by diffusion, W over the resistances of wall and tissue in a row [m3/s].
        conductivity: K0 at the tissue's node [m2/(Pa s)].
    """

    link: Integers
    line: Integers
    tissue: Integers
    weight: Floats
    share: Floats
    wall_resistance: Floats
    tissue_resistance: Floats
    offset: Floats
    clearance: Floats
    conductivity: Floats


@dataclass(frozen=True, kw_only=True)
class Joints:
    """Links between the first nodes of tracks and their cavities.

    Attributes:
        link: among the local links, shape ``(j,)``.
        line: local node of the track.
        tissue: local node of the mesh.
        conductance: a_i J [m3/(Pa s)].
    """

    link: Integers
    line: Integers
    tissue: Integers
    conductance: Floats


@dataclass(frozen=True, kw_only=True)
class Lines:
    """All lines, as a rank sees them; ``h`` nodes of lines here, ``l`` links.

    Attributes:
        edges: number of the edge of each link, shape ``(l,)``.
        sign: +1 where the tail of that edge is the line's (or the first) node, else -1, shape ``(l,)``.
        node: local nodes of lines, ascending, shape ``(h,)``.
        track: whether they belong to tracks.
        owned: number of them that this rank owns, which come first.
        volume: of fluid at rest in the line [m3], shape ``(h,)``.
        storage: of the open gap [m3/Pa], 0 in vessels and in steady flow, shape ``(h,)``.
        prestress: p_s [Pa].
        axial: links along lines.
        ends: free ends.
        walls: links to tissue.
        joints: links to cavities.
    """

    edges: Integers
    sign: Floats
    node: Integers
    track: Bools
    owned: int
    volume: Floats
    storage: Floats
    prestress: float
    axial: Axial
    ends: Ends
    walls: Walls
    joints: Joints

    def owned_nodes(self, track: bool) -> Integers:
        """Local nodes of tracks, or of vessels, that this rank owns."""
        return self.node[: self.owned][self.track[: self.owned] == track]
