# SPDX-License-Identifier: MIT
"""`infusate verify`: a result agrees with itself, and one that was touched anywhere does not."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from cases.cli import main
from solver.results.checksums import CHECKSUMS, write_checksums
from tests.case_files import SHIPPED

pytestmark = pytest.mark.serial


@pytest.fixture(scope="module", params=["radial", "axisymmetric"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "result"
    settings = [f"geometry.kind={request.param}", "numerics.accuracy=draft", "outputs.figures=false"]
    options = [text for setting in settings for text in ("--set", setting)]
    assert main(["run", str(SHIPPED / "spill.toml"), *options, "--quiet", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def result(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "result"))


def differing(folder: Path, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Names of what differs, by the command line."""
    capsys.readouterr()
    code = main(["verify", str(folder), "--json"])
    findings = json.loads(capsys.readouterr().out)
    wrong = {finding["name"] for finding in findings if not finding["agrees"]}
    assert code == bool(wrong)
    return wrong


def test_a_result_agrees_with_itself(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert differing(result, capsys) == set()
    assert main(["verify", str(result)]) == 0
    assert re.search(r"all \d\d agree$", capsys.readouterr().out.strip())


def in_summary(*path: str | int) -> Callable[[Path], None]:
    """Make a number of the summary larger by a millionth."""

    def change(folder: Path) -> None:
        file = folder / "summary.json"
        content = table = json.loads(file.read_text())
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = table[path[-1]] * (1 + 1e-6)
        file.write_text(json.dumps(content))

    return change


def in_fields(name: str) -> Callable[[Path], None]:
    """Make the values of a field at the last time larger by a millionth."""

    def change(folder: Path) -> None:
        with h5py.File(folder / "fields.vtkhdf", "r+") as file:
            values = file[f"VTKHDF/PointData/{name}"]
            count = int(file["VTKHDF/NumberOfPoints"][0])
            values[-count:] = values[-count:] * (1 + 1e-6)

    return change


def in_history(folder: Path) -> None:
    path = folder / "history.csv"
    lines = path.read_text().splitlines(keepends=True)
    column = lines[0].split(",").index("agent_blood_kg")
    row = lines[-2].split(",")
    row[column] = str(2 * float(row[column]))
    path.write_text("".join([*lines[:-2], ",".join(row), lines[-1]]))


def in_case(folder: Path) -> None:
    path = folder / "resolved.toml"
    path.write_text(re.sub(r"^porosity = .*$", "porosity = 0.21", path.read_text(), count=1, flags=re.M))


CHANGES = [
    (in_summary("ablation", 0, "volume_m3"), "ablation 10 mg min/L [m3]"),
    (in_summary("ablation", 2, "margin", "median_m"), "ablation 75 mg min/L [m3]"),
    (in_summary("spill", "crossed_fraction"), "share crossed out"),
    (in_summary("spill", "shells", 1, "largest_ct_dose"), "shells outside the tumour"),
    (in_summary("ledger", "agent", "reacted_tumour_kg"), "agent's book"),
    (in_summary("pressure", "peak_Pa"), "peak pressure [Pa]"),
    (in_summary("tumour", "volume_m3"), "tumour [m3]"),
    (in_fields("ct_dose"), "ablation 75 mg min/L [m3]"),
    (in_fields("agent_concentration"), "agent left in the tumour [kg]"),
    (in_fields("dilatation"), "fluid stored [m3]"),
    (in_history, "agent adds up"),
    (in_case, "case"),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_a_change_is_found_even_with_checksums_to_go_with_it(
    number: int, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, name = CHANGES[number]
    change(result)
    assert {"checksums", name} <= differing(result, capsys)
    write_checksums(result)
    assert name in differing(result, capsys)


def test_what_is_missing_or_no_result_is_said(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (result / CHECKSUMS).unlink()
    assert differing(result, capsys) == {"checksums"}
    (result / "fields.vtkhdf").write_bytes(b"no HDF5")
    assert "files" in differing(result, capsys)
    (result / "fields.vtkhdf").unlink()
    assert differing(result, capsys) == {"files"}
    (result / "summary.json").unlink()
    assert main(["verify", str(result)]) == 66
