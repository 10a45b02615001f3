# SPDX-License-Identifier: MIT
"""Bad input: each kind gives its exit code and one clear line with file, line and key, and writes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.cli import main
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import resolved_tables
from tests.case_files import MINIMAL, SHIPPED, written

pytestmark = pytest.mark.serial

LABELS = MINIMAL.replace('domain_radius = "60 mm"\n', "").replace(
    '[geometry.tumour]\nradius = "10 mm"', '[geometry.labels]\ntumour = { path = "labels.nii.gz" }'
)

BAD_CASES = {
    "unknown key": ("\nradius =", "\nraduis =", 8, "geometry.tumour.raduis", 'did you mean "radius"'),
    "unknown table": ("[agent]", "[agnet]", 10, "agnet", 'did you mean "agent"'),
    "wrong unit": ('"1 mL"', '"1 mLL"', 17, "injection[0].volume", 'unknown unit "mLL"'),
    "wrong dimension": ('"1 mL/min"', '"1 mg/min"', 18, "injection[0].rate", "expected a volume per time"),
    "missing unit": ('"60 mm"', "60", 5, "geometry.domain_radius", "missing unit"),
    "missing unit in quotes": ('"60 mm"', '"60"', 5, "geometry.domain_radius", "missing unit"),
    "negative rate": ('"1 mL/min"', '"-1 mL/min"', 18, "injection[0].rate", "out of range"),
    "no volume": ('"1 mL"\n', '"0 mL"\n', 17, "injection[0].volume", "out of range"),
    "nan": ('"1 mL"\n', '"nan mL"\n', 17, "injection[0].volume", "not a finite number"),
    "toml nan": ("[0, 0, -1]", "[0, 0, nan]", 15, "injection[0].direction[2]", "finite"),
    "ppm": ("[agent]", '[agent]\nconcentration = "300 ppm"', 11, "agent.concentration", "ambiguous"),
    "missing key": ('rate = "1 mL/min"\n', "", 13, "injection[0].rate", "missing"),
    "tip outside": ('"0 mm"]', '"12 mm"]', 14, "injection[0].tip", "outside the tumour"),
    "tip outside domain": ('"0 mm"]', '"70 mm"]', 14, "injection[0].tip", "outside the domain"),
    "no direction": ("[0, 0, -1]", "[0, 0, 0]", 15, "injection[0].direction", "is zero"),
    "two components": ("[0, 0, -1]", "[0, 0]", 15, "injection[0].direction", "three components"),
    "wrong choice": ('"3d"', '"2d"', 4, "geometry.kind", 'did you mean "3d"'),
    "unknown agent": ("chlorine_dioxide", "chlorine_dioxid", 11, "agent.base", '"chlorine_dioxide"'),
    "unknown needle": ("start =", 'needle = "22"\nstart =', 16, "injection[0].needle", 'did you mean "22G"'),
    "off centre radial": ('"0 mm"]', '"1 mm"]', 14, "injection[0].tip", "radial"),
    "huge tumour": ('"10 mm"', '"2 m"', 8, "geometry.tumour.radius", "out of range"),
    "domain too small": ('"60 mm"', '"8 mm"', 5, "geometry.domain_radius", "1.2 times"),
    "duplicate key": ('start = "0 s"', 'start = "0 s"\nstart = "1 s"', 17, "", "given twice"),
    "broken toml": ('start = "0 s"', "start = 0 s", 16, "", "not valid TOML"),
    "deep nesting": ('name = "minimal"', f"name = {'[' * 5000}{']' * 5000}", None, "", "nested"),
    "no case name": ('"minimal"', '"../x"', 1, "name", "expected a name"),
    "terminal codes": ('"minimal"', '"\\u001b[31mred"', 1, "name", "\\x1b[31mred"),
    "bad type": ("[agent]", '[physics]\nvessels = "no"\n[agent]', 11, "physics.vessels", "true or false"),
    "bad porosity": ("[agent]", "[tissues.tumour]\nporosity = 1.5\n[agent]", 11, "porosity", "to 0.9"),
    "no reaction, no end": ("[agent]", '[agent]\nreaction_rate = "0 1/s"', None, "outputs.end", "missing"),
    "step between too short": (
        "[agent]", '[numerics]\nfixed_step = "1 s"\nfixed_step_between = "1e-8 s"\n[agent]', 12,
        "fixed_step_between", "is smaller than smallest_step",
    ),
    "step between alone": (
        "[agent]", '[numerics]\nfixed_step_between = "5 s"\n[agent]', 11, "fixed_step_between", "needs"
    ),
    "end too early": ("[agent]", '[outputs]\nend = "30 s"\n[agent]', 11, "outputs.end", "before the last"),
    "no label maps": ("[agent]", "[geometry.labels]\ntumour = []\n[agent]", 11, "labels.tumour", "one entry"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_CASES)
def test_bad_case(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, line, key, words = BAD_CASES[kind]
    text = MINIMAL.replace('"3d"', '"radial"') if kind == "off centre radial" else MINIMAL
    assert old in text
    path = written(tmp_path, text.replace(old, new, 1))
    code = main(["check", str(path)])
    output = capsys.readouterr()
    assert code == ExitCode.INVALID
    assert "Traceback" not in output.err and output.out == ""
    messages = output.err.splitlines()
    place = f"error: {path}:{line}: " if line else f"error: {path}"
    matching = [
        message for message in messages if message.startswith(place) and words in message and key in message
    ]
    assert len(matching) == 1, output.err
    if kind not in ("unknown table", "no case name"):
        assert len(messages) == 1, output.err
    assert os.listdir(tmp_path) == ["case.toml"]


@pytest.mark.parametrize(
    ("command", "file", "words"),
    [
        ("check", "routes/tace_depot", "this is a comparison file, not a case; use `infusate compare"),
        ("run", "sweeps/ensemble_priors", "this is a sweep file, not a case; use `infusate sweep"),
        ("check", "plans/plan_liver", "this is a plan file, not a case; use `infusate plan"),
        ("sweep", "reference", "this is a case, not a sweep file; use `infusate run"),
        ("plan", "sweeps/ensemble_priors", "this is a sweep file, not a plan file; use `infusate sweep"),
        ("compare", "plans/plan_liver", "this is a plan file, not a case; use `infusate plan"),
    ],
)
def test_a_file_of_another_kind_names_its_command(
    command: str, file: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message instead of as many as it has keys."""
    path = SHIPPED / f"{file}.toml"
    assert main([command, str(path)]) == ExitCode.INVALID
    assert capsys.readouterr().err == f"error: {path}: {words} {path}`\n"


def test_all_problems_in_one_pass_each_once(tmp_path: Path) -> None:
    text = MINIMAL
    changes = [
        BAD_CASES[kind]
        for kind in ("unknown key", "wrong unit", "negative rate", "unknown agent", "wrong choice")
    ]
    for old, new, *_ in changes:
        text = text.replace(old, new, 1)
    with pytest.raises(CaseError) as error:
        load_case(written(tmp_path, text))
    lines = [problem.line for problem in error.value.problems]
    assert lines == sorted(lines)
    assert sorted(lines) == sorted(change[2] for change in changes)


def test_rules_between_keys_are_checked_beside_single_errors(tmp_path: Path) -> None:
    text = (
        MINIMAL.replace('"0 mm"]', '"12 mm"]').replace('"1 mL"', '"1 kg"').replace("[0, 0, -1]", "[0, 0, 0]")
    )
    with pytest.raises(CaseError) as error:
        load_case(written(tmp_path, text))
    assert [problem.line for problem in error.value.problems] == [14, 15, 17]


def test_overlapping_pulses_and_cavities(tmp_path: Path) -> None:
    pulse = MINIMAL[MINIMAL.index("[[injection]]") :]
    near = pulse.replace('"0 mm"]', '"0.5 mm"]')
    with pytest.raises(CaseError) as error:
        load_case(written(tmp_path, MINIMAL + pulse.replace('"0 s"', '"59 s"') + near))
    text = str(error.value)
    assert "injection[1].start: starts at 59 s, before injection[0] at the same tip ends at 60 s" in text
    assert "injection[2].tip: is 0.5 mm from injection[0]" in text
    load_case(written(tmp_path, MINIMAL + pulse.replace('"0 s"', '"60 s"')))


def test_cavity_across_the_tumour_surface(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="surface of the tumour"):
        load_case(written(tmp_path, MINIMAL.replace('"0 mm"]', '"9.9 mm"]')))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "missing"),
        (MINIMAL.encode("utf-16"), "UTF-16"),
        (MINIMAL.encode().replace(b"agent", b"ag\0nt", 1), ":10: holds NUL"),
        (MINIMAL.encode().replace(b"agent", b"ag\xffnt", 1), ":10: not UTF-8"),
        (b"a = 1\n" * 1_000_000, "larger than 2 MB"),
        (bytes(range(1, 256)), "not UTF-8"),
        (b"x = " + b"9" * 10_000, "not valid TOML"),
    ],
)
def test_unreadable_content(raw: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=words) as error:
        load_case(written(tmp_path, raw))
    assert error.value.code == ExitCode.INVALID


def test_missing_and_special_case_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "fifo.toml")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "fifo.toml", Path("/dev/zero"), "a\0b"):
        assert main(["check", str(path)]) == ExitCode.MISSING_INPUT
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_label_files(tmp_path: Path) -> None:
    path = written(tmp_path, LABELS)
    cases = {"missing": ExitCode.MISSING_INPUT, "empty": ExitCode.MISSING_INPUT, "there": None}
    for state, code in cases.items():
        if state != "missing":
            (tmp_path / "labels.nii.gz").write_bytes(b"" if state == "empty" else b"some")
        if code is None:
            load_case(path)
            continue
        with pytest.raises(CaseError, match=r"labels\.nii\.gz") as error:
            load_case(path)
        assert error.value.code == code
    for name in ("labels.txt", "a\\u0000b.nii", "/dev/null"):
        with pytest.raises(CaseError, match=r"geometry.labels.tumour\[0\].path"):
            load_case(written(tmp_path, LABELS.replace("labels.nii.gz", name)))
    with pytest.raises(CaseError, match="is parametric"):
        load_case(written(tmp_path, LABELS.replace('kind = "3d"', 'kind = "3d"\ndomain_radius = "60 mm"')))
    with pytest.raises(CaseError, match='label maps need "3d"'):
        load_case(written(tmp_path, LABELS.replace('"3d"', '"radial"')))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("injection.0.rate", "expected key=value"),
        ("=3", "expected key=value"),
        ("injection.7.rate=1 mL/min", "injection has 1 entry, numbered from 0: there is no entry 7"),
        ("injection.rate=1 mL/min", "injection has 1 entry, numbered from 0; write injection.0.rate"),
        (
            "injection.0.tip.x=1 mm",
            "injection[0].tip has 3 entries, numbered from 0; write injection.0.tip.0 for",
        ),
        ("name.x.y=3", "name holds"),
        ("tissues.tumour.porosty=0.3", 'did you mean "porosity"'),
        ("injection.0.rate=3", "missing unit"),
        ("a..b=3", "cannot read the key"),
        ("injection.0.tip.0.x=3", "tip[0] holds"),
    ],
)
def test_bad_overrides(override: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as error:
        load_case(written(tmp_path, MINIMAL), [override])
    assert words in str(error.value)
    assert f"--set {override}" in str(error.value)


def test_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(written(tmp_path, MINIMAL))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "summary.json").write_text("{}")
    assert main(["run", path, "--out", str(tmp_path / "full")]) == ExitCode.OUTPUT
    assert "--overwrite" in capsys.readouterr().err
    (tmp_path / "full" / "thesis.doc").write_text("years of work")
    assert main(["run", path, "--out", str(tmp_path / "full"), "--overwrite"]) == ExitCode.OUTPUT
    assert "thesis.doc" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path / "full")) == ["summary.json", "thesis.doc"]
    for out in (path, "/proc/nothing/here", path + "/below"):
        assert main(["run", path, "--out", out]) == ExitCode.OUTPUT
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(written(tmp_path, MINIMAL))
    monkeypatch.chdir(tmp_path)
    assert main(["run", path, "--ranks", "5000"]) == ExitCode.RANKS
    assert "--oversubscribe" in capsys.readouterr().err
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    assert main(["run", path]) == ExitCode.RANKS
    assert "--ranks 2" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["case.toml"]


def test_exit_code_of_the_process(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("radius", "raduis", 1))
    command = [sys.executable, "-m", "cases.cli", "run", str(path), "--out", str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert run.returncode == ExitCode.INVALID
    assert run.stderr.startswith(f"error: {path}:5: ") and run.stdout == ""
    assert os.listdir(tmp_path) == ["case.toml"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(MINIMAL)),
            st.integers(0, 8),
            st.sampled_from(
                [
                    '"',
                    "[",
                    "]",
                    "{",
                    "=",
                    ".",
                    "\n",
                    "nan",
                    "1e999",
                    "-1",
                    "[[injection]]",
                    "\\u0000",
                    "[]",
                    "0",
                ]
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_mutilated_cases_are_refused_or_right_but_never_crash(
    tmp_path: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = MINIMAL
    for place, length, new in edits:
        text = text[:place] + new + text[place + length :]
    try:
        case = load_case(written(tmp_path, text))
    except CaseError as error:
        assert all(str(problem).startswith(str(tmp_path)) for problem in error.problems)
    else:
        json.dumps(resolved_tables(case, tmp_path), allow_nan=False)
