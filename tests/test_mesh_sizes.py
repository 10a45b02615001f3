# SPDX-License-Identifier: MIT
"""One number sets the mesh: lengths follow the agent's reach and scale together."""

from dataclasses import replace
from pathlib import Path

import pytest

from cases.build.mesh_sizes import RULES, CaseLengths, mesh_sizes, reach
from cases.reading.load import load_case
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial
LENGTHS = CaseLengths(source=0.359e-3, reach=7.38e-3, domain=60e-3)


def test_reach_is_the_smaller_of_fluid_front_and_reaction_radius() -> None:
    # 1 mL at 1 mL/min, phi0 = 0.3, k = 0.033 1/s: R_f = 9.27 mm, R_k = 7.38 mm
    assert reach(1e-6, 1e-6 / 60, 0.3, 0.033) == pytest.approx(7.38e-3, rel=1e-3)
    assert reach(1e-6, 1e-6 / 60, 0.3, 0.0) == pytest.approx(9.27e-3, rel=1e-3)
    assert reach(0.1e-6, 1e-6 / 60, 0.3, 0.033) == pytest.approx(9.27e-3 * 0.1 ** (1 / 3), rel=1e-3)


@pytest.mark.parametrize("kind", RULES)
def test_twice_the_cells_halve_every_edge_and_keep_the_fine_zone(kind: str) -> None:
    coarse = mesh_sizes(kind, LENGTHS, 3.0, {})  # type: ignore[arg-type]
    fine = mesh_sizes(kind, LENGTHS, 6.0, {})  # type: ignore[arg-type]
    for name in ("tip", "front", "surface", "far"):
        assert getattr(fine, name) == pytest.approx(0.5 * getattr(coarse, name)), name
    for name in ("front_radius", "front_start", "growth"):
        assert getattr(fine, name) == getattr(coarse, name), name
    assert coarse.tip <= coarse.front <= coarse.far


def test_the_mesh_scales_with_the_case() -> None:
    small = mesh_sizes("3d", LENGTHS, 3.0, {})
    lengths = CaseLengths(source=2 * LENGTHS.source, reach=2 * LENGTHS.reach, domain=2 * LENGTHS.domain)
    large = mesh_sizes("3d", lengths, 3.0, {})
    for name in ("tip", "front", "surface", "far", "front_radius", "front_start"):
        assert getattr(large, name) == pytest.approx(2 * getattr(small, name)), name


def test_single_lengths_can_be_given(tmp_path: Path) -> None:
    sizes = load_case(REFERENCE).geometry.sizes
    changed = load_case(REFERENCE, ["numerics.mesh.far=2 mm", "numerics.mesh.growth=0.2"]).geometry.sizes
    assert changed == replace(sizes, far=2e-3, growth=0.2)
