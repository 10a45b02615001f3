# SPDX-License-Identifier: MIT
"""A run goes on as the case that it was begun as: other physics or numerics are refused, by name."""

from pathlib import Path

import pytest

from cases.cli import main
from cases.errors import ExitCode
from tests.case_files import SHIPPED

pytestmark = pytest.mark.serial

SPILL = ["run", str(SHIPPED / "spill.toml"), "--set", "outputs.figures=false", "--quiet"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("numerics.newton_tolerance=1e-9", "numerics.newton_tolerance is 1e-09 now and was"),
        ("numerics.first_step=0.05 s", "numerics.first_step is 0.05 now and was 0.1"),
        ("numerics.fixed_step=0.5 s", "numerics.fixed_step is 0.5 now and was"),
        ("agent.reaction_rate=0.05 1/s", "reaction_rate is 0.05 now and was"),
    ],
)
def test_changed_numerics_are_refused_and_nothing_is_touched(
    setting: str, words: str, begun: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in begun.rglob("*")}
    assert main([*SPILL, "--out", str(begun), "--resume", "--set", setting]) == ExitCode.CHECKPOINT
    said = capsys.readouterr().err
    assert words in said and said.endswith("; --overwrite starts from the beginning\n")
    assert said.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in begun.rglob("*")} == before


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after its first step, with a checkpoint."""
    folder = tmp_path_factory.mktemp("begun") / "result"
    assert main([*SPILL, "--out", str(folder), "--stop-after", "0"]) == ExitCode.STOPPED
    assert any(folder.glob("checkpoint/*/manifest.json"))
    return folder
