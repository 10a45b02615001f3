# SPDX-License-Identifier: MIT
"""Sensitivity indices of sweeps whose results are a known function of their draws."""

import json
from pathlib import Path

import pytest

from cases.cli import main
from cases.errors import ExitCode
from cases.sweeps.expand import load_sweep
from cases.sweeps.folder import SweepFolder, make_plan
from postprocess.sweeps.results import open_sweep
from postprocess.sweeps.sensitivity import sensitivity
from tests.test_sweep import written

pytestmark = pytest.mark.serial


def made_sweep(folder: Path, method: str, count: int) -> Path:
    """A sweep whose results are a formula of its draws: coverage = a + 3 b, c does not matter."""
    body = f'[sample]\nmethod = "{method}"\ncount = {count}\nseed = 5\n'
    keys = ("tissues.tumour.porosity", "agent.reaction_rate", "tissues.tumour.perfusion")
    for key in keys:
        body += f'[[sample.prior]]\nkey = "{key}"\ndistribution = "uniform"\n'
    sweep = load_sweep(written(folder, body))
    root = SweepFolder(folder / "out")
    plan = make_plan(sweep)
    root.write_plan(plan)
    priors = {prior.key: prior for prior in sweep.priors}
    for job in plan.jobs:
        share = {
            key: (job.inputs[key] - priors[key].low) / (priors[key].high - priors[key].low) for key in keys
        }
        ablation = {"measure": "ct", "threshold": 4.5, "coverage": share[keys[0]] + 3 * share[keys[1]]}
        out = root.case(job.identity)
        out.mkdir(parents=True, exist_ok=True)  # a design may come to one point twice
        summary = {"status": "complete", "ablation": [ablation], "timing": {"total_s": 1.0}, "validity": []}
        (out / "summary.json").write_text(json.dumps(summary))
    assert main(["sweep", "report", str(root.root)]) == ExitCode.DONE
    return root.root


def test_sobol_indices_of_a_known_function(tmp_path: Path) -> None:
    """Of a + 3 b with a, b uniform the first-order indices are 1/10 and 9/10."""
    sweep = open_sweep(made_sweep(tmp_path, "saltelli", 256))
    found = sensitivity(sweep, sweep.metrics[0])
    assert found is not None and found.method == "sobol" and found.total is not None
    assert found.main == pytest.approx([0.1, 0.9, 0.0], abs=0.03)
    assert found.total == pytest.approx([0.1, 0.9, 0.0], abs=0.03)


def test_morris_effects_of_a_known_function(tmp_path: Path) -> None:
    sweep = open_sweep(made_sweep(tmp_path, "morris", 20))
    found = sensitivity(sweep, sweep.metrics[0])
    assert found is not None and found.method == "morris" and found.total is not None
    assert found.main == pytest.approx([100.0, 300.0, 0.0], abs=1e-3)
    assert found.total == pytest.approx([0.0, 0.0, 0.0], abs=1e-3)


def test_rank_correlation_where_the_design_is_no_other(tmp_path: Path) -> None:
    sweep = open_sweep(made_sweep(tmp_path, "latin_hypercube", 200))
    found = sensitivity(sweep, sweep.metrics[0])
    assert found is not None and found.method == "rank correlation"
    assert found.main[1] > 0.9 and 0.2 < found.main[0] < 0.45 and abs(found.main[2]) < 0.2
