# SPDX-License-Identifier: MIT
"""Names and tags of regions (cells) and surfaces (facets), the one table everybody reads."""

from typing import Final

TUMOUR: Final = 1
TISSUE: Final = 2
NECROTIC_CORE: Final = 3
CAPSULE: Final = 4
LARGE_ARTERY: Final = 5
LARGE_VEIN: Final = 6
PORTAL_VEIN: Final = 7

REGION_NAMES: Final[dict[int, str]] = {
    TUMOUR: "tumour",
    TISSUE: "tissue",
    NECROTIC_CORE: "necrotic_core",
    CAPSULE: "capsule",
    LARGE_ARTERY: "large_artery",
    LARGE_VEIN: "large_vein",
    PORTAL_VEIN: "portal_vein",
}
"""Cell tag to the name used in case files, summaries and field files."""

VESSEL_REGIONS: Final = (LARGE_ARTERY, LARGE_VEIN, PORTAL_VEIN)
"""Large vessels from masks: cells of tissue, told apart from it without a surface of their own."""

TUMOUR_REGIONS: Final = frozenset({TUMOUR, NECROTIC_CORE})
"""Regions inside the tumour boundary. The capsule is outside: what enters it has left the tumour."""

OUTER: Final = 1
ORGAN_SURFACE: Final = 2
CAVITY: Final = 100

SURFACE_NAMES: Final[dict[int, str]] = {OUTER: "outer_boundary", ORGAN_SURFACE: "organ_surface"}
"""Facet tag to name. ``OUTER`` is the artificial far boundary, ``ORGAN_SURFACE`` the capsule of the
organ; the wall of the cavity at injection site ``i`` carries ``CAVITY + i``. Other facets: untagged."""
