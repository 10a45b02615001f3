# SPDX-License-Identifier: MIT
"""One setting chooses mesh and tolerances; keys of their own win."""

from pathlib import Path

import pytest

from cases.errors import CaseError
from cases.reading.load import load_case
from cases.schema.accuracy import CALIBRATIONS, LEVELS, RANGE, Accuracy, resolution
from cases.schema.units import UnitError
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_levels_and_targets_are_in_order(kind: str) -> None:
    draft, standard, fine = (resolution(level, kind) for level in ("draft", "standard", "fine"))
    assert draft.cells_per_front < standard.cells_per_front < fine.cells_per_front
    assert draft.tolerances >= standard.tolerances >= fine.tolerances
    assert standard.cells_per_front == CALIBRATIONS[kind].cells
    assert resolution(CALIBRATIONS[kind].error, kind) == standard
    for error in RANGE:
        assert 0.5 < resolution(error, kind).cells_per_front < 21


def test_half_the_error_takes_as_many_more_cells_as_its_order_says() -> None:
    known = CALIBRATIONS["3d"]
    one, half = resolution(known.error, "3d"), resolution(known.error / 2, "3d")
    assert half.cells_per_front / one.cells_per_front == pytest.approx(2 ** (1 / known.order))


def test_the_default_is_standard_and_levels_change_mesh_and_steps() -> None:
    default, standard, fine = (
        load_case(REFERENCE, ["geometry.kind=3d", *more])
        for more in ([], ["numerics.accuracy=standard"], ["numerics.accuracy=fine"])
    )
    assert default.geometry == standard.geometry and default.model == standard.model
    assert fine.geometry.sizes.front < 0.8 * standard.geometry.sizes.front
    assert fine.model.numerics.flow_tolerance < standard.model.numerics.flow_tolerance


def test_keys_of_their_own_win() -> None:
    own = ["numerics.cells_per_front=1", "numerics.step_tolerance=0.002", "numerics.mesh.far=3 mm"]
    plain = load_case(REFERENCE, own)
    fine = load_case(REFERENCE, [*own, "numerics.accuracy=fine"])
    assert fine.geometry == plain.geometry
    assert fine.model.numerics.step_tolerance == 0.002
    assert fine.model.numerics.flow_tolerance < plain.model.numerics.flow_tolerance


def test_a_percentage_is_a_number() -> None:
    assert Accuracy().read("2 %") == Accuracy().read(0.02) == 0.02
    assert Accuracy().read(" fine ") == "fine"


@pytest.mark.parametrize("wrong", ["best", "2", "-1 %", "1e9 %", 0.0, 0.6, True, float("nan"), [], None])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(UnitError, match="draft, standard, fine"):
        Accuracy().read(wrong)


def test_the_message_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"numerics\.accuracy.*found \"best\".*draft"):
        load_case(REFERENCE, ["numerics.accuracy=best"])
    assert set(LEVELS) == {"draft", "standard", "fine"}
