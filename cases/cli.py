# SPDX-License-Identifier: MIT
"""The command line. Everything that takes time to import is imported in the function that needs it."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from cases.about import NOTICE, VERSION
from cases.errors import ExitCode
from cases.failures import complain, failure_code

EXAMPLES = """\
examples:
  infusate new my-case                        write a commented case file to start from
  infusate check my-case.toml                 find every mistake in it
  infusate run my-case.toml --ranks 2         run it; results go to results/my-case/
  infusate run my-case.toml --set injection.0.rate="0.5 mL/min" --out results/slow
  infusate explain injection.rate             meaning, unit, range and default of a key
  infusate library generic_tumour             numbers of the library with their sources

exit codes: 0 done, 1 bug, 2 wrong command line, 64 wrong number of ranks, 65 case or data invalid,
66 input missing, 69 feature not installed, 70 solver diverged, 71 physical check failed,
73 output folder, 74 disk full or input/output error, 75 stopped on request, 76 checkpoint damaged
"""

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; by default those of the process.

    Returns:
        The exit code (``cases.errors.ExitCode``).
    """
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(options.command(options))
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.DONE
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        return failure_code(error, options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="infusate",
        description="Simulates an ablation agent injected into a tumour.",
        epilog=f"{EXAMPLES}\n{NOTICE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"infusate {VERSION}\n{NOTICE}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_case_commands(commands)
    _add_picture_commands(commands)
    _add_explore_commands(commands)
    _add_sweep_commands(commands)
    _add_reference_commands(commands)
    return parser


def _command(
    commands: "Commands", name: str, text: str, function: str, module: str = "one_case"
) -> argparse.ArgumentParser:
    """A subcommand that calls a function of a module of ``cases.commands``, imported when called."""

    def call(options: argparse.Namespace) -> int:
        return int(getattr(import_module(f"cases.commands.{module}"), function)(options))

    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.add_argument("--debug", action="store_true", help="print tracebacks")
    parser.set_defaults(command=call)
    return parser


def _add_case_commands(commands: "Commands") -> None:
    run = _command(commands, "run", "Run a case.", "run")
    run.add_argument("case", metavar="CASE", help="case file (TOML)")
    _add_overrides(run)
    run.add_argument(
        "--ranks", type=_positive, default=1, metavar="N", help="number of MPI ranks (default 1)"
    )
    run.add_argument("--out", metavar="DIR", help="result folder (default results/NAME)")
    run.add_argument(
        "--with-control",
        action="store_true",
        help="also run its saline control, in the folder control within, and compare the two",
    )
    instead = run.add_mutually_exclusive_group()
    instead.add_argument("--overwrite", action="store_true", help="replace the results in that folder")
    instead.add_argument("--resume", action="store_true", help="go on from the last checkpoint in it")
    run.add_argument(
        "--checkpoint-every",
        type=_seconds,
        metavar="SECONDS",
        help="wall time between checkpoints (default: the case's, 600)",
    )
    run.add_argument(
        "--stop-after",
        type=_seconds,
        metavar="SECONDS",
        help="wall time after which the run stops with a checkpoint",
    )
    run.add_argument("--oversubscribe", action="store_true", help="allow more ranks than cores")
    run.add_argument("--quiet", action="store_true", help="print errors only")
    run.add_argument(
        "--log-view",
        nargs="?",
        const="",
        metavar="FILE",
        help="have PETSc print its own profile at the end, or write it to a file",
    )
    run.add_argument(
        "--petsc",
        action="append",
        default=[],
        metavar="OPTIONS",
        help='options for PETSc, such as --petsc="-flow_ksp_monitor"; repeatable',
    )

    check = _command(commands, "check", "Find every mistake in a case, without running it.", "check")
    check.add_argument("case", metavar="CASE", help="case file (TOML)")
    _add_overrides(check)
    check.add_argument("--json", action="store_true", help="print the outcome as JSON")

    verify = _command(commands, "verify", "See whether a result agrees with itself.", "verify", "verify")
    verify.add_argument("folder", metavar="DIR", help="result folder")
    verify.add_argument("--json", action="store_true", help="print the findings as JSON")

    new = _command(commands, "new", "Write a commented case file to start from.", "new")
    new.add_argument("name", metavar="NAME", help="name of the case; the file is NAME.toml")
    new.add_argument("--all", action="store_true", help="with every key, those not needed as comments")


def _add_picture_commands(commands: "Commands") -> None:
    report = _command(
        commands, "report", "Draw figures and report again; of several results, a comparison.", "report"
    )
    report.add_argument("folders", metavar="DIR", nargs="+", help="result folder")
    report.add_argument(
        "--out", metavar="FILE", help="page of the comparison (default comparison.html beside the first)"
    )

    figure = _command(commands, "figure", "Draw one figure of a result.", "figure")
    figure.add_argument("folder", metavar="DIR", help="result folder")
    figure.add_argument("name", metavar="NAME", nargs="?", help="of the figure; all names without it")
    figure.add_argument("--list", action="store_true", help="print names and captions of the figures")
    figure.add_argument(
        "--format", choices=("png", "svg", "pdf"), default="png", help="of the file (default png, 300 dpi)"
    )
    figure.add_argument(
        "--time", type=float, metavar="SECONDS", help="stored time to show (the nearest is taken)"
    )
    figure.add_argument(
        "--size", default="own", metavar="SIZE", help="own, column, page, slide, or WIDTHxHEIGHT in mm"
    )
    figure.add_argument(
        "--with",
        dest="others",
        metavar="DIR",
        action="append",
        default=[],
        help="another result, for figures that compare; repeatable",
    )
    figure.add_argument("--out", metavar="FILE", help="file to write (default DIR/figures/NAME.FORMAT)")

    animate = _command(
        commands, "animate", "Film a run: the cut through the needle and the ledger.", "animate"
    )
    animate.add_argument("folder", metavar="DIR", help="result folder")
    animate.add_argument(
        "--field", choices=("concentration", "dose", "pressure"), default="concentration", help="to film"
    )
    animate.add_argument(
        "--format", choices=("mp4", "gif", "webp"), default="mp4", help="of the file (default mp4)"
    )
    animate.add_argument("--out", metavar="FILE", help="file to write (default DIR/FIELD.FORMAT)")


def _add_explore_commands(commands: "Commands") -> None:
    view = _command(commands, "view", "Explore results in the browser.", "view", "explore")
    view.add_argument("folders", metavar="DIR", nargs="+", help="result folder; several stand side by side")
    view.add_argument("--port", type=int, default=0, metavar="N", help="on 127.0.0.1 (default: a free one)")
    view.add_argument("--no-browser", action="store_true", help="print the address only")

    export = _command(commands, "export", "Write a result for other programs.", "export", "explore")
    export.add_argument("folder", metavar="DIR", help="result folder")
    export.add_argument("--nifti", action="store_true", help="images on the grid of the patient's image")
    export.add_argument("--stl", action="store_true", help="surfaces of ablation zone and tumour")
    export.add_argument("--paraview", action="store_true", help="script that sets the scene in ParaView")
    export.add_argument("--scene", action="store_true", help="interactive page, as in the report")
    export.add_argument(
        "--fields",
        metavar="NAMES",
        help="of --nifti: overlay, zone, tumour, ct, peak, concentration, pressure, or keys of fields",
    )
    export.add_argument(
        "--like", metavar="IMAGE", help="image whose grid is used (default: the case's labels)"
    )
    _add_level(export)
    export.add_argument("--out", metavar="FOLDER", help="where to write (default: the result folder)")

    lesion = _command(
        commands, "compare-lesion", "Set an observed lesion against the zone.", "compare_lesion", "explore"
    )
    lesion.add_argument("folder", metavar="DIR", help="result folder")
    lesion.add_argument(
        "mask", metavar="MASK", help="label map after treatment, registered to the first image"
    )
    lesion.add_argument(
        "--label", type=int, action="append", default=[], metavar="N", help="of the lesion (default: all)"
    )
    _add_level(lesion)
    lesion.add_argument("--out", metavar="FILE", help="JSON to write (default DIR/lesion.json)")


def _add_level(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threshold",
        metavar="LEVEL",
        help='of the zone, such as "75 mg min/L", or a number in SI (default: the middle one of the case)',
    )
    parser.add_argument(
        "--measure", choices=("ct", "peak"), default="ct", help="what the threshold is held against"
    )


def _add_sweep_commands(commands: "Commands") -> None:
    sweep = _command(commands, "sweep", "Run many cases; what is done is never run again.", "sweep", "sweep")
    sweep.add_argument(
        "what",
        metavar="SWEEP",
        nargs="+",
        help="sweep file (TOML); or `status DIR`, `report DIR`, `compare DIR DIR`",
    )
    sweep.add_argument("--out", metavar="DIR", help="folder of the sweep (default results/NAME)")
    sweep.add_argument("--dry-run", action="store_true", help="say how many cases, how long, how much disk")
    sweep.add_argument(
        "--engine", choices=("snakemake", "serial"), default="snakemake", help="what starts the batches"
    )
    words = "cores to use (default: all), or jobs in Slurm's queue (100)"
    sweep.add_argument("--cores", type=_positive, metavar="N", help=words)
    sweep.add_argument("--slurm", action="store_true", help="submit the batches to Slurm")
    sweep.add_argument("--profile", metavar="DIR", help="submit them as a profile of Snakemake says")
    sweep.add_argument("--retry-failed", action="store_true", help="run failed cases again")
    sweep.add_argument("--quiet", action="store_true", help="print errors only")

    for name, purpose, module in (
        ("plan", "Search for an injection that reaches a goal.", "plan"),
        ("compare", "Set ways in to one tumour side by side: vessels, injections.", "compare"),
    ):
        parser = _command(commands, name, purpose, name, module)
        if name == "plan":
            parser.add_argument(name, metavar="PLAN", help="planning file (TOML)")
        else:
            text = "comparison file or case (TOML), or result folder; several stand side by side"
            parser.add_argument(name, metavar="CASE", nargs="+", help=text)
            parser.add_argument("--ranks", type=_positive, default=1, metavar="N", help="MPI ranks")
            parser.add_argument("--oversubscribe", action="store_true", help="allow more ranks than cores")
        usual = "results/NAME" if name == "plan" else "results/compare-NAME"
        parser.add_argument("--out", metavar="DIR", help=f"result folder (default {usual})")
        parser.add_argument("--overwrite", action="store_true", help="replace the results in that folder")
        parser.add_argument("--quiet", action="store_true", help="print errors only")

    fit = _command(commands, "fit", "Fit tissue to a measured pressure.", "fit", "fit")
    fit.add_argument("case", metavar="CASE", help="case of the infusion; it is run in radial geometry")
    fit.add_argument("trace", metavar="TRACE", help='CSV, columns "time [UNIT]" and "pressure [UNIT]"')
    _add_overrides(fit)
    fit.add_argument(
        "--parameter",
        action="append",
        metavar="NAME",
        help="to fit; repeatable (default: all four)",
    )
    fit.add_argument("--out", metavar="FILE", help="JSON to write (default beside the trace)")


def _add_reference_commands(commands: "Commands") -> None:
    _command(commands, "schema", "Print the JSON Schema of case files, for editors.", "schema")
    explain = _command(commands, "explain", "Explain a key of the case file.", "explain")
    explain.add_argument("key", metavar="KEY", help="such as injection.rate")
    library = _command(
        commands, "library", "Print agents, tissues and needles with their sources.", "library"
    )
    library.add_argument("name", metavar="NAME", nargs="?", help="one entry; all names by default")
    doctor = _command(
        commands, "doctor", "Print versions, and what is missing in this installation.", "doctor"
    )
    doctor.add_argument("--json", action="store_true", help="print as JSON")


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help='replace a value of the case, such as injection.0.rate="2 mL/min"; repeatable',
    )


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number of seconds")
    return number


def program() -> int:
    """As `main`, for a process of its own."""
    code = main()
    if code == ExitCode.INPUT_OUTPUT:
        # HDF5 writes what it has left when a process ends, and takes it down where it cannot
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(program())
