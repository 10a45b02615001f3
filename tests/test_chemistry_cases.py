# SPDX-License-Identifier: MIT
"""Chemistry and kill in case files: tables to records and back, rules, and the shipped case."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.kill_trials import differences
from cases.cli import main
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import write_resolved
from meshes.regions import REGION_NAMES
from solver.parameters.chemistry import Heat, Survival
from tests.case_files import REFERENCE, shipped

pytestmark = pytest.mark.serial

(TITRATION,) = (path for path in shipped() if path.stem == "titration")


def loaded(tmp_path: Path, text: str, *overrides: str) -> Any:
    """The reference case with more tables."""
    path = tmp_path / "case.toml"
    path.write_text(Path(REFERENCE).read_text(encoding="utf-8") + text, encoding="utf-8")
    return load_case(str(path), list(overrides)).model


def refused(tmp_path: Path, text: str, *overrides: str) -> str:
    with pytest.raises(CaseError) as error:
        loaded(tmp_path, text, *overrides)
    assert error.value.code == ExitCode.INVALID
    return "\n".join(str(problem) for problem in error.value.problems)


def test_without_its_tables_nothing_is_on() -> None:
    model = load_case(REFERENCE).model
    assert model.chemistry is None and model.kill is None


def test_numbers_come_from_agent_and_tissues(tmp_path: Path) -> None:
    model = loaded(
        tmp_path,
        '\n[chemistry]\nreductant = true\nby_product = "formed"\n',
        "tissues.tissue.reductant=20 mmol/L",
        "agent.stoichiometry=0.5",
    )
    reductant = model.chemistry.reductant
    assert reductant.rate_constant == pytest.approx(100.0)
    assert reductant.stoichiometry == 0.5
    assert reductant.amount == {"tumour": pytest.approx(50.0), "tissue": pytest.approx(20.0)}
    assert set(reductant.amount) <= set(REGION_NAMES.values())
    assert model.chemistry.product.yield_per_agent == 0.6 and not model.chemistry.product.transport


def test_channels_of_kill(tmp_path: Path) -> None:
    model = loaded(
        tmp_path,
        """
[chemistry]
reductant = true

[chemistry.uptake]
membrane_rate = "0.1 1/s"

[kill]
depletion = [0.5]

[kill.hom]
concentration = "300 mg/L"
times = ["26 s", "1 min"]
time_exponent = 1.2

[kill.heat]
temperature = "41.7 degC"
duration = "1 h"

[kill.drug]
half_effect = ["1 mg/L"]
assay_time = "1 h"
phase = "cells"
""",
    )
    kill = model.kill
    assert kill.depletion == (0.5,)
    assert kill.hom == Survival(concentration=0.3, times=(26.0, 60.0), exponent=1.0, time_exponent=1.2)
    assert isinstance(kill.heat, Heat) and kill.heat.temperature == pytest.approx(314.85)
    assert kill.heat.doses == (3600.0, 14400.0)
    assert kill.drug.largest == 1.0 and kill.chick_watson is None and kill.ischaemia is None
    assert model.chemistry.uptake.partition == 1.0


@pytest.mark.parametrize(
    ("text", "overrides", "words"),
    [
        ("[kill]\ndepletion = [0.5]\n", (), "no reductant"),
        ("[kill]\n", (), "no channel"),
        ("[chemistry]\nreductant = true\n", ("agent=doxorubicin", "outputs.end=5 min"), "rate_constant"),
        (
            '[chemistry]\nby_product = "formed"\n',
            ("physics.reaction=false", "outputs.end=5 min"),
            "nothing reacts",
        ),
        (
            '[kill.drug]\nhalf_effect = ["1 mg/L"]\nassay_time = "1 h"\nphase = "cells"\n',
            (),
            "into cells",
        ),
        ('[kill.ischaemia]\ntimes = ["1 h"]\n', ("physics.vessels=false",), "physics.vessels"),
        ("[chemistry.uptake]\ncell_fraction = 0.3\n", (), "membrane_rate"),
        ('[kill.heat]\ntemperature = "315 m"\nduration = "1 h"\n', (), "temperature"),
    ],
)
def test_rules(tmp_path: Path, text: str, overrides: tuple[str, ...], words: str) -> None:
    assert words in refused(tmp_path, "\n" + text, *overrides)


@pytest.mark.usefixtures("ticking")
def test_a_run_that_stops_and_goes_on_is_the_same(tmp_path: Path) -> None:
    """Reductant, cells, by-product and clocks are all in the checkpoint: none hides in a solver."""
    common = ["run", str(TITRATION), "--set", "outputs.figures=false", "--quiet"]
    common += ["--set", "chemistry.uptake.membrane_rate=1 1/s", "--set", 'kill.ischaemia.times=["1 min"]']
    assert main([*common, "--out", str(tmp_path / "whole")]) == 0
    parts = [*common, "--out", str(tmp_path / "parts"), "--resume"]
    assert [main([*parts, "--stop-after", time]) for time in ("0", "5")] == [75, 75]
    assert main(parts) == 0
    assert differences(tmp_path / "whole", tmp_path / "parts") == []


def test_the_resolved_case_is_read_back(tmp_path: Path) -> None:
    case = load_case(str(TITRATION))
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(str(tmp_path / "resolved.toml"))
    assert again.model.chemistry == case.model.chemistry
    assert again.model.kill == case.model.kill
    text = (tmp_path / "resolved.toml").read_text(encoding="utf-8")
    assert "prior range" in text and "Tyr, Trp and Met" in text
