# SPDX-License-Identifier: MIT
"""What each command of the command line does; each returns an exit code."""

import json
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cases.about import remind_once, state_folder
from cases.errors import CaseError, ExitCode, UserError

if TYPE_CHECKING:
    from cases.case import Case


def run(options: Namespace) -> int:
    """Run a case, and its saline control beside it if that is asked for."""
    code = _run(options)
    if options.with_control and code == ExitCode.DONE:
        code = _control(options)
    return code


def _control(options: Namespace) -> int:
    """Run the saline control of a case in a folder within its result, and compare the two."""
    from cases.reading.load import load_case

    out = Path(options.out) if options.out else Path("results") / load_case(options.case, options.set).name
    control = out / "control"
    changes = {"set": [*options.set, 'physics.control="saline"'], "out": str(control)}
    code = _run(Namespace(**{**vars(options), **changes}))
    if code == ExitCode.DONE:
        with _drawing():
            from postprocess.pages.compare import build_comparison

            page = build_comparison([out, control], out / "comparison.html")
        if not options.quiet:
            print(f"comparison: {page}")
    return code


def _run(options: Namespace) -> int:
    """Check a case and its output folder, then run it here or on several ranks."""
    from cases.reading.load import load_case
    from cases.running.launch import launch, require_installed, require_ranks
    from cases.running.output import tidy
    from cases.running.request import Keeping, Request

    case = load_case(options.case, options.set)
    require_ranks(options.ranks, options.oversubscribe)
    require_installed()
    if not options.quiet:
        remind_once(state_folder())
    out = Path(options.out) if options.out else Path("results") / case.name
    keeping = Keeping(resume=options.resume, every=options.checkpoint_every, stop_after=options.stop_after)
    if _made_ready(out, case, options):
        print(f"{out}: is complete, nothing is left to do")
        return ExitCode.DONE
    request = Request(
        case=options.case,
        out=str(out),
        overrides=tuple(options.set),
        ranks=options.ranks,
        quiet=options.quiet,
        debug=options.debug,
        petsc=_petsc_options(options),
        keeping=keeping,
    )
    code: int = ExitCode.BUG
    try:
        code = launch(request)
    finally:
        tidy(out, code)
    if (out / "summary.json").exists():
        _show(out, case.figures and code in (ExitCode.DONE, ExitCode.UNPHYSICAL), options.quiet)
    return code


def _made_ready(out: Path, case: "Case", options: Namespace) -> bool:
    """Prepare the result folder; returns whether it holds the complete result already."""
    from cases.running.output import prepare
    from cases.running.resume import claimed, prepare_to_go_on

    if not out.is_dir():
        prepare(out, options.overwrite)
        return False
    with claimed(out):
        if options.resume:
            return prepare_to_go_on(out, case)
        prepare(out, options.overwrite)
    return False


def _petsc_options(options: Namespace) -> tuple[str, ...]:
    """What the command line asks of PETSc, in its own words."""
    profile = [] if options.log_view is None else [f"-log_view :{options.log_view}".removesuffix(" :")]
    return (*profile, *options.petsc)


def _show(folder: Path, draw: bool, quiet: bool) -> None:
    """Print the table of a result, and draw its figures and report."""
    from postprocess.pages.table import summary_table

    if not quiet:
        print(summary_table(json.loads((folder / "summary.json").read_text(encoding="utf-8"))))
    if draw:
        from postprocess.pages.report import build_report

        page = build_report(folder)
        if not quiet:
            print(f"report: {page}")


def check(options: Namespace) -> int:
    """Check a case; prints what it will do, or every problem."""
    from cases.commands.describe import description
    from cases.commands.survey import structure_line, structures
    from cases.reading.load import load_case

    try:
        case = load_case(options.case, options.set)
        found, notes = structures(case, options.set)
    except CaseError as error:
        if not options.json:
            raise
        print(
            json.dumps(
                {"valid": False, "problems": [_problem(problem) for problem in error.problems]}, indent=2
            )
        )
        return error.code
    facts = description(case)
    if options.json:
        print(json.dumps({"valid": True, **facts, "structures": found, "notes": list(notes)}, indent=2))
    else:
        print(f"{options.case}: valid")
        for name, value in facts.items():
            print(f"  {name:<12} {value}")
        for entry in found:
            print(f"  {entry['name'].replace('_', ' '):<12} {structure_line(entry)}")
        for note in notes:
            print(f"  note: {note}")
    return ExitCode.DONE


def new(options: Namespace) -> int:
    """Write a starter case, ``NAME.toml`` in the current folder."""
    from cases.commands.starter import starter_text

    path = Path(f"{options.name}.toml")
    text = starter_text(options.name, options.all)
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UserError(f"{path} exists; choose another name", ExitCode.OUTPUT) from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
    print(f"wrote {path}; next: infusate check {path}")
    return ExitCode.DONE


def report(options: Namespace) -> int:
    """Draw figures and report of a result folder again, or compare several."""
    folders = _result_folders(options.folders)
    with _drawing():
        if len(folders) == 1 and not options.out:
            from postprocess.pages.report import build_report

            print(f"wrote {build_report(folders[0])}")
        else:
            from postprocess.pages.compare import PageInTheWay, build_comparison

            page = Path(options.out) if options.out else folders[0].parent / "comparison.html"
            try:
                print(f"wrote {build_comparison(folders, page)}")
            except PageInTheWay as error:
                raise UserError(str(error), ExitCode.OUTPUT) from error
    return ExitCode.DONE


def figure(options: Namespace) -> int:
    """Draw one figure of a result, or print what there is."""
    folders = _result_folders([options.folder, *options.others])
    with _drawing():
        from postprocess.figures.ask import figure_list, write_figure

        if options.list or options.name is None:
            print(figure_list(folders[0]))
            return ExitCode.DONE
        out = Path(options.out) if options.out else None
        print(f"wrote {write_figure(folders, options.name, out, vars(options))}")
    return ExitCode.DONE


def animate(options: Namespace) -> int:
    """Film a run."""
    (folder,) = _result_folders([options.folder])
    with _drawing():
        from postprocess.figures.animation import animate as film
        from postprocess.results.result import open_result

        out = Path(options.out) if options.out else folder / f"{options.field}.{options.format}"
        print(f"wrote {film(open_result(folder), out, options.field)}")
    return ExitCode.DONE


def _result_folders(names: list[str]) -> list[Path]:
    """Result folders of a command line, each seen to hold a summary."""
    for name in names:
        if not (Path(name) / "summary.json").is_file():
            raise UserError(f"{name}: no result folder (no summary.json in it)", ExitCode.MISSING_INPUT)
    return [Path(name) for name in names]


@contextmanager
def _drawing() -> Iterator[None]:
    """Says in one line that a library for drawing is missing, or that a result cannot be drawn."""
    try:
        from postprocess.results.result import ResultError
    except ImportError as error:
        raise UserError(f"cannot draw: {error.name} is not installed", ExitCode.UNAVAILABLE) from error
    try:
        yield
    except ImportError as error:
        raise UserError(f"cannot draw: {error.name} is not installed", ExitCode.UNAVAILABLE) from error
    except ResultError as error:
        raise UserError(str(error), ExitCode.INVALID) from error


def schema(options: Namespace) -> int:
    """Print the JSON Schema of case files."""
    from cases.schema.case import CaseFile

    print(json.dumps(CaseFile.model_json_schema(), indent=2))
    return ExitCode.DONE


def explain(options: Namespace) -> int:
    """Print meaning, unit, range and default of a key."""
    from cases.reading.explain import explanation

    print(explanation(options.key))
    return ExitCode.DONE


def library(options: Namespace) -> int:
    """Print the library, or one entry with the source and status of each number."""
    from cases.reading.explain import library_entry, library_list

    print(library_entry(options.name) if options.name else library_list())
    return ExitCode.DONE


def doctor(options: Namespace) -> int:
    """Print versions; code 69 if something needed is missing."""
    from cases.commands.doctor import examine

    findings = examine()
    if options.json:
        print(json.dumps(findings, indent=2))
    else:
        for name, version in findings.items():
            print(f"  {name:<14} {version or 'MISSING'}")
    return ExitCode.DONE if all(findings.values()) else ExitCode.UNAVAILABLE


def _problem(problem: object) -> dict[str, object]:
    from dataclasses import asdict

    from cases.errors import Problem, dotted

    assert isinstance(problem, Problem)
    return {**asdict(problem), "key": dotted(problem.key)}
