# SPDX-License-Identifier: MIT
"""Films: every format can be read back, each stored time is in it, and the bar of time grows."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from postprocess.figures.animation import PIXELS, animate
from postprocess.results.result import Result, ResultError, open_result
from tests.synthetic_result import TIMES, result_folder

pytestmark = pytest.mark.serial


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return open_result(result_folder(tmp_path, "axisymmetric", layers=3))


@pytest.mark.parametrize(
    ("suffix", "field"), [(".mp4", "concentration"), (".gif", "dose"), (".webp", "pressure")]
)
def test_films_can_be_read_back(result: Result, tmp_path: Path, suffix: str, field: str) -> None:
    path = animate(result, tmp_path / f"film{suffix}", field)
    plugin = "FFMPEG" if suffix == ".mp4" else "pillow"
    frames = np.asarray(iio.imread(path, plugin=plugin, index=None if suffix == ".mp4" else ...))
    assert frames.shape[1:3] == PIXELS[::-1]
    bars = [int(np.sum(_blue(frame[-60:-40]))) for frame in (frames[0], frames[len(frames) // 2], frames[-1])]
    assert bars[0] < bars[1] < bars[2]
    assert len(frames) == len(TIMES) if suffix != ".mp4" else len(frames) > 6 * 12


def _blue(rows: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    red, _, blue = np.moveaxis(rows[..., :3].astype(int), -1, 0)
    return blue - red > 60


def test_what_cannot_be_filmed_is_refused(result: Result, tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"\.avi \(expected \.mp4, \.gif, \.webp\)"):
        animate(result, tmp_path / "film.avi")
    with pytest.raises(ResultError, match="vessels: cannot be filmed"):
        animate(result, tmp_path / "film.gif", "vessels")
