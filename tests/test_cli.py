# SPDX-License-Identifier: MIT
"""The command line: light to start, clear to read, and faithful with exit codes."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cases.about import NOTICE, VERSION, remind_once, state_folder
from cases.cli import main
from cases.commands.starter import starter_text
from cases.errors import ExitCode, UserError
from cases.reading.explain import explanation
from cases.running.launch import run_forwarding_signals, without_explanations
from cases.running.request import Request
from cases.schema.case import CaseFile
from tests.case_files import MINIMAL, REFERENCE, written

pytestmark = pytest.mark.serial
ROOT = Path(__file__).parents[1]
HEAVY = ("dolfinx", "mpi4py", "pyvista", "vtk", "scipy", "numba", "pint", "numpy", "pydantic", "matplotlib")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    # imports are counted, not seconds, so that a busy machine cannot fail the test
    program = (
        "import sys\nfrom cases.cli import main\n"
        f"main({arguments!r})\nprint(*{{name.split('.')[0] for name in sys.modules}}, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not set(HEAVY) & set(run.stderr.split())


def test_check_imports_no_solver() -> None:
    program = (
        "import sys\nfrom cases.cli import main\n"
        f"assert main(['check', {str(REFERENCE)!r}]) == 0\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    # pint itself imports the top of scipy where it finds one; the table of laws brings numba, 0.15 s
    assert not {"dolfinx", "mpi4py", "petsc4py", "pyvista", "vtk", "matplotlib"} & set(run.stderr.split())


def test_the_intended_use_is_stated_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        remind_once(tmp_path / "infusate")
    assert capsys.readouterr().err == f"{NOTICE}\n"
    (tmp_path / "file").touch()
    remind_once(tmp_path / "file")
    assert NOTICE in capsys.readouterr().err


STOPPED = {
    "compare": "cases.routes.compare_worker.follow_all",
    "sweep": "cases.sweeps.engine.run_serially",
    "plan": "cases.commands.plan.search_plan",
    "fit": "cases.commands.fit.fit_trace",
}
"""What solves behind a command."""


@pytest.mark.parametrize("command", STOPPED)
def test_every_command_that_solves_states_the_intended_use(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise UserError("stopped", ExitCode.STOPPED)

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(STOPPED[command], stop)
    asked = tmp_path / "asked.toml"
    axis = '[[axis]]\nkey = "injection.0.volume"\nvalues = ["1 mL"]\n'
    variable = (
        '[goal]\ncoverage = 0.6\n[[variable]]\nkey = "injection.0.volume"\nlow = "1 mL"\nhigh = "2 mL"\n'
    )
    asked.write_text(f'name = "asked"\ncase = "{REFERENCE}"\n{variable if command == "plan" else axis}')
    trace = tmp_path / "trace.csv"
    trace.write_text("time [s],pressure [kPa]\n" + "".join(f"{i},{i}\n" for i in range(20)))
    out = ["--out", str(tmp_path / "out")]
    arguments = {
        "compare": [str(REFERENCE), *out],
        "sweep": [str(asked), "--engine", "serial", *out],
        "plan": [str(asked), *out],
        "fit": [str(REFERENCE), str(trace)],
    }[command]
    assert main([command, *arguments]) == ExitCode.STOPPED
    assert capsys.readouterr().err.startswith(f"{NOTICE}\n")
    if command != "compare":
        main([command, *arguments])
        assert NOTICE not in capsys.readouterr().err


def test_the_suite_keeps_nothing_about_its_user() -> None:
    """What a user has been told is remembered elsewhere while tests run, and taken for said."""
    assert "infusate-state-" in str(state_folder())
    assert (state_folder() / "intended-use-stated").exists()


def test_version_states_the_intended_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.DONE
    output = capsys.readouterr().out
    assert VERSION in output and NOTICE in " ".join(output.split())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["run"],
        ["run", "a.toml", "--rank", "2"],
        ["run", "a.toml", "--ranks", "0"],
        ["run", "a.toml", "--ranks", "two"],
        ["check"],
        ["check", "a", "b"],
        ["new", "My Case"],
        ["new", "../x"],
        ["explain", "injection.rat"],
        ["library", "generic_tumor"],
    ],
)
def test_wrong_command_lines(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == ExitCode.USAGE
    output = capsys.readouterr()
    assert "error: " in output.err and "Traceback" not in output.err


def test_new_gives_a_valid_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my-case"]) == ExitCode.DONE
    assert main(["check", "my-case.toml"]) == ExitCode.DONE
    assert main(["new", "my-case"]) == ExitCode.OUTPUT
    assert "my-case.toml exists" in capsys.readouterr().err
    # the commented keys are keys too: uncommented, none is unknown
    assert main(["new", "long", "--all"]) == ExitCode.DONE
    assert main(["check", "long.toml"]) == ExitCode.DONE
    text = (tmp_path / "long.toml").read_text()
    everything = "\n".join(
        line.removeprefix("# ")
        if line.startswith("# ") and (" = " in line or line.startswith("# ["))
        else line
        for line in text.splitlines()
    )
    (tmp_path / "all.toml").write_text(everything)
    assert main(["check", "all.toml"]) == ExitCode.INVALID
    assert "unknown key" not in capsys.readouterr().err


def test_the_starter_is_short_and_names_the_rest() -> None:
    """Both starters state the same; what the short one names is a key or a table, and no table lacks."""
    short, everything = starter_text("mine"), starter_text("mine", everything=True)
    assert tomllib.loads(short) == {key: value for key, value in tomllib.loads(everything).items() if value}
    assert len(short.splitlines()) < 70
    above = ""
    named = set()
    for line in short.replace(",\n#: ", ", ").splitlines():
        above = line.strip("[]") if line.startswith("[") else above
        for name in line.partition("also: ")[2].split(", ") if "also: " in line else ():
            key = name.strip("[]") if name.startswith("[") else f"{above}.{name}".strip(".")
            assert explanation(key), name
            named.add(key)
    assert {"injection.needle", "physics", "chemistry", "geometry.labels", "title"} <= named
    assert set(CaseFile.model_fields) <= {key.split(".")[0] for key in named} | set(tomllib.loads(short))


def test_check_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", str(REFERENCE)]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["valid"] is True
    path = written(tmp_path, MINIMAL.replace("rate =", "rat ="))
    assert main(["check", "--json", str(path)]) == ExitCode.INVALID
    answer = json.loads(capsys.readouterr().out)
    assert [(p["line"], p["key"]) for p in answer["problems"]] == [
        (13, "injection[0].rate"),
        (18, "injection[0].rat"),
    ]


def test_reference_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["title"] == "CaseFile"
    assert main(["explain", "injection[0].rate"]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert "volume per time" in text and "optional" in text and "range" in text
    assert main(["explain", "numerics.first_step"]) == ExitCode.DONE
    assert '"0.1 s"' in capsys.readouterr().out
    assert main(["explain", "needles.mine.outer_diameter"]) == ExitCode.DONE
    capsys.readouterr()
    assert main(["library"]) == ExitCode.DONE
    assert "chlorine_dioxide" in capsys.readouterr().out
    assert main(["library", "subcutis"]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert "6.4e-15 m^2/(Pa s)" in text and "from generic_tumour" in text


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    assert code == (ExitCode.DONE if all(findings.values()) else ExitCode.UNAVAILABLE)
    assert findings["pydantic"]


def test_report_of_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == ExitCode.MISSING_INPUT
    assert "summary.json" in capsys.readouterr().err


def test_a_bug_prints_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        raise RuntimeError("unexpected")

    monkeypatch.setattr("cases.commands.one_case.schema", broken)
    assert main(["schema"]) == ExitCode.BUG
    assert "RuntimeError: unexpected" in capsys.readouterr().err


def test_requests_survive_the_command_line() -> None:
    overrides = ("a.b=1 mL/min", "title=--quiet", "x=\n")
    request = Request(case="-odd.toml", out="o ut", overrides=overrides, ranks=3, quiet=True)
    arguments = request.arguments()
    assert "--quiet" in arguments and "--ranks=3" in arguments
    assert arguments[-3:] == ["--", "-odd.toml", "o ut"]
    assert "--set=title=--quiet" in arguments


def test_exit_codes_and_signals_pass_unchanged() -> None:
    assert run_forwarding_signals([sys.executable, "-c", "raise SystemExit(71)"]) == 71
    assert run_forwarding_signals([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137


def test_what_is_launched_leaves_standard_input_alone(tmp_path: Path) -> None:
    """`while read case; do infusate run $case --ranks 2; done < list` runs all that are on the list."""
    (tmp_path / "list").write_text("first\nsecond\n", encoding="utf-8")
    program = (
        "import sys\nfrom cases.running.launch import run_forwarding_signals\n"
        "reader = 'import sys; sys.exit(len(sys.stdin.read()))'\n"
        "print(run_forwarding_signals([sys.executable, '-c', reader]), repr(sys.stdin.read()))"
    )
    with (tmp_path / "list").open(encoding="utf-8") as stream:
        run = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=stream,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    assert run.stdout.split(maxsplit=1) == ["0", "'first\\nsecond\\n'\n"]


def test_a_signal_reaches_the_run_and_its_exit_code_comes_back() -> None:
    handler = "signal.signal(15, lambda *_: sys.exit(75))"
    # not one long sleep: Python 3.14 notices a signal that comes just before it only when it is over
    child = f"import signal, sys, time\n{handler}\nprint(flush=True)\nfor _ in range(300): time.sleep(0.1)"
    program = (
        "import sys\nfrom cases.running import launch\nsys.exit(launch.run_forwarding_signals(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, sys.executable, "-c", child]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    os.kill(parent.pid, signal.SIGTERM)
    assert parent.wait() == 75
    parent.stdout.close()


def test_launcher_noise_is_dropped_and_nothing_else() -> None:
    ruler = 74 * "-" + "\n"
    exited = "prterun detected that one or more processes exited with non-zero status,\n"
    noise = [ruler, exited, "Exit code: 65\n", ruler]
    abort = [ruler, "MPI_ABORT was invoked on rank 0 in communicator MPI_COMM_WORLD\n", ruler]
    six = [ruler, "\n", "prterun has exited due to process rank 0 on node vm calling\n", "abort.\n", ruler]
    noise += [*six, ruler, "A deprecated MCA variable value was specified in the environment\n", ruler]
    ours = [
        "error: case.toml:3: x\n",
        ruler,
        "There are not enough slots available in the system\n",
        ruler,
        "end\n",
    ]
    assert (
        list(without_explanations([*ours[:1], *noise, *abort, "[vm:1] PMIX ERROR: x\n", *ours[1:]])) == ours
    )
    assert list(without_explanations([ruler, "cut off\n"])) == [ruler, "cut off\n"]
    assert list(without_explanations(["\0error: gone\n"])) == ["error: gone\n"]


def infusate(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own, without what MPI has told this one."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM", "PMI", "PRTE_", "MPI_LOCAL"))
    }
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "cases.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def test_a_run_leaves_a_result_and_never_overwrites_it(tmp_path: Path) -> None:
    pytest.importorskip("dolfinx")
    coarse = ["--set", "numerics.cells_per_front=0.5", "--set", "outputs.end=61 s", "--quiet"]
    petsc = ["--log-view=profile.txt", "--petsc=-flow_ksp_view"]
    run = infusate("run", str(REFERENCE), *coarse, *petsc, folder=tmp_path)
    assert run.returncode == ExitCode.DONE, run.stderr
    assert "KSP Object: (flow_)" in run.stdout
    assert "PETSc Performance Summary" in (tmp_path / "profile.txt").read_text()
    results = tmp_path / "results" / "reference"
    summary = json.loads((results / "summary.json").read_text())
    assert summary["status"] == "complete" and summary["ranks"] == 1
    timing = summary["timing"]
    assert sum(timing["stages"].values()) == pytest.approx(timing["total_s"])
    assert {"mesh", "set-up", "pressure", "transport", "limiter", "metrics", "output"} < set(timing["stages"])
    before = {path.name: path.stat().st_mtime_ns for path in results.iterdir()}
    run = infusate("run", str(REFERENCE), *coarse, folder=tmp_path)
    assert run.returncode == ExitCode.OUTPUT and "--overwrite" in run.stderr
    assert {path.name: path.stat().st_mtime_ns for path in results.iterdir()} == before


@pytest.mark.parametrize("ranks", ["1", "2"])
def test_corrupt_labels_end_in_one_line_and_leave_nothing(ranks: str, tmp_path: Path) -> None:
    pytest.importorskip("dolfinx")
    labels = MINIMAL.replace('domain_radius = "60 mm"', "").replace(
        '[geometry.tumour]\nradius = "10 mm"', '[geometry.labels]\ntumour = { path = "bad.nii.gz" }'
    )
    (tmp_path / "bad.nii.gz").write_bytes(b"no gzip file at all")
    path = written(tmp_path, labels)
    run = infusate("run", str(path), "--ranks", ranks, "--oversubscribe", "--quiet", folder=tmp_path)
    assert run.returncode == ExitCode.MISSING_INPUT
    assert "bad.nii.gz" in run.stderr and "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert not (tmp_path / "results" / "minimal").exists()
