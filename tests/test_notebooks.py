# SPDX-License-Identifier: MIT
"""The notebooks run from the first cell to the last, and are kept without their outputs."""

import json
import sys
from pathlib import Path

import pytest

from postprocess.results.result import Result, ResultError
from tests.synthetic_result import END_OF_INJECTION, THRESHOLDS, TIMES, ablation_radius, ball, result_folder

pytestmark = pytest.mark.serial

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is needed to run notebooks")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel", reason="ipykernel is needed to run notebooks")
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Python 3", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("INFUSATE_RESULT", str(result_folder(tmp_path / "result", "radial", layers=100)))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


def test_notebooks_are_small_and_without_outputs() -> None:
    assert len(NOTEBOOKS) >= 3
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells), path.name
        assert path.stat().st_size < 20_000


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return Result.open(result_folder(tmp_path / "result", "axisymmetric", layers=10, offset=0.0))


def test_result_as_tables(result: Result) -> None:
    history = result.table()
    assert history.index.name == "t_s" and history.index[-1] == TIMES[-1]
    assert history["agent_injected_kg"].iloc[-1] == pytest.approx(3e-6)
    fields = result.fields()
    assert fields.ct_dose.dims == ("time", "vertex") and fields.darcy_flux.dims == (
        "time",
        "cell",
        "component",
    )
    assert fields.region.dims == ("cell",)
    assert fields.ct_dose.attrs == {"long_name": "CT dose", "units": "kg s/m3"}
    assert tuple(fields.time.values) == TIMES
    one = result.fields(END_OF_INJECTION + 1.0, ["ct_dose"])
    assert float(one.time) == END_OF_INJECTION and set(one.data_vars) == {"ct_dose", "cells"}
    assert (one.ct_dose.values == result.grid(END_OF_INJECTION).point_data["ct_dose"]).all()
    assert one.cells.shape[1] == 3 and int(one.cells.max()) == one.sizes["vertex"] - 1
    with pytest.raises(ResultError, match="no such field: dose"):
        result.fields(keys=["dose"])


def test_result_answers_for_any_threshold(result: Result) -> None:
    for threshold in (*THRESHOLDS, 20.0):
        expected = ball(ablation_radius(threshold))
        assert result.ablation_volume(threshold) == pytest.approx(expected, rel=0.02)
    assert result.ablation_volume(4.5, time=0.0) == 0.0
    assert result.ablation(4.5).coverage < 1.0
    assert 0 < result.tumour.n_cells < result.grid(0.0).n_cells


def test_result_shows_itself(result: Result) -> None:
    result.summary["case"]["title"] = "<script>"
    page = result._repr_html_()
    assert "&lt;script&gt;" in page and "<script>" not in page
    assert "75 mg min/L" in page and "Research use only" in page
