# SPDX-License-Identifier: MIT
"""Pictures look as they did: against small ones in tests/pictures, blurred so that no renderer's edges count.

After a change that is meant: INFUSATE_NEW_PICTURES=1 python3 -m pytest tests/test_look.py, and look at them.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from postprocess.figures.gallery import draw
from postprocess.figures.stage import Stage
from postprocess.figures.style import save_figure
from postprocess.results.result import open_result
from tests.synthetic_result import result_folder

pytestmark = pytest.mark.serial

PICTURES = Path(__file__).parent / "pictures"
NEW = bool(os.environ.get("INFUSATE_NEW_PICTURES"))
SIDE = 64
MEAN, LARGEST = 0.02, 0.25
"""Of the difference of blurred pixels, 1 being black against white; 99.5 % of them stay below the second."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(open_result(result_folder(tmp_path_factory.mktemp("look"), "axisymmetric", 8, 0.006)))


def small(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)


def numbers(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, dtype=np.float64) / 255.0


@pytest.mark.parametrize(
    "name", ["scene", "bands", "margin", "dose", "concentration", "flow", "ledger", "shells"]
)
def test_figure_looks_as_it_did(stage: Stage, tmp_path: Path, name: str) -> None:
    found = small(save_figure(draw(stage, name), tmp_path / f"{name}.png"))
    known = PICTURES / f"{name}.png"
    if NEW:
        PICTURES.mkdir(exist_ok=True)
        found.save(known, optimize=True)
    difference = np.abs(numbers(found) - numbers(Image.open(known))).max(axis=2)
    assert difference.mean() < MEAN
    assert np.quantile(difference, 0.995) < LARGEST


def test_another_picture_is_noticed(stage: Stage) -> None:
    """The tolerance tells figures apart: no two of the known ones would pass for one another."""
    known = {path.stem: numbers(Image.open(path)) for path in PICTURES.glob("*.png")}
    for name, one in known.items():
        for other, two in known.items():
            difference = np.abs(one - two).max(axis=2)
            assert name == other or difference.mean() > MEAN or np.quantile(difference, 0.995) > LARGEST
