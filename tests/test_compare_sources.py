# SPDX-License-Identifier: MIT
"""The command compare on several sources: comparison files, cases and result folders on one page; ranks."""

import json
from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from cases.cli import main
from cases.errors import ExitCode
from cases.reading.load import load_case
from cases.routes.compare_worker import follow_all
from cases.routes.side_by_side import compare_sources, load_sources
from postprocess.pages.routes_report import told_apart
from tests.case_files import REFERENCE
from tests.test_routes import HEAD, PUMP, VEIN

COARSE = REFERENCE.read_text("utf-8").replace("[thresholds]", '[outputs]\nend = "90 s"\n\n[thresholds]')
COARSE += "\n[numerics]\ncells_per_front = 3\n"

MEASURES = {
    "given_kg",
    "into_tumour_kg",
    "into_tumour_fraction",
    "tissue_auc_mean_kg_s_m3",
    "plasma_peak_kg_m3",
    "plasma_auc_kg_s_m3",
    "selectivity",
    "regional_advantage",
    "below_half_effect_fraction",
    *(f"tumour_auc_{which}_kg_s_m3" for which in ("mean", "p5", "p50", "p95")),
    *(f"tumour_peak_{which}_kg_m3" for which in ("mean", "p5", "p50", "p95")),
}
"""What the issue asks to be told of every way in."""


def written(folder: Path) -> tuple[Path, Path]:
    """A comparison file of two routes, and an ordinary case."""
    routes, case = folder / "two.toml", folder / "coarse.toml"
    routes.write_text(HEAD + VEIN + PUMP, "utf-8")
    case.write_text(COARSE.replace('name = "reference"', 'name = "coarse"'), "utf-8")
    return routes, case


def record_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "comparison.json").read_text("utf-8"))


@pytest.mark.serial
def test_a_case_its_result_and_routes_stand_side_by_side(tmp_path: Path) -> None:
    """An ordinary case and the folder of its result give the same measures, beside two vascular ways in."""
    routes, case = written(tmp_path)
    result, out = tmp_path / "result", tmp_path / "out"
    text = case.read_text("utf-8").replace("[outputs]\n", "[outputs]\nfigures = false\n")
    case.write_text(text + '\n[body]\nweight = "70 kg"\n', "utf-8")
    assert main(["run", str(case), "--out", str(result), "--quiet"]) == ExitCode.DONE
    files = [str(routes), str(case), str(result)]
    assert main(["compare", *files, "--out", str(out), "--quiet"]) == ExitCode.DONE
    record = record_of(out)
    assert [entry["name"] for entry in record["routes"]] == ["vein", "artery", "coarse", "coarse-coarse"]
    assert all(entry.keys() >= MEASURES for entry in record["routes"])
    ran, stored = record["routes"][2:]
    assert ran["source"] == str(case) and stored["source"] == str(result)
    assert ran["selectivity"] is None and stored["selectivity"] is None, "round-off alone lies outside"
    for name in sorted(MEASURES - {"regional_advantage", "below_half_effect_fraction", "selectivity"}):
        assert stored[name] == pytest.approx(ran[name], rel=1e-6, abs=1e-30), name
    assert ran["given_kg"] == pytest.approx(3e-6, rel=1e-9)
    assert ran["into_tumour_fraction"] == pytest.approx(1.0)
    assert ran["plasma_auc_kg_s_m3"] > 0.0
    page = (out / "report.html").read_text("utf-8")
    assert all(entry["title"] in page for entry in record["routes"])
    assert main(["compare", *files, "--out", str(result), "--quiet"]) == ExitCode.OUTPUT


@pytest.mark.serial
def test_cases_alone_are_compared_and_an_injection_beside_the_tumour_says_so(tmp_path: Path) -> None:
    _, case = written(tmp_path)
    beside = tmp_path / "beside.toml"
    text = case.read_text("utf-8").replace("coarse", "beside", 1).replace("radial", "axisymmetric")
    outside = 'allow_outside = true\ntip = ["0 mm", "0 mm", "14 mm"]'
    text = text.replace('tip = ["0 mm", "0 mm", "0 mm"]', outside)
    beside.write_text(text.replace("cells_per_front = 3", "cells_per_front = 1.5"), "utf-8")
    out = tmp_path / "out"
    assert main(["compare", str(case), str(beside), "--out", str(out), "--quiet"]) == ExitCode.DONE
    inner, outer = record_of(out)["routes"]
    assert inner["into_tumour_kg"] == pytest.approx(3e-6) and outer["into_tumour_kg"] == 0.0
    assert inner["tumour_auc_mean_kg_s_m3"] > 10 * outer["tumour_auc_mean_kg_s_m3"]
    assert inner["plasma_peak_kg_m3"] is not None, "a body of 70 kg stands in where the case has none"


HOLED = 'base = "22G"\n\n[needles.holed.side_holes]\ndistances = ["4 mm"]\nnumber = 4\nradius = "0.1 mm"\n'
PULSES = """
[[injection]]
needle = "holed"
tip = ["0 mm", "0 mm", "8 mm"]
direction = [0, 0, -1]
start = "0 s"
volume = "0.3 mL"
rate = "1 mL/min"

[[injection]]
needle = "22G"
tip = ["0 mm", "0 mm", "-5 mm"]
direction = [0, 0, 1]
start = "0 s"
volume = "0.2 mL"
rate = "1 mL/min"

[[injection]]
needle = "22G"
tip = ["0 mm", "0 mm", "-5 mm"]
direction = [0, 0, 1]
start = "20 s"
volume = "0.1 mL"
rate = "1 mL/min"
withdraw = true
"""


@pytest.mark.serial
def test_what_enters_through_side_holes_and_what_is_withdrawn(tmp_path: Path) -> None:
    """A ring of holes beyond the tumour's surface takes its share past it; a withdrawal is no dose."""
    _, path = written(tmp_path)
    text = path.read_text("utf-8").replace("radial", "axisymmetric").replace('"90 s"', '"40 s"')
    head, _, tail = text.partition("[[injection]]")
    rest = tail[tail.index("\n[") :].replace("cells_per_front = 3", "cells_per_front = 1.5")
    path.write_text(f"{head}[needles.holed]\n{HOLED}{PULSES}{rest}", "utf-8")
    pulses = load_case(path).model.injections
    result, out = tmp_path / "result", tmp_path / "out"
    assert main(["run", str(path), "--out", str(result), "--quiet"]) in (ExitCode.DONE, ExitCode.UNPHYSICAL)
    assert main(["compare", str(path), str(result), "--out", str(out), "--quiet"]) == ExitCode.DONE
    ledger = json.loads((result / "summary.json").read_text("utf-8"))["ledger"]["agent"]
    outside = {outlet.site: outlet.share for outlet in pulses[0].outlets}[2]
    for entry in record_of(out)["routes"]:
        assert entry["doses"] == 2
        assert entry["into_tumour_fraction"] == pytest.approx(1 - 0.6 * outside, rel=1e-6)
        assert entry["withdrawn_kg"] == pytest.approx(ledger["withdrawn_kg"], rel=1e-6) and outside > 0.1
    assert "withdrawn again through a needle" in (out / "report.html").read_text("utf-8")


@pytest.mark.serial
def test_no_run_is_replaced_and_only_whole_ones_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one case: its run keeps its folder, and counts as long as it is complete and not damaged."""
    monkeypatch.chdir(tmp_path)
    _, case = written(tmp_path)
    text = case.read_text("utf-8").replace("[outputs]\n", "[outputs]\nfigures = false\n")
    case.write_text(text, "utf-8")
    assert main(["run", str(case), "--quiet"]) == ExitCode.DONE
    kept = (Path("results/coarse/summary.json")).read_bytes()
    for _ in range(2):
        assert main(["compare", str(case), "--overwrite", "--quiet"]) == ExitCode.DONE
    assert (tmp_path / "results" / "compare-coarse" / "comparison.json").exists()
    asked = ["compare", str(case), "--overwrite", "--out", "results/coarse"]
    assert main(asked) == ExitCode.OUTPUT
    assert "holds the result of a run" in capsys.readouterr().err
    assert Path("results/coarse/summary.json").read_bytes() == kept
    summary = json.loads(kept) | {"status": "incomplete", "reason": "no step is short enough"}
    Path("results/coarse/summary.json").write_text(json.dumps(summary))
    for words in ("damaged, or changed after the run", "incomplete (no step is short enough)"):
        assert main(["compare", "results/coarse", "--overwrite", "--quiet"]) == ExitCode.INVALID
        assert words in capsys.readouterr().err
        Path("results/coarse/SHA256SUMS").unlink(missing_ok=True)


def test_equal_titles_are_told_apart() -> None:
    """By where the paths of their files differ, and within one file by name."""
    one = {"title": "Reference", "name": "case", "source": "my/a/case.toml"}
    other = one | {"name": "case-case", "source": "my/b/case.toml"}
    alone = one | {"title": "Pump", "name": "pump"}
    titles = [entry["title"] for entry in told_apart([one, other, alone])]
    assert titles == ["Reference (a/case.toml)", "Reference (b/case.toml)", "Pump"]
    within = [entry["title"] for entry in told_apart([one, other | {"source": "my/a/case.toml/control"}])]
    assert within == ["Reference (case.toml)", "Reference (case.toml/control)"]
    again = other | {"source": "my/a/case.toml"}
    assert [entry["title"] for entry in told_apart([one, again])] == [
        "Reference (case)",
        "Reference (case-case)",
    ]


@pytest.mark.serial
def test_what_is_no_result_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path), "--out", str(tmp_path / "out")]) == ExitCode.MISSING_INPUT
    assert "no result folder" in capsys.readouterr().err
    result = tmp_path / "result"
    result.mkdir()
    (result / "summary.json").write_text("{}")
    assert main(["compare", str(result), "--out", str(tmp_path / "out")]) != ExitCode.DONE
    assert "resolved.toml" in capsys.readouterr().err


def test_ranks_give_one_answer(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Shared by all ranks against each rank alone: the same record to solver tolerance."""
    comm = MPI.COMM_WORLD
    if comm.size == 1:
        pytest.skip("needs several ranks")
    folder = comm.bcast(str(tmp_path_factory.mktemp("ranks")) if comm.rank == 0 else None)
    path = Path(folder) / "two.toml"
    if comm.rank == 0:
        injects = HEAD.replace('front=3"', 'front=2", "geometry.kind=axisymmetric"') + "injection = true\n"
        binds = "set = ['chemistry.uptake.membrane_rate=\"0.05 1/s\"', 'chemistry.uptake.partition=5']\n"
        bead = (
            VEIN.replace("intravenous", "chemoembolisation").replace("vein", "bead")
            + binds
            + "[route.beads]\n"
        )
        path.write_text(injects.replace('"1 d"', '"6 h"') + PUMP + bead, "utf-8")
    comm.barrier()
    sources = comm.bcast(load_sources([str(path)]) if comm.rank == 0 else None)
    shared = compare_sources(sources, lambda line: None, comm)
    alone = compare_sources(sources, lambda line: None, MPI.COMM_SELF)
    assert shared["ranks"] == comm.size and alone["ranks"] == 1
    for one, other in zip(shared["routes"], alone["routes"], strict=True):
        assert one["name"] == other["name"]
        for name in sorted(MEASURES):
            # what an injection leaves outside the tumour, and in blood, is round-off
            noise = one["kind"] == "injection" and name.startswith(("plasma", "tissue", "selectivity"))
            if isinstance(one[name], float) and not noise:
                scale = 1e-7 * abs(other[name.replace("_p5_", "_mean_")])
                assert one[name] == pytest.approx(other[name], rel=1e-4, abs=scale), (one["name"], name)
        assert one["tissue_residual_relative"] < 1e-10
    assert len(set(comm.allgather(json.dumps(shared["routes"], sort_keys=True)))) == 1, (
        "the same on every rank"
    )


@pytest.mark.serial
def test_a_worker_writes_the_record(tmp_path: Path) -> None:
    routes, _ = written(tmp_path)
    follow_all([str(routes)], tmp_path, quiet=True)
    assert record_of(tmp_path)["ranks"] == 1
