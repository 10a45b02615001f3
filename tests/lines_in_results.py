# SPDX-License-Identifier: MIT
"""Vessels, tracks and side holes added to a synthetic result, as a run with them records them."""

import tomllib
from pathlib import Path

import h5py

from meshes.regions import LARGE_VEIN, TISSUE

VESSEL_RADIUS = 0.0005
HOLE_BEHIND = 0.004
PLACES = ((0.004, -0.02, 0.0), (0.004, 0.0, 0.0), (0.004, 0.02, 0.001))


def with_vessels(folder: Path) -> None:
    """Adds a vessel of two pieces, a track and a ring of side holes to a result without them.

    Args:
        folder: of a synthetic result.
    """
    path = folder / "resolved.toml"
    text = path.read_text()
    site = tomllib.loads(text)["geometry"]["sites"][0]
    tip = [x - HOLE_BEHIND * d for x, d in zip(site["tip"], site["direction"], strict=True)]
    head, tail = text.split("[[injections]]", 1)
    lines = "\n".join(
        [
            "[[vessel_lines]]",
            f"places = {[list(place) for place in PLACES]}",
            "edges = [[0, 1], [1, 2]]",
            f"radii = {[VESSEL_RADIUS] * 3}",
            "[backflow]",
            "exit_distance = 0.02",
            "[[geometry.sites]]",
            f"tip = {tip}",
            f"direction = {site['direction']}",
            f"needle_radius = {site['needle_radius']}",
        ]
    )
    outlets = "outlets = [{site = 0, share = 0.5}, {site = 1, share = 0.5}]"
    path.write_text(f"{head}[[injections]]\n{outlets}{tail}\n{lines}\n")


def with_vein(folder: Path) -> int:
    """Calls every tissue cell of the domain's last tenth a large vein; returns how many there are."""
    with h5py.File(folder / "fields.vtkhdf", "r+") as file:
        tags = file["VTKHDF/CellData/region"]
        values = tags[()]
        chosen = (values == TISSUE).nonzero()[0]
        chosen = chosen[-len(chosen) // 10 :]
        values[chosen] = LARGE_VEIN
        tags[...] = values
    return len(chosen)
